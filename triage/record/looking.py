"""Who looked at a message, on the sealed record of acts; and whether malware was found in its octets.

In: a person, a message, what was opened. A page that is loaded again within minutes is one look.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from triage.record.audit import Change, Param, write_changes
from triage.record.filing import AT_REST
from triage.record.messages import MessageRow
from triage.record.people_tables import people, staff_acts
from triage.record.staff_acts import Actor, note_act
from triage.record.store import Transaction
from triage.record.tables import audit, messages

OPENED, MARKUP_OPENED = "open_message", "open_markup"
FILE_TAKEN, ORIGINAL_TAKEN = "download_file", "download_original"
ONE_LOOK = timedelta(minutes=10)
IN_FRONT = ONE_LOOK + timedelta(minutes=5)
"""For so long a message counts as open in front of who looked at it: an open page says so anew every few minutes."""
MOST_OPEN = 50
INFECTED = "allegato_infetto"


@dataclass(frozen=True, slots=True)
class Looker:
    """``display`` is how the person is called."""

    message_id: int
    display: str


def note_look(
    tx: Transaction, person: Actor, act: str, message_id: int, params: Mapping[str, Param] | None = None
) -> None:
    """Write that ``person`` opened something of a message; again only after :data:`ONE_LOOK`."""
    if not looked_lately(tx, person, act, message_id, params):
        note_act(tx, person, act, "message", message_id, params)


def looked_lately(
    tx: Transaction, person: Actor, act: str, message_id: int, params: Mapping[str, Param] | None = None
) -> bool:
    """Whether this look is on record already; costs no write."""
    query = (
        sa.select(staff_acts.c.params)
        .where(staff_acts.c.subject == "message", staff_acts.c.subject_id == message_id)
        .where(staff_acts.c.act == act, staff_acts.c.person_id == person.id, staff_acts.c.at > tx.now - ONE_LOOK)
    )
    return any(dict(found) == dict(params or {}) for found in tx.execute(query).scalars())


def others_before(tx: Transaction, message_ids: Collection[int], person: Actor, roles: Collection[str]) -> list[Looker]:
    """Who else, of these roles, has one of these messages before them now, in the order in which they opened it."""
    query = (
        sa.select(staff_acts.c.subject_id, people.c.display)
        .join_from(staff_acts, people, people.c.id == staff_acts.c.person_id)
        .where(staff_acts.c.subject == "message", staff_acts.c.subject_id.in_(list(message_ids)))
        .where(staff_acts.c.act == OPENED, staff_acts.c.at > tx.now - IN_FRONT)
        .where(staff_acts.c.person_id != person.id, people.c.role.in_(sorted(roles)))
        .order_by(staff_acts.c.id)
    )
    found = tx.execute(query).all() if message_ids and person.id is not None else []
    return list(dict.fromkeys(Looker(*row) for row in found))


def open_before(tx: Transaction, person: Actor) -> list[int]:
    """The messages that a person has before them now and that wait."""
    query = (
        sa.select(staff_acts.c.subject_id)
        .join_from(staff_acts, messages, messages.c.id == staff_acts.c.subject_id)
        .where(staff_acts.c.person_id == person.id, staff_acts.c.subject == "message")
        .where(staff_acts.c.act == OPENED, staff_acts.c.at > tx.now - IN_FRONT, messages.c.state.in_(AT_REST))
        .order_by(staff_acts.c.id.desc())
        .limit(MOST_OPEN)
    )
    return sorted(set(tx.execute(query).scalars()))


def note_infected(tx: Transaction, message_id: int) -> None:
    """The scanner has found malware when somebody wanted to save a file of this message."""
    write_changes(tx, [Change("message", message_id, "found_infected", params={"reason": INFECTED})])


def found_infected(tx: Transaction, row: MessageRow) -> bool:
    """Whether the scanner has found malware in these octets, in this message or in another that is the same."""
    if row.hold_reason == INFECTED:
        return True
    if row.sha256 is None:
        return False
    same = sa.select(messages.c.id).where(messages.c.sha256 == row.sha256)
    query = sa.select(audit.c.params).where(audit.c.subject == "message", audit.c.subject_id.in_(same))
    return any(params.get("reason") == INFECTED for params in tx.execute(query).scalars())
