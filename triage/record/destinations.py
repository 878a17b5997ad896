"""Health of the projects' addresses: what bounces, is full, has moved or reads no mail gets none until it is well.

Failures are counted by days, as Mailman counts them: a day with any number of them is one, and a week without
takes them all back. An address becomes well again by a person's word, or when something was accepted after its
last failure and nothing has come back for two days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from triage.record.audit import Change, write_changes
from triage.record.incidents import close_incident, open_incident
from triage.record.store import Transaction
from triage.record.tables import decisions, destinations, messages
from triage.vocabulary import MessageState

OK, SICK = "ok", "sick"
BOUNCES, FULL, MOVED = "rimbalza", "piena", "trasferita"
"""Why an address is sick; staff see these words."""
INCIDENT = "destination"
HOLD = "destinazione_malata"
"""Why mail for a sick address waits."""

FAILING_DAYS = 3
"""Days with a failure after which an address is sick; one day may be a mistake of the other server."""
FORGET = timedelta(days=7)
"""Without a failure for so long, earlier ones count no more."""
COMES_BACK_WITHIN = timedelta(days=2)
"""A report of failure that has not come after so long does not come (most come within minutes)."""


@dataclass(frozen=True, slots=True)
class Destination:
    """One address as the record knows it; those that never failed have no row."""

    address: str
    project: str
    state: str
    why: str
    since: datetime
    changed_by: str
    failing_days: int
    failed_at: datetime | None
    status: str
    accepted_at: datetime | None


_COLUMNS = [destinations.c[name] for name in Destination.__slots__]


def all_destinations(tx: Transaction) -> list[Destination]:
    """Every address that ever failed, by project."""
    query = sa.select(*_COLUMNS).order_by(destinations.c.project, destinations.c.address)
    return [Destination(**row) for row in tx.execute(query).mappings()]


def sick_addresses(tx: Transaction) -> frozenset[str]:
    """Addresses that get no mail now, in lower case."""
    query = sa.select(destinations.c.address).where(destinations.c.state == SICK)
    return frozenset(tx.execute(query).scalars())


def note_destination_failure(tx: Transaction, project: str, address: str, status: str) -> bool:
    """A forward was refused or has come back; whether the address is sick by now.

    ``status`` is the enhanced status code (RFC 3463), empty if there was none. What says nothing of the mailbox
    (our reputation, the size or form of one message) is not counted.
    """
    if not speaks_of_mailbox(status):
        return False
    why = FULL if status.endswith(".2.2") else MOVED if status == "5.1.6" else BOUNCES
    known = _get(tx, address)
    days = _failing_days(known, tx.now)
    _write(tx, project, address, failing_days=days, failed_at=tx.now, status=status[:16], accepted_at=None)
    if why in (FULL, MOVED) or days >= FAILING_DAYS:
        _fall_sick(tx, project, address, why)
        return True
    return known is not None and known.state == SICK


def note_destination_moved(tx: Transaction, project: str, address: str) -> None:
    """Its own answer says that it has another address, or is not read: nothing is sent there, nor to the new one."""
    _write(tx, project, address, failed_at=tx.now, accepted_at=None)
    _fall_sick(tx, project, address, MOVED)


def note_destination_accepted(tx: Transaction, addresses: Sequence[str]) -> None:
    """Forwards were accepted: for a sick address the two days begin, unless they have begun."""
    tx.execute(
        sa.update(destinations)
        .where(destinations.c.address.in_(sorted({_key(address) for address in addresses})))
        .where(destinations.c.state == SICK, destinations.c.accepted_at.is_(None))
        .values(accepted_at=tx.now)
    )


def cure_recovered(tx: Transaction) -> int:
    """Addresses at which something was accepted and from which nothing has come back since; how many."""
    query = sa.select(destinations.c.address).where(_recovered(tx)).with_for_update(skip_locked=True)
    addresses = list(tx.execute(query).scalars())
    for address in addresses:
        cure_destination(tx, address)
    return len(addresses)


def any_recovered(tx: Transaction) -> bool:
    """Whether there is one; a look that costs no write."""
    return tx.execute(sa.select(destinations.c.address).where(_recovered(tx)).limit(1)).first() is not None


def _recovered(tx: Transaction) -> sa.ColumnElement[bool]:
    return sa.and_(destinations.c.state == SICK, destinations.c.accepted_at <= tx.now - COMES_BACK_WITHIN)


def cure_destination(tx: Transaction, address: str) -> bool:
    """The address is well again, on the word of whoever acts in this transaction; whether it was sick."""
    known = _get(tx, address)
    if known is None or known.state != SICK:
        return False
    tx.execute(
        sa.update(destinations)
        .where(destinations.c.address == known.address)
        .values(state=OK, why="", since=tx.now, changed_by=tx.actor, failing_days=0, failed_at=None, accepted_at=None)
    )
    close_incident(tx, INCIDENT, known.address[:64])
    write_changes(tx, [Change("destination", 0, "cured", SICK, OK, {"project": known.project, "why": known.why})])
    return True


def held_for(tx: Transaction, addresses: Sequence[str], most: int = 200) -> list[int]:
    """Messages that wait because one of these addresses took no mail."""
    query = (
        sa.select(messages.c.id)
        .join_from(
            messages,
            decisions,
            sa.and_(decisions.c.message_id == messages.c.id, decisions.c.generation == messages.c.generation),
        )
        .where(messages.c.state == MessageState.HELD, messages.c.hold_reason == HOLD)
        .where(decisions.c.forward_path.in_(list(addresses)))
        .order_by(messages.c.id)
        .limit(most)
    )
    return list(tx.execute(query).scalars())


def speaks_of_mailbox(status: str) -> bool:
    """Whether a failure says something of the mailbox or the way to it (RFC 3463 sections 3.2 to 3.5)."""
    _, subject, detail = (status or "5.0.0").split(".", 2) if status.count(".") == 2 else ("5", "0", "0")
    if subject == "1":
        return detail not in ("7", "8")  # our own address
    if subject == "2":
        return detail != "3"  # one message's length
    return subject in ("0", "4")


def _failing_days(known: Destination | None, now: datetime) -> int:
    if known is None or known.failed_at is None or now - known.failed_at > FORGET:
        return 1
    return known.failing_days + (1 if known.failed_at.date() < now.date() or not known.failing_days else 0)


def _fall_sick(tx: Transaction, project: str, address: str, why: str) -> None:
    changed = tx.execute(
        sa.update(destinations)
        .where(destinations.c.address == _key(address), sa.or_(destinations.c.state != SICK, destinations.c.why != why))
        .values(state=SICK, why=why, since=tx.now, changed_by=tx.actor)
    )
    if changed.rowcount:
        write_changes(tx, [Change("destination", 0, "sick", "", SICK, {"project": project, "why": why})])
        text = f"{project}: an address takes no mail ({why}); mail for it is held. See 'triage destinations'"
        open_incident(tx, INCIDENT, _key(address)[:64], text)


def _write(tx: Transaction, project: str, address: str, **values: object) -> None:
    fresh = {"state": OK, "why": "", "since": tx.now, "changed_by": tx.actor, "failing_days": 0, "status": ""}
    statement = tx.insert(destinations).values(address=_key(address), project=project, **(fresh | values))
    tx.execute(statement.on_conflict_do_update(index_elements=["address"], set_={"project": project, **values}))


def _get(tx: Transaction, address: str) -> Destination | None:
    query = sa.select(*_COLUMNS).where(destinations.c.address == _key(address)).with_for_update()
    row = tx.execute(query).mappings().first()
    return Destination(**row) if row else None


def _key(address: str) -> str:
    return address.casefold()[:320]
