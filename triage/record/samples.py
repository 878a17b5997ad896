"""The random sample of forwards: who was in the draw, who was drawn, and what a person said of them.

A row for each automatic forward and for each proposal, drawn or not: without the others' probabilities the drawn ones
prove nothing. What a person says is kept apart from the decision; ``right`` compares the two once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from triage.record.store import Transaction
from triage.record.tables import messages, samples

AUTOMATIC, PROPOSAL = "automatico", "proposta"
"""``kind``: left by itself; or a person settles it, who sees what was proposed."""
KEPT_FOR = timedelta(minutes=15)
"""How long somebody to whom a message was given has it alone."""
GONE = "non_giudicabile"
"""The destination of a drawn message that nobody can judge any more: it counts as wrong."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One forward in the draw, before it is on record."""

    message_id: int
    generation: int
    kind: str
    floor: float
    probability: float
    chosen: bool
    project: str
    confidence: float
    model_version: str


@dataclass(frozen=True, slots=True)
class Label:
    """What a person says of a message: codes of the guide, and the comune's official name (or nothing)."""

    destination: str
    territory: str = ""
    comune: str = ""
    topic: str = ""


@dataclass(frozen=True, slots=True)
class SampleRow:
    """One forward of the draw as the record has it."""

    id: int
    message_id: int
    generation: int
    kind: str
    drawn_at: datetime
    probability: float
    chosen: bool
    project: str
    opened_by: int | None
    opened_until: datetime | None
    labelled_at: datetime | None
    territory: str
    comune: str
    topic: str
    destination: str
    right: bool | None


_COLUMNS = [samples.c[name] for name in SampleRow.__slots__]
_WAITS = sa.and_(samples.c.chosen, samples.c.labelled_at.is_(None))
_TO_LABEL = sa.and_(_WAITS, samples.c.kind == AUTOMATIC)
"""Those to be looked at for the sample; a proposal is looked at when its message is settled."""


# --------------------------------------------------------------------------- the draw


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a project's sample is: drawn so far, and of these how many wait for their label."""

    drawn: int = 0
    waiting: int = 0


def progress_of(tx: Transaction) -> dict[str, Progress]:
    """Of every project's automatic forwards; by index."""
    query = (
        sa.select(samples.c.project, sa.func.count(), sa.func.count(samples.c.labelled_at))
        .where(samples.c.chosen, samples.c.kind == AUTOMATIC)
        .group_by(samples.c.project)
    )
    return {project: Progress(drawn, drawn - labelled) for project, drawn, labelled in tx.execute(query)}


def note_draw(tx: Transaction, drawn: Sequence[Drawn], again: Sequence[int] = ()) -> None:
    """Record what was in the draw; ``again`` are messages that were decided anew or whose place another took.

    A message is in the draw once. A proposal that nobody has settled gives its place away when it is decided anew.
    """
    if again:
        unsettled = sa.and_(samples.c.kind == PROPOSAL, samples.c.labelled_at.is_(None))
        tx.execute(sa.delete(samples).where(samples.c.message_id.in_(list(again)), unsettled))
    kept = _as_decided(tx, drawn)
    if kept:
        rows = [{name: getattr(one, name) for name in Drawn.__slots__} | {"drawn_at": tx.now} for one in kept]
        blank = {"territory": "", "comune": "", "topic": "", "destination": ""}
        tx.execute(tx.insert(samples).on_conflict_do_nothing(), [row | blank for row in rows])


def _as_decided(tx: Transaction, drawn: Sequence[Drawn]) -> list[Drawn]:
    """Those whose decision was recorded: a message whose lease was lost is another worker's."""
    query = sa.select(messages.c.id, messages.c.generation).where(messages.c.id.in_([one.message_id for one in drawn]))
    now = {row[0]: row[1] for row in tx.execute(query)} if drawn else {}
    return [one for one in drawn if now.get(one.message_id) == one.generation]


# --------------------------------------------------------------------------- labels


def count_to_label(tx: Transaction) -> int:
    """How many drawn messages wait for somebody to look at them."""
    number: int = tx.execute(sa.select(sa.func.count()).select_from(samples).where(_TO_LABEL)).scalar_one()
    return number


def take_to_label(tx: Transaction, person_id: int) -> int | None:
    """The oldest drawn message that nobody else is looking at, as this person's for a quarter of an hour."""
    free = sa.or_(samples.c.opened_until.is_(None), samples.c.opened_until <= tx.now, samples.c.opened_by == person_id)
    query = sa.select(samples.c.id).where(_TO_LABEL, free).order_by(samples.c.id).limit(1)
    found: int | None = tx.execute(query.with_for_update(skip_locked=True)).scalar()
    if found is not None:
        tx.execute(
            sa.update(samples).where(samples.c.id == found).values(opened_by=person_id, opened_until=tx.now + KEPT_FOR)
        )
    return found


def sample_row(tx: Transaction, sample_id: int) -> SampleRow | None:
    """One forward of the draw."""
    row = tx.execute(sa.select(*_COLUMNS).where(samples.c.id == sample_id)).mappings().first()
    return SampleRow(**row) if row else None


def label_sample(tx: Transaction, sample_id: int, person_id: int | None, label: Label) -> bool | None:
    """Keep what somebody said without seeing the proposal; whether the forward was right.

    ``None``: it was not drawn, or has its label already: the first one stands.
    """
    found = tx.execute(
        sa.update(samples)
        .where(samples.c.id == sample_id, _TO_LABEL)
        .values(**_values(tx, person_id, label))
        .returning(samples.c.right)
    ).scalar()
    return None if found is None else bool(found)


def label_by_settlement(tx: Transaction, message_id: int, person_id: int | None, label: Label) -> bool | None:
    """A person has settled or corrected a message: that is the label of its proposal, the last word counts.

    A drawn forward that somebody corrected before it was looked at is known as well. Others are left as they are:
    corrections come to light by chance, not by the draw. ``None``: nothing was labelled, else whether it was right.
    """
    found = tx.execute(
        sa.update(samples)
        .where(samples.c.message_id == message_id, samples.c.chosen)
        .where(sa.or_(samples.c.kind == PROPOSAL, samples.c.labelled_at.is_(None)))
        .values(**_values(tx, person_id, label))
        .returning(samples.c.right)
    ).scalar()
    return None if found is None else bool(found)


def unlabel_settlement(tx: Transaction, message_id: int) -> None:
    """The settlement was undone: its proposal waits again."""
    tx.execute(
        sa.update(samples)
        .where(samples.c.message_id == message_id, samples.c.kind == PROPOSAL)
        .values(labelled_at=None, person_id=None, territory="", comune="", topic="", destination="", right=None)
    )


def _values(tx: Transaction, person_id: int | None, label: Label) -> dict[str, object]:
    return {
        "labelled_at": tx.now,
        "person_id": person_id,
        "territory": label.territory,
        "comune": label.comune,
        "topic": label.topic,
        "destination": label.destination,
        # Compared by the engine, so that a label and its verdict are one step.
        "right": samples.c.project == label.destination,
        "opened_by": None,
        "opened_until": None,
    }


# --------------------------------------------------------------------------- what the sample says


@dataclass(frozen=True, slots=True)
class Sums:
    """One project's part of the draw up to (not including) the first drawn forward without a label."""

    forwards: int
    floors: float
    checked: int
    errors: tuple[float, ...]
    """Of each that was found wrong its floor over its probability."""
    until: datetime | None
    """When the last of these was decided."""
    beyond: int
    """Labels that do not count yet, because an earlier one is missing."""


def first_waiting(tx: Transaction, project: str, since: datetime | None) -> int | None:
    """The first drawn forward of a project, decided after ``since``, without a label; ``None``: all have one."""
    query = sa.select(sa.func.min(samples.c.id)).where(_WAITS, samples.c.project == project)
    if since is not None:
        query = query.where(samples.c.drawn_at > since)
    found = [tx.execute(query.where(samples.c.kind == kind)).scalar() for kind in (AUTOMATIC, PROPOSAL)]
    return min((one for one in found if one is not None), default=None)


def sums_of(tx: Transaction, project: str, before: int | None, since: datetime | None) -> Sums:
    """One project's part, of forwards decided after ``since``, before the row ``before`` (``None``: all)."""
    own = [samples.c.project == project, *([samples.c.drawn_at > since] if since is not None else [])]
    part = [*own, *([samples.c.id < before] if before is not None else [])]
    forwards, floors, until = tx.execute(
        sa.select(sa.func.count(), sa.func.sum(samples.c.floor), sa.func.max(samples.c.drawn_at)).where(*part)
    ).one()
    labelled = sa.select(sa.func.count()).where(*own, samples.c.chosen, samples.c.labelled_at.is_not(None))
    labelled = labelled.where(samples.c.kind.in_((AUTOMATIC, PROPOSAL)))
    counted = [samples.c.id < before] if before is not None else []
    checked = tx.execute(labelled.where(*counted)).scalar_one()
    wrong = sa.select(samples.c.floor / samples.c.probability).where(*part, samples.c.right.is_(False))
    beyond = tx.execute(labelled).scalar_one() - checked
    return Sums(forwards, float(floors or 0.0), checked, tuple(tx.execute(wrong).scalars()), until, beyond)


def sequence_of(tx: Transaction, project: str, before: int | None, since: datetime | None) -> list[tuple[float, float]]:
    """The last forwards of a project in order, each with its floor and, if found wrong, floor over probability."""
    found = sa.case((samples.c.right.is_(False), samples.c.floor / samples.c.probability), else_=0.0)
    query = sa.select(samples.c.floor, found).where(samples.c.project == project, samples.c.kind == AUTOMATIC)
    if since is not None:
        query = query.where(samples.c.drawn_at > since)
    if before is not None:
        query = query.where(samples.c.id < before)
    rows = tx.execute(query.order_by(samples.c.id.desc()).limit(MOST)).all()
    return [(floor, ratio) for floor, ratio in reversed(rows)]


MOST = 20_000
"""Forwards that drift is sought in: older ones are long forgotten by the running sum."""
