"""The gate for what projects and staff get: forwards, reminders, notices. Part of the one gate; see ``gate``.

In: a decision, an address and the rules of this moment. Out: a verdict with every reason against. No limit stops a
forward or a notice. No I/O, no clock.
"""

from __future__ import annotations

from triage.decide.decision import forwards_at_once
from triage.decide.gate import GateVerdict
from triage.decide.recipient import usable
from triage.rules.types import DEFAULT_ADDRESS, Rules
from triage.vocabulary import Action, Decision, Mode, Reason

CHOSEN_BY_PERSON = "scelto_da_una_persona"
"""The first reason of a decision that staff have made."""
ALSO = "anche"
"""Its ``why`` where the centre gets a message that another keeps."""


def may_forward(
    decision: Decision,
    forward_path: str,
    rules: Rules,
    *,
    sick: frozenset[str] = frozenset(),
) -> GateVerdict:
    """Whether a message may be forwarded to ``forward_path`` under the rules as they are now.

    Where staff chose the destination, neither *proposta* nor an unconfirmed address stands in the way. In
    *ombra* nothing leaves, whoever asks. ``sick`` are addresses, in lower case, that take no mail now.
    """
    codes: list[str] = []
    chosen = is_chosen_by_person(decision)
    if decision.action is not Action.FORWARD and not forwards_at_once(decision):
        codes.append("nessun_inoltro")
    project = rules.projects.get(decision.project)
    current = project.addresses.get(decision.address_key) if project else None
    if project is None or current is None or current.to != forward_path:
        codes.append("indirizzo_non_attuale")
    mode = project.mode if project else rules.service.mode
    if mode is Mode.SHADOW:
        codes.append("modo_ombra")
    if mode is Mode.PROPOSAL and not chosen:
        codes.append("modo_proposta")
    if current is not None and not current.confirmed and not chosen:
        codes.append("indirizzo_non_confermato")
    if forward_path.casefold() in sick:
        codes.append("destinazione_malata")
    return _verdict(forward_path, codes, rules)


def is_chosen_by_person(decision: Decision) -> bool:
    """Whether staff chose where the message goes."""
    return any(reason.code == CHOSEN_BY_PERSON for reason in decision.reasons)


def is_further(decision: Decision) -> bool:
    """Whether staff chose a further centre, beside the one that has the message."""
    return any(reason.code == CHOSEN_BY_PERSON and reason.params.get("why") == ALSO for reason in decision.reasons)


def centres_of(decision: Decision) -> tuple[str, ...]:
    """The projects that have a message once it is sent as decided: those that keep it, then the one chosen."""
    kept = (str(one.params.get("with", "")) for one in decision.reasons if one.code == CHOSEN_BY_PERSON)
    others = tuple(code for codes in kept for code in codes.split(",") if code and code != decision.project)
    return (*dict.fromkeys(others), decision.project)


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


def may_test_address(code: str, forward_path: str, rules: Rules) -> GateVerdict:
    """Whether a project's address may be sent the test mail that confirms it: it must be one of the rules' now.

    A test is how one learns that a sick address works again. In *ombra* nothing leaves.
    """
    project = rules.projects.get(code)
    if project is None or all(address.to != forward_path for address in project.addresses.values()):
        return _verdict(forward_path, ["indirizzo_non_attuale"], rules)
    return _verdict(forward_path, ["modo_ombra"] if project.mode is Mode.SHADOW else [], rules)


def may_notify(forward_path: str, rules: Rules) -> GateVerdict:
    """Whether staff may be sent a notice: only those who are named for it in the rules, never ourselves (F2, F32).

    In *ombra* nothing leaves, notices included.
    """
    named = (*rules.urgent.on_call, *rules.alarms, *rules.daily_digest.to)
    codes = [] if forward_path in named else ["indirizzo_non_attuale"]
    codes += against_any_notice(rules)
    return _verdict(forward_path, codes, rules)


def may_test_mailbox(forward_path: str, rules: Rules) -> GateVerdict:
    """Whether the service may write to itself: to a watched mailbox's address alone. In *ombra* nothing leaves."""
    watched = any(mailbox.address == forward_path for mailbox in rules.mailboxes.values())
    verdict = _verdict(forward_path, ([] if watched else ["indirizzo_non_attuale"]) + against_any_notice(rules), rules)
    against = tuple(reason for reason in verdict.reasons if reason.code != "indirizzo_nostro")
    if against:
        return GateVerdict(False, "", False, against)
    return GateVerdict(True, forward_path, not forward_path.isascii(), ())


def against_any_notice(rules: Rules) -> list[str]:
    """Why staff are told nothing at all, by whatever channel."""
    return ["modo_ombra"] if rules.service.mode is Mode.SHADOW else []


def _verdict(forward_path: str, codes: list[str], rules: Rules) -> GateVerdict:
    address, path_codes = usable(forward_path, rules)
    reasons = tuple(Reason(code) for code in (*codes, *path_codes))
    if reasons or address is None:
        return GateVerdict(False, "", False, reasons)
    return GateVerdict(True, address.addr_spec, address.needs_smtputf8, ())
