"""What left, did not leave, and came back, in plain Italian; pure.

In: rows of the record. Out: sentences with the instant to which they belong. The server's own words are shown to staff
as they are, and never logged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from triage.dispatch.compose import FILES
from triage.explaining import word_reason
from triage.record.case_story import Sent
from triage.review.words import MAIL_NAMES, project_name
from triage.rules import Rules
from triage.vocabulary import AttemptOutcome, DispatchKind, DispatchState, Reason

_OUTCOMES: Mapping[str | None, str] = {
    AttemptOutcome.ACCEPTED: "accettato",
    AttemptOutcome.TRANSIENT: "per ora no",
    AttemptOutcome.PERMANENT: "rifiutato",
    AttemptOutcome.UNKNOWN: "nessuna risposta",
    None: "in corso, o interrotto",
}
_UNSENT: Mapping[str, str] = {
    "annullato": "annullata in tempo",
    "decisione_superata": "nel frattempo si è deciso un'altra cosa",
    "ricevuta_fermata": "una persona ha deciso che non parte",
}
_LEFT_OUT = (
    "",
    "Gli allegati sono dentro l'originale, non come file a parte.",
    "Solo il testo: era troppo grande.",
)
_RETURNS: Mapping[str, tuple[str, bool]] = {
    "failed": ("è tornata indietro: non è arrivata", True),
    "delayed": ("è in ritardo: il server riprova da solo", False),
    "delivered": ("è stata consegnata", False),
    "displayed": ("è stata aperta", False),
    "absent": ("ha avuto una risposta automatica di assenza", False),
    "moved": ("ha avuto una risposta automatica: l'indirizzo è cambiato", True),
    "complaint": ("ha avuto un avviso che una persona deve leggere", True),
}
_ANSWERS: Mapping[str, tuple[str, bool]] = {
    "handed_back": ("lo rimanda: non è per loro", True),
    "late_hand_back": ("lo rimanda, ma non era più suo: non cambia niente", False),
    "taken": ("lo prende in carico", False),
    "deleted": ("conferma di averlo cancellato", False),
    "recall_answered": ("risponde alla richiesta di cancellare", False),
}
_NOTICES: Mapping[str, str] = {"urgent": "Avviso ripetuto al reperibile", "reminder": "Promemoria al centro"}
_CHANNELS: Mapping[str, str] = {"mail": "per mail", "alarm": "dal secondo account", "webhook": "dal secondo canale"}


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt to hand a mail to the next server, and that server's words."""

    at: datetime
    outcome: str
    code: int
    words: str


@dataclass(frozen=True, slots=True)
class Told:
    """One mail as the story tells it."""

    at: datetime
    what: str
    icon: str
    lines: tuple[str, ...]
    tries: tuple[Try, ...]
    grave: bool
    waits: bool


def sent_words(one: Sent, attempts: Sequence[Mapping[Any, Any]], unsent: str, rules: Rules, files: int = 0) -> Told:
    """One outgoing mail about a message with so many attached files.

    Attempts are told where there was more than one, or it went wrong.
    """
    name = MAIL_NAMES.get(one.kind, one.kind)
    to = project_name(rules, one.project) if one.kind in _TO_CENTRES else one.forward_path
    tries = tuple(
        Try(row["started_at"], _OUTCOMES.get(row["outcome"], str(row["outcome"])), row["code"], _plain(row["reply"]))
        for row in attempts
    )
    state, end = one.state, one.ended_at or one.created_at
    said = f"{name} ({to})"
    if state in (DispatchState.PENDING, DispatchState.SUBMITTING):
        again = ("Il server ha chiesto di riprovare.",) if tries else ()
        what = f"Sta partendo: {said}" if state == DispatchState.SUBMITTING else f"Deve partire: {said}"
        return Told(one.due_at, what, "clock", again, tries, False, True)
    if state == DispatchState.ACCEPTED:
        # A mail without files is on record like one whose files stayed inside: nothing was repeated beside it.
        without = _LEFT_OUT[one.left_out or 0] if files or one.left_out != FILES else ""
        lines = (f"Inviata a {one.forward_path}." if to != one.forward_path else "", without)
        kept = tries if len(tries) > 1 else ()
        return Told(end, f"Partita: {said}", "mail", tuple(line for line in lines if line), kept, False, False)
    if state == DispatchState.CANCELLED:
        why = why_unsent("annullato" if one.withdrawn else unsent)
        return Told(end, f"Non è partita: {said}", "close-circle", (f"{why}.",) if why else (), tries, False, False)
    if state == DispatchState.UNKNOWN:
        what = f"Non si sa se è arrivata: {said}"
        return Told(end, what, "help-circle", ("Il server non ha risposto.",), tries, True, False)
    if state == DispatchState.RETURNED:
        return Told(end, f"Partita, e poi tornata indietro: {said}", "warning-circle", (), tries, True, False)
    return Told(end, f"Non consegnata: {said}", "warning-circle", (), tries, True, False)


def will_not_leave(told: Told) -> Told:
    """A mail to a family that is still on record as due, although its message was closed without a centre."""
    what = told.what.replace("Deve partire", "Non partirà", 1)
    return replace(told, what=what, icon="close-circle", lines=(_CLOSED,), waits=False)


_CLOSED = "Il messaggio è stato chiuso senza un centro: la famiglia non la riceve."
_TO_CENTRES = frozenset({DispatchKind.FORWARD, DispatchKind.RECALL})


def why_unsent(code: str) -> str:
    """Why a mail did not leave, as the beginning of a sentence; empty: it is not known."""
    words = _UNSENT.get(code) or (word_reason(Reason(code)) if code else "")
    return f"{words[0].upper()}{words[1:]}".rstrip(".") if words else ""


def _plain(reply: str | None) -> str:
    return " ".join((reply or "").split())[:300]


def came_back_words(row: Mapping[Any, Any], sent: Sent | None, rules: Rules) -> tuple[str, bool]:
    """What came back about a mail, and whether that is bad news."""
    kind, status = str(row["kind"]), str(row["status"])
    centre = project_name(rules, sent.project) if sent is not None and sent.project else "Il centro"
    if kind in _ANSWERS:
        words, grave = _ANSWERS[kind]
        return f"{centre} {words}", grave
    words, grave = _RETURNS.get(kind, (kind, False))
    name = MAIL_NAMES.get(sent.kind, sent.kind) if sent is not None else "La mail"
    return f"{name}: {words}{f' ({status})' if status else ''}", grave


def notice_words(row: Mapping[Any, Any], rules: Rules) -> tuple[str, datetime, bool]:
    """A notice to staff or a project: what it is, its instant, whether it failed."""
    name = _NOTICES.get(row["kind"], "Avviso")
    who = project_name(rules, row["project"]) if row["project"] else row["recipient"]
    how = _CHANNELS.get(row["channel"], row["channel"])
    state = {
        DispatchState.ACCEPTED: "partito",
        DispatchState.FAILED: "non consegnato",
        DispatchState.CANCELLED: "non serviva più",
    }.get(row["state"], "in partenza")
    said = f" ({who})" if who else ""
    return f"{name}{said}, {how}: {state}", row["ended_at"] or row["due_at"], row["state"] == DispatchState.FAILED
