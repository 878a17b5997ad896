"""A message that goes on with an earlier one waits while another worker has that one in hand.

Enters a batch as it is about to be settled, leaves those of it that are to be decided a little later. Decided before
what it goes on with, a family's supplement would open a case of its own, with an acknowledgement of its own. What may
speak of danger waits for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from triage.conversations import keys_of, threads_of
from triage.record import Transaction
from triage.record.claims import in_other_hands
from triage.record.identity import secret_of
from triage.record.messages import MessageRow
from triage.rules.types import Rules
from triage.vocabulary import Classification, InboundMessage


def overtaking(
    tx: Transaction,
    rules: Rules,
    pairs: Sequence[tuple[MessageRow, InboundMessage]],
    classified: Sequence[Classification],
) -> set[int]:
    """Rows that refer to what is not decided yet, while something that came before them is being decided elsewhere."""
    likely = [
        row
        for (row, message), classification in zip(pairs, classified, strict=True)
        if (message.in_reply_to or message.references) and not (row.generation or classification.urgent)
    ]
    # Asked before the threads: what is decided between the two questions is then found by the second.
    first = min(in_other_hands(tx, likely, [row for row, _ in pairs]), default=None) if likely else None
    if first is None:
        return set()
    secret = secret_of(tx)
    threads = threads_of(tx, secret, pairs, [keys_of(secret, message, rules) for _, message in pairs])
    alone = {
        row.id
        for (row, _), thread in zip(pairs, threads, strict=True)
        if thread.case_id is None and thread.case_of is None
    }
    return {row.id for row in likely if row.id in alone and first < row.id}
