"""Messages that could not be read or decided: put aside with their octets, and from then on read only in a child."""

from __future__ import annotations

from triage.record.messages import GIVEN_UP, MessageRow, change_state
from triage.record.store import Transaction
from triage.vocabulary import MessageState


def quarantine(tx: Transaction, row: MessageRow, reason: str) -> None:
    """It waits for a person, who looks at it where it lies; raises ``LostLeaseError`` when it is not as ``row`` says.

    The mark outlives the state: whoever closes it, or undoes that, does not make it safe to parse. Only
    :func:`triage.record.let_in.send_again` takes it off.
    """
    change_state(
        tx, row, MessageState.QUARANTINED, "quarantined", {"reason": reason}, hold_reason=reason, tries=GIVEN_UP
    )
