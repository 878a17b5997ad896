"""Who may pass: sessions, roles, and proof that a request that changes something comes from our own page.

Three independent proofs are asked of every request that is not GET or HEAD: Fetch-Metadata where the browser sends
it, else Origin; Origin wherever it stands; and the session's own token in the form or in ``X-CSRF-Token``.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request

from triage.acts.people import Act, Person, Role
from triage.acts.people import may as role_may
from triage.record.people import PersonRow, person_numbered
from triage.record.sessions import SEEN_EVERY, Session, note_seen, session_of
from triage.review import words
from triage.review.desk import Desk

SAFE_METHODS = frozenset({"GET", "HEAD"})
ENROL = "codice_nuovo"
"""The step of a session whose person must set up codes first."""
CODE = "codice"
"""The step of a session whose person has given the password, not yet the code."""
PASSWORD = "password_nuova"  # noqa: S105 - the name of a step
"""The step of a session whose person must choose a password of their own first."""


class NotSignedInError(Exception):
    """Nobody is signed in, or something is missing before the session opens anything: ``path`` is where to go."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class RefusedError(Exception):
    """What was asked is not done; ``code`` names why, ``status`` is HTTP's, ``text`` an Italian sentence for staff.

    ``title``: the page's, where the status's own would be untrue. ``case``: the address of the case's page, where
    something of what was asked for still stands: then it is no error in the eyes of whoever asked.
    """

    def __init__(self, status: int, code: str, text: str = "", title: str = "", case: str = "") -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.text = text
        self.title = title
        self.case = case


def desk_of(request: Request) -> Desk:
    """What the pages share."""
    desk: Desk = request.app.state.desk
    return desk


def cookie_name(desk: Desk) -> str:
    """``__Host-`` binds the cookie to this host and to https; browsers refuse it over plain loopback."""
    return "__Host-sessione" if desk.listening.secure else "sessione"


def _load(request: Request) -> None:
    """The request's session and person, read once; noted as seen unless the page asks by itself."""
    if hasattr(request.state, "session"):
        return
    request.state.session = request.state.row = None
    desk = desk_of(request)
    token = request.cookies.get(cookie_name(desk), "")
    if not token:
        return
    with desk.store.read("session") as tx:
        session = session_of(tx, token)
        row = person_numbered(tx, session.person_id) if session is not None else None
        due = session is not None and tx.now - session.seen_at >= SEEN_EVERY
    if session is None or row is None or row.disabled_at is not None:
        return
    if due and not request.url.path.startswith("/eventi"):
        with desk.store.write("session seen") as tx:
            note_seen(tx, session)
    request.state.session, request.state.row = session, row


def session_or_none(request: Request) -> Session | None:
    """Whatever session there is, also one that opens nothing yet."""
    _load(request)
    session: Session | None = request.state.session
    return session


def row_or_none(request: Request) -> PersonRow | None:
    """The account of the request's session."""
    _load(request)
    row: PersonRow | None = request.state.row
    return row


def account_of(request: Request, *steps: str) -> PersonRow:
    """The account of whoever is signed in, or lacks only one of these steps; else :class:`NotSignedInError`."""
    session, row = session_or_none(request), row_or_none(request)
    if session is None or row is None or session.step not in ("", *steps):
        raise NotSignedInError("/accedi")
    return row


def person_of(row: PersonRow) -> Person:
    """An account as somebody who acts."""
    return Person(row.id, row.name, row.display, Role(row.role))


STEPS = {CODE: "/accedi/codice", ENROL: "/profilo/codice", PASSWORD: "/profilo/password"}


def signed_in(request: Request) -> Person:
    """The person who asks, wholly signed in; else :class:`NotSignedInError`."""
    session, row = session_or_none(request), row_or_none(request)
    if session is None or row is None:
        raise NotSignedInError("/accedi")
    if session.step:
        raise NotSignedInError(STEPS[session.step])
    return person_of(row)


SignedIn = Annotated[Person, Depends(signed_in)]


@dataclass(frozen=True, slots=True)
class May:
    """A dependency that lets only those pass whose role is allowed the act, and gives the person."""

    act: Act

    def __call__(self, request: Request) -> Person:
        person = signed_in(request)
        if not role_may(person.role, self.act):
            raise RefusedError(403, "role", words.role_needed(self.act, person.role))
        return person


def may(act: str) -> May:
    """``Depends(may("settle"))``; raises ``ValueError`` for an act that nobody has named."""
    return May(Act(act))


async def _form_token(request: Request) -> str:
    """The token that a request brings; the form is read once and kept by the request."""
    if request.method in SAFE_METHODS:
        return ""
    if given := request.headers.get("X-CSRF-Token"):
        return given
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return ""
    value = (await request.form()).get("csrf", "")
    return value if isinstance(value, str) else ""


def guard(request: Request, token: Annotated[str, Depends(_form_token)]) -> None:
    """Refuse a change that does not come from our own page; asked of every route of the app."""
    if request.method in SAFE_METHODS:
        return
    if not _from_here(request):
        raise RefusedError(403, "other_site")
    session = session_or_none(request)
    if session is not None and not hmac.compare_digest(session.csrf.encode(), token.encode("utf-8", "replace")):
        raise RefusedError(403, "token")


def _from_here(request: Request) -> bool:
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is None and origin is None:
        return False
    if site not in (None, "same-origin"):
        return False
    return origin is None or origin == own_origin(request)


def own_origin(request: Request) -> str:
    """Scheme, name and port under which this page was opened."""
    url = desk_of(request).listening.url
    if url and urlsplit(url).netloc == request.headers.get("Host"):
        return url
    return f"http://{request.headers.get('Host', '')}"
