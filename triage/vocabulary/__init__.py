"""The words of the service as frozen types, in the order in which mail flows.

``FetchedMessage -> InboundMessage -> Classification -> Decision -> Dispatch -> Attempt``

Nothing here imports anything of ours but its own pages, does I/O or reads a clock. Label codes are those of the
labelling guide (Italian, because staff see them); everything else uses the mail standards' terms.
All times are timezone-aware UTC. All offsets are in characters of the named text, end exclusive.
"""

from triage.vocabulary.certified import PecData, PecKind, SignatureState
from triage.vocabulary.deciding import Action, Decision, Mode, RuleTried
from triage.vocabulary.inbound import (
    Address,
    Attachment,
    CertifiedMail,
    Defect,
    FetchedMessage,
    InboundMessage,
    ListedMessage,
    MessageKey,
)
from triage.vocabulary.labels import (
    NOBODY,
    NOT_FOR_US,
    OUTSIDE,
    PROJECT_TOPICS,
    SEVERAL,
    SPECIAL_TERRITORIES,
    STAFF,
    TOPICS,
    UNCOVERED,
    UNSTATED,
    Reason,
)
from triage.vocabulary.reading import SECOND_HAND, Acceptance, Classification, PlaceMention, Role
from triage.vocabulary.reported import Report, ReportedRecipient, ReportKind
from triage.vocabulary.states import (
    TO_FAMILIES,
    WRITTEN_BY_STAFF,
    AttemptOutcome,
    DispatchKind,
    DispatchState,
    MessageState,
    SubmissionResult,
)

__all__ = [
    "NOBODY",
    "NOT_FOR_US",
    "OUTSIDE",
    "PROJECT_TOPICS",
    "SECOND_HAND",
    "SEVERAL",
    "SPECIAL_TERRITORIES",
    "STAFF",
    "TOPICS",
    "TO_FAMILIES",
    "UNCOVERED",
    "UNSTATED",
    "WRITTEN_BY_STAFF",
    "Acceptance",
    "Action",
    "Address",
    "Attachment",
    "AttemptOutcome",
    "CertifiedMail",
    "Classification",
    "Decision",
    "Defect",
    "DispatchKind",
    "DispatchState",
    "FetchedMessage",
    "InboundMessage",
    "ListedMessage",
    "MessageKey",
    "MessageState",
    "Mode",
    "PecData",
    "PecKind",
    "PlaceMention",
    "Reason",
    "Report",
    "ReportKind",
    "ReportedRecipient",
    "Role",
    "RuleTried",
    "SignatureState",
    "SubmissionResult",
]
