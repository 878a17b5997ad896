"""Switch a project between *proposta* and *automatico*: lowering always, raising only when the conditions hold.

In: a transaction of the person who acts, the rules in force, the modes that the file says. Out: what must be true
before a project may forward by itself, each with what is missing; and what came of a switch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from triage.acts.accounts import Changed
from triage.audits import Audit, audit_of, audit_of_all
from triage.knowledge import unconfirmed_places
from triage.record.destinations import sick_addresses
from triage.record.incidents import close_incident, open_incident
from triage.record.modes import DRIFT, PERSON, set_switch, switches
from triage.record.staff_acts import Actor, note_act
from triage.record.store import Transaction
from triage.rules.types import Project, Rules
from triage.vocabulary import Mode

CENTRE_LIMIT = 0.05
"""A project whose own bound is above this does not forward by itself (design, decision 7)."""
DRIFTED = "drift"
"""Kind of the incident; its subject is the project."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that must be true; ``params`` say what is missing, in codes and numbers."""

    code: str
    met: bool
    params: Mapping[str, str | int | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a project stands: its mode, its audit, and what speaks for and against *automatico*."""

    project: Project
    file_mode: Mode
    reason_code: str
    """Why the mode is not the file's: ``persona`` or ``deriva``; empty: it is the file's."""
    audit: Audit
    conditions: tuple[Condition, ...]

    @property
    def may_rise(self) -> bool:
        """Whether *proposta* may become *automatico* now."""
        return self.project.mode is Mode.PROPOSAL and all(condition.met for condition in self.conditions)


def standings(tx: Transaction, rules: Rules, file_modes: Mapping[str, Mode]) -> tuple[Audit, tuple[Standing, ...]]:
    """All projects together, and each by itself."""
    chosen = switches(tx)
    pooled = audit_of_all(tx, list(rules.projects), chosen)
    sick = sick_addresses(tx)
    found = []
    for code, project in rules.projects.items():
        audit = audit_of(tx, code, chosen.get(code))
        file_mode = file_modes.get(code, project.mode)
        reason = chosen[code].reason_code if code in chosen and project.mode is not file_mode else ""
        found.append(
            Standing(project, file_mode, reason, audit, _conditions(rules, project, file_mode, pooled, audit, sick))
        )
    return pooled, tuple(found)


def _conditions(
    rules: Rules, project: Project, file_mode: Mode, pooled: Audit, own: Audit, sick: frozenset[str]
) -> tuple[Condition, ...]:
    promised = rules.thresholds.max_wrong
    limit = max(CENTRE_LIMIT, promised)
    unconfirmed = sum(not address.confirmed for address in project.addresses.values())
    unsure = len(unconfirmed_places(rules, project))
    ill = sum(address.to.casefold() in sick for address in project.addresses.values())
    return (
        Condition("non_ombra", Mode.SHADOW not in (file_mode, project.mode)),
        # A project may say its own mode beside a service in ombra, which then calls nobody of possible danger.
        Condition("servizio", rules.service.mode is not Mode.SHADOW),
        Condition("indirizzi", not unconfirmed, {"missing": unconfirmed}),
        Condition("salute", not ill, {"missing": ill}),
        Condition("promessa", pooled.most <= promised, {"limit": promised, "missing": pooled.missing(promised)}),
        Condition("centro", own.most <= limit, {"limit": limit, "missing": own.missing(limit)}),
        Condition("area", not unsure, {"missing": unsure}),
    )


def raise_mode(tx: Transaction, rules: Rules, file_modes: Mapping[str, Mode], person: Actor, project: str) -> Changed:
    """From *proposta* to *automatico*; refused while anything is missing."""
    standing = next((one for one in standings(tx, rules, file_modes)[1] if one.project.code == project), None)
    if standing is None:
        return Changed(False, "unknown", "Questo centro non è nelle regole.")
    if standing.project.mode is Mode.AUTOMATIC:
        return Changed(False, "already", f"{standing.project.name} inoltra già da solo.")
    if not standing.may_rise:
        return Changed(
            False, "conditions", f"{standing.project.name} resta in proposta: non tutte le condizioni sono soddisfatte."
        )
    set_switch(tx, project, Mode.AUTOMATIC, standing.project.mode, standing.file_mode, PERSON)
    close_incident(tx, DRIFTED, project)
    note_act(tx, person, "mode_raised", "project", 0, {"project": project})
    return Changed(
        True,
        "raised",
        f"{standing.project.name}: da adesso i messaggi sicuri partono da soli. "
        "Quelli che aspettano già restano da decidere.",
    )


def lower_mode(tx: Transaction, rules: Rules, file_modes: Mapping[str, Mode], person: Actor, project: str) -> Changed:
    """From *automatico* to *proposta*: always allowed, at once."""
    found = rules.projects.get(project)
    if found is None:
        return Changed(False, "unknown", "Questo centro non è nelle regole.")
    if found.mode is not Mode.AUTOMATIC:
        return Changed(False, "already", f"{found.name} non inoltra da solo: non c'è niente da cambiare.")
    set_switch(tx, project, Mode.PROPOSAL, found.mode, file_modes.get(project, found.mode), PERSON)
    note_act(tx, person, "mode_lowered", "project", 0, {"project": project})
    return Changed(True, "lowered", f"{found.name}: da adesso ogni messaggio aspetta il sì di una persona.")


def lower_for_drift(tx: Transaction, rules: Rules, file_modes: Mapping[str, Mode], project: str) -> None:
    """The sample shows more errors than promised: nothing leaves by itself until people have seen that all is well."""
    mode = rules.projects[project].mode
    set_switch(tx, project, Mode.PROPOSAL, mode, file_modes.get(project, mode), DRIFT)
    text = (
        f"{project}: more forwards are wrong than promised; it is back to 'proposta', every message waits for a person"
    )
    open_incident(tx, DRIFTED, project, text)
