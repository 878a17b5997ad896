"""/profilo: one's own password, sessions and keys; codes stand in ``second_factor``."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from triage.acts.passwords import hash_password, problem_with
from triage.record.people import person_numbered, set_password, set_settings
from triage.record.sessions import end_other_sessions, sessions_of
from triage.record.staff_acts import note_act
from triage.review.access import go_on, wrong_password
from triage.review.guards import PASSWORD, SignedIn, account_of, desk_of, session_or_none
from triage.review.keys import ACTS
from triage.review.keys import problem_with as problem_with_keys
from triage.review.rendering import go, render, tell

router = APIRouter()


async def _fields(request: Request) -> dict[str, str]:
    """The form as it came; the guard has read it already."""
    return {name: value for name, value in (await request.form()).items() if isinstance(value, str)}


@router.get("/profilo")
def show(request: Request, _person: SignedIn) -> Response:
    """What a person can change of their own."""
    return _page(request)


def _page(request: Request, status: int = 200, **values: Any) -> Response:
    row = account_of(request)
    with desk_of(request).store.read("own sessions") as tx:
        mine = sessions_of(tx, row.id)
    told = {"wrong_keys": "", "wrong_sessions": "", "chosen": None, **values}
    return render(request, "own.html", status, row=row, acts=ACTS, sessions=mine, **told)


@router.post("/profilo/accessi")
def end_others(request: Request, _person: SignedIn, present: Annotated[str, Form(max_length=1000)] = "") -> Response:
    """Sign out everywhere but here; the password is asked for, so that a found session cannot lock its owner out."""
    row, session = account_of(request), session_or_none(request)
    if wrong := wrong_password(request, row, present):
        return _page(request, 422, wrong_sessions=wrong)
    with desk_of(request).store.write("own sessions") as tx:
        ended = end_other_sessions(tx, session) if session is not None else 0
        note_act(tx, row, "other_sessions_ended", "person", row.id, {"ended": ended})
    tell(request, "Gli altri accessi aperti con il tuo nome sono stati chiusi.")
    return go("/profilo")


@router.post("/profilo/tasti")
def change_keys(request: Request, _person: SignedIn, fields: Annotated[dict[str, str], Depends(_fields)]) -> Response:
    """Single keys on or off, and which key does what."""
    row = account_of(request)
    chosen = {act: fields.get(f"tasto_{act}", "").strip() or first for act, (first, _) in ACTS.items()}
    if "iniziali" in fields:
        chosen = {act: first for act, (first, _) in ACTS.items()}
    wrong = problem_with_keys(chosen)
    if wrong:
        return _page(request, 422, wrong_keys=wrong, chosen=chosen)
    with desk_of(request).store.write("keys") as tx:
        set_settings(tx, row.id, {**row.settings, "keys_on": "attivi" in fields, "keys": chosen})
    tell(request, "Tasti salvati.")
    return go("/profilo")


@router.get("/profilo/password")
def ask_password(request: Request) -> Response:
    """The form; whoever was given a password comes here first."""
    account_of(request, PASSWORD)
    return render(request, "own_password.html", wrong="", at="")


@router.post("/profilo/password")
def change_password(
    request: Request,
    present: Annotated[str, Form(max_length=1000)] = "",
    password: Annotated[str, Form(max_length=1000)] = "",
    again: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Another password; all other sessions of the person end."""
    desk, row = desk_of(request), account_of(request, PASSWORD)
    at = "present"
    if not (wrong := wrong_password(request, row, present)):
        at, wrong = "password", problem_with(password, row.name, row.display)
        if not wrong and password == present:
            wrong = "La nuova password è uguale a quella di adesso."
        elif not wrong and password != again:
            at, wrong = "again", "Le due password nuove non sono uguali."
    if wrong:
        return render(request, "own_password.html", 422, wrong=wrong, at=at)
    with desk.store.write("password") as tx:
        set_password(tx, row.id, hash_password(password), given=False)
        note_act(tx, row, "password_changed", "person", row.id)
        fresh = person_numbered(tx, row.id) or row
    onward = go_on(request, fresh)
    tell(request, "Password cambiata. Gli altri accessi aperti con il tuo nome sono stati chiusi.")
    return onward
