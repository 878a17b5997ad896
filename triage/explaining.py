"""Words reasons in plain Italian, for people who decide: never in what leaves the agency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from triage.classify.wording import explain, language_names, word_code
from triage.pec.words import HOLDS as PEC_HOLDS
from triage.pec.words import word_pec
from triage.vocabulary import STAFF, Action, Decision, InboundMessage, PlaceMention, Reason

__all__ = [
    "DEFECTS",
    "HOLDS",
    "SHOWN",
    "Mark",
    "Piece",
    "language_names",
    "mark_text",
    "pieces_of",
    "sentence",
    "uncapitalised",
    "word_all_holds",
    "word_confidence",
    "word_hold",
    "word_reason",
    "word_reasons",
]

HOLDS = {
    "ricomparso": "già visto: è ricomparso nella casella, non viene inviato di nuovo",
    "stesso_messaggio": "è lo stesso messaggio arrivato anche in un'altra casella",
    "stesso_messaggio_altri_ottetti": "sembra un messaggio già noto, ma il contenuto è diverso",
    "vecchio_non_riconosciuto": "posta vecchia che non risultava, dopo un riordino della casella",
    "precedente_al_servizio": "più vecchio dell'inizio del servizio in questa casella",
    "forse_gia_trattato": "servizio ripristinato da una copia di sicurezza: forse un centro lo ha già ricevuto",
    "gia_trattato": "già trattato prima del ripristino del servizio: si trova in una delle cartelle di Smistati",
    "troppo_grande": "troppo grande per essere letto: è rimasto nella casella",
    "illeggibile": "il server di posta non riesce a consegnarlo",
    "arrivato_incompleto": "forse non è arrivato tutto: il server di posta lo dà più corto di quanto dichiara",
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
    "avviso_su_nostro_invio": "sembra un avviso automatico su una mail spedita da noi, forse non arrivata",
    "inoltro_respinto": "il centro non l'ha ricevuto: la mail è tornata indietro",
    "restituito": "il centro lo ha rimandato perché non è per loro",
    "forse_restituito": "un centro scrive di un caso: forse lo restituisce",
    "restituzione": "un centro rimanda un caso: va deciso a chi inviarlo",
    "restituzione_tardiva": "un centro rimanda un caso che non è più suo: non cambia niente, ma va letto",
    "centro_richiamato": "a questo centro è stato chiesto di cancellarlo: se deve riaverlo, lo decide una persona",
    "piu_centri_nel_caso": "il caso è di più centri: a quale va questo messaggio lo decide una persona",
    "indirizzo_confermato": "il centro ha risposto alla mail di prova: l'indirizzo adesso è confermato",
    "prova_indirizzo": "qualcuno risponde a una mail di prova, ma l'indirizzo non è confermato: va letto",
    "centro_cambia_indirizzo": "il centro avvisa che l'indirizzo è cambiato o non è più letto",
    "segnalazione_su_nostro_invio": "qualcuno segnala una mail spedita da noi",
    "correzione_della_famiglia": "la famiglia dice che il centro non è quello della sua zona: decide una persona",
    "codice_di_altri": "cita un caso, ma chi scrive non ne fa parte, o non è certo che sia chi dice di essere",
    "cambia_zona": "continua un caso già inviato a un centro, ma indica un'altra zona",
    "allegato_infetto": "l'antivirus ha trovato un programma dannoso: non è stato inviato, non apritelo",
    "allegato_non_controllato": "l'antivirus non riesce a controllarlo: non è stato inviato",
    "originale_non_inviato": "troppo grande: il centro ha solo il testo, il messaggio intero è da consegnare",
    "mai_deciso": "il servizio non lo ha mai valutato",
    "annullato_da_una_persona": "una persona ha annullato quello che era stato deciso: va deciso di nuovo",
    "risposta_incerta": "il server non ha risposto: non si sa se la risposta alla famiglia è arrivata",
    "ufficio_sconosciuto": "l'ufficio da indicare non è più nella rubrica: la famiglia non ha ricevuto niente",
    "testo_mancante": "il testo della risposta non è più disponibile: la famiglia non ha ricevuto niente",
    "richiamo_risposto": "un centro risponde alla richiesta di cancellare un messaggio: va letto",
    "risposta_non_partita": "la risposta scritta da una persona non è partita: va mandata in un altro modo",
    "smtputf8_non_offerto": "il server di posta non accetta l'indirizzo del destinatario",
    "indirizzo_non_attuale": "l'indirizzo del centro è cambiato dopo la decisione",
    "nessun_inoltro": "la decisione non prevede un inoltro",
    "mai_piu_con_centro": "da questo mittente non doveva arrivare più niente per noi, ma questa sembra una richiesta "
    "per un centro: lo decide una persona",
    "preso_in_carico": "il centro scrive di averlo preso in carico, e forse aggiunge altro",
    "destinazione_malata": "l'indirizzo del centro non riceve posta: avvisate il centro e chi gestisce il servizio",
    **PEC_HOLDS,
}
"""Holds that come from intake and dispatch; all other codes are those of a decision."""


SHOWN = {
    "gestito_da_una_persona": "una persona se ne è occupata",
    "scelto_da_una_persona": "una persona ha scelto a quale centro inviarlo",
    "ricevuta_fermata": "una persona ha deciso che la conferma di ricevuta non parte",
    "ricevuta_rimandata": "una persona ha rimandato la conferma di ricevuta",
    "eccezione": "vale quello che una persona ha deciso per i messaggi come questo",
    "luogo_scelto": "una persona ha indicato il comune",
    "chiuso_da_una_persona": "una persona lo ha chiuso senza inviarlo a un centro",
    "chiuso_senza_centro": "il messaggio è stato chiuso senza un centro",
    "da_protocollare": "va protocollato",
    "sigillo_falso": "porta un'intestazione come la nostra, ma non l'abbiamo scritta noi: non conta",
}
"""What is only told, and holds nothing."""


DEFECTS = {
    "parser_failed": "non si riesce a leggerlo tutto",
    "from_missing": "manca il mittente",
    "author_address": "l'indirizzo di chi scrive non è scritto bene",
    "pec_message_absent": "della PEC è arrivata solo la busta, senza il messaggio",
    "encrypted_or_signed_unread": "è cifrato, o chiuso in una firma che non si apre",
    "boundary_not_found": "le sue parti non si separano",
    "base64_absent": "manca il contenuto di una parte",
    "message_partial": "è solo un pezzo di un messaggio",
    "message_external_body": "il contenuto sta altrove",
    "tnef_text_only_rtf": "il testo è in un formato di Outlook che non si legge",
    "limit_depth": "ha troppe parti una dentro l'altra",
    "limit_parts": "ha troppe parti",
    "limit_decoded_octets": "il contenuto è troppo lungo",
    "limit_header_octets": "l'intestazione è troppo lunga",
    "limit_seconds": "ci vuole troppo tempo a leggerlo",
}
"""Grave defects (``triage.defects``) in words."""


_ALONE = {
    "fiducia_bassa": "Il servizio non è abbastanza sicuro per inviarlo da solo.",
    "lingua_da_verificare": "Lingua da verificare.",
    "dal_progetto": "Arriva da un centro.",
}
"""Holds whose sentence needs what the decision knows, for where only the code is known."""


def sentence(phrase: str) -> str:
    """A phrase with a capital and one full stop."""
    return f"{phrase[:1].upper()}{phrase[1:].rstrip('. ')}." if phrase else ""


def uncapitalised(phrase: str) -> str:
    """A phrase as the end of another sentence; a name in capitals stays."""
    first = phrase[:1] if phrase[:3].isupper() else phrase[:1].lower()
    return f"{first}{phrase[1:]}".rstrip(". ")


def word_hold(code: str) -> str:
    """Why a message waits, in a phrase."""
    if not code:
        return ""
    return HOLDS.get(code) or _ALONE.get(code) or explain(Reason(code))


def word_all_holds(code: str, decision: Decision | None) -> str:
    """The reason for which a message waits, then all others for which it would wait without that one."""
    reasons, holds = (decision.reasons, decision.holds) if code and decision is not None else ((), ())
    first = next((word_reason(reason) for reason in reasons if reason.code == code), word_hold(code))
    others = (word_reason(reason) for reason in holds if reason.code not in (code, "luoghi_in_gara"))
    return " ".join(dict.fromkeys(sentence(phrase) for phrase in (first, *others) if phrase))


def word_reason(reason: Reason) -> str:
    """One reason in a phrase."""
    if reason.code == "senza_urgenza":
        return _without_urgency(reason)
    if reason.code == "fiducia_bassa":
        return _not_sure(reason)
    if reason.code == "difetti_gravi" and reason.params.get("defects"):
        found = (DEFECTS.get(one, one) for one in str(reason.params["defects"]).split())
        return explain(Reason(reason.code, {"defects": ", ".join(found)}))
    if reason.code == "lingua_da_verificare" and not reason.params.get("language"):
        return "Lingua da verificare: non è riconosciuta."
    return word_pec(reason) or HOLDS.get(reason.code) or SHOWN.get(reason.code) or explain(reason)


def word_reasons(decision: Decision, message: InboundMessage) -> list[str]:
    """All reasons, each once, for who has the message before them: words that weighed stand in one sentence, quoted."""
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
        elif reason.code in _SECOND:
            found.append(f"{word_reason(reason)[:-1]}: «{_quoted(reason, message)}»")
        else:
            found.append(word_reason(reason))
    return list(dict.fromkeys(sentence(phrase) for phrase in found))


class Mark(StrEnum):
    """Why a piece of text stands out."""

    PLACE = "luogo"
    DANGER = "pericolo"
    WEIGHED = "parola"


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of the subject or the text. ``role``: of a place, why it is mentioned."""

    text: str
    mark: Mark | None = None
    role: str = ""


_SIGNS = {Mark.PLACE: ("[", "]"), Mark.DANGER: ("!!", "!!"), Mark.WEIGHED: ("*", "*")}


def mark_text(message: InboundMessage, where: str, decision: Decision, places: Sequence[PlaceMention]) -> str:
    """The subject or the text with its marks: places and their role in [], danger in !!, words that weighed in **."""
    shown = []
    for piece in pieces_of(message, where, decision, places):
        before, after = _SIGNS[piece.mark] if piece.mark else ("", "")
        shown.append(before + piece.text + (f": {piece.role}" if piece.role else "") + after)
    return "".join(shown).strip()


def pieces_of(
    message: InboundMessage, where: str, decision: Decision | None, places: Sequence[PlaceMention]
) -> tuple[Piece, ...]:
    """The subject, the text, what is quoted, or the signature, cut where marks begin and end; together the whole."""
    text = _part(message, where)
    marks = [(place.start, place.end, Mark.PLACE, str(place.role)) for place in places if place.where == where]
    for code, mark in ((_DANGER, Mark.DANGER), (_WEIGHED, Mark.WEIGHED)):
        found = [one for one in (decision.reasons if decision else ()) if one.code == code]
        marks += [(*_span(one), mark, "") for one in found if one.params["where"] == where]
    pieces: list[Piece] = []
    at = 0
    # Where marks meet, a place goes before danger, danger before a word.
    for start, end, mark, role in sorted(marks, key=lambda one: (one[0], list(Mark).index(one[2]))):
        if at <= start < end <= len(text):
            pieces += [Piece(text[at:start]), Piece(text[start:end], mark, role)]
            at = end
    return tuple(piece for piece in (*pieces, Piece(text[at:])) if piece.text)


_WEIGHED, _DANGER = "argomento_parole", "urgente_frase"
_SECOND = ("seconda_richiesta", "seconda_famiglia")


def _quoted(reason: Reason, message: InboundMessage) -> str:
    start, end = _span(reason)
    return " ".join(_part(message, str(reason.params["where"]))[start:end].split())


def _span(reason: Reason) -> tuple[int, int]:
    return int(reason.params["start"]), int(reason.params["end"])


def _part(message: InboundMessage, where: str) -> str:
    parts = {"subject": message.subject, "quoted": message.quoted_text, "signature": message.signature}
    return parts.get(where, message.new_text)


def word_confidence(decision: Decision) -> str:
    """How sure the destination is, in a phrase; urgency is no matter of probability."""
    if decision.urgent:
        return "non conta: l'urgenza basta perché il messaggio resti a una persona"
    return f"{decision.confidence:.0%} che la destinazione sia giusta"


def _not_sure(reason: Reason) -> str:
    sure, needed = (reason.params.get(name) for name in ("confidence", "threshold"))
    if sure is None or needed is None:
        return _ALONE["fiducia_bassa"]
    return f"{sentence(_ALONE['fiducia_bassa'])[:-1]}: fiducia {float(sure):.0%}, ne serve almeno {float(needed):.0%}."


def _without_urgency(reason: Reason) -> str:
    params = reason.params
    destination = params.get("destination", "")
    named = word_code("destination", str(destination))
    sure = f" (fiducia {float(params['confidence']):.0%})" if "confidence" in params else ""
    proposal = "" if destination in ("", STAFF) else f", con la proposta «{named}»{sure}"
    what = {
        "": "non si sa che cosa ne sarebbe",
        Action.FORWARD: f"andrebbe da sé a «{named}»{sure}",
        Action.HOLD: f"resterebbe comunque a una persona{proposal}",
        Action.FILE: "verrebbe archiviato",
    }
    by = (
        f"per la regola «{params['rule']}» (riga {params.get('line')})"
        if params.get("rule")
        else "nessuna regola lo prevede"
    )
    return f"È l'urgenza che lo trattiene. Senza, {what.get(str(params.get('action', '')), what[''])}: {by}."
