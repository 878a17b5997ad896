"""The page /protocollo: mail that must be entered in the register of documents; its number, and marking by hand."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response

from triage.acts.people import Act, Person
from triage.acts.protocol import give_number, mark
from triage.record.mailboxes import known_mailboxes
from triage.record.messages import messages_by_id
from triage.record.people import all_people
from triage.record.protocol import protocol_entries_of, protocol_page
from triage.review.guards import RefusedError, desk_of, may
from triage.review.heads import Head, heads_of
from triage.review.letter import letter_page
from triage.review.rendering import go, render, tell

router = APIRouter()
Settling = Annotated[Person, Depends(may(Act.SETTLE))]
SIZE = 50


@router.get("/protocollo")
def show(
    request: Request,
    _person: Annotated[Person, Depends(may(Act.LOOK))],
    tutti: Annotated[str, Query(max_length=2)] = "",
    da: Annotated[int, Query(ge=0, le=1 << 62)] = 0,
) -> Response:
    """The messages that wait for the register of documents, or all that were marked for it."""
    desk = desk_of(request)
    rules = desk.knowledge.in_force().rules
    with desk.store.read("protocol") as tx:
        found = protocol_page(tx, waiting=not tutti, after=da, before=da, size=SIZE + 1)
        entries = found[:SIZE]
        rows = messages_by_id(tx, [one.message_id for one in entries])
        boxes = {box.id: box.name for box in known_mailboxes(tx)}
        heads = heads_of(tx, desk.parsed, rules, boxes, list(rows.values()))
        names = {one.name: one.display for one in all_people(tx)}
    return render(
        request,
        "protocol.html",
        lines=[(one, rows[one.message_id], heads.get(one.message_id, Head())) for one in entries],
        everything=bool(tutti),
        after=da,
        last=entries[-1].message_id if len(found) > SIZE else 0,
        names=names,
    )


@router.post("/protocollo/{message_id}/numero")
def number(
    request: Request, message_id: int, person: Settling, numero: Annotated[str, Form(max_length=80)] = ""
) -> Response:
    """The number that the register gave to the message."""
    desk = desk_of(request)
    with desk.store.write("protocol number", person.name) as tx:
        if message_id >= 1 << 62 or message_id not in protocol_entries_of(tx, [message_id]):
            raise RefusedError(404, "not_to_register")
        outcome = give_number(tx, person, message_id, numero)
    if not outcome.ok:
        return letter_page(request, message_id, person, status=422, wrong_number=outcome.message_it, number=numero)
    tell(request, outcome.message_it)
    return go(f"/messaggi/{message_id}")


@router.post("/messaggi/{message_id}/protocollo")
def mark_it(request: Request, message_id: int, person: Settling) -> Response:
    """The message must be registered, whatever the rules say."""
    desk = desk_of(request)
    with desk.store.write("protocol mark", person.name) as tx:
        outcome = mark(tx, person, message_id)
    tell(request, outcome.message_it, "success" if outcome.ok else "warning")
    return go(f"/messaggi/{message_id}")
