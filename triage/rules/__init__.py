"""routing_rules.yaml: read, validated whole, and turned into plain frozen objects."""

from triage.rules.doubts import doubts_about
from triage.rules.load import load_rules, parse_rules
from triage.rules.problems import Problem, RulesError
from triage.rules.types import Mailbox, MailboxRole, Project, ProjectAddress, Rule, Rules, Service

__all__ = [
    "Mailbox",
    "MailboxRole",
    "Problem",
    "Project",
    "ProjectAddress",
    "Rule",
    "Rules",
    "RulesError",
    "Service",
    "doubts_about",
    "load_rules",
    "parse_rules",
]
