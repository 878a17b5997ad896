"""The page /messaggi/{id}: one message, what the service thinks of it, and every way out.

The page is the same for every step; what differs is the panel beside the message: the proposals, the preview of what
would leave, or the form of one exit. It is drawn by the server for each, so that it works without JavaScript.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from triage.acts.claims import claim
from triage.acts.people import Act, Person
from triage.acts.people import may as role_may
from triage.record.looking import OPENED, looked_lately, note_look
from triage.record.messages import get_message
from triage.record.openings import openings_of
from triage.record.returned import OPENABLE
from triage.record.waiting_list import WAITING
from triage.review.desk import Desk
from triage.review.exit_forms import FORMS, form_values, taken_back
from triage.review.guards import RefusedError, desk_of, may
from triage.review.letter_view import LetterView, view_of
from triage.review.letters import Letter, letter_of
from triage.review.rendering import render
from triage.review.undoing import undoables
from triage.review.words import topic_name
from triage.rules import Rules
from triage.vocabulary import TOPICS, Action, MessageState

router = APIRouter()
_FIELDS = ("centro", "comune", "zona", "argomento", "nota", "testo", "ufficio", "caso", "finito", "frase", "insegna")
_EMPTY = dict.fromkeys(_FIELDS, "")
"""What forms hold before anything was filled in."""
RENEW_BELOW = timedelta(minutes=7)
"""How long a message must still count as open in front of somebody, else that is written anew."""
Looking = Annotated[Person, Depends(may(Act.LOOK))]
Settling = Annotated[Person, Depends(may(Act.SETTLE))]


@router.get("/messaggi/{message_id}")
def show(request: Request, message_id: int, person: Looking) -> Response:
    """One message, with the service's proposals."""
    return letter_page(request, message_id, person)


@router.get("/messaggi/{message_id}/uscita/{exit}")
def ask(request: Request, message_id: int, exit: str, person: Settling) -> Response:
    """The form of one exit, and what would leave by it."""
    if exit not in FORMS:
        raise RefusedError(404, "no_such_exit")
    return letter_page(request, message_id, person, panel=exit)


@router.post("/eventi/apertura/{message_id}")
def still_open(request: Request, message_id: int, person: Settling) -> Response:
    """The page is still open in front of somebody; asked by the page itself every few minutes."""
    _note_opening(desk_of(request), person, message_id)
    return Response(status_code=204)


def letter_page(
    request: Request,
    message_id: int,
    person: Person,
    *,
    panel: str = "",
    status: int = 200,
    wrong: str = "",
    given: Mapping[str, Any] | None = None,
    **values: Any,
) -> Response:
    """The page with one of its panels. ``wrong``: what is missing, as a sentence; ``given``: what was filled in."""
    desk = desk_of(request)
    rules = desk.knowledge.in_force().rules
    with desk.store.read("letter") as tx:
        letter = letter_of(desk, tx, message_id)
    _note_opening(desk, person, message_id)
    with desk.store.read("letter view") as tx:
        view = view_of(desk, tx, person, letter)
        undo = undoables(desk, tx, person)
        more = form_values(desk, tx, person, letter, panel) if panel in FORMS and view.waits else {}
        if panel == "inoltra":
            more["note_again"] = taken_back(tx, person, message_id, panel)[1]
    if panel and not view.waits:
        panel = ""
    return render(
        request,
        "letter.html",
        status,
        view=view,
        row=letter.row,
        title=_title(letter),
        panel=panel,
        wrong=wrong,
        given=_EMPTY | dict(given or {}),
        filled=bool(given),
        undo=undo,
        centres=_centres(rules),
        exits=FORMS,
        topics={code: topic_name(code) for code in TOPICS},
        may_settle=role_may(person.role, Act.SETTLE) and view.waits,
        may_forward=role_may(person.role, Act.SETTLE) and _may_forward(view),
        may_add=role_may(person.role, Act.SETTLE) and _may_add(view),
        **{
            "mails": (),
            "notes": (),
            "wrong_rule": "",
            "digest": "",
            "heading": "",
            "note_again": "",
            "refused": "",
            "ready": False,
            "joins": None,
            "wrong_number": "",
            "number": "",
            **more,
            **values,
        },
    )


def _note_opening(desk: Desk, person: Person, message_id: int) -> None:
    """Who has the message open, and that they looked; what is on record already costs no write."""
    with desk.store.read("opening") as tx:
        row = get_message(tx, message_id)
        waits = row is not None and row.state in WAITING
        looked = looked_lately(tx, person, OPENED, message_id)
        opening = openings_of(tx, [message_id]).get(message_id)
        known = opening is not None and (opening.person_id != person.id or opening.until - tx.now > RENEW_BELOW)
    opens = waits and not known and role_may(person.role, Act.SETTLE)
    if looked and not opens:
        return
    with desk.store.write("opening", person.name) as tx:
        note_look(tx, person, OPENED, message_id)
        if opens:
            claim(tx, person, message_id)


def _title(letter: Letter) -> str:
    if letter.message is None:
        return f"Messaggio {letter.row.id}"
    return letter.message.subject.strip()[:200] or "(senza oggetto)"


def _may_forward(view: LetterView) -> bool:
    return view.letter.row.state == MessageState.HELD and view.readable


def _may_add(view: LetterView) -> bool:
    """Whether a further centre may get it: one has it, or is about to."""
    sent = view.decision is not None and view.decision.action == Action.FORWARD
    return sent and view.letter.row.state in OPENABLE and bool(view.case_code)


def _centres(rules: Rules) -> dict[str, str]:
    """Every address of every project under its code, the families' own first."""
    return {
        f"{code}.{key}": project.name
        if len(project.addresses) == 1 or key == "default"
        else f"{project.name}: {one.to}"
        for code, project in rules.projects.items()
        for key, one in sorted(project.addresses.items(), key=lambda item: (item[0] != "default", item[0]))
    }
