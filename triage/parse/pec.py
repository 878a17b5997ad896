"""Certified mail (PEC): a message's part tree in, ``CertifiedMail`` out, or ``None`` for ordinary mail.

Recognised by header fields alone, never by words (DPR 68/2005; technical annex to DM 2 November
2005; RFC 6109 section 3): a person may well write "Avviso di mancata consegna" into a subject.
Anybody can write those fields, so all of this is a claim until ``triage.pec`` trusts it. Total.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from triage.parse.identifiers import parse_message_ids
from triage.parse.limits import Budget, DefectLog
from triage.parse.part_text import part_octets
from triage.parse.pec_data import read_daticert
from triage.parse.pec_signature import Signed, check_signature
from triage.parse.signed import signed_content
from triage.parse.structure import Part, read_structure
from triage.vocabulary import CertifiedMail, InboundMessage, PecKind

_TRANSPORT, _RECEIPT = "X-Trasporto", "X-Ricevuta"
RECOGNISED: tuple[tuple[str, str, PecKind], ...] = (
    # Receipts first: a transport envelope never carries X-Ricevuta.
    (_RECEIPT, "accettazione", PecKind.ACCEPTANCE),
    (_RECEIPT, "non-accettazione", PecKind.NON_ACCEPTANCE),
    (_RECEIPT, "presa-in-carico", PecKind.TAKEN_IN_CHARGE),
    (_RECEIPT, "avvenuta-consegna", PecKind.DELIVERED),
    (_RECEIPT, "errore-consegna", PecKind.DELIVERY_ERROR),
    (_RECEIPT, "preavviso-errore-consegna", PecKind.DELIVERY_WARNING),
    (_RECEIPT, "rilevazione-virus", PecKind.VIRUS),
    (_TRANSPORT, "posta-certificata", PecKind.TRANSPORT),
    (_TRANSPORT, "errore", PecKind.ANOMALY),
)
"""Field, value and what the message then is; the first row that holds decides.

A table, because the European successor of PEC will add rows of its own.
"""
MOST_WRAPPED = 5
"""Envelopes inside envelopes that are opened: a mailbox that passes all its mail on makes two."""
_MOST_DATA = 256 * 1024
_MOST_SIGNATURE = 128 * 1024
_SIGNATURES = frozenset({"application/pkcs7-signature", "application/x-pkcs7-signature"})
_OPAQUE = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_QUOTED_ID = re.compile(rb"(?:\A|\n)Message-ID:[ \t]*(?:\r?\n[ \t]+)?(<[^<>\s]{1,250}>)", re.IGNORECASE)
_MOST_IDS, _SCANNED = 20, 256 * 1024

ReadMessage = Callable[[Part], InboundMessage]


@dataclass(frozen=True, slots=True)
class _Contents:
    """What lies in the envelope: the tree below the signature, its parts of interest, and what was signed."""

    signed: Signed | None
    data: Part | None
    message: Part | None


def kind_of(root: Part) -> PecKind | None:
    """What the header section says the message is; ``None`` for ordinary mail."""
    for name, value, kind in RECOGNISED:
        if root.value(name).strip().lower() == value:
            return kind
    return None


def read_certified(root: Part, budget: Budget, defects: DefectLog, read_message: ReadMessage) -> CertifiedMail | None:
    """All that an envelope or receipt holds; ``read_message`` makes a message of the part that holds the person's."""
    kind = kind_of(root)
    if kind is None:
        return None
    contents = _open(root, budget, defects)
    inner = _innermost(contents.message) if contents.message is not None and not kind.is_receipt else None
    state, certificates = check_signature(contents.signed)
    reference = parse_message_ids(root.value("X-Riferimento-Message-ID"))
    data = None
    if contents.data is not None:
        data = read_daticert(part_octets(contents.data, _MOST_DATA, budget, defects))
    if data is not None and data.damaged:
        defects.add("pec_data_damaged", contents.data.number if contents.data is not None else "")
    if inner is None and not kind.is_receipt:
        defects.add("pec_message_absent")
    return CertifiedMail(
        kind=kind,
        reference=reference[0] if reference else "",
        signature=state,
        certificates=certificates,
        data=data,
        inner=read_message(inner) if inner is not None else None,
        message_ids=_quoted_ids(inner) if inner is not None else (),
    )


def _open(root: Part, budget: Budget, defects: DefectLog) -> _Contents:
    """Below the signature, whichever way it was made (RFC 8551 section 3.5)."""
    signed: Signed | None = None
    tree = root
    if root.content_type in _OPAQUE:
        # Receipts of some providers, and those that a gateway wrapped, arrive so (failure F71).
        envelope = part_octets(root, min(budget.octets_left(), 2 * len(root.octets)), budget, defects)
        content = signed_content(envelope)
        if content is not None and budget.take_part():
            signed = Signed(content, envelope, inside=len(content))
            tree = read_structure(content, budget, defects)
    elif root.content_type == "multipart/signed" and len(root.children) > 1:
        tree, seal = root.children[0], root.children[1]
        if seal.content_type in _SIGNATURES:
            octets = part_octets(seal, _MOST_SIGNATURE, budget, defects)
            signed = Signed(tree.octets[tree.begin : tree.end], octets)
    parts = list(_parts(tree))
    return _Contents(
        signed,
        next((part for part in parts if _is_data(part)), None),
        next((part for part in parts if part.children and part.file_name.lower() == "postacert.eml"), None)
        or next((part for part in parts if _is_message(part)), None),
    )


def _parts(part: Part) -> Iterator[Part]:
    """The parts of this message, in order, without those of messages inside it."""
    if part.content_type.startswith("multipart/"):
        for child in part.children:
            yield from _parts(child)
    else:
        yield part


def _is_message(part: Part) -> bool:
    return bool(part.children) and not part.content_type.startswith("multipart/")


def _is_data(part: Part) -> bool:
    return part.file_name.lower() == "daticert.xml"


def _innermost(carrier: Part) -> Part | None:
    """The person's message below a postacert.eml: not a wrapper of nothing, nor the envelope of an envelope."""
    message = carrier.children[0]
    for _ in range(MOST_WRAPPED):
        below: Part | None = None
        if _is_message(message) and not message.value("From"):
            below = message  # a whole message stands as another one's body
        elif kind_of(message) is PecKind.TRANSPORT:
            parts = list(_parts(message))
            named = (part for part in parts if part.children and part.file_name.lower() == "postacert.eml")
            below = next(named, None) or next((part for part in parts if _is_message(part)), None)
        if below is None:
            break
        message = below.children[0]
    return message


def _quoted_ids(message: Part) -> tuple[str, ...]:
    scanned = message.octets[message.start : min(message.end, message.start + _SCANNED)]
    found = dict.fromkeys(_QUOTED_ID.findall(scanned))
    return tuple(item.decode("ascii", "replace") for item in list(found)[:_MOST_IDS])
