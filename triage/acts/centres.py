"""Sending one message to the centre that a person names, wherever it was or waits.

In: the transaction of the person who acts, the rules in force, a locked row, a :class:`Choice`. :func:`plan_sending`
looks and changes nothing, so that what would leave can be shown; :func:`carry_out` records it. Whether something may
leave is the gate's matter, as ever, and is asked again before it leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from triage.acts.letters import NEVER_DECIDED, Letter, read_letter
from triage.acts.taught import end_rule, rule_behind
from triage.acts.writing import CLOSED_BY_PERSON, ENDED_RULE, PLACE_CHOSEN, TOOK, how_it_stands, write_decision
from triage.conversations import recipient_keys
from triage.decide import family_behind, may_forward
from triage.decide.gate import SAME_THREAD
from triage.decide.gate_staff import ALSO, CHOSEN_BY_PERSON, is_further
from triage.reading import ParsedMessages
from triage.record import Transaction
from triage.record.acknowledged import acknowledged_before
from triage.record.audit import Param
from triage.record.beside import Holder, holders_of, is_shared
from triage.record.corrections import (
    acknowledgement_waits,
    close_what_waited,
    projects_that_have,
    reroute_notice_of,
    withdraw_forwards,
)
from triage.record.decisions import acknowledged_cases, was_acknowledged, was_told_a_centre
from triage.record.exceptions import Taught
from triage.record.holding_back import FOR_GOOD, held_back
from triage.record.messages import MessageRow
from triage.record.misroutes import recall_waits
from triage.record.planned import PlannedDispatch
from triage.record.returned import OPENABLE
from triage.record.settlements import Exit, Said, add_settlement
from triage.record.staff_acts import Actor
from triage.returns import from_staff
from triage.rules.types import DEFAULT_ADDRESS, Rules
from triage.settling import FORWARDS
from triage.telling import against_acknowledgement, family_address, new_plan, plan_acknowledgement, plan_reroute_notice
from triage.vocabulary import (
    PROJECT_TOPICS,
    TOPICS,
    UNCOVERED,
    Action,
    Decision,
    DispatchKind,
    DispatchState,
    MessageState,
    Reason,
)

WHYS = ("zona", "pieno", "tema", "altro")
"""Why a message goes to another centre (design, decision 5): the wrong zone, no room there, not their topic."""
NO_ERROR = frozenset({"pieno", ALSO})
"""Reasons for another centre that make the first no mistake: it had the message rightly, and keeps what it needs."""
ON_THE_WIRE = "in_partenza"
NOTHING_SAID = Said()


@dataclass(frozen=True, slots=True)
class Choice:
    """Where a person sends a message, and what they say that it is about. Empty: as the service has it.

    ``comune`` is an official name; it decides the territory. ``territory`` is for a message without one.
    """

    project: str
    address_key: str = DEFAULT_ADDRESS
    comune: str = ""
    territory: str = ""
    topic: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing is done, and the first reason why, as a code."""

    code: str


@dataclass(frozen=True, slots=True)
class Sending:
    """What sending would write: the decision of the person, what leaves, and what the family hears.

    ``had`` are the addresses that have accepted the message, with their projects; ``rule`` is the taught rule that
    brought it where it was wrong, as long as that holds. ``staying`` are further centres that keep it, or are still to
    get it: only of a message that a person sent to several.
    """

    letter: Letter
    choice: Choice
    decision: Decision
    why: str
    plans: tuple[PlannedDispatch, ...]
    told: str
    had: Mapping[str, str]
    rule: Taught | None = None
    staying: tuple[Holder, ...] = ()
    silence: str = ""
    """Why the family, to whom nothing was said before, hears nothing now either; a code of the gate."""

    @property
    def have_it(self) -> tuple[str, ...]:
        """Other projects that have the message."""
        return tuple(sorted({project for project in self.had.values() if project != self.choice.project}))


def plan_sending(
    tx: Transaction,
    rules: Rules,
    parsed: ParsedMessages,
    row: MessageRow,
    choice: Choice,
    *,
    why: str = "",
    wrong: str = "",
    rest: timedelta = timedelta(),
) -> Sending | Refused:
    """What would be written and leave, ``rest`` from now, if this message were sent there.

    ``why``, of a correction, is one of :data:`WHYS`. A project that has accepted the message does not get it again,
    unless it was asked to delete it. The family is told of the new centre once a case, when it was told of another.
    Where a person sent it to several, all but the ``wrong`` one keep it; so they do when it goes to a further one.
    """
    refused = _against(row, choice, rules)
    letter = read_letter(tx, rules, parsed, row) if not refused else None
    if letter is None:
        return Refused(refused or NEVER_DECIDED)
    if from_staff(letter.message, rules) and family_behind(letter.message, rules) is None:
        return Refused("scritto_da_noi")
    had = projects_that_have(tx, row.id)
    address = rules.projects[choice.project].addresses[choice.address_key]
    if address.to in had:
        return Refused("richiamo_in_partenza" if recall_waits(tx, row.id, choice.project) else "lo_ha_gia")
    several = why == ALSO or is_shared(tx, row.id)
    beside = [one for one in holders_of(tx, row.id) if one.project not in (choice.project, wrong)] if several else []
    decision = chosen_decision(letter.decision, rules, choice, why, tuple(one.project for one in beside))
    verdict = may_forward(decision, address.to, rules)
    if not verdict.allowed:
        return Refused(verdict.reasons[0].code)
    forward = new_plan(tx, rules, letter.secret, DispatchKind.FORWARD, FORWARDS, verdict.forward_path, decision)
    told, more, silence = _what_the_family_hears(tx, rules, replace(letter, decision=decision))
    plans = (replace(forward, due_at=tx.now + rest), *more, *plans_again(tx, rules, letter.secret, decision, beside))
    mistaken = why not in NO_ERROR
    rule = rule_behind(tx, letter.decision, had.values(), choice.project, choice.address_key) if mistaken else None
    return Sending(letter, choice, decision, why, plans, told, had, rule, tuple(beside), silence)


def plans_again(
    tx: Transaction, rules: Rules, secret: bytes, decision: Decision, holders: Iterable[Holder]
) -> list[PlannedDispatch]:
    """The forwards among these that have not left yet, for the next generation, which takes over their rows."""
    found = []
    for one in holders:
        if one.waits:
            to = replace(decision, project=one.project, address_key=one.address_key)
            plan = new_plan(tx, rules, secret, DispatchKind.FORWARD, FORWARDS, one.forward_path, to)
            found.append(replace(plan, due_at=one.due_at))
    return found


def carry_out(
    tx: Transaction,
    person: Actor,
    sending: Sending,
    said: Said = NOTHING_SAID,
    rest: timedelta = timedelta(),
    more: tuple[PlannedDispatch, ...] = (),
    *,
    forget: bool = True,
) -> int | Refused:
    """Record it, with whatever ``more`` leaves because of it; the settlement's number. Refused: one is on the wire.

    ``forget``: the taught rule that brought the message where it was wrong ends.
    """
    row, choice = sending.letter.row, sending.choice
    if not withdraw_forwards(tx, row.id):
        return Refused(ON_THE_WIRE)
    before = how_it_stands(row)
    if forget and sending.rule is not None and end_rule(tx, person, sending.rule.id, row.id):
        before[ENDED_RULE] = sending.rule.id
    params: dict[str, Param] = {
        "from": sending.letter.decision.project,
        "to": choice.project,
        "why": sending.why,
        "had_it": bool(sending.had),
    }
    generation = write_decision(
        tx, row, sending.decision, keys=sending.letter.keys, plans=(*sending.plans, *more), params=params
    )
    before[TOOK] = close_what_waited(tx, row.id)
    decision = sending.decision
    said = replace(
        said,
        territory=decision.territory,
        comune=choice.comune,
        topic=decision.topic,
        project=choice.project,
        address_key=choice.address_key,
    )
    exit = Exit.CORRECTION if sending.had or row.state in OPENABLE else Exit.FORWARD
    exit = Exit.ALSO if sending.why == ALSO else exit
    return add_settlement(tx, person, row.id, exit, generation, before, said, tx.now + rest if rest else None)


def chosen_decision(
    decision: Decision, rules: Rules, choice: Choice, why: str, kept_by: tuple[str, ...] = ()
) -> Decision:
    """The decision of a person: what was read of the message stays, where it goes and what they say is theirs.

    ``kept_by`` are further projects that keep the message.
    """
    place = (Reason(PLACE_CHOSEN, {"comune": choice.comune}),) if choice.comune else ()
    read = tuple(
        reason
        for reason in decision.reasons
        if reason.code not in (CHOSEN_BY_PERSON, CLOSED_BY_PERSON, PLACE_CHOSEN, "archiviata")
        # The centre is not told a place that the person did not take it for.
        and not (reason.code.startswith("luogo_") and _is_elsewhere(reason, rules, choice))
    )
    said = {"project": choice.project} | ({"why": why} if why else {})
    said |= {"with": ",".join(kept_by)} if kept_by else {}
    topic = choice.topic or decision.topic
    return replace(
        decision,
        action=Action.FORWARD,
        destination=choice.project,
        territory=rules.project_of.get(choice.comune, UNCOVERED)
        if choice.comune
        else choice.territory or decision.territory,
        topic=topic,
        acknowledge=decision.acknowledge or (topic in PROJECT_TOPICS and not decision.automatic),
        confidence=1.0,
        project=choice.project,
        address_key=choice.address_key,
        forward_path=rules.projects[choice.project].addresses[choice.address_key].to,
        reasons=(Reason(CHOSEN_BY_PERSON, said), *place, *read),
    )


def _is_elsewhere(reason: Reason, rules: Rules, choice: Choice) -> bool:
    comune = str(reason.params.get("comune", ""))
    return bool(comune) and not choice.comune and rules.project_of.get(comune, UNCOVERED) != choice.project


def _against(row: MessageRow, choice: Choice, rules: Rules) -> str:
    if row.state not in (*OPENABLE, MessageState.HELD):
        return f"stato_{row.state}"
    project = rules.projects.get(choice.project)
    if project is None or choice.address_key not in project.addresses:
        return "centro_sconosciuto"
    if choice.comune and choice.comune not in rules.places:
        return "comune_sconosciuto"
    return "argomento_sconosciuto" if choice.topic and choice.topic not in TOPICS else ""


def _what_the_family_hears(tx: Transaction, rules: Rules, letter: Letter) -> tuple[str, list[PlannedDispatch], str]:
    """What the family is told of it, as a word for staff, what is planned for that, and why it never heard anything."""
    about = (letter.message, letter.decision, letter.context)
    if was_told_a_centre(tx, letter.case_id, besides=letter.decision.project):
        before = reroute_notice_of(tx, letter.case_id)
        if before is not None:
            # One that waits names the centre of its own message, which may be this one, or go the same way.
            same = before.message_id == letter.row.id or before.project == letter.decision.project
            return ("avviso" if same and before.state == DispatchState.PENDING else "gia_avvisata"), [], ""
        notice = plan_reroute_notice(tx, rules, letter.secret, letter.case_id, *about)
        return ("avviso", [notice], "") if notice is not None else ("non_raggiungibile", [], "")
    if held_back(tx, [letter.case_id]).get(letter.case_id) == FOR_GOOD:
        return "fermata", [], ""
    if acknowledgement_waits(tx, letter.case_id):
        return "ricevuta", [], ""  # what waits names the centre that has the message when it leaves
    if is_further(letter.decision):
        return "niente", [], ""  # nothing was said to the family, and a further centre is no reason to begin
    if was_acknowledged(tx, letter.row.id) and not acknowledged_cases(tx, [letter.case_id]):
        return "gia_ricevuta", [], ""  # for the case that the message was taken out of
    address = family_address(letter.message, rules, letter.context)
    keys = [recipient_keys(letter.secret, address)] if address else []
    past = acknowledged_before(tx, [key for key, _ in keys], [domain for _, domain in keys], SAME_THREAD)
    receipt = plan_acknowledgement(tx, rules, letter.secret, past, letter.row.case_id, *about)
    if receipt is not None:
        return "ricevuta", [receipt], ""
    known = was_acknowledged(tx, letter.row.id) or acknowledged_cases(tx, [letter.case_id])
    against = against_acknowledgement(tx, rules, letter.secret, past, letter.row.case_id, *about) if not known else ""
    return "niente", [], against
