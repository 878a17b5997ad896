"""What people did, append-only and sealed: each row's seal is made over the row and the seal before it.

A row that was changed, put in, taken out or moved breaks the chain, and so does the last row's removal, because the
head of the chain is kept apart. The key is the record's own secret: the seal shows tampering with these rows by
somebody who does not know it, as through a database client or a mended backup; not by whoever holds the whole record
and reads this module. Rows hold codes and numbers, never mail.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import sqlalchemy as sa

from triage.record.audit import Param
from triage.record.identity import secret_if_known, secret_of
from triage.record.people_tables import staff_acts
from triage.record.store import Transaction
from triage.record.tables import identity

_HEAD = "staff_acts_head"
_NOTHING = "0:"


@dataclass(frozen=True, slots=True)
class Standing:
    """The chain up to one act: its number in the record, how many acts that makes, its seal."""

    act: int = 0
    count: int = 0
    seal: str = ""


BEGINNING = Standing()


class Actor(Protocol):
    """Who did it; ``id`` is ``None`` for whoever typed a command."""

    @property
    def id(self) -> int | None: ...
    @property
    def name(self) -> str: ...


def note_act(
    tx: Transaction,
    person: Actor,
    act: str,
    subject: str,
    subject_id: int = 0,
    params: Mapping[str, Param] | None = None,
) -> None:
    """Append one act in the transaction that does it: both are kept, or neither."""
    count, before = _lock_head(tx)
    row = {
        "at": tx.now,
        "person_id": person.id,
        "actor": person.name[:64],
        "act": act,
        "subject": subject,
        "subject_id": subject_id,
        "params": dict(params or {}),
    }
    mark = _seal(secret_of(tx), before, row)
    tx.execute(sa.insert(staff_acts).values(**row, seal=mark))
    tx.execute(sa.update(identity).where(identity.c.name == _HEAD).values(value=f"{count + 1}:{mark}"))


def verify_acts(tx: Transaction) -> tuple[str, ...]:
    """One sentence for each break of the chain; empty when every act stands as it was written. Reads every row."""
    return verify_acts_after(tx, BEGINNING)[0]


def verify_acts_after(tx: Transaction, known: Standing) -> tuple[tuple[str, ...], Standing]:
    """The same for the acts after one up to which the chain is known to be whole; also where it stands now."""
    head = tx.execute(sa.select(identity.c.value).where(identity.c.name == _HEAD)).scalar()
    counted, _, last = (head or _NOTHING).partition(":")
    act, number, before, broken = known.act, known.count, known.seal, []
    secret = secret_if_known(tx)
    query = sa.select(staff_acts).where(staff_acts.c.id > known.act).order_by(staff_acts.c.id)
    for row in tx.execute(query).mappings().yield_per(1000):
        act, number = row["id"], number + 1
        if not hmac.compare_digest(_seal(secret, before, row), row["seal"]):
            broken.append(f"the record of people's acts was tampered with at or before act {row['id']}")
        # Each break is told once: the next row is held against the seal that stands.
        before = row["seal"]
    if (str(number), before) != (counted, last):
        broken.append(f"the record of people's acts has {number} rows where {counted} were written, or another end")
    return tuple(broken), Standing(act, number, before)


def seal_of_act(tx: Transaction, act: int) -> str:
    """The seal that stands on an act; empty where there is no such act."""
    return tx.execute(sa.select(staff_acts.c.seal).where(staff_acts.c.id == act)).scalar() or ""


def acts_about(tx: Transaction, subject: str, subject_id: int) -> list[sa.RowMapping]:
    """What people did to one thing, oldest first."""
    query = sa.select(staff_acts).where(staff_acts.c.subject == subject, staff_acts.c.subject_id == subject_id)
    return list(tx.execute(query.order_by(staff_acts.c.id)).mappings())


def _lock_head(tx: Transaction) -> tuple[int, str]:
    """How many acts there are and the last seal; whoever appends next waits for this transaction's end."""
    tx.execute(tx.insert(identity).values(name=_HEAD, value=_NOTHING).on_conflict_do_nothing())
    query = sa.select(identity.c.value).where(identity.c.name == _HEAD).with_for_update()
    count, _, mark = str(tx.execute(query).scalar_one()).partition(":")
    # A spoiled head keeps nobody from acting: the chain begins anew, and that it does is a break that shows.
    return (int(count), mark) if count.isascii() and count.isdigit() else (0, "")


def _seal(secret: bytes, before: str, row: Mapping[str, object] | sa.RowMapping) -> str:
    names = ("person_id", "actor", "act", "subject", "subject_id", "params")
    written = json.dumps(
        [before, f"{row['at']:%Y-%m-%dT%H:%M:%S.%f}", *(row[name] for name in names)], sort_keys=True, ensure_ascii=True
    )
    return hmac.new(secret, f"staff act\0{written}".encode(), hashlib.sha256).hexdigest()
