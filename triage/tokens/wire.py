"""Posts one form to a token server and gives back its answer, whatever it is.

A form enters; status, seconds to wait and octets leave, within the time-out for all of it. TLS is
verified; redirects are not followed: they would carry the secret to somebody else.
"""

from __future__ import annotations

import ssl
from email.message import Message
from email.utils import parsedate_to_datetime
from functools import partial
from http.client import HTTPException, HTTPMessage, HTTPResponse, IncompleteRead
from typing import IO, Protocol, Self, cast
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    BaseHandler,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
)

from triage.deadline import Deadline, TimedConnection, TimedSecureConnection
from triage.oauth import OAuth
from triage.tokens.trouble import TokenTroubleError

LARGEST = 1 << 18
"""Octets of an answer; tokens are a few thousand."""
LONGEST_REST = 3600.0
"""Seconds that a server may ask us to wait, at most."""


def post(oauth: OAuth, form: bytes) -> tuple[int, float, bytes]:
    """Status, seconds to wait (Retry-After) and body."""
    request = Request(  # noqa: S310 - the scheme was checked with the settings
        oauth.token_url,
        form,
        {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json", "User-Agent": "triage"},
        method="POST",
    )
    plain = urlsplit(oauth.token_url).scheme == "http"
    with Deadline(oauth.timeout) as deadline:
        handlers: list[BaseHandler] = [_NoRedirect(), _Handler(None if plain else _context(oauth), deadline)]
        if plain:
            # Allowed to this machine alone: what would go through a proxy leaves it.
            handlers.append(ProxyHandler({}))
        try:
            with _answer(build_opener(*handlers), request, oauth.timeout) as answer:
                found = answer.status, _wait(answer.headers), _read(answer)
            deadline.check()
            return found
        except (OSError, HTTPException, UnicodeError) as error:
            # UnicodeError: a host that cannot be one, as "login..example.org".
            raise _unreachable(oauth, TimeoutError() if deadline.over else error) from None


def server_of(oauth: OAuth) -> str:
    """How sentences name it."""
    return f"Token server {urlsplit(oauth.token_url).hostname}"


def _answer(opener: OpenerDirector, request: Request, timeout: float) -> _Answer:
    """The answer, also one that is an error."""
    try:
        return cast(_Answer, opener.open(request, timeout=timeout))
    except HTTPError as error:
        return cast(_Answer, error)


def _read(answer: _Answer) -> bytes:
    """At most :data:`LARGEST` octets; raises ``IncompleteRead`` for an answer that was cut off."""
    body = answer.read(LARGEST)
    told = str(answer.headers.get("Content-Length", ""))
    if told.isdecimal() and len(body) < min(int(told[:20]), LARGEST):
        raise IncompleteRead(body)
    return body


def _wait(headers: Message) -> float:
    """Seconds of Retry-After (RFC 9110 section 10.2.3); a day is read by the server's own clock, not by ours."""
    asked = str(headers.get("Retry-After", "")).strip()
    if asked.isascii() and asked.isdecimal():
        return min(float(asked), LONGEST_REST)
    try:
        left = parsedate_to_datetime(asked) - parsedate_to_datetime(str(headers.get("Date", "")))
    except (ValueError, TypeError):
        return 0.0
    return min(max(left.total_seconds(), 0.0), LONGEST_REST)


def _context(oauth: OAuth) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=oauth.ca_file or None)
    except OSError as error:
        text = f"The file of {oauth.prefix}_CA_FILE cannot be used ({type(error).__name__}). It must be a PEM file."
        raise TokenTroubleError("token_tls", text) from None


def _unreachable(oauth: OAuth, error: Exception) -> TokenTroubleError:
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, ssl.SSLError):
        return TokenTroubleError(
            "token_tls",
            f"{server_of(oauth)}: TLS failed ({cause.reason or type(cause).__name__}); nothing was sent. Check "
            f"{oauth.prefix}_TOKEN_URL and, for a private authority, {oauth.prefix}_CA_FILE.",
        )
    return TokenTroubleError(
        "token_unreachable",
        f"{server_of(oauth)} cannot be reached ({type(cause).__name__}). Nothing is lost; it is tried again. Check "
        f"{oauth.prefix}_TOKEN_URL and that this machine may connect to it.",
    )


# --------------------------------------------------------------------------- the library, bounded


class _Answer(Protocol):
    """What is needed of an open answer, also of one that is an error."""

    status: int
    headers: Message

    def read(self, size: int) -> bytes: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class _NoRedirect(HTTPRedirectHandler):
    """A redirect is an answer like another: it is refused, and where it leads is not even read."""

    def http_error_302(self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage) -> None:
        """Never."""

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


class _Handler(HTTPHandler, HTTPSHandler):
    def __init__(self, context: ssl.SSLContext | None, deadline: Deadline) -> None:
        super().__init__()
        self._verified = context
        self._deadline = deadline

    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(partial(TimedConnection.within, self._deadline), req)

    def https_open(self, req: Request) -> HTTPResponse:
        return self.do_open(partial(TimedSecureConnection.within, self._deadline), req, context=self._verified)
