"""The record's own keys: made once a key file is given, opened by it, followed by a new one when asked.

What people write and families send is locked by a *data key*; each lies in the record, locked itself by the
administrator's key (``triage.keyfile``). So another administrator's key takes one transaction over a few rows, whatever
the record's size. Data keys of before stay for ever: a worker that has not met the newest yet still locks by them.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV

from triage.keyfile import OCTETS, MasterKey
from triage.record.audit import Change, write_changes
from triage.record.encrypted import MARK, Ring
from triage.record.store import KeyMissingError, Store, Transaction
from triage.record.tables import data_keys, dispatches, identity, octet_chunks, workers

DATA, ADDRESSES = "data", "addresses"
SIV_OCTETS = 64
_AT_ONCE = 500


class WorkersAliveError(Exception):
    """Workers share the record that know nothing of keys yet: what they wrote would be in clear."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(", ".join(names))


@dataclass(frozen=True, slots=True)
class DataKey:
    """What is known of one without opening it."""

    id: int
    purpose: str
    locked_by: str


def turn_on(store: Store) -> bool:
    """Lock the record from now on, where a key is given and it was not locked before; whether that was done now.

    Raises :class:`WorkersAliveError`. What lies there in clear stays readable and is locked by
    :mod:`triage.record.locking`; only what is compared is locked at once.
    """
    store.open_keys()
    if not store.keys or store.ring.newest:
        return False
    with store.write("make keys") as tx:
        made = _make_first(tx, store.keys[0])
        if made:
            _lock_what_is_compared(tx, store.ring, store.keys)
    if not made:  # another process was first
        store.open_keys(anew=True)
    return made


def open_ring(ring: Ring, connection: sa.Connection, keys: Sequence[MasterKey]) -> None:
    """Fill the ring with the record's keys; a record of an earlier form has none. Raises :class:`KeyMissingError`."""
    rows = connection.execute(sa.select(data_keys)).all() if sa.inspect(connection).has_table("data_keys") else []
    by_id = {key.id: key for key in keys}
    opened: dict[int, AESGCM] = {}
    addresses = None
    for row in rows:
        master = by_id.get(row.locked_by)
        if master is None:
            raise KeyMissingError(row.locked_by)
        try:
            octets = master.open(bytes(row.locked), _about(row.id, row.purpose))
        except InvalidTag:
            raise KeyMissingError(row.locked_by) from None
        if row.purpose == ADDRESSES:
            addresses = AESSIV(octets)
        else:
            opened[row.id] = AESGCM(octets)
    ring.data, ring.addresses, ring.newest = opened, addresses, max(opened, default=0)
    ring.stale = False


def keys_of_record(tx: Transaction) -> list[DataKey]:
    """The record's keys, the oldest first."""
    query = sa.select(data_keys.c.id, data_keys.c.purpose, data_keys.c.locked_by).order_by(data_keys.c.id)
    return [DataKey(*row) for row in tx.execute(query)]


def _make_first(tx: Transaction, master: MasterKey) -> bool:
    """The record's first keys, where it has none; whether they were made. Other workers must have ended."""
    if tx.skips_locked:
        # A worker and a page may start at once: the second waits here and finds them made.
        tx.execute(sa.select(sa.func.pg_advisory_xact_lock(7216)))
    if keys_of_record(tx):
        return False
    alive = tx.execute(sa.select(workers.c.name).where(workers.c.until > tx.now)).scalars().all()
    if alive:
        raise WorkersAliveError(alive)
    _keep(tx, 1, DATA, secrets.token_bytes(OCTETS), master)
    _keep(tx, 2, ADDRESSES, secrets.token_bytes(SIV_OCTETS), master)
    write_changes(tx, [Change("keys", 1, "keys_made", params={"locked_by": master.id})])
    return True


def _lock_what_is_compared(tx: Transaction, ring: Ring, keys: Sequence[MasterKey]) -> None:
    """In the transaction that made the first keys: what must not stay in clear beside locked values of its column.

    Those are addresses (a unique index compares them), the record's secret (else whoever has the record finds
    every address by its hash), and octets that happen to look locked.
    """
    open_ring(ring, tx.connection, keys)
    try:
        for name, value in tx.execute(sa.select(identity.c.name, sa.type_coerce(identity.c.value, sa.Text))).all():
            tx.execute(sa.update(identity).where(identity.c.name == name).values(value=value))
        _lock_addresses(tx)
        _lock_lookalikes(tx)
    except BaseException:
        # Nothing of it is in the record then.
        ring.data, ring.addresses, ring.newest, ring.stale = {}, None, 0, True
        raise


def follow(tx: Transaction, keys: Sequence[MasterKey], ring: Ring) -> int:
    """All data keys are locked by the first of ``keys`` from now on, and a new one locks what comes; its number.

    Values that older data keys locked stay as they are (:mod:`triage.record.locking` locks them anew).
    """
    by_id = {key.id: key for key in keys}
    rows = tx.execute(sa.select(data_keys).order_by(data_keys.c.id).with_for_update()).all()
    for row in rows:
        about = _about(row.id, row.purpose)
        master = by_id.get(row.locked_by)
        if master is None:
            raise KeyMissingError(row.locked_by)
        locked = keys[0].lock(master.open(bytes(row.locked), about), about)
        tx.execute(sa.update(data_keys).where(data_keys.c.id == row.id).values(locked=locked, locked_by=keys[0].id))
    number: int = max(row.id for row in rows) + 1
    _keep(tx, number, DATA, secrets.token_bytes(OCTETS), keys[0])
    write_changes(tx, [Change("keys", number, "key_followed", params={"locked_by": keys[0].id})])
    ring.stale = True
    return number


def _keep(tx: Transaction, number: int, purpose: str, octets: bytes, master: MasterKey) -> None:
    locked = master.lock(octets, _about(number, purpose))
    values = {"id": number, "purpose": purpose, "locked": locked, "locked_by": master.id, "made_at": tx.now}
    tx.execute(sa.insert(data_keys).values(values))


def _about(number: int, purpose: str) -> str:
    return f"triage data key {number} {purpose}"


def _lock_addresses(tx: Transaction) -> None:
    last = 0
    while True:
        query = sa.select(dispatches.c.id, sa.type_coerce(dispatches.c.forward_path, sa.Text).label("clear"))
        query = query.where(dispatches.c.id > last).order_by(dispatches.c.id).limit(_AT_ONCE)
        rows = tx.execute(query).all()
        if not rows:
            return
        statement = sa.update(dispatches).where(dispatches.c.id == sa.bindparam("which"))
        changed = statement.values(forward_path=sa.bindparam("path", type_=dispatches.c.forward_path.type))
        tx.execute(changed, [{"which": row.id, "path": row.clear} for row in rows])
        last = rows[-1].id


def _lock_lookalikes(tx: Transaction) -> None:
    raw = sa.type_coerce(octet_chunks.c.data, sa.LargeBinary)
    query = sa.select(octet_chunks.c.sha256, octet_chunks.c.number, raw.label("clear"))
    for row in tx.execute(query.where(sa.func.substr(raw, 1, len(MARK)) == MARK)).all():
        mine = sa.and_(octet_chunks.c.sha256 == row.sha256, octet_chunks.c.number == row.number)
        tx.execute(sa.update(octet_chunks).where(mine).values(data=bytes(row.clear)))
