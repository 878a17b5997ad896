"""/persone: who may sign in, in which role; for administrators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from triage.acts import accounts
from triage.acts.accounts import Changed
from triage.acts.actors import who
from triage.acts.passwords import hash_password, new_password
from triage.acts.people import SECOND_FACTOR, Act, Person, Role
from triage.record.people import all_people, person_numbered
from triage.record.staff_acts import acts_about
from triage.record.store import Transaction
from triage.review.guards import RefusedError, desk_of, may
from triage.review.rendering import go, render, tell
from triage.review.words import ROLE_NAMES, ROLE_TELLS, act_name

router = APIRouter()
Administrator = Annotated[Person, Depends(may(Act.PEOPLE))]
NO_NAME = "Scrivi il nome e cognome della persona."


@router.get("/persone")
def show(request: Request, _person: Administrator) -> Response:
    """Everybody, and the form for somebody new."""
    return _page(request)


def _page(request: Request, status: int = 200, wrong: str = "", name: str = "", display: str = "") -> Response:
    with desk_of(request).store.read("people") as tx:
        rows = all_people(tx)
    return render(
        request,
        "people.html",
        status,
        rows=rows,
        roles=ROLE_NAMES,
        tells=ROLE_TELLS,
        required=SECOND_FACTOR if desk_of(request).totp_required else (),
        wrong=wrong,
        given_name=name,
        given_display=display,
    )


@router.post("/persone")
def add(
    request: Request,
    person: Administrator,
    role: Annotated[Role, Form()],
    name: Annotated[str, Form(max_length=200)] = "",
    display: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Somebody new, with a password that is shown once."""
    password = new_password()
    hashed = hash_password(password)
    if not display.strip():
        return _page(request, 422, NO_NAME, name, display)
    with desk_of(request).store.write("add person", person.name) as tx:
        done = accounts.add(tx, person, name, display, role, hashed, given=True)
    if not done.ok:
        return _page(request, 422, done.message_it, name, display)
    return render(request, "password_given.html", text=done.message_it, password=password)


@router.get("/persone/{person_id}")
def show_one(request: Request, person_id: int, _person: Administrator) -> Response:
    """One person: role, access, and what was done to the account."""
    return _person_page(request, person_id)


def _person_page(request: Request, person_id: int, status: int = 200, wrong: str = "", role: str = "") -> Response:
    """``role``: what was chosen and not saved, because of what is ``wrong``."""
    with desk_of(request).store.read("person") as tx:
        row = person_numbered(tx, person_id)
        acts = acts_about(tx, "person", person_id)[-50:]
        names = {one.name: one.display for one in all_people(tx)}
    if row is None:
        raise RefusedError(404, "nobody")
    told = [(act["at"], act_name(act["act"]), who(act["actor"], names)) for act in reversed(acts)]
    values = {"row": row, "acts": told, "roles": ROLE_NAMES, "wrong": wrong, "role": role or row.role}
    return render(request, "person.html", status, **values)


@router.post("/persone/{person_id}/ruolo")
def change(
    request: Request,
    person_id: int,
    person: Administrator,
    role: Annotated[Role, Form()],
    display: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Another role or name."""
    if display and not display.strip():
        return _person_page(request, person_id, 422, NO_NAME, role)
    return _do(request, person, person_id, lambda tx: accounts.give_role(tx, person, person_id, role, display))


@router.post("/persone/{person_id}/password")
def give_password(request: Request, person_id: int, person: Administrator) -> Response:
    """A new password, shown once."""
    password = new_password()
    hashed = hash_password(password)
    with desk_of(request).store.write("password", person.name) as tx:
        done = accounts.give_password(tx, person, person_id, hashed)
    if not done.ok:
        raise RefusedError(404, done.code)
    return render(request, "password_given.html", text=done.message_it, password=password)


@router.post("/persone/{person_id}/chiudi")
def close(request: Request, person_id: int, person: Administrator) -> Response:
    """Nobody signs in with this account any more."""
    return _do(request, person, person_id, lambda tx: accounts.close(tx, person, person_id))


@router.post("/persone/{person_id}/riapri")
def reopen(request: Request, person_id: int, person: Administrator) -> Response:
    """The account may be used again."""
    return _do(request, person, person_id, lambda tx: accounts.reopen(tx, person, person_id))


@router.post("/persone/{person_id}/codice")
def reset_totp(request: Request, person_id: int, person: Administrator) -> Response:
    """The telephone is lost."""
    return _do(request, person, person_id, lambda tx: accounts.reset_totp(tx, person, person_id))


@router.post("/persone/{person_id}/sblocca")
def unlock(request: Request, person_id: int, person: Administrator) -> Response:
    """Too many wrong attempts: let them try again."""
    return _do(request, person, person_id, lambda tx: accounts.unlock(tx, person, person_id))


@router.post("/persone/{person_id}/esci")
def sign_out(request: Request, person_id: int, person: Administrator) -> Response:
    """End the person's sessions everywhere."""
    return _do(request, person, person_id, lambda tx: accounts.sign_out(tx, person, person_id))


def _do(request: Request, person: Person, person_id: int, act: Callable[[Transaction], Changed]) -> Response:
    with desk_of(request).store.write("person", person.name) as tx:
        done = act(tx)
    if done.code == "nobody":
        raise RefusedError(404, done.code)
    tell(request, done.message_it, "success" if done.ok else "warning")
    return go(f"/persone/{person_id}")
