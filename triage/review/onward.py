"""Where to go on: the page to which an address belongs, and the one that somebody was on when their session ended.

That page's address waits in a cookie of the browser's until the sign-in is whole. It names a message, a case or a
sample by its number or code, never anything of a family, and opens nothing by itself.
"""

from __future__ import annotations

import re

from fastapi import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.routing import Match

from triage.acts.people import Act, Person
from triage.acts.people import may as role_may
from triage.review.guards import desk_of

_WORK = re.compile(
    r"/(?:messaggi/\d{1,18}(?:/uscita/[a-z_]{1,20})?"
    r"|casi/[0-9A-Za-z-]{1,40}(?:/(?:correggi|anche|unisci|separa)/\d{1,18})?"
    r"|controlli/\d{1,18})"
)
"""Addresses of pages where something is decided. Whoever signs in is sent to one of these and nowhere else."""
KEPT = 15 * 60
"""Seconds that the page waits for its reader."""


def keep_page(request: Request, response: Response) -> None:
    """Remember in the browser the page that was asked for, or to which the refused press belonged."""
    page = _page_of_work(request.url.path)
    if page:
        secure = desk_of(request).listening.secure
        response.set_cookie(_name(request), page, KEPT, path="/", secure=secure, httponly=True, samesite="lax")


def kept_page(request: Request, person: Person) -> str:
    """The page that waits for whoever signs in; empty where none does, or their role may not see it."""
    page = request.cookies.get(_name(request), "")
    return page if _WORK.fullmatch(page) and role_may(person.role, Act.LOOK) else ""


def forget_page(request: Request, response: Response) -> None:
    """It waits for nobody any more."""
    if _name(request) in request.cookies:
        secure = desk_of(request).listening.secure
        response.delete_cookie(_name(request), secure=secure, httponly=True, samesite="lax")


def page_above(request: Request) -> str:
    """The nearest page above an address that only takes what is pressed, as after a reload; empty: there is none."""
    routes: tuple[APIRoute, ...] = request.app.state.routes
    pages = {route.path for route in routes if "GET" in (route.methods or ())}
    pressed = next((route for route in routes if route.matches(request.scope)[0] == Match.PARTIAL), None)
    pattern, path = pressed.path if pressed is not None else "", request.url.path
    while pattern := pattern.rpartition("/")[0]:
        path = path.rpartition("/")[0]
        if pattern in pages:
            return path
    return ""


def _page_of_work(path: str) -> str:
    while path and not _WORK.fullmatch(path):
        path = path.rpartition("/")[0]
    return path


def _name(request: Request) -> str:
    return "__Host-pagina" if desk_of(request).listening.secure else "pagina"
