"""The first look into a mailbox after the record was made from a backup: what lies in our own folders is dealt with.

Mail that was forwarded after the backup lies where it was filed. Its octets are read there, so that what this record
still takes for waiting is known to be over, and what comes again is known again. Nothing there is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from triage.intake.fetching import OCTETS
from triage.intake.headers import read_header
from triage.intake.mailbox import BATCH, ImapMailbox, Selected, batches
from triage.intake.marker import PARENT, PREFIX
from triage.intake.plan import MailboxPlan
from triage.record import Store
from triage.record.identity import keyed_hash, secret_of
from triage.record.mailboxes import MailboxRow, leased_row
from triage.record.octets import digest
from triage.record.restored import note_compared, record_filed_elsewhere, unfinished_since, wants_comparison
from triage.signals import Heartbeats


def compare_folders(
    store: Store,
    imap: ImapMailbox,
    plan: MailboxPlan,
    mailbox: MailboxRow,
    selected: Selected,
    heartbeats: Heartbeats,
    loop: str,
) -> MailboxRow:
    """Once, before anything is listed; the mailbox's row as it is now. What is cut off begins again."""
    if not wants_comparison(mailbox):
        return mailbox
    for folder in _our_folders(imap, plan):
        _look_into(store, ImapMailbox(imap.client, folder), plan, mailbox, partial(heartbeats.beat, loop))
    imap.select()
    with store.write("restored mailbox seen") as tx:
        note_compared(tx, mailbox, selected.uid_validity, selected.uid_next)
        return leased_row(tx, mailbox)


def _our_folders(imap: ImapMailbox, plan: MailboxPlan) -> list[str]:
    """What lies below the root for done mail, but for the markers of instances."""
    markers = imap.path([PARENT, f"{PREFIX} "])
    children = imap.client.list_folders("", imap.path([plan.root, "*"]))
    names = [str(name) for flags, _, name in children if b"\\Noselect" not in flags]
    return sorted(name for name in names if not name.startswith(markers))


def _look_into(
    store: Store, imap: ImapMailbox, plan: MailboxPlan, mailbox: MailboxRow, beat: Callable[[], None]
) -> None:
    selected = imap.select(read_only=True)
    with store.read("restored mailbox") as tx:
        since = unfinished_since(tx, mailbox)
    for uids in batches(sorted(imap.uids_since(since)), BATCH):
        for group in _groups(imap, uids, plan.max_octets):
            beat()
            fetched = imap.octets(group, plan.max_octets + 1)
            with store.write("filed elsewhere") as tx:
                secret = secret_of(tx)
                found = [
                    (uid, digest(message.octets), keyed_hash(secret, "message-id", name) if name else None)
                    for uid, message in sorted(fetched.items())
                    for name in (read_header(message.octets).message_id,)
                ]
                record_filed_elsewhere(tx, mailbox, imap.folder, selected.uid_validity, found)


def _groups(imap: ImapMailbox, uids: list[int], limit: int) -> Iterator[list[int]]:
    """UIDs to fetch at once, so that the memory holds little; what is over the size limit was never read by us."""
    group: list[int] = []
    total = 0
    for uid, listed in sorted(imap.sizes(uids).items()):
        if listed.size > limit:
            continue
        if group and total + listed.size > OCTETS:
            yield group
            group, total = [], 0
        group.append(uid)
        total += listed.size
    if group:
        yield group
