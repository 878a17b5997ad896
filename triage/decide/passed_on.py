"""Whose message a colleague of ours passes on by hand: an answer is to reach that person, not the colleague. Pure.

In: a message and the rules. Out: the person's address, or nothing: then whoever sent it is the one to be answered. The
address is what somebody wrote, so nothing is sent there by the service itself; a project's answer goes there.
"""

from __future__ import annotations

from triage.rules.addresses import AddressError, bare_form, check_address
from triage.rules.types import Rules
from triage.vocabulary import Address, InboundMessage


def is_staff(address: str, rules: Rules) -> bool:
    """Whether an address is ours or a project's: an answer there would reach no family."""
    return rules.is_own(address) or bool(rules.project_of_address(address))


def family_behind(message: InboundMessage, rules: Rules) -> Address | None:
    """The person whose message a colleague (of the agency's domain, or of a project) has passed on."""
    person, sender = message.forwarded_author, message.author.addr_spec
    if person is None or not sender:
        return None
    colleague = is_staff(sender, rules) or bare_form(sender)[1] == bare_form(rules.service.address)[1]
    if not colleague or is_staff(person.addr_spec, rules):
        return None
    try:
        return None if check_address(person.addr_spec).needs_smtputf8 else person
    except AddressError:
        return None
