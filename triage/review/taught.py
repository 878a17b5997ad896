"""/regole/imparate: what settlements taught for later messages, and the button that ends one of them.

A sender stands there by name, or with the first letter of the address: enough to know whose rule it is. The record
keeps only the address's keyed hash; the name is read from the message that taught, as long as that is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from triage.acts.actors import by_whom
from triage.acts.people import Act, Person
from triage.acts.taught import filed_by
from triage.acts.teaching import forget
from triage.acts.words import word_taught
from triage.ids import case_code
from triage.record import Transaction
from triage.record.exceptions import Taught, all_exceptions, exception_numbered, live_exceptions
from triage.record.identity import known_secret
from triage.record.mailboxes import known_mailboxes
from triage.record.messages import messages_by_id
from triage.record.people import all_people
from triage.record.staff_acts import acts_about
from triage.review import words
from triage.review.desk import Desk
from triage.review.guards import RefusedError, desk_of, may
from triage.review.heads import Head, heads_of
from triage.review.rendering import go, render, tell
from triage.rules import Rules

router = APIRouter()
PATH = "/regole/imparate"
Looking = Annotated[Person, Depends(may(Act.LOOK))]
Teaching = Annotated[Person, Depends(may(Act.TEACH))]


@dataclass(frozen=True, slots=True)
class TaughtView:
    """One taught rule as the page shows it. ``case``: the code of the case that taught; ``ended_by``: who ended it."""

    taught: Taught
    what: str
    case: str
    by: str
    ended_at: datetime | None
    ended_by: str


@dataclass(frozen=True, slots=True)
class Filed:
    """A message that a rule has filed, and the page from which it can be taken up again."""

    subject: str
    at: datetime
    path: str


@router.get(PATH)
def show(request: Request, _person: Looking) -> Response:
    """Those that hold, and the last ones that ended."""
    desk = desk_of(request)
    with desk.store.read("taught rules") as tx:
        live = live_exceptions(tx)
        holding = {one.id for one in live}
        past = [one for one in all_exceptions(tx) if one.id not in holding]
        views, ended = _views(desk, tx, live), _views(desk, tx, past)
    return render(request, "taught.html", views=views, ended=ended)


@router.get(PATH + "/{number}")
def ask(request: Request, number: int, _person: Teaching) -> Response:
    """Whether this one shall hold no more."""
    desk = desk_of(request)
    with desk.store.read("taught rule") as tx:
        one = exception_numbered(tx, number)
        if one is None:
            raise RefusedError(404, "no_such_rule")
        (view,) = _views(desk, tx, [one])
        filed = _filed(desk, tx, one)
    return render(request, "taught_end.html", view=view, filed=filed)


@router.post(PATH + "/{number}/togli")
def end(request: Request, number: int, person: Teaching) -> Response:
    """It holds no more; what has left stays where it is."""
    desk = desk_of(request)
    rules = desk.knowledge.in_force().rules
    with desk.store.write("forget", person.name) as tx:
        one = exception_numbered(tx, number)
        if one is None:
            raise RefusedError(404, "no_such_rule")
        outcome = forget(tx, rules, person, number)
        filed = len(filed_by(tx, one)) if outcome.ok else 0
    tell(request, outcome.message_it, "success" if outcome.ok else "warning")
    if not filed:
        return go(PATH)
    told = words.count_of(filed, "messaggio archiviato", "messaggi archiviati")
    tell(request, f"{told} dalla regola: restano dove sono finché qualcuno li riprende. Sono elencati qui.", "warning")
    return go(f"{PATH}/{number}")


def _filed(desk: Desk, tx: Transaction, one: Taught) -> list[Filed]:
    rows = filed_by(tx, one)
    boxes = {box.id: box.name for box in known_mailboxes(tx)} if rows else {}
    heads = heads_of(tx, desk.parsed, desk.knowledge.in_force().rules, boxes, rows)
    return [
        Filed(
            heads.get(row.id, Head()).subject.strip()[:200],
            row.internal_date or row.received_at or row.listed_at,
            f"/casi/{case_code(known_secret(tx), row.case_id)}/correggi/{row.id}"
            if row.case_id is not None
            else f"/messaggi/{row.id}",
        )
        for row in rows
    ]


def _views(desk: Desk, tx: Transaction, found: Sequence[Taught]) -> list[TaughtView]:
    rules = desk.knowledge.in_force().rules
    rows = messages_by_id(tx, [one.message_id for one in found])
    boxes = {box.id: box.name for box in known_mailboxes(tx)} if rows else {}
    heads = heads_of(tx, desk.parsed, rules, boxes, list(rows.values()))
    names = {one.name: one.display for one in all_people(tx)} if found else {}
    views = []
    for one in found:
        row = rows.get(one.message_id)
        case = case_code(known_secret(tx), row.case_id) if row is not None and row.case_id is not None else ""
        ended = one.ended_at or (one.expires_at if one.expires_at <= tx.now else None)
        acts = [act for act in acts_about(tx, "exception", one.id) if act["act"] == "forget"] if one.ended_at else []
        by = by_whom(acts[-1]["actor"], names) if acts else ""
        what = rule_words(one, rules, heads.get(one.message_id, Head()))
        views.append(TaughtView(one, what, case, by_whom(one.created_by, names), ended, by))
    return views


def rule_words(one: Taught, rules: Rules, head: Head) -> str:
    """The rule in a sentence; ``head``: of the message that taught it."""
    return word_taught(one, rules, f"«{shortened(head)}»" if head.address else "quel mittente")


def shortened(head: Head) -> str:
    """A sender's name; without one the address but for its middle."""
    local, _, domain = head.address.rpartition("@")
    return head.name or f"{local[:1]}…@{domain}"
