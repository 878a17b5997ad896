"""Waiting messages that were looked at again, and would be decided otherwise today: marked, and nothing more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from triage.record.exceptions import resting_exceptions
from triage.record.messages import COLUMNS, MessageRow, row_of
from triage.record.store import Transaction
from triage.record.tables import messages, rescored, switches
from triage.vocabulary import MessageState

_WANTED, _DONE = "rescore_wanted", "rescore_done"


@dataclass(frozen=True, slots=True)
class Rescored:
    """What the service would answer today; ``why``: ``regole``, ``modello``, ``eccezione``."""

    message_id: int
    at: datetime
    generation: int
    destination: str
    project: str
    territory: str
    topic: str
    why: str


def want_rescoring(tx: Transaction) -> None:
    """Something was taught: the waiting messages are to be looked at again."""
    _write(tx, _WANTED, str(int(_read(tx, _WANTED) or 0) + 1))


def rescoring_key(tx: Transaction, rules_version: str, model_version: str) -> str:
    """What the waiting messages would be looked at with now: rules, model, what was taught, how much of it rests."""
    return f"{rules_version} {model_version} {_read(tx, _WANTED) or 0} {len(resting_exceptions(tx))}"


def rescored_with(tx: Transaction) -> str:
    """What they were last looked at with; empty: never."""
    return _read(tx, _DONE)


def note_rescored_with(tx: Transaction, key: str) -> None:
    """All of them were looked at with this."""
    _write(tx, _DONE, key)


def waiting_after(tx: Transaction, message_id: int, limit: int) -> list[MessageRow]:
    """The next messages that wait for a person, in order of their numbers."""
    query = sa.select(*COLUMNS).where(messages.c.state == MessageState.HELD, messages.c.id > message_id)
    return [row_of(row) for row in tx.execute(query.order_by(messages.c.id).limit(limit)).mappings()]


def mark(tx: Transaction, looked_at: Sequence[int], changed: Sequence[Rescored]) -> None:
    """Of those that were looked at only ``changed`` are marked from now on."""
    tx.execute(sa.delete(rescored).where(rescored.c.message_id.in_(list(looked_at))))
    if changed:
        rows = [{name: getattr(one, name) for name in Rescored.__slots__} for one in changed]
        tx.execute(tx.insert(rescored).on_conflict_do_nothing(), rows)


def _read(tx: Transaction, name: str) -> str:
    found = tx.execute(sa.select(switches.c.value).where(switches.c.name == name)).scalar()
    return str(found or "")


def _write(tx: Transaction, name: str, value: str) -> None:
    values = {"value": value, "changed_at": tx.now, "changed_by": tx.actor[:64]}
    statement = tx.insert(switches).values(name=name, **values)
    tx.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))
