"""From a classification to a decision, and the gate for everything that leaves. Pure."""

from triage.decide.decision import DecisionContext, decide, filing_folder, forwards_at_once
from triage.decide.examples import check_examples
from triage.decide.gate import (
    AckHistory,
    GateVerdict,
    against_any_notice,
    calls_somebody,
    may_acknowledge,
    may_forward,
    may_notify,
    may_tell_project,
)
from triage.decide.territory import TerritoryScores, territory_of

__all__ = [
    "AckHistory",
    "DecisionContext",
    "GateVerdict",
    "TerritoryScores",
    "against_any_notice",
    "calls_somebody",
    "check_examples",
    "decide",
    "filing_folder",
    "forwards_at_once",
    "may_acknowledge",
    "may_forward",
    "may_notify",
    "may_tell_project",
    "territory_of",
]
