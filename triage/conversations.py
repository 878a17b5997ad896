"""Which conversation a message belongs to, and the keyed hashes by which it is found again.

A message goes on with a case only when its author took part in it: a stranger who quotes a case's code
or a Message-ID joins nothing (failures F86, F87), and nor does an author whom our own server doubts. Of a listed web
form the person whom it names takes part, and not the form, which speaks for everybody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from triage.decide import participant_of
from triage.ids import cases_named
from triage.record import Transaction
from triage.record.identity import keyed_hash
from triage.record.messages import MessageRow
from triage.record.recall import cases_answered, cases_of_thread, cases_with_author
from triage.rules.addresses import bare_form
from triage.rules.types import Rules
from triage.vocabulary import InboundMessage


@dataclass(frozen=True, slots=True)
class Keys:
    """Keyed hashes by which a message is found again."""

    author: str
    message_id: str | None
    content: str | None
    takes_part: bool = True
    """Whether the author may go on with a case: nobody doubts him."""


def recipient_keys(secret: bytes, address: str) -> tuple[str, str]:
    """Keyed hashes of an address and of its domain; every form of a mailbox has the same (a plus tag, capitals)."""
    local, domain = bare_form(address)
    return keyed_hash(secret, "address", f"{local}@{domain}"), keyed_hash(secret, "domain", domain)


def keys_of(secret: bytes, message: InboundMessage, rules: Rules) -> Keys:
    """The keyed hashes of one message; without a Message-ID it is found by its octets alone."""
    person = participant_of(message, rules)
    author = recipient_keys(secret, person or message.author.addr_spec)[0]
    if not message.message_id:
        return Keys(author, None, None, bool(person))
    body = hashlib.sha256("\0".join((message.subject, message.new_text, message.quoted_text)).encode()).hexdigest()
    attached = " ".join(f"{item.content_type} {item.size}" for item in message.attachments)
    content = keyed_hash(secret, "content", f"{message.author.addr_spec}\0{message.message_id}\0{body}\0{attached}")
    return Keys(author, keyed_hash(secret, "message-id", message.message_id), content, bool(person))


@dataclass(frozen=True, slots=True)
class Thread:
    """The case that a message goes on with: one on record, or that of an earlier row of its batch."""

    case_id: int | None
    case_of: int | None
    answers_us: bool
    """Whether it answers what we ourselves sent."""
    codes: tuple[int, ...] = ()
    """Cases whose code it quotes, whoever its author is."""
    quotes_another: bool = False
    """It quotes a case's code, or claims to go on with one, and its author has no part in that case."""


def threads_of(
    tx: Transaction, secret: bytes, pairs: Sequence[tuple[MessageRow, InboundMessage]], keys: Sequence[Keys]
) -> list[Thread]:
    """What each message goes on with, in the order given."""
    references = [tuple(dict.fromkeys((*m.in_reply_to, *m.references[-20:]))) for _, m in pairs]
    hashed = {ref: keyed_hash(secret, "message-id", ref) for group in references for ref in group}
    own = cases_answered(tx, [(ref, k.author) for group, k in zip(references, keys, strict=True) for ref in group])
    earlier = cases_of_thread(
        tx, [(hashed[ref], k.author) for group, k in zip(references, keys, strict=True) for ref in group]
    )
    codes = [cases_named(secret, _said(message)) for _, message in pairs]
    taking_part = cases_with_author(tx, [(c, k.author) for group, k in zip(codes, keys, strict=True) for c in group])
    together: dict[tuple[str, str], int] = {}
    found: list[Thread] = []
    for (row, _), group, key, named in zip(pairs, references, keys, codes, strict=True):
        quoted = next((case for case in named if (case, key.author) in taking_part), None)
        answered = next((own[ref, key.author] for ref in group if (ref, key.author) in own), None)
        joined = next((earlier[hashed[r], key.author] for r in group if (hashed[r], key.author) in earlier), None)
        beside = next((together[hashed[r], key.author] for r in group if (hashed[r], key.author) in together), None)
        case_id = next((case for case in (row.case_id, answered, joined, quoted) if case is not None), None)
        if not key.takes_part:
            claims = bool(named) or any(case is not None for case in (answered, joined, beside))
            found.append(Thread(row.case_id, None, False, named, claims))
            continue
        another = bool(named) and quoted is None and case_id not in named
        found.append(Thread(case_id, beside if case_id is None else None, answered is not None, named, another))
        if key.message_id is not None:
            together.setdefault((key.message_id, key.author), row.id)
    return found


def _said(message: InboundMessage) -> str:
    """Where a code may stand: the subject survives most mail programs, the quoted text some."""
    return "\n".join((message.subject, message.new_text[:_READ], message.quoted_text[:_READ]))


_READ = 20_000
