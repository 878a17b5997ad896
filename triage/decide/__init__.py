"""From a classification to a decision, and the gate for everything that leaves. Pure."""

from triage.decide.answerable import is_carried, is_system_address
from triage.decide.context import DecisionContext
from triage.decide.decision import decide, filing_folder, forwards_at_once
from triage.decide.examples import check_examples
from triage.decide.gate import AckHistory, GateVerdict, against_limits, may_acknowledge, may_ask, may_tell_of_reroute
from triage.decide.gate_people import may_recall, may_write
from triage.decide.gate_staff import (
    against_any_notice,
    calls_somebody,
    is_chosen_by_person,
    may_forward,
    may_notify,
    may_tell_project,
    may_test_address,
    may_test_mailbox,
)
from triage.decide.passed_on import family_behind, is_staff
from triage.decide.recipient import participant_of, recipient_of
from triage.decide.territory import TerritoryScores, territory_of

__all__ = [
    "AckHistory",
    "DecisionContext",
    "GateVerdict",
    "TerritoryScores",
    "against_any_notice",
    "against_limits",
    "calls_somebody",
    "check_examples",
    "decide",
    "family_behind",
    "filing_folder",
    "forwards_at_once",
    "is_carried",
    "is_chosen_by_person",
    "is_staff",
    "is_system_address",
    "may_acknowledge",
    "may_ask",
    "may_forward",
    "may_notify",
    "may_recall",
    "may_tell_of_reroute",
    "may_tell_project",
    "may_test_address",
    "may_test_mailbox",
    "may_write",
    "participant_of",
    "recipient_of",
    "territory_of",
]
