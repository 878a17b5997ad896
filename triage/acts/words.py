"""What came of an act, in Italian sentences for staff; no words of the mail, no address.

In: what was done or why not, as codes, and the rules, which name the centres. Out: one line. Pages say it as it is;
commands add how to go on (``triage.commands.settle``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from triage.acts.actors import by_whom
from triage.acts.centres import Sending
from triage.acts.letters import CHANGED
from triage.acts.outcome import Outcome
from triage.exceptions import known_read, settled_comune
from triage.explaining import uncapitalised, word_reason
from triage.record import Transaction
from triage.record.exceptions import ExceptionKind, Taught
from triage.record.people import person_numbered
from triage.record.settlements import Exit, newest_settlements
from triage.rules.types import Rules
from triage.vocabulary import UNCOVERED, DispatchKind, Reason

TOLD: Mapping[str, str] = {
    "avviso": "La famiglia viene avvisata, una volta sola, quando il centro lo ha ricevuto.",
    "ricevuta": "La conferma di ricevuta alla famiglia dirà che lo ha questo centro.",
    "gia_avvisata": "La famiglia è già stata avvisata una volta di un cambio di centro: questa volta avvisala tu.",
    "non_raggiungibile": "Alla famiglia era stato indicato un altro centro e da qui non le si può scrivere: "
    "avvisala tu.",
    "gia_ricevuta": "La famiglia ha già avuto la conferma, quando il messaggio era parte di un altro caso: "
    "non ne riceve un'altra. Se diceva un altro centro, avvisala tu.",
    "fermata": "La conferma di ricevuta di questo caso è fermata: la famiglia non riceve niente.",
    "niente": "Alla famiglia non era stato indicato nessun centro: non le scriviamo altro.",
}

ALSO_TOLD: Mapping[str, str] = {**TOLD, "ricevuta": "La conferma alla famiglia nominerà tutti i centri che lo hanno."}

RULE_ENDED = "La regola imparata che lo aveva mandato lì non vale più."

AGAINST: Mapping[str, str] = {
    "non_c_e": "Questo messaggio non c'è.",
    "stato_listed": "Non è ancora stato letto: riprova fra poco.",
    "stato_received": "Il servizio lo sta ancora valutando: riprova fra poco.",
    "stato_decided": "È già deciso e sta partendo.",
    "stato_forwarded": "È già stato inviato a un centro.",
    "stato_filed": "È già stato trattato e archiviato.",
    "stato_matched": "È lo stesso di un altro messaggio: si lavora su quello.",
    "stato_held": "Aspetta ancora una persona: si smista tra i messaggi da decidere.",
    "stato_quarantined": "Non è stato possibile leggerlo: guardalo nella casella, poi chiudilo con una nota.",
    "stato_unreadable": "Il server di posta non lo consegna: cercalo nella casella, poi chiudilo con una nota.",
    "stato_oversize": "È troppo grande: leggilo nella casella, poi chiudilo con una nota.",
    "stato_baseline": "Era nella casella prima del servizio: non è stato letto.",
    "stato_closed": "È già stato chiuso: è rimasto nella casella.",
    "stato_vanished": "Non è più nella casella.",
    "stato_erased": "È stato cancellato.",
    "mai_deciso": "Il servizio non lo ha valutato, o il suo contenuto non c'è più: si può chiudere con una nota.",
    "gia_chiesto": "Il comune è già stato chiesto a questa famiglia: non si chiede due volte.",
    "centro_sconosciuto": "Non c'è un centro con questo nome.",
    "comune_sconosciuto": "Questo comune non è tra quelli delle due province.",
    "argomento_sconosciuto": "Questo argomento non esiste.",
    "scritto_da_noi": "L'ha scritto un centro o il nostro ufficio: non si inoltra.",
    "lo_ha_gia": "Questo centro lo ha già e non lo riceve due volte: chiamalo.",
    "richiamo_in_partenza": "Questo centro lo ha ancora: la richiesta di cancellarlo non è partita. "
    "Annulla la correzione, o chiama il centro.",
    "in_partenza": "Sta partendo in questo momento: riprova fra un minuto.",
    "altro_passo": "Dopo questo c'è stato un altro passo sullo stesso messaggio: annulla prima quello.",
    "altro_dopo": "Dopo questo è successo altro con lo stesso messaggio: non si può più annullare. Guardalo di nuovo.",
    "gia_annullato": "È già stato annullato.",
    "troppo_tardi": "Non si può più annullare: è già partito, o sono passati due minuti. Usa «Correggi».",
    "non_permesso": "Il tuo ruolo non lo permette: chiedi al responsabile.",
    "non_smistato": "Prima si smista il messaggio, poi si può dire che vale anche per i prossimi.",
    "pericolo_non_insegna": "È tra quelli da leggere oggi: ogni messaggio così lo legge una persona.",
    "mittente_non_insegna": "Da questo mittente non si può imparare: è un centro, il nostro ufficio, o manca.",
    "frase_senza_comune": "Una frase la scrivono anche altri: vale per i prossimi solo con un comune. "
    "Torna indietro, scegli il comune della famiglia e riprova.",
    "mittente_senza_luogo": "Per i prossimi di questo mittente serve un luogo: "
    "torna indietro, scegli il comune o la zona della famiglia e riprova.",
    "durata_non_valida": "Una regola imparata vale da uno a 365 giorni.",
    "frase_corta": "La frase deve avere almeno due parole e otto lettere, e al massimo 200.",
    "frase_non_nel_messaggio": "Questa frase non c'è nel messaggio.",
    "eccezione_finita": "Questa regola non vale già più.",
    "caso_sconosciuto": "Non c'è un caso con questo codice.",
    "gia_di_questo_caso": "Fa già parte di questo caso.",
    "solo_nel_caso": "È l'unico messaggio del suo caso: non c'è niente da separare.",
    "ricevuta_partita": "La conferma di ricevuta di questo caso è già partita, o non ne è prevista una.",
    "attesa_non_valida": "Si può rimandare al massimo di sette giorni.",
    "manca_testo": "La risposta è ancora vuota: scrivi qualcosa tra il saluto e la firma.",
    "testo_da_completare": "C'è ancora una parte da completare, tra parentesi quadre: scrivi lì, o toglila.",
    "testo_troppo_lungo": "Il testo è troppo lungo: al massimo 20.000 caratteri.",
    "ufficio_sconosciuto": "Questo ufficio non è nella rubrica.",
    "indirizzo_non_valido": "Nel messaggio non c'è un indirizzo a cui rispondere.",
    "indirizzo_nostro": "L'indirizzo di chi scrive è uno dei nostri: non si risponde da qui.",
    "percorso_di_progetto": "L'indirizzo di chi scrive è di un centro: scrivigli dal tuo programma di posta.",
    "domanda_non_serve": "Il comune c'è già, o non manca solo quello: questa domanda non serve. "
    "Per chiedere altro c'è «Rispondiamo noi».",
    **dict.fromkeys(
        ("percorso_assente", "percorso_nullo", "percorso_multiplo", "percorso_di_sistema", "percorso_riscritto"),
        "Non si sa con certezza a chi arriverebbe la domanda: meglio «Rispondiamo noi», o una telefonata.",
    ),
    "percorso_non_autenticato": "Non è provato che a scrivere sia davvero questo indirizzo: "
    "meglio «Rispondiamo noi», o una telefonata.",
    "percorso_non_provato": "Prima chi gestisce il servizio deve provare il server di posta (triage check --connect). "
    "Intanto c'è «Rispondiamo noi».",
    "manca_nota": "Scrivi una nota: che cosa è stato fatto, o perché si chiude.",
    "manca_nota_pericolo": "Qui può esserci un pericolo: scrivi una nota, con che cosa hai letto e perché si chiude "
    "senza inviare niente.",
    "possibile_pericolo": "Qui può esserci un pericolo: va letto e deciso da solo, con una nota.",
    "non_letto_bene": "Il servizio non ha potuto leggerlo bene: va aperto e deciso da solo.",
    "nessun_centro": "Nessun centro lo ha: prima si sceglie il centro, poi se ne può aggiungere un altro.",
    "anche_in_partenza": "Un altro centro sta per riceverlo: riprova quando è partito. Intanto si può inoltrare.",
    "primo_in_partenza": "L'invio al primo centro non è ancora riuscito: riprova quando lo ha ricevuto.",
    "anche_non_confermato": "L'indirizzo di questo centro non è ancora confermato da una mail di prova: "
    "prima va confermato.",
    "destinazione_malata": "L'indirizzo di questo centro negli ultimi giorni non riceve posta: telefona al centro.",
    "quale_centro": "Lo hanno più centri: di' quale lo ha ricevuto per errore. Gli altri lo tengono.",
    "modo_ombra": "Il centro è in prova (ombra): da qui non parte ancora niente.",
}


def refused(tx: Transaction, rules: Rules, code: str, message_id: int) -> Outcome:
    """Nothing was done, and why; where somebody else was faster, who and when."""
    words = _somebody_was_faster(tx, rules, message_id) if code == CHANGED else word_against(code)
    return Outcome(False, code, words)


def word_against(code: str) -> str:
    """Why an act was not done, as a sentence."""
    return AGAINST.get(code) or word_reason(Reason(code))


def word_sent(sending: Sending, rules: Rules, *, forget: bool = True) -> str:
    """What follows from sending a message to a centre; ``forget`` as in ``centres.carry_out``."""
    have_it = [f"{centre_of(rules, one)} ha già il messaggio." for one in sending.have_it]
    ended = [RULE_ENDED] if forget and sending.rule is not None else []
    return " ".join((f"Va a {centre_of(rules, sending.choice.project)}.", word_told(sending, TOLD), *have_it, *ended))


def word_told(sending: Sending, told: Mapping[str, str]) -> str:
    """What the family hears; where it has never heard anything, why it does not now."""
    if not sending.silence:
        return told[sending.told]
    return f"Alla famiglia non parte niente: {uncapitalised(word_reason(Reason(sending.silence)))}."


def word_also(sending: Sending, rules: Rules) -> str:
    """What follows from sending a message to a further centre."""
    waiting = {one.project for one in sending.staying if one.waits}
    kept = [
        f"{centre_of(rules, one)} {'lo riceve lo stesso' if one in waiting else 'lo tiene'}."
        for one in dict.fromkeys(holder.project for holder in sending.staying)
    ]
    return " ".join((f"Va anche a {centre_of(rules, sending.choice.project)}.", *kept, word_told(sending, ALSO_TOLD)))


def word_closed(exit: Exit, still_leaves: Sequence[str] = ()) -> str:
    """What follows from ending a message without a centre.

    ``still_leaves``: the kinds of what the family is still to get for other messages of its case.
    """
    if not still_leaves:
        return _CLOSED[exit]
    names = " e ".join(_TO_THE_FAMILY[kind] for kind in still_leaves)
    must = "deve" if len(still_leaves) == 1 else "devono"
    own = f"{_ENDED[exit]}. Per questo messaggio non parte niente."
    return f"{own} Per altri messaggi del caso alla famiglia {must} ancora partire {names}."


def centre_of(rules: Rules, code: str) -> str:
    """The name that lists and buttons give a centre, in quotation marks; its code once the rules know it no more.

    Families read another, that of the place where they go (``Project.centre``): in the mails alone.
    """
    project = rules.projects.get(code)
    return f"«{project.name}»" if project is not None else f"«{code}»"


def word_taught(one: Taught, rules: Rules, sender: str) -> str:
    """What a taught rule does with which messages; ``sender`` as staff may read it."""
    if one.kind == ExceptionKind.NEVER:
        return f"I messaggi di {sender} si archiviano come non per noi, tranne le richieste chiare per un centro."
    which = f"I messaggi di {sender}" if one.kind == ExceptionKind.SENDER else f"I messaggi con la frase «{one.phrase}»"
    return f"{which}, se {place_taught(one, rules)}, vanno a {centre_of(rules, one.project)}."


def place_taught(one: Taught, rules: Rules) -> str:
    """The places that ``triage.exceptions.is_same_place`` takes for the same."""
    sender, places = one.kind == ExceptionKind.SENDER, []
    if one.territory in rules.projects:
        places.append(f"parlano della zona di {centre_of(rules, one.territory)}")
    comuni = [settled_comune(one)] + ([known_read(one)] if sender else [])
    outside = [name for name in comuni if name and rules.project_of.get(name, UNCOVERED) != one.territory]
    if one.territory not in rules.projects:
        outside = [name for name in comuni if name]
    places += [f"parlano di {name}" for name in dict.fromkeys(outside)]
    if sender and not known_read(one) and one.read_territory in rules.projects and one.read_territory != one.territory:
        places.append(f"parlano della zona di {centre_of(rules, one.read_territory)}")
    return " o ".join(places + (["non dicono il luogo"] if sender else []))


_ENDED: Mapping[Exit, str] = {
    Exit.CLOSED: "Chiuso",
    Exit.PHONE: "Chiuso: se ne occupa una persona per telefono",
    Exit.NOT_FOR_US: "Segnato come non per noi",
    Exit.REPLY: "Chiuso: ha già risposto una persona",
    Exit.JOINED: "Unito al caso e chiuso",
}
_TO_THE_FAMILY: Mapping[str, str] = {
    DispatchKind.ACKNOWLEDGEMENT: "la conferma di ricevuta",
    DispatchKind.QUESTION: "la domanda sul comune",
    DispatchKind.REROUTE: "l'avviso del nuovo centro",
    DispatchKind.REPLY: "la nostra risposta",
    DispatchKind.REFERRAL: "l'indicazione di un altro ufficio",
}
_CLOSED: Mapping[Exit, str] = {
    Exit.CLOSED: "Chiuso: alla famiglia non parte niente.",
    Exit.PHONE: "Chiuso: se ne occupa una persona per telefono. Alla famiglia non parte niente.",
    Exit.NOT_FOR_US: "Segnato come non per noi: non parte niente.",
    Exit.REPLY: "Chiuso: ha già risposto una persona. Da qui non parte altro.",
    Exit.JOINED: "Unito al caso e chiuso: non parte niente.",
}


def _somebody_was_faster(tx: Transaction, rules: Rules, message_id: int) -> str:
    last = newest_settlements(tx, [message_id]).get(message_id)
    if last is None:
        return "Nel frattempo è cambiato: guardalo di nuovo prima di decidere."
    person = person_numbered(tx, last.person_id) if last.person_id is not None else None
    by = f"da {person.display}" if person is not None else by_whom(last.actor, {})
    at = last.at.astimezone(ZoneInfo(rules.service.timezone))
    if last.actor == tx.actor:  # a button pressed twice, or one page open twice
        return f"L'hai già smistato tu, alle {at.hour}:{at:%M}: se era sbagliato, annulla o correggi."
    return f"Nel frattempo è già stato smistato {by}, alle {at.hour}:{at:%M}: guardalo di nuovo."
