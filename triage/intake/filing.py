"""Moves done messages out of the inbox: after the forward's 250 and its commit, never before.

UID MOVE where the server has it. Otherwise COPY, ``\\Deleted``, UID EXPUNGE, with the step recorded
in between, so that a crash neither loses the message nor copies it for ever. A message that a
colleague has moved meanwhile is simply done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from imapclient.exceptions import IMAPClientError

from triage.crashpoints import reach
from triage.intake.mailbox import ImapMailbox
from triage.intake.plan import MailboxPlan
from triage.intake.trouble import is_passing
from triage.record import Store
from triage.record.canaries import note_removed, to_remove
from triage.record.decisions import decisions_of
from triage.record.filing import due_for_filing, postpone_filing, record_filed, record_step
from triage.record.incidents import close_incident, open_incident
from triage.record.mailboxes import MailboxRow
from triage.record.messages import MessageRow
from triage.vocabulary import Decision

COUNT = 100
RETRY = timedelta(minutes=5)
TOLD_AFTER = timedelta(hours=1)
"""So old is a message when that it cannot be filed is an incident: what passes by itself is none (failure F33)."""
REFUSED = "filing_refused"
"""Incident: a server does not let finished mail be moved (failure F28); the subject is mailbox and folder."""

_DETAIL = (
    "mailbox {}: the server does not let finished mail be moved to {}. Check quota, rights and disk there; "
    "the mail is dealt with and stays in the inbox."
)

FolderOf = Callable[[Decision], str]
"""The last part of the folder's name for a decision ("Crema", "Non per noi")."""


def file_done(store: Store, imap: ImapMailbox, plan: MailboxPlan, mailbox: MailboxRow, folder_of: FolderOf) -> int:
    """Move one round of done messages to their folders; how many were dealt with."""
    with store.read("due for filing") as tx:
        rows = due_for_filing(tx, mailbox, COUNT)
        decisions = decisions_of(tx, [(row.id, row.generation) for row in rows])
        canaries = to_remove(tx, mailbox)
    if canaries:
        _remove_canaries(store, imap, canaries)
    if not rows:
        return len(canaries)
    # Numbers of an earlier UIDVALIDITY name other messages now.
    valid = [row for row in rows if row.location_uid_validity == mailbox.uid_validity]
    present = imap.present([row.location_uid for row in valid])
    here = [row for row in valid if row.location_uid in present]
    folders: dict[str, list[MessageRow]] = {}
    for row in here:
        folders.setdefault(imap.path([plan.root, folder_of(decisions[row.id])]), []).append(row)
    moved: list[tuple[list[MessageRow], str]] = []
    refused: dict[str, list[MessageRow]] = {}
    for folder, group in folders.items():
        try:
            _move(store, imap, folder, group)
            moved.append((group, folder))
        except IMAPClientError as error:
            if is_passing(error):
                raise
            # Quota, rights, a folder that cannot be made: the message is dealt with, only not tidied away.
            imap.forget_folders()
            refused[folder] = group
    gone = [row for row in rows if row not in here]
    with store.write("filed") as tx:
        for group, folder in moved:
            record_filed(tx, group, folder, "filed")
            close_incident(tx, REFUSED, _subject(plan, folder))
        copied = [row for row in gone if row.file_step == "copied"]
        for row in copied:
            record_filed(tx, [row], row.filed_folder, "filed")
        record_filed(tx, [row for row in gone if row.file_step != "copied"], None, "found_moved")
        for folder, group in refused.items():
            postpone_filing(tx, group, tx.now + RETRY)
            if any(row.received_at is not None and tx.now - row.received_at > TOLD_AFTER for row in group):
                open_incident(tx, REFUSED, _subject(plan, folder), _DETAIL.format(plan.name, folder))
    return len(rows) + len(canaries)


def _subject(plan: MailboxPlan, folder: str) -> str:
    return f"{plan.name} {folder}"[:64]


def _remove_canaries(store: Store, imap: ImapMailbox, canaries: Sequence[tuple[int, int]]) -> None:
    """Our own test messages are the only mail that is ever deleted: each is known by its seal, on record, and read."""
    if present := sorted(imap.present([uid for _, uid in canaries])):
        imap.remove(present)
    with store.write("canaries removed") as tx:
        note_removed(tx, [number for number, _ in canaries])


def _move(store: Store, imap: ImapMailbox, folder: str, rows: Sequence[MessageRow]) -> None:
    imap.ensure_folder(folder)
    if imap.has_move:
        imap.move([row.location_uid for row in rows], folder)
        return
    fresh = [row for row in rows if row.file_step != "copied"]
    if fresh:
        imap.copy([row.location_uid for row in fresh], folder)
        with store.write("copied") as tx:
            record_step(tx, fresh, "copied", folder)
    reach("imap remove")
    imap.remove([row.location_uid for row in rows])
