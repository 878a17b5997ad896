"""The person's message in the place of its envelope: what is classified, decided and answered.

In: a parsed message, and whether its claim to be certified mail is trusted. Out: the same message
for everybody who does not care for envelopes. What is forwarded are the octets, never this.
"""

from __future__ import annotations

from dataclasses import replace

from triage.pec.trust import Anchors, is_recognised
from triage.vocabulary import Address, CertifiedMail, InboundMessage, PecKind

_ON_THE_WAY = frozenset({"received", "return-path", "delivered-to", "x-original-to"})
"""Trace fields tell of the message that arrived, which is the envelope (RFC 5321 section 4.4)."""
_A_STRANGERS = frozenset({"return-path", "delivered-to", "x-original-to", "x-trasporto", "x-ricevuta"})
"""Fields of the message inside that mean something only where the last server, or a provider, wrote them."""


def as_seen(message: InboundMessage, *, declared: bool, anchors: Anchors) -> InboundMessage:
    """The message to decide about. ``declared``: it lies in a mailbox that is declared to be PEC.

    Untrusted, a receipt is stripped of the field that would prove a machine, and an envelope keeps
    its own author: then it is ordinary mail that has a message attached. A delivery report inside an
    anomaly is still read: like any report it opens only the mail of ours that it names, and proves no machine.
    """
    certified = message.certified
    if certified is None:
        return message
    recognised = is_recognised(certified, message.author.addr_spec, anchors)
    certified = replace(certified, recognised=recognised, trusted=declared or recognised)
    if not certified.trusted:
        told = certified.inner.report if certified.kind is PecKind.ANOMALY and certified.inner is not None else None
        return replace(
            message,
            header_fields=_without(message, {"x-ricevuta"}),
            certified=certified,
            report=message.report or told,
        )
    if certified.kind.is_receipt or certified.inner is None:
        return replace(message, certified=certified)
    return _opened(message, certified, certified.inner)


def _opened(envelope: InboundMessage, certified: CertifiedMail, inner: InboundMessage) -> InboundMessage:
    kept = [field for field in envelope.header_fields if field[0].lower() in _ON_THE_WAY]
    if certified.kind is PecKind.TRANSPORT:
        kept += [field for field in envelope.header_fields if field[0].lower() == "x-trasporto"]
    return replace(
        inner,
        message_id=inner.message_id or certified.reference or envelope.message_id,
        date=inner.date or envelope.date,
        recipients=_each_once(inner.recipients + envelope.recipients),
        reverse_path=_reverse_path(envelope, inner),
        header_fields=(*kept, *_without(inner, _A_STRANGERS)),
        size=envelope.size,
        defects=tuple(dict.fromkeys(envelope.defects + inner.defects)),
        certified=certified,
    )


def _reverse_path(envelope: InboundMessage, inner: InboundMessage) -> str | None:
    """What our own server wrote. Of an anomaly the inner null path counts too: it may hold a bounce.

    Any other inner path is a stranger's word, to which nothing is sent.
    """
    return "" if inner.reverse_path == "" else envelope.reverse_path


def _without(message: InboundMessage, names: frozenset[str] | set[str]) -> tuple[tuple[str, str], ...]:
    return tuple(field for field in message.header_fields if field[0].strip().lower() not in names)


def _each_once(addresses: tuple[Address, ...]) -> tuple[Address, ...]:
    return tuple({address.addr_spec.casefold() or address: address for address in addresses}.values())
