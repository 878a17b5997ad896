"""/fermo: stop everything that leaves, and let it leave again; asked for once more before it is done."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from triage.acts.people import Act, Person
from triage.record.breaker import close
from triage.record.identity import is_stopped, set_stopped
from triage.record.staff_acts import note_act
from triage.review.guards import desk_of, may
from triage.review.rendering import go, render, tell

router = APIRouter()
Responsible = Annotated[Person, Depends(may(Act.STOP))]


@router.get("/fermo")
def ask(request: Request, _person: Responsible) -> Response:
    """What would happen, and the button that does it."""
    with desk_of(request).store.read("stop") as tx:
        stopped = is_stopped(tx)
    return render(request, "halting.html", is_stopped=stopped)


@router.post("/fermo/ferma")
def stop(request: Request, person: Responsible) -> Response:
    """Stop everything that leaves, by any worker."""
    return _turn(request, person, stopped=True)


@router.post("/fermo/riparti")
def start(request: Request, person: Responsible) -> Response:
    """Let mail leave again, and acknowledgements after the breaker."""
    return _turn(request, person, stopped=False)


def _turn(request: Request, person: Person, *, stopped: bool) -> Response:
    desk = desk_of(request)
    with desk.store.write("stop" if stopped else "start", person.name) as tx:
        changed = set_stopped(tx, stopped)
        changed |= close(tx) if not stopped else False
        if changed:
            note_act(tx, person, "stop" if stopped else "start", "switch")
    desk.dispatch_wake()
    if stopped:
        tell(request, "Fermato: da adesso non parte più niente. I messaggi continuano a essere letti.", "warning")
    else:
        tell(request, "Ripartito: quello che aspettava parte adesso.")
    return go("/fermo")
