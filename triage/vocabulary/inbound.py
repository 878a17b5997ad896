"""A message as the server has it, and as far as it can be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from triage.vocabulary.certified import PecData, PecKind, SignatureState
from triage.vocabulary.reported import Report


@dataclass(frozen=True, slots=True)
class MessageKey:
    """Names one appearance of octets for ever (RFC 3501 section 2.3.1.1)."""

    mailbox: str
    uid_validity: int
    uid: int


@dataclass(frozen=True, slots=True)
class ListedMessage:
    """What the server says of a message before its octets are fetched; sizes are not believed."""

    uid: int
    size: int
    internal_date: datetime | None
    message_id: str = ""
    """Only asked for where it tells old mail from new; empty otherwise."""
    place: int = field(default=0, compare=False)
    """Its sequence number when it was asked for, counted from 1; 0: not told."""


@dataclass(frozen=True, slots=True)
class FetchedMessage:
    """Octets of one message exactly as the server gave them."""

    uid: int
    octets: bytes
    internal_date: datetime | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """One mailbox of an address header field: cleaned display name and addr-spec (may be empty)."""

    display_name: str
    addr_spec: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A listed, never opened, part. ``file_name`` is cleaned; ``size`` is decoded octets."""

    file_name: str
    content_type: str
    size: int
    inline: bool = False


@dataclass(frozen=True, slots=True)
class Defect:
    """Something malformed that was tolerated; kept and shown. ``detail`` holds no mail content."""

    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """A received message as far as it can be read. Building one never raises (see ``parse``).

    ``new_text`` is what this author wrote now; ``quoted_text`` and ``signature`` were cut from it.
    A forward's content counts as ``new_text`` ("Vi giro questa" plus the message below).
    ``header_fields`` keeps the whole header section, decoded, in order, names as written.
    """

    message_id: str
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    date: datetime | None
    author: Address
    authors: tuple[Address, ...]
    sender: Address | None
    reply_to: tuple[Address, ...]
    recipients: tuple[Address, ...]
    """To, Cc and Resent-To/Cc, in order."""
    reverse_path: str | None
    """From Return-Path: "" is the null path, ``None`` when the field is absent."""
    subject: str
    new_text: str
    quoted_text: str
    signature: str
    is_forward: bool
    attachments: tuple[Attachment, ...]
    header_fields: tuple[tuple[str, str], ...]
    content_type: str
    """Top-level media type, lower case, e.g. ``multipart/report``."""
    content_type_params: Mapping[str, str]
    size: int
    defects: tuple[Defect, ...] = ()
    report: Report | None = None
    certified: CertifiedMail | None = None
    """Present when the header section claims certified mail (PEC)."""
    forwarded_authors: tuple[Address, ...] = ()
    """Of a manual forward: whose messages it holds, the outermost first, as text or attachment says. No proof.
    One that is named without an address has none."""
    forwarded_to: tuple[tuple[str, ...], ...] = ()
    """To which addresses each of these was written, as far as text or attachment says."""

    @property
    def forwarded_author(self) -> Address | None:
        """Whose message is passed on, where its address is told."""
        return next((one for one in self.forwarded_authors[:1] if one.addr_spec), None)

    def header(self, name: str) -> tuple[str, ...]:
        """All values of a header field, in order; names compare without case."""
        wanted = name.lower()
        return tuple(value for key, value in self.header_fields if key.lower() == wanted)


@dataclass(frozen=True, slots=True)
class CertifiedMail:
    """What makes a message certified mail, as its header section claims; ``trusted`` says if it may be believed."""

    kind: PecKind
    reference: str
    """X-Riferimento-Message-ID: the Message-ID that the sender's program gave."""
    signature: SignatureState
    certificates: tuple[str, ...] = ()
    """The signer's certificate first, then others that came along; DER in base64."""
    data: PecData | None = None
    inner: InboundMessage | None = None
    """The person's own message, of an envelope."""
    message_ids: tuple[str, ...] = ()
    """Message-IDs of messages quoted inside the inner one, as in a delivery report."""
    trusted: bool = False
    recognised: bool = False
    """The signer's certificate leads to a trust anchor that the administrator gave."""
