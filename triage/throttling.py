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
    r"\[THROTTLED\]|request is throttled|too many simultaneous connections|exceeded (?:command or )?bandwidth limits"
    r"|\brate[- ]limit|too many (?:requests|commands)",
    re.IGNORECASE,
)
_SESSION_IS_OVER = re.compile(r"authenticated but not connected|AccessTokenExpired|session invalidated", re.IGNORECASE)
_NOT_NOW = re.compile(
    r"\[(?:UNAVAILABLE|INUSE|LIMIT|OVERQUOTA)\]|server unavailable|temporary system problem|backend error",
    re.IGNORECASE,
)
_SMTP_WORDS = re.compile(
    r"throttl|server busy|concurrent connections? limit|too many (?:concurrent|simultaneous) connections"
    r"|too many login attempts|too many messages\b|too much mail\b|(?:sending|message|submission) rate\b"
    r"|\brate[- ]limit|troppi messaggi",
    re.IGNORECASE,
)
_USED_UP = re.compile(
    r"(?:daily|hourly|user|account|relay)(?: \w+){0,3} (?:sending|relay|message) (?:limit|quota)"
    r"|submissionquotaexceeded|submission quota was exceeded|(?:daily|hourly) limit for message"
    r"|sending (?:limit|quota)|rate limit exceeded|exceeded its tenant external recipient rate"
    r"|tenant has exceeded threshold"
    r"|(?:limite|quota)\b[^.\n]{0,20}\b(?:invii|invio|messaggi|spedizion)"
    r"|(?:limite|quota) (?:oraria|orario|giornalier[ao])",
    re.IGNORECASE,
)
"""Words by which providers refuse for good what the account may send again in some hours (failure F6)."""
_USED_UP_STATUS = frozenset({"5.4.5", "5.1.90", "5.7.232", "5.7.233", "5.7.705"})
"""Google's (RFC 3463 section 3.5: congestion), and Microsoft 365's for a mailbox or an organisation."""
_SEND_AS = re.compile(r"SendAsDenied", re.IGNORECASE)
_SENDER = re.compile(
    r"sender address rejected|not owned by user|sender verify failed|sender not allowed", re.IGNORECASE
)
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
    if 500 <= code < 600 and (enhanced_status in _USED_UP_STATUS or _USED_UP.search(text)):
        return AT_MOST
    if not 400 <= code < 500 or enhanced_status.startswith("4.2."):
        return None  # 4.2: the recipient's mailbox, also one that holds too many messages (RFC 3463 section 3.3)
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


def denies_sender(text: str) -> bool:
    """Whether an answer to RCPT is about the sender: Postfix says of MAIL what it found only then."""
    return bool(_SENDER.search(text))
