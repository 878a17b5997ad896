"""*Rispondiamo noi* and *Indica un altro ufficio*: staff write to the family themselves, and the message is done.

In and out as in ``triage.acts.settling``. What staff write leaves as a mail from the general address once the time to
undo is over; the message is moved away when the family's server has taken it, and waits again if it does not arrive.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from triage.acts.centres import Refused
from triage.acts.letters import NEVER_DECIDED, Letter, read_letter, row_to_act_on
from triage.acts.outcome import UNDO, Outcome
from triage.acts.people import Person
from triage.acts.settling import CLOSABLE, IN_THE_MAILBOX, end_message
from triage.acts.starters import own_words, to_fill_in
from triage.acts.words import refused, word_closed
from triage.acts.writing import TOOK, closing_decision, how_it_stands, write_decision
from triage.decide import may_write
from triage.reading import ParsedMessages
from triage.record import Transaction
from triage.record.beside import further_waits
from triage.record.corrections import close_what_waited, withdraw_forwards
from triage.record.family_told import still_leaves
from triage.record.messages import MessageRow
from triage.record.planned import PlannedDispatch
from triage.record.settlements import Exit, Said, StaffText, add_settlement, keep_text
from triage.rules.types import Rules
from triage.settling import FORWARDS
from triage.telling import new_plan
from triage.vocabulary import Decision, DispatchKind, MessageState

LONGEST = 20_000


@dataclass(frozen=True, slots=True)
class Written:
    """What staff want to write: their text, or the code of an office with a few words beside (which may be empty)."""

    text: str = ""
    office: str = ""

    @property
    def exit(self) -> Exit:
        return Exit.REFERRAL if self.office else Exit.REPLY

    @property
    def kind(self) -> DispatchKind:
        return DispatchKind.REFERRAL if self.office else DispatchKind.REPLY


@dataclass(frozen=True, slots=True)
class Answer:
    """What answering would write: the decision that ends the message, and the one mail."""

    letter: Letter
    decision: Decision
    plan: PlannedDispatch
    written: Written


def reply(
    tx: Transaction,
    rules: Rules,
    parsed: ParsedMessages,
    person: Person,
    message_id: int,
    text: str,
    *,
    seen: int | None = None,
    note: str = "",
    undo: timedelta = UNDO,
) -> Outcome:
    """Answer the family with ``text``, from the general address."""
    return _write(tx, rules, parsed, person, message_id, Written(text.strip()), seen, note, undo)


def refer(
    tx: Transaction,
    rules: Rules,
    parsed: ParsedMessages,
    person: Person,
    message_id: int,
    office: str,
    *,
    words: str = "",
    seen: int | None = None,
    note: str = "",
    undo: timedelta = UNDO,
) -> Outcome:
    """Name an office of the address book (its code in ``rules.offices``) to the family; ``words`` stand below it."""
    return _write(tx, rules, parsed, person, message_id, Written(words.strip(), office), seen, note, undo)


def answered_elsewhere(
    tx: Transaction,
    rules: Rules,
    person: Person,
    message_id: int,
    note: str,
    *,
    seen: int | None = None,
    undo: timedelta = UNDO,
) -> Outcome:
    """The person answered from their own mail program; the note says so, and nothing leaves from here."""
    row = row_to_act_on(tx, message_id, seen)
    if isinstance(row, str):
        return refused(tx, rules, row, message_id)
    if row.state not in (*CLOSABLE, *IN_THE_MAILBOX):
        return refused(tx, rules, f"stato_{row.state}", message_id)
    if not note.strip():
        return refused(tx, rules, "manca_nota", message_id)
    number = end_message(tx, rules, person, row, Exit.REPLY, Said(note=note.strip(), teaches="solo"), undo)
    if isinstance(number, Refused):
        return refused(tx, rules, number.code, message_id)
    words = word_closed(Exit.REPLY, still_leaves(tx, row.case_id or 0, row.id))
    return Outcome(True, "risposta", words, tx.now + undo, number)


def plan_answer(
    tx: Transaction, rules: Rules, parsed: ParsedMessages, row: MessageRow, written: Written, rest: timedelta
) -> Answer | Refused:
    """What would leave, ``rest`` from now; nothing is written."""
    if row.state != MessageState.HELD:
        return Refused(f"stato_{row.state}")
    against = _against_words(written, rules)
    letter = read_letter(tx, rules, parsed, row) if not against else None
    if letter is None:
        return Refused(against or NEVER_DECIDED)
    verdict = may_write(letter.message, rules)
    if not verdict.allowed:
        return Refused(verdict.reasons[0].code)
    decision = closing_decision(letter.decision, written.exit)
    plan = new_plan(tx, rules, letter.secret, written.kind, FORWARDS, verdict.forward_path, decision)
    return Answer(letter, decision, replace(plan, due_at=tx.now + rest), written)


def _against_words(written: Written, rules: Rules) -> str:
    if written.office and written.office not in rules.offices:
        return "ufficio_sconosciuto"
    if len(written.text) > LONGEST:
        return "testo_troppo_lungo"
    if to_fill_in(written.text):
        return "testo_da_completare"
    return "" if written.office or own_words(written.text) else "manca_testo"


def _write(
    tx: Transaction,
    rules: Rules,
    parsed: ParsedMessages,
    person: Person,
    message_id: int,
    written: Written,
    seen: int | None,
    note: str,
    undo: timedelta,
) -> Outcome:
    row = row_to_act_on(tx, message_id, seen)
    if isinstance(row, str):
        return refused(tx, rules, row, message_id)
    answer = plan_answer(tx, rules, parsed, row, written, undo)
    if isinstance(answer, Refused):
        return refused(tx, rules, answer.code, message_id)
    if further_waits(tx, row.id):
        return refused(tx, rules, "anche_in_partenza", message_id)
    if not withdraw_forwards(tx, row.id):
        return refused(tx, rules, "in_partenza", message_id)
    before = how_it_stands(row)
    params = {"exit": str(written.exit)} | ({"office": written.office} if written.office else {})
    generation = write_decision(tx, row, answer.decision, keys=answer.letter.keys, plans=(answer.plan,), params=params)
    keep_text(tx, row.id, generation, StaffText(written.text, written.office))
    before[TOOK] = close_what_waited(tx, row.id)
    said = Said(note=note.strip(), teaches="solo")
    number = add_settlement(tx, person, row.id, written.exit, generation, before, said, tx.now + undo)
    return Outcome(True, str(written.exit), _SAID[written.exit], tx.now + undo, number)


_SAID = {
    Exit.REPLY: "La risposta parte tra due minuti. Se la famiglia risponde, il suo messaggio torna qui.",
    Exit.REFERRAL: "La mail con l'ufficio parte tra due minuti. Se la famiglia risponde, il suo messaggio torna qui.",
}
