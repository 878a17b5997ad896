"""Italian names of codes, states and acts as staff read them: one place for all pages."""

from __future__ import annotations

from collections.abc import Mapping

from triage.acts.people import Act, Role
from triage.acts.people import may as role_may
from triage.dispatch.texts import TOPIC_NAMES
from triage.record.waiting_list import Group
from triage.rules import Rules
from triage.vocabulary import NOBODY, OUTSIDE, SEVERAL, STAFF, TOPICS, UNCOVERED, UNSTATED, MessageState

SERVICE = "Smistamento della posta"
DANGER = "Da leggere oggi: possibile pericolo"

_TOPICS: Mapping[str, str] = {
    "reclamo": "Reclamo o segnalazione",
    "altro_servizio": "Riguarda un altro servizio",
    "non_pertinente": "Non è per noi",
}
"""Topics that no forward names; the others have the words that the centres read."""
TERRITORY_NAMES: Mapping[str, str] = {
    UNCOVERED: "Comune senza un centro",
    OUTSIDE: "Fuori dal territorio di ATS",
    SEVERAL: "Più zone insieme",
    UNSTATED: "Zona non indicata",
}
DESTINATION_NAMES: Mapping[str, str] = {STAFF: "Una persona di ATS", NOBODY: "Nessuno: archiviato"}
ROLE_NAMES: Mapping[Role, str] = {
    Role.READER: "Sola lettura",
    Role.OPERATOR: "Operatore",
    Role.RESPONSIBLE: "Responsabile",
    Role.ADMINISTRATOR: "Amministratore",
    Role.DATA_PROTECTION: "Responsabile della protezione dei dati (RPD)",
}
ROLE_TELLS: Mapping[Role, str] = {
    Role.READER: "guarda i messaggi, i controlli, l'andamento, le regole e i modelli, e non cambia niente",
    Role.OPERATOR: "decide i messaggi che aspettano e corregge gli errori",
    Role.RESPONSIBLE: "in più: insegna per il futuro, ferma e fa ripartire gli invii, vede il registro degli errori",
    Role.ADMINISTRATOR: "in più: gestisce le persone, vede le loro operazioni e conferma gli indirizzi dei centri",
    Role.DATA_PROTECTION: (
        "vede e scarica il registro degli errori di smistamento e le operazioni di chi lavora qui, e nient'altro: "
        "nessun messaggio"
    ),
}
STATE_NAMES: Mapping[str, str] = {
    MessageState.LISTED: "in elenco, non ancora letto",
    MessageState.BASELINE: "già presente prima del servizio",
    MessageState.VANISHED: "tolto dalla casella prima della lettura",
    MessageState.UNREADABLE: "illeggibile",
    MessageState.OVERSIZE: "troppo grande",
    MessageState.CLOSED: "chiuso, è nella casella",
    MessageState.RECEIVED: "ricevuto",
    MessageState.DECIDED: "deciso, in partenza",
    MessageState.FORWARDED: "inoltrato",
    MessageState.FILED: "archiviato",
    MessageState.HELD: "aspetta una persona",
    MessageState.QUARANTINED: "messo da parte",
    MessageState.MATCHED: "già noto",
    MessageState.ERASED: "cancellato",
}


GROUPS: Mapping[Group, tuple[str, str]] = {
    Group.DANGER: (DANGER, "Si leggono per primi, uno per uno. Chi lo legge lo prende in carico."),
    Group.DECIDE: ("Da decidere", "Dal più vecchio."),
    Group.PERHAPS_NOT: ("Forse non per noi", "Pubblicità, avvisi, posta arrivata per sbaglio: confermi tu."),
    Group.ASIDE: ("In quarantena", "Il programma non riesce a leggerli: si guardano nella casella, poi si chiudono."),
}
"""Each group of the list with its heading and a line about it."""
EXIT_NAMES: Mapping[str, str] = {
    "inoltro": "inoltrato",
    "risposta": "rispondiamo noi",
    "altro_ufficio": "indicato un altro ufficio",
    "domanda": "chiesto il comune",
    "telefono": "preso in carico per telefono",
    "unito": "unito a un caso",
    "separato": "separato in un caso suo",
    "chiuso": "chiuso",
    "non_per_noi": "non per noi",
    "correzione": "corretto",
    "anche": "inoltrato anche",
}
ROLES_OF_PLACES: Mapping[str, str] = {
    "sportello_chiesto": "sportello chiesto",
    "residenza": "dove abita",
    "trasferimento": "dove si trasferisce",
    "scuola": "scuola",
    "firma": "nella firma",
    "organizzazione": "ente di chi scrive",
    "lavoro": "lavoro, non conta",
    "parenti": "parenti",
    "ospedale": "ospedale, non conta",
    "via": "nome di una via, non conta",
    "cognome": "cognome, non conta",
    "parola_comune": "non conta come luogo",
    "citato": "testo citato",
    "piede": "piè di pagina",
    "negato": "detto che non è",
    "altro": "luogo nominato",
}
"""Why a place is mentioned (``vocabulary.Role``), as the text shows it beside the name."""


def exit_name(code: str) -> str:
    """What was done with a message."""
    return EXIT_NAMES.get(code, code.replace("_", " "))


_SCALE = ((0.95, "quasi certo"), (0.8, "molto probabile"), (0.5, "probabile"), (0.15, "possibile"))


def likely_word(share: float) -> str:
    """How likely an answer is: the one scale of all pages."""
    return next((word for least, word in _SCALE if share >= least), "poco probabile")


def sureness(confidence: float, *, enough: bool = True) -> str:
    """How sure the service is of a destination; ``enough``: to send it by itself."""
    often = round(confidence * 10)
    times = "quasi sempre giusto" if confidence >= 0.95 else f"in media giusto {often} volte su 10"
    said = f"{likely_word(confidence).capitalize()}: {times if often else 'quasi mai giusto'}"
    return said if enough else f"{said}, non abbastanza per inviarlo da solo"


_PROTOCOL = {"pec": "posta certificata", "regola": "lo dice una regola", "persona": "lo ha segnato una persona"}


def protocol_why(code: str) -> str:
    """Why a message must be registered."""
    return _PROTOCOL.get(code, code)


MAIL_NAMES: Mapping[str, str] = {
    "forward": "Il messaggio, al centro",
    "acknowledgement": "Conferma di ricevuta, alla famiglia",
    "question": "Domanda sul comune, alla famiglia",
    "reroute": "Avviso del nuovo centro, alla famiglia",
    "reply": "La nostra risposta, alla famiglia",
    "referral": "Indicazione di un altro ufficio, alla famiglia",
    "recall": "Richiesta di cancellare, al centro",
    "notice": "Avviso urgente, al reperibile",
}
"""What each outgoing mail is and who gets it (``vocabulary.DispatchKind``)."""


def topic_name(code: str) -> str:
    """A topic as staff call it."""
    return _TOPICS.get(code) or TOPIC_NAMES.get(code, code).capitalize()


TOPICS_TO_CHOOSE: Mapping[str, str] = {code: topic_name(code) for code in TOPICS}


def project_name(rules: Rules, code: str) -> str:
    """A project's name, or that of another destination."""
    project = rules.projects.get(code)
    return project.name if project is not None else DESTINATION_NAMES.get(code, code)


def territory_name(rules: Rules, code: str) -> str:
    """A project's zone, or one of the special territories."""
    project = rules.projects.get(code)
    return project.name if project is not None else TERRITORY_NAMES.get(code, code)


def role_name(role: str) -> str:
    """A role as staff call it."""
    return ROLE_NAMES[Role(role)]


def role_needed(act: Act, role: Role) -> str:
    """What somebody of this role is told who asks for an act that it does not allow."""
    *others, last = (name for one, name in ROLE_NAMES.items() if role_may(one, act))
    needed = f"{', '.join(others)} o {last}" if others else last
    return f"Serve il ruolo {needed}; il tuo è {ROLE_NAMES[role]}. Chiedi a chi gestisce gli accessi."


def count_of(number: int, one: str, many: str) -> str:
    """``1 messaggio``, ``2 messaggi``; thousands with a point."""
    return f"{thousands(number)} {one if number == 1 else many}"


def thousands(number: int) -> str:
    """``17.180``."""
    return f"{number:,}".replace(",", ".")


MISROUTE_ANSWERS: Mapping[str, str] = {
    "": "non ha ancora risposto",
    "cancellato": "cancellato",
    "risposto": "ha risposto con una mail: va letta",
    "non_consegnato": "la richiesta non è stata consegnata",
    "a_voce": "cancellato, detto a voce o in altro modo",
    "no": "non lo cancella",
}
"""What came of asking a project to delete (``record.misroutes``)."""
CATEGORY_NAMES: Mapping[str, str] = {
    "identificativi": "nome e dati anagrafici",
    "contatti": "indirizzo, mail, telefono",
    "minori": "dati di minori",
    "salute": "salute",
    "famiglia": "vita familiare",
    "situazione_economica": "situazione economica",
    "giudiziari": "vicende giudiziarie",
    "altro": "altro",
}
"""Categories of personal data, for the register (``record.misroutes.CATEGORIES``)."""
TURNED_DOWN: Mapping[str, str] = {
    "restituito": "lo ha già rimandato: non è per loro",
    "corretto": "gli era già arrivato per errore",
}
"""Why a centre is proposed last (``record.turned_down``)."""
WHY_NAMES: Mapping[str, str] = {
    "zona": "la zona era sbagliata",
    "tema": "non è un tema di quel centro",
    "pieno": "quel centro non ha posto: non è un errore",
    "altro": "altro motivo",
}
"""Why a message goes to another centre (``acts.centres.WHYS``)."""


_ACTS: Mapping[str, str] = {
    "person_added": "account creato",
    "person_renamed": "nome cambiato",
    "person_closed": "accesso chiuso",
    "person_reopened": "accesso riaperto",
    "person_unlocked": "sbloccato dopo troppi tentativi",
    "person_signed_out": "accessi aperti chiusi",
    "other_sessions_ended": "altri accessi aperti chiusi",
    "role_changed": "ruolo cambiato",
    "password_given": "nuova password data",
    "password_changed": "password cambiata",
    "second_factor_on": "codice del telefono attivato",
    "second_factor_off": "codice del telefono tolto",
    "second_factor_reset": "codice del telefono da impostare di nuovo",
    "recovery_code_used": "accesso con un codice di riserva",
    "recovery_codes_renewed": "fatti nuovi codici di riserva",
    "signed_in": "accesso",
    "signed_out": "uscita",
    "sign_in_refused": "tentativo di accesso sbagliato",
    "open_message": "messaggio aperto",
    "open_markup": "grafica del messaggio aperta",
    "download_file": "allegato scaricato",
    "download_original": "originale scaricato",
    "settle": "messaggio deciso",
    "undo": "decisione annullata",
    "take": "preso in carico",
    "acknowledgement": "deciso quando parte la conferma di ricevuta",
    "ricevuta_fermata": "la conferma di ricevuta alla famiglia non parte",
    "ricevuta_rimandata": "la conferma di ricevuta alla famiglia è rimandata",
    "ricevuta_come_al_solito": "la conferma di ricevuta alla famiglia parte come al solito",
    "misroute_answer": "annotata la risposta alla richiesta di cancellare",
    "misroute_closed": "errore chiuso nel registro",
    "teach": "insegnata una regola per i prossimi messaggi",
    "forget": "tolta una regola imparata",
    "remember": "rimessa in vigore una regola imparata",
    "export": "registro scaricato",
    "stop": "fermato tutto quello che parte",
    "start": "fatto ripartire",
    "address_tested": "chiesta la mail di prova per un indirizzo",
    "address_test_cancelled": "annullata la mail di prova per un indirizzo",
    "address_unconfirmed": "tolta la conferma di un indirizzo",
    "comuni_confirmed": "confermati comuni di un centro",
    "comuni_unconfirmed": "tolta la conferma a comuni di un centro",
    "model_promoted": "messo in vigore un modello",
    "model_rolled_back": "tornato al modello di prima",
    "sample_labelled": "risposto a un controllo a campione",
    "mode_raised": "centro passato in automatico",
    "mode_lowered": "centro riportato in proposta",
    "export_person": "dati personali consegnati a chi li ha chiesti",
    "erase_person_begun": "cominciata la cancellazione dei dati di una persona",
    "erase_person": "cancellati i dati di una persona",
    "restored": "servizio ripristinato da una copia di sicurezza",
    "restoration_done": "ripristino concluso",
    "protocol_marked": "segnato da protocollare",
    "protocol_exported": "esportato per il protocollo",
    "protocol_numbered": "annotato il numero di protocollo",
    "figures_exported": "scaricata una tabella dell'andamento",
}


def act_name(code: str) -> str:
    """What somebody did, in a phrase."""
    return _ACTS.get(code, code.replace("_", " "))
