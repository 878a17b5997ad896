"""Asks a token server for an access token: one POST over TLS (RFC 6749 sections 4.4 and 6).

An :class:`~triage.oauth.OAuth` and a refresh token enter, :class:`Granted` leaves. Redirects are not
followed: they would carry the secret to somebody else. The server's own words are never repeated,
but for its error code and Microsoft's number, which administrators look up.
"""

from __future__ import annotations

import json
import math
import re
import ssl
import time
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException, HTTPMessage
from typing import IO, Protocol, cast
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, ProxyHandler, Request, build_opener

from triage.oauth import OAuth

LARGEST = 1 << 18
"""Octets of an answer; tokens are a few thousand."""
ASSUMED = 600.0
"""Seconds that a token holds whose end the server does not tell (section 5.1 only recommends it)."""
LONGEST = 86_400.0
"""A token is asked for anew at least once a day, whatever its end is said to be."""
LONGEST_REST = 3600.0
"""Seconds that a server may ask us to wait, at most."""
PASSING = frozenset({"token_unreachable", "token_throttled"})
"""Kinds of trouble that end by themselves."""

_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")
"""b64token (RFC 6750 section 2.1): nothing that could end a line or a field of a login."""
_REFRESH_TOKEN = re.compile(r"[\x20-\x7e]+")
"""VSCHAR (RFC 6749 appendix A.17)."""
_ERROR = re.compile(r"[a-z_]{1,40}")
_NUMBER = re.compile(r"\bAADSTS[0-9]{1,10}\b")
_AGAIN = frozenset({"temporarily_unavailable", "server_error", "slow_down"})


class TokenTroubleError(Exception):
    """There is no token now. ``kind`` is a stable code; the text names the remedy.

    ``rest``: seconds that the server asked us to wait; 0: it did not.
    """

    def __init__(self, kind: str, text: str, rest: float = 0.0) -> None:
        super().__init__(text)
        self.kind = kind
        self.rest = rest

    @property
    def passes(self) -> bool:
        """Whether it may end by itself: nothing needs to be mended."""
        return self.kind in PASSING


@dataclass(frozen=True, slots=True, repr=False)
class Granted:
    """What the token server gave; never printed."""

    access_token: str
    lifetime: float
    """Seconds from the moment of asking."""
    refresh_token: str
    """A new refresh token, to be used from now on; empty: the old one goes on (section 6)."""
    refresh_lifetime: float | None
    """Seconds that the refresh token holds, where the server tells (Google and others do, RFC 6749 does not)."""


def ask(oauth: OAuth, refresh_token: str) -> Granted:
    """One request; raises :class:`TokenTroubleError`. ``refresh_token`` empty: client credentials."""
    form = {"grant_type": "refresh_token" if refresh_token else "client_credentials", "client_id": oauth.client_id}
    if refresh_token:
        form["refresh_token"] = refresh_token
    if oauth.client_secret:
        form["client_secret"] = oauth.client_secret
    if oauth.scope:
        form["scope"] = oauth.scope
    status, wait, body = _post(oauth, urlencode(form).encode("ascii"))
    answer = _object(body)
    if status == 200:
        return _granted(oauth, answer)
    raise _refusal(oauth, status, wait, answer)


# --------------------------------------------------------------------------- the wire


class _Answer(Protocol):
    """What is needed of an open answer, also of one that is an error."""

    status: int
    headers: Message

    def read1(self, size: int) -> bytes: ...


class _NoRedirect(HTTPRedirectHandler):
    """A redirect is an answer like another: it is refused."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Never."""


def _post(oauth: OAuth, form: bytes) -> tuple[int, float, bytes]:
    """Status, seconds to wait (Retry-After) and body."""
    request = Request(  # noqa: S310 - the scheme was checked with the settings
        oauth.token_url,
        form,
        {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json", "User-Agent": "triage"},
        method="POST",
    )
    handlers = [_NoRedirect()]
    if urlsplit(oauth.token_url).scheme == "http":
        # Allowed to this machine alone: what would go through a proxy leaves it.
        handlers.append(ProxyHandler({}))  # type: ignore[arg-type]
    else:
        handlers.append(HTTPSHandler(context=_context(oauth)))  # type: ignore[arg-type]
    until = time.monotonic() + oauth.timeout
    try:
        with build_opener(*handlers).open(request, timeout=oauth.timeout) as answer:
            return _read(answer, until)
    except HTTPError as error:
        try:
            with error:
                return _read(cast(_Answer, error), until)
        except (OSError, HTTPException) as broken:
            raise _unreachable(oauth, broken) from None
    except (OSError, HTTPException) as error:
        raise _unreachable(oauth, error) from None


def _read(answer: _Answer, until: float) -> tuple[int, float, bytes]:
    pieces, size = [], 0
    while size <= LARGEST and time.monotonic() < until:
        # One octet a second would never meet the time-out of a single read.
        piece = answer.read1(LARGEST)
        if not piece:
            break
        pieces.append(piece)
        size += len(piece)
    asked = str(answer.headers.get("Retry-After", ""))
    wait = float(asked) if asked.isdecimal() and len(asked) < 7 else 0.0
    return answer.status, min(wait, LONGEST_REST), b"".join(pieces)


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
            f"{_server(oauth)}: TLS failed ({cause.reason or type(cause).__name__}); nothing was sent. Check "
            f"{oauth.prefix}_TOKEN_URL and, for a private authority, {oauth.prefix}_CA_FILE.",
        )
    return TokenTroubleError(
        "token_unreachable",
        f"{_server(oauth)} cannot be reached ({type(cause).__name__}). Nothing is lost; it is tried again. Check "
        f"{oauth.prefix}_TOKEN_URL and that this machine may connect to it.",
    )


# --------------------------------------------------------------------------- the answer


def _object(body: bytes) -> dict[str, object]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _granted(oauth: OAuth, answer: dict[str, object]) -> Granted:
    token, kind = answer.get("access_token"), answer.get("token_type", "")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token) or str(kind).lower() not in ("", "bearer"):
        raise _no_token(oauth)
    fresh = answer.get("refresh_token", "")
    if not isinstance(fresh, str) or (fresh and not _REFRESH_TOKEN.fullmatch(fresh)):
        raise _no_token(oauth)
    lifetime = _seconds(answer.get("expires_in"))
    return Granted(
        token,
        min(ASSUMED if lifetime is None else lifetime, LONGEST),
        fresh,
        _seconds(answer.get("refresh_token_expires_in")),
    )


def _seconds(value: object) -> float | None:
    """A number of seconds, also as text, as older servers write it."""
    try:
        found = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else -1.0
    except (ValueError, OverflowError):
        return None
    return found if 0 < found < math.inf else None


def _no_token(oauth: OAuth) -> TokenTroubleError:
    return TokenTroubleError(
        "token_answer",
        f"{_server(oauth)} answers, but gives no token that can be used. Check that {oauth.prefix}_TOKEN_URL is the "
        "address of the token endpoint.",
    )


def _refusal(oauth: OAuth, status: int, wait: float, answer: dict[str, object]) -> TokenTroubleError:
    """Why there is no token (section 5.2), and what a person can do."""
    code = str(answer.get("error", ""))
    code = code if _ERROR.fullmatch(code) else ""
    number = _NUMBER.search(str(answer.get("error_description", "")))
    said = ", ".join(filter(None, (str(status), code, number.group() if number else "")))
    if status == 429 or code == "slow_down":
        text = f"{_server(oauth)} asks us to wait ({said}). Nothing is lost; it is tried again."
        return TokenTroubleError("token_throttled", text, wait)
    if status >= 500 or code in _AGAIN:
        text = f"{_server(oauth)} has trouble of its own ({said}). Nothing is lost; it is tried again."
        return TokenTroubleError("token_unreachable", text, wait)
    if code == "invalid_grant" and oauth.refresh_token:
        why, what = "the refresh token no longer holds", f"Put a new one in {oauth.prefix}_REFRESH_TOKEN"
    elif code == "invalid_client":
        why = "the application is refused"
        what = f"Has its secret ended? Put a new one in {oauth.prefix}_CLIENT_SECRET"
    elif code in ("unauthorized_client", "invalid_grant"):
        why, what = "the application is refused", f"Check {oauth.prefix}_CLIENT_ID and what it is allowed to"
    elif code == "invalid_scope":
        why, what = "the scope is refused", f"Check {oauth.prefix}_SCOPE"
    else:
        why, what = "the request is refused", f"Check {oauth.prefix}_TOKEN_URL, _CLIENT_ID and _SCOPE"
    # Short, and the remedy early: an incident keeps 255 characters.
    text = f"{_server(oauth)}: {why} ({said}). {what}: README, 'Microsoft 365 and Google'. Nothing is lost."
    return TokenTroubleError("token_refused", text)


def _server(oauth: OAuth) -> str:
    return f"Token server {urlsplit(oauth.token_url).hostname}"
