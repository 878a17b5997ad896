"""Understands a mail server that says "not now": the words of an answer enter, how long to wait leaves. Pure.

The answers are those of Exchange, Microsoft 365 and Google as seen in the wild (failures F79 to F81);
RFC 5530 has the response codes of IMAP. What passes by itself must never look like a wrong
password, a missing folder or a message that cannot be read.
"""

from __future__ import annotations

import re

AT_LEAST = 60.0
"""Seconds to wait when the server names no time."""
AT_MOST = 3600.0
"""Seconds that a server's own number is believed."""

_SUGGESTED = re.compile(r"Suggested Backoff Time:?\s*(\d{1,9})\s*milliseconds", re.IGNORECASE)
_THROTTLED = re.compile(
    r"\[THROTTLED\]|request is throttled|too many simultaneous connections|exceeded (?:command or )?bandwidth limits",
    re.IGNORECASE,
)
_SESSION_IS_OVER = re.compile(r"authenticated but not connected|AccessTokenExpired|session invalidated", re.IGNORECASE)
_NOT_NOW = re.compile(
    r"\[(?:UNAVAILABLE|INUSE|LIMIT|OVERQUOTA)\]|server unavailable|temporary system problem|backend error",
    re.IGNORECASE,
)
_SMTP_WORDS = re.compile(
    r"throttl|server busy|concurrent connections? limit|too many (?:concurrent|simultaneous) connections"
    r"|too many login attempts",
    re.IGNORECASE,
)
_SEND_AS = re.compile(r"SendAsDenied", re.IGNORECASE)
_SEND_AS_STATUS = frozenset({"5.7.60", "5.2.252"})


def suggested_pause(text: str) -> float | None:
    """Seconds that the server asks us to wait, where it says so ("Suggested Backoff Time: N milliseconds")."""
    found = _SUGGESTED.search(text)
    return min(int(found[1]) / 1000, AT_MOST) if found else None


def throttles_reading(text: str) -> float | None:
    """Seconds to wait when an IMAP answer says that we ask too much; ``None``: it says something else."""
    pause = suggested_pause(text)
    if pause is None and _THROTTLED.search(text):
        pause = AT_LEAST
    return pause


def ends_session(text: str) -> bool:
    """Whether a refused command says nothing about its message: the whole connection is to rest or to be made anew.

    Narrow on purpose: "[UNAVAILABLE]", "[OVERQUOTA]" or "Server Unavailable" may be about one message
    that no server will ever give, or about a full folder; taken for more they would stop the mailbox.
    """
    return throttles_reading(text) is not None or bool(_SESSION_IS_OVER.search(text))


def passes_by_itself(text: str) -> bool:
    """Whether a refused login or SELECT says nothing about password or folder: the server cannot do it now."""
    return ends_session(text) or bool(_NOT_NOW.search(text))


def throttles_sending(code: int, enhanced_status: str, text: str) -> float | None:
    """Seconds to wait when an SMTP answer slows the whole account down; ``None``: it is about one message.

    A greylisted recipient (451 4.7.1) is no throttle: the others may go on.
    """
    if not 400 <= code < 500:
        return None
    pause = suggested_pause(text)
    policy = enhanced_status.startswith("4.7.")
    if pause is None and (
        code == 432
        or enhanced_status.startswith("4.7.5")
        or enhanced_status == "4.7.28"
        or (code in (421, 454) and policy)
        or _SMTP_WORDS.search(text)
    ):
        pause = AT_LEAST
    return pause


def denies_send_as(code: int, enhanced_status: str, text: str) -> bool:
    """Whether Exchange denies that we may send as our address; it does so at random, and takes it seconds later."""
    return code >= 500 and (enhanced_status in _SEND_AS_STATUS or bool(_SEND_AS.search(text)))
