"""What a press teaches beside what it does: only this message, the next ones like it, or never again from this sender.

An act enters and leaves as one that also keeps its lesson: in one transaction both are done, or neither.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from triage.acts.outcome import Outcome
from triage.acts.people import Person
from triage.acts.teaching import Lesson, teach
from triage.record import Transaction
from triage.record.exceptions import ExceptionKind
from triage.review.desk import Desk


class NotTaughtError(Exception):
    """The lesson cannot be kept, so the act is not done either; carries why."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.code)
        self.outcome = outcome


def lesson_of(chosen: str, phrase: str) -> Lesson | None:
    """What a form's choice asks to be learnt; ``None``: only this message."""
    kinds = {"mittente": ExceptionKind.SENDER, "frase": ExceptionKind.PHRASE, "mai": ExceptionKind.NEVER}
    return Lesson(kinds[chosen], phrase.strip()) if chosen in kinds else None


def and_teach(
    desk: Desk, person: Person, message_id: int, act: Callable[[Transaction], Outcome], lesson: Lesson | None
) -> Callable[[Transaction], Outcome]:
    """The act, then its lesson; raises :class:`NotTaughtError` inside the transaction, which undoes the act."""
    if lesson is None:
        return act
    rules = desk.knowledge.in_force().rules

    def both(tx: Transaction) -> Outcome:
        done = act(tx)
        if not done.ok:
            return done
        taught = teach(tx, rules, desk.parsed, person, message_id, lesson)
        if not taught.ok:
            raise NotTaughtError(taught)
        return replace(done, message_it=f"{done.message_it} {taught.message_it}")

    return both
