"""The pages /errori: the register of misroutes, for responsabile and whoever answers for data protection.

Codes, times, roles and categories of data; never a body, a subject or a family's name. The download is the same table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response

from triage.acts.actors import capital, who
from triage.acts.people import Act, Person, Role
from triage.acts.register import ANSWERS, close_entry, write_answer
from triage.ids import case_code
from triage.record import Transaction
from triage.record.family_told import FamilyMail, family_mails
from triage.record.identity import secret_if_known
from triage.record.people import PersonRow, all_people
from triage.record.register import Entry, count_open, entries, entry_numbered
from triage.record.staff_acts import note_act
from triage.review.family_words import TOLD_BY, family_words
from triage.review.finding import days_between
from triage.review.guards import RefusedError, desk_of, may
from triage.review.rendering import go, render, tell
from triage.review.times import ROME
from triage.review.words import (
    CATEGORY_NAMES,
    MISROUTE_ANSWERS,
    WHY_NAMES,
    project_name,
    role_name,
)
from triage.rules import Rules
from triage.spreadsheets import to_csv

router = APIRouter()
Seeing = Annotated[Person, Depends(may(Act.REGISTER))]
Keeping = Annotated[Person, Depends(may(Act.RECALLS))]
SIZE = 50
MOST_EXPORTED = 20_000
HEADS = (
    *("Caso", "Trovato il", "Trovato da (ruolo)", "Inviato per errore il", "Centro sbagliato", "Centro giusto"),
    *("Motivo", "Categorie di dati", "Richiesta di cancellare", "Risposta", "Risposta il", "Famiglia", "Chiuso il"),
    "Annullato il",
)
RECALLS = {
    "": "non inviata da qui",
    "pending": "in partenza",
    "submitting": "in partenza",
    "accepted": "inviata",
    "cancelled": "non inviata",
    "failed": "non consegnata",
    "unknown": "non si sa se è arrivata",
    "returned": "tornata indietro",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the register in words."""

    entry: Entry
    code: str
    by: str
    role: str
    why: str
    categories: tuple[str, ...]
    recall: str
    answer: str
    family: str


@router.get("/errori")
def show(
    request: Request,
    _person: Seeing,
    tutti: Annotated[str, Query(max_length=2)] = "",
    prima: Annotated[int, Query(ge=0, le=1 << 62)] = 0,
) -> Response:
    """The register of misroutes: those that need something still, or all."""
    desk = desk_of(request)
    with desk.store.read("register") as tx:
        found = entries(tx, only_open=not tutti, before=prima, size=SIZE + 1)
        lines = _lines(tx, found[:SIZE])
        waiting = count_open(tx)
    last = lines[-1].entry.misroute.id if len(found) > SIZE else 0
    return render(request, "register.html", lines=lines, everything=bool(tutti), open=waiting, after=prima, last=last)


@router.get("/errori/{number}")
def show_one(request: Request, number: int, _person: Seeing) -> Response:
    """One misroute, and what is still to be done about it."""
    return _one(request, number)


@router.post("/errori/{number}/risposta")
def answer(
    request: Request, number: int, person: Keeping, risposta: Annotated[str, Form(max_length=16)] = ""
) -> Response:
    """Write down what the centre answered."""
    with desk_of(request).store.write("register", person.name) as tx:
        _there(tx, number)
        outcome = write_answer(tx, person, number, risposta)
    if not outcome.ok:
        return _one(request, number, 422, outcome.message_it)
    tell(request, outcome.message_it)
    return go(f"/errori/{number}")


@router.post("/errori/{number}/chiudi")
def close(request: Request, number: int, person: Keeping) -> Response:
    """Nothing is left to do about it."""
    with desk_of(request).store.write("register", person.name) as tx:
        _there(tx, number)
        outcome = close_entry(tx, person, number)
    if not outcome.ok:
        return _one(request, number, 422, outcome.message_it)
    tell(request, outcome.message_it)
    return go("/errori")


@router.post("/errori/scarica")
def download(
    request: Request,
    person: Seeing,
    dal: Annotated[str, Form(max_length=10)] = "",
    al: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """The register as a table for a spreadsheet; that it was taken is on record."""
    desk = desk_of(request)
    since, until = days_between(dal, al)
    rules = desk.knowledge.in_force().rules
    with desk.store.write("register export", person.name) as tx:
        found = entries(tx, since=since, until=until, size=MOST_EXPORTED)
        lines = _lines(tx, found)
        note_act(tx, person, "export", "register", 0, {"rows": len(lines)})
    name = f"errori-di-smistamento-{tx.now.astimezone(ROME):%Y-%m-%d}.csv"
    return Response(
        to_csv(HEADS, [_cells(line, rules) for line in reversed(lines)]),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _one(request: Request, number: int, status: int = 200, wrong: str = "") -> Response:
    desk = desk_of(request)
    with desk.store.read("misroute") as tx:
        entry = _there(tx, number)
        (line,) = _lines(tx, [entry])
    answers = {code: MISROUTE_ANSWERS[code] for code in ANSWERS}
    return render(request, "misroute.html", status, line=line, one=entry.misroute, answers=answers, wrong=wrong)


def _there(tx: Transaction, number: int) -> Entry:
    entry = entry_numbered(tx, number) if number < 1 << 62 else None
    if entry is None:
        raise RefusedError(404, "no_such_misroute")
    return entry


def _lines(tx: Transaction, found: list[Entry]) -> list[Line]:
    people = {one.name: one for one in all_people(tx)}
    secret = secret_if_known(tx)
    mails = family_mails(tx, [entry.misroute.case_id for entry in found])
    return [_line(entry, case_code(secret, entry.misroute.case_id), people, mails) for entry in found]


def _line(
    entry: Entry, code: str, people: Mapping[str, PersonRow], mails: Mapping[tuple[int, str], FamilyMail]
) -> Line:
    one = entry.misroute
    mail = mails.get((one.case_id, TOLD_BY.get(one.family_told, "")))
    by = people.get(one.found_by)
    return Line(
        entry,
        code,
        capital(who(one.found_by, {name: each.display for name, each in people.items()})),
        role_name(by.role) if by is not None and by.role in set(Role) else "Amministratore di sistema",
        WHY_NAMES.get(one.note_code, one.note_code),
        tuple(CATEGORY_NAMES.get(category, category) for category in one.categories),
        RECALLS.get(entry.recall_state, entry.recall_state),
        MISROUTE_ANSWERS.get(one.recall_answer, one.recall_answer),
        family_words(one.family_told, mail, withdrawn=one.withdrawn_at is not None),
    )


def _cells(line: Line, rules: Rules) -> tuple[str, ...]:
    one = line.entry.misroute
    return (
        line.code,
        _written(one.found_at),
        line.role,
        _written(line.entry.wrong_at),
        project_name(rules, one.wrong_project),
        project_name(rules, one.right_project),
        line.why,
        ", ".join(line.categories),
        line.recall,
        line.answer,
        _written(one.recall_answered_at),
        line.family,
        _written(one.closed_at if one.withdrawn_at is None else None),
        _written(one.withdrawn_at),
    )


def _written(moment: datetime | None) -> str:
    return f"{moment.astimezone(ROME):%d/%m/%Y %H:%M}" if moment is not None else ""
