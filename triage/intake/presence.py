"""Asks the server whether messages still lie where we believe: before sending, and for the ledger.

A message in progress that a colleague has taken out of the inbox is theirs now. The daily
reconciliation compares the whole list, both ways.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from triage.intake.listing import record_listed
from triage.intake.mailbox import BATCH, ImapMailbox, batches
from triage.intake.plan import MailboxPlan
from triage.intake.recognise import CUT
from triage.record import Store
from triage.record.audit import Change, write_changes
from triage.record.filing import FRESH, incomplete_here, lost_in_renumbering, record_presence, rows_at, stale_presence
from triage.record.found_again import Found, record_found
from triage.record.incidents import close_incident, open_incident
from triage.record.mailboxes import MailboxRow, present_uids, update_mailbox


def refresh_presence(store: Store, imap: ImapMailbox, mailbox: MailboxRow) -> int:
    """Look again for messages in progress not seen lately; how many have gone.

    When the server has said that something was taken out, all of them are looked for at once: what a
    colleague has taken must not be sent in the minute in which the last look still counts.
    """
    removed = imap.take_removals()
    before = store.clock.now() - (timedelta(0) if removed else FRESH / 2)
    missing = 0
    while True:
        with store.read("presence") as tx:
            rows = stale_presence(tx, mailbox, before, BATCH)
            lost = lost_in_renumbering(tx, mailbox, BATCH)
        if not rows and not lost:
            return missing
        present = imap.present([row.location_uid for row in rows])
        gone = [row for row in rows if row.location_uid not in present] + lost
        with store.write("presence") as tx:
            record_presence(tx, [row.id for row in rows if row.location_uid in present], gone)
        missing += len(gone)
        if not removed:
            return missing


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What a comparison found: listed now by us, taken away by others, and there although we thought not."""

    unlisted: int
    gone: int
    found: Found


def reconcile(store: Store, imap: ImapMailbox, plan: MailboxPlan, mailbox: MailboxRow, uid_next: int) -> Reconciliation:
    """Compare the server's whole list with ours, both ways, and mend ours.

    A UID below our mark without a row should never be: it is listed, and an incident is opened,
    because it means that mail was passed over. The same goes for one that we took for vanished.
    """
    with store.read("present") as tx:
        ours = present_uids(tx, mailbox)
    theirs: set[int] = set()
    for window in imap.uids_from(1, uid_next):
        theirs.update(window)
    unlisted, found = 0, Found()
    for uids in batches(sorted(uid for uid in theirs - ours if uid <= mailbox.last_uid), BATCH):
        unlisted += record_listed(store, imap, mailbox, uids)
        # What we only marked as deleted, where the server cannot expunge single messages, is no news.
        kept = imap.present_undeleted(uids)
        with store.write("found again") as tx:
            found += record_found(tx, [row for row in rows_at(tx, mailbox, uids) if row.location_uid in kept])
    gone = 0
    for uids in batches(sorted(ours - theirs), BATCH):
        with store.write("reconciled gone") as tx:
            rows = [row for row in rows_at(tx, mailbox, uids) if row.gone_at is None]
            record_presence(tx, [], rows)
            gone += len(rows)
    result = Reconciliation(unlisted, gone, found)
    _conclude(store, plan, mailbox, result)
    return result


def _conclude(store: Store, plan: MailboxPlan, mailbox: MailboxRow, result: Reconciliation) -> None:
    found = result.found
    counts = {"unlisted": result.unlisted, "gone": result.gone, "back": found.back, "listed_again": found.listed_again}
    troubles = {
        "unlisted": (result.unlisted, "messages had no row"),
        "not_vanished": (found.listed_again, "messages that seemed to have vanished are there; they are read now"),
        "filed_still_there": (found.filed, "messages that count as filed still lie in the inbox: move them by hand"),
    }
    with store.write("reconciled") as tx:
        update_mailbox(tx, mailbox, reconciled_at=tx.now)
        write_changes(tx, [Change("mailbox", mailbox.id, "reconciled", params={**counts, "filed": found.filed})])
        if not incomplete_here(tx, mailbox, CUT):
            close_incident(tx, "unreadable", plan.name)
        for kind, (count, text) in troubles.items():
            if count:
                open_incident(tx, kind, plan.name, f"mailbox {plan.name}: {count} {text}")
            else:
                close_incident(tx, kind, plan.name)
