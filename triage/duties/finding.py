"""Everything of one person that the record holds, case by case.

In: an address in any form, the record, the rules in force. Out: a :class:`Dossier`. Mail that nobody has decided yet
has no author on record: its octets are read. With ``inside`` all stored originals are, which also finds the address in
a Reply-To, or in a message that somebody passed on by hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from triage.conversations import recipient_keys
from triage.parse.isolated import ParserCrash, parse_isolated
from triage.reading import ParsedMessages
from triage.record import Store, Transaction
from triage.record.exceptions import Taught
from triage.record.identity import secret_if_known
from triage.record.mailboxes import known_mailboxes
from triage.record.messages import MessageRow, messages_by_id
from triage.record.octets import digest, read_beginnings, read_octets
from triage.record.of_person import (
    UNSIGNED,
    WITH_OCTETS,
    alike,
    came_back,
    cases_of,
    messages_of_cases,
    rows_with_octets,
    taught_about,
    written_by,
)
from triage.record.retention import Place
from triage.rules.types import Rules
from triage.vocabulary import InboundMessage

PAGE = 50
READ = 256 << 10
"""Octets of an undecided message that are read: its header section and what a manual forward begins with."""


class Part(StrEnum):
    """What a message of a case is to the person."""

    WROTE = "wrote"
    FORM = "form"
    """Another address sent it, and an answer goes to the person: a web form."""
    PASSED_ON = "passed_on"
    """Somebody passed on by hand what the person wrote."""
    REPORT = "report"
    """A centre's answer or a mail server's report about what we sent."""
    OTHER = "other"
    """Another person of the same case wrote it."""


OF_PERSON = frozenset({Part.WROTE, Part.FORM, Part.PASSED_ON})


@dataclass(frozen=True, slots=True)
class Item:
    """One message. ``about``: of a report the message that it is about, as far as that is known."""

    row: MessageRow
    part: Part
    about: int | None = None


@dataclass(frozen=True, slots=True)
class CaseOf:
    """A case in which the person takes part; ``id`` is ``None`` for a message that belongs to no case."""

    id: int | None
    items: tuple[Item, ...]

    def of_person(self) -> tuple[Item, ...]:
        """What the person wrote, in one way or another."""
        return tuple(item for item in self.items if item.part in OF_PERSON)

    def goes(self) -> tuple[Item, ...]:
        """What an erasure takes: the person's messages and the reports about them; the person's own last.

        Other persons' messages stay, and so do reports about those.
        """
        own = self.of_person()
        gone = {item.row.id for item in own}
        alone = all(item.part is not Part.OTHER for item in self.items)
        reports = [i for i in self.items if i.part is Part.REPORT and (i.about in gone or (i.about is None and alone))]
        # Cut off in between, the case is still found by what the person wrote.
        return (*reports, *own)


@dataclass(frozen=True, slots=True)
class Dossier:
    """All of one person. ``key``: the keyed hash of the address.

    ``unread``: messages that stop the parser, so that nobody but a person can say whether they are of this one.
    """

    key: str
    cases: tuple[CaseOf, ...]
    taught: tuple[Taught, ...]
    unread: tuple[int, ...] = ()

    def items(self) -> Iterator[Item]:
        """Every message of every case."""
        return (item for case in self.cases for item in case.items)


def find(store: Store, rules: Rules, parsed: ParsedMessages, address: str, *, inside: bool = False) -> Dossier:
    """Everything of the person with this address."""
    with store.read("secret") as tx:
        secret = secret_if_known(tx)
    key = recipient_keys(secret, address)[0]
    inside_them = _Inside(store, rules, parsed, secret, key)
    read = inside_them.search(all_states=inside)
    with store.read("find a person") as tx:
        written = {row.id: row for row in written_by(tx, key)}
        named = {row.id: (row, part) for row, part in read}
        named |= {row.id: (row, Part.WROTE) for row in alike(tx, [r for r, part in read if part is Part.WROTE])}
        ids = cases_of(tx, key) | {row.case_id for row, _ in named.values() if row.case_id is not None}
        ids |= {row.case_id for row in written.values() if row.case_id is not None and row.author_key is None}
        rows = {row.id: row for row in messages_of_cases(tx, ids)}
        about = came_back(tx, set(rows) | set(written))
        reports = messages_by_id(tx, sorted(set(about) - set(rows)))
        apart = (*written.values(), *(row for row, _ in named.values()), *reports.values())
        loose = {row.id: row for row in apart if row.id not in rows}
        parts = {number: part for number, (_, part) in named.items()} | dict.fromkeys(written, Part.WROTE)
        offices = _offices(secret, rules)
        items = [_item(row, parts, about, offices) for row in (*rows.values(), *loose.values())]
        taught = taught_about(tx, key, [item.row.id for item in items if item.part in OF_PERSON])
    return Dossier(key, tuple(_by_case(items, ids)), tuple(taught), tuple(sorted(set(inside_them.unread) - set(rows))))


def _item(row: MessageRow, parts: Mapping[int, Part], about: Mapping[int, int], offices: frozenset[str]) -> Item:
    if row.id in parts:
        return Item(row, parts[row.id])
    if row.id in about or row.author_key in offices:
        return Item(row, Part.REPORT, about.get(row.id))
    return Item(row, Part.OTHER)


def _by_case(items: list[Item], ids: set[int]) -> Iterator[CaseOf]:
    """A report that lies elsewhere comes with the case that it is about; what belongs to no case comes by itself."""
    case_of = {item.row.id: item.row.case_id for item in items if item.row.case_id in ids}
    for item in items:
        if item.row.id not in case_of and item.about in case_of:
            case_of[item.row.id] = case_of[item.about]
    for case in sorted(ids):
        yield CaseOf(case, tuple(item for item in items if case_of.get(item.row.id) == case))
    yield from (CaseOf(item.row.case_id, (item,)) for item in items if item.row.id not in case_of)


def _offices(secret: bytes, rules: Rules) -> frozenset[str]:
    """Keys of the projects' addresses and of our own: what they write is about a case, and no family's."""
    addresses = [address.to for project in rules.projects.values() for address in project.addresses.values()]
    return frozenset(recipient_keys(secret, address)[0] for address in (*addresses, rules.service.address))


@dataclass(frozen=True, slots=True)
class _Inside:
    """Looks for the person in stored octets."""

    store: Store
    rules: Rules
    parsed: ParsedMessages
    secret: bytes
    key: str
    unread: list[int] = field(default_factory=list)

    def search(self, *, all_states: bool) -> list[tuple[MessageRow, Part]]:
        """Messages that name the address; ``all_states``: not only those that nobody has decided."""
        found = []
        for state in WITH_OCTETS if all_states else UNSIGNED:
            place: Place | None = Place()
            while place is not None:
                with self.store.read("read for a person") as tx:
                    rows, place = rows_with_octets(tx, state, place, PAGE, unsigned=not all_states)
                    found += [(row, part) for row, message in self._read(tx, rows) if (part := self._part(message))]
        return found

    def _read(self, tx: Transaction, rows: list[MessageRow]) -> Iterator[tuple[MessageRow, InboundMessage]]:
        boxes = {box.id: self.rules.mailboxes.get(box.name) for box in known_mailboxes(tx)}
        small = [row.sha256 for row in rows if row.sha256 and row.size <= READ]
        large = [row.sha256 for row in rows if row.sha256 and row.size > READ]
        contents = {**read_octets(tx, small), **read_beginnings(tx, large, READ)}
        for row in rows:
            if row.sha256 in contents:
                octets = contents[row.sha256]
                # A beginning must not be taken for the whole by whoever parses the message next.
                name = row.sha256 if row.size <= READ else digest(octets)
                try:
                    message = parse_isolated(octets) if row.stopped_the_parser else self.parsed.parse(name, octets)
                except ParserCrash:
                    self.unread.append(row.id)
                else:
                    yield row, self.parsed.seen(message, boxes.get(row.mailbox_id))

    def _part(self, message: InboundMessage) -> Part | None:
        sender = (message.sender,) if message.sender is not None else ()
        groups = (
            (Part.WROTE, (message.author, *message.authors, *sender)),
            (Part.FORM, message.reply_to),
            (Part.PASSED_ON, message.forwarded_authors),
        )
        for part, addresses in groups:
            known = (one.addr_spec for one in addresses if one.addr_spec)
            if any(recipient_keys(self.secret, address)[0] == self.key for address in known):
                return part
        return None
