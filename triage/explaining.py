"""Words reasons in plain Italian, for people who decide: never in what leaves the agency."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from triage.classify.wording import explain
from triage.pec.words import HOLDS as PEC_HOLDS
from triage.pec.words import word_pec
from triage.vocabulary import STAFF, Action, Decision, InboundMessage, PlaceMention, Reason

HOLDS = {
    "ricomparso": "già visto: è ricomparso nella casella, non viene inviato di nuovo",
    "stesso_messaggio": "è lo stesso messaggio arrivato anche in un'altra casella",
    "stesso_messaggio_altri_ottetti": "sembra un messaggio già noto, ma il contenuto è diverso",
    "vecchio_non_riconosciuto": "posta vecchia che non risultava, dopo un riordino della casella",
    "precedente_al_servizio": "più vecchio dell'inizio del servizio in questa casella",
    "troppo_grande": "troppo grande per essere letto: è rimasto nella casella",
    "illeggibile": "il server di posta non riesce a consegnarlo",
    "tre_interruzioni": "il programma si è interrotto tre volte leggendolo: messo da parte",
    "lettura_fallita": "il programma non riesce a leggerlo: messo da parte",
    "ottetti_mancanti": "il contenuto non è più disponibile",
    "ottetti_alterati": "il contenuto conservato è stato alterato: non viene inviato, l'originale è nella casella",
    "errore_imprevisto": "errore imprevisto del programma: serve una persona",
    "inoltro_rifiutato": "il centro destinatario ha rifiutato la mail",
    "inoltro_scaduto": "per cinque giorni non è stato possibile consegnarlo al centro",
    "esito_ignoto": "più invii senza risposta del server: non si sa se il centro l'ha ricevuto",
    "spostato_da_un_collega": "un collega l'ha spostato dalla posta in arrivo",
    "risposta_a_noi": "chi scrive risponde a una nostra mail: chiede una persona",
    "avviso_su_nostro_invio": "è un avviso automatico su una mail spedita da noi: forse non è arrivata",
    "inoltro_respinto": "il centro non l'ha ricevuto: la mail è tornata indietro",
    "restituito": "il centro lo ha rimandato perché non è per loro",
    "restituzione": "un centro rimanda un caso: va deciso a chi inviarlo",
    "centro_cambia_indirizzo": "il centro avvisa che l'indirizzo è cambiato o non è più letto",
    "segnalazione_su_nostro_invio": "qualcuno segnala una mail spedita da noi",
    "codice_di_altri": "cita il codice di un caso, ma chi scrive non ne fa parte",
    "cambia_zona": "continua un caso già inviato a un centro, ma indica un'altra zona",
    "allegato_infetto": "l'antivirus ha trovato un programma dannoso: non è stato inviato, non apritelo",
    "allegato_non_controllato": "l'antivirus non riesce a controllarlo: non è stato inviato",
    "originale_non_inviato": "troppo grande: il centro ha solo il testo, il messaggio intero è da consegnare",
    "smtputf8_non_offerto": "il server di posta non accetta l'indirizzo del destinatario",
    "indirizzo_non_attuale": "l'indirizzo del centro è cambiato dopo la decisione",
    "nessun_inoltro": "la decisione non prevede un inoltro",
    "preso_in_carico": "il centro scrive di averlo preso in carico, e forse aggiunge altro",
    "destinazione_malata": "l'indirizzo del centro non riceve posta: avvisate il centro, poi «triage cure»",
    **PEC_HOLDS,
}
"""Holds that come from intake and dispatch; all other codes are those of a decision."""


SHOWN = {
    "sigillo_falso": "porta un'intestazione come la nostra, ma non l'abbiamo scritta noi: non conta",
}
"""What is only told, and holds nothing."""


_BEHIND_THE_HOLDS = frozenset({"regola_applicata", "senza_urgenza", "territorio", "archiviata", "pec", "ricevuta_pec"})
"""A decision's reasons that hold stand before the first of these."""


def word_hold(code: str) -> str:
    """Why a message waits, in a phrase."""
    if not code:
        return ""
    return HOLDS.get(code) or explain(Reason(code))


def word_all_holds(code: str, decision: Decision | None) -> str:
    """The reason for which a message waits, then all others for which it would wait without that one."""
    reasons = decision.reasons if code and decision is not None else ()
    holds = list(takewhile(lambda reason: reason.code not in _BEHIND_THE_HOLDS, reasons))
    phrases = (
        word_hold(code),
        *(word_reason(reason) for reason in holds if reason.code not in (code, "luoghi_in_gara")),
    )
    return " ".join(phrase for phrase in phrases if phrase)


def word_reason(reason: Reason) -> str:
    """One reason in a phrase."""
    if reason.code == "senza_urgenza":
        return _without_urgency(reason)
    return word_pec(reason) or HOLDS.get(reason.code) or SHOWN.get(reason.code) or explain(reason)


def word_reasons(decision: Decision, message: InboundMessage) -> list[str]:
    """All reasons for somebody who has the message before them: words that weighed stand in one sentence, quoted."""
    found: list[str] = []
    weighed = [reason for reason in decision.reasons if reason.code == _WEIGHED]
    for reason in decision.reasons:
        if reason.code == _WEIGHED:
            if reason is weighed[0]:
                quoted = dict.fromkeys(_quoted(one, message).lower() for one in weighed)
                words = [word for word in quoted if not any(word in other for other in quoted if other != word)]
                found.append("Parole che pesano per l'argomento: " + ", ".join(f"«{word}»" for word in words) + ".")
        elif reason.code == _DANGER:
            found.append(f"{word_reason(reason)} «{_quoted(reason, message)}»")
        else:
            found.append(word_reason(reason))
    return found


def mark_text(message: InboundMessage, where: str, decision: Decision, places: Sequence[PlaceMention]) -> str:
    """The subject or the text with its marks: places and their role in [], danger in !!, words that weighed in **."""
    text = _part(message, where)
    marks = [(place.start, place.end, "[", f": {place.role}]") for place in places if place.where == where]
    for code, sign in ((_DANGER, "!!"), (_WEIGHED, "*")):
        found = [one for one in decision.reasons if one.code == code and one.params["where"] == where]
        marks += [(*_span(reason), sign, sign) for reason in found]
    pieces: list[str] = []
    at = 0
    # Where marks meet, a place goes before danger, danger before a word.
    for start, end, before, after in sorted(marks, key=lambda mark: (mark[0], mark[2] != "[", mark[2] != "!!")):
        if start >= at:
            pieces += [text[at:start], before, text[start:end], after]
            at = end
    return "".join([*pieces, text[at:]]).strip()


_WEIGHED, _DANGER = "argomento_parole", "urgente_frase"


def _quoted(reason: Reason, message: InboundMessage) -> str:
    start, end = _span(reason)
    return " ".join(_part(message, str(reason.params["where"]))[start:end].split())


def _span(reason: Reason) -> tuple[int, int]:
    return int(reason.params["start"]), int(reason.params["end"])


def _part(message: InboundMessage, where: str) -> str:
    return message.subject if where == "subject" else message.new_text


def word_confidence(decision: Decision) -> str:
    """How sure the destination is, in a phrase; urgency is no matter of probability."""
    if decision.urgent:
        return "non conta: l'urgenza basta perché il messaggio resti a una persona"
    return f"{decision.confidence:.0%} che la destinazione sia giusta"


def _without_urgency(reason: Reason) -> str:
    params = reason.params
    destination, sure = params.get("destination", ""), f"{float(params.get('confidence', 0)):.0%}"
    proposal = "" if destination in ("", STAFF) else f", con la proposta «{destination}» (fiducia {sure})"
    what = {
        "": "non si sa che cosa ne sarebbe",
        Action.FORWARD: f"andrebbe da sé a «{destination}» (fiducia {sure})",
        Action.HOLD: f"resterebbe comunque a una persona{proposal}",
        Action.FILE: "verrebbe archiviato",
    }
    by = (
        f"per la regola «{params['rule']}» (riga {params.get('line')})"
        if params.get("rule")
        else "nessuna regola lo prevede"
    )
    return f"È l'urgenza che lo trattiene. Senza, {what.get(str(params.get('action', '')), what[''])}: {by}."
