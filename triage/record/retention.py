"""Erasing what is kept no longer: octets of messages that are done, what was written about them, words of servers.

In: for each outcome the instant before which its messages may go. Out: what was erased. Each step is one short
transaction over a bounded part, so that nobody waits for it; a step that was not reached is taken the next time. A
message's row, its hash, its decisions and everything that happened to it stay: the ledger closes over them, and the
same octets are known again. Held and quarantined mail is never erased, nor what a case needs that is still alive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from triage.record.audit import Change, write_changes
from triage.record.protocol import unexported_among
from triage.record.settlements import ENDS, SENDS_ON, Exit
from triage.record.store import Transaction
from triage.record.tables import (
    attempts,
    decisions,
    dispatches,
    legal_holds,
    messages,
    misroutes,
    octets,
    samples,
    settlements,
    staff_texts,
)
from triage.vocabulary import TO_FAMILIES, WRITTEN_BY_STAFF, Action, DispatchState, MessageState

ERASABLE = (MessageState.FILED, MessageState.MATCHED)
LOOKED_AT = 100
"""Messages that one step looks at."""
MOST_OCTETS = 4 << 20
"""Octets that one step erases, unless a single message is larger."""
REPLIES = 500
"""Dispatches whose attempts one step blanks."""
_SAYING = (*sorted(SENDS_ON), *sorted(ENDS))
_TO_PERSONS = tuple(sorted(TO_FAMILIES | WRITTEN_BY_STAFF))


class Outcome(StrEnum):
    """What became of a message, as far as its time depends on it; the names of the rules' settings."""

    FORWARDED = "forwarded"
    SETTLED = "settled"
    NOT_FOR_US = "not_for_us"


@dataclass(frozen=True, slots=True)
class Place:
    """How far a pass over the messages has come."""

    due_at: datetime | None = None
    id: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """What one step did; ``on``: from where the next goes on, ``None`` at the end. ``octets``: their number."""

    messages: int = 0
    octets: int = 0
    kept_back: int = 0
    on: Place | None = None


@dataclass(frozen=True, slots=True)
class _Row:
    id: int
    case_id: int | None
    size: int
    due_at: datetime
    outcome: Outcome


def erase_step(tx: Transaction, before: Mapping[Outcome, datetime], place: Place, *, only_count: bool = False) -> Step:
    """Erase what is due among the next :data:`LOOKED_AT` messages, or only count it.

    ``before``: outcomes that are absent are kept. A message is due when it left the inbox, and the last thing of its
    case happened, before its outcome's instant.
    """
    if not before:
        return Step()
    rows = _next_rows(tx, max(before.values()), place)
    due = [row for row in rows if row.outcome in before]
    needed = _needed(tx, due, before)
    may_go: list[_Row] = []
    kept = size = 0
    last = rows[-1] if rows else None
    for row in due:
        if row.id in needed:
            kept += int(needed[row.id])
            continue
        if size + row.size > MOST_OCTETS and may_go:
            # The rest is the next step's; whatever was looked at after this one is looked at again.
            last = may_go[-1]
            break
        may_go.append(row)
        size += row.size
    if may_go and not only_count:
        erase_messages(tx, [row.id for row in may_go])
    going_on = len(rows) == LOOKED_AT or (last is not None and last is not rows[-1])
    return Step(len(may_go), size, kept, Place(last.due_at, last.id) if last is not None and going_on else None)


def blank_replies(
    tx: Transaction, kind: str, after: datetime | None, until: datetime, *, only_count: bool = False
) -> tuple[int, datetime]:
    """Blank servers' words, and which worker spoke, of dispatches of a kind that ended after ``after``, by ``until``.

    Returns how many attempts that were, and up to which instant it is done: ``until`` itself at the end.
    """
    query = sa.select(dispatches.c.id, dispatches.c.ended_at)
    query = query.where(dispatches.c.kind == kind, dispatches.c.ended_at <= until)
    if after is not None:
        query = query.where(dispatches.c.ended_at > after)
    ended = tx.execute(query.order_by(dispatches.c.ended_at).limit(REPLIES)).all()
    if not ended:
        return 0, until
    last = ended[-1].ended_at
    # Others of the same instant go with them, so that an instant says how far it is.
    same = sa.select(dispatches.c.id).where(dispatches.c.kind == kind, dispatches.c.ended_at == last)
    which = sa.or_(attempts.c.dispatch_id.in_([row.id for row in ended]), attempts.c.dispatch_id.in_(same))
    told = sa.or_(attempts.c.reply != "", attempts.c.worker != "")
    if only_count:
        done = tx.execute(sa.select(sa.func.count()).select_from(attempts).where(which, told)).scalar_one()
    else:
        done = tx.execute(sa.update(attempts).where(which, told).values(reply="", worker="")).rowcount
    return done, last if len(ended) == REPLIES else until


# --------------------------------------------------------------------------- what is due


def _next_rows(tx: Transaction, before: datetime, place: Place) -> list[_Row]:
    """The next messages that are done, by when they were last due: the index's order, near to when they were filed."""
    columns = [messages.c[name] for name in ("id", "case_id", "size", "due_at")]
    query = sa.select(*columns, messages.c.generation).where(messages.c.due_at < before)
    if place.due_at is not None:
        after = sa.and_(messages.c.due_at == place.due_at, messages.c.id > place.id)
        query = query.where(sa.or_(messages.c.due_at > place.due_at, after))
    # One walk down the index for each state; the first of all of them are looked at.
    parts = [
        query.where(messages.c.state == state).order_by(messages.c.due_at, messages.c.id).limit(LOOKED_AT)
        for state in ERASABLE
    ]
    found = sorted((row for part in parts for row in tx.execute(part)), key=lambda row: (row.due_at, row.id))
    found = found[:LOOKED_AT]
    outcomes = _outcomes(tx, {row.id: row.generation for row in found})
    return [_Row(row.id, row.case_id, row.size, row.due_at, outcomes[row.id]) for row in found]


def _outcomes(tx: Transaction, generations: Mapping[int, int]) -> dict[int, Outcome]:
    keys = list(generations)
    actions = {
        (row.message_id, row.generation): row.action
        for row in tx.execute(
            sa.select(decisions.c.message_id, decisions.c.generation, decisions.c.action).where(
                decisions.c.message_id.in_(keys)
            )
        )
    }
    said = sa.select(settlements.c.message_id, settlements.c.exit).where(
        settlements.c.message_id.in_(keys), settlements.c.undone_at.is_(None), settlements.c.exit.in_(_SAYING)
    )
    exits = {row.message_id: row.exit for row in tx.execute(said.order_by(settlements.c.id))}
    return {key: _outcome(exits.get(key, ""), actions.get((key, generations[key]), "")) for key in keys}


def _outcome(exit: str, action: str) -> Outcome:
    if exit == Exit.NOT_FOR_US or (not exit and action == Action.FILE):
        return Outcome.NOT_FOR_US
    if exit and exit not in SENDS_ON:
        return Outcome.SETTLED
    return Outcome.FORWARDED


def _needed(tx: Transaction, rows: Sequence[_Row], before: Mapping[Outcome, datetime]) -> dict[int, bool]:
    """Those that stay; true: their own time is over, and they are kept back for something else."""
    cases = {row.case_id for row in rows if row.case_id is not None}
    held = set(tx.execute(sa.select(legal_holds.c.case_id).where(legal_holds.c.case_id.in_(cases))).scalars())
    open_entry = sa.select(misroutes.c.case_id).where(
        misroutes.c.case_id.in_(cases), misroutes.c.closed_at.is_(None), misroutes.c.withdrawn_at.is_(None)
    )
    held |= set(tx.execute(open_entry).scalars())
    to_check = sa.select(samples.c.message_id).where(
        samples.c.message_id.in_([row.id for row in rows]), samples.c.chosen, samples.c.labelled_at.is_(None)
    )
    unlabelled = set(tx.execute(to_check).scalars()) | unexported_among(tx, [row.id for row in rows])
    last = _last_of_cases(tx, cases)
    gone = _gone(tx, rows)
    found = {}
    for row in rows:
        limit = before[row.outcome]
        if gone[row.id] >= limit:
            found[row.id] = False
        elif row.case_id in held or row.id in unlabelled or (row.case_id is not None and last[row.case_id] >= limit):
            found[row.id] = True
    return found


def _gone(tx: Transaction, rows: Sequence[_Row]) -> dict[int, datetime]:
    """When each left the inbox; of those that another row stands for: when they were last due."""
    query = sa.select(messages.c.id, messages.c.gone_at).where(messages.c.id.in_([row.id for row in rows]))
    known = {row.id: row.gone_at for row in tx.execute(query)}
    return {row.id: known[row.id] or row.due_at for row in rows}


def _last_of_cases(tx: Transaction, cases: set[int]) -> dict[int, datetime]:
    """When something last happened in each: mail, a decision of a person, something sent."""
    arrived = sa.select(messages.c.case_id, sa.func.max(messages.c.listed_at)).group_by(messages.c.case_id)
    acted = (
        sa.select(messages.c.case_id, sa.func.max(settlements.c.at))
        .join_from(settlements, messages, settlements.c.message_id == messages.c.id)
        .group_by(messages.c.case_id)
    )
    sent = sa.select(dispatches.c.case_id, sa.func.max(dispatches.c.created_at)).group_by(dispatches.c.case_id)
    waits = (
        sa.select(messages.c.case_id, sa.func.max(sa.literal(tx.now, messages.c.listed_at.type)))
        .where(messages.c.state.not_in((*ERASABLE, MessageState.ERASED, MessageState.CLOSED)))
        .group_by(messages.c.case_id)
    )
    last: dict[int, datetime] = {}
    queries = ((arrived, messages), (acted, messages), (sent, dispatches), (waits, messages))
    for query, table in queries:
        for case, at in tx.execute(query.where(table.c.case_id.in_(cases))):
            last[case] = max(at, last.get(case, at))
    return last


# --------------------------------------------------------------------------- erasing


def erase_messages(tx: Transaction, keys: Sequence[int]) -> list[int]:
    """Erase the octets of these, what staff wrote and noted about them, and their families' addresses in our sendings.

    Returns which: those that are no longer done stay. Of each the row stays, and all that happened to it.
    """
    # Whoever opens one of them again in this instant goes first, or finds it erased.
    query = sa.select(messages.c.id, messages.c.state, messages.c.sha256)
    query = query.where(messages.c.id.in_(keys), messages.c.state.in_(ERASABLE)).order_by(messages.c.id)
    rows = tx.execute(query.with_for_update()).all()
    still = [row.id for row in rows]
    tx.execute(sa.update(messages).where(messages.c.id.in_(still)).values(state=MessageState.ERASED))
    write_changes(tx, [Change("message", row.id, "erased", row.state, MessageState.ERASED) for row in rows])
    tx.execute(sa.delete(staff_texts).where(staff_texts.c.message_id.in_(still)))
    noted = sa.and_(settlements.c.message_id.in_(still), settlements.c.note != "")
    tx.execute(sa.update(settlements).where(noted).values(note=""))
    ended = dispatches.c.state.not_in((DispatchState.PENDING, DispatchState.SUBMITTING))
    family = sa.and_(dispatches.c.message_id.in_(still), dispatches.c.kind.in_(_TO_PERSONS), ended)
    tx.execute(sa.update(dispatches).where(family).values(forward_path=""))
    erase_unneeded(tx, {row.sha256 for row in rows if row.sha256})
    return still


def erase_unneeded(tx: Transaction, digests: set[str]) -> None:
    """Erase these octets, but for those that a message has which is not erased.

    Locked before anybody is asked: who receives the same octets in this instant holds them (``octets.store_octets``).
    """
    tx.execute(
        sa.select(octets.c.sha256).where(octets.c.sha256.in_(digests)).order_by(octets.c.sha256).with_for_update()
    )
    needs = sa.select(messages.c.sha256).where(messages.c.sha256.in_(digests), messages.c.state != MessageState.ERASED)
    gone = digests - set(tx.execute(needs).scalars())
    if gone:
        tx.execute(sa.delete(octets).where(octets.c.sha256.in_(gone)))  # the chunks go with their row
