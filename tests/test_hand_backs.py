"""What a centre writes below a case's code: only what surely hands it back opens the case again."""

from __future__ import annotations

import pytest

from triage.hand_backs import hands_back

HAND_BACKS = """
Non è per noi.
Buongiorno, non è di nostra competenza: la famiglia abita a Crema. Saluti.
Il comune di Suzzara non rientra nel nostro ambito.
Vi restituiamo il messaggio: la signora è di Mantova.
Siamo al completo, vi chiediamo di indirizzarla a un altro centro.
Questa famiglia è fuori dal nostro territorio.
Ve lo rimando, non seguiamo quel comune.
Ci è arrivata per errore, è da girare al centro di Cremona.
Castiglione non è nostro territorio, credo sia dell'Alto Mantovano.
Non possiamo prenderla in carico, è residente nell'ambito di Crema.
Zona sbagliata: è dell'Oglio Po.
Tema non nostro, riguarda l'invalidità civile.
Non ci compete, grazie.
Da inoltrare a Viadana.
Per competenza territoriale va inviata a Mantova.
Siamo pieni fino a giugno e non riusciamo a seguirla.
Lista d'attesa piena, provate con un altro centro.
Mi spiace ma non copriamo questa zona.
Non riguarda noi, è un caso di Casalmaggiore.
Buongiorno, abbiamo letto: non ci riguarda. La famiglia vive nel cremasco.
""".strip().split("\n")

SEEN_LATER = """
La famiglia non è del nostro territorio, la restituiamo.
Scusate ma Asola non è di competenza del nostro centro.
Vi rimandiamo la mail, il comune è Curtatone.
Al momento siamo pieni, potete passarla a qualcun altro?
Gentili, questa signora non la seguiamo noi, è di Crema. Non è per noi.
Abbiamo sentito la signora: abita a Goito, quindi non è di nostra competenza.
La richiesta riguarda il SERD, non è competenza nostra.
""".strip().split("\n")

INNOCENT = """
Non è per noi un problema seguirla, la sentiamo domani.
Non è per noi? La famiglia abita a Viadana, quindi direi di sì.
Siamo pieni di lavoro ma la chiamiamo entro venerdì.
Non abbiamo più posto giovedì, le abbiamo proposto venerdì alle 10.
Lista d'attesa piena fino a marzo: l'abbiamo messa in lista per aprile.
Vi rimando il modulo firmato.
Ve lo rimando compilato in ogni parte.
Vi restituiamo la richiesta di rimborso con la firma del coordinatore.
Il certificato era arrivato per errore in bianco, ce ne serve una copia.
La signora è fuori zona per lavoro, la richiamiamo lunedì.
Abita in un altro territorio ma il bambino va a scuola qui: la seguiamo noi.
Non è il nostro comune a rilasciare il bonus, ma del resto ce ne occupiamo.
Non è di nostra competenza il bonus nido; per il resto la accogliamo volentieri.
Non ci riguarda solo la parte economica.
Il servizio non nostro è la mensa, il resto lo prendiamo in carico.
La mamma cerca un altro centro estivo, le abbiamo dato i nostri orari.
Il verbale è da inoltrare al pediatra?
Da mandare a lei: il nostro volantino.
La zona sbagliata era solo nella scheda: è nostra.
Abbiamo fissato un colloquio martedì; non rientra dalle nostre parti prima di allora.
""".strip().split("\n")

SEEN_LATER_TOO = """
La signora ha sbagliato zona ma va bene così, ci pensiamo noi.
Abbiamo già contattato la mamma, non è fuori territorio.
Vi rimandiamo alla nostra carta dei servizi.
Il papà chiede di un altro territorio per la nonna.
Non abbiamo più posti nel gruppo mamme, ma le proponiamo lo sportello.
Se non è per noi fatecelo sapere.
""".strip().split("\n")


SURE = """
Non è per noi.
Non e' per noi
NON È PER NOI!!!
nn è per noi
Non ci compete, grazie.
Buongiorno, non è di nostra competenza. Saluti.
Non di ns competenza
Non nostro.
non siamo competenti per territorio
Zona sbagliata
""".strip().split("\n")

IN_THEIR_WORDS = [text for text in HAND_BACKS + SEEN_LATER if text not in SURE]


@pytest.mark.parametrize("text", SURE)
def test_a_short_answer_that_says_nothing_else_hands_back(text: str) -> None:
    assert hands_back("Re: [7K-ABCD2345] Orari", f"{text}\n\nLia Bo\nCentro Nord\n")


def test_words_of_their_own_wait_for_a_person() -> None:
    """True and innocent ones sound alike: none opens a case by itself."""
    texts = [text for text in (*IN_THEIR_WORDS, *INNOCENT, *SEEN_LATER_TOO) if text != "Non ci compete, grazie."]
    assert [t for t in texts if hands_back("Re: [7K-ABCD2345] Orari", f"{t}\n\nLia Bo\nCentro Nord\n")] == []
    assert not hands_back("Re: [7K-ABCD2345] Orari", "Non è per noi.\nMa la seguiamo noi\n")


@pytest.mark.parametrize(
    "subject",
    [
        "Non Ã¨ per noi",
        "[EXTERNAL] Non è per noi",
        "{Spam?} Non è per noi",
        "Non e' per noi",
        "Non ? per noi",
        "R: Non è per noi",
    ],
)
def test_the_link_is_known_whatever_a_gateway_does_to_its_subject(subject: str) -> None:
    assert hands_back(f"{subject} [7K-ABCD2345]", "Codice: 7K-ABCD2345\n")


def test_the_mail_of_our_own_link_hands_back_whatever_is_written_below() -> None:
    assert hands_back("Non è per noi [7K-ABCD2345]", "Codice: 7K-ABCD2345\nLa seguiamo noi solo d'estate.\n")
    assert not hands_back("Re: Non è per noi [7K-ABCD2345]", "Grazie, la seguiamo noi.\n")


def test_each_list_has_twenty() -> None:
    assert (len(set(HAND_BACKS)), len(set(INNOCENT))) == (20, 20)
