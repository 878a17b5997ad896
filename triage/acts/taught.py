"""The taught rule behind a decision, ended where it sent a message wrong, and given back when that is undone.

In: the transaction of the act. ``triage.acts.teaching`` makes such rules; acts that send a message elsewhere come here,
so that the next message like it does not go the same wrong way.
"""

from __future__ import annotations

from collections.abc import Collection

from triage.exceptions import APPLIED
from triage.record import Transaction
from triage.record.audit import Param
from triage.record.decisions import decisions_of
from triage.record.exceptions import (
    ExceptionKind,
    Taught,
    end_exception,
    exception_numbered,
    hold_exception_again,
    messages_since,
)
from triage.record.messages import MessageRow
from triage.record.rescored import want_rescoring
from triage.record.staff_acts import Actor, note_act
from triage.vocabulary import Action, Decision

MOST_FILED = 200
"""Messages of a sender that are looked through for what a rule has filed."""


def taught_rule_of(decision: Decision | None) -> int:
    """The number of the taught rule that made this decision, or what a person then confirmed; 0: none did."""
    applied = next((one for one in decision.reasons if one.code == APPLIED), None) if decision is not None else None
    return int(applied.params["exception"]) if applied is not None else 0


def filed_by(tx: Transaction, one: Taught) -> list[MessageRow]:
    """The messages that a rule has filed and nobody has taken up since, of the newest :data:`MOST_FILED`."""
    if one.kind != ExceptionKind.NEVER:
        return []
    rows = messages_since(tx, one, MOST_FILED)
    known = decisions_of(tx, [(row.id, row.generation) for row in rows])
    return [row for row in rows if _is_filed_by(known.get(row.id), one.id)]


def _is_filed_by(decision: Decision | None, number: int) -> bool:
    if decision is None or decision.action is not Action.FILE:
        return False
    first = decision.reasons[0]
    return first.code == APPLIED and first.params.get("exception") == number


def rule_behind(tx: Transaction, decision: Decision, had: Collection[str], project: str, key: str) -> Taught | None:
    """The rule that holds and brought a message to another centre than this one, or to none; ``had``: who has it."""
    number = taught_rule_of(decision)
    one = exception_numbered(tx, number) if number else None
    if one is None or one.ended_at is not None or one.expires_at <= tx.now:
        return None
    if one.kind == ExceptionKind.NEVER:
        return one
    return one if one.project in had and (one.project, one.address_key) != (project, key) else None


def end_rule(tx: Transaction, person: Actor, number: int, message_id: int = 0) -> bool:
    """It holds no more, on record with who ended it (and because of which message); whether it had."""
    if not end_exception(tx, number):
        return False
    want_rescoring(tx)
    params: dict[str, Param] = {"message": message_id} if message_id else {}
    note_act(tx, person, "forget", "exception", number, params)
    return True


def give_rule_back(tx: Transaction, person: Actor, number: int) -> None:
    """What ended it was undone: it holds again, as long as it would have."""
    if hold_exception_again(tx, number):
        want_rescoring(tx)
        note_act(tx, person, "remember", "exception", number)
