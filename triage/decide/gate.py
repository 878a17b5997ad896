"""The one gate: whether something may leave, and to whom. Nothing is sent without its leave.

Here is what families get; ``gate_staff`` has what projects and staff get.

In: a message, its decision, the rules, and what was sent before, as counts and times. Out: a
verdict with every reason against. It covers RFC 3834 in full, our own addresses and the projects'
in every form, and the limits that keep a mistake small. Limits stop acknowledgements, never
forwards. No I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from triage.decide.answerable import is_system_address, signs_against_answering
from triage.decide.context import DecisionContext
from triage.decide.decision import MOST_HOPS
from triage.decide.recipient import Recipient, recipient_of
from triage.rules.types import NO_TEXT, MailboxRole, Rule, Rules
from triage.vocabulary import NOT_FOR_US, PROJECT_TOPICS, Action, Decision, InboundMessage, Mode, Reason

SAME_THREAD = timedelta(days=7)
"""RFC 3834 section 2: the same response not twice to the same address within seven days."""

ONLY_THE_PLACE_IS_MISSING = "territorio_non_indicato"
"""The one reason of holding that a family can lift by naming their comune."""

TEMPORARY = frozenset(
    {"inoltro_non_accettato", "attesa_annullamento", "limite_dominio", "limite_orario"}
    | {"limite_casella", "ricevute_sospese", "ricevuta_rimandata"}
)
"""Reasons against an acknowledgement that pass by themselves."""
_ONCE_A_DAY = frozenset({"limite_indirizzo"})
"""Passes too, but whoever gets three acknowledgements a day needs no fourth the day after."""
_OF_THE_FORM = frozenset({"auto_submitted", "precedenza", "automatica", "mittente_di_sistema"})
"""What speaks against an author, and not against the person whom a listed web form names."""


@dataclass(frozen=True, slots=True)
class AckHistory:
    """What is on record when an acknowledgement is considered; addresses compared by ``bare_form``.

    ``forward_accepted``: the message's forward has its 250. ``case_acknowledged``: this case got one
    already. ``last_in_thread``: when this address last got one in this thread. The counts are of
    acknowledgements (and questions and notices of a new centre) to this address in 24 hours, and in
    the last hour to its domain and to anybody. ``forwarded_at`` is when the forward got its 250.
    """

    forward_accepted: bool
    case_acknowledged: bool
    last_in_thread: datetime | None
    to_address_last_day: int
    to_domain_last_hour: int
    total_last_hour: int
    forwarded_at: datetime | None = None
    held_back: str = ""
    """What staff said of this case's acknowledgement: ``ricevuta_fermata`` for good, ``ricevuta_rimandata`` for now."""


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """Whether something may leave to ``forward_path`` (empty when not), and all that speaks against.

    ``neutral``: the text must name no centre, since no forward was accepted. ``later``: only
    reasons that pass stand against it, so it may be asked again.
    """

    allowed: bool
    forward_path: str
    needs_smtputf8: bool
    reasons: tuple[Reason, ...]
    neutral: bool = False
    later: bool = False


def may_acknowledge(
    message: InboundMessage,
    decision: Decision,
    rules: Rules,
    history: AckHistory,
    now: datetime,
    context: DecisionContext,
    *,
    asks: bool = False,
) -> GateVerdict:
    """Whether the author may be sent the acknowledgement now, and where to (see ``recipient``).

    ``asks``: it asks for the comune as well, so it waits for no forward.
    """
    rule = applied_rule(decision, rules)
    codes = [
        *_against_mode(decision, rules),
        *([history.held_back] if history.held_back else []),
        *(["ricevuta_esclusa"] if rule is not None and rule.acknowledgement == NO_TEXT else []),
        *_against_content(decision, context),
        *_against_author(message, rules),
        *([] if asks else _against_haste(rules, history, now, context)),
        *_against_repeating(history, now),
        *against_limits(rules, history, context.brakes),
    ]
    verdict = _to_family(codes, message, rules, context, TEMPORARY)
    return replace(verdict, neutral=not history.forward_accepted) if verdict.allowed else verdict


def may_ask(
    message: InboundMessage,
    decision: Decision,
    rules: Rules,
    history: AckHistory,
    context: DecisionContext,
    *,
    by_person: bool,
) -> GateVerdict:
    """Whether the family may be asked for their comune: only that is missing. Once a case is the record's matter.

    ``by_person``: staff ask. Then acknowledgements need not be switched on, and old mail may be asked about;
    where it may go is the same.
    """
    codes = [*_against_mode(decision, rules), *_against_content(decision, context)]
    codes = [code for code in codes if not (by_person and code in ("ricevute_disattivate", "posta_vecchia"))]
    codes += [*_against_author(message, rules), *against_limits(rules, history, context.brakes)]
    if not only_place_is_missing(decision):
        codes.append("domanda_non_serve")
    return _to_family(codes, message, rules, context, TEMPORARY | _ONCE_A_DAY)


def may_tell_of_reroute(
    message: InboundMessage, decision: Decision, rules: Rules, history: AckHistory, context: DecisionContext
) -> GateVerdict:
    """Whether the family may be told that another centre has their message now: after that centre's 250."""
    codes = [
        *_against_mode(decision, rules),
        *_against_content(decision, context),
        *_against_author(message, rules),
        *against_limits(rules, history, context.brakes),
    ]
    if not history.forward_accepted:
        codes.append("inoltro_non_accettato")
    if decision.project not in rules.projects:
        codes.append("indirizzo_non_attuale")
    return _to_family(codes, message, rules, context, TEMPORARY | _ONCE_A_DAY)


def only_place_is_missing(decision: Decision) -> bool:
    """Whether the place alone keeps a message from its project."""
    codes = {reason.code for reason in decision.reasons}
    return (
        decision.action is Action.HOLD
        and not decision.urgent
        and decision.topic in PROJECT_TOPICS
        and bool(decision.reasons)
        and decision.reasons[0].code == ONLY_THE_PLACE_IS_MISSING
        and not codes & {"da_noi", "dal_progetto", "difetti_gravi", "posta_indesiderata", "troppi_passaggi"}
    )


def applied_rule(decision: Decision, rules: Rules) -> Rule | None:
    """The rule that decided, as it stands in the rules of this moment; ``None`` when it is gone."""
    name = next((reason.params.get("rule") for reason in decision.reasons if reason.code == "regola_applicata"), None)
    return next((rule for rule in rules.rules if rule.name == name), None)


def _to_family(
    codes: list[str], message: InboundMessage, rules: Rules, context: DecisionContext, passing: frozenset[str]
) -> GateVerdict:
    """The verdict on one address of a family, with everything that the message itself says against answering."""
    recipient: Recipient = recipient_of(message, rules, context)
    reasons = [*(Reason(code) for code in (*codes, *recipient.codes)), *signs_against_answering(message)]
    if recipient.by_web_form:
        reasons = [reason for reason in reasons if reason.code not in _OF_THE_FORM]
    if reasons or recipient.address is None:
        later = bool(reasons) and all(reason.code in passing for reason in reasons)
        return GateVerdict(False, "", False, tuple(reasons), later=later)
    return GateVerdict(True, recipient.address.addr_spec, recipient.address.needs_smtputf8, ())


def _against_mode(decision: Decision, rules: Rules) -> list[str]:
    project = rules.projects.get(decision.project)
    mode = project.mode if project else rules.service.mode
    codes = [] if rules.acknowledgements.enabled else ["ricevute_disattivate"]
    return [*codes, "modo_ombra"] if mode is Mode.SHADOW else codes


def _against_content(decision: Decision, context: DecisionContext) -> list[str]:
    codes = []
    if decision.automatic:
        codes.append("automatica")
    if decision.topic == NOT_FOR_US or not (decision.acknowledge or decision.automatic):
        codes.append("non_pertinente")
    if decision.action is Action.FILE:
        codes.append("chiuso_senza_centro")
    if context.is_old:
        codes.append("posta_vecchia")
    if context.role is MailboxRole.JUNK:
        codes.append("posta_indesiderata")  # an answer would tell a spammer, or whomever he names, that we read it
    if context.is_own_loop:
        codes.append("da_noi")
    if context.received_count > MOST_HOPS:
        codes.append("troppi_passaggi")
    return codes


def _against_author(message: InboundMessage, rules: Rules) -> list[str]:
    """Who wrote, and whether it was written to us (RFC 3834 section 2; RFC 5230 section 4.5)."""
    senders = [address.addr_spec for address in (message.author, *message.authors) if address.addr_spec]
    if message.sender is not None and message.sender.addr_spec:
        senders.append(message.sender.addr_spec)
    codes = []
    if not message.author.addr_spec:
        codes.append("mittente_assente")
    if any(is_system_address(address) for address in senders):
        codes.append("mittente_di_sistema")
    if any(rules.is_own(address) for address in senders):
        codes.append("da_noi")
    if any(rules.project_of_address(address) for address in senders):
        codes.append("dal_progetto")
    if not any(rules.is_own(address.addr_spec) for address in message.recipients):
        codes.append("non_indirizzata_a_noi")
    return [*codes, *_against_certified(message, rules)]


def _against_certified(message: InboundMessage, rules: Rules) -> list[str]:
    """Each answer to certified mail makes two receipts come back: only if the administrator wants it."""
    envelope = message.certified is not None and message.certified.trusted and not message.certified.kind.is_receipt
    return ["pec"] if envelope and not rules.acknowledgements.pec else []


def _against_haste(rules: Rules, history: AckHistory, now: datetime, context: DecisionContext) -> list[str]:
    """It leaves after the forward's 250 and the time to undo, or after some hours without a centre's name."""
    limits = rules.acknowledgements
    if history.forward_accepted:
        undo = timedelta(minutes=limits.undo_minutes)
        waits = history.forwarded_at is not None and now - history.forwarded_at < undo
        return ["attesa_annullamento"] if waits else []
    patience = timedelta(hours=limits.neutral_after_hours)
    waited = context.internal_date is not None and now - context.internal_date >= patience
    return [] if waited else ["inoltro_non_accettato"]


def _against_repeating(history: AckHistory, now: datetime) -> list[str]:
    codes = []
    if history.case_acknowledged:
        codes.append("caso_gia_avvisato")
    if history.last_in_thread is not None and now - history.last_in_thread < SAME_THREAD:
        codes.append("conversazione_gia_avvisata")
    return codes


def against_limits(rules: Rules, history: AckHistory, brakes: Sequence[str]) -> list[str]:
    """The caps and the breaker; everything that families get counts."""
    limits = rules.acknowledgements
    codes = []
    if history.to_address_last_day >= limits.per_address_per_day:
        codes.append("limite_indirizzo")
    if history.to_domain_last_hour >= limits.per_domain_per_hour:
        codes.append("limite_dominio")
    if history.total_last_hour >= limits.per_hour_total:
        codes.append("limite_orario")
    return [*codes, *brakes]
