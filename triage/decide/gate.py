"""The one gate: whether something may leave, and to whom. Nothing is sent without its leave.

In: a message, its decision, the rules, and what was sent before, as counts and times. Out: a
verdict with every reason against. It covers RFC 3834 in full, our own addresses and the projects'
in every form, and the limits that keep a mistake small. Limits stop acknowledgements, never
forwards. No I/O, no clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from triage.decide.answerable import is_rewritten_path, is_system_address, signs_against_answering
from triage.decide.decision import MOST_HOPS, DecisionContext, forwards_at_once
from triage.rules.addresses import AddressError, CheckedAddress, check_address
from triage.rules.types import DEFAULT_ADDRESS, MailboxRole, Rules
from triage.vocabulary import Action, Decision, InboundMessage, Mode, Reason

SAME_THREAD = timedelta(days=7)
"""RFC 3834 section 2: the same response not twice to the same address within seven days."""

_TEMPORARY = frozenset(
    {"inoltro_non_accettato", "limite_dominio", "limite_orario", "limite_casella", "ricevute_sospese"}
)


@dataclass(frozen=True, slots=True)
class AckHistory:
    """What is on record when an acknowledgement is considered; addresses compared by ``bare_form``.

    ``forward_accepted``: the message's forward has its 250. ``case_acknowledged``: this case got one
    already. ``last_in_thread``: when this address last got one in this thread. The counts are of
    acknowledgements to this address in 24 hours, and in the last hour to its domain and to anybody.
    """

    forward_accepted: bool
    case_acknowledged: bool
    last_in_thread: datetime | None
    to_address_last_day: int
    to_domain_last_hour: int
    total_last_hour: int


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
) -> GateVerdict:
    """Whether the author may be sent the acknowledgement now; only ever to the Return-Path (RFC 3834 section 4)."""
    codes = [
        *_against_mode(decision, rules),
        *_against_content(decision, context),
        *_against_author(message, rules),
        *_against_certified(message, rules),
        *_against_timing(rules, history, now, context),
        *context.brakes,
    ]
    address, path_codes = _reverse_path(message, rules)
    reasons = (*(Reason(code) for code in (*codes, *path_codes)), *signs_against_answering(message))
    if reasons or address is None:
        later = bool(reasons) and all(reason.code in _TEMPORARY for reason in reasons)
        return GateVerdict(False, "", False, reasons, later=later)
    return GateVerdict(True, address.addr_spec, address.needs_smtputf8, (), neutral=not history.forward_accepted)


def may_forward(
    decision: Decision,
    forward_path: str,
    rules: Rules,
    *,
    settled_by_person: bool = False,
    sick: frozenset[str] = frozenset(),
) -> GateVerdict:
    """Whether a message may be forwarded to ``forward_path`` under the rules as they are now.

    ``settled_by_person``: staff chose this destination; then neither *proposta* nor an unconfirmed
    address stands in the way. In *ombra* nothing leaves, whoever asks. ``sick`` are addresses, in lower
    case, that take no mail now.
    """
    codes: list[str] = []
    if decision.action is not Action.FORWARD and not forwards_at_once(decision):
        codes.append("nessun_inoltro")
    project = rules.projects.get(decision.project)
    current = project.addresses.get(decision.address_key) if project else None
    if project is None or current is None or current.to != forward_path:
        codes.append("indirizzo_non_attuale")
    mode = project.mode if project else rules.service.mode
    if mode is Mode.SHADOW:
        codes.append("modo_ombra")
    if mode is Mode.PROPOSAL and not settled_by_person:
        codes.append("modo_proposta")
    if current is not None and not current.confirmed and not settled_by_person:
        codes.append("indirizzo_non_confermato")
    if forward_path.casefold() in sick:
        codes.append("destinazione_malata")
    return _verdict(forward_path, codes, rules)


def calls_somebody(decision: Decision) -> bool:
    """Whether the on-call contact is to be told now: *avvisa il reperibile* (design, decision 4)."""
    return any(reason.code == "urgente" and bool(reason.params.get("avvisa")) for reason in decision.reasons)


def may_tell_project(code: str, forward_path: str, rules: Rules, sick: frozenset[str]) -> GateVerdict:
    """Whether a project may be reminded of what it has: at its first address, as carefully as it gets forwards."""
    project = rules.projects.get(code)
    if project is None or not project.takes_charge or project.addresses[DEFAULT_ADDRESS].to != forward_path:
        return _verdict(forward_path, ["indirizzo_non_attuale"], rules)
    codes = ["modo_ombra"] if Mode.SHADOW in (project.mode, rules.service.mode) else []
    if not project.addresses[DEFAULT_ADDRESS].confirmed:
        codes.append("indirizzo_non_confermato")
    if forward_path.casefold() in sick:
        codes.append("destinazione_malata")
    return _verdict(forward_path, codes, rules)


def may_notify(forward_path: str, rules: Rules) -> GateVerdict:
    """Whether staff may be sent a notice: only those on call or named for alarms, never ourselves (F2, F32).

    In *ombra* nothing leaves, notices included.
    """
    codes = [] if forward_path in (*rules.urgent.on_call, *rules.alarms) else ["indirizzo_non_attuale"]
    codes += against_any_notice(rules)
    return _verdict(forward_path, codes, rules)


def against_any_notice(rules: Rules) -> list[str]:
    """Why staff are told nothing at all, by whatever channel."""
    return ["modo_ombra"] if rules.service.mode is Mode.SHADOW else []


def _verdict(forward_path: str, codes: list[str], rules: Rules) -> GateVerdict:
    address, path_codes = _usable(forward_path, rules)
    reasons = tuple(Reason(code) for code in (*codes, *path_codes))
    if reasons or address is None:
        return GateVerdict(False, "", False, reasons)
    return GateVerdict(True, address.addr_spec, address.needs_smtputf8, ())


def _usable(text: str, rules: Rules) -> tuple[CheckedAddress | None, list[str]]:
    """An address that may be written on the wire and is not ours."""
    try:
        address = check_address(text)
    except AddressError:
        return None, ["indirizzo_non_valido"]
    return address, ["indirizzo_nostro"] if rules.is_own(text) else []


def _against_mode(decision: Decision, rules: Rules) -> list[str]:
    project = rules.projects.get(decision.project)
    mode = project.mode if project else rules.service.mode
    codes = [] if rules.acknowledgements.enabled else ["ricevute_disattivate"]
    return [*codes, "modo_ombra"] if mode is Mode.SHADOW else codes


def _against_content(decision: Decision, context: DecisionContext) -> list[str]:
    codes = []
    if decision.automatic:
        codes.append("automatica")
    elif not decision.acknowledge:
        codes.append("non_pertinente")
    if decision.action is Action.FILE:
        codes.append("archiviata")
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
    return codes


def _against_certified(message: InboundMessage, rules: Rules) -> list[str]:
    """Each answer to certified mail makes two receipts come back: only if the administrator wants it."""
    envelope = message.certified is not None and message.certified.trusted and not message.certified.kind.is_receipt
    return ["pec"] if envelope and not rules.acknowledgements.pec else []


def _reverse_path(message: InboundMessage, rules: Rules) -> tuple[CheckedAddress | None, list[str]]:
    """The Return-Path, if an acknowledgement may go there: null or missing is never guessed around."""
    path = message.reverse_path
    if path is None:
        return None, ["percorso_assente"]
    if not path.strip():
        # A null reverse-path marks a DSN or MDN. Answering it can start a loop
        # (RFC 5321 section 4.5.5, RFC 3834 section 2), so no rule may re-enable it.
        return None, ["percorso_nullo"]
    if len({value.strip().strip("<>").casefold() for value in message.header("Return-Path")}) > 1:
        return None, ["percorso_multiplo"]
    address, codes = _usable(path, rules)
    if is_system_address(path):
        codes.append("percorso_di_sistema")
    if rules.project_of_address(path):
        codes.append("percorso_di_progetto")
    if is_rewritten_path(path, [author.addr_spec for author in (message.author, *message.authors)]):
        codes.append("percorso_riscritto")
    return address, codes


def _against_timing(rules: Rules, history: AckHistory, now: datetime, context: DecisionContext) -> list[str]:
    limits = rules.acknowledgements
    codes = []
    waited = context.internal_date is not None and now - context.internal_date >= timedelta(
        hours=limits.neutral_after_hours
    )
    if not history.forward_accepted and not waited:
        codes.append("inoltro_non_accettato")
    if history.case_acknowledged:
        codes.append("caso_gia_avvisato")
    if history.last_in_thread is not None and now - history.last_in_thread < SAME_THREAD:
        codes.append("conversazione_gia_avvisata")
    if history.to_address_last_day >= limits.per_address_per_day:
        codes.append("limite_indirizzo")
    if history.to_domain_last_hour >= limits.per_domain_per_hour:
        codes.append("limite_dominio")
    if history.total_last_hour >= limits.per_hour_total:
        codes.append("limite_orario")
    return codes
