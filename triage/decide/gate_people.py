"""The gate for what people write: answers and referrals to families, recalls to projects. Part of the one gate.

In: a message, an address and the rules of this moment. Out: a verdict with every reason against. A person has read the
message and chosen: what speaks against an *automatic* answer (RFC 3834) does not count, and neither do the limits;
where mail may never go is the same. No I/O, no clock.
"""

from __future__ import annotations

from triage.decide.gate import GateVerdict
from triage.decide.recipient import usable
from triage.rules.addresses import AddressError, check_address
from triage.rules.types import Rules
from triage.vocabulary import InboundMessage, Mode, Reason


def may_write(message: InboundMessage, rules: Rules) -> GateVerdict:
    """Whether staff may write to this family now, and where to: its Reply-To, else the author, as any answer goes."""
    codes = ["modo_ombra"] if rules.service.mode is Mode.SHADOW else []
    for text in (*(address.addr_spec for address in message.reply_to), message.author.addr_spec):
        try:
            check_address(text)
        except AddressError:
            continue
        address, against = usable(text, rules)
        if rules.project_of_address(text):
            against.append("percorso_di_progetto")
        reasons = tuple(Reason(code) for code in (*codes, *against))
        if reasons or address is None:
            return GateVerdict(False, "", False, reasons)
        return GateVerdict(True, address.addr_spec, address.needs_smtputf8, ())
    return GateVerdict(False, "", False, (*(Reason(code) for code in codes), Reason("indirizzo_non_valido")))


def may_recall(code: str, forward_path: str, rules: Rules, sick: frozenset[str] = frozenset()) -> GateVerdict:
    """Whether a project may be asked to delete what it got: at the address that got it, as long as it is theirs."""
    project = rules.projects.get(code)
    known = project is not None and any(one.to == forward_path for one in project.addresses.values())
    mode = project.mode if project is not None else rules.service.mode
    codes = [] if known else ["indirizzo_non_attuale"]
    if Mode.SHADOW in (mode, rules.service.mode):
        codes.append("modo_ombra")
    if forward_path.casefold() in sick:
        codes.append("destinazione_malata")
    address, against = usable(forward_path, rules)
    reasons = tuple(Reason(one) for one in (*codes, *against))
    if reasons or address is None:
        return GateVerdict(False, "", False, reasons)
    return GateVerdict(True, address.addr_spec, address.needs_smtputf8, ())
