"""Servers' words for "not now", as they were seen, and words that only look like it."""

from __future__ import annotations

import pytest

from triage.throttling import (
    AT_MOST,
    denies_send_as,
    ends_session,
    passes_by_itself,
    throttles_reading,
    throttles_sending,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Request is throttled. Suggested Backoff Time: 299961 milliseconds", 299.961),
        ("BAD Request is throttled. Suggested Backoff Time: 1500 milliseconds", 1.5),
        ("Request is throttled. Suggested Backoff Time: 999999999 milliseconds", AT_MOST),
        ("[THROTTLED] slow down", 60),
        ("Account exceeded command or bandwidth limits. (Failure)", 60),
        ("[ALERT] Too many simultaneous connections. (Failure)", 60),
        ("[LIMIT] Rate limit hit, try later", 60),
        ("FETCH failed: too many requests", 60),
        ("[LIMIT] Message has too many flags", None),
        ("[AUTHENTICATIONFAILED] Invalid credentials", None),
        ("[OVERQUOTA] Quota exceeded", None),
    ],
)
def test_f80_reading(text: str, seconds: float | None) -> None:
    assert throttles_reading(text) == seconds


@pytest.mark.parametrize(
    ("text", "session", "passes"),
    [
        ("User is authenticated but not connected.", True, True),
        ("Session invalidated - AccessTokenExpired", True, True),
        ("[UNAVAILABLE] try later", False, True),
        ("[INUSE] mailbox in use", False, True),
        ("Server Unavailable. 15", False, True),
        ("[OVERQUOTA] Account exceeded command or bandwidth limits.", True, True),
        ("[SERVERBUG] Internal error", False, False),
        ("[NONEXISTENT] no such mailbox", False, False),
        ("AUTHENTICATE failed.", False, False),
        ("LOGIN failed.", False, False),
    ],
)
def test_f81_what_ends_a_session_and_what_only_passes(text: str, session: bool, passes: bool) -> None:
    assert (ends_session(text), passes_by_itself(text)) == (session, passes)


@pytest.mark.parametrize(
    ("code", "status", "text", "seconds"),
    [
        (451, "4.7.500", "4.7.500 Server busy. Please try again later from [192.0.2.1].", 60),
        (432, "4.3.2", "4.3.2 Concurrent connections limit exceeded.", 60),
        (421, "4.7.0", "4.7.0 Try again later, closing connection.", 60),
        (421, "4.7.28", "4.7.28 unusual rate of unsolicited mail", 60),
        (450, "4.7.28", "4.7.28 rate", 60),
        (454, "4.7.0", "4.7.0 Too many login attempts, please try again later.", 60),
        (451, "4.7.0", "Request is throttled. Suggested Backoff Time: 120000 milliseconds", 120),
        (421, "4.3.2", "4.3.2 going down", None),
        (451, "4.7.1", "4.7.1 Greylisting in action, please come back later", None),
        (450, "4.2.0", "4.2.0 greylisted", None),
        (452, "4.2.2", "4.2.2 mailbox full", None),
        (550, "5.7.1", "5.7.1 throttled", None),
        (451, "4.7.1", "4.7.1 Too many messages, slow down", 60),
        (450, "4.7.1", "4.7.1 Error: too much mail from 192.0.2.1", 60),
        (421, "", "too many messages in this connection", 60),
        (452, "4.2.2", "4.2.2 too many messages in mailbox", None),
        (450, "4.2.1", "4.2.1 The user you are trying to contact is receiving mail at a rate that prevents ...", None),
        (452, "4.5.3", "4.5.3 Too many recipients", None),
        (550, "5.1.1", "5.1.1 message rate", None),
        (552, "5.2.2", "5.2.2 The email account that you tried to reach is over quota", None),
        (552, "5.2.2", "5.2.2 casella piena: superata la quota", None),
        (550, "5.4.5", "5.4.5 Daily user sending limit exceeded. For more information", AT_MOST),
        (550, "5.1.90", "5.1.90 Your message can't be sent because you've reached your daily limit for", AT_MOST),
        (550, "5.7.233", "5.7.233 tenant exceeded its tenant external recipient rate limit", AT_MOST),
        (554, "5.2.0", "5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed", AT_MOST),
        (550, "5.7.1", "5.7.1 message rate limit exceeded", AT_MOST),
        (550, "5.7.1", "5.7.1 Hai superato il limite di messaggi per ora", AT_MOST),
        (554, "", "Limite invii giornaliero superato", AT_MOST),
        (250, "2.0.0", "2.0.0 not throttled", None),
    ],
)
def test_f80_sending(code: int, status: str, text: str, seconds: float | None) -> None:
    assert throttles_sending(code, status, text) == seconds


@pytest.mark.parametrize(
    ("code", "status", "text", "denied"),
    [
        (554, "5.2.0", "5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied", True),
        (554, "5.2.252", "5.2.252 SendAsDenied; ufficio@example.org not allowed to send as famiglie@example.org", True),
        (550, "5.7.60", "5.7.60 SMTP; Client does not have permissions to send as this sender", True),
        (550, "5.7.1", "5.7.1 sender not allowed", False),
        (550, "5.1.1", "5.1.1 unknown", False),
        (451, "4.2.0", "4.2.0 SendAsDenied", False),
    ],
)
def test_f79_send_as_denied(code: int, status: str, text: str, denied: bool) -> None:
    assert denies_send_as(code, status, text) == denied
