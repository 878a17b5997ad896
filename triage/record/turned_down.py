"""Centres for which a message was not: they handed it back, or a person corrected it away from them. Reads only."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from triage.record.misroutes import misrouted
from triage.record.returned import ReturnKind
from triage.record.store import Transaction
from triage.record.tables import dispatches, returns
from triage.vocabulary import DispatchKind, DispatchState

HANDED_BACK, CORRECTED = "restituito", "corretto"
_SAID = (ReturnKind.HANDED_BACK, ReturnKind.LATE_HAND_BACK)


def turned_down(tx: Transaction, message_id: int) -> Mapping[str, str]:
    """By project why exactly this message is not for it; not those that have got it rightly since."""
    came_back = sa.select(returns.c.dispatch_id).where(returns.c.kind.in_(_SAID))
    query = (
        sa.select(dispatches.c.project, dispatches.c.id.in_(came_back), dispatches.c.id.in_(misrouted()))
        .where(dispatches.c.message_id == message_id, dispatches.c.kind == DispatchKind.FORWARD)
        .where(dispatches.c.state != DispatchState.CANCELLED)
        .order_by(dispatches.c.id)
    )
    found: dict[str, str] = {}
    for project, back, wrong in tx.execute(query).all():
        if back or wrong:
            found[project] = HANDED_BACK if back else CORRECTED
        else:
            found.pop(project, None)
    return found
