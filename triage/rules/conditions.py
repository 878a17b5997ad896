"""What a rule asks for, and which mail must be entered in the agency's register of documents (*protocollo*)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Condition:
    """What a rule asks for. ``None``: does not matter. Every condition given must hold."""

    territories: frozenset[str] | None = None
    topics: frozenset[str] | None = None
    languages: frozenset[str] | None = None
    urgent: bool | None = None
    automatic: bool | None = None
    authors: tuple[str, ...] | None = None
    """Addresses or ``@domain``."""
    subject_contains: tuple[str, ...] | None = None
    """Any of these, without regard to case."""
    mailboxes: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class ProtocolRules:
    """What must be registered, wherever it goes. ``pec``: every certified message; ``when``: what one of these says.

    Public administrations register what they receive (DPR 445/2000, article 53); what ordinary mail that is, ATS says.
    """

    pec: bool = True
    when: tuple[Condition, ...] = ()
