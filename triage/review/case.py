"""The page /casi/{code}: a case as a conversation, and what a person may still do about it.

A case is named by its code, which nobody can guess; a message is only shown or changed under the case to which it
belongs. Whoever opens the page has read its mail: that is on record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from triage.acts.cases import acknowledgement, join, split
from triage.acts.outcome import Outcome
from triage.acts.people import Act, Person
from triage.ids import case_code, cases_typed, with_hyphen
from triage.pec.words import label_of, word_pec
from triage.record import LostLeaseError, Transaction
from triage.record.case_story import CaseRecord, case_record
from triage.record.corrections import waiting_acknowledgement
from triage.record.decisions import acknowledged_cases
from triage.record.identity import secret_if_known
from triage.record.looking import OPENED
from triage.record.mailboxes import known_mailboxes
from triage.record.messages import MessageRow, get_message
from triage.record.people import all_people
from triage.record.returned import OPENABLE
from triage.review.desk import Desk
from triage.review.guards import RefusedError, desk_of, may
from triage.review.heads import Head
from triage.review.joining import case_to_join
from triage.review.letters import note_seen
from triage.review.rendering import go, render, tell
from triage.review.settled_words import Became, became
from triage.review.story import NOT_TOLD, closed_without_centre, story_of
from triage.review.undoing import undoables
from triage.review.whole import Opened, opened_of
from triage.vocabulary import MessageState

router = APIRouter()
Looking = Annotated[Person, Depends(may(Act.LOOK))]
Settling = Annotated[Person, Depends(may(Act.SETTLE))]
Note = Annotated[str, Form(max_length=2000)]
LONGEST = 6000
"""Characters of a message's text that the conversation shows; the message's own page has all of it."""
WAITS = {"4": 4, "24": 24, "72": 72}
"""Hours by which an acknowledgement may be put off here."""
CHANGED = "Nel frattempo è cambiato qualcosa: guardalo di nuovo prima di decidere."


@dataclass(frozen=True, slots=True)
class Letter:
    """One message of the conversation as it is shown."""

    row: MessageRow
    became: Became
    text: str
    cut: bool
    has_more: bool
    may_correct: bool
    may_add: bool
    """A centre has it, or is about to: a further one may get it as well."""
    waits: bool
    certified: str
    """What it is as certified mail, in a sentence; empty: it is none."""


@dataclass(frozen=True, slots=True)
class CaseView:
    """One case for the templates."""

    code: str
    case: CaseRecord
    letters: Mapping[int, Letter]
    heads: Mapping[int, Head]
    acknowledgement: str
    """"da_mandare", "mandata", "non_serve" (its message was closed), or empty: there is none yet."""


@router.get("/casi/{code}")
def show(request: Request, code: str, person: Looking) -> Response:
    """The conversation. A case's number, as our own pages link it, leads to its code."""
    if code.isascii() and code.isdigit():
        return go(f"/casi/{_code_of(desk_of(request), int(code))}")
    return case_page(request, code, person)


def case_page(
    request: Request, code: str, person: Person, *, panel: str = "", about: int = 0, status: int = 200, **values: Any
) -> Response:
    """The case's page, with one of its forms (``panel``) about one of its messages."""
    desk = desk_of(request)
    rules = desk.knowledge.in_force().rules
    view = view_of(desk, code)
    if about and about not in view.letters:
        raise RefusedError(404, "not_of_this_case")
    for number in view.letters:
        note_seen(desk, person, OPENED, number)
    with desk.store.read("case page") as tx:
        names = {one.name: one.display for one in all_people(tx)}
        undo = undoables(desk, tx, person)
    return render(
        request,
        "case.html",
        status,
        view=view,
        story=story_of(view.case, view.heads, rules, names),
        names=names,
        undo=undo,
        panel=panel,
        letter=view.letters.get(about),
        **{"wrong": "", "given": {}, "joins": None, **values},
    )


def view_of(desk: Desk, code: str) -> CaseView:
    """The case with this code; raises :class:`RefusedError`."""
    rules = desk.knowledge.in_force().rules
    with desk.store.read("case") as tx:
        case_id = case_named(tx, code)
        case = case_record(tx, case_id, NOT_TOLD)
        if case is None:
            raise RefusedError(404, "no_such_case")
        boxes = {box.id: rules.mailboxes.get(box.name) for box in known_mailboxes(tx)}
        opened = opened_of(desk, tx, case.rows, boxes)
        waiting = waiting_acknowledgement(tx, case_id)
        sent = bool(acknowledged_cases(tx, [case_id]))
        code = case_code(secret_if_known(tx), case_id)
    letters = {row.id: _letter(case, row, opened.get(row.id), desk) for row in case.rows}
    heads = {number: _head(one) for number, one in opened.items()}
    never = waiting is not None and waiting.message_id in closed_without_centre(case)
    state = "non_serve" if never else "da_mandare" if waiting is not None else "mandata" if sent else ""
    return CaseView(code, case, letters, heads, state)


def case_named(tx: Transaction, code: str) -> int:
    """The number of the case that has exactly this code; raises :class:`RefusedError`."""
    secret = secret_if_known(tx)
    named = cases_typed(secret, code) if secret else ()
    if len(named) != 1 or case_code(secret, named[0]) != with_hyphen(code).strip().upper():
        raise RefusedError(404, "no_such_case")
    return named[0]


def _code_of(desk: Desk, number: int) -> str:
    with desk.store.read("case") as tx:
        secret = secret_if_known(tx)
        if not secret or number >= 1 << 62 or case_record(tx, number) is None:
            raise RefusedError(404, "no_such_case")
        return case_code(secret, number)


def _letter(case: CaseRecord, row: MessageRow, opened: Opened | None, desk: Desk) -> Letter:
    message = opened.message if opened is not None else None
    rules = desk.knowledge.in_force().rules
    acts = [act for act in case.settled if act.message_id == row.id and act.undone_at is None]
    forwards = {one.state for one in case.sent if one.message_id == row.id and one.kind == "forward"}
    had = "accepted" in forwards
    text = message.new_text if message is not None else ""
    decision = next(
        (d for d in reversed(case.decided) if (d.message_id, d.generation) == (row.id, row.generation)), None
    )
    return Letter(
        row,
        became(row, decision, acts[-1] if acts else None, rules),
        text[:LONGEST],
        len(text) > LONGEST or (opened is not None and not opened.whole),
        message is not None and bool(message.attachments or message.quoted_text),
        message is not None and (row.state in OPENABLE or (row.state == MessageState.HELD and had)),
        message is not None and row.state in OPENABLE and bool(forwards & {"accepted", "pending", "submitting"}),
        row.state in (MessageState.HELD, MessageState.QUARANTINED),
        word_pec(label_of(message.certified)) if message is not None and message.certified else "",
    )


def _head(opened: Opened) -> Head:
    author, files = opened.message.author, len(opened.message.attachments)
    return Head(author.display_name, author.addr_spec, opened.message.subject, files, opened.whole)


# --------------------------------------------------------------------------- one case out of two, two out of one


@router.get("/casi/{code}/unisci/{message_id}")
def ask_join(request: Request, code: str, message_id: int, person: Settling) -> Response:
    """To which case the message belongs."""
    return case_page(request, code, person, panel="unisci", about=message_id)


@router.post("/casi/{code}/unisci/{message_id}")
def join_it(
    request: Request,
    code: str,
    message_id: int,
    person: Settling,
    seen: Annotated[int, Form()],
    codice: Annotated[str, Form(max_length=40)] = "",
    chiude: Annotated[str, Form(max_length=4)] = "",
    nota: Note = "",
    mostrato: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """The message is part of the case that was named, once it was shown whose that is."""
    rules = desk_of(request).knowledge.in_force().rules
    given = {"codice": codice, "chiude": chiude, "nota": nota}
    with desk_of(request).store.read("case to join") as tx:
        joins = case_to_join(desk_of(request), tx, message_id, codice)
    if joins is not None and joins.shown != mostrato:
        return case_page(request, code, person, panel="unisci", about=message_id, given=given, joins=joins)
    outcome = act_on(
        request,
        code,
        message_id,
        person,
        lambda tx: join(tx, rules, person, message_id, codice, ends=bool(chiude), seen=seen, note=nota),
    )
    if not outcome.ok:
        told: dict[str, Any] = {"status": 422, "wrong": outcome.message_it, "given": given, "joins": joins}
        return case_page(request, code, person, panel="unisci", about=message_id, **told)
    return go(f"/casi/{_case_of(desk_of(request), message_id)}")


@router.get("/casi/{code}/separa/{message_id}")
def ask_split(request: Request, code: str, message_id: int, person: Settling) -> Response:
    """Whether the message shall be a case of its own."""
    return case_page(request, code, person, panel="separa", about=message_id)


@router.post("/casi/{code}/separa/{message_id}")
def split_it(
    request: Request, code: str, message_id: int, person: Settling, seen: Annotated[int, Form()], nota: Note = ""
) -> Response:
    """The message is a case of its own."""
    rules = desk_of(request).knowledge.in_force().rules
    outcome = act_on(
        request, code, message_id, person, lambda tx: split(tx, rules, person, message_id, seen=seen, note=nota)
    )
    if not outcome.ok:
        return case_page(request, code, person, panel="separa", about=message_id, status=422, wrong=outcome.message_it)
    return go(f"/casi/{_case_of(desk_of(request), message_id)}")


@router.post("/casi/{code}/conferma")
def hold_acknowledgement(
    request: Request, code: str, person: Settling, scelta: Annotated[str, Form(max_length=8)] = ""
) -> Response:
    """The case's acknowledgement leaves later, never, or as usual."""
    if scelta not in (*WAITS, "mai", "solito"):
        return case_page(request, code, person, status=422, wrong="Scegli che cosa fare della conferma.")
    rules = desk_of(request).knowledge.in_force().rules
    view = view_of(desk_of(request), code)
    if not view.letters:
        raise RefusedError(409, "empty_case")
    wait = timedelta(hours=WAITS[scelta]) if scelta in WAITS else None
    first = next(iter(view.letters))
    outcome = act_on(
        request,
        code,
        first,
        person,
        lambda tx: acknowledgement(tx, rules, person, first, wait=wait, never=scelta == "mai"),
    )
    if not outcome.ok:
        tell(request, outcome.message_it, "warning")
    return go(f"/casi/{view.code}")


def act_on(
    request: Request, code: str, message_id: int, person: Person, act: Callable[[Transaction], Outcome]
) -> Outcome:
    """Carry out one act on a message of this case; told when it was done. Raises :class:`RefusedError`."""
    desk = desk_of(request)
    try:
        with desk.store.write("settle", person.name) as tx:
            if _case_number(tx, message_id) != case_named(tx, code):
                raise RefusedError(404, "not_of_this_case")
            outcome = act(tx)
    except LostLeaseError:
        return Outcome(False, "cambiato", CHANGED)
    if outcome.ok:
        desk.dispatch_wake()
        desk.file_wake()
        tell(request, outcome.message_it)
    return outcome


def _case_number(tx: Transaction, message_id: int) -> int:
    row = get_message(tx, message_id)
    return row.case_id or 0 if row is not None else 0


def _case_of(desk: Desk, message_id: int) -> str:
    with desk.store.read("case of message") as tx:
        return case_code(secret_if_known(tx), _case_number(tx, message_id))
