"""The instance marker: a folder in the account that says which record a watched folder belongs to.

A restored backup or a copy of the service holds an older token than the account does and is
refused, because it would forward everything a second time. The token changes at every start, before
anything new is listed, and within a minute of other work: a record that holds it lacks nothing. The
marker's name is made of the watched folder alone, so that neither a mailbox's name in the rules nor
another root for filed mail leads past it. It is a folder, since every server keeps folders (keywords
are dropped by some, METADATA is rare), and LIST costs one round trip without leaving the selected
mailbox.
"""

from __future__ import annotations

import re
import secrets

from triage.crashpoints import reach
from triage.intake.connection import MailboxTroubleError
from triage.intake.mailbox import ImapMailbox
from triage.intake.plan import MailboxPlan
from triage.record import Store
from triage.record.audit import Change, write_changes
from triage.record.mailboxes import MailboxRow, leased_row, update_mailbox

PARENT, PREFIX = "Smistati", "Istanza"
"""Where markers lie, whatever the rules call the folders for filed mail."""
_TOKEN = re.compile(r"[0-9a-f]{8}")


def claim_marker(store: Store, imap: ImapMailbox, plan: MailboxPlan, mailbox: MailboxRow) -> None:
    """At the start: make sure that the mailbox is ours, and give it a new token.

    Raises :class:`MailboxTroubleError` (kind ``instance``) when another instance's token is there.
    """
    found = _tokens(imap, plan)
    foreign = found - {mailbox.marker, mailbox.marker_next}
    if foreign and not plan.take_over:
        raise _refuse(store, plan, mailbox)
    token = secrets.token_hex(4)
    with store.write("marker planned") as tx:
        update_mailbox(tx, mailbox, marker=_there(found - foreign, mailbox), marker_next=token, refused_at=None)
        if foreign:
            write_changes(tx, [Change("mailbox", mailbox.id, "taken_over")])
    _replace(imap, plan, found, token)
    with store.write("marker set") as tx:
        update_mailbox(tx, mailbox, marker=token, marker_next="")


def check_marker(
    store: Store, imap: ImapMailbox, plan: MailboxPlan, leased: MailboxRow, *, renew: bool = False
) -> None:
    """While running: refuse to go on when another instance has marked the mailbox since.

    Raises :class:`LostLeaseError` when another worker of this instance reads it by now.

    ``renew`` gives it a new token, so that no copy of the record made until now holds the right one.
    """
    with store.read("marker") as tx:
        mailbox = leased_row(tx, leased)
    found = _tokens(imap, plan)
    if found - {mailbox.marker, mailbox.marker_next}:
        raise _refuse(store, plan, mailbox)
    if renew:
        token = secrets.token_hex(4)
        # Not confirmed by a second commit: until the next renewal both count as ours.
        with store.write("marker renewed") as tx:
            update_mailbox(tx, mailbox, marker=_there(found, mailbox), marker_next=token)
        _replace(imap, plan, found, token)
    elif not found:
        # A person deleted the folder: harmless, but then nothing would guard the mailbox.
        _replace(imap, plan, set(), mailbox.marker_next or mailbox.marker)


def _there(ours: set[str], mailbox: MailboxRow) -> str:
    # The one that is there may be the last one planned, whose renaming was never confirmed.
    return next(iter(sorted(ours)), mailbox.marker)


def _refuse(store: Store, plan: MailboxPlan, mailbox: MailboxRow) -> MailboxTroubleError:
    """Note it, so that nothing of this mailbox is sent either; what to raise.

    Not by one that has slept: the token that it does not know is that of the worker which reads now.
    """
    with store.write("marker of another") as tx:
        now = leased_row(tx, mailbox)
        update_mailbox(tx, mailbox, refused_at=now.refused_at or tx.now)
    return MailboxTroubleError(
        "instance",
        f"Mailbox '{plan.name}' carries the marker of another instance of this service, or this record is an older "
        "copy; nothing was read, and nothing of it is sent. "
        "Stop the other instance; if this one is to go on alone, start it once with --take-over.",
    )


def _name(imap: ImapMailbox, plan: MailboxPlan, token: str) -> str:
    # RFC 3501 section 5.1: INBOX is the same in every spelling.
    folder = "INBOX" if plan.folder.upper() == "INBOX" else plan.folder
    return imap.path([PARENT, f"{PREFIX} {folder} {token}"])


def _tokens(imap: ImapMailbox, plan: MailboxPlan) -> set[str]:
    reach("imap list")
    start = _name(imap, plan, "")
    # The whole children are listed and compared here: some servers match patterns with blanks badly.
    children = imap.client.list_folders("", imap.path([PARENT, "*"]))
    ends = {str(name)[len(start) :] for _, _, name in children if str(name).startswith(start)}
    return {end for end in ends if _TOKEN.fullmatch(end)}


def _replace(imap: ImapMailbox, plan: MailboxPlan, found: set[str], token: str) -> None:
    imap.ensure_folder(imap.path([PARENT]))
    reach("imap marker")
    old = sorted(found)
    if old:
        imap.client.rename_folder(_name(imap, plan, old[0]), _name(imap, plan, token))
    else:
        imap.client.create_folder(_name(imap, plan, token))
    for other in old[1:]:
        imap.client.delete_folder(_name(imap, plan, other))
