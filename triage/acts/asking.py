"""*Chiedi il comune*: the family is asked for its comune and for nothing else; once a case, whoever asks.

The message goes on waiting: the family's answer sends it on (``triage.answers``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from triage.acts.letters import NEVER_DECIDED, Letter, read_letter, row_to_act_on
from triage.acts.outcome import UNDO, Outcome
from triage.acts.people import Person
from triage.acts.words import refused
from triage.acts.writing import how_it_stands
from triage.decide.gate import only_place_is_missing
from triage.ids import cases_typed
from triage.reading import ParsedMessages
from triage.record import Transaction
from triage.record.decisions import decision_of
from triage.record.identity import secret_of
from triage.record.messages import MessageRow, get_message
from triage.record.planned import OwnedPlan, PlannedDispatch, write_dispatches
from triage.record.recall import messages_of_case
from triage.record.returned import OPENABLE
from triage.record.settlements import Exit, Said, add_settlement
from triage.returns import FORWARD_RETURNED
from triage.rules.types import Rules
from triage.said_by_projects import HANDED_BACK
from triage.telling import against_question, plan_question
from triage.vocabulary import Action, MessageState

GIVEN_BACK = (HANDED_BACK, FORWARD_RETURNED)
"""Reasons of holding of messages that a centre had, or was to have."""
NOT_NEEDED = "domanda_non_serve"


def ask_comune(
    tx: Transaction,
    rules: Rules,
    parsed: ParsedMessages,
    person: Person,
    message_id: int,
    *,
    seen: int | None = None,
    note: str = "",
    undo: timedelta = UNDO,
) -> Outcome:
    """Ask the family of a message that lacks its place alone."""
    row = row_to_act_on(tx, message_id, seen)
    if isinstance(row, str):
        return refused(tx, rules, row, message_id)
    if row.state != MessageState.HELD:
        return refused(tx, rules, f"stato_{row.state}", message_id)
    letter = read_letter(tx, rules, parsed, row) if row.case_id is not None else None
    if letter is None:
        return refused(tx, rules, NEVER_DECIDED, message_id)
    against = against_asking(tx, rules, letter)
    plan = question_of(tx, rules, letter, undo) if not against else None
    if plan is None:
        return refused(tx, rules, against or NOT_NEEDED, message_id)
    write_dispatches(tx, [OwnedPlan(row.id, row.generation, letter.case_id, plan)], {})
    number = add_settlement(
        tx, person, row.id, Exit.QUESTION, row.generation, how_it_stands(row), Said(note=note), tx.now + undo
    )
    return Outcome(
        True,
        "domanda",
        "Chiediamo alla famiglia il suo comune. Il messaggio aspetta la risposta.",
        tx.now + undo,
        number,
    )


def against_asking(tx: Transaction, rules: Rules, letter: Letter) -> str:
    """The first reason against asking, as a code; empty: staff may ask."""
    against = against_question(
        tx, rules, letter.secret, letter.case_id, letter.message, letter.decision, letter.context
    )
    return against[0].code if against else ""


def question_of(tx: Transaction, rules: Rules, letter: Letter, rest: timedelta) -> PlannedDispatch | None:
    """The question as it would leave, ``rest`` from now."""
    plan = plan_question(tx, rules, letter.secret, letter.case_id, letter.message, letter.decision, letter.context)
    return replace(plan, due_at=tx.now + rest) if plan is not None else None


# --------------------------------------------------------------------------- by number or code


def messages_named(tx: Transaction, named: str) -> list[MessageRow]:
    """The message with this number, or those of the case with this code, oldest first."""
    if named.isascii() and named.isdigit():
        row = get_message(tx, int(named)) if len(named) < 19 else None
        return [row] if row is not None else []
    cases = cases_typed(secret_of(tx), named)
    return messages_of_case(tx, cases[0]) if len(cases) == 1 else []


def waiting_for_place(tx: Transaction, rows: Sequence[MessageRow]) -> list[MessageRow]:
    """Of these the ones that lack their place alone."""
    decisions = {row.id: decision_of(tx, row.id, row.generation) for row in rows if row.state == MessageState.HELD}
    return [row for row in rows if (found := decisions.get(row.id)) is not None and only_place_is_missing(found)]


def with_a_centre(tx: Transaction, rows: Sequence[MessageRow]) -> list[MessageRow]:
    """Of these the ones that were sent to a centre, or are about to be, or came back from one."""
    found = []
    for row in rows:
        decision = decision_of(tx, row.id, row.generation) if row.state in OPENABLE else None
        sent = decision is not None and decision.action is Action.FORWARD
        if sent or (row.state == MessageState.HELD and row.hold_reason in GIVEN_BACK):
            found.append(row)
    return found
