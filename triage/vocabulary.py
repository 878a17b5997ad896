"""The words of the service as frozen types, in the order in which mail flows.

``FetchedMessage -> InboundMessage -> Classification -> Decision -> Dispatch -> Attempt``

Nothing here imports anything of ours (but a page of its own), does I/O or reads a clock. Label codes are those of the
labelling guide (Italian, because staff see them); everything else uses the mail standards' terms.
All times are timezone-aware UTC. All offsets are in characters of the named text, end exclusive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from triage.reported import Report as Report
from triage.reported import ReportedRecipient as ReportedRecipient
from triage.reported import ReportKind as ReportKind

# --------------------------------------------------------------------------- labels of the guide

TOPICS: tuple[str, ...] = (
    "orientamento",
    "genitorialita",
    "ascolto",
    "laboratori",
    "eventi",
    "rete",
    "sperimentazione",
    "reclamo",
    "altro_servizio",
    "non_pertinente",
)
"""The ten values of ``argomento``."""

PROJECT_TOPICS: frozenset[str] = frozenset(TOPICS[:6])
"""Topics that a project answers; the others are for staff or for nobody."""

UNCOVERED = "scoperto"
OUTSIDE = "fuori_ats"
SEVERAL = "multiplo"
UNSTATED = "non_indicato"
SPECIAL_TERRITORIES: tuple[str, ...] = (UNCOVERED, OUTSIDE, SEVERAL, UNSTATED)
"""Values of ``territorio`` that are no project; all other values are project codes (data)."""

STAFF = "operatore"
NOBODY = "nessuna"
"""Values of ``destinazione`` beside the project codes."""


# --------------------------------------------------------------------------- reasons


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something was decided: a stable code with parameters, worded in Italian only when shown.

    ``params`` hold codes, official place names, numbers and offsets ("start", "end", "where"),
    never words copied from a message, so that reasons may be kept after the octets are gone.
    """

    code: str
    params: Mapping[str, str | int | float | bool] = field(default_factory=dict)


# --------------------------------------------------------------------------- intake


@dataclass(frozen=True, slots=True)
class MessageKey:
    """Names one appearance of octets for ever (RFC 3501 section 2.3.1.1)."""

    mailbox: str
    uid_validity: int
    uid: int


@dataclass(frozen=True, slots=True)
class ListedMessage:
    """What the server says of a message before its octets are fetched; sizes are not believed."""

    uid: int
    size: int
    internal_date: datetime | None
    message_id: str = ""
    """Only asked for where it tells old mail from new; empty otherwise."""


@dataclass(frozen=True, slots=True)
class FetchedMessage:
    """Octets of one message exactly as the server gave them."""

    uid: int
    octets: bytes
    internal_date: datetime | None = None


# --------------------------------------------------------------------------- parse


@dataclass(frozen=True, slots=True)
class Address:
    """One mailbox of an address header field: cleaned display name and addr-spec (may be empty)."""

    display_name: str
    addr_spec: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A listed, never opened, part. ``file_name`` is cleaned; ``size`` is decoded octets."""

    file_name: str
    content_type: str
    size: int
    inline: bool = False


@dataclass(frozen=True, slots=True)
class Defect:
    """Something malformed that was tolerated; kept and shown. ``detail`` holds no mail content."""

    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """A received message as far as it can be read. Building one never raises (see ``parse``).

    ``new_text`` is what this author wrote now; ``quoted_text`` and ``signature`` were cut from it.
    A forward's content counts as ``new_text`` ("Vi giro questa" plus the message below).
    ``header_fields`` keeps the whole header section, decoded, in order, names as written.
    """

    message_id: str
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    date: datetime | None
    author: Address
    authors: tuple[Address, ...]
    sender: Address | None
    reply_to: tuple[Address, ...]
    recipients: tuple[Address, ...]
    """To, Cc and Resent-To/Cc, in order."""
    reverse_path: str | None
    """From Return-Path: "" is the null path, ``None`` when the field is absent."""
    subject: str
    new_text: str
    quoted_text: str
    signature: str
    is_forward: bool
    attachments: tuple[Attachment, ...]
    header_fields: tuple[tuple[str, str], ...]
    content_type: str
    """Top-level media type, lower case, e.g. ``multipart/report``."""
    content_type_params: Mapping[str, str]
    size: int
    defects: tuple[Defect, ...] = ()
    report: Report | None = None
    certified: CertifiedMail | None = None
    """Present when the header section claims certified mail (PEC)."""

    def header(self, name: str) -> tuple[str, ...]:
        """All values of a header field, in order; names compare without case."""
        wanted = name.lower()
        return tuple(value for key, value in self.header_fields if key.lower() == wanted)


class PecKind(StrEnum):
    """What a message of certified mail is; the receipts' values are those of X-Ricevuta."""

    TRANSPORT = "posta-certificata"
    ANOMALY = "anomalia"
    """Ordinary mail that reached a certified mailbox: the provider vouches for nothing in it."""
    ACCEPTANCE = "accettazione"
    NON_ACCEPTANCE = "non-accettazione"
    TAKEN_IN_CHARGE = "presa-in-carico"
    DELIVERED = "avvenuta-consegna"
    DELIVERY_ERROR = "errore-consegna"
    DELIVERY_WARNING = "preavviso-errore-consegna"
    VIRUS = "rilevazione-virus"

    @property
    def is_receipt(self) -> bool:
        """A provider's word about a mail; an envelope around somebody's mail otherwise."""
        return self not in (PecKind.TRANSPORT, PecKind.ANOMALY)


class SignatureState(StrEnum):
    """What the provider's signature says of the octets; never that it is legally valid."""

    INTACT = "intatta"
    ALTERED = "alterata"
    UNVERIFIABLE = "non verificabile"


@dataclass(frozen=True, slots=True)
class PecData:
    """What daticert.xml says; empty texts where it says nothing. ``damaged``: read from broken XML."""

    kind: str = ""
    error: str = ""
    """``nessuno``, ``no-dest``, ``no-dominio``, ``virus``, ``altro``."""
    error_detail: str = ""
    message_id: str = ""
    identifier: str = ""
    provider: str = ""
    delivered_to: str = ""
    """Of a receipt about one recipient: whom."""
    time: datetime | None = None
    """The certified time."""
    damaged: bool = False


@dataclass(frozen=True, slots=True)
class CertifiedMail:
    """What makes a message certified mail, as its header section claims; ``trusted`` says if it may be believed."""

    kind: PecKind
    reference: str
    """X-Riferimento-Message-ID: the Message-ID that the sender's program gave."""
    signature: SignatureState
    certificates: tuple[str, ...] = ()
    """The signer's certificate first, then others that came along; DER in base64."""
    data: PecData | None = None
    inner: InboundMessage | None = None
    """The person's own message, of an envelope."""
    message_ids: tuple[str, ...] = ()
    """Message-IDs of messages quoted inside the inner one, as in a delivery report."""
    trusted: bool = False
    recognised: bool = False
    """The signer's certificate leads to a trust anchor that the administrator gave."""


# --------------------------------------------------------------------------- classify


class Role(StrEnum):
    """Why a place is mentioned (guide, section 1)."""

    REQUESTED_DESK = "sportello_chiesto"
    RESIDENCE = "residenza"
    MOVING_TO = "trasferimento"
    SCHOOL = "scuola"
    SIGNATURE = "firma"
    ORGANISATION = "organizzazione"
    WORK = "lavoro"
    RELATIVES = "parenti"
    HOSPITAL = "ospedale"
    STREET = "via"
    SURNAME = "cognome"
    COMMON_WORD = "parola_comune"
    QUOTED = "citato"
    FOOTER = "piede"
    NEGATED = "negato"
    OTHER = "altro"


@dataclass(frozen=True, slots=True)
class PlaceMention:
    """One mention of a place: where it stands, what it may mean, and in which role.

    ``comuni`` are official names of comuni in the two provinces that it may mean (several when
    ambiguous; empty for a place outside). ``where`` is subject, text, quoted or signature.
    """

    where: str
    start: int
    end: int
    kind: str
    """comune, former_comune, hamlet, area, cap, prefix, centre, outside, unknown."""
    comuni: tuple[str, ...]
    role: Role
    weight: float
    """How much it counts for the answer, 0 (nothing) to 1 (decides)."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """How far the rules' own probability of a destination may be trusted (design, decision 7).

    The probability that the destination is right has the logit ``slope * logit(raw) + offset``, where
    ``raw`` is the summed probability of the pairs of territory and topic that lead there. ``levels``
    are (share that may be wrong, least probability that keeps to it), both rising; empty: no promise.
    """

    slope: float = 1.0
    offset: float = 0.0
    levels: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Classification:
    """What the message is about. Knows places and topics, never projects.

    ``comune_scores`` maps official comune names to probabilities; together with ``outside``
    (a place beyond the two provinces) and ``unstated`` they sum to 1. ``several`` is the
    probability that two places or families need different answers.
    """

    comune_scores: Mapping[str, float]
    outside: float
    unstated: float
    several: float
    places: tuple[PlaceMention, ...]
    topic: str
    topic_scores: Mapping[str, float]
    urgent: bool
    """*Da leggere oggi* (design, decision 4)."""
    alert: bool
    """*Avvisa il reperibile*: rarer than ``urgent``, implies it."""
    language: str
    language_confidence: float
    automatic: bool
    automatic_proved: bool
    """Header fields, not just the text, prove that a machine sent it (design, decision 9)."""
    reasons: tuple[Reason, ...]
    model_version: str
    acceptance: Acceptance = Acceptance()


# --------------------------------------------------------------------------- decide


class Action(StrEnum):
    """What a decision does with a message (the ``esito`` of ``triage classify``)."""

    FORWARD = "inoltra"
    HOLD = "trattieni"
    FILE = "archivia"


class Mode(StrEnum):
    """How much a project lets the service do by itself (design, decision 8)."""

    SHADOW = "ombra"
    PROPOSAL = "proposta"
    AUTOMATIC = "automatico"


@dataclass(frozen=True, slots=True)
class RuleTried:
    """One routing rule and whether it matched; ``line`` is its place in routing_rules.yaml."""

    name: str
    line: int
    matched: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """One generation of what shall happen to a message; pure function of message and rules.

    ``destination`` is the guide's ``destinazione`` (best guess, also when held). ``project`` and
    ``address_key`` name where a forward goes ("oglio_po", "piano"), empty unless ``action`` is
    FORWARD or the hold carries a proposal. ``forward_path`` is that address itself.
    """

    action: Action
    destination: str
    territory: str
    topic: str
    urgent: bool
    language: str
    automatic: bool
    acknowledge: bool
    """The guide's ``ricevuta``: may be acknowledged as far as the content goes; the gate decides."""
    confidence: float
    """Probability that the destination is right, 0..1."""
    project: str
    address_key: str
    forward_path: str
    rules_tried: tuple[RuleTried, ...]
    reasons: tuple[Reason, ...]
    rules_version: str
    model_version: str


# --------------------------------------------------------------------------- states of the record


class MessageState(StrEnum):
    """Where a message stands in the flow; every change is one transaction with its audit row."""

    LISTED = "listed"
    BASELINE = "baseline"
    """There before the service started; recorded, nothing leaves."""
    VANISHED = "vanished"
    """Listed, then taken away by somebody before its octets were read."""
    UNREADABLE = "unreadable"
    """Still listed, but the server would not give its octets after repeated tries."""
    OVERSIZE = "oversize"
    """Over the size limit: header section kept, held for a person, left in the mailbox."""
    RECEIVED = "received"
    DECIDED = "decided"
    """A forward, or the filing of proven automatic mail, is on its way."""
    FORWARDED = "forwarded"
    FILED = "filed"
    HELD = "held"
    QUARANTINED = "quarantined"
    MATCHED = "matched"
    """The same message as an earlier row, found again (UIDVALIDITY change or second mailbox)."""
    ERASED = "erased"


class DispatchKind(StrEnum):
    """What an outgoing message is. Order of work: notices, forwards, the rest."""

    NOTICE = "notice"
    FORWARD = "forward"
    ACKNOWLEDGEMENT = "acknowledgement"
    QUESTION = "question"
    """Asks the family for their comune, and for nothing else."""
    REROUTE = "reroute"
    """Tells the family that their case is with another centre now."""


TO_FAMILIES: frozenset[DispatchKind] = frozenset(
    {DispatchKind.ACKNOWLEDGEMENT, DispatchKind.QUESTION, DispatchKind.REROUTE}
)
"""What families get from the service itself; of each kind a case has at most one (design, decision 3)."""


class DispatchState(StrEnum):
    """Life of one outgoing message to one recipient."""

    PENDING = "pending"
    SUBMITTING = "submitting"
    """Committed before SMTP speaks; only what is on the wire is in this state."""
    ACCEPTED = "accepted"
    CANCELLED = "cancelled"
    FAILED = "failed"
    """Permanent refusal, five days of transient ones, or too many unknown outcomes."""
    UNKNOWN = "unknown"
    """DATA ended without a reply, and it will not be sent again (acknowledgements)."""
    RETURNED = "returned"
    """Accepted by the next server, and a report says that it did not arrive."""


class AttemptOutcome(StrEnum):
    """How one try of one dispatch ended."""

    ACCEPTED = "accepted"
    TRANSIENT = "transient"
    PERMANENT = "permanent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SubmissionResult:
    """What the SMTP server answered to one dispatch (RFC 5321, RFC 3463).

    ``stage`` is connect, mail, rcpt or data; ``code`` is 0 when no reply came. ``text`` is the
    server's words: stored for staff, never logged.
    """

    outcome: AttemptOutcome
    stage: str
    code: int = 0
    enhanced_status: str = ""
    text: str = ""
