"""What a person does with a message that waits: sends it to a centre, or ends it without one; each in one transaction.

In: the transaction of the act, the rules in force, the person, the message's number and the generation that the
person saw (``seen``). Out: an :class:`Outcome`; nothing is written unless it is ``ok``. All of it can be taken back for
two minutes (``triage.acts.undoing``): until then nothing leaves and nothing is moved away.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from triage.acts.actors import who
from triage.acts.centres import Choice, Refused, carry_out, plan_sending
from triage.acts.letters import row_to_act_on, undecided
from triage.acts.outcome import UNDO, Outcome
from triage.acts.people import Person
from triage.acts.words import refused, word_closed, word_sent
from triage.acts.writing import TOOK, closing_decision, how_it_stands, write_decision
from triage.decide.marked import is_marked_as_danger, unread_reasons
from triage.reading import ParsedMessages
from triage.record import Transaction
from triage.record.beside import further_waits
from triage.record.charge import take_in_charge
from triage.record.corrections import close_what_waited, withdraw_forwards
from triage.record.decisions import decision_of
from triage.record.family_told import still_leaves
from triage.record.messages import GIVEN_UP, MessageRow, change_state
from triage.record.people import person_named
from triage.record.settlements import Exit, Said, add_settlement
from triage.record.staff_acts import note_act
from triage.rules.types import Rules
from triage.vocabulary import MessageState

CLOSABLE = (MessageState.HELD, MessageState.QUARANTINED)
IN_THE_MAILBOX = (MessageState.OVERSIZE, MessageState.UNREADABLE)
"""What we could not read whole: a person deals with it where it lies, and it stays there."""
_DONE_WITH = frozenset({MessageState.FILED, MessageState.CLOSED, MessageState.ERASED})
_NEEDS_A_NOTE = frozenset({Exit.CLOSED, Exit.PHONE})


def forward(
    tx: Transaction,
    rules: Rules,
    parsed: ParsedMessages,
    person: Person,
    message_id: int,
    choice: Choice,
    *,
    seen: int | None = None,
    note: str = "",
    teaches: str = "solo",
    forget: bool = True,
    undo: timedelta = UNDO,
) -> Outcome:
    """Send a message that waits to the project and address of ``choice``; the family hears of it as the rules say.

    ``teaches`` is kept with the act; what it teaches for later messages is ``triage.acts.teaching``'s. ``forget``: of a
    message that came back, the taught rule ends that had sent it there.
    """
    row = row_to_act_on(tx, message_id, seen)
    if isinstance(row, str):
        return refused(tx, rules, row, message_id)
    if row.state != MessageState.HELD:
        return refused(tx, rules, f"stato_{row.state}", message_id)
    sending = plan_sending(tx, rules, parsed, row, choice, rest=undo)
    if isinstance(sending, Refused):
        return refused(tx, rules, sending.code, message_id)
    number = carry_out(tx, person, sending, Said(note=note, teaches=teaches), undo, forget=forget)
    if isinstance(number, Refused):
        return refused(tx, rules, number.code, message_id)
    words = word_sent(sending, rules, forget=forget)
    return Outcome(True, "inoltro", words, tx.now + undo, number, sending.told, sending.have_it)


def close(
    tx: Transaction,
    rules: Rules,
    person: Person,
    message_id: int,
    note: str,
    *,
    seen: int | None = None,
    undo: timedelta = UNDO,
) -> Outcome:
    """*Chiusa*: nothing leaves, an acknowledgement that waits neither; the note says why."""
    return _end(tx, rules, person, message_id, Exit.CLOSED, note, seen, undo)


def by_phone(
    tx: Transaction,
    rules: Rules,
    person: Person,
    message_id: int,
    note: str,
    *,
    seen: int | None = None,
    undo: timedelta = UNDO,
) -> Outcome:
    """*Presa in carico per telefono*: the person speaks with the family; the note says what was agreed."""
    return _end(tx, rules, person, message_id, Exit.PHONE, note, seen, undo)


def not_for_us(
    tx: Transaction,
    rules: Rules,
    person: Person,
    messages: Mapping[int, int | None],
    *,
    note: str = "",
    in_bulk: bool = False,
    undo: timedelta = UNDO,
) -> list[Outcome]:
    """*Non per noi*, also in bulk: filed without a word to anybody. ``messages``: number and generation seen.

    One outcome a message, in order; those that changed meanwhile are left alone. Possible danger is never among them:
    such a message is read and settled by itself, with a note that says why; what could not be read is opened as well.
    ``in_bulk``: chosen from a list, however many they are.
    """
    return [
        _end(tx, rules, person, number, Exit.NOT_FOR_US, note, seen, undo, in_bulk=in_bulk or len(messages) > 1)
        for number, seen in messages.items()
    ]


def take(tx: Transaction, rules: Rules, person: Person, message_id: int) -> Outcome:
    """*Presa in carico*: nobody is called about the message any more; whoever was first keeps it."""
    row = row_to_act_on(tx, message_id, None)
    if isinstance(row, str):
        return refused(tx, rules, row, message_id)
    if row.state in _DONE_WITH:
        return refused(tx, rules, f"stato_{row.state}", message_id)
    before = take_in_charge(tx, message_id, person.name)
    if before is not None:
        known = person_named(tx, before.taken_by)
        keeper = known.display if known is not None else who(before.taken_by, {})
        return Outcome(before.taken_by == person.name, "gia_presa", f"È già in carico a {keeper}.")
    note_act(tx, person, "take", "message", message_id)
    return Outcome(True, "presa", "Presa in carico: è scritto chi e quando, e nessuno viene più chiamato.")


def _end(
    tx: Transaction,
    rules: Rules,
    person: Person,
    message_id: int,
    exit: Exit,
    note: str,
    seen: int | None,
    undo: timedelta,
    *,
    in_bulk: bool = False,
) -> Outcome:
    row = row_to_act_on(tx, message_id, seen)
    against = row if isinstance(row, str) else _against_ending(tx, row, exit, note, in_bulk=in_bulk)
    if isinstance(row, str) or against:
        return refused(tx, rules, str(against), message_id)
    number = end_message(tx, rules, person, row, exit, Said(note=note.strip(), teaches="solo"), undo)
    if isinstance(number, Refused):
        return refused(tx, rules, number.code, message_id)
    words = word_closed(exit, still_leaves(tx, row.case_id or 0, row.id))
    return Outcome(True, str(exit), words, tx.now + undo, number)


def end_message(
    tx: Transaction, rules: Rules, person: Person, row: MessageRow, exit: Exit, said: Said, undo: timedelta
) -> int | Refused:
    """A message ends without a centre, and is moved away once the time to undo is over; the settlement's number."""
    if further_waits(tx, row.id):
        return Refused("anche_in_partenza")
    if not withdraw_forwards(tx, row.id):
        return Refused("in_partenza")
    before = how_it_stands(row)
    if row.state in IN_THE_MAILBOX:
        aside = GIVEN_UP if row.stopped_the_parser else row.tries
        change_state(tx, row, MessageState.CLOSED, "closed", {"exit": str(exit)}, hold_reason="", tries=aside)
        return add_settlement(tx, person, row.id, exit, row.generation, before, said, tx.now + undo)
    known = decision_of(tx, row.id, row.generation)
    decision = closing_decision(known or undecided(rules), exit)
    generation = write_decision(
        tx, row, decision, file=True, due_at=tx.now + undo, params={"exit": str(exit), "why": "person"}
    )
    before[TOOK] = close_what_waited(tx, row.id)
    return add_settlement(tx, person, row.id, exit, generation, before, said, tx.now + undo)


def may_be_danger(tx: Transaction, row: MessageRow) -> bool:
    """Whether the message, as it stands, is marked as one in which somebody may be in danger."""
    decision = decision_of(tx, row.id, row.generation)
    return row.urgent or (decision is not None and is_marked_as_danger(decision))


def _against_ending(tx: Transaction, row: MessageRow, exit: Exit, note: str, *, in_bulk: bool) -> str:
    if row.state not in (*CLOSABLE, *IN_THE_MAILBOX):
        return f"stato_{row.state}"
    if exit in _NEEDS_A_NOTE and not note.strip():
        return "manca_nota"
    if exit is not Exit.NOT_FOR_US:
        return ""
    if may_be_danger(tx, row):
        return "possibile_pericolo" if in_bulk else "" if note.strip() else "manca_nota_pericolo"
    decision = decision_of(tx, row.id, row.generation) if in_bulk else None
    return "non_letto_bene" if decision is not None and unread_reasons(decision) else ""
