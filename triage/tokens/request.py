"""Asks a token server for an access token: one POST over TLS (RFC 6749 sections 4.4 and 6).

An :class:`~triage.oauth.OAuth` and a refresh token enter, :class:`Granted` leaves. Redirects are not
followed: they would carry the secret to somebody else. The server's own words are never repeated,
but for its error code and Microsoft's number, which administrators look up.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from urllib.parse import urlencode

from triage.oauth import OAuth
from triage.tokens.trouble import TokenTroubleError
from triage.tokens.wire import post, server_of

ASSUMED = 600.0
"""Seconds that a token holds whose end the server does not tell (section 5.1 only recommends it)."""
LONGEST = 86_400.0
"""A token is asked for anew at least once a day, whatever its end is said to be."""
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")
"""b64token (RFC 6750 section 2.1): nothing that could end a line or a field of a login."""
_REFRESH_TOKEN = re.compile(r"[\x20-\x7e]+")
"""VSCHAR (RFC 6749 appendix A.17)."""
_ERROR = re.compile(r"[a-z_]{1,40}")
_NUMBER = re.compile(r"\bAADSTS[0-9]{1,10}\b")
_AGAIN = frozenset({"temporarily_unavailable", "server_error", "slow_down"})


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
    status, wait, body = post(oauth, urlencode(form).encode("ascii"))
    answer = _object(body)
    if status == 200:
        return _granted(oauth, answer)
    raise _refusal(oauth, status, wait, answer)


# --------------------------------------------------------------------------- the answer


def _object(body: bytes) -> dict[str, object]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _granted(oauth: OAuth, answer: dict[str, object]) -> Granted:
    token, kind = answer.get("access_token"), answer.get("token_type") or ""
    if not isinstance(token, str) or not _TOKEN.fullmatch(token) or str(kind).lower() not in ("", "bearer"):
        raise _no_token(oauth)
    fresh = answer.get("refresh_token") or ""  # some write null for "as before"
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
        f"{server_of(oauth)} answers, but gives no token that can be used. Check that {oauth.prefix}_TOKEN_URL is the "
        "address of the token endpoint.",
    )


def _refusal(oauth: OAuth, status: int, wait: float, answer: dict[str, object]) -> TokenTroubleError:
    """Why there is no token (section 5.2), and what a person can do."""
    code = str(answer.get("error", ""))
    code = code if _ERROR.fullmatch(code) else ""
    number = _NUMBER.search(str(answer.get("error_description", "")))
    said = ", ".join(filter(None, (str(status), code, number.group() if number else "")))
    if status == 429 or code == "slow_down":
        text = f"{server_of(oauth)} asks us to wait ({said}). Nothing is lost; it is tried again."
        return TokenTroubleError("token_throttled", text, wait)
    if status >= 500 or code in _AGAIN:
        text = f"{server_of(oauth)} has trouble of its own ({said}). Nothing is lost; it is tried again."
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
    text = f"{server_of(oauth)}: {why} ({said}). {what}: README, 'Microsoft 365 and Google'. Nothing is lost."
    return TokenTroubleError("token_refused", text)
