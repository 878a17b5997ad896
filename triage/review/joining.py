"""Whose case a message would become part of, shown before it does: a code that was typed wrong is a stranger's case.

In: the message and the code as somebody typed it. Out: a :class:`CaseToJoin` with its letters, and whether any of them
is by the message's own author; ``None`` where no one case has the code, or it is the message's own: the act says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from triage.ids import case_code, cases_typed
from triage.record import Transaction
from triage.record.case_story import case_record
from triage.record.identity import secret_if_known
from triage.record.mailboxes import known_mailboxes
from triage.record.messages import get_message
from triage.review.desk import Desk
from triage.review.heads import Head, heads_of

MOST = 5
"""Letters that are shown; of a longer case the last ones."""


@dataclass(frozen=True, slots=True)
class LetterOfCase:
    """Who wrote it, about what, and when it came."""

    who: str
    subject: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CaseToJoin:
    """``shown``: what a confirmation must name. ``stranger``: none of its letters is known to be of the same author."""

    code: str
    letters: tuple[LetterOfCase, ...]
    left_out: int
    author: str
    stranger: bool
    shown: str


def case_to_join(desk: Desk, tx: Transaction, message_id: int, typed: str) -> CaseToJoin | None:
    """The case with this code, as whoever joins a message to it has to see it."""
    secret = secret_if_known(tx)
    named = cases_typed(secret, typed) if secret else ()
    row = get_message(tx, message_id)
    case = case_record(tx, named[0]) if len(named) == 1 else None
    if row is None or case is None or row.case_id == case.case_id:
        return None
    boxes = {box.id: box.name for box in known_mailboxes(tx)}
    heads = heads_of(tx, desk.parsed, desk.knowledge.in_force().rules, boxes, [row, *case.rows])
    own = heads.get(row.id, Head())
    known = {one.author_key for one in case.rows if one.author_key}
    code = case_code(secret, case.case_id)
    letters = tuple(
        LetterOfCase(
            _who(heads.get(one.id, Head())),
            heads.get(one.id, Head()).subject.strip()[:200],
            one.internal_date or one.received_at or one.listed_at,
        )
        for one in case.rows
    )
    return CaseToJoin(
        code,
        letters[-MOST:],
        case.left_out + max(0, len(letters) - MOST),
        _who(own),
        row.author_key not in known,
        f"{code}.{max((one.id for one in case.rows), default=0)}",
    )


def _who(head: Head) -> str:
    return " ".join(filter(None, (head.name, f"<{head.address}>" if head.name and head.address else head.address)))
