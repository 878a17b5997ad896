"""Where an answer to a family may go, or why nowhere: part of the one gate. Pure.

In: a message, the rules, what is known of its mailbox. Out: one address, or every reason against.
Ordinarily that is the Return-Path and nothing else (RFC 3834 section 4), and only where a probe has
proved that our server writes it: else a sender could write it himself. Two ways beside it must be
switched on by the agency, and both rest on what its own server proved: the author, and a listed web
form's Reply-To.
"""

from __future__ import annotations

from dataclasses import dataclass

from triage.decide.answerable import is_rewritten_path, is_system_address
from triage.decide.authentication import (
    author_domain,
    has_aligned_dkim,
    has_dmarc_pass,
    has_spf_pass,
    is_authenticated,
    is_doubted,
)
from triage.decide.context import DecisionContext
from triage.rules.addresses import AddressError, CheckedAddress, bare_form, check_address, same_mailbox
from triage.rules.types import Rules, WebForm, WithoutReturnPath
from triage.vocabulary import InboundMessage


@dataclass(frozen=True, slots=True)
class Recipient:
    """The one address that may be answered, and what speaks against it."""

    address: CheckedAddress | None
    codes: tuple[str, ...]
    by_web_form: bool = False
    """The message is a form's: its author is a machine that speaks for a person."""


def recipient_of(message: InboundMessage, rules: Rules, context: DecisionContext) -> Recipient:
    """Where the family may be answered; the null path is never guessed around."""
    form = _web_form(message, rules)
    path = message.reverse_path
    if path is not None and not path.strip():
        # A null reverse-path marks a DSN or MDN. Answering it can start a loop
        # (RFC 5321 section 4.5.5, RFC 3834 section 2), so no rule may re-enable it.
        return Recipient(None, ("percorso_nullo",), form is not None)
    if form is not None:
        return _of_form(message, form, rules)
    if len({value.strip().strip("<>").casefold() for value in message.header("Return-Path")}) > 1:
        return Recipient(None, ("percorso_multiplo",))
    if context.return_path_proved:
        return _of_return_path(message, path, rules)
    if rules.acknowledgements.return_path is WithoutReturnPath.FROM_IF_DMARC_PASS:
        return _of_author(message, rules)
    return Recipient(None, ("percorso_non_provato",))


def participant_of(message: InboundMessage, rules: Rules) -> str:
    """Whose part in a case a message may claim: its author's, of a listed web form that of the person whom it names.

    Empty: nobody's, since our own server doubts the author, or a form does not prove or name one person.
    """
    if is_doubted(message, rules.service.authserv_id, rules.service.authserv_below):
        return ""
    form = _web_form(message, rules)
    if form is None:
        return message.author.addr_spec
    named = _of_form(message, form, rules)
    return named.address.addr_spec if named.address is not None and not named.codes else ""


def usable(text: str, rules: Rules) -> tuple[CheckedAddress | None, list[str]]:
    """An address that may be written on the wire and is not ours (failure F3)."""
    try:
        address = check_address(text)
    except AddressError:
        return None, ["indirizzo_non_valido"]
    return address, ["indirizzo_nostro"] if rules.is_own(text) else []


def _of_return_path(message: InboundMessage, path: str | None, rules: Rules) -> Recipient:
    if path is None:
        return Recipient(None, ("percorso_assente",))
    address, codes = usable(path, rules)
    if is_system_address(path):
        codes.append("percorso_di_sistema")
    if rules.project_of_address(path):
        codes.append("percorso_di_progetto")
    if is_rewritten_path(path, [author.addr_spec for author in (message.author, *message.authors)]):
        codes.append("percorso_riscritto")
    known, below = rules.service.authserv_id, rules.service.authserv_below
    if known and not is_authenticated(message, known, below):
        codes.append("mittente_non_autenticato")
    elif known and not _is_vouched_for(message, path, known, below):
        codes.append("percorso_non_autenticato")
    return Recipient(address, tuple(codes))


def _is_vouched_for(message: InboundMessage, path: str, authserv_id: str, below: bool) -> bool:
    """Whether the path is the proved author's domain's, or itself passed SPF: a proved author may name a victim."""
    domain, author = bare_form(path)[1], author_domain(message)
    same = domain == author or domain.endswith("." + author) or author.endswith("." + domain)
    return same or has_spf_pass(message, authserv_id, domain, below)


def _of_author(message: InboundMessage, rules: Rules) -> Recipient:
    if not has_dmarc_pass(message, rules.service.authserv_id, rules.service.authserv_below):
        return Recipient(None, ("mittente_non_autenticato",))
    address, codes = usable(message.author.addr_spec, rules)
    return Recipient(address, tuple(codes))


def _web_form(message: InboundMessage, rules: Rules) -> WebForm | None:
    author = message.author.addr_spec
    return next((form for form in rules.acknowledgements.web_forms if same_mailbox(author, form.author)), None)


def _of_form(message: InboundMessage, form: WebForm, rules: Rules) -> Recipient:
    prove = has_dmarc_pass if form.requires == "dmarc" else has_aligned_dkim
    if not prove(message, rules.service.authserv_id, rules.service.authserv_below):
        return Recipient(None, ("modulo_non_autenticato",), by_web_form=True)
    people = {address.addr_spec for address in message.reply_to if address.addr_spec}
    if len(people) != 1:
        return Recipient(None, ("modulo_senza_risposta",), by_web_form=True)
    (text,) = people
    address, codes = usable(text, rules)
    if is_system_address(text) or same_mailbox(text, form.author):
        codes.append("percorso_di_sistema")
    if rules.project_of_address(text):
        codes.append("percorso_di_progetto")
    return Recipient(address, tuple(codes), by_web_form=True)
