"""Who acts, in which role, and what a role may do: one table, asked by pages and commands alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What somebody is to the service. Of ``LADDER`` each may what the one before may, and more."""

    READER = "sola_lettura"
    OPERATOR = "operatore"
    RESPONSIBLE = "responsabile"
    ADMINISTRATOR = "amministratore"
    DATA_PROTECTION = "rpd"
    """Responsabile della protezione dei dati (GDPR articles 37 to 39): watches over the work and does none of it."""


LADDER = (Role.READER, Role.OPERATOR, Role.RESPONSIBLE, Role.ADMINISTRATOR)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who acts. ``id`` is ``None`` for whoever types a command: the machine's account is the name."""

    id: int | None
    name: str
    display: str
    role: Role


class Act(StrEnum):
    """What may be allowed or not."""

    LOOK = "look"
    """Messages, cases, and every other page that no act below guards."""
    TAKE = "take"
    SETTLE = "settle"
    """Forward, reply, refer, ask, close, join, split, undo."""
    CORRECT = "correct"
    TEACH_ONCE = "teach_once"
    """A settlement counts as a label for this message."""
    SAMPLE = "sample"
    """Label messages of the blind sample."""
    TEACH = "teach"
    """Exceptions: what holds for later messages as well."""
    STOP = "stop"
    """Stop everything that leaves, and start it again."""
    REGISTER = "register"
    """See the register of misroutes, and save it."""
    ACTS = "acts"
    """See who did what and when, and save it."""
    RECALLS = "recalls"
    """Keep the register: what the wrong centre answered, and that nothing is left to do."""
    MODES = "modes"
    """Switch a project between proposta and automatico, and compare other rules with those in force."""
    AREAS = "areas"
    """Say that a comune which was only likely to be a project's is."""
    EXPORT = "export"
    """Save the tables of /andamento, and have the whole record counted there."""
    PROMOTE = "promote"
    """Put a model in force, or take it back."""
    PEOPLE = "people"
    """Accounts and roles."""
    ADDRESSES = "addresses"
    """Send the test mail that confirms an address."""


_LEAST: Mapping[Act, Role] = {
    Act.LOOK: Role.READER,
    Act.TAKE: Role.OPERATOR,
    Act.SETTLE: Role.OPERATOR,
    Act.CORRECT: Role.OPERATOR,
    Act.TEACH_ONCE: Role.OPERATOR,
    Act.SAMPLE: Role.OPERATOR,
    Act.TEACH: Role.RESPONSIBLE,
    Act.STOP: Role.RESPONSIBLE,
    Act.REGISTER: Role.RESPONSIBLE,
    Act.RECALLS: Role.RESPONSIBLE,
    Act.MODES: Role.RESPONSIBLE,
    Act.AREAS: Role.RESPONSIBLE,
    Act.EXPORT: Role.RESPONSIBLE,
    Act.PROMOTE: Role.RESPONSIBLE,
    Act.ACTS: Role.ADMINISTRATOR,
    Act.PEOPLE: Role.ADMINISTRATOR,
    Act.ADDRESSES: Role.ADMINISTRATOR,
}
_RANK = {role: rank for rank, role in enumerate(LADDER)}
_BESIDE: Mapping[Role, frozenset[Act]] = {Role.DATA_PROTECTION: frozenset({Act.REGISTER, Act.ACTS})}
"""Roles that stand beside the ladder, with all that they may."""

SECOND_FACTOR = frozenset({Role.RESPONSIBLE, Role.ADMINISTRATOR, Role.DATA_PROTECTION})
"""Roles that sign in with a code from their telephone as well; others may."""


def may(role: Role, act: Act | str) -> bool:
    """Whether a role is allowed an act; raises ``ValueError`` for an act that nobody has named."""
    act = Act(act)
    return act in _BESIDE[role] if role in _BESIDE else _RANK[role] >= _RANK[_LEAST[act]]


SETTLERS = frozenset(str(role) for role in Role if may(role, Act.SETTLE))
"""Roles that decide about messages."""
