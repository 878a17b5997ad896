"""What every answer carries and every request must keep to, whatever route it reaches: pure ASGI, no page.

Headers that keep scripts, frames and other sites out; a limit on what may be sent; only names that are ours; and a
last resort, so that no error's text reaches anybody.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("triage.review")

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_ALWAYS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    # "no-referrer" would make browsers send "Origin: null" with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}
_HSTS = "max-age=31536000; includeSubDomains"

MOST = 1 << 20
"""Octets that a request may send."""
MOST_AT = {"/regole/prova": 40 << 20}
"""Larger limits of the paths that take a message."""

ErrorPage = Callable[[Request, int, str], Response]


class Protection:
    """Wraps the app. What a response says itself (a frame's own policy, a static file's age) stays."""

    def __init__(self, app: ASGIApp, *, names: Iterable[str], secure: bool, page: ErrorPage) -> None:
        self._app = app
        self._names = frozenset(names)
        self._secure = secure
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False
        limited = _Limited(receive, MOST_AT.get(scope["path"], MOST))

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if limited.exceeded and not started:
                return  # whatever a page makes of half a body, the answer is ours
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in _ALWAYS.items():
                    headers.setdefault(name, value)
                if self._secure:
                    headers["Strict-Transport-Security"] = _HSTS
            await send(message)

        headers = Headers(scope=scope)
        if (refused := self._refused(scope, headers)) is not None:
            await self._page(Request(scope), *refused)(scope, receive, send_with_headers)
            return
        try:
            await self._app(scope, limited, send_with_headers)
        except _TooLargeError:
            pass
        except Exception as error:  # noqa: BLE001 - the last resort: no text of an error may leave or be logged
            log.error(
                "unforeseen", extra={"action": "page_failed", "kind": type(error).__name__, "route": _route(scope)}
            )
            if not started:
                await self._page(Request(scope), 500, "unforeseen")(scope, receive, send_with_headers)
        if limited.exceeded and not started:
            limited.exceeded = False
            await self._page(Request(scope), 413, "too_large")(scope, receive, send_with_headers)

    def _refused(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        host = headers.get("host", "")
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if name.lower() not in self._names:
            return 400, "host"
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MOST_AT.get(scope["path"], MOST):
            return 413, "too_large"
        return None


def _route(scope: Scope) -> str:
    """The route's pattern, never the path that was asked for."""
    return str(getattr(scope.get("route"), "path", ""))


class _TooLargeError(Exception):
    """A body without a length, or with a wrong one, went over the limit."""


class _Limited:
    def __init__(self, receive: Receive, most: int) -> None:
        self._receive = receive
        self._left = most
        self.exceeded = False

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                self.exceeded = True
                raise _TooLargeError
        return message
