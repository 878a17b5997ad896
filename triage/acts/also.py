"""*Inoltra anche a*: a further centre gets a message that another has, or is about to get; nobody's copy is taken back.

In and out as in ``triage.acts.settling``. For a message about two families or two places. The message has a home, so
this can wait: unlike the first forward it goes to no address that is unconfirmed or takes no mail now.
"""

from __future__ import annotations

from datetime import timedelta

from triage.acts.centres import Choice, Refused, Sending, carry_out, plan_sending
from triage.acts.letters import row_to_act_on
from triage.acts.outcome import UNDO, Outcome
from triage.acts.people import Person
from triage.acts.words import refused, word_also
from triage.decide.gate_staff import ALSO, is_chosen_by_person
from triage.reading import ParsedMessages
from triage.record import Transaction
from triage.record.beside import holders_of
from triage.record.decisions import decision_of
from triage.record.destinations import sick_addresses
from triage.record.messages import MessageRow
from triage.record.returned import OPENABLE
from triage.record.settlements import Said
from triage.rules.types import Rules


def also(
    tx: Transaction,
    rules: Rules,
    parsed: ParsedMessages,
    person: Person,
    message_id: int,
    choice: Choice,
    *,
    seen: int | None = None,
    note: str = "",
    undo: timedelta = UNDO,
) -> Outcome:
    """Send a message that a centre has to a further one, in the same case; the family is told once, if it was told."""
    row = row_to_act_on(tx, message_id, seen)
    if isinstance(row, str):
        return refused(tx, rules, row, message_id)
    sending = plan_also(tx, rules, parsed, row, choice, undo)
    if isinstance(sending, Refused):
        return refused(tx, rules, sending.code, message_id)
    number = carry_out(tx, person, sending, Said(note=note.strip(), teaches="solo"), undo, forget=False)
    if isinstance(number, Refused):
        return refused(tx, rules, number.code, message_id)
    until = tx.now + undo if undo else None
    return Outcome(True, ALSO, word_also(sending, rules), until, number, sending.told, sending.have_it)


def plan_also(
    tx: Transaction, rules: Rules, parsed: ParsedMessages, row: MessageRow, choice: Choice, rest: timedelta
) -> Sending | Refused:
    """What would be written and leave, ``rest`` from now; nothing is written."""
    against = _against(tx, row, choice)
    if against:
        return Refused(against)
    sending = plan_sending(tx, rules, parsed, row, choice, why=ALSO, rest=rest)
    if isinstance(sending, Refused):
        return sending
    address = rules.projects[choice.project].addresses[choice.address_key]
    if not address.confirmed:
        return Refused("anche_non_confermato")
    return Refused("destinazione_malata") if address.to.casefold() in sick_addresses(tx) else sending


def _against(tx: Transaction, row: MessageRow, choice: Choice) -> str:
    if row.state not in OPENABLE:
        return f"stato_{row.state}"
    holders = holders_of(tx, row.id)
    if not holders:
        return "nessun_centro"
    if any(one.project == choice.project for one in holders):
        return "lo_ha_gia"
    decision = decision_of(tx, row.id, row.generation)
    chosen = decision is not None and is_chosen_by_person(decision)
    # What the service chose it may choose anew before it leaves, and would then know of one centre only.
    return "primo_in_partenza" if not chosen and any(one.waits for one in holders) else ""
