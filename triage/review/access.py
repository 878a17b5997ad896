"""/accedi, /accedi/codice, /esci: signing in and out."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from triage.acts.people import SECOND_FACTOR, Role
from triage.acts.signing_in import Attempt, note_signed_in, try_code, try_password
from triage.record.people import PersonRow
from triage.record.sessions import LONGEST, begin_session, end_session, session_of
from triage.record.staff_acts import note_act
from triage.review.guards import (
    CODE,
    ENROL,
    PASSWORD,
    STEPS,
    cookie_name,
    desk_of,
    person_of,
    row_or_none,
    session_or_none,
)
from triage.review.onward import forget_page, kept_page
from triage.review.rendering import first_page, go, render, tell
from triage.review.times import clock_time

log = logging.getLogger("triage.review")
router = APIRouter()

HALF = timedelta(minutes=10)
"""How long a session lasts that still lacks something."""
WRONG = "Nome o password non corretti. Controlla le maiuscole e riprova."
WRONG_CODE = "Codice non corretto, o già usato. Aspetta il prossimo codice del telefono e riprova."


@router.get("/accedi")
def ask(request: Request) -> Response:
    """The form; whoever is signed in goes on."""
    session = session_or_none(request)
    if session is not None and not session.step:
        return go("/")
    # Whoever signs out has no cookie any more: one that opens nothing is of a session that ended by itself.
    over = session is None and cookie_name(desk_of(request)) in request.cookies
    return render(request, "sign_in.html", wrong="", name="", over=over)


@router.post("/accedi")
def sign_in(
    request: Request,
    name: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """The password; what comes after it depends on the person."""
    tried = try_password(desk_of(request).store, name, password, _address(request))
    if tried.row is None:
        return render(request, "sign_in.html", 422, wrong=_told(tried, WRONG), name=name[:64], over=False)
    return _enter(request, tried.row, _missing(request, tried.row, code_given=False))


@router.get("/accedi/codice")
def ask_code(request: Request) -> Response:
    """The form for the telephone's code."""
    session = session_or_none(request)
    if session is None or session.step != CODE:
        return go("/accedi")
    return render(request, "sign_in_code.html", wrong="")


@router.post("/accedi/codice")
def give_code(request: Request, code: Annotated[str, Form(max_length=60)] = "") -> Response:
    """The code; a right one opens the page."""
    session, row = session_or_none(request), row_or_none(request)
    if session is None or row is None or session.step != CODE:
        return go("/accedi")
    tried = try_code(desk_of(request).store, row, code, _address(request))
    if tried.row is None:
        return render(request, "sign_in_code.html", 422, wrong=_told(tried, WRONG_CODE))
    onward = _enter(request, row, _missing(request, row, code_given=True))
    if tried.recovery_left is not None:
        tell(request, _left(tried.recovery_left), "warning")
    return onward


@router.post("/esci")
def sign_out(request: Request) -> Response:
    """End this session."""
    desk, session, row = desk_of(request), session_or_none(request), row_or_none(request)
    if session is not None and row is not None:
        with desk.store.write("sign out") as tx:
            end_session(tx, session)
            note_act(tx, row, "signed_out", "person", row.id)
    response = go("/accedi")
    response.delete_cookie(cookie_name(desk), secure=desk.listening.secure, httponly=True, samesite="lax")
    forget_page(request, response)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _left(codes: int) -> str:
    """A lost telephone and no code left would lock the person out: said while there is time."""
    if codes == 0:
        return "Hai usato l'ultimo codice di riserva. Vai su «Profilo», «Codice del telefono» e fanne di nuovi adesso."
    rest = "ti resta 1 codice" if codes == 1 else f"ti restano {codes} codici"
    return f"Hai usato un codice di riserva: {rest}. Puoi farne di nuovi in «Profilo», «Codice del telefono»."


def _told(tried: Attempt, wrong: str) -> str:
    log.warning("sign-in refused", extra={"action": "sign_in_refused", "rests": tried.rests_until is not None})
    if tried.rests_until is None:
        return wrong
    return (
        f"Troppi tentativi sbagliati: si può riprovare dalle {clock_time(tried.rests_until)}. "
        "Se hai dimenticato la password, chiedi a chi amministra il servizio."
    )


def _missing(request: Request, row: PersonRow, *, code_given: bool) -> str:
    if row.has_totp and not code_given:
        return CODE
    if row.password_given:
        return PASSWORD
    if not row.has_totp and Role(row.role) in SECOND_FACTOR and desk_of(request).totp_required:
        return ENROL
    return ""


def _enter(request: Request, row: PersonRow, step: str) -> Response:
    """A session under a new token, whatever the browser had before (ASVS 7.2.4)."""
    before = session_or_none(request)
    with desk_of(request).store.write("session") as tx:
        if before is not None:
            end_session(tx, before)
        token = begin_session(tx, row.id, step=step, lasts=HALF if step else LONGEST)
        if not step:
            note_signed_in(tx, row, _address(request))
        request.state.session, request.state.row = session_of(tx, token), row
    person = person_of(row)
    response = go(STEPS.get(step) or kept_page(request, person) or first_page(person))
    if not step:
        forget_page(request, response)
    give_cookie(request, response, token)
    return response


def go_on(request: Request, row: PersonRow) -> Response:
    """What was missing has been done: the next step, or the page, under a new token."""
    return _enter(request, row, _missing(request, row, code_given=True))


def wrong_password(request: Request, row: PersonRow, password: str) -> str:
    """Why this is not the password of whoever is signed in, in Italian; empty when it is. Attempts count as ever."""
    tried = try_password(desk_of(request).store, row.name, password, _address(request))
    return "" if tried.row is not None else _told(tried, "La password di adesso non è corretta.")


def give_cookie(request: Request, response: Response, token: str) -> None:
    """The session's cookie: for this host alone, never for scripts, gone with the browser."""
    desk = desk_of(request)
    response.set_cookie(cookie_name(desk), token, path="/", secure=desk.listening.secure, httponly=True, samesite="lax")


def _address(request: Request) -> str:
    return request.client.host if request.client is not None else ""
