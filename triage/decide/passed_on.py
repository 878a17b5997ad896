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
    """The person whose message a colleague (of the agency's domain, or of a project) has passed on.

    Colleagues through whose hands it went are passed over, and nobody else: what a family itself passes on to us
    (a threat, a lawyer's letter) is by somebody who must never read a project's answer. So is whoever wrote to somebody
    else than a colleague, as far as the letter tells: a colleague's note before the letter says nothing of that.
    """
    sender = message.author.addr_spec
    if not sender or not _is_colleague(sender, rules):
        return None
    written_to = dict(enumerate(message.forwarded_to))
    letters = ((one, written_to.get(number, ())) for number, one in enumerate(message.forwarded_authors))
    person, to = next(((one, to) for one, to in letters if not _is_colleague(one.addr_spec, rules)), (None, ()))
    if person is None or (to and not any(_is_colleague(address, rules) for address in to)):
        return None
    try:
        return None if check_address(person.addr_spec).needs_smtputf8 else person
    except AddressError:
        return None


def _is_colleague(address: str, rules: Rules) -> bool:
    return is_staff(address, rules) or bare_form(address)[1] == bare_form(rules.service.address)[1]
