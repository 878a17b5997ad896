"""Signs of life that outlast the process: when each loop of each worker was last known to be well.

A worker writes its own rows about once a minute, all in one commit, and takes them away when it ends on purpose. What
stays behind is what died.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from triage.record.store import Transaction
from triage.record.tables import heartbeats

READER = "reader "
"""How the loop of a mailbox's reader begins; the mailbox's name follows."""
REMEMBERED = timedelta(days=1)
"""How long a worker that died is spoken of while others work: its machine may have been taken out of service."""


@dataclass(frozen=True, slots=True)
class Beat:
    """One loop of one worker; ``place`` is the worker's name, the same after a restart."""

    place: str
    loop: str
    at: datetime


def note_beats(tx: Transaction, place: str, ages: Mapping[str, float | None]) -> None:
    """Write how many seconds ago each loop of this worker was well; one that fails (``None``) keeps its last time."""
    mine = heartbeats.c.place == place
    tx.execute(sa.delete(heartbeats).where(mine, heartbeats.c.loop.not_in(list(ages))))
    well = [
        {"place": place, "loop": loop, "at": tx.now - timedelta(seconds=age)}
        for loop, age in ages.items()
        if age is not None
    ]
    ill = [{"place": place, "loop": loop, "at": tx.now} for loop, age in ages.items() if age is None]
    if well:
        statement = tx.insert(heartbeats)
        tx.execute(
            statement.on_conflict_do_update(index_elements=["place", "loop"], set_={"at": statement.excluded.at}), well
        )
        # Only then: while nobody is well, what everybody last said is kept.
        gone = sa.and_(heartbeats.c.place != place, heartbeats.c.at < tx.now - REMEMBERED)
        tx.execute(sa.delete(heartbeats).where(gone))
    if ill:
        # Seen for the first time: its silence counts from now.
        tx.execute(tx.insert(heartbeats).on_conflict_do_nothing(), ill)


def forget_beats(tx: Transaction, place: str) -> None:
    """This worker has ended on purpose."""
    tx.execute(sa.delete(heartbeats).where(heartbeats.c.place == place))


def all_beats(tx: Transaction) -> list[Beat]:
    """Every loop of every worker that did not end on purpose."""
    query = sa.select(heartbeats.c.place, heartbeats.c.loop, heartbeats.c.at)
    return [Beat(*row) for row in tx.execute(query.order_by(heartbeats.c.place, heartbeats.c.loop))]
