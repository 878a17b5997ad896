"""The rules in force as the page /regole shows them: plain values for the template, gathered once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, time

from triage.knowledge import likely_places, unconfirmed_places
from triage.record.address_tests import AddressTest, TestState
from triage.review.rule_words import (
    MODES,
    condition_phrases,
    example_phrase,
    finding_phrases,
    kind_phrase,
    short_step,
    step_phrase,
)
from triage.rules.conflicts import Fault, find_faults, nobody_asks_for
from triage.rules.forwarding import ForwardAs
from triage.rules.types import DEFAULT_ADDRESS, NO_TEXT, Envelope, Forward, MailboxRole, Project, Rules
from triage.vocabulary import Mode

_DAYS = ("lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica")
SEVERITY = {Fault.CONFLICT: "In conflitto", Fault.POWERLESS: "Senza effetto"}
"""What is said beside a rule with a fault; all other faults are "mai usata"."""


@dataclass(frozen=True, slots=True)
class AddressView:
    """One address of a project, and how far it is confirmed."""

    key: str
    to: str
    use: str
    confirmed: bool
    by_answer: bool
    test: AddressTest | None

    @property
    def state(self) -> str:
        """What became of the newest test mail, as a code of :class:`TestState`; ``partita`` once it has left."""
        if self.test is None:
            return ""
        return "partita" if self.test.state == TestState.ASKED and self.test.sent_at else self.test.state


@dataclass(frozen=True, slots=True)
class Places:
    """Comuni of one ambito; ``whole``: all that it has."""

    ambito: str
    comuni: tuple[tuple[str, bool], ...]
    """Name, and whether it is still to be confirmed."""
    whole: bool


@dataclass(frozen=True, slots=True)
class ProjectView:
    """One project with what staff want to know of it."""

    project: Project
    mode: str
    mode_tells: str
    addresses: tuple[AddressView, ...]
    places: tuple[Places, ...]
    count: int
    unconfirmed: int
    likely: int
    """Comuni that are the project's only by likelihood, confirmed or not."""
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RuleView:
    """One rule in words."""

    number: int
    name: str
    line: int
    when: tuple[str, ...]
    then: str
    acknowledgement: str
    examples: tuple[tuple[str, str], ...]
    faults: tuple[tuple[str, str, str], ...]
    """Label, what is wrong, what to do."""


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Everything on the page."""

    projects: tuple[ProjectView, ...]
    uncovered: tuple[Places, ...]
    uncovered_count: int
    rules: tuple[RuleView, ...]
    faulty: tuple[RuleView, ...]
    concerns: tuple[str, ...]
    without_rule: str
    hours: tuple[tuple[str, str], ...]
    envelope: str
    since: datetime | None


def rulebook_of(rules: Rules, tests: dict[tuple[str, str, str], AddressTest], since: datetime | None) -> Rulebook:
    """``tests``: the newest test mail of each address; ``since``: when these rules came into force."""
    views = _rules(rules)
    free = nobody_asks_for(rules)
    uncovered = _places(frozenset(rules.places) - frozenset(rules.project_of), rules, frozenset())
    return Rulebook(
        projects=tuple(_project(project, rules, tests) for project in rules.projects.values()),
        uncovered=uncovered,
        uncovered_count=sum(len(group.comuni) for group in uncovered),
        rules=views,
        faulty=tuple(view for view in views if view.faults),
        concerns=tuple(concerns_about(rules)),
        without_rule=kind_phrase(free, rules) if free is not None else "",
        hours=_hours(rules),
        envelope=_ENVELOPES[rules.acknowledgements.envelope],
        since=since,
    )


def addresses_of(
    project: Project, tests: dict[tuple[str, str, str], AddressTest], rules: Rules
) -> tuple[AddressView, ...]:
    """A project's addresses in the order of the file."""
    found = []
    for key, one in project.addresses.items():
        test = tests.get((project.code, key, one.to))
        by_answer = one.confirmed and test is not None and test.state == TestState.CONFIRMED
        found.append(AddressView(key, one.to, _use(project, key, rules), one.confirmed, by_answer, test))
    return tuple(found)


def concerns_about(rules: Rules) -> list[str]:
    """What is probably a mistake beside the rules themselves (``triage.rules.doubts``), in Italian."""
    found = []
    automatic = [project for project in rules.projects.values() if project.mode is Mode.AUTOMATIC]
    if automatic and not rules.urgent.on_call:
        found.append(
            f"{automatic[0].name} è in automatico, ma non è scritto chi avvisare quando può esserci un pericolo "
            "(«urgent.on_call»)."
        )
    for project in automatic:
        found += [
            f"{project.name} è in automatico, ma nessuno ha confermato {address.to}: i suoi messaggi aspettano una "
            "persona."
            for address in project.addresses.values()
            if not address.confirmed
        ]
    found += [
        f"{project.name} riceve il messaggio originale rispedito: il suo server può rifiutarlo, e manca il modo di "
        "restituirlo."
        for project in rules.projects.values()
        if project.forward_as is ForwardAs.REDIRECT
    ]
    return found


def _use(project: Project, key: str, rules: Rules) -> str:
    if key == DEFAULT_ADDRESS:
        return "posta delle famiglie"
    step = f"{project.code}.{key}"
    forwards = ((rule.name, rule.then) for rule in rules.rules if isinstance(rule.then, Forward))
    by = [f"«{name}»" for name, then in forwards if (then.project, then.address_key) == (project.code, key)]
    return f"regola {', '.join(by)}" if by else f"non usato da nessuna regola ({step})"


def _project(project: Project, rules: Rules, tests: dict[tuple[str, str, str], AddressTest]) -> ProjectView:
    comuni = frozenset(comune for comune, code in rules.project_of.items() if code == project.code)
    unsure = unconfirmed_places(rules, project)
    mode, tells = MODES[project.mode]
    notes = []
    if project.urgent_forward_now:
        notes.append("Dove può esserci un pericolo, il messaggio aspetta una persona e parte anche subito.")
    if project.forward_as is ForwardAs.REDIRECT:
        notes.append("Riceve il messaggio originale rispedito, non una mail nostra.")
    if project.takes_charge:
        notes.append("Può rispondere «Preso in carico» a ogni inoltro.")
    if project.remind_after_days:
        notes.append(f"Dopo {project.remind_after_days} giorni lavorativi senza risposta riceve un promemoria.")
    if project.weekly_digest:
        notes.append("Ogni settimana riceve l'elenco dei casi che non ha preso in carico.")
    if project.domains:
        notes.append(f"Chi scrive da {', '.join(project.domains)} scrive per il centro.")
    return ProjectView(
        project=project,
        mode=mode,
        mode_tells=tells,
        addresses=addresses_of(project, tests, rules),
        places=_places(comuni, rules, unsure),
        count=len(comuni),
        unconfirmed=len(unsure),
        likely=len(likely_places(rules, project)),
        notes=tuple(notes),
    )


def _places(comuni: frozenset[str], rules: Rules, unsure: frozenset[str]) -> tuple[Places, ...]:
    groups: dict[str, list[tuple[str, bool]]] = {}
    for comune in sorted(comuni):
        groups.setdefault(rules.places[comune], []).append((comune, comune in unsure))
    sizes = Counter(rules.places.values())
    return tuple(Places(name, tuple(found), len(found) == sizes[name]) for name, found in sorted(groups.items()))


def _rules(rules: Rules) -> tuple[RuleView, ...]:
    faults: dict[int, list[tuple[str, str, str]]] = {}
    for finding in find_faults(rules):
        label = SEVERITY.get(finding.fault, "Mai usata")
        faults.setdefault(finding.rule.line, []).append((label, *finding_phrases(finding, rules)))
    return tuple(
        RuleView(
            number=number,
            name=rule.name,
            line=rule.line,
            when=condition_phrases(rule.when, rules),
            then=step_phrase(rule.then, rules),
            acknowledgement=_acknowledgement(rule.acknowledgement),
            examples=tuple((example_phrase(e.given, rules), short_step(e.expect, rules)) for e in rule.examples),
            faults=tuple(faults.get(rule.line, ())),
        )
        for number, rule in enumerate(rules.rules, start=1)
    )


def _acknowledgement(name: str) -> str:
    if not name:
        return ""
    if name == NO_TEXT:
        return "La famiglia non riceve nessuna conferma di ricevuta."
    return f"La conferma di ricevuta è il testo «{name}»."


def _hours(rules: Rules) -> tuple[tuple[str, str], ...]:
    spans: dict[int, list[str]] = {}
    for span in rules.service.opening_hours:
        spans.setdefault(span.weekday, []).append(f"dalle {_clock(span.begin)} alle {_clock(span.end)}")
    return tuple((_DAYS[day], " e ".join(found)) for day, found in sorted(spans.items()))


def _clock(moment: time) -> str:
    return f"{moment.hour}:{moment.minute:02}"


_ENVELOPES = {
    Envelope.NONE: "nessun indirizzo: se la conferma di ricevuta non arriva, non torna indietro",
    Envelope.DEDICATED: "un indirizzo nostro che non risponde mai",
    Envelope.PLUS: "l'indirizzo generale con un segno che riconosce il messaggio",
}
MAILBOX_ROLES = {MailboxRole.INBOX: "posta in arrivo", MailboxRole.JUNK: "posta indesiderata"}
