"""Rows of mailboxes: how far each has been read, by whom, and under which numbering."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from triage.record.audit import Change, Param, write_changes
from triage.record.store import LostLeaseError, Transaction
from triage.record.tables import mailboxes, messages


@dataclass(frozen=True, slots=True)
class MailboxRow:
    """How far one mailbox has been read. ``uid_validity`` is ``None`` before the first look."""

    id: int
    name: str
    uid_validity: int | None
    last_uid: int
    baseline_uid_next: int | None
    baselined_at: datetime | None
    resync_below: int
    resynced_at: datetime | None
    marker: str
    marker_next: str
    last_read_at: datetime | None
    reconciled_at: datetime | None
    reconcile_asked_at: datetime | None
    account: str | None
    folder: str | None
    refused_at: datetime | None
    probed_at: datetime | None
    probed_account: str | None
    probed_folder: str | None
    return_path_written: bool | None
    plus_delivered: bool | None
    restored_at: datetime | None
    restored_uid_validity: int | None
    restored_below: int | None
    lease_owner: str | None
    lease_epoch: int
    lease_until: datetime | None

    @property
    def writes_return_path(self) -> bool:
        """Whether a message to ourselves has proved that this server writes Return-Path (RFC 5321 section 4.4)."""
        return bool(self.return_path_written) and self._is_what_was_probed

    @property
    def takes_plus_tags(self) -> bool:
        """Whether a message to our address with a plus tag has arrived here."""
        return bool(self.plus_delivered) and self._is_what_was_probed

    @property
    def is_to_be_compared(self) -> bool:
        """Whether somebody has asked for a comparison with the server's list since the last one."""
        asked, done = self.reconcile_asked_at, self.reconciled_at
        return asked is not None and (done is None or asked > done)

    @property
    def _is_what_was_probed(self) -> bool:
        # Never read yet, its account is not on record: what is read first is what was probed.
        return self.account is None or (self.account, self.folder) == (self.probed_account, self.probed_folder)


def mailbox_row(tx: Transaction, name: str) -> MailboxRow:
    """The row of a mailbox, made when it is seen for the first time."""
    found = tx.execute(_NAMED, {"name": name}).mappings().first()
    if found is None:
        tx.execute(tx.insert(mailboxes).values(name=name).on_conflict_do_nothing())
        found = tx.execute(_NAMED, {"name": name}).mappings().one()
    return _row(found)


def mailbox_row_if_known(tx: Transaction, name: str) -> MailboxRow | None:
    """The row of a mailbox, or ``None`` when it was never seen; writes nothing."""
    found = tx.execute(_NAMED, {"name": name}).mappings().first()
    return _row(found) if found else None


_NAMED = sa.select(mailboxes).where(mailboxes.c.name == sa.bindparam("name"))
"""Built once: a reader asks for its row some ten times a message, and building a statement is half of its cost."""


def leased_row(tx: Transaction, mailbox: MailboxRow) -> MailboxRow:
    """The row as it is now; raises :class:`LostLeaseError` when the lease is no longer the one of ``mailbox``.

    Who has slept past his lease would else go on with that of whoever reads now.
    """
    now = mailbox_row_if_known(tx, mailbox.name)
    if now is None or (now.lease_owner, now.lease_epoch) != (mailbox.lease_owner, mailbox.lease_epoch):
        raise LostLeaseError(f"mailbox {mailbox.name}")
    return now


def known_mailboxes(tx: Transaction) -> list[MailboxRow]:
    """All mailboxes ever read."""
    return [_row(row) for row in tx.execute(sa.select(mailboxes).order_by(mailboxes.c.name)).mappings()]


def note_probe(tx: Transaction, name: str, account: str, folder: str, *, return_path: bool, plus: bool | None) -> None:
    """Keep what a message to ourselves has shown; ``plus``: whether one with a tag arrived, ``None``: not tried.

    ``account`` and ``folder`` as the reader of the mailbox writes them.
    """
    row = mailbox_row(tx, name)
    known = (row.probed_account, row.probed_folder) == (account, folder)
    values = {
        "probed_at": tx.now,
        "probed_account": account,
        "probed_folder": folder,
        "return_path_written": return_path,
        "plus_delivered": row.plus_delivered if plus is None and known else plus,
    }
    tx.execute(sa.update(mailboxes).where(mailboxes.c.id == row.id).values(**values))
    params: dict[str, Param] = {"return_path": return_path}
    if plus is not None:
        params["plus"] = plus
    write_changes(tx, [Change("mailbox", row.id, "probed", params=params)])


def _row(row: sa.RowMapping) -> MailboxRow:
    return MailboxRow(**{name: row[name] for name in MailboxRow.__slots__})


def adopt_mailbox(tx: Transaction, name: str, account: str, folder: str, configured: frozenset[str]) -> bool:
    """Let a mailbox that is now called ``name`` keep its row; whether it may be leased under that name.

    It is the one of this account and folder whose name is no longer configured. While somebody still
    reads it under the old name it is to be waited for: else all its mail would count as there before.
    """
    known = mailbox_row_if_known(tx, name)
    if known is not None and known.uid_validity is not None:
        return True
    query = (
        sa.select(mailboxes)
        .where(mailboxes.c.account == account, mailboxes.c.folder == folder, mailboxes.c.uid_validity.is_not(None))
        .where(mailboxes.c.name.not_in(sorted({name, *configured})))
        .order_by(mailboxes.c.last_read_at.desc(), mailboxes.c.id)
    )
    found = tx.execute(query).mappings().first()
    if found is None:
        return True
    before = _row(found)
    if before.lease_until is not None and before.lease_until > tx.now:
        return False
    if known is not None:
        tx.execute(sa.delete(mailboxes).where(mailboxes.c.id == known.id))  # never read, so nothing hangs on it
    tx.execute(sa.update(mailboxes).where(mailboxes.c.id == before.id).values(name=name))
    write_changes(tx, [Change("mailbox", before.id, "renamed", params={"from": before.name, "to": name})])
    return True


def lease_mailbox(tx: Transaction, name: str, worker: str, lease: timedelta) -> MailboxRow | None:
    """Take or renew the reading of a mailbox; ``None`` while another worker reads it."""
    row = mailbox_row(tx, name)
    if row.lease_owner not in (None, worker) and row.lease_until is not None and row.lease_until > tx.now:
        return None
    epoch = row.lease_epoch if row.lease_owner == worker else row.lease_epoch + 1
    taken = tx.execute(
        sa.update(mailboxes)
        # Compared again, because on PostgreSQL another worker may have come in between.
        .where(mailboxes.c.id == row.id, mailboxes.c.lease_epoch == row.lease_epoch)
        .where(sa.or_(mailboxes.c.lease_owner.is_(None), mailboxes.c.lease_owner == row.lease_owner))
        .values(lease_owner=worker, lease_epoch=epoch, lease_until=tx.now + lease)
    )
    return mailbox_row(tx, name) if taken.rowcount else None


def release_mailbox(tx: Transaction, mailbox: MailboxRow) -> None:
    """Let another worker read at once."""
    tx.execute(_mine(mailbox).values(lease_until=tx.now))


def update_mailbox(tx: Transaction, mailbox: MailboxRow, **values: object) -> None:
    """Change columns of a mailbox that this worker reads; raises :class:`LostLeaseError` when it does not."""
    if not tx.execute(_mine(mailbox).values(**values)).rowcount:
        raise LostLeaseError(f"mailbox {mailbox.name}")


def _mine(mailbox: MailboxRow) -> sa.Update:
    return sa.update(mailboxes).where(
        mailboxes.c.id == mailbox.id,
        mailboxes.c.lease_owner == mailbox.lease_owner,
        mailboxes.c.lease_epoch == mailbox.lease_epoch,
    )


def ask_for_comparison(tx: Transaction, name: str) -> None:
    """Let whoever reads the mailbox compare its whole list at the next look, and mend what differs."""
    tx.execute(sa.update(mailboxes).where(mailboxes.c.name == name).values(reconcile_asked_at=tx.now))


def begin_numbering(tx: Transaction, mailbox: MailboxRow, uid_validity: int, uid_next: int) -> None:
    """Start over under a new UIDVALIDITY: a first look (baseline) or a renumbering (resync)."""
    if mailbox.uid_validity is None:
        values: dict[str, object] = {"baseline_uid_next": uid_next}
    else:
        # Everything below this UID may be mail that we know under its old number.
        values = {"resync_below": uid_next, "resynced_at": tx.now}
    update_mailbox(tx, mailbox, uid_validity=uid_validity, last_uid=0, **values)
    write_changes(
        tx,
        [
            Change(
                "mailbox",
                mailbox.id,
                "first_seen" if mailbox.uid_validity is None else "renumbered",
                params={"uid_validity": uid_validity, "uid_next": uid_next},
            )
        ],
    )


def lower_mark(tx: Transaction, mailbox: MailboxRow, uid_next: int) -> None:
    """Go on from the last UID with a row that the server can have given: below ``uid_next``."""
    query = sa.select(sa.func.max(messages.c.uid)).where(
        messages.c.mailbox_id == mailbox.id,
        messages.c.uid_validity == mailbox.uid_validity,
        messages.c.uid < uid_next,
    )
    last = int(tx.execute(query).scalar() or 0)
    update_mailbox(tx, mailbox, last_uid=last)
    write_changes(tx, [Change("mailbox", mailbox.id, "mark_lowered", params={"from": mailbox.last_uid, "to": last})])


def present_uids(tx: Transaction, mailbox: MailboxRow) -> set[int]:
    """The UIDs that we believe to lie in the mailbox now."""
    query = sa.select(messages.c.location_uid).where(
        messages.c.mailbox_id == mailbox.id,
        messages.c.location_uid_validity == mailbox.uid_validity,
        messages.c.gone_at.is_(None),
        messages.c.state.not_in(("filed", "vanished")),
    )
    return set(tx.execute(query).scalars())
