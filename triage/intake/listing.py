"""Gives every UID that the server lists its row, before any octets are fetched.

A mailbox seen for the first time is baselined: what is there is recorded and stays where it is. A
new UIDVALIDITY means that every number is void: everything is listed again and matched by digest
when it is fetched.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from triage.intake.mailbox import BATCH, ImapMailbox, Selected, batches
from triage.intake.omitted import left_out
from triage.intake.plan import MailboxPlan
from triage.record import Store, Transaction
from triage.record.audit import Change, write_changes
from triage.record.baseline import baselined_before
from triage.record.identity import keyed_hash, secret_of
from triage.record.incidents import close_incident, open_incident
from triage.record.let_in import release_baseline
from triage.record.mailboxes import (
    MailboxRow,
    ask_for_comparison,
    begin_numbering,
    known_mailboxes,
    leased_row,
    lower_mark,
    mailbox_row,
    update_mailbox,
)
from triage.record.messages import dates_in_flow, list_messages
from triage.vocabulary import ListedMessage, MessageState

log = logging.getLogger("triage.intake")

COMPARED_LATELY = timedelta(hours=1)
LATELY = timedelta(days=30)
"""How long a mailbox that is no longer read may be the one that is read for the first time now."""
CLOCKS_DIFFER = timedelta(minutes=10)
"""How far the mail server's clock may be from ours, where a wrong guess would pass over mail."""


def note_identity(store: Store, mailbox: MailboxRow, account: str, folder: str) -> None:
    """Keep whose the mailbox is and what is watched: it stays the same one under another name."""
    if (mailbox.account, mailbox.folder) != (account, folder):
        with store.write("mailbox known") as tx:
            update_mailbox(tx, mailbox, account=account, folder=folder)


def adopt_numbering(store: Store, plan: MailboxPlan, mailbox: MailboxRow, selected: Selected) -> MailboxRow:
    """Notice a first look, a changed UIDVALIDITY or an impossible mark; the mailbox's row as it is now."""
    if mailbox.uid_validity == selected.uid_validity and mailbox.last_uid < selected.uid_next:
        return mailbox
    if mailbox.uid_validity == selected.uid_validity:
        # A UID that the server once made up: what has come since lies below it, and would never be looked for.
        with store.write("mark") as tx:
            lower_mark(tx, mailbox, selected.uid_next)
            return mailbox_row(tx, mailbox.name)
    with store.write("numbering") as tx:
        if mailbox.uid_validity is None and selected.exists:
            _tell_of_first_look(tx, plan, selected)
        begin_numbering(tx, mailbox, selected.uid_validity, selected.uid_next)
        return mailbox_row(tx, mailbox.name)


def _tell_of_first_look(tx: Transaction, plan: MailboxPlan, selected: Selected) -> None:
    """In the place of one read lately it may be that one, moved: its mail must not be set aside unseen."""
    lately = [
        box.name
        for box in known_mailboxes(tx)
        if box.name not in plan.configured | {plan.name} and (box.last_read_at or tx.now) > tx.now - LATELY
    ]
    if lately and plan.configured:
        open_incident(
            tx,
            "first_look",
            plan.name,
            f"Mailbox {plan.name} is read for the first time: {selected.exists} messages in it are left alone. "
            f"If it is {', '.join(lately)}, moved: let its new mail in with 'triage worker --once --backlog DAY'.",
        )


def list_new(
    store: Store,
    imap: ImapMailbox,
    mailbox: MailboxRow,
    uid_next: int,
    before: Callable[[], None] | None = None,
) -> int:
    """List what is new since the last UID; how many rows were made. ``before`` is called before the first.

    Costs three round trips for a look that finds new mail, two for each further batch and one when
    there is none, whatever the mailbox's size.
    """
    count = place = 0
    imap.forget_notices()
    for window in imap.uids_from(mailbox.last_uid + 1, uid_next):
        for uids in batches(window, BATCH):
            if before is not None:
                before()
                before = None
            fresh, place = _list_batch(store, imap, mailbox, uids, place)
            count += fresh
    with store.read("mailbox") as tx:
        mailbox = leased_row(tx, mailbox)
    if mailbox.baselined_at is None:
        _finish_baseline(store, mailbox)
    return count


def _list_batch(
    store: Store, imap: ImapMailbox, leased: MailboxRow, uids: Sequence[int], place: int
) -> tuple[int, int]:
    """Rows for new UIDs and what a search left out among them; how many were made, and the place of the last.

    The mark moves no further than what the server tells more of than its UID: one that it has made up would pass
    over all mail up to there.
    """
    with store.read("mailbox") as tx:
        mailbox = leased_row(tx, leased)
    known = _known(imap, mailbox, uids)
    omitted = left_out(imap, mailbox.last_uid, known, place)
    if omitted.uids:
        known |= _known(imap, mailbox, omitted.uids)
        log.warning(
            "a search left out mail; it is read now",
            extra={"action": "mail_omitted", "mailbox": mailbox.name, "count": len(omitted.uids)},
        )
    if not omitted.whole:
        _compare_soon(store, mailbox)
    top = max(known, default=0)
    # One that has gone since the search says as little as one that never was: neither is there when asked again.
    untold = imap.present([uid for uid in uids if uid > top])
    listed = sorted({uid for uid in uids if uid <= top} | untold | known.keys())
    count = _record(store, mailbox, listed, known, max(mailbox.last_uid, top)) if listed else 0
    return count, max((item.place for item in known.values()), default=place)


def _compare_soon(store: Store, mailbox: MailboxRow) -> None:
    """Not more than once an hour: a server may for ever hide a message that it counts."""
    if mailbox.reconciled_at is None or store.clock.now() - mailbox.reconciled_at > COMPARED_LATELY:
        with store.write("comparison asked for") as tx:
            ask_for_comparison(tx, mailbox.name)


def record_listed(store: Store, imap: ImapMailbox, leased: MailboxRow, uids: Sequence[int]) -> int:
    """Rows for UIDs below the mark. One that goes between list and size has its row all the same."""
    with store.read("mailbox") as tx:
        mailbox = leased_row(tx, leased)
    return _record(store, mailbox, uids, _known(imap, mailbox, uids), mailbox.last_uid)


def _known(imap: ImapMailbox, mailbox: MailboxRow, uids: Sequence[int]) -> dict[int, ListedMessage]:
    # Old mail is never read; by its Message-ID it is known again when it comes under another number.
    return imap.sizes(uids, identify=min(uids, default=0) < _old_below(mailbox))


def _record(
    store: Store, leased: MailboxRow, uids: Sequence[int], known: Mapping[int, ListedMessage], last: int
) -> int:
    listed = [known.get(uid, ListedMessage(uid, 0, None)) for uid in uids]
    with store.write("listed") as tx:
        mailbox = leased_row(tx, leased)
        old, new = _told_apart(tx, mailbox, listed)
        count = list_messages(tx, mailbox, old, state=MessageState.BASELINE, last_uid=last) if old else 0
        return count + list_messages(tx, mailbox, new, state=MessageState.LISTED, last_uid=last)


def _old_below(mailbox: MailboxRow) -> int:
    return (mailbox.baseline_uid_next or 0) if mailbox.resynced_at is None else mailbox.resync_below


def _told_apart(
    tx: Transaction, mailbox: MailboxRow, listed: Sequence[ListedMessage]
) -> tuple[list[ListedMessage], list[ListedMessage]]:
    """What was there before the first look, and what enters the flow."""
    if mailbox.resynced_at is None:
        old = [item for item in listed if _is_baseline(mailbox, item, frozenset())]
    else:
        entered = dates_in_flow(tx, mailbox)
        secret = secret_of(tx)
        keys = {i.uid: keyed_hash(secret, "message-id", i.message_id) for i in listed if i.message_id}
        before = baselined_before(tx, mailbox, keys.values())
        old = []
        for item in listed:
            likeness = (keys.get(item.uid, ""), item.size)
            # The date may be that of the migration.
            if before[likeness] > 0 and item.uid < mailbox.resync_below:
                before[likeness] -= 1
                old.append(item)
            elif _is_baseline(mailbox, item, entered):
                old.append(item)
    aside = {item.uid for item in old}
    return old, [item for item in listed if item.uid not in aside]


def _is_baseline(mailbox: MailboxRow, item: ListedMessage, entered: frozenset[datetime]) -> bool:
    if mailbox.resynced_at is None:
        return item.uid < (mailbox.baseline_uid_next or 0)
    # After a renumbering the old UIDs mean nothing. What came before the first look was never
    # fetched, so it cannot be matched; it stays baseline by its date. Old mail that entered the
    # flow all the same (--backlog, or moved in by a colleague) is fetched and matched.
    if item.uid >= mailbox.resync_below or mailbox.baselined_at is None or item.internal_date is None:
        return False
    return item.internal_date < mailbox.baselined_at - CLOCKS_DIFFER and item.internal_date not in entered


def _finish_baseline(store: Store, mailbox: MailboxRow) -> None:
    with store.write("baselined") as tx:
        update_mailbox(tx, mailbox, baselined_at=tx.now)
        write_changes(tx, [Change("mailbox", mailbox.id, "baselined", params={"last_uid": mailbox.last_uid})])


def enter_backlog(store: Store, imap: ImapMailbox, plan: MailboxPlan, mailbox: MailboxRow) -> int:
    """Let baselined messages that arrived since ``plan.backlog_since`` into the flow; how many."""
    if plan.backlog_since is None:
        return 0
    since = plan.backlog_since.astimezone(UTC)
    count = 0
    with store.write("first look settled") as tx:
        close_incident(tx, "first_look", plan.name)
    for uids in batches(sorted(imap.uids_since(since)), BATCH):
        exact = [uid for uid, item in imap.sizes(uids).items() if _is_since(item.internal_date, since)]
        with store.write("backlog") as tx:
            count += release_baseline(tx, mailbox, exact)
    return count


def _is_since(date: datetime | None, since: datetime) -> bool:
    return date is None or date >= since
