"""The page /smistati: what is done, the newest first, and a search in it.

What is looked for comes by POST and is kept in the session: no name, address or word of a family stands in an address.
Going on is by the last message's number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response

from triage.acts.people import Act, Person
from triage.ids import case_code, cases_typed
from triage.record import Transaction
from triage.record.comuni import comune_of
from triage.record.decisions import decisions_of
from triage.record.identity import secret_if_known
from triage.record.mailboxes import known_mailboxes
from triage.record.messages import MessageRow
from triage.record.people import all_people
from triage.record.recase import case_exists
from triage.record.settlements import newest_settlements
from triage.review.desk import Desk
from triage.review.finding import Found, Search, find, kept_search, search_of
from triage.review.guards import desk_of, may
from triage.review.heads import Head, heads_of
from triage.review.rendering import go, remember, render, session_data
from triage.review.settled_words import Became, became
from triage.review.undoing import undoables
from triage.review.words import TOPICS_TO_CHOOSE
from triage.vocabulary import Decision

router = APIRouter()
Looking = Annotated[Person, Depends(may(Act.LOOK))]
Field = Annotated[str, Form(max_length=200)]
KEPT = "search"
NO_CASE = "Non c'è un caso con questo codice: controlla le lettere, per esempio sull'oggetto della mail."


@dataclass(frozen=True, slots=True)
class Line:
    """One message in the list."""

    row: MessageRow
    head: Head
    decision: Decision | None
    became: Became
    code: str
    comune: str


@router.get("/smistati")
def show(request: Request, person: Looking, prima: Annotated[int, Query(ge=0, le=1 << 62)] = 0) -> Response:
    """What is done, by the last search of whoever looks."""
    desk = desk_of(request)
    search = kept_search(session_data(request).get(KEPT), desk.knowledge.in_force().rules)
    return _page(request, person, search, before=prima)


@router.post("/smistati/cerca")
def look_for(
    request: Request,
    person: Looking,
    codice: Field = "",
    persona: Field = "",
    comune: Field = "",
    centro: Field = "",
    argomento: Field = "",
    dal: Field = "",
    al: Field = "",
    parole: Field = "",
) -> Response:
    """Keep what is looked for, and show it; a case's code opens the case."""
    desk = desk_of(request)
    if codice.strip():
        code = _case_named(desk, codice)
        if code:
            return go(f"/casi/{code}")
        return _page(request, person, Search(), wrong=NO_CASE, given={"codice": codice}, status=422)
    given = {"persona": persona, "comune": comune, "centro": centro, "argomento": argomento}
    given |= {"dal": dal, "al": al, "parole": parole}
    search = search_of(given, desk.knowledge.in_force().rules)
    if isinstance(search, str):
        return _page(request, person, Search(), wrong=search, given=given, status=422)
    remember(request, **{KEPT: asdict(search)})
    return go("/smistati")


@router.post("/smistati/tutti")
def forget(request: Request, _person: Looking) -> Response:
    """Show everything again; what was looked for is forgotten."""
    remember(request, **{KEPT: {}})
    return go("/smistati")


def _case_named(desk: Desk, text: str) -> str:
    """The code of the one case that a text names, as we write it; empty: none."""
    with desk.store.read("case named") as tx:
        secret = secret_if_known(tx)
        named = [case for case in cases_typed(secret, text) if case_exists(tx, case)] if secret else []
    return case_code(secret, named[0]) if secret and len(named) == 1 else ""


def _page(
    request: Request,
    person: Person,
    search: Search,
    *,
    before: int = 0,
    wrong: str = "",
    given: Mapping[str, Any] | None = None,
    status: int = 200,
) -> Response:
    desk = desk_of(request)
    found = Found((), 0) if wrong else find(desk, search, before)
    with desk.store.read("settled") as tx:
        lines, partly = _lines(desk, tx, found.rows), _lines(desk, tx, found.partly)
        undo = undoables(desk, tx, person)
        names = {one.name: one.display for one in all_people(tx)}
    return render(
        request,
        "settled.html",
        status,
        lines=lines,
        partly=partly,
        found=found,
        search=search,
        given={"codice": ""} | asdict(search) | dict(given or {}),
        wrong=wrong,
        after=before,
        undo=undo,
        names=names,
        topics=TOPICS_TO_CHOOSE,
    )


def _lines(desk: Desk, tx: Transaction, rows: tuple[MessageRow, ...]) -> list[Line]:
    rules = desk.knowledge.in_force().rules
    boxes = {box.id: box.name for box in known_mailboxes(tx)}
    heads = heads_of(tx, desk.parsed, rules, boxes, rows)
    decisions = decisions_of(tx, [(row.id, row.generation) for row in rows])
    acts = newest_settlements(tx, [row.id for row in rows])
    secret = secret_if_known(tx)
    return [
        Line(
            row,
            heads.get(row.id, Head()),
            decisions.get(row.id),
            became(row, decisions.get(row.id), acts.get(row.id), rules),
            case_code(secret, row.case_id) if secret and row.case_id is not None else "",
            (comune_of(decisions[row.id]) or "") if row.id in decisions else "",
        )
        for row in rows
    ]
