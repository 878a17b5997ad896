"""The register of misroutes: what went to a project by mistake, who was asked to delete it, what they answered.

Rows hold codes, times and numbers of cases: no body, no subject, no name. They are never deleted by the flow.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from triage.record.audit import Change, Param, write_changes
from triage.record.store import Transaction
from triage.record.tables import dispatches, misroutes
from triage.vocabulary import DispatchKind, DispatchState

DELETED, ANSWERED, UNDELIVERED, BY_VOICE = "cancellato", "risposto", "non_consegnato", "a_voce"
"""What came of a recall: deleted, as the link says; answered in words that a person must read; not delivered; told
to staff by another way."""

CATEGORIES = (
    "identificativi",
    "contatti",
    "minori",
    "salute",
    "famiglia",
    "situazione_economica",
    "giudiziari",
    "altro",
)
"""Categories of personal data that a person may tick."""


@dataclass(frozen=True, slots=True)
class Misroute:
    """One row of the register."""

    id: int
    case_id: int
    message_id: int
    settlement_id: int
    found_at: datetime
    found_by: str
    wrong_project: str
    wrong_dispatch_id: int
    right_project: str
    categories: Sequence[str]
    recall_dispatch_id: int | None
    recall_answer: str
    recall_answered_at: datetime | None
    family_told: str
    note_code: str
    closed_at: datetime | None
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class Wrong:
    """One forward that went to the wrong project."""

    dispatch_id: int
    project: str
    forward_path: str
    sent_at: datetime | None


_recall = dispatches.alias("recall")
_waits = _recall.c.state.in_((DispatchState.PENDING, DispatchState.SUBMITTING))
_COLUMNS = [misroutes.c[name] for name in Misroute.__slots__]


def misrouted() -> sa.Select[int]:
    """Forwards that went to the wrong project, as a person said: nothing goes there again by itself."""
    return sa.select(misroutes.c.wrong_dispatch_id).where(misroutes.c.withdrawn_at.is_(None))


def recalled() -> sa.Select[int]:
    """Of these the ones that count as had no more: the request to delete has left, or a person has to make it."""
    waiting = sa.select(_recall.c.id).where(_recall.c.id == misroutes.c.recall_dispatch_id, _waits)
    return misrouted().where(~waiting.correlate(misroutes).exists())


def recall_waits(tx: Transaction, message_id: int, project: str) -> bool:
    """Whether a request to this project to delete this message has not left yet."""
    query = (
        sa.select(misroutes.c.id)
        .join_from(misroutes, _recall, _recall.c.id == misroutes.c.recall_dispatch_id)
        .where(misroutes.c.message_id == message_id, misroutes.c.wrong_project == project)
        .where(misroutes.c.withdrawn_at.is_(None), _waits)
    )
    return tx.execute(query.limit(1)).first() is not None


def recalled_projects(tx: Transaction, case_ids: Collection[int]) -> set[tuple[int, str]]:
    """(case, project) of projects that got something of these cases by mistake, and nothing of them rightly since."""
    wrong = dispatches.c.id.in_(misrouted())
    query = (
        sa.select(dispatches.c.case_id, dispatches.c.project, wrong)
        .where(dispatches.c.case_id.in_(list(case_ids)), dispatches.c.kind == DispatchKind.FORWARD)
        .where(dispatches.c.state == DispatchState.ACCEPTED)
        .order_by(dispatches.c.id)
    )
    newest = {(case, project): was_wrong for case, project, was_wrong in tx.execute(query)} if case_ids else {}
    return {key for key, was_wrong in newest.items() if was_wrong}


def wrong_forwards(tx: Transaction, message_id: int, addresses: Sequence[str]) -> list[Wrong]:
    """The accepted forwards of a message to these addresses that are not in the register yet, oldest first."""
    query = sa.select(dispatches.c.id, dispatches.c.project, dispatches.c.forward_path, dispatches.c.ended_at).where(
        dispatches.c.message_id == message_id,
        dispatches.c.kind == "forward",
        dispatches.c.state == "accepted",
        dispatches.c.forward_path.in_(list(addresses)),
        dispatches.c.id.not_in(misrouted()),
    )
    return [Wrong(*row) for row in tx.execute(query.order_by(dispatches.c.id))]


def enter_misroute(
    tx: Transaction,
    wrong: Wrong,
    *,
    case_id: int,
    message_id: int,
    settlement_id: int,
    right_project: str,
    categories: Sequence[str],
    recall_message_id: str,
    family_told: str,
    note_code: str,
) -> int:
    """Enter one misroute; ``recall_message_id`` is the Message-ID of the recall that was planned, or empty."""
    recall = sa.select(dispatches.c.id).where(dispatches.c.rfc_message_id == recall_message_id)
    statement = sa.insert(misroutes).values(
        case_id=case_id,
        message_id=message_id,
        settlement_id=settlement_id,
        found_at=tx.now,
        found_by=tx.actor[:64],
        wrong_project=wrong.project,
        wrong_dispatch_id=wrong.dispatch_id,
        right_project=right_project,
        categories=list(categories),
        recall_dispatch_id=tx.execute(recall).scalar() if recall_message_id else None,
        family_told=family_told,
        note_code=note_code,
    )
    number: int = tx.execute(statement.returning(misroutes.c.id)).scalar_one()
    params: dict[str, Param] = {"misroute": number, "wrong": wrong.project, "right": right_project}
    write_changes(tx, [Change("case", case_id, "misrouted", params=params)])
    return number


def now_goes_to(tx: Transaction, message_id: int, project: str) -> None:
    """Rows of this message whose right centre never got it name the one that gets it instead."""
    query = sa.select(dispatches.c.project).where(
        dispatches.c.message_id == message_id,
        dispatches.c.kind == DispatchKind.FORWARD,
        dispatches.c.state.not_in((DispatchState.PENDING, DispatchState.CANCELLED)),
    )
    tx.execute(
        sa.update(misroutes)
        .where(misroutes.c.message_id == message_id, misroutes.c.withdrawn_at.is_(None))
        .where(misroutes.c.right_project.not_in(query))
        .values(right_project=project)
    )


def withdraw_rows(tx: Transaction, settlement_id: int) -> None:
    """The rows of a correction of which nothing left: nothing was to be deleted after all."""
    tx.execute(
        sa.update(misroutes)
        .where(misroutes.c.settlement_id == settlement_id)
        .values(withdrawn_at=tx.now, closed_at=tx.now)
    )


def misroute_numbered(tx: Transaction, number: int) -> Misroute | None:
    """One row of the register, or ``None``."""
    found = tx.execute(sa.select(*_COLUMNS).where(misroutes.c.id == number)).mappings().first()
    return Misroute(**found) if found else None


def misroutes_of_case(tx: Transaction, case_id: int) -> list[Misroute]:
    """The rows of one case."""
    query = sa.select(*_COLUMNS).where(misroutes.c.case_id == case_id).order_by(misroutes.c.id)
    return [Misroute(**row) for row in tx.execute(query).mappings()]


def recalled_forward(tx: Transaction, recall_dispatch_id: int) -> datetime | None:
    """When what a recall asks to delete was sent; ``None``: the recall has no row, or its correction was undone."""
    query = (
        sa.select(dispatches.c.ended_at)
        .join_from(misroutes, dispatches, dispatches.c.id == misroutes.c.wrong_dispatch_id)
        .where(misroutes.c.recall_dispatch_id == recall_dispatch_id, misroutes.c.withdrawn_at.is_(None))
    )
    found: datetime | None = tx.execute(query).scalar()
    return found


def note_recall(tx: Transaction, recall_dispatch_id: int, answer: str) -> None:
    """What came of a recall. That it was deleted is not overwritten by what comes later."""
    rows = sa.select(misroutes.c.id, misroutes.c.case_id).where(
        misroutes.c.recall_dispatch_id == recall_dispatch_id, misroutes.c.recall_answer != DELETED
    )
    for number, case_id in tx.execute(rows).all():
        _answer(tx, number, case_id, answer)


def answer_misroute(tx: Transaction, row: Misroute, answer: str) -> None:
    """What a project told staff by another way."""
    _answer(tx, row.id, row.case_id, answer)


def close_misroute(tx: Transaction, row: Misroute) -> None:
    """Nothing is open about it any more."""
    tx.execute(sa.update(misroutes).where(misroutes.c.id == row.id).values(closed_at=tx.now))


def _answer(tx: Transaction, number: int, case_id: int, answer: str) -> None:
    tx.execute(
        sa.update(misroutes).where(misroutes.c.id == number).values(recall_answer=answer, recall_answered_at=tx.now)
    )
    write_changes(tx, [Change("case", case_id, "recall_answered", params={"misroute": number, "answer": answer})])
