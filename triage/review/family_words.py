"""What a family was told of a change of centre, as it really happened, for the register of misroutes; pure."""

from __future__ import annotations

from collections.abc import Mapping

from triage.record.family_told import FamilyMail
from triage.review.sent_words import why_unsent
from triage.review.times import exactly
from triage.vocabulary import DispatchKind, DispatchState

FAMILY_TOLD: Mapping[str, str] = {
    "avviso": "non risulta partito niente: da chiamare",
    "ricevuta": "non risulta partito niente: da chiamare",
    "gia_avvisata": "già avvisata prima di un altro cambio: da chiamare",
    "non_raggiungibile": "da qui non le si può scrivere: da chiamare",
    "gia_ricevuta": "aveva già avuto la conferma con un altro caso: da chiamare",
    "fermata": "niente: la conferma di ricevuta è fermata",
    "niente": "non sapeva dell'altro centro",
}
"""What a correction meant the family to be told (``acts.words.TOLD``), where no mail to it says more."""
TOLD_BY: Mapping[str, DispatchKind] = {
    "avviso": DispatchKind.REROUTE,
    "gia_avvisata": DispatchKind.REROUTE,
    "ricevuta": DispatchKind.ACKNOWLEDGEMENT,
    "fermata": DispatchKind.ACKNOWLEDGEMENT,
}
"""The mail that tells it."""


def family_words(told: str, mail: FamilyMail | None, *, withdrawn: bool = False) -> str:
    """``withdrawn``: the correction was undone before anything left."""
    if withdrawn:
        return "niente: la correzione è stata annullata"
    fixed = FAMILY_TOLD.get(told, told)
    if mail is None or (told == "fermata" and mail.state in (DispatchState.PENDING, DispatchState.CANCELLED)):
        return fixed
    if told == "gia_avvisata":
        return f"per un cambio di prima {_what_became(mail, notice=True)}. Di questo cambio: da chiamare"
    return _what_became(mail, notice=told == "avviso")


def _what_became(mail: FamilyMail, *, notice: bool) -> str:
    name, o = ("l'avviso", "o") if notice else ("la conferma di ricevuta", "a")
    at = f" {exactly(mail.ended_at)}" if mail.ended_at is not None else ""
    why = why_unsent(mail.reason)
    because = f": {why[0].lower()}{why[1:]}" if why else ""
    if mail.state == DispatchState.ACCEPTED:
        return f"{name} è partit{o}{at}{', senza dire il centro: da chiamare' if mail.neutral else ''}"
    if mail.state == DispatchState.PENDING:
        return f"{name} non partirà{because}. Da chiamare" if because else f"{name} deve ancora partire"
    return {
        DispatchState.SUBMITTING: f"{name} sta partendo",
        DispatchState.CANCELLED: f"{name} non è partit{o}{because}. Da chiamare",
        DispatchState.UNKNOWN: f"non si sa se {name} è arrivat{o}: da chiamare",
        DispatchState.RETURNED: f"{name} è partit{o}, e poi è tornat{o} indietro{at}: da chiamare",
    }.get(DispatchState(mail.state), f"{name} non è stat{o} consegnat{o}{at}: da chiamare")
