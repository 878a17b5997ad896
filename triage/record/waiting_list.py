"""The messages that wait for a person, page by page: possible danger first, then the oldest; by index only.

In: which group, what to keep of it, and after which message to go on. Out: rows, their decisions, who has them. A page
costs the same however much mail is on record; going on is by key, so that nothing is skipped or seen twice while others
settle messages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from triage.record.asked import Question, questions_about, waits_for_an_answer
from triage.record.charge import Charge, charges_of
from triage.record.decisions import decisions_of
from triage.record.messages import COLUMNS, MessageRow, row_of
from triage.record.openings import Opening, openings_of
from triage.record.protocol import unexported_among, waits_for_export
from triage.record.store import Transaction
from triage.record.tables import decisions, in_charge, messages, openings, rescored
from triage.vocabulary import Decision, MessageState

PERHAPS_NOT_FOR_US = "forse_non_per_noi"


class Group(StrEnum):
    """The parts of the list, in their order."""

    DANGER = "pericolo"
    DECIDE = "decidere"
    PERHAPS_NOT = "forse_non"
    ASIDE = "quarantena"


ASIDE = (MessageState.QUARANTINED, MessageState.OVERSIZE, MessageState.UNREADABLE)
WAITING = (MessageState.HELD, *ASIDE)
"""States that only a person ends."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person wants to see of the list; empty: everything. All codes.

    ``taken``: "nessuno", messages that nobody has in charge, or the name of who has.
    """

    reason: str = ""
    project: str = ""
    taken: str = ""
    changed: bool = False
    asked: bool = False
    """Only those whose family was asked for its comune, and has not answered."""
    to_register: bool = False
    """Only those that wait to be exported for the register of documents."""

    @property
    def anything(self) -> bool:
        """Whether something is left out."""
        return bool(self.reason or self.project or self.taken or self.changed or self.asked or self.to_register)


@dataclass(frozen=True, slots=True)
class WaitingPage:
    """Some rows of a group, in order, with what is shown beside them. ``more``: others follow."""

    rows: tuple[MessageRow, ...]
    more: bool
    kept: int | None
    """How many of the group are wanted, on this page and on all others; ``None``: all of them."""
    decisions: Mapping[int, Decision]
    charges: Mapping[int, Charge]
    openings: Mapping[int, Opening]
    changed: frozenset[int]
    questions: Mapping[int, Question]
    to_register: frozenset[int]
    """Those that wait to be exported for the register of documents."""


def waiting_page(tx: Transaction, group: Group, wanted: Wanted, *, after: int = 0, size: int = 25) -> WaitingPage:
    """The next ``size`` messages of a group after message ``after``."""
    query = sa.select(*COLUMNS).where(_of_group(group), *_kept(wanted), messages.c.id > after)
    found = [row_of(row) for row in tx.execute(query.order_by(messages.c.id).limit(size + 1)).mappings()]
    rows = tuple(found[:size])
    keys = [row.id for row in rows]
    return WaitingPage(
        rows,
        len(found) > size,
        _size(tx, group, *_kept(wanted)) if wanted.anything else None,
        decisions_of(tx, [(row.id, row.generation) for row in rows]),
        charges_of(tx, keys),
        openings_of(tx, keys),
        changed_among(tx, keys),
        questions_about(tx, rows),
        frozenset(unexported_among(tx, keys)),
    )


def group_sizes(tx: Transaction) -> Mapping[Group, int]:
    """How many messages wait in each group."""
    return {group: _size(tx, group) for group in Group}


def _size(tx: Transaction, group: Group, *kept: sa.ColumnElement[bool]) -> int:
    query = sa.select(sa.func.count()).select_from(messages).where(_of_group(group), *kept)
    return int(tx.execute(query).scalar_one())


def next_waiting(tx: Transaction, message_id: int, group: Group, person_id: int) -> int | None:
    """The message to go on with after this one, as the list has it; passed over is what a colleague has open.

    From the end of the list it goes on at its beginning; ``None``: nothing else waits.
    """
    places = [(group, message_id), (group, 0), *((other, 0) for other in Group if other is not group)]
    return next((one for one in (_first(tx, *place, message_id, person_id) for place in places) if one), None)


def next_after_act(tx: Transaction, message_id: int, group: Group, person_id: int) -> int | None:
    """The same after something was settled: possible danger that nobody has in charge goes before everything."""
    nobody = ~sa.exists().where(in_charge.c.message_id == messages.c.id, in_charge.c.taken_at.is_not(None))
    danger = _first(tx, Group.DANGER, 0, message_id, person_id, nobody)
    return danger or next_waiting(tx, message_id, group, person_id)


def _first(
    tx: Transaction, group: Group, after: int, besides: int, person_id: int, *more: sa.ColumnElement[bool]
) -> int | None:
    taken = sa.exists().where(
        openings.c.message_id == messages.c.id, openings.c.until > tx.now, openings.c.person_id != person_id
    )
    query = (
        sa.select(messages.c.id)
        .where(_of_group(group), messages.c.id > after, messages.c.id != besides, ~taken, *more)
        .order_by(messages.c.id)
        .limit(1)
    )
    found: int | None = tx.execute(query).scalar()
    return found


def previous_waiting(tx: Transaction, message_id: int, group: Group) -> int | None:
    """The message before this one in its group."""
    query = (
        sa.select(messages.c.id)
        .where(_of_group(group), messages.c.id < message_id)
        .order_by(messages.c.id.desc())
        .limit(1)
    )
    found: int | None = tx.execute(query).scalar()
    return found


def group_of(row: MessageRow) -> Group:
    """Where a message stands in the list."""
    if row.urgent and row.state in WAITING:
        return Group.DANGER
    if row.state != MessageState.HELD:
        return Group.ASIDE
    return Group.PERHAPS_NOT if row.hold_reason == PERHAPS_NOT_FOR_US else Group.DECIDE


def changed_among(tx: Transaction, message_ids: Sequence[int]) -> frozenset[int]:
    """Which of these would be answered in another way today."""
    query = (
        sa.select(rescored.c.message_id)
        .join(messages, messages.c.id == rescored.c.message_id)
        .where(rescored.c.message_id.in_(list(message_ids)), rescored.c.generation == messages.c.generation)
    )
    return frozenset(tx.execute(query).scalars())


def _of_group(group: Group) -> sa.ColumnElement[bool]:
    if group is Group.ASIDE:
        return sa.and_(messages.c.state.in_(ASIDE), messages.c.urgent.is_(False))
    if group is Group.DANGER:  # also what is too large to be read, and looks so by its subject
        return sa.and_(messages.c.state.in_(WAITING), messages.c.urgent.is_(True))
    held = messages.c.state == MessageState.HELD
    reason = messages.c.hold_reason
    mine = reason == PERHAPS_NOT_FOR_US if group is Group.PERHAPS_NOT else reason != PERHAPS_NOT_FOR_US
    return sa.and_(held, messages.c.urgent.is_(False), mine)


def _kept(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    kept: list[sa.ColumnElement[bool]] = []
    if wanted.reason:
        kept.append(messages.c.hold_reason == wanted.reason)
    if wanted.project:
        kept.append(
            sa.exists().where(
                decisions.c.message_id == messages.c.id,
                decisions.c.generation == messages.c.generation,
                decisions.c.project == wanted.project,
            )
        )
    if wanted.changed:
        same = rescored.c.generation == messages.c.generation
        kept.append(sa.exists().where(rescored.c.message_id == messages.c.id, same))
    if wanted.to_register:
        kept.append(waits_for_export())
    if wanted.asked:
        kept.append(waits_for_an_answer())
    if wanted.taken:
        taken = sa.exists().where(in_charge.c.message_id == messages.c.id, in_charge.c.taken_at.is_not(None))
        kept.append(~taken if wanted.taken == "nessuno" else taken.where(in_charge.c.taken_by == wanted.taken))
    return kept
