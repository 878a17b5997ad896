"""Writes what waits for the register into a folder: for each message the original and its metadata, and a table.

Enters the record and a folder; leaves files that only their owner may read. First the files, then the mark in the
record: after a crash between the two the next run writes the same files again. A file with another content is never
replaced. Raises ``OSError``, and :class:`OtherContentError`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from triage.acts.people import Person
from triage.acts.protocol import note_export
from triage.pec.trust import Anchors
from triage.protocol.paper import HEADS, Filed, line_of, metadata_of
from triage.record import Store, Transaction
from triage.record.mailboxes import known_mailboxes
from triage.record.messages import messages_by_id
from triage.record.octets import read_octets
from triage.record.protocol import ProtocolEntry, waiting_since
from triage.rules.types import Rules
from triage.spreadsheets import to_csv

BATCH = 25
ORIGINAL, METADATA = "originale.eml", "metadati.json"


class OtherContentError(Exception):
    """A file is there already and holds something else; nothing was replaced, the message still waits."""


@dataclass(slots=True)
class Exported:
    """What one run did. ``missing``: numbers of messages whose content is not in the record."""

    messages: list[int] = field(default_factory=list)
    tables: list[Path] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)


def export(
    store: Store, rules: Rules, folder: Path, person: Person, *, since: datetime | None = None, anchors: Anchors = ()
) -> Exported:
    """Everything that waits, of messages that the service first saw since then."""
    done = Exported()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    after = 0
    while True:
        with store.read("protocol") as tx:
            entries = waiting_since(tx, since, after, BATCH)
            found = _content(tx, rules, entries)
            now = tx.now
        if not entries:
            return done
        after = entries[-1].message_id
        done.missing += [one.message_id for one in entries if one.message_id not in found]
        if found:
            _export_batch(store, folder, person, found, f"protocollo-{now:%Y%m%dT%H%M%SZ}-{after}.csv", done, anchors)


def _content(tx: Transaction, rules: Rules, entries: Sequence[ProtocolEntry]) -> dict[int, tuple[Filed, bytes]]:
    rows = messages_by_id(tx, [one.message_id for one in entries])
    contents = read_octets(tx, [row.sha256 for row in rows.values() if row.sha256])
    boxes = {box.id: box.name for box in known_mailboxes(tx)}
    found = {}
    for one in entries:
        row = rows[one.message_id]
        octets = contents.get(row.sha256 or "")
        if octets is None:
            continue
        name = boxes[row.mailbox_id]
        mailbox = rules.mailboxes.get(name)
        address, declared = (mailbox.address, mailbox.pec) if mailbox is not None else ("", False)
        filed = Filed(row.id, name, address, declared, row.internal_date, row.received_at, one.why, one.number or "")
        found[row.id] = (filed, octets)
    return found


def _export_batch(
    store: Store,
    folder: Path,
    person: Person,
    found: dict[int, tuple[Filed, bytes]],
    table: str,
    done: Exported,
    anchors: Anchors,
) -> None:
    lines = []
    for key, (filed, octets) in found.items():
        place = folder / f"{key:09}"
        place.mkdir(mode=0o700, exist_ok=True)
        paper = metadata_of(filed, octets, anchors)
        _write(place / ORIGINAL, octets)
        _write(place / METADATA, (json.dumps(paper, ensure_ascii=False, indent=2) + "\n").encode("utf-8"))
        lines.append(line_of(paper, f"{place.name}/{ORIGINAL}"))
    _write(folder / table, to_csv(HEADS, lines))
    with store.write("protocol export", person.name) as tx:
        done.messages += note_export(tx, person, list(found))
    done.tables.append(folder / table)


def _write(path: Path, octets: bytes) -> None:
    """The whole file or none of it; the same content again is no fault."""
    if path.exists():
        if path.read_bytes() == octets:
            return
        raise OtherContentError(f"{path} is there already and holds something else")
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(octets)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(path)
