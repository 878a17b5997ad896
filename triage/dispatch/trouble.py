"""What an SMTP server's answers say about our account, in a sentence for people with its remedy.

Errors and answers enter; :class:`AccountTroubleError` leaves. The server's own words are never repeated.
"""

from __future__ import annotations

import re
import ssl

from aiosmtplib.errors import SMTPAuthenticationError, SMTPException, SMTPResponseException

from triage.dispatch.policy import concerns_account
from triage.record.dispatches import DispatchRow
from triage.settings import Account
from triage.throttling import AT_LEAST, denies_send_as, throttles_sending
from triage.vocabulary import SubmissionResult

_ENHANCED = re.compile(r"(?<![\w.])([245]\.\d{1,3}\.\d{1,3})(?!\.?\d)")
"""No part of an IP address or of a version."""


class AccountTroubleError(Exception):
    """The submission server cannot be used now; nothing was attempted. ``kind`` is a stable code.

    ``rest``: seconds that the server asked us to wait; 0: it did not.
    """

    def __init__(self, kind: str, text: str, rest: float = 0.0) -> None:
        super().__init__(text)
        self.kind = kind
        self.rest = rest


def status_of(text: str, code: int = 0) -> str:
    """The enhanced status code (RFC 3463) in an answer's words, of ``code``'s class (RFC 2034 section 4), or empty."""
    found = _ENHANCED.findall(text)
    return next((status for status in found if not code or status[0] == str(code)[0]), "")


def trouble_of_connection(account: Account, error: Exception, missing: str) -> AccountTroubleError:
    """Why the account cannot be used, with the remedy; never the server's own words.

    ``missing``: what it means when the library finds nothing to go on with.
    """
    where = f"SMTP server {account.host}:{account.port}"
    if isinstance(error, SMTPResponseException):
        pause = throttles_sending(error.code, status_of(error.message, error.code), error.message)
        if pause is None and isinstance(error, SMTPAuthenticationError) and 400 <= error.code < 500:
            pause = AT_LEAST  # RFC 4954 section 6, 454: not now; nothing is wrong with what we said
        if pause is not None:
            return _throttled("throttled", where, pause)
    if type(error) is SMTPException and missing:
        return AccountTroubleError(
            "not_offered", f"{where} cannot be used. Check {missing}. Nothing is lost: mail waits."
        )
    if isinstance(error, UnicodeError):
        return AccountTroubleError(
            "unreachable", f"{where}: that is no name of a host. Mend TRIAGE_SMTP_HOST. Nothing is lost: mail waits."
        )
    if isinstance(error, SMTPAuthenticationError):
        return AccountTroubleError(
            "credentials",
            f"{where} refused the login ({error.code}). {_check_login(account)} Nothing is lost: mail waits.",
        )
    # Under implicit TLS the library wraps the failure of the handshake in its own error.
    failed = error if isinstance(error, ssl.SSLError) else error.__cause__
    if isinstance(failed, ssl.SSLError):
        return AccountTroubleError(
            "tls",
            f"{where}: TLS failed ({failed.reason}). Check TRIAGE_SMTP_TLS and TRIAGE_SMTP_CA_FILE. "
            "Nothing is lost: mail waits.",
        )
    return AccountTroubleError(
        "unreachable",
        f"{where} cannot be used ({type(error).__name__}). Check TRIAGE_SMTP_HOST, TRIAGE_SMTP_PORT and "
        "TRIAGE_SMTP_TLS. Nothing is lost: mail waits.",
    )


def trouble_of_account(account: Account, row: DispatchRow, result: SubmissionResult) -> AccountTroubleError | None:
    """What the answer to one message says about the account; ``None``: nothing."""
    pause = throttles_sending(result.code, result.enhanced_status, result.text)
    if pause is not None:
        return _throttled("slowed", f"SMTP server {account.host}:{account.port}", pause)
    return _refused_account(account, result) if concerns_account(row, result) else None


def _check_login(account: Account) -> str:
    if account.oauth is None:
        return "Check TRIAGE_SMTP_USER and TRIAGE_SMTP_PASSWORD (or the token)."
    return (
        f"The token itself was given: check TRIAGE_SMTP_USER, {account.oauth.prefix}_SCOPE and that the mailbox may be "
        "sent from by SMTP (README, 'Microsoft 365 and Google')."
    )


def _throttled(kind: str, where: str, pause: float) -> AccountTroubleError:
    """The server slows us down (failures F80)."""
    return AccountTroubleError(kind, f"{where} asks us to wait {pause:.0f} s. Nothing is lost: mail waits.", pause)


def _refused_account(account: Account, result: SubmissionResult) -> AccountTroubleError:
    """The server is reached and logged in to, but lets us send nothing."""
    status = f" {result.enhanced_status}" if result.enhanced_status else ""
    return AccountTroubleError(
        "send_as" if denies_send_as(result.code, result.enhanced_status, result.text) else "refused",
        f"SMTP server {account.host}:{account.port} does not let us send ({result.code}{status}). "
        "Check TRIAGE_SMTP_LOGIN, TRIAGE_SMTP_TLS, and that this account may send as the address of 'service'. "
        "Nothing is lost: mail waits.",
    )
