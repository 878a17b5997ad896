"""Who has a message in hand, and the calls that go on until somebody has.

An alert is raised in the transaction that decides the message. From then on its row says when the next step of
the schedule falls due (``triage.notices`` knows the steps); it is over when a person takes the message in charge,
sends it on, or moves it out of the inbox. Projects say the same of a case by the link in their forward.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from triage.record.audit import Change, write_changes
from triage.record.incidents import NOTICE, close_incident, open_incident
from triage.record.store import Transaction
from triage.record.tables import in_charge, project_charges

UNANSWERED = "unanswered"
"""Every contact there is was called and nobody took the message in charge; the subject is the message."""


@dataclass(frozen=True, slots=True)
class Charge:
    """One message's alert, if there was one, and who has the message in hand, if anybody has."""

    message_id: int
    raised_at: datetime | None
    base_at: datetime | None
    step: int
    due_at: datetime | None
    refused: bool
    taken_at: datetime | None
    taken_by: str

    @property
    def waits(self) -> bool:
        """Whether somebody was called, and nobody has the message in hand yet."""
        return self.raised_at is not None and self.taken_at is None


_COLUMNS = [in_charge.c[name] for name in Charge.__slots__]


def charges_of(tx: Transaction, message_ids: Sequence[int]) -> Mapping[int, Charge]:
    """What is known of these messages; nothing for those that nobody was called for and nobody has taken."""
    query = sa.select(*_COLUMNS).where(in_charge.c.message_id.in_(list(message_ids)))
    return {row["message_id"]: Charge(**row) for row in tx.execute(query).mappings()}


def raise_alerts(tx: Transaction, message_ids: Sequence[int]) -> None:
    """Somebody must look now. A message that was decided again keeps its alert and who has it in hand."""
    if message_ids:
        rows = [{"message_id": key, "raised_at": tx.now, "base_at": tx.now, "due_at": tx.now} for key in message_ids]
        defaults = {"step": 0, "refused": False, "taken_by": ""}
        tx.execute(tx.insert(in_charge).on_conflict_do_nothing(), [row | defaults for row in rows])


def take_in_charge(tx: Transaction, message_id: int, by: str) -> Charge | None:
    """A person has the message in hand: no more calls. ``None``; or who had taken it before.

    The first to take it keeps it: two colleagues see who was faster.
    """
    known = charges_of(tx, [message_id]).get(message_id)
    if known is not None and known.taken_at is not None:
        return known
    values = {"taken_at": tx.now, "taken_by": by[:64], "due_at": None}
    statement = tx.insert(in_charge).values(message_id=message_id, step=0, refused=False, **values)
    taken = tx.execute(
        statement.on_conflict_do_update(
            index_elements=["message_id"], set_=values, where=in_charge.c.taken_at.is_(None)
        ).returning(in_charge.c.message_id)
    ).first()
    if taken is None:
        return charges_of(tx, [message_id])[message_id]
    write_changes(tx, [Change("message", message_id, "taken_in_charge", params={"by": by[:64]})])
    _told_enough(tx, message_id)
    return None


def give_up_charge(tx: Transaction, message_id: int, taken_at: datetime) -> None:
    """What was taken in hand at this instant with an act is in nobody's hand: the act was undone.

    If somebody had been called about it, the next step of the calls is due.
    """
    known = charges_of(tx, [message_id]).get(message_id)
    if known is None or known.taken_at != taken_at:
        return
    due = tx.now if known.raised_at is not None else None
    statement = sa.update(in_charge).where(in_charge.c.message_id == message_id)
    tx.execute(statement.values(taken_at=None, taken_by="", due_at=due))
    write_changes(tx, [Change("message", message_id, "given_up_charge")])


def end_alert(tx: Transaction, message_id: int, reason: str) -> None:
    """Nobody need be called any more, although nobody said so: it was moved away, or it is being sent."""
    tx.execute(sa.update(in_charge).where(in_charge.c.message_id == message_id).values(due_at=None))
    write_changes(tx, [Change("message", message_id, "alert_over", params={"reason": reason})])
    _told_enough(tx, message_id)


def _told_enough(tx: Transaction, message_id: int) -> None:
    close_incident(tx, NOTICE, str(message_id))
    close_incident(tx, UNANSWERED, str(message_id))


# --------------------------------------------------------------------------- the schedule


def any_alert_due(tx: Transaction) -> bool:
    """Whether a step is due; a look that costs no write."""
    return tx.execute(sa.select(in_charge.c.message_id).where(_due(tx)).limit(1)).first() is not None


def due_alerts(tx: Transaction, limit: int) -> list[Charge]:
    """Alerts whose next step is due, locked: no other worker plans it."""
    query = sa.select(*_COLUMNS).where(_due(tx)).order_by(in_charge.c.due_at).limit(limit)
    return [Charge(**row) for row in tx.execute(query.with_for_update(skip_locked=True)).mappings()]


def _due(tx: Transaction) -> sa.ColumnElement[bool]:
    return sa.and_(in_charge.c.taken_at.is_(None), in_charge.c.due_at <= tx.now)


def next_step(tx: Transaction, charge: Charge, step: int, base_at: datetime, due_at: datetime | None) -> None:
    """Steps before ``step`` are planned; ``None``: it was the last one."""
    tx.execute(
        sa.update(in_charge)
        .where(in_charge.c.message_id == charge.message_id)
        .values(step=step, base_at=base_at, due_at=due_at, refused=False)
    )
    if due_at is None:
        how = "every contact was called" if step else "nobody was called, since urgent.on_call names nobody"
        text = f"nobody has taken message {charge.message_id} in charge: {how}. 'triage take' ends this"
        open_incident(tx, UNANSWERED, str(charge.message_id), text)


def note_refused_call(tx: Transaction, message_id: int) -> None:
    """A contact cannot be reached: whoever comes next is called without waiting for the pauses."""
    tx.execute(
        sa.update(in_charge)
        .where(in_charge.c.message_id == message_id, in_charge.c.taken_at.is_(None), in_charge.c.due_at.is_not(None))
        .values(refused=True, due_at=tx.now)
    )


# --------------------------------------------------------------------------- projects


def note_taken_in_charge(tx: Transaction, case_id: int, project: str) -> bool:
    """A project has said that it has this case in hand; whether it had not said so before."""
    statement = tx.insert(project_charges).values(case_id=case_id, project=project, taken_at=tx.now)
    fresh = tx.execute(statement.on_conflict_do_nothing()).rowcount > 0
    if fresh:
        write_changes(tx, [Change("case", case_id, "taken_by_project", params={"project": project})])
    return fresh
