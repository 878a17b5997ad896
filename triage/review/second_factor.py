"""/profilo/codice: codes from a telephone (RFC 6238): set up with a QR code or a written key, proved, taken away."""

from __future__ import annotations

import io
from base64 import b64encode
from typing import Annotated

import segno
from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from triage.acts.passwords import new_recovery_codes, new_totp_secret, recovery_hash, totp_address, totp_step
from triage.acts.people import SECOND_FACTOR, Role
from triage.record.people import PersonRow, end_sessions_of, person_numbered, set_recovery, set_totp
from triage.record.sessions import end_other_sessions
from triage.record.staff_acts import note_act
from triage.review.access import go_on, wrong_password
from triage.review.guards import ENROL, RefusedError, account_of, desk_of, session_or_none
from triage.review.rendering import go, remember, render, session_data, tell
from triage.review.words import SERVICE

router = APIRouter()

WRONG = "Questo codice non corrisponde. Controlla che l'ora del telefono sia giusta e scrivi il codice di adesso."


@router.get("/profilo/codice")
def show(request: Request) -> Response:
    """The QR code and the key, or that codes are in use already."""
    row = account_of(request, ENROL)
    if row.has_totp:
        return _is_on(request, row)
    return _ask(request, row)


def _ask(request: Request, row: PersonRow, wrong: str = "", at: str = "") -> Response:
    """The form; ``at``: the field that ``wrong`` is about."""
    secret = session_data(request).get("totp") or new_totp_secret()
    if session_data(request).get("totp") != secret:
        remember(request, totp=secret)
    return render(
        request,
        "second_factor.html",
        422 if wrong else 200,
        picture=_picture(totp_address(secret, row.name, SERVICE)),
        key=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        wrong=wrong,
        at=at,
        row=row,
    )


def _picture(text: str) -> str:
    """The QR code as SVG in a data address, dark on light whatever the theme."""
    drawn = io.BytesIO()
    segno.make(text, error="m").save(drawn, kind="svg", scale=5, border=4, dark="#000", light="#fff")
    return "data:image/svg+xml;base64," + b64encode(drawn.getvalue()).decode("ascii")


@router.post("/profilo/codice")
def prove(
    request: Request,
    code: Annotated[str, Form(max_length=20)] = "",
    present: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """The first code proves that the telephone has the key: codes are asked for from now on.

    Whoever has just given the password, on the way in, need not give it again.
    """
    row, secret, session = account_of(request, ENROL), session_data(request).get("totp"), session_or_none(request)
    if row.has_totp or not secret or session is None:
        return go("/profilo/codice")
    if not session.step and (wrong := wrong_password(request, row, present)):
        return _ask(request, row, wrong, "present")
    recovery = new_recovery_codes()
    with desk_of(request).store.write("second factor") as tx:
        step = totp_step(secret, code, tx.now)
        if step is not None:
            set_totp(tx, row.id, secret, step, [recovery_hash(one) for one in recovery])
            note_act(tx, row, "second_factor_on", "person", row.id)
            end_sessions_of(tx, row.id)
            row = person_numbered(tx, row.id) or row
    if step is None:
        return _ask(request, row, WRONG, "code")
    # Shown once and kept as hashes only; the way on is a new session under its cookie.
    onward = go_on(request, row)
    page = render(request, "recovery_codes.html", codes=recovery)
    page.headers.raw.extend(item for item in onward.raw_headers if item[0] == b"set-cookie")
    return page


@router.post("/profilo/codice/riserva")
def renew_recovery(request: Request, present: Annotated[str, Form(max_length=1000)] = "") -> Response:
    """Other recovery codes in the place of those that are left; the password is asked for again."""
    row = account_of(request)
    if not row.has_totp:
        return go("/profilo/codice")
    if wrong := wrong_password(request, row, present):
        return _is_on(request, row, 422, wrong_recovery=wrong)
    recovery = new_recovery_codes()
    with desk_of(request).store.write("recovery codes") as tx:
        set_recovery(tx, row.id, [recovery_hash(one) for one in recovery])
        note_act(tx, row, "recovery_codes_renewed", "person", row.id)
    return render(request, "recovery_codes.html", codes=recovery)


def _is_on(request: Request, row: PersonRow, status: int = 200, **wrong: str) -> Response:
    told = {"wrong": "", "wrong_recovery": "", **wrong}
    return render(request, "second_factor_on.html", status, row=row, removable=_removable(request, row), **told)


@router.post("/profilo/codice/togli")
def remove(request: Request, password: Annotated[str, Form(max_length=1000)] = "") -> Response:
    """No codes any more, for those who need not have them; the password is asked for again."""
    row = account_of(request, ENROL)
    if not _removable(request, row):
        raise RefusedError(403, "second_factor", "Per il tuo ruolo il codice è obbligatorio.")
    if wrong := wrong_password(request, row, password):
        return _is_on(request, row, 422, wrong=wrong)
    with desk_of(request).store.write("second factor") as tx:
        set_totp(tx, row.id, "", 0, ())
        note_act(tx, row, "second_factor_off", "person", row.id)
        if (session := session_or_none(request)) is not None:
            end_other_sessions(tx, session)
    tell(request, "Il codice del telefono non serve più per accedere.", "warning")
    return go("/profilo")


def _removable(request: Request, row: PersonRow) -> bool:
    return Role(row.role) not in SECOND_FACTOR or not desk_of(request).totp_required
