"""Two people and one message: whoever opens it has it for ten minutes, renewed by the open page; others are told.

A claim keeps nobody from acting: the generation that each act is given does (``triage.acts.letters``).
"""

from __future__ import annotations

from datetime import timedelta

from triage.acts.people import Person
from triage.record import Transaction
from triage.record.openings import Opening, let_go_of, open_for, openings_of

SPAN = timedelta(minutes=10)


def claim(tx: Transaction, person: Person, message_id: int, *, over: bool = False) -> Opening | None:
    """Who has the message now: this person, or the colleague who opened it before. ``over``: take it all the same.

    To be called when the page is opened and every few minutes while it stays open. ``None``: who acts has no account.
    """
    if person.id is None:
        return None
    open_for(tx, message_id, person.id, SPAN, over=over)
    return openings_of(tx, [message_id]).get(message_id)


def release(tx: Transaction, person: Person, message_id: int) -> None:
    """The person has acted, and the message is open in front of nobody; a page that is left lets its time run out."""
    if person.id is not None:
        let_go_of(tx, message_id, person.id)
