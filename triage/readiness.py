"""What must be true before a project may go one step further, from *ombra* to *proposta* to *automatico*, in one place.

Enters the rules in force and the record; leaves each condition with yes or no, and what to do. What the page refuses to
switch is judged by ``triage.acts.modes`` alone; what is added here (``binds`` false) is advice, and stops nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from triage.acts.modes import Condition, Standing, standings
from triage.acts.people import Act, Role, may
from triage.knowledge import unconfirmed_places
from triage.record import Transaction
from triage.record.mailboxes import known_mailboxes
from triage.record.modes import DRIFT
from triage.record.people import all_people
from triage.rules.types import MailboxRole, Project, Rules, WithoutReturnPath
from triage.vocabulary import Mode

_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Point:
    """One condition of one step. ``binds``: the step is refused without it; else it is advice."""

    step: Mode
    """The mode that it is a condition of."""
    code: str
    met: bool
    says: str
    remedy: str
    binds: bool


@dataclass(frozen=True, slots=True)
class Readiness:
    """One project: its mode, the step that would come next (``None``: there is none), and every condition."""

    project: str
    mode: Mode
    next_step: Mode | None
    points: tuple[Point, ...]

    @property
    def ready(self) -> bool:
        """Whether nothing that binds is missing for the next step."""
        return all(point.met for point in self.points if point.binds and point.step is self.next_step)


def readiness(tx: Transaction, rules: Rules, file_modes: Mapping[str, Mode]) -> tuple[Readiness, ...]:
    """Every project, in the order of the rules."""
    shared = tuple(_shared(tx, rules))
    return tuple(_of_project(standing, rules, shared) for standing in standings(tx, rules, file_modes)[1])


def before_automatic(rules: Rules) -> Iterator[str]:
    """The same as far as rules alone say it, a sentence each: for a service that has no record yet."""
    for code, project in rules.projects.items():
        unconfirmed = [address.to for address in project.addresses.values() if not address.confirmed]
        if unconfirmed:
            yield f"{code}: somebody there must answer a test mail (triage confirm ADDRESS): {', '.join(unconfirmed)}"
        if comuni := sorted(unconfirmed_places(rules, project)):
            yield f"{code}: {len(comuni)} comuni are only likely to be theirs, ATS must tick them: {_few(comuni)}"
    if not rules.urgent.on_call:
        yield "all: nobody is told of possible danger: write urgent.on_call"
    share = f"{rules.thresholds.max_wrong:.1%}"
    yield f"all: proposals settled by people must show that at most {share} would be wrong ('triage ready' counts them)"


def _of_project(standing: Standing, rules: Rules, shared: Sequence[Point]) -> Readiness:
    project = standing.project
    steps = {Mode.SHADOW: Mode.PROPOSAL, Mode.PROPOSAL: Mode.AUTOMATIC}
    binding = [_binding(one, project, rules) for one in standing.conditions]
    drift = Point(
        Mode.AUTOMATIC,
        "deriva",
        standing.reason_code != DRIFT,
        "no drift has sent it back to proposta",
        "look at the wrong ones on the page Controlli; what was proved before does not count any more",
        False,
    )
    return Readiness(project.code, project.mode, steps.get(project.mode), (*shared, *binding, drift))


def _binding(condition: Condition, project: Project, rules: Rules) -> Point:
    """What ``raise_mode`` asks for, in words."""
    missing = int(condition.params.get("missing", 0))
    limit = f"{float(condition.params.get('limit', 0.0)):.1%}"
    addresses = ", ".join(one.to for one in project.addresses.values() if not one.confirmed)
    comuni = sorted(unconfirmed_places(rules, project))
    texts = {
        "non_ombra": ("it is not in ombra", "write mode: proposta for it in routing_rules.yaml"),
        "servizio": (
            "the service itself is not in ombra: it tells staff of possible danger and of trouble",
            "write mode: proposta under service in routing_rules.yaml; projects that say their own mode keep it",
        ),
        "indirizzi": ("every address is confirmed by an answer", f"triage confirm ADDRESS: {addresses}"),
        "salute": ("every address takes mail", "triage destinations says why not; after a call: triage cure"),
        "promessa": (
            f"all projects together: at most {limit} wrong is proved",
            f"{missing} more settled proposals without an error",
        ),
        "centro": (f"this project: at most {limit} wrong is proved", f"{missing} more of its own without an error"),
        "area": (
            "ATS has confirmed every comune",
            f"{missing} are only likely: tick them on the page Regole, or in the area under confirmed: {_few(comuni)}",
        ),
    }
    says, remedy = texts[condition.code]
    return Point(Mode.AUTOMATIC, condition.code, condition.met, says, remedy, True)


def _shared(tx: Transaction, rules: Rules) -> Iterator[Point]:
    """What is the same for every project."""
    able = any(one.disabled_at is None and may(Role(one.role), Act.SETTLE) for one in all_people(tx))
    boxes = {box.name: box for box in known_mailboxes(tx)}
    inboxes = [name for name, box in rules.mailboxes.items() if box.role is MailboxRole.INBOX]
    unread = [name for name in inboxes if name not in boxes or boxes[name].last_read_at is None]
    yield Point(
        Mode.PROPOSAL, "persone", able, "somebody may decide what waits", "triage user add NAME --role operatore", False
    )
    yield Point(
        Mode.PROPOSAL,
        "caselle",
        not unread,
        "every mailbox is read",
        f"triage run, or triage check --connect: {', '.join(unread)}",
        False,
    )
    says, remedy = "somebody is told of possible danger", "write urgent.on_call in routing_rules.yaml"
    yield Point(Mode.PROPOSAL, "reperibile", bool(rules.urgent.on_call), says, remedy, False)
    answers = rules.acknowledgements
    by_author = answers.return_path is not WithoutReturnPath.NONE and bool(rules.service.authserv_id)
    unproved = [name for name in inboxes if not by_author and not (name in boxes and boxes[name].writes_return_path)]
    yield Point(
        Mode.AUTOMATIC,
        "ricevute",
        answers.enabled and not unproved,
        "families will be acknowledged (Return-Path is proved)",
        f"triage check --connect: {', '.join(unproved)}" if unproved else "write acknowledgements: enabled: true",
        False,
    )


def _few(names: Sequence[str]) -> str:
    """The first of many, and how many more."""
    more = f" and {len(names) - _SHOWN} more (page Regole)" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
