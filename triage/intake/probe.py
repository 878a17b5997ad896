"""Finds one message by its Message-ID or probe subject in a watched folder, reads its header section, removes it.

Nothing else in the folder is read, marked or removed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from triage.ids import probe_subject
from triage.intake.mailbox import ImapMailbox

_LOOK_EVERY = 0.5
_HEADER_OCTETS = 65_536


@dataclass(frozen=True, slots=True)
class ProbeFound:
    """What became of the message: its header section, and whether it is gone from the folder again."""

    header_section: bytes
    removed: bool
    renamed: bool = False
    """Whether a server on the way has put a Message-ID of its own in place of ours."""


def find_and_remove(
    imap: ImapMailbox,
    rfc_message_id: str,
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> ProbeFound | None:
    """The message with exactly this Message-ID, or else the subject that goes with it, as soon as it is there.

    Looked for so long; ``None``: it is not there.
    """
    subject = probe_subject(rfc_message_id)
    until = clock() + seconds
    while True:
        imap.refresh()
        # SEARCH HEADER finds parts of values too (RFC 3501 section 6.4.4), so the answer is compared.
        for uid in imap.client.search(["OR", "HEADER", "Message-ID", rfc_message_id, "SUBJECT", subject]):
            header = imap.header_section(uid, _HEADER_OCTETS)
            kept = header is not None and rfc_message_id.encode("ascii") in header
            if header is not None and (kept or f"Subject: {subject}\r\n".encode("ascii") in header):
                imap.remove([uid])
                return ProbeFound(header, removed=not imap.present([uid]), renamed=not kept)
        if clock() >= until:
            return None
        sleep(_LOOK_EVERY)
