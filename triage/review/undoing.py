"""Taking back what was just done: the banner's content, and POST /annulla/{settlement_id}.

What several people did is never mixed: everybody sees and takes back their own acts. What was done with one press, as
"non è per noi" for several messages, is taken back with one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from triage.acts.people import Act, Person
from triage.acts.undoing import undo
from triage.ids import case_code
from triage.record import LostLeaseError, Transaction
from triage.record.identity import known_secret
from triage.record.mailboxes import known_mailboxes
from triage.record.messages import get_message, messages_by_id
from triage.record.settlements import Exit, SettlementRow, settlement_numbered
from triage.record.undoable import undoable
from triage.review.desk import Desk
from triage.review.guards import RefusedError, desk_of, may
from triage.review.heads import Head, heads_of
from triage.review.rendering import go, tell
from triage.review.words import count_of, exit_name
from triage.rules import Rules

router = APIRouter()
MOST_SHOWN = 10
LONGEST_SUBJECT = 80
_OF_CASES = (Exit.CORRECTION, Exit.ALSO, Exit.JOINED, Exit.SPLIT)
"""What is done on a case's page."""


@dataclass(frozen=True, slots=True)
class Undoable:
    """One act that may be taken back: what was done, until when, and how long that is in words."""

    id: int
    what: str
    until: datetime
    seconds: int

    @property
    def left(self) -> str:
        return in_words(self.seconds)


def undoables(desk: Desk, tx: Transaction, person: Person) -> list[Undoable]:
    """The person's last acts that can still be taken back, newest first; none with less than a second left."""
    rules = desk.knowledge.in_force().rules
    rows = undoable(tx, person.id)
    together = [list(rows) for _, rows in groupby(rows, key=lambda row: (row.at, row.exit))][:MOST_SHOWN]
    names = _names(desk, tx, rules, [acts[0].message_id for acts in together if len(acts) == 1])
    shown = (_shown(tx, rules, acts, names) for acts in together)
    return [one for one in shown if one.seconds]


def _names(desk: Desk, tx: Transaction, rules: Rules, message_ids: Sequence[int]) -> Mapping[int, str]:
    """Each message as people know it: who wrote it and about what; without a head by its case."""
    rows = messages_by_id(tx, message_ids) if message_ids else {}
    boxes = {box.id: box.name for box in known_mailboxes(tx)} if rows else {}
    heads = heads_of(tx, desk.parsed, rules, boxes, list(rows.values()))
    names = {}
    for number, row in rows.items():
        head = heads.get(number, Head())
        case = f"caso {case_code(known_secret(tx), row.case_id)}" if row.case_id is not None else "un messaggio"
        subject = f"«{head.subject.strip()[:LONGEST_SUBJECT]}»" if head.subject.strip() else "senza oggetto"
        names[number] = f"{subject} di {head.name or head.address}" if head.address else case
    return names


def _shown(tx: Transaction, rules: Rules, acts: Sequence[SettlementRow], names: Mapping[int, str]) -> Undoable:
    first = acts[0]
    about = names.get(first.message_id, "un messaggio")
    if len(acts) > 1:
        about = count_of(len(acts), "messaggio", "messaggi")
    project = rules.projects.get(first.project)
    to = f" a {project.name}" if project is not None else ""
    until = min(act.undo_until or tx.now for act in acts)
    seconds = max(0, int((until - tx.now).total_seconds()))
    return Undoable(first.id, f"{about[0].upper()}{about[1:]}: {exit_name(first.exit)}{to}", until, seconds)


def in_words(seconds: int) -> str:
    """``1 minuto e 40 secondi``."""
    minutes, rest = divmod(seconds, 60)
    parts = [count_of(minutes, "minuto", "minuti")] if minutes else []
    parts += [count_of(rest, "secondo", "secondi")] if rest or not minutes else []
    return " e ".join(parts)


def _same_press(one: SettlementRow, other: SettlementRow) -> bool:
    return (one.at, one.exit) == (other.at, other.exit)


@router.post("/annulla/{settlement_id}")
def take_back(request: Request, settlement_id: int, person: Annotated[Person, Depends(may(Act.SETTLE))]) -> Response:
    """Take one's own act back, and everything that was done with the same press."""
    desk = desk_of(request)
    rules = desk.knowledge.in_force().rules
    with desk.store.read("act to undo") as tx:
        known = settlement_numbered(tx, settlement_id)
        together = [row.id for row in undoable(tx, person.id) if known is not None and _same_press(row, known)]
    if known is None or known.person_id != person.id:
        raise RefusedError(404, "no_such_act")
    try:
        with desk.store.write("undo", person.name) as tx:
            outcomes = [undo(tx, rules, person, number) for number in together or [settlement_id]]
    except LostLeaseError:
        raise RefusedError(409, "changed") from None
    with desk.store.read("where it was") as tx:
        row = get_message(tx, known.message_id)
        case_id = row.case_id if row is not None else None
    desk.dispatch_wake()
    for text in dict.fromkeys(one.message_it for one in outcomes):
        tell(request, text, "success" if all(one.ok for one in outcomes) else "warning")
    if len(outcomes) > 1:
        return go("/da-decidere")
    return go(f"/casi/{case_id}" if known.exit in _OF_CASES and case_id else f"/messaggi/{known.message_id}")
