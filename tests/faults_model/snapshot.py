"""The record as it is now, and whether what changed since the last look is accounted for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from triage.record import Transaction
from triage.record.ledger import compute_ledger
from triage.record.staff_acts import verify_acts
from triage.record.tables import attempts, audit, dispatches, mailboxes, messages

Row = sa.RowMapping
Step = tuple[str, str]
"""A change of state, from and to."""
Subject = tuple[str, int]
"""``message`` or ``dispatch``, and its number."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Messages, dispatches and attempts in their order, and the last audit row that there was."""

    messages: Mapping[int, Row]
    sends: Mapping[int, Row]
    tries: Mapping[int, Sequence[Row]]
    boxes: Mapping[int, Row]
    last_change: int

    @property
    def states(self) -> dict[Subject, str]:
        found = {("message", key): str(row["state"]) for key, row in self.messages.items()}
        return found | {("dispatch", key): str(row["state"]) for key, row in self.sends.items()}

    def sends_of(self, message_id: int) -> list[Row]:
        return [row for row in self.sends.values() if row["message_id"] == message_id]


NOTHING = Snapshot({}, {}, {}, {}, 0)


def take_snapshot(tx: Transaction) -> Snapshot:
    """Look at everything."""
    tries: dict[int, list[Row]] = defaultdict(list)
    for row in tx.execute(sa.select(attempts).order_by(attempts.c.dispatch_id, attempts.c.number)).mappings():
        tries[row["dispatch_id"]].append(row)
    return Snapshot(
        messages={row["id"]: row for row in tx.execute(sa.select(messages).order_by(messages.c.id)).mappings()},
        sends={row["id"]: row for row in tx.execute(sa.select(dispatches).order_by(dispatches.c.id)).mappings()},
        tries=tries,
        boxes={row["id"]: row for row in tx.execute(sa.select(mailboxes)).mappings()},
        last_change=tx.execute(sa.select(sa.func.coalesce(sa.func.max(audit.c.id), 0))).scalar_one(),
    )


def assert_closes(tx: Transaction) -> None:
    """The record's own ledger closes, and nobody's act was tampered with."""
    assert compute_ledger(tx).differences == ()
    assert verify_acts(tx) == ()


def assert_explained(tx: Transaction, before: Snapshot, after: Snapshot) -> list[tuple[str, Step]]:
    """Each state is where its audit rows lead from where it was; each such row is about one. What changed, in order."""
    query = (
        sa.select(audit).where(audit.c.id > before.last_change, audit.c.id <= after.last_change).order_by(audit.c.id)
    )
    changes: dict[Subject, list[Step]] = defaultdict(list)
    seen = []
    for row in tx.execute(query.where(audit.c.to_state != "")):
        changes[row.subject, row.subject_id].append((row.from_state, row.to_state))
        seen.append((row.subject, (row.from_state, row.to_state)))
    was, now = before.states, after.states
    assert set(was) <= set(now), "a row is gone"
    assert set(changes) <= set(now), "a change of nothing"
    for subject, state in now.items():
        reached = was.get(subject, "pending" if subject[0] == "dispatch" else "")
        for from_state, to_state in changes.get(subject, []):
            assert from_state == reached, f"{subject}: goes on from {from_state}, was {reached}"
            reached = to_state
        assert reached == state, f"{subject} is {state}, its audit rows lead to {reached}"
    return seen
