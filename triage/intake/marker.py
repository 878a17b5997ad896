"""The instance marker: a folder in the mailbox that says which record belongs to it.

A restored backup or a forgotten copy of the service holds an older token than the mailbox does and
is refused, because it would forward everything a second time. The token changes at every start. It
is a folder, since every server keeps folders (keywords are dropped by some, METADATA is rare), and
LIST costs one round trip without leaving the selected mailbox.
"""

from __future__ import annotations

import secrets

from triage.crashpoints import reach
from triage.intake.connection import MailboxTroubleError
from triage.intake.mailbox import ImapMailbox
from triage.intake.plan import MailboxPlan
from triage.record import Store
from triage.record.audit import Change, write_changes
from triage.record.mailboxes import MailboxRow, mailbox_row, update_mailbox

PREFIX = "Istanza"


def claim_marker(store: Store, imap: ImapMailbox, plan: MailboxPlan, mailbox: MailboxRow) -> None:
    """At the start: make sure that the mailbox is ours, and give it a new token.

    Raises :class:`MailboxTroubleError` (kind ``instance``) when another instance's token is there.
    """
    found = _tokens(imap, plan)
    foreign = found - {mailbox.marker, mailbox.marker_next}
    if foreign and not plan.take_over:
        raise _refusal(plan)
    token = secrets.token_hex(4)
    # The one that is there may be the last one planned, whose renaming was never confirmed.
    there = next(iter(sorted(found - foreign)), mailbox.marker)
    with store.write("marker planned") as tx:
        update_mailbox(tx, mailbox, marker=there, marker_next=token)
        if foreign:
            write_changes(tx, [Change("mailbox", mailbox.id, "taken_over")])
    _replace(imap, plan, found, token)
    with store.write("marker set") as tx:
        update_mailbox(tx, mailbox, marker=token, marker_next="")


def check_marker(store: Store, imap: ImapMailbox, plan: MailboxPlan) -> None:
    """While running: refuse to go on when another instance has marked the mailbox since."""
    with store.read("marker") as tx:
        mailbox = mailbox_row(tx, plan.name)
    found = _tokens(imap, plan)
    if found - {mailbox.marker, mailbox.marker_next}:
        raise _refusal(plan)
    if not found:
        # A person deleted the folder: harmless, but then nothing would guard the mailbox.
        _replace(imap, plan, set(), mailbox.marker)


def _refusal(plan: MailboxPlan) -> MailboxTroubleError:
    return MailboxTroubleError(
        "instance",
        f"Mailbox '{plan.name}' carries the marker of another instance of this service; nothing was read. "
        "Stop the other instance; if this one is to go on alone, start it once with --take-over.",
    )


def _name(imap: ImapMailbox, plan: MailboxPlan, token: str) -> str:
    return imap.path([plan.root, f"{PREFIX} {plan.name} {token}"])


def _tokens(imap: ImapMailbox, plan: MailboxPlan) -> set[str]:
    reach("imap list")
    start = _name(imap, plan, "")
    # The whole children are listed and compared here: some servers match patterns with blanks badly.
    children = imap.client.list_folders("", imap.path([plan.root, "*"]))
    return {str(name)[len(start) :] for _, _, name in children if str(name).startswith(start)}


def _replace(imap: ImapMailbox, plan: MailboxPlan, found: set[str], token: str) -> None:
    imap.ensure_folder(imap.path([plan.root]))
    reach("imap marker")
    old = sorted(found)
    if old:
        imap.client.rename_folder(_name(imap, plan, old[0]), _name(imap, plan, token))
    else:
        imap.client.create_folder(_name(imap, plan, token))
    for other in old[1:]:
        imap.client.delete_folder(_name(imap, plan, other))
