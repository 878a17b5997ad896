"""The page /operazioni: what people did, for administrators and whoever answers for data protection.

Who did what on which case and when: codes and names of accounts, nothing of any message. The download is the same
table. It says whether the daily look at the seals found them whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response

from triage.acts.actors import who as who_acted
from triage.acts.people import Act, Person
from triage.ids import case_code, cases_typed
from triage.record import Transaction
from triage.record.acts_page import ActRow, acts_page, cases_of_acts
from triage.record.acts_watch import KIND, looked_at
from triage.record.identity import secret_if_known
from triage.record.incidents import open_incidents
from triage.record.people import all_people
from triage.record.staff_acts import note_act
from triage.review.finding import days_between
from triage.review.guards import desk_of, may
from triage.review.register import MOST_EXPORTED
from triage.review.rendering import render
from triage.review.times import ROME
from triage.review.trends import TAMPERED
from triage.review.words import act_name, role_name
from triage.spreadsheets import to_csv

router = APIRouter()
Seeing = Annotated[Person, Depends(may(Act.ACTS))]
SIZE = 50
HEADS = ("Quando", "Chi", "Ruolo adesso", "Che cosa", "Caso", "Numero")
COMMAND = "Amministratore di sistema"
NO_CASE = "Questo codice di caso non esiste: controlla di averlo copiato intero."


@dataclass(frozen=True, slots=True)
class Line:
    """One act in words. ``code``: of the case that it was about, or empty."""

    row: ActRow
    who: str
    role: str
    what: str
    code: str


@router.get("/operazioni")
def show(
    request: Request,
    _person: Seeing,
    caso: Annotated[str, Query(max_length=40)] = "",
    prima: Annotated[int, Query(ge=0, le=1 << 62)] = 0,
) -> Response:
    """What people did: all of it, or what was done about one case."""
    with desk_of(request).store.read("operations") as tx:
        case = _case(tx, caso)
        found = acts_page(tx, case=case, before=prima, size=SIZE + 1) if case >= 0 else []
        lines = _lines(tx, found[:SIZE])
        tampered = any(row["kind"] == KIND for row in open_incidents(tx))
        looked = looked_at(tx)
    return render(
        request,
        "operations.html",
        422 if case < 0 else 200,
        lines=lines,
        sought=caso.strip().upper(),
        wrong=NO_CASE if case < 0 else "",
        after=prima,
        last=lines[-1].row.id if len(found) > SIZE else 0,
        tampered=TAMPERED if tampered else "",
        looked=looked,
    )


@router.post("/operazioni/scarica")
def download(
    request: Request,
    person: Seeing,
    dal: Annotated[str, Form(max_length=10)] = "",
    al: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """The acts of some days as a table for a spreadsheet; that it was taken is on record."""
    since, until = days_between(dal, al)
    with desk_of(request).store.write("operations export", person.name) as tx:
        lines = _lines(tx, acts_page(tx, since=since, until=until, size=MOST_EXPORTED))
        note_act(tx, person, "export", "acts", 0, {"rows": len(lines)})
    return Response(
        to_csv(HEADS, [_cells(line) for line in reversed(lines)]),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="operazioni-{tx.now.astimezone(ROME):%Y-%m-%d}.csv"'},
    )


def _case(tx: Transaction, code: str) -> int:
    """The case that a code names: 0 for no code, -1 for one that is of no case."""
    if not code.strip():
        return 0
    found = cases_typed(secret_if_known(tx), code)
    return found[0] if found else -1


def _lines(tx: Transaction, acts: Sequence[ActRow]) -> list[Line]:
    people = {one.id: one for one in all_people(tx)}
    cases = cases_of_acts(tx, acts)
    secret = secret_if_known(tx)
    found = []
    for act in acts:
        who = people.get(act.person_id or 0)
        case = cases.get(act.id)
        name, role = (who.display, role_name(who.role)) if who is not None else (who_acted(act.actor, {}), COMMAND)
        what = act_name(str(act.params.get("code", "")) if act.act == "acknowledgement" else act.act)
        found.append(Line(act, name, role, what, case_code(secret, case) if case is not None else ""))
    return found


def _cells(line: Line) -> tuple[str, ...]:
    at = f"{line.row.at.astimezone(ROME):%d/%m/%Y %H:%M:%S}"
    return (at, line.who, line.role, line.what, line.code, str(line.row.id))
