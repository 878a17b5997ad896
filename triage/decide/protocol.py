"""Whether a message must be entered in the agency's register of documents (*protocollo*), wherever it goes. Pure."""

from __future__ import annotations

from triage.decide.context import DecisionContext
from triage.decide.matching import Facts, holds
from triage.rules.types import Rules
from triage.vocabulary import Classification, Decision, InboundMessage, PecKind, Reason

TO_REGISTER = "da_protocollare"
PEC, RULE, PERSON = "pec", "regola", "persona"
"""Why: certified mail, what the rules name, or a person's word."""


def protocol_reason(
    message: InboundMessage, decision: Decision, classification: Classification, rules: Rules, context: DecisionContext
) -> Reason | None:
    """The reason that marks it, or ``None``. Receipts are papers of what we sent; a machine's mail is no document."""
    if rules.protocol.pec and is_certified(message):
        return Reason(TO_REGISTER, {"why": PEC})
    facts = Facts(
        language=classification.language,
        urgent=classification.urgent,
        automatic=classification.automatic,
        author=message.author.addr_spec,
        subject=message.subject,
        mailbox=context.mailbox,
    )
    wanted = any(holds(when, facts, decision.territory, decision.topic) for when in rules.protocol.when)
    return Reason(TO_REGISTER, {"why": RULE}) if wanted and not classification.automatic_proved else None


def is_certified(message: InboundMessage) -> bool:
    """Whether it is a person's message in an envelope that may be believed. An anomaly is ordinary mail."""
    certified = message.certified
    return certified is not None and certified.trusted and certified.kind is PecKind.TRANSPORT
