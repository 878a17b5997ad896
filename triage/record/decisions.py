"""Generations of decisions, their cases, and the dispatches that they call for.

A decision, the message's new state and every dispatch are written in one transaction: what shall
leave exists before anything does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import sqlalchemy as sa

from triage.record.audit import Change, Param, write_changes
from triage.record.charge import raise_alerts
from triage.record.claims import still_leased
from triage.record.comuni import comune_of
from triage.record.messages import MessageRow
from triage.record.misroutes import recalled
from triage.record.planned import (
    EarlierDispatch,
    OwnedPlan,
    PlannedDispatch,
    Recipient,
    lock_earlier,
    write_dispatches,
)
from triage.record.returned import Returned, record_returns
from triage.record.store import Transaction
from triage.record.tables import cases, decisions, dispatches, messages
from triage.vocabulary import (
    TO_FAMILIES,
    Action,
    Decision,
    DispatchKind,
    DispatchState,
    MessageState,
    Reason,
    RuleTried,
)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What was decided for one claimed message, and what follows from it.

    ``case_id`` is ``None`` when the message opens a case of its own, or goes on with that of
    ``case_of``, an earlier message of the same batch. ``file`` says that the message is to be filed
    without anything being sent. ``takes_over`` is a held message whose place this one takes. ``returned`` is
    what it says about something that we sent.
    """

    row: MessageRow
    decision: Decision
    state: MessageState
    hold_reason: str = ""
    case_id: int | None = None
    case_of: int | None = None
    author_key: str | None = None
    message_id_key: str | None = None
    content_key: str | None = None
    same_as: int | None = None
    dispatches: tuple[PlannedDispatch, ...] = ()
    file: bool = False
    takes_over: int | None = None
    returned: Returned | None = None
    calls: bool = False
    """Somebody is called until they have the message in hand (``triage.record.charge``)."""


def record_decisions(
    tx: Transaction, settlements: Sequence[Settlement], state: MessageState = MessageState.RECEIVED
) -> int:
    """Write a batch; messages whose lease was lost, or not in ``state``, are left out. How many were written."""
    mine = still_leased(tx, [item.row for item in settlements], state)
    kept = [item for item in settlements if item.row.id in mine]
    if not kept:
        return 0
    earlier = lock_earlier(tx, [item.row.id for item in kept if item.row.generation])
    kept = [_without_accepted(item, earlier) for item in kept]
    case_ids = _open_cases(tx, kept)
    tx.execute(sa.insert(decisions), [_decision_values(tx, item) for item in kept])
    statement = (
        sa.update(messages)
        .where(messages.c.id == sa.bindparam("key"))
        .values(
            {
                name: sa.bindparam(f"new_{name}", type_=messages.c[name].type)
                for name in _message_values(kept[0], case_ids[0])
            }
        )
    )
    rows = []
    for item, case_id in zip(kept, case_ids, strict=True):
        values = _message_values(item, case_id)
        rows.append({"key": item.row.id} | {f"new_{name}": value for name, value in values.items()})
    tx.execute(statement, rows)
    _take_over(tx, kept)
    plans = [
        OwnedPlan(item.row.id, item.row.generation + 1, case_id, plan)
        for item, case_id in zip(kept, case_ids, strict=True)
        for plan in {(plan.kind, plan.forward_path): plan for plan in item.dispatches}.values()
    ]
    write_dispatches(tx, plans, earlier)
    write_changes(tx, [_change(item) for item in kept])
    record_returns(tx, [(item.row, item.returned) for item in kept if item.returned is not None])
    raise_alerts(tx, [item.row.id for item in kept if item.calls])
    return len(kept)


def _without_accepted(item: Settlement, earlier: Mapping[Recipient, EarlierDispatch]) -> Settlement:
    """The same settlement without what its recipient has accepted; perhaps only since it was settled."""
    done = [
        plan
        for plan in item.dispatches
        if (row := earlier.get((item.row.id, plan.kind, plan.forward_path))) and row.state == DispatchState.ACCEPTED
    ]
    left = tuple(plan for plan in item.dispatches if plan not in done)
    forwarded, unsent = (any(plan.kind == DispatchKind.FORWARD for plan in plans) for plans in (done, left))
    file = item.state is MessageState.DECIDED and forwarded and not unsent
    return replace(item, dispatches=left, file=item.file or file)


def _open_cases(tx: Transaction, items: Sequence[Settlement]) -> list[int]:
    known: dict[int, int] = {}
    fresh: list[Settlement] = []
    earlier: set[int] = set()
    for item in items:
        if item.case_id is not None:
            known[item.row.id] = item.case_id
        elif item.case_of not in earlier:
            fresh.append(item)
        earlier.add(item.row.id)
    if fresh:
        statement = sa.insert(cases).returning(cases.c.id, sort_by_parameter_order=True)
        rows = [{"opened_at": tx.now, "author_key": item.author_key} for item in fresh]
        made = tx.execute(statement, rows).scalars()
        known |= {item.row.id: case_id for item, case_id in zip(fresh, made, strict=True)}
    for item in items:
        if item.row.id not in known:
            # Earlier in the batch, so its own case is known by now.
            known[item.row.id] = known[item.case_of or 0]
    return [known[item.row.id] for item in items]


def _message_values(item: Settlement, case_id: int) -> dict[str, object]:
    return {
        "state": item.state,
        "generation": item.row.generation + 1,
        "hold_reason": item.hold_reason,
        "urgent": item.decision.urgent,
        "case_id": case_id,
        "author_key": item.author_key,
        "message_id_key": item.message_id_key,
        "content_key": item.content_key,
        "same_as": item.same_as,
        "file_step": "ready" if item.file else "",
        "lease_owner": None,
        "lease_until": None,
        "tries": item.row.tries if item.row.stopped_the_parser else 0,
    }


def _decision_values(tx: Transaction, item: Settlement) -> dict[str, object]:
    decision = item.decision
    return {
        "message_id": item.row.id,
        "generation": item.row.generation + 1,
        "action": decision.action,
        "destination": decision.destination,
        "territory": decision.territory,
        "topic": decision.topic,
        "urgent": decision.urgent,
        "language": decision.language,
        "automatic": decision.automatic,
        "acknowledge": decision.acknowledge,
        "confidence": decision.confidence,
        "project": decision.project,
        "address_key": decision.address_key,
        "forward_path": decision.forward_path,
        "rules_tried": [asdict(rule) for rule in decision.rules_tried],
        "reasons": [{"code": reason.code, "params": dict(reason.params)} for reason in decision.reasons],
        "rules_version": decision.rules_version,
        "model_version": decision.model_version,
        "decided_at": tx.now,
        "decided_by": tx.actor,
        "comune": comune_of(decision),
    }


def _take_over(tx: Transaction, items: Sequence[Settlement]) -> None:
    """Held messages end as the same as their new appearance, which inherits the acknowledgement that waits."""
    changes = []
    for item in items:
        if item.takes_over is None:
            continue
        ended = tx.execute(
            sa.update(messages)
            .where(messages.c.id == item.takes_over, messages.c.state == MessageState.HELD)
            .values(state=MessageState.MATCHED, same_as=item.row.id, hold_reason="")
        )
        if not ended.rowcount:
            continue
        params: dict[str, Param] = {"same_as": item.row.id}
        changes.append(
            Change("message", item.takes_over, "taken_over", MessageState.HELD, MessageState.MATCHED, params)
        )
        tx.execute(
            sa.update(dispatches)
            .where(dispatches.c.message_id == item.takes_over, dispatches.c.kind.in_(TO_FAMILIES))
            .where(dispatches.c.state == DispatchState.PENDING, dispatches.c.attempts == 0)
            .values(message_id=item.row.id, generation=item.row.generation + 1)
        )
    write_changes(tx, changes)


def _change(item: Settlement) -> Change:
    params: dict[str, Param] = {"generation": item.row.generation + 1, "action": str(item.decision.action)}
    if item.hold_reason:
        params["reason"] = item.hold_reason
    return Change("message", item.row.id, "decided", item.row.state, item.state, params)


# --------------------------------------------------------------------------- looking back


def decision_of(tx: Transaction, message_id: int, generation: int) -> Decision | None:
    """One generation's decision, or ``None``."""
    return decisions_of(tx, [(message_id, generation)]).get(message_id)


def decisions_of(tx: Transaction, wanted: Iterable[tuple[int, int]]) -> dict[int, Decision]:
    """Several decisions in one query, by message id."""
    pairs = list(wanted)
    # SQLite looks no pair up by index: the messages narrow it down first.
    query = sa.select(decisions).where(
        decisions.c.message_id.in_([message_id for message_id, _ in pairs]),
        sa.tuple_(decisions.c.message_id, decisions.c.generation).in_(pairs),
    )
    return {row["message_id"]: _decision(row) for row in tx.execute(query).mappings()} if pairs else {}


def _decision(row: sa.RowMapping) -> Decision:
    names = [name for name in Decision.__slots__ if name not in ("action", "rules_tried", "reasons")]
    return Decision(
        action=Action(row["action"]),
        rules_tried=tuple(RuleTried(**rule) for rule in row["rules_tried"]),
        reasons=tuple(Reason(reason["code"], reason["params"]) for reason in row["reasons"]),
        **{name: row[name] for name in names},
    )


def acknowledged_cases(tx: Transaction, case_ids: Sequence[int]) -> set[int]:
    """Which of these cases have an acknowledgement, sent or on its way."""
    query = sa.select(dispatches.c.case_id).where(
        dispatches.c.case_id.in_(list(case_ids)),
        dispatches.c.kind == DispatchKind.ACKNOWLEDGEMENT,
        dispatches.c.withdrawn.is_(None),
    )
    return set(tx.execute(query).scalars())


def was_acknowledged(tx: Transaction, message_id: int) -> bool:
    """Whether this message has an acknowledgement, sent or on its way, whatever case it was sent for."""
    query = sa.select(dispatches.c.id).where(
        dispatches.c.message_id == message_id,
        dispatches.c.kind == DispatchKind.ACKNOWLEDGEMENT,
        dispatches.c.withdrawn.is_(None),
        dispatches.c.state != DispatchState.CANCELLED,
    )
    return tx.execute(query.limit(1)).first() is not None


def was_told_a_centre(tx: Transaction, case_id: int, besides: str) -> bool:
    """Whether the family of a case was told (or may have been) of a centre that is not this project's."""
    query = sa.select(dispatches.c.id).where(
        dispatches.c.case_id == case_id,
        dispatches.c.kind == DispatchKind.ACKNOWLEDGEMENT,
        dispatches.c.neutral.is_(False),
        dispatches.c.project != besides,
        dispatches.c.state.in_((DispatchState.SUBMITTING, DispatchState.ACCEPTED, DispatchState.UNKNOWN)),
    )
    return tx.execute(query.limit(1)).first() is not None


def accepted_recipients(tx: Transaction, message_ids: Sequence[int]) -> set[tuple[int, str]]:
    """(message, forward_path) of forwards that were accepted, in any generation: never repeated, unless recalled."""
    query = sa.select(dispatches.c.message_id, dispatches.c.forward_path).where(
        dispatches.c.message_id.in_(list(message_ids)),
        dispatches.c.kind == DispatchKind.FORWARD,
        dispatches.c.state == DispatchState.ACCEPTED,
        dispatches.c.id.not_in(recalled()),
    )
    return {(key, path) for key, path in tx.execute(query)}
