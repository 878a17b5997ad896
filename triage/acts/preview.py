"""What would leave if a person confirmed this choice: planned by the code that plans it, and nothing is written.

In: a transaction that only looks, the rules, the message, the choice. Out: a :class:`Preview`: each mail with its
recipient and moment. Their texts are composed by ``triage.dispatch.shown`` with the code that composes what is sent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from triage.acts.also import plan_also
from triage.acts.answering import Written, plan_answer
from triage.acts.asking import NOT_NEEDED, against_asking, question_of
from triage.acts.centres import Choice, Refused, Sending, plan_sending
from triage.acts.correcting import Correction, plan_correction
from triage.acts.letters import NEVER_DECIDED, Letter, read_letter
from triage.acts.outcome import UNDO, Outcome
from triage.acts.words import ALSO_TOLD, centre_of, refused, word_told
from triage.ids import case_code
from triage.leaving import Leaving, When
from triage.reading import ParsedMessages
from triage.record import Transaction
from triage.record.corrections import waiting_acknowledgement
from triage.record.destinations import sick_addresses
from triage.record.exceptions import Taught
from triage.record.holding_back import held_until
from triage.record.identity import is_stopped
from triage.record.messages import MessageRow, get_message
from triage.record.planned import PlannedDispatch
from triage.rules.addresses import bare_form
from triage.rules.types import Rules
from triage.vocabulary import Decision, DispatchKind, MessageState

ALL_STOPPED = (
    "Adesso tutti gli invii sono fermi: quello che confermi parte solo quando un responsabile li fa ripartire."
)
NEW_CASE = "--------"
"""Shown in place of the code of a case that is opened with the act."""


@dataclass(frozen=True, slots=True)
class Preview:
    """``refused``: why the choice cannot be carried out; else what leaves, in order, and what to think of before.

    ``rule``: the taught rule that brought the message where it was wrong; it ends unless the person keeps it.
    """

    leaving: tuple[Leaving, ...]
    notes: tuple[str, ...] = ()
    refused: Outcome | None = None
    rule: Taught | None = None


@dataclass(frozen=True, slots=True)
class Correcting:
    """A choice for a message that a centre has."""

    choice: Choice
    why: str
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class Further:
    """A choice of one more centre for a message that a centre has."""

    choice: Choice


class Asking:
    """Asking the family for its comune."""


What = Choice | Correcting | Further | Written | Asking


def preview(
    tx: Transaction, rules: Rules, parsed: ParsedMessages, message_id: int, what: What, *, seen: int | None = None
) -> Preview:
    """What leaves if this is done with this message: sent to a centre or one more, corrected, answered, asked about."""
    row = get_message(tx, message_id)
    if row is None or (seen is not None and row.generation != seen):
        return Preview((), refused=refused(tx, rules, "non_c_e" if row is None else "cambiato", message_id))
    found = _of(tx, rules, parsed, row, what)
    if isinstance(found, Refused):
        return Preview((), refused=refused(tx, rules, found.code, message_id))
    if found.leaving and is_stopped(tx):
        return replace(found, notes=(ALL_STOPPED, *found.notes))
    return found


def _of(tx: Transaction, rules: Rules, parsed: ParsedMessages, row: MessageRow, what: What) -> Preview | Refused:
    match what:
        case Choice():
            if row.state != MessageState.HELD:
                return Refused(f"stato_{row.state}")
            sending = plan_sending(tx, rules, parsed, row, what, rest=UNDO)
            return sending if isinstance(sending, Refused) else _sent(tx, rules, row, Correction(sending, ()))
        case Further(choice):
            sending = plan_also(tx, rules, parsed, row, choice, UNDO)
            return sending if isinstance(sending, Refused) else _sent(tx, rules, row, Correction(sending, ()))
        case Correcting(choice, why, wrong):
            planned = plan_correction(tx, rules, parsed, row, choice, why, UNDO, wrong)
            return planned if isinstance(planned, Refused) else _sent(tx, rules, row, planned)
        case Written():
            return _answered(tx, rules, parsed, row, what)
        case Asking():
            return _asked(tx, rules, parsed, row)


def _sent(tx: Transaction, rules: Rules, row: MessageRow, planned: Correction) -> Preview:
    sending = planned.sending
    kept = {one.forward_path for one in sending.staying}
    plans = [one for one in sending.plans if one.kind != DispatchKind.FORWARD or one.forward_path not in kept]
    leaving = [_leaving(tx, sending.letter, plan, sending.decision) for plan in plans]
    for wrong, plan in planned.wrong:
        if plan is not None:
            one = _leaving(tx, sending.letter, plan, sending.decision)
            leaving.insert(1, replace(one, received_at=wrong.sent_at or one.received_at))
    waits = waiting_acknowledgement(tx, row.case_id or 0) if sending.told == "ricevuta" else None
    if waits is not None:
        code = case_code(sending.letter.secret, waits.case_id)
        one = Leaving(
            DispatchKind.ACKNOWLEDGEMENT,
            waits.forward_path,
            sending.choice.project,
            When.CENTRE_HAS_IT,
            tx.now + UNDO,
            sending.letter.message,
            sending.decision,
            code,
            tx.now,
            waits_already=True,
            not_before=held_until(tx, waits.case_id),
        )
        leaving.append(one)
    return Preview(tuple(leaving), tuple(_notes(tx, rules, sending)), rule=sending.rule)


def _answered(
    tx: Transaction, rules: Rules, parsed: ParsedMessages, row: MessageRow, written: Written
) -> Preview | Refused:
    answer = plan_answer(tx, rules, parsed, row, written, UNDO)
    if isinstance(answer, Refused):
        return answer
    message = answer.letter.message
    notes = []
    if bare_form(answer.plan.forward_path) != bare_form(message.author.addr_spec):
        notes.append("La risposta va all'indirizzo indicato nel messaggio per le risposte: non è quello di chi scrive.")
    office = rules.offices.get(written.office)
    if (office is not None and office.sensitive) or answer.decision.urgent:
        notes.append("Forse anche un'altra persona legge quella casella: se può essere un rischio, meglio telefonare.")
    one = _leaving(tx, answer.letter, answer.plan, answer.decision)
    return Preview((replace(one, text=written.text, office=written.office),), tuple(notes))


def _asked(tx: Transaction, rules: Rules, parsed: ParsedMessages, row: MessageRow) -> Preview | Refused:
    if row.state != MessageState.HELD:
        return Refused(f"stato_{row.state}")
    letter = read_letter(tx, rules, parsed, row) if row.case_id is not None else None
    if letter is None:
        return Refused(NEVER_DECIDED)
    against = against_asking(tx, rules, letter)
    plan = question_of(tx, rules, letter, UNDO) if not against else None
    if plan is None:
        return Refused(against or NOT_NEEDED)
    return Preview((_leaving(tx, letter, plan, letter.decision),))


def _leaving(tx: Transaction, letter: Letter, plan: PlannedDispatch, decision: Decision) -> Leaving:
    """One planned mail as it can be shown."""
    row = letter.row
    waits = plan.kind in (DispatchKind.ACKNOWLEDGEMENT, DispatchKind.REROUTE)
    return Leaving(
        plan.kind,
        plan.forward_path,
        plan.project,
        When.CENTRE_HAS_IT if waits else When.UNDO_OVER,
        tx.now + UNDO,
        letter.message,
        decision,
        case_code(letter.secret, row.case_id) if row.case_id else NEW_CASE,
        _received(tx, letter),
        not_before=held_until(tx, row.case_id or 0) if plan.kind == DispatchKind.ACKNOWLEDGEMENT else None,
    )


def _received(tx: Transaction, letter: Letter) -> datetime:
    return letter.row.internal_date or letter.row.received_at or tx.now


def _notes(tx: Transaction, rules: Rules, sending: Sending) -> list[str]:
    """What a person should know before; each is a sentence."""
    project = rules.projects[sending.choice.project]
    address = project.addresses[sending.choice.address_key]
    notes = [] if sending.told in ("ricevuta", "avviso") else [word_told(sending, ALSO_TOLD)]
    for one in sending.staying:
        fate = "era già pronto, e parte lo stesso" if one.waits else "lo ha già, e lo tiene"
        notes.append(f"{centre_of(rules, one.project)}: {fate}.")
    theirs = rules.project_of.get(sending.choice.comune, "")
    if theirs and theirs != sending.choice.project and not sending.staying:
        place, chosen = centre_of(rules, theirs), centre_of(rules, sending.choice.project)
        notes.append(
            f"Attenzione: {sending.choice.comune} è nella zona di {place}, non di {chosen}. Il messaggio va a "
            f"{chosen}: se non è voluto, torna indietro."
        )
    zone = sending.choice.territory if not theirs else ""
    if zone in rules.projects and zone != sending.choice.project and not sending.staying:
        place, chosen = centre_of(rules, zone), centre_of(rules, sending.choice.project)
        notes.append(
            f"Attenzione: la zona scelta è quella di {place}, non di {chosen}. Il messaggio va a {chosen}: se non è "
            "voluto, torna indietro."
        )
    if not address.confirmed:
        notes.append("L'indirizzo di questo centro non è ancora confermato da una mail di prova.")
    if address.to.casefold() in sick_addresses(tx):
        notes.append("L'indirizzo di questo centro negli ultimi giorni non riceve posta: telefona prima.")
    if sending.decision.urgent:
        notes.append("È tra i messaggi da leggere oggi: presenta il caso al centro anche per telefono.")
    return notes
