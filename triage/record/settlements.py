"""How people settled messages: one row an act, written with its audit row and its sealed act, all or none.

A row names the generation that the act made and how the message stood before, in codes and numbers, so that an undo
can give that back. The note is the person's own words and stays in this table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from triage.record.audit import Change, Param, write_changes
from triage.record.samples import Label, label_by_settlement, unlabel_settlement
from triage.record.staff_acts import Actor, note_act
from triage.record.store import Transaction
from triage.record.tables import settlements, staff_texts
from triage.vocabulary import NOBODY, STAFF

SETTLED, UNDONE = "settle", "undo"
"""Acts on record; the audit rows of the message have the events ``settled`` and ``undone``."""
LONGEST_NOTE = 2000
_AGAIN = "again"
"""Among what stood before an act: the generation in which it holds again, because what followed it was undone."""


class Exit(StrEnum):
    """The ways out of waiting for a person."""

    FORWARD = "inoltro"
    REPLY = "risposta"
    REFERRAL = "altro_ufficio"
    QUESTION = "domanda"
    PHONE = "telefono"
    JOINED = "unito"
    SPLIT = "separato"
    CLOSED = "chiuso"
    NOT_FOR_US = "non_per_noi"
    CORRECTION = "correzione"
    ALSO = "anche"
    """A further centre gets the message as well; whoever has it keeps it."""


SENDS_ON = frozenset({Exit.FORWARD, Exit.CORRECTION})
"""A centre gets the message, as the right one for it."""
ENDS = frozenset({Exit.REPLY, Exit.REFERRAL, Exit.PHONE, Exit.CLOSED, Exit.NOT_FOR_US})
"""The message is done without a centre."""


@dataclass(frozen=True, slots=True)
class SettlementRow:
    """One act as the record has it."""

    id: int
    message_id: int
    at: datetime
    person_id: int | None
    actor: str
    exit: str
    generation: int
    territory: str
    comune: str
    topic: str
    project: str
    address_key: str
    note: str
    teaches: str
    undo_until: datetime | None
    undone_at: datetime | None
    before: Mapping[str, Any]

    @property
    def generations(self) -> frozenset[int]:
        """Those in which the message is as this act left it: its own, and the one that an undo gave back."""
        return frozenset({self.generation, int(self.before.get(_AGAIN, self.generation))})


_COLUMNS = [settlements.c[name] for name in SettlementRow.__slots__]


@dataclass(frozen=True, slots=True)
class Said:
    """What a person said with an act: the place, the topic, the destination, in codes; and a note in words."""

    territory: str = ""
    comune: str = ""
    topic: str = ""
    project: str = ""
    address_key: str = ""
    note: str = ""
    teaches: str = ""


def add_settlement(
    tx: Transaction,
    person: Actor,
    message_id: int,
    exit: Exit,
    generation: int,
    before: Mapping[str, Param],
    said: Said = Said(),
    undo_until: datetime | None = None,
) -> int:
    """Write one act; its number."""
    values = {name: getattr(said, name) for name in Said.__slots__} | {"note": said.note[:LONGEST_NOTE]}
    statement = sa.insert(settlements).values(
        message_id=message_id,
        at=tx.now,
        person_id=person.id,
        actor=person.name[:64],
        exit=exit,
        generation=generation,
        undo_until=undo_until,
        before=dict(before),
        **values,
    )
    number: int = tx.execute(statement.returning(settlements.c.id)).scalar_one()
    params: dict[str, Param] = {"settlement": number, "exit": str(exit), "generation": generation}
    if said.project:
        params["project"] = said.project
    write_changes(tx, [Change("message", message_id, "settled", params=params)])
    note_act(tx, person, SETTLED, "message", message_id, params)
    _label(tx, message_id, person.id, exit, said)
    return number


def _label(tx: Transaction, message_id: int, person_id: int | None, exit: str, said: Said) -> None:
    """What a person settled is the truth that its proposal is measured by; a further centre changes nothing of it."""
    if exit not in (Exit.JOINED, Exit.SPLIT, Exit.ALSO):
        destination = said.project if exit in SENDS_ON else NOBODY if exit == Exit.NOT_FOR_US else STAFF
        label_by_settlement(tx, message_id, person_id, Label(destination, said.territory, said.comune, said.topic))


def end_settlement(tx: Transaction, person: Actor, row: SettlementRow) -> None:
    """The act was taken back; its row stays."""
    tx.execute(sa.update(settlements).where(settlements.c.id == row.id).values(undone_at=tx.now))
    params: dict[str, Param] = {"settlement": row.id, "exit": row.exit}
    write_changes(tx, [Change("message", row.message_id, "undone", params=params)])
    note_act(tx, person, UNDONE, "message", row.message_id, params)
    # What was settled before, if anything was, holds again.
    unlabel_settlement(tx, row.message_id)
    before = newest_settlements(tx, [row.message_id]).get(row.message_id)
    if before is not None:
        said = Said(before.territory, before.comune, before.topic, before.project)
        _label(tx, row.message_id, before.person_id, before.exit, said)


def give_back(tx: Transaction, row: SettlementRow, generation: int) -> SettlementRow | None:
    """``row`` was undone, and the message stands in this generation as it did before.

    The act that had left it so, if a person's had, holds again: it is returned, and may be taken back in its own time.
    """
    standing = newest_settlements(tx, [row.message_id]).get(row.message_id)
    if standing is None or int(row.before["generation"]) not in standing.generations:
        return None
    before = {**standing.before, _AGAIN: generation}
    tx.execute(sa.update(settlements).where(settlements.c.id == standing.id).values(before=before))
    return standing


def settlement_numbered(tx: Transaction, number: int) -> SettlementRow | None:
    """One act, or ``None``."""
    found = tx.execute(sa.select(*_COLUMNS).where(settlements.c.id == number)).mappings().first()
    return SettlementRow(**found) if found else None


def settlements_of(tx: Transaction, message_id: int) -> list[SettlementRow]:
    """Every act that settled one message, oldest first, undone ones too."""
    query = sa.select(*_COLUMNS).where(settlements.c.message_id == message_id).order_by(settlements.c.id)
    return [SettlementRow(**row) for row in tx.execute(query).mappings()]


def newest_settlements(tx: Transaction, message_ids: Sequence[int]) -> dict[int, SettlementRow]:
    """The last act on each of these that was not undone, by message."""
    query = sa.select(*_COLUMNS).where(
        settlements.c.message_id.in_(list(message_ids)), settlements.c.undone_at.is_(None)
    )
    rows = tx.execute(query.order_by(settlements.c.id)).mappings() if message_ids else ()
    return {row["message_id"]: SettlementRow(**row) for row in rows}


# --------------------------------------------------------------------------- what was written to families


@dataclass(frozen=True, slots=True)
class StaffText:
    """What staff wrote to a family; ``office`` is the one of the address book that they name, if any."""

    text: str
    office: str = ""


def keep_text(tx: Transaction, message_id: int, generation: int, written: StaffText) -> None:
    """Keep the words of one settlement until they have left, and for whoever looks at the case later."""
    values = {"text": written.text, "office": written.office}
    tx.execute(sa.insert(staff_texts).values(message_id=message_id, generation=generation, **values))


def texts_of(tx: Transaction, message_ids: Sequence[int]) -> dict[tuple[int, int], StaffText]:
    """What staff wrote about these messages, by message and generation."""
    query = sa.select(staff_texts).where(staff_texts.c.message_id.in_(list(message_ids)))
    rows = tx.execute(query).mappings() if message_ids else ()
    return {(row["message_id"], row["generation"]): StaffText(row["text"], row["office"]) for row in rows}
