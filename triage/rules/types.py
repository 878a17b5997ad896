"""The rules as frozen objects that never change: what the service sees of routing_rules.yaml. Lines count from 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from triage.rules.addresses import matches_pattern, same_mailbox
from triage.rules.answer_types import AcknowledgementRules as AcknowledgementRules
from triage.rules.answer_types import Envelope as Envelope
from triage.rules.answer_types import WebForm as WebForm
from triage.rules.answer_types import WithoutReturnPath as WithoutReturnPath
from triage.rules.conditions import Condition as Condition
from triage.rules.conditions import ProtocolRules as ProtocolRules
from triage.rules.digest import DigestRules
from triage.rules.forwarding import ForwardAs, ForwardRules
from triage.rules.holidays import OpeningSpan as OpeningSpan
from triage.rules.holidays import is_closed
from triage.rules.office import Office
from triage.rules.retention import RetentionRules
from triage.vocabulary import Mode

DEFAULT_ADDRESS = "default"
"""The key of the address that a project's families' mail goes to."""

ANY_PROJECT = "territorio"
"""``forward: territorio``: to the project of the message's own territory."""

HOLD_CODES: tuple[str, ...] = (
    "urgente",
    "reclamo",
    "sperimentazione",
    "altro_servizio",
    "territorio_scoperto",
    "territorio_fuori",
    "territorio_multiplo",
    "territorio_non_indicato",
    "forse_non_per_noi",
    "lingua_da_verificare",
    "regola",
)
"""Reasons that a rule may give for holding; ``regola`` is for the administrator's own purposes."""


@dataclass(frozen=True, slots=True)
class Folders:
    """Names below ``root`` in the shared mailbox, one per outcome; held mail stays in the inbox."""

    root: str
    forwarded: str
    automatic: str
    not_for_us: str
    settled: str


FOLDER_KEYS: tuple[str, ...] = ("automatic", "not_for_us")
"""Outcomes that a rule may file to: proven machine mail, and mail that nobody is to answer."""


@dataclass(frozen=True, slots=True)
class Service:
    """The agency's side: who we are, under which addresses, when somebody reads."""

    name: str
    address: str
    own_addresses: tuple[str, ...]
    """Every address and ``@domain`` that is ours, the general address included."""
    sender_name: str
    mode: Mode
    timezone: str
    phone: str
    """How families reach a person; empty while it is not known."""
    pec: bool
    """Everything leaves by a PEC account, which sends under its own address only (RFC 6109 section 3.1.1)."""
    opening_hours: tuple[OpeningSpan, ...]
    folders: Folders
    closed_days: tuple[str, ...] = ()
    """Days without anybody beside the holidays of all Italy: ``2026-12-24``, or ``11-13`` of every year."""
    authserv_id: str = ""
    """What the agency's own server calls itself in Authentication-Results (RFC 8601); empty: none is believed."""
    authserv_below: bool = False
    """That server is known to write its results below its own Received field (``authserv_position: below``)."""
    canary_minutes: int = 0
    """How often the service writes a test message to each of its mailboxes; 0: never."""
    accessibility_contact: str = ""
    """Whom staff write to about a barrier of the page; empty while nobody is named."""
    line: int = 1

    @property
    def notice_path(self) -> str:
        """Envelope sender of notices: null, so that nothing comes back, where that can be."""
        return self.address if self.pec else ""

    def is_open(self, now: datetime) -> bool:
        """Whether somebody reads at ``now`` (aware): never on a holiday."""
        local = now.astimezone(ZoneInfo(self.timezone))
        if is_closed(local.date(), self.closed_days):
            return False
        clock = local.time().replace(tzinfo=None)
        return any(s.weekday == local.weekday() and s.begin <= clock < s.end for s in self.opening_hours)


class MailboxRole(StrEnum):
    """What a watched mailbox is for."""

    INBOX = "inbox"
    JUNK = "junk"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One watched mailbox."""

    name: str
    line: int
    folder: str
    role: MailboxRole
    address: str
    old_mail_days: int
    max_message_mb: int
    hold_if_moved: bool
    pec: bool
    """A certified mailbox: its provider's envelopes and receipts are believed."""
    poll_seconds: int
    envelope: Envelope | None = None
    """How what answers this mailbox's mail leaves; ``None``: as the acknowledgements say."""


@dataclass(frozen=True, slots=True)
class ProjectAddress:
    """Where a project reads mail; ``confirmed`` once somebody there answered a test mail."""

    key: str
    line: int
    to: str
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Project:
    """One project. ``mode`` is the one in force."""

    code: str
    line: int
    name: str
    centre: str
    contact: str
    mode: Mode
    addresses: Mapping[str, ProjectAddress]
    domains: tuple[str, ...]
    """Whoever writes from here writes for the project: hand-backs count, mail is held."""
    urgent_forward_now: bool
    forward_as: ForwardAs
    takes_charge: bool = False
    """Its forwards carry a link by which it says that it has the case in hand."""
    remind_after_days: int = 0
    """Working days of silence after which it is reminded of a case once; 0: never."""
    area_confirmed: bool = False
    """By ATS, as a whole; while it is not, nobody can switch the project to *automatico* on the page."""
    comuni_confirmed: frozenset[str] = frozenset()
    """Comuni of the area that ATS has confirmed one by one."""
    weekly_digest: bool = False
    """Once a week it is told which cases it has not taken in charge."""

    def owns(self, address: str) -> bool:
        """Whether an address is one of the project's, or lies in its domains."""
        return any(same_mailbox(address, known.to) for known in self.addresses.values()) or any(
            matches_pattern(address, f"@{domain}") for domain in self.domains
        )


@dataclass(frozen=True, slots=True)
class Forward:
    """To a project's address; ``project`` may be ``ANY_PROJECT``."""

    project: str
    address_key: str


@dataclass(frozen=True, slots=True)
class Hold:
    """For a person, with one of ``HOLD_CODES``."""

    code: str


@dataclass(frozen=True, slots=True)
class File:
    """To one of ``FOLDER_KEYS``, without a person only on proof (design, decision 9)."""

    folder: str


Step = Forward | Hold | File


@dataclass(frozen=True, slots=True)
class Given:
    """The message that an example imagines."""

    territory: str
    """An answer of the guide; empty when ``comune`` is given."""
    comune: str
    topic: str
    language: str
    urgent: bool
    automatic: bool
    author: str
    subject: str
    mailbox: str


@dataclass(frozen=True, slots=True)
class Example:
    """What a rule's author expects of an imagined message, all modes set aside."""

    line: int
    given: Given
    expect: Step


NO_TEXT = "none"
"""``acknowledgement: none`` of a rule: what it decides is not acknowledged."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One routing rule; the first whose condition holds decides."""

    name: str
    line: int
    when: Condition
    then: Step
    examples: tuple[Example, ...]
    acknowledgement: str = ""
    """The text that families get for what this rule forwards: empty for the usual one, or ``NO_TEXT``."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What must be reached before anything is forwarded without a person."""

    min_confidence: float
    max_wrong: float
    """Share of automatic forwards that may be wrong (design, decision 7)."""
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UrgentRules:
    """Whom urgent mail is announced to, in order, and after how many minutes again."""

    on_call: tuple[str, ...]
    repeat_minutes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """One valid rules file. ``version`` is the first 12 hex digits of its SHA-256."""

    version: str
    text: str
    source: str
    service: Service
    mailboxes: Mapping[str, Mailbox]
    projects: Mapping[str, Project]
    rules: tuple[Rule, ...]
    thresholds: Thresholds
    forwards: ForwardRules
    acknowledgements: AcknowledgementRules
    urgent: UrgentRules
    alarms: tuple[str, ...]
    """Addresses that the service's own troubles are reported to."""
    places: Mapping[str, str]
    """Every comune that exists, with its ambito."""
    project_of: Mapping[str, str]
    """Comune to project code; a comune that is missing has no project."""
    offices: Mapping[str, Office] = field(default_factory=dict)
    daily_digest: DigestRules = field(default_factory=DigestRules)
    retention: RetentionRules = field(default_factory=RetentionRules)
    protocol: ProtocolRules = field(default_factory=ProtocolRules)

    def is_own(self, address: str) -> bool:
        """Whether an address is ours in any form."""
        return any(matches_pattern(address, pattern) for pattern in self.service.own_addresses)

    def project_of_address(self, address: str) -> str:
        """The code of the project that an address belongs to, or the empty text."""
        return next((code for code, project in self.projects.items() if project.owns(address)), "")
