"""*Unisci*, *separa*, and the acknowledgement of a case: put off, not wanted, or as the rules say.

In and out as in ``triage.acts.settling``. A case that a person joins or parts stays so: a thread's own messages follow.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from triage.acts.centres import Refused
from triage.acts.letters import NEVER_DECIDED, row_to_act_on, undecided
from triage.acts.outcome import UNDO, Outcome
from triage.acts.people import Person
from triage.acts.settling import end_message, may_be_danger
from triage.acts.words import refused, word_closed
from triage.acts.writing import how_it_stands, write_decision
from triage.ids import cases_typed
from triage.record import Transaction
from triage.record.beside import further_waits
from triage.record.corrections import waiting_acknowledgement
from triage.record.decisions import acknowledged_cases, decision_of
from triage.record.family_told import still_leaves
from triage.record.holding_back import hold_back, let_go
from triage.record.identity import secret_of
from triage.record.let_in import put_back_let_in
from triage.record.messages import MessageRow
from triage.record.recase import (
    case_exists,
    end_what_waits_for_family,
    is_alone,
    move_to_case,
    new_case,
    take_along,
)
from triage.record.settlements import Exit, Said, add_settlement
from triage.record.staff_acts import note_act
from triage.rules.types import Rules
from triage.vocabulary import MessageState

LONGEST_WAIT = timedelta(days=7)
_MOVABLE = (MessageState.HELD, MessageState.FORWARDED, MessageState.FILED)


def join(
    tx: Transaction,
    rules: Rules,
    person: Person,
    message_id: int,
    code: str,
    *,
    ends: bool = False,
    seen: int | None = None,
    note: str = "",
    undo: timedelta = UNDO,
) -> Outcome:
    """The message belongs to the case with this code (as it stands in subjects).

    ``ends``: that case deals with it, and it need not go anywhere itself; else it waits on, as a part of that case.
    """
    named = cases_typed(secret_of(tx), code)
    row = row_to_act_on(tx, message_id, seen)
    against = row if isinstance(row, str) else _against_moving(tx, row, named)
    if isinstance(row, str) or against:
        return refused(tx, rules, str(against), message_id)
    if ends and row.state != MessageState.HELD:
        return refused(tx, rules, f"stato_{row.state}", message_id)
    if ends and not note.strip() and may_be_danger(tx, row):
        return refused(tx, rules, "manca_nota_pericolo", message_id)
    end_what_waits_for_family(tx, message_id)
    said = Said(note=note.strip())
    if not ends:
        number = _moved(tx, rules, person, row, Exit.JOINED, named[0], said, undo)
        return Outcome(True, "unito", "Unito al caso. Il messaggio si smista ancora.", tx.now + undo, number)
    ended = end_message(tx, rules, person, row, Exit.JOINED, said, undo)
    if isinstance(ended, Refused):
        return refused(tx, rules, ended.code, message_id)
    move_to_case(tx, row.id, named[0])
    words = word_closed(Exit.JOINED, still_leaves(tx, named[0], row.id))
    return Outcome(True, "unito", words, tx.now + undo, ended)


def split(
    tx: Transaction,
    rules: Rules,
    person: Person,
    message_id: int,
    *,
    seen: int | None = None,
    note: str = "",
    undo: timedelta = UNDO,
) -> Outcome:
    """The message has nothing to do with its case: it gets one of its own, and waits or stays as it is.

    What waits for its family goes with it, put off or stopped as it was.
    """
    row = row_to_act_on(tx, message_id, seen)
    against = row if isinstance(row, str) else _against_moving(tx, row, None)
    if isinstance(row, str) or against:
        return refused(tx, rules, str(against), message_id)
    old, new = row.case_id or 0, new_case(tx, row.author_key)
    number = _moved(tx, rules, person, row, Exit.SPLIT, new, Said(note=note.strip()), undo)
    take_along(tx, row.id, old, new, tx.now + undo)
    return Outcome(True, "separato", "Separato: ora è un caso a sé.", tx.now + undo, number)


def acknowledgement_left(tx: Transaction, case_id: int) -> bool:
    """Whether the case's acknowledgement has left, or none is to leave: there is nothing to put off."""
    return waiting_acknowledgement(tx, case_id) is None and bool(acknowledged_cases(tx, [case_id]))


def acknowledgement(
    tx: Transaction, rules: Rules, person: Person, message_id: int, *, wait: timedelta | None, never: bool = False
) -> Outcome:
    """Put off the acknowledgement of a message's case for ``wait``; ``never``: it does not leave; neither: as usual."""
    row = row_to_act_on(tx, message_id, None)
    if isinstance(row, str):
        return refused(tx, rules, row, message_id)
    case_id = row.case_id or 0
    if not case_id:
        return refused(tx, rules, NEVER_DECIDED, message_id)
    if acknowledgement_left(tx, case_id):
        return refused(tx, rules, "ricevuta_partita", message_id)
    if wait is not None and not timedelta() < wait <= LONGEST_WAIT:
        return refused(tx, rules, "attesa_non_valida", message_id)
    until: datetime | None = tx.now + wait if wait is not None else None
    if never or until is not None:
        hold_back(tx, case_id, None if never else until)
        code = "ricevuta_fermata" if never else "ricevuta_rimandata"
    else:
        let_go(tx, case_id)
        code = "ricevuta_come_al_solito"
    hours = int(wait.total_seconds() // 3600) if wait is not None else 0
    note_act(tx, person, "acknowledgement", "case", case_id, {"code": code, "hours": hours})
    return Outcome(True, code, _SAID[code])


def _moved(
    tx: Transaction,
    rules: Rules,
    person: Person,
    row: MessageRow,
    exit: Exit,
    case_id: int,
    said: Said,
    undo: timedelta,
) -> int:
    before = how_it_stands(row)
    generation = row.generation
    if row.state == MessageState.HELD:
        # A generation of its own, so that whoever had it before them sees that it has changed.
        decision = decision_of(tx, row.id, row.generation) or undecided(rules)
        generation = write_decision(tx, row, decision, hold_reason=row.hold_reason, params={"exit": str(exit)})
        # It waits as before: that it belongs elsewhere is no word about where it is to go.
        put_back_let_in(tx, row.id, row.let_in_by or "")
    move_to_case(tx, row.id, case_id)
    return add_settlement(tx, person, row.id, exit, generation, before, said, tx.now + undo)


def _against_moving(tx: Transaction, row: MessageRow, named: tuple[int, ...] | None) -> str:
    if row.state not in _MOVABLE or row.case_id is None:
        return f"stato_{row.state}" if row.state not in _MOVABLE else NEVER_DECIDED
    if row.state == MessageState.HELD and further_waits(tx, row.id):
        return "anche_in_partenza"  # what leaves belongs to its case, and to the generation that would end
    if named is None:
        return "solo_nel_caso" if is_alone(tx, row.id, row.case_id) else ""
    if len(named) != 1 or not case_exists(tx, named[0]):
        return "caso_sconosciuto"
    return "gia_di_questo_caso" if named[0] == row.case_id else ""


_SAID = {
    "ricevuta_fermata": "La conferma di ricevuta di questo caso non parte.",
    "ricevuta_rimandata": "La conferma di ricevuta di questo caso è rimandata.",
    "ricevuta_come_al_solito": "La conferma di ricevuta di questo caso parte come al solito.",
}
