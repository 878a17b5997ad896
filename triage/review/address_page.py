"""/regole/indirizzi/{project}/{key}: one address of a project, its test mail word for word, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from triage.acts import addresses
from triage.acts.accounts import Changed
from triage.acts.people import Person
from triage.dispatch.address_mail import address_test_subject, address_test_text
from triage.record.address_tests import TestState, newest_tests, tests_of
from triage.record.people import all_people
from triage.record.store import Transaction
from triage.review.guards import RefusedError, desk_of, may
from triage.review.rendering import go, render, tell
from triage.review.rulebook_view import addresses_of
from triage.rules.types import Rules

router = APIRouter()
Administrator = Annotated[Person, Depends(may("addresses"))]
PLACE_OF_CODE = "PROVA-•••••-•••••"
"""Stands for the code in what is shown before: nobody but the address's reader may know it."""


@router.get("/regole/indirizzi/{project}/{key}")
def show(request: Request, project: str, key: str, _person: Annotated[Person, Depends(may("look"))]) -> Response:
    """Whether it is confirmed, by whom, and what the test mail says."""
    desk = desk_of(request)
    rules = desk.knowledge.in_force().rules
    if project not in rules.projects or key not in rules.projects[project].addresses:
        raise RefusedError(404, "no_such_address")
    with desk.store.read("address") as tx:
        newest = newest_tests(tx)
        tests = [one for one in tests_of(tx, project, key) if one.address == rules.projects[project].addresses[key].to]
        names = {one.name: one.display for one in all_people(tx)}
    view = next(one for one in addresses_of(rules.projects[project], newest, rules) if one.key == key)
    waiting = next((one for one in tests if one.state == TestState.ASKED and one.sent_at is None), None)
    return render(
        request,
        "address.html",
        project=rules.projects[project],
        address=view,
        tests=tests,
        names=names,
        leaving=waiting,
        leaves_at=waiting.asked_at + addresses.UNDO if waiting is not None else None,
        subject=address_test_subject(PLACE_OF_CODE),
        text=address_test_text(rules, project, PLACE_OF_CODE),
    )


@router.post("/regole/indirizzi/{project}/{key}/prova")
def send(request: Request, project: str, key: str, person: Administrator) -> Response:
    """Send the test mail, after two minutes."""
    return _do(request, person, project, key, lambda tx, rules: addresses.send_test(tx, rules, person, project, key))


@router.post("/regole/indirizzi/{project}/{key}/annulla")
def cancel(request: Request, project: str, key: str, person: Administrator) -> Response:
    """Take it back before it leaves."""
    return _do(request, person, project, key, lambda tx, _rules: addresses.cancel(tx, person, project, key))


@router.post("/regole/indirizzi/{project}/{key}/togli")
def unconfirm(request: Request, project: str, key: str, person: Administrator) -> Response:
    """The answer does not count."""
    return _do(request, person, project, key, lambda tx, rules: addresses.unconfirm(tx, person, rules, project, key))


def _do(
    request: Request, person: Person, project: str, key: str, act: Callable[[Transaction, Rules], Changed]
) -> Response:
    desk = desk_of(request)
    rules = desk.knowledge.in_force().rules
    if project not in rules.projects or key not in rules.projects[project].addresses:
        raise RefusedError(404, "no_such_address")
    with desk.store.write("address test", person.name) as tx:
        done = act(tx, rules)
    tell(request, done.message_it, "success" if done.ok else "warning")
    return go(f"/regole/indirizzi/{project}/{key}")
