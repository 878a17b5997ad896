"""The ledger's equations about what people did: every act has its settlement, and every settlement its end.

They can fail: acts are counted in three places (settlements, audit, the sealed record), a settled message must be in a
state that its exit can lead to, what staff wrote must have left before its message was filed, and no recall stands
without its row of the register.
"""

from __future__ import annotations

import sqlalchemy as sa

from triage.record.people_tables import staff_acts
from triage.record.settlements import ENDS, SENDS_ON, SETTLED, UNDONE, Exit
from triage.record.tables import audit, decisions, dispatches, messages, misroutes, settlements, staff_texts
from triage.vocabulary import WRITTEN_BY_STAFF, DispatchKind, DispatchState, MessageState

_AFTER_ENDING = (
    *(MessageState.DECIDED, MessageState.FILED, MessageState.CLOSED),
    *(MessageState.HELD, MessageState.MATCHED, MessageState.ERASED),
)
_AFTER_SENDING = (*_AFTER_ENDING, MessageState.FORWARDED)


def checks_of_settlements() -> dict[str, sa.Select[int]]:
    """One query each; all are 0 in a record that closes."""
    count = sa.func.count()
    live = sa.select(count).select_from(settlements.join(messages, messages.c.id == settlements.c.message_id))
    live = live.where(settlements.c.undone_at.is_(None), settlements.c.generation == messages.c.generation)
    decided = sa.select(decisions.c.message_id).where(
        decisions.c.message_id == settlements.c.message_id, decisions.c.generation == settlements.c.generation
    )
    answered = sa.select(dispatches.c.id).where(
        dispatches.c.message_id == messages.c.id,
        dispatches.c.generation == settlements.c.generation,
        dispatches.c.kind.in_(sorted(WRITTEN_BY_STAFF)),
        # Returned: it had left, and the report has opened the message again; a person may have closed it since.
        dispatches.c.state.in_((DispatchState.ACCEPTED, DispatchState.RETURNED)),
    )
    written = sa.select(staff_texts.c.message_id).where(
        staff_texts.c.message_id == settlements.c.message_id, staff_texts.c.generation == settlements.c.generation
    )
    added = sa.select(dispatches.c.id).where(
        dispatches.c.message_id == settlements.c.message_id,
        dispatches.c.generation == settlements.c.generation,
        dispatches.c.kind == DispatchKind.FORWARD,
        dispatches.c.project == settlements.c.project,
    )
    recalls = sa.select(misroutes.c.recall_dispatch_id).where(misroutes.c.recall_dispatch_id.is_not(None))
    return {
        "settlements of a generation that has no decision": sa.select(count)
        .select_from(settlements)
        # What was never decided about has no generation: it stays in the mailbox.
        .where(~decided.exists(), settlements.c.generation > 0),
        "messages whose settlements are not those of the audit": _unlike("settled", settlements.c.id.is_not(None)),
        "messages whose undone settlements are not those of the audit": _unlike(
            "undone", settlements.c.undone_at.is_not(None)
        ),
        "settlements that the sealed record does not know as they are": _unsealed(),
        "messages that a person ended and that are still under way": live.where(
            settlements.c.exit.in_(sorted(ENDS)), messages.c.state.not_in(_AFTER_ENDING)
        ),
        "messages that a person sent on and that are nowhere": live.where(
            settlements.c.exit.in_(sorted(SENDS_ON | {Exit.ALSO})), messages.c.state.not_in(_AFTER_SENDING)
        ),
        "messages sent to a further centre without a forward to it": live.where(
            settlements.c.exit == Exit.ALSO, ~added.exists()
        ),
        "messages filed as answered whose answer has not left": live.where(
            messages.c.state == MessageState.FILED, written.exists(), ~answered.exists()
        ),
        "recalls that the register of misroutes does not know": sa.select(count)
        .select_from(dispatches)
        .where(dispatches.c.kind == DispatchKind.RECALL, dispatches.c.id.not_in(recalls)),
    }


def _unlike(event: str, which: sa.ColumnElement[bool]) -> sa.Select[int]:
    """Messages for which the number of such settlements is not the number of such audit rows."""
    acts = (
        sa.select(settlements.c.message_id.label("key"), sa.func.count().label("times"))
        .where(which)
        .group_by(settlements.c.message_id)
        .subquery()
    )
    rows = (
        sa.select(audit.c.subject_id.label("key"), sa.func.count().label("times"))
        .where(audit.c.subject == "message", audit.c.event == event)
        .group_by(audit.c.subject_id)
        .subquery()
    )
    both = acts.join(rows, acts.c.key == rows.c.key, full=True)
    different = sa.func.coalesce(acts.c.times, 0) != sa.func.coalesce(rows.c.times, 0)
    return sa.select(sa.func.count()).select_from(both).where(different)


def _unsealed() -> sa.Select[int]:
    """How far the counts of settlements and of undone ones are from those of the sealed record."""

    def difference(act: str, which: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        sealed = sa.select(sa.func.count()).select_from(staff_acts).where(staff_acts.c.act == act).scalar_subquery()
        known = sa.select(sa.func.count()).select_from(settlements).where(which).scalar_subquery()
        return sa.func.abs(sealed - known)

    return sa.select(
        difference(SETTLED, settlements.c.id.is_not(None)) + difference(UNDONE, settlements.c.undone_at.is_not(None))
    )
