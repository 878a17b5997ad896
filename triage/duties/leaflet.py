"""``leggimi.txt`` of an export: what each part is, in plain Italian, for the person who gets it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

FILE = "leggimi.txt"


@dataclass(frozen=True, slots=True)
class Counts:
    """How much an export holds. ``others``: messages that others sent, which are only listed."""

    cases: int
    messages: int
    originals: int
    others: int
    gone: int
    """Messages whose text is kept no longer."""


def leaflet(address: str, reference: str, on: str, counts: Counts, *, with_others: bool) -> str:
    """The whole text; ``on``: the day, as people write it."""
    return _TEXT.format(
        address=address,
        reference=reference,
        on=on,
        cases=counts.cases,
        messages=counts.messages,
        originals=counts.originals,
        gone=_gone(counts.gone),
        others=_WITH_OTHERS if with_others else _others(counts.others),
    )


def _gone(number: int) -> str:
    if not number:
        return ""
    messages = "un messaggio non c'è più il testo" if number == 1 else f"{number} messaggi non c'è più il testo"
    return (
        f"\nDi {messages}: era passato il tempo per cui si conserva, ed è stato\n"
        "cancellato. Resta la riga che dice quando è arrivato e che cosa ne è stato.\n"
    )


def _others(number: int) -> str:
    if not number:
        return "Nei suoi casi non ci sono messaggi scritti da altre persone."
    many = "c'è un messaggio scritto" if number == 1 else f"ci sono {number} messaggi scritti"
    return (
        f"Nei suoi casi {many} da altre persone o da uffici. In dati.json\n"
        "sono elencati, ma il testo non è qui: la copia dei suoi dati non deve ledere i\n"
        "diritti degli altri (articolo 15, paragrafo 4). Se le serve, lo chieda: l'ufficio\n"
        "valuta caso per caso."
    )


_WITH_OTHERS = """Ci sono anche i messaggi che altre persone e altri uffici hanno scritto nei suoi
casi: l'ufficio ha valutato che si possono dare. Li tratti con riservatezza."""

_TEXT = """I SUOI DATI NEL SERVIZIO DI SMISTAMENTO DELLA POSTA

Richiesta: {reference}
Indirizzo: {address}
Data:      {on}

Questa è la copia dei dati che il servizio di smistamento della posta conserva su di
lei, cercati con l'indirizzo scritto qui sopra. È prevista dagli articoli 15 e 20 del
Regolamento europeo sulla protezione dei dati (GDPR). Se ci ha scritto anche da altri
indirizzi, chieda che cerchiamo anche quelli.

Messaggi suoi: {messages}. Casi: {cases}. Originali in questa copia: {originals}.
{gone}
CHE COSA C'È

originali/   I messaggi che ci ha mandato, così come sono arrivati. Si aprono con un
             programma di posta. Il nome del file è il numero del messaggio.

dati.json    Tutto il resto, in una forma che anche un altro programma può leggere.
             Dentro ci sono:

  casi                 Le conversazioni. Il codice è quello che trova nelle nostre mail.
  messaggi             Di ogni messaggio: quando è arrivato, in quale casella, se c'è
                       l'originale e, se non c'è, perché.
  decisioni            A quale centro il programma ha proposto di mandarlo o l'ha
                       mandato, per quale comune e quale argomento, quanto era sicuro
                       (fiducia: da 0 a 1) e per quali motivi. Il programma sceglie solo
                       a chi va il messaggio: non decide niente su di lei.
  decisioni_di_persone Che cosa ha deciso una persona dell'ufficio, con le sue note.
  testi_scritti_dal_personale
                       Che cosa le ha scritto il personale.
  invii                Che cosa è partito per quel messaggio: l'inoltro al centro, la
                       conferma di ricevuta, le risposte. Della conferma di ricevuta non
                       conserviamo il testo: è uguale per tutti.
  tornato_indietro     Se una mail non è arrivata, o un centro ha detto che il caso non
                       è suo.
  controlli            Se il messaggio è stato estratto per controllare il lavoro del
                       programma, e che cosa ha detto chi l'ha controllato.
  registro_errori_di_invio
                       Se un messaggio è andato a un centro sbagliato, e che cosa si è
                       fatto perché lo cancellasse.
  regole_imparate      Se una persona ha detto al programma come trattare i suoi
                       messaggi successivi.
  addestramento        Quanti suoi messaggi, con la risposta giusta data da una persona,
                       possono essere serviti a insegnare al programma. Prima si
                       tolgono nomi, indirizzi, numeri e date di nascita.

GLI ALTRI

{others}

CHE COSA NON C'È

I nomi delle persone dell'ufficio che se ne sono occupate. Le copie di sicurezza, che
contengono gli stessi dati. Quello che i centri conservano per conto loro: lo chieda al
centro.

I SUOI DIRITTI

Può chiedere di correggere i suoi dati (articolo 16), di cancellarli (articolo 17), di
usarli solo in parte (articolo 18), e può opporsi (articolo 21). Scriva alla stessa
casella e indichi il numero della richiesta. Se pensa che i suoi diritti non siano
rispettati può rivolgersi al Garante per la protezione dei dati personali
(www.garanteprivacy.it).
"""
