"""The section on what families get: from its checked shape to plain rules, and its faults with others.

In: sections that are well-formed one by one. Out: ``AcknowledgementRules`` and problems with line and
remedy. Refused: an envelope whose failures would reach a stranger, answers that rest on proofs which
nobody could give.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from triage.rules import schema
from triage.rules.addresses import matches_pattern
from triage.rules.problems import Problem
from triage.rules.types import AcknowledgementRules, Envelope, WebForm, WithoutReturnPath
from triage.rules.yaml_tree import Mapping as TreeMapping
from triage.rules.yaml_tree import line_at

SECTION = "acknowledgements"
LONGEST_TAG = 28
"""Octets that a plus tag adds to the local part, the plus sign included (``triage.ids``)."""
LONGEST_LOCAL_PART = 64
"""RFC 5321 section 4.5.3.1.1."""


def build_acknowledgements(section: schema.AcknowledgementsSection, tree: TreeMapping) -> AcknowledgementRules:
    """The rules; a file of an earlier release that names a ``reverse_path`` means a dedicated address."""
    return AcknowledgementRules(
        enabled=section.enabled,
        neutral_after_hours=section.neutral_after_hours,
        per_address_per_day=section.per_address_per_day,
        per_domain_per_hour=section.per_domain_per_hour,
        per_hour_total=section.per_hour_total,
        per_mailbox_per_hour=section.per_mailbox_per_hour,
        breaker_sent_per_hour=section.breaker_sent_per_hour or section.per_hour_total,
        breaker_returned_per_hour=section.breaker_returned_per_hour,
        envelope=_envelope(section),
        dedicated_address=section.dedicated_address or section.reverse_path or "",
        return_path=section.return_path,
        web_forms=tuple(
            WebForm(form.author, line_at(tree, SECTION, "web_forms", index), form.requires)
            for index, form in enumerate(section.web_forms)
        ),
        ask_comune=section.ask_comune,
        pec=section.pec,
        undo_minutes=section.undo_minutes,
    )


def acknowledgement_problems(
    section: schema.AcknowledgementsSection,
    service: schema.ServiceSection | None,
    mailboxes: Mapping[str, schema.MailboxSection],
    own: tuple[str, ...],
    tree: TreeMapping,
    source: str,
) -> list[Problem]:
    """What is wrong between this section and the others; ``own`` are all patterns of our addresses."""
    found = [
        *_envelope_problems(section, service, mailboxes, own),
        *_proof_problems(section, service, own),
        *_contact_problems(section, service),
        *_certified_problems(section, service),
    ]
    return [Problem(source, line_at(tree, *path), what, remedy) for what, remedy, path in found]


_Found = tuple[str, str, tuple[str | int, ...]]


def _envelope(section: schema.AcknowledgementsSection) -> Envelope:
    old_form = Envelope.DEDICATED if section.reverse_path else Envelope.NONE
    return section.envelope or old_form


def _envelope_problems(
    section: schema.AcknowledgementsSection,
    service: schema.ServiceSection | None,
    mailboxes: Mapping[str, schema.MailboxSection],
    own: tuple[str, ...],
) -> Iterator[_Found]:
    key = "dedicated_address" if section.dedicated_address else "reverse_path"
    address = section.dedicated_address or section.reverse_path
    if address and not any(matches_pattern(address, pattern) for pattern in own):
        remedy = "add it to own_addresses, so that what comes back is known as ours"
        yield f"{address} is not among own_addresses", remedy, (SECTION, key)
    if section.dedicated_address and section.reverse_path:
        what = "reverse_path is the old form of dedicated_address, which is here as well"
        yield what, "delete the line reverse_path", (SECTION, "reverse_path")
    if section.reverse_path and section.envelope not in (None, Envelope.DEDICATED):
        what = f"reverse_path names a dedicated address, but the envelope is {section.envelope}"
        yield what, "delete the line reverse_path, or write envelope: dedicated", (SECTION, "reverse_path")
    used: list[tuple[tuple[str, ...], Envelope]] = [((SECTION, "envelope"), _envelope(section))]
    used += [(("mailboxes", name, "envelope"), box.envelope) for name, box in mailboxes.items() if box.envelope]
    for path, envelope in used:
        if envelope is Envelope.DEDICATED and not address:
            yield "the envelope is dedicated, but no address is given", "add acknowledgements.dedicated_address", path
        if envelope is Envelope.PLUS and service is not None:
            local = service.address.rpartition("@")[0]
            if len(local) + LONGEST_TAG > LONGEST_LOCAL_PART:
                yield "the general address is too long for a plus tag", "write envelope: none or dedicated", path


def _proof_problems(
    section: schema.AcknowledgementsSection, service: schema.ServiceSection | None, own: tuple[str, ...]
) -> Iterator[_Found]:
    believes = service is not None and service.authserv_id is not None
    remedy = "write service.authserv_id, the name by which your own mail server signs its results"
    if section.return_path is WithoutReturnPath.FROM_IF_DMARC_PASS and service is not None and not believes:
        what = "from_if_dmarc_pass needs results of your own mail server, which is not named"
        yield what, remedy, (SECTION, "return_path")
    seen: set[str] = set()
    for index, form in enumerate(section.web_forms):
        path = (SECTION, "web_forms", index)
        if service is not None and not believes:
            yield "a web form must be proved by your own mail server, which is not named", remedy, path
        if any(matches_pattern(form.author, pattern) for pattern in own):
            yield f"{form.author} is one of our own", "write the address that the form's mail comes from", path
        if form.author.casefold() in seen:
            yield f"{form.author} is listed twice", "keep one of the two", path
        seen.add(form.author.casefold())


def _contact_problems(
    section: schema.AcknowledgementsSection, service: schema.ServiceSection | None
) -> Iterator[_Found]:
    if section.enabled and service is not None and not service.phone:
        what = "acknowledgements tell families how to reach a person, but service.phone is missing"
        yield what, "write the telephone number under service", (SECTION, "enabled")


def _certified_problems(
    section: schema.AcknowledgementsSection, service: schema.ServiceSection | None
) -> Iterator[_Found]:
    """What a PEC provider refuses (RFC 6109 section 3.1.1), and what it must not be asked for by oversight."""
    if service is None or not service.pec:
        return
    if service.canary_minutes:
        what = "the service would write test messages by a PEC account, and each makes two receipts come back"
        yield what, "delete the line canary_minutes", ("service", "canary_minutes")
    what = "a PEC account sends under its own address only, and never with an empty envelope sender"
    for key, address in (("reverse_path", section.reverse_path), ("dedicated_address", section.dedicated_address)):
        if address and address.casefold() != service.address.casefold():
            yield what, f"delete {key}, or write service.address", (SECTION, key)
    if section.envelope is Envelope.PLUS:
        yield what, "delete the line envelope", (SECTION, "envelope")
    if section.enabled and not section.pec:
        what = "acknowledgements would leave by a PEC account, and each makes two receipts come back"
        yield what, "write pec: true under acknowledgements, or enabled: false", (SECTION, "enabled")
