"""What went wrong while reading a mailbox, in one sentence for people, and how long to wait before the next try."""

from __future__ import annotations

import imaplib
import random

from imapclient.exceptions import IMAPClientError

from triage.intake.connection import MailboxTroubleError
from triage.record import LostLeaseError, StoreError
from triage.settings import SettingsError
from triage.throttling import ends_session, throttles_reading

LONGEST_PAUSE = 300.0
"""Seconds between two tries of a server that does not answer."""


def pause_after(failures: int) -> float:
    """Seconds until the next try: 1 to 2 after the first failure, doubling to at most five minutes.

    Jittered, so that after an outage not every mailbox knocks in the same second.
    """
    return min(LONGEST_PAUSE, 2.0 ** min(failures, 9)) * random.uniform(0.5, 1.0)  # noqa: S311


def asked_pause(error: Exception) -> float:
    """Seconds that the server asked us to wait before the next try (failures F80); 0: it did not."""
    if isinstance(error, MailboxTroubleError):
        return error.rest
    return (throttles_reading(str(error)) or 0.0) if _is_answer(error) else 0.0


def is_passing(error: Exception) -> bool:
    """Whether a refused command says nothing about its message: the connection broke, or must rest.

    Exchange says "User is authenticated but not connected" for minutes (failures F81); only a new
    connection ends it.
    """
    return isinstance(error, imaplib.IMAP4.abort) or (_is_answer(error) and ends_session(str(error)))


def _is_answer(error: Exception) -> bool:
    return isinstance(error, (imaplib.IMAP4.error, IMAPClientError))


def describe(error: Exception) -> tuple[str, str]:
    """A stable kind and one sentence for any failure of reading."""
    if isinstance(error, MailboxTroubleError):
        return error.kind, str(error)
    if isinstance(error, StoreError):
        return "record", f"{error}. Nothing is lost: the message stays on the server. Check the disk or the database."
    if isinstance(error, SettingsError):
        return "settings", str(error)
    if isinstance(error, LostLeaseError):
        return "lease", "Another worker reads this mailbox now."
    if isinstance(error, imaplib.IMAP4.readonly):
        return (
            "read_only",
            "The mailbox's folder may only be read, so done mail could not be moved away; nothing was read. "
            "Give the account the right to write to it.",
        )
    if pause := asked_pause(error):
        return "throttled", f"The IMAP server asks us to wait {pause:.0f} s. Nothing is lost: mail is read then."
    if isinstance(error, TimeoutError):
        return "timeout", "The IMAP server stopped answering; the connection is made anew."
    if isinstance(error, (OSError, imaplib.IMAP4.error, IMAPClientError)):
        return "connection", f"The IMAP connection broke ({type(error).__name__}); it is made anew."
    return "unforeseen", f"Unforeseen {type(error).__name__} while reading; nothing is lost, it is tried again."
