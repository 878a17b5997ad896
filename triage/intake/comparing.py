"""Compares the server's own list of a mailbox with the record, without touching either: for people who ask.

A mailbox's account and the record enter, what differs leaves. Whoever reads the mailbox may go on meanwhile: what it
takes in or files in between is no difference. Mending is left to the reader (``presence.reconcile``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from imapclient.exceptions import IMAPClientError

from triage.intake.connection import MailboxTroubleError, connect, disconnect
from triage.intake.mailbox import ImapMailbox, Selected
from triage.intake.trouble import describe
from triage.record import Store
from triage.record.mailboxes import mailbox_row_if_known, present_uids
from triage.settings import Account
from triage.tokens import FIXED, Secrets

GRACE = timedelta(minutes=5)
"""So long a message may lie there before the record must know it."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a mailbox holds and what the record says of it."""

    listed: int
    """Messages that the server lists."""
    unknown: tuple[int, ...] = ()
    """UIDs there for longer than the grace that the record does not believe to be there."""
    arriving: int = 0
    """Not known yet, and too new to be missed."""
    gone: int = 0
    """Believed to be there and not there: somebody has taken them out."""
    comparable: bool = True
    """False: never read, or the server has numbered everything anew and the reader has not seen it yet."""

    @property
    def agrees(self) -> bool:
        """Whether nothing lies there that the record does not know."""
        return not self.unknown


def compare_with_server(store: Store, account: Account, folder: str, name: str, secrets: Secrets = FIXED) -> Comparison:
    """Log in beside the reader and compare one mailbox; raises :class:`MailboxTroubleError`."""
    client = connect(account, secrets)
    try:
        imap = ImapMailbox(client, folder)
        return _compare(store, imap, imap.select(read_only=True), name)
    except (OSError, IMAPClientError) as error:
        kind, text = describe(error)
        raise MailboxTroubleError(kind, text) from None
    finally:
        disconnect(client)


def _compare(store: Store, imap: ImapMailbox, selected: Selected, name: str) -> Comparison:
    """A round trip for 50,000 messages, and more only for those that are not known."""
    with store.read("compared") as tx:
        mailbox = mailbox_row_if_known(tx, name)
        before = present_uids(tx, mailbox) if mailbox is not None else set()
    if mailbox is None or mailbox.uid_validity != selected.uid_validity:
        return Comparison(selected.exists, comparable=False)
    theirs: set[int] = set()
    for window in imap.uids_from(1, selected.uid_next):
        theirs.update(window)
    with store.read("compared") as tx:
        after = present_uids(tx, mailbox)
    # What was filed since the first look is asked for once more, and has left.
    strange = imap.sizes(sorted(imap.present_undeleted(sorted(theirs - before - after))))
    limit = store.clock.now() - GRACE
    unknown = tuple(
        uid for uid, item in sorted(strange.items()) if item.internal_date is None or item.internal_date < limit
    )
    return Comparison(len(theirs), unknown, len(strange) - len(unknown), len((before & after) - theirs))
