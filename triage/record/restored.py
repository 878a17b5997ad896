"""What a record that was made from a backup no longer knows, and how it is kept from doing anything twice.

The service went on after its backup was made: what waited then has left by now, or has not; nobody here can tell. So
nothing that waited leaves without a person, no project forwards by itself until somebody says so, and numbers that the
lost record may have given to others are not given again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from triage.record.audit import Change, write_changes
from triage.record.incidents import close_incident, open_incident
from triage.record.mailboxes import MailboxRow, update_mailbox
from triage.record.messages import MessageRow, same_octets
from triage.record.staff_acts import Actor, note_act
from triage.record.store import Transaction
from triage.record.tables import (
    attempts,
    cases,
    decisions,
    dispatches,
    filed_elsewhere,
    mailboxes,
    messages,
    staff_notices,
    switches,
)
from triage.vocabulary import AttemptOutcome, DispatchKind, DispatchState, MessageState

RESTORED = "restored"
"""The switch that is on, and the incident that is open, until a person says that the service may go on."""
MAYBE, SURELY = "forse_gia_trattato", "gia_trattato"
"""Why a message waits: another machine may have dealt with it after the backup; it lies in one of our folders."""
ROOM = 10_000
"""At least so many numbers are left free for cases, messages and dispatches of the time after the backup."""
_UNSENT = (DispatchState.PENDING, DispatchState.SUBMITTING)
_SURE_TO_BE_OVER = (MessageState.RECEIVED, MessageState.HELD)


def is_restored(tx: Transaction) -> bool:
    """Whether the record was made from a backup and nobody has said yet that it may go on as before."""
    return tx.execute(sa.select(switches.c.value).where(switches.c.name == RESTORED)).scalar() == "on"


def calm_down(tx: Transaction, person: Actor, made_at: datetime) -> None:
    """Everything that keeps a restored record from doing again what was done; in the restoration's own transaction."""
    _void_leases(tx)
    _end_unsent(tx)
    _hold_what_was_under_way(tx)
    _leave_room(tx)
    tx.execute(sa.update(mailboxes).values(marker="", marker_next="", reconciled_at=None, refused_at=None))
    tx.execute(sa.update(mailboxes).values(restored_at=tx.now, restored_uid_validity=None, restored_below=None))
    _switch(tx, "on")
    text = (
        f"This record was made from a backup of {made_at:%Y-%m-%d %H:%M} UTC. No project forwards by itself, and no "
        "acknowledgement leaves, until 'triage restore --done'. See docs/decisions/0026-backups.md."
    )
    open_incident(tx, RESTORED, "record", text)
    note_act(tx, person, "restored", "record", 0, {"made_at": f"{made_at:%Y-%m-%dT%H:%MZ}"})


def go_on(tx: Transaction, person: Actor) -> bool:
    """Somebody has looked at what waits: modes hold again; whether the record was still restored."""
    if not is_restored(tx):
        return False
    _switch(tx, "off")
    close_incident(tx, RESTORED, "record")
    note_act(tx, person, "restoration_done", "record")
    return True


def _switch(tx: Transaction, value: str) -> None:
    values = {"value": value, "changed_at": tx.now, "changed_by": tx.actor[:64]}
    statement = tx.insert(switches).values(name=RESTORED, **values)
    tx.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))


def _void_leases(tx: Transaction) -> None:
    for table in (messages, dispatches, mailboxes, staff_notices):
        nobody = {"lease_owner": None, "lease_until": None, "lease_epoch": table.c.lease_epoch + 1}
        tx.execute(sa.update(table).where(table.c.lease_owner.is_not(None)).values(nobody))


def _end_unsent(tx: Transaction) -> None:
    """Whether it left nobody knows: it is not sent again by itself. A call to staff is: rather one too many."""
    tx.execute(
        sa.update(attempts).where(attempts.c.ended_at.is_(None)).values(ended_at=tx.now, outcome=AttemptOutcome.UNKNOWN)
    )
    query = sa.select(dispatches.c.id, dispatches.c.kind, dispatches.c.state).where(dispatches.c.state.in_(_UNSENT))
    waiting = tx.execute(query.order_by(dispatches.c.id)).all()
    calls = [row for row in waiting if row.kind == DispatchKind.NOTICE]
    others = [row for row in waiting if row.kind != DispatchKind.NOTICE]
    for table_rows, values in (
        (calls, {"state": DispatchState.PENDING, "due_at": tx.now}),
        (others, {"state": DispatchState.UNKNOWN, "ended_at": tx.now, "unknowns": dispatches.c.unknowns + 1}),
    ):
        for row in table_rows:
            tx.execute(sa.update(dispatches).where(dispatches.c.id == row.id).values(values))
        changed = [row for row in table_rows if row.state != values["state"]]
        state = str(values["state"])
        write_changes(tx, [Change("dispatch", row.id, "restored", row.state, state) for row in changed])


def _hold_what_was_under_way(tx: Transaction) -> None:
    under_way = sa.and_(messages.c.state == MessageState.DECIDED, messages.c.file_step == "")
    keys = list(tx.execute(sa.select(messages.c.id).where(under_way).order_by(messages.c.id)).scalars())
    tx.execute(sa.update(messages).where(under_way).values(state=MessageState.HELD, hold_reason=MAYBE))
    states = MessageState.DECIDED, MessageState.HELD
    write_changes(tx, [Change("message", key, "held", *states, {"reason": MAYBE}) for key in keys])


# --------------------------------------------------------------------------- numbers that may have been given


def _leave_room(tx: Transaction) -> None:
    """One row of each kind with a number far above those in use; the next are counted on from there.

    Families, projects and servers quote the numbers of cases and dispatches, with a proof made of this record's secret;
    links in calls to staff name messages. After the backup the lost record went on to give numbers.
    """
    box = tx.execute(sa.select(sa.func.min(mailboxes.c.id))).scalar()
    if box is None:
        return
    case, message, dispatch = (_above(tx, table) for table in (cases, messages, dispatches))
    tx.execute(sa.insert(cases).values(id=case, opened_at=tx.now))
    nowhere = {
        "mailbox_id": box,
        "uid_validity": 0,
        "location_uid_validity": 0,
        "uid": message,
        "location_uid": message,
    }
    times = dict.fromkeys(("listed_at", "due_at", "present_at", "gone_at"), tx.now)
    tx.execute(
        sa.insert(messages).values(id=message, state=MessageState.BASELINE, size=0, case_id=case, **nowhere, **times)
    )
    tx.execute(sa.insert(decisions).values(**_no_decision(tx, message)))
    tx.execute(sa.insert(dispatches).values(**_no_dispatch(tx, dispatch, message, case)))
    write_changes(
        tx,
        [
            Change("message", message, "listed", "", MessageState.BASELINE),
            Change(
                "dispatch", dispatch, "unsent", DispatchState.PENDING, DispatchState.CANCELLED, {"reason": RESTORED}
            ),
        ],
    )


def _above(tx: Transaction, table: sa.Table) -> int:
    highest: int = tx.execute(sa.select(sa.func.max(table.c.id))).scalar() or 0
    return highest + max(ROOM, highest)


def _no_decision(tx: Transaction, message: int) -> dict[str, object]:
    empty = ("destination", "territory", "topic", "language", "project", "address_key", "forward_path")
    return {
        **dict.fromkeys((*empty, "rules_version", "model_version"), ""),
        **dict.fromkeys(("urgent", "automatic", "acknowledge"), False),
        "message_id": message,
        "generation": 0,
        "action": "trattieni",
        "confidence": 0.0,
        "rules_tried": [],
        "reasons": [],
        "decided_at": tx.now,
        "decided_by": tx.actor[:64],
    }


def _no_dispatch(tx: Transaction, key: int, message: int, case: int) -> dict[str, object]:
    return {
        **dict.fromkeys(("project", "address_key", "forward_path", "recipient_key"), ""),
        "id": key,
        "message_id": message,
        "generation": 0,
        "case_id": case,
        "kind": DispatchKind.NOTICE,
        "state": DispatchState.CANCELLED,
        "priority": 9,
        "rfc_message_id": f"<{RESTORED}.{key}@localhost.invalid>",
        "created_at": tx.now,
        "due_at": tx.now,
        "ended_at": tx.now,
    }


# --------------------------------------------------------------------------- what another machine may have dealt with


def may_be_dealt_with(row: MessageRow, mailbox: MailboxRow) -> bool:
    """Whether a message may have been dealt with after the backup, by a machine of which this record knows nothing."""
    if mailbox.restored_at is None:
        return False
    lay_there = row.uid_validity == mailbox.restored_uid_validity and row.uid < (mailbox.restored_below or 0)
    return lay_there or row.listed_at < mailbox.restored_at


def wants_comparison(mailbox: MailboxRow) -> bool:
    """Whether our folders in this mailbox are still to be looked through."""
    return mailbox.restored_at is not None and mailbox.restored_below is None


def note_compared(tx: Transaction, mailbox: MailboxRow, uid_validity: int, uid_next: int) -> None:
    """Our folders were looked through; what lies in the inbox below ``uid_next`` waits for a person."""
    update_mailbox(tx, mailbox, restored_uid_validity=uid_validity, restored_below=uid_next)
    write_changes(tx, [Change("mailbox", mailbox.id, "restored_seen", params={"uid_next": uid_next})])


def unfinished_since(tx: Transaction, mailbox: MailboxRow) -> datetime:
    """From when on mail may have been filed that this record does not know as filed."""
    open_states = ("listed", "received", "decided", "forwarded", "held", "quarantined")
    query = sa.select(messages.c.internal_date, messages.c.listed_at).where(
        messages.c.mailbox_id == mailbox.id, messages.c.state.in_(open_states)
    )
    times: list[datetime] = [arrived or listed for arrived, listed in tx.execute(query)]
    return min([mailbox.last_read_at or tx.now, *times]) - timedelta(days=1)


def record_filed_elsewhere(
    tx: Transaction, mailbox: MailboxRow, folder: str, uid_validity: int, found: Sequence[tuple[int, str, str | None]]
) -> int:
    """Mail of one of our folders (UID, SHA-256, keyed Message-ID): what waits of it is over; how many were unknown."""
    known: dict[str, list[MessageRow]] = {}
    for row in same_octets(tx, [digest for _, digest, _ in found]):
        if row.mailbox_id == mailbox.id:
            known.setdefault(row.sha256 or "", []).append(row)
    # Once each, though two copies of it lie there.
    named = {row.id: row for _, digest, _ in found for row in known.get(digest, [])}
    over = [row for row in named.values() if row.state in _SURE_TO_BE_OVER]
    for row in over:
        statement = sa.update(messages).where(messages.c.id == row.id, messages.c.state == row.state)
        tx.execute(statement.values(state=MessageState.HELD, hold_reason=SURELY))
    held = MessageState.HELD
    write_changes(tx, [Change("message", r.id, "filed_elsewhere", r.state, held, {"reason": SURELY}) for r in over])
    unknown = [
        {"mailbox_id": mailbox.id, "folder": folder, "uid_validity": uid_validity, "uid": uid}
        | {"sha256": digest, "message_id_key": key, "found_at": tx.now}
        for uid, digest, key in found
        if digest not in known
    ]
    if unknown:
        tx.execute(tx.insert(filed_elsewhere).on_conflict_do_nothing(), unknown)
    return len(unknown)


def lies_in_our_folders(tx: Transaction, digests: Sequence[str], message_id_keys: Sequence[str]) -> set[str]:
    """Of these digests and keyed Message-IDs those of mail that was filed after the backup."""
    found: set[str] = set()
    for column, wanted in ((filed_elsewhere.c.sha256, digests), (filed_elsewhere.c.message_id_key, message_id_keys)):
        found.update(key for key in tx.execute(sa.select(column).where(column.in_(list(wanted)))).scalars() if key)
    return found
