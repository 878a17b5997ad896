"""Records in which something is under way, and what is asked of those made from their backups."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.record.builders import (
    a_mailbox,
    begin,
    claim,
    decided,
    held,
    lease_next,
    receive,
    received,
    send_all,
    settle,
)
from tests.servers.mail import make_mail
from triage.acts.people import Person, Role
from triage.backup import make_backup, restore_backup
from triage.record import Store
from triage.record.heartbeats import note_beats
from triage.record.ledger import compute_ledger
from triage.record.snapshot import rows, tables
from triage.record.staff_acts import note_act

ANNA = Person(None, "anna.rossi", "Anna Rossi", Role.ADMINISTRATOR)


def make_busy(store: Store) -> Store:
    """A record in which something of every kind is under way."""
    with store.write("act") as tx:
        note_act(tx, ANNA, "start", "service")
        note_beats(tx, "here", {"decide": 1.0})
    decided(store)
    send_all(store)  # forwarded
    decided(store)
    begin(store, lease_next(store, limit=1))  # on the wire
    decided(store)  # its forward and its acknowledgement wait
    mailbox = a_mailbox(store)
    receive(store, mailbox, [make_mail("È già lunga.\n" * 200_000)])
    settle(store, [held(claim(store)[0])])
    received(store, 1)
    claim(store)  # somebody decides about it
    return store


def everything(store: Store) -> dict[str, list[list[Any]]]:
    with store.read("look", long=True) as tx:
        return {table: list(rows(tx, table)) for table in tables()}


def ledger_of(store: Store) -> tuple[str, ...]:
    with store.read("ledger") as tx:
        return compute_ledger(tx).differences


def restored(busy: Store, other: Store, folder: Path) -> Store:
    make_backup(busy, folder / "b.backup", "cli:test")
    restore_backup(other, folder / "b.backup", ANNA)
    return other
