"""Correcting what went to the wrong centre: the right one gets it, the wrong one is asked to delete it.

In and out as in ``triage.acts.settling``. The family is told once, and each misroute is entered in the register.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from triage.acts.centres import NO_ERROR, Choice, Refused, Sending, carry_out, plan_sending
from triage.acts.letters import row_to_act_on
from triage.acts.outcome import UNDO, Outcome
from triage.acts.people import Person
from triage.acts.words import centre_of, refused, word_sent
from triage.decide import may_recall
from triage.reading import ParsedMessages
from triage.record import Transaction
from triage.record.beside import holders_of, is_shared
from triage.record.corrections import projects_that_have
from triage.record.destinations import sick_addresses
from triage.record.messages import MessageRow
from triage.record.misroutes import CATEGORIES, Wrong, enter_misroute, now_goes_to, wrong_forwards
from triage.record.planned import PlannedDispatch
from triage.record.settlements import Said
from triage.rules.types import Rules
from triage.settling import FORWARDS
from triage.telling import new_plan
from triage.vocabulary import DispatchKind


@dataclass(frozen=True, slots=True)
class Correction:
    """What correcting would write: the sending, and for each wrong forward the recall, where one may be sent."""

    sending: Sending
    wrong: tuple[tuple[Wrong, PlannedDispatch | None], ...]

    @property
    def recalls(self) -> tuple[PlannedDispatch, ...]:
        return tuple(plan for _, plan in self.wrong if plan is not None)


def correct(
    tx: Transaction,
    rules: Rules,
    parsed: ParsedMessages,
    person: Person,
    message_id: int,
    choice: Choice,
    why: str,
    *,
    wrong: str = "",
    seen: int | None = None,
    note: str = "",
    categories: Sequence[str] = (),
    forget: bool = True,
    undo: timedelta = UNDO,
) -> Outcome:
    """Send a message to the right centre, wherever it was or waits. ``why`` is one of ``centres.WHYS``.

    ``wrong``: of a message that was sent to several centres, the one that should not have it; the others keep it.
    ``categories`` of personal data, of ``misroutes.CATEGORIES``, are for the register. ``forget``: a taught rule that
    sent it wrong ends, whoever corrects; else the next message like it goes wrong as well.
    """
    row = row_to_act_on(tx, message_id, seen)
    if isinstance(row, str):
        return refused(tx, rules, row, message_id)
    planned = plan_correction(tx, rules, parsed, row, choice, why, undo, wrong)
    if isinstance(planned, Refused):
        return refused(tx, rules, planned.code, message_id)
    sending = planned.sending
    number = carry_out(
        tx, person, sending, Said(note=note.strip(), teaches="solo"), undo, planned.recalls, forget=forget
    )
    if isinstance(number, Refused):
        return refused(tx, rules, number.code, message_id)
    if why not in NO_ERROR:
        # An earlier correction that this one overtakes must not go on naming a centre that never gets it.
        now_goes_to(tx, row.id, choice.project)
    for mistaken, recall in planned.wrong:
        enter_misroute(
            tx,
            mistaken,
            case_id=sending.letter.case_id,
            message_id=row.id,
            settlement_id=number,
            right_project=choice.project,
            categories=[one for one in CATEGORIES if one in categories],
            recall_message_id=recall.rfc_message_id if recall is not None else "",
            family_told=sending.told,
            note_code=why,
        )
    words = " ".join((word_sent(sending, rules, forget=forget), *_of_recalls(planned, rules)))
    until = tx.now + undo if undo else None
    return Outcome(True, "corretto", words, until, number, sending.told, sending.have_it)


def plan_correction(
    tx: Transaction,
    rules: Rules,
    parsed: ParsedMessages,
    row: MessageRow,
    choice: Choice,
    why: str,
    rest: timedelta,
    wrong: str = "",
) -> Correction | Refused:
    """What would be written and leave, ``rest`` from now; nothing is written."""
    among = to_choose_from(tx, row.id)
    if among and (wrong not in among or wrong == choice.project):
        return Refused("quale_centro")
    sending = plan_sending(tx, rules, parsed, row, choice, why=why, wrong=wrong if among else "", rest=rest)
    if isinstance(sending, Refused):
        return sending
    elsewhere = [path for path, project in sending.had.items() if project == wrong or not among]
    elsewhere = [path for path in elsewhere if sending.had[path] != choice.project]
    if why in NO_ERROR or not elsewhere:
        return Correction(sending, ())
    sick = sick_addresses(tx)
    found = []
    for one in wrong_forwards(tx, row.id, elsewhere):
        verdict = may_recall(one.project, one.forward_path, rules, sick)
        plan = None
        if verdict.allowed:
            decision = replace(sending.decision, project=one.project, address_key="", forward_path=one.forward_path)
            plan = new_plan(
                tx, rules, sending.letter.secret, DispatchKind.RECALL, FORWARDS, verdict.forward_path, decision
            )
            plan = replace(plan, due_at=tx.now + rest)
        found.append((one, plan))
    return Correction(sending, tuple(found))


def to_choose_from(tx: Transaction, message_id: int) -> tuple[str, ...]:
    """The centres of a message that a person sent to several: a correction must say which of them was wrong."""
    if not is_shared(tx, message_id):
        return ()
    now = (one.project for one in holders_of(tx, message_id))
    return tuple(dict.fromkeys((*projects_that_have(tx, message_id).values(), *now)))


def _of_recalls(planned: Correction, rules: Rules) -> list[str]:
    words = []
    for wrong, recall in planned.wrong:
        centre = centre_of(rules, wrong.project)
        words.append(
            f"A {centre} chiediamo di cancellarlo."
            if recall is not None
            else f"A {centre} da qui non si può scrivere: telefona e chiedi di cancellarlo."
        )
    return words
