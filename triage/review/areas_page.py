"""/regole/comuni/{project}: the comuni of a project that are only likely to be its own, for ATS to tick."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from triage.acts.areas import confirm_comuni
from triage.acts.people import Act, Person
from triage.knowledge import likely_places
from triage.record.areas import ticks_of
from triage.record.people import all_people
from triage.review.guards import RefusedError, desk_of, may
from triage.review.rendering import go, render, tell

router = APIRouter()
_Names = Annotated[list[str] | None, Form(max_length=2000)]


@router.get("/regole/comuni/{project}")
def show(request: Request, project: str, _person: Annotated[Person, Depends(may(Act.LOOK))]) -> Response:
    """Each likely comune by ambito: ticked here (when, by whom), confirmed in the file, or still open."""
    desk = desk_of(request)
    rules = desk.knowledge.in_force().rules
    if project not in rules.projects:
        raise RefusedError(404, "no_such_project")
    found = rules.projects[project]
    with desk.store.read("area") as tx:
        ticks = ticks_of(tx, project)
        names = {one.name: one.display for one in all_people(tx)}
    groups: dict[str, list[tuple[str, bool]]] = {}
    for comune in sorted(likely_places(rules, found)):
        by_file = found.area_confirmed or (comune in found.comuni_confirmed and comune not in ticks)
        groups.setdefault(rules.places[comune], []).append((comune, by_file))
    return render(
        request,
        "areas.html",
        project=found,
        groups=sorted(groups.items()),
        ticks=ticks,
        names=names,
        open=sum(not by_file and name not in ticks for group in groups.values() for name, by_file in group),
    )


@router.post("/regole/comuni/{project}")
def confirm(
    request: Request,
    project: str,
    person: Annotated[Person, Depends(may(Act.AREAS))],
    comune: _Names = None,
    prima: _Names = None,
) -> Response:
    """Confirm what is ticked, take back what is not any more."""
    desk = desk_of(request)
    rules = desk.knowledge.in_force().rules
    if project not in rules.projects:
        raise RefusedError(404, "no_such_project")
    with desk.store.write("area", person.name) as tx:
        done = confirm_comuni(tx, rules, person, project, comune or [], prima or [])
    desk.knowledge.look_again()
    tell(request, done.message_it, "success" if done.ok else "warning")
    return go(f"/regole/comuni/{project}")
