"""One message for the page: its row, its octets, and what it says, read at most once a request.

In: the desk and the message's number. Out: a :class:`Letter`; :class:`RefusedError` 404 where there is no such message,
or nothing of it is left. What stopped the parser three times is never parsed here: only its original can be had.
"""

from __future__ import annotations

from dataclasses import dataclass

from triage.acts.people import Person
from triage.record import Transaction
from triage.record.looking import found_infected, looked_lately, note_look
from triage.record.messages import MessageRow, get_message, mailbox_name
from triage.record.octets import read_octets
from triage.review.desk import Desk
from triage.review.guards import RefusedError
from triage.vocabulary import InboundMessage, MessageState

HIDDEN = frozenset({MessageState.LISTED, MessageState.BASELINE, MessageState.VANISHED})
"""States of messages of which nothing was read."""
MOST_NUMBER = 2**63 - 1
ERASED = (
    "Il testo di questo messaggio non c'è più: è scaduto il tempo di conservazione, o la persona ha chiesto di "
    "cancellarlo. Che cosa ne è stato si vede nella pagina del caso."
)


@dataclass(frozen=True, slots=True)
class Letter:
    """``parsed`` as the octets are; ``message`` as it is decided about: of certified mail the person's own."""

    row: MessageRow
    mailbox: str
    octets: bytes | None
    parsed: InboundMessage | None
    message: InboundMessage | None
    infected: bool


def letter_of(desk: Desk, tx: Transaction, message_id: int) -> Letter:
    """The message as it stands now; raises :class:`RefusedError`."""
    # A number that no record can hold is nobody's: the record would fail at it.
    row = get_message(tx, message_id) if message_id <= MOST_NUMBER else None
    if row is None or row.state in HIDDEN:
        raise RefusedError(404, "no_such_message")
    if row.state == MessageState.ERASED:
        case = f"/casi/{row.case_id}" if row.case_id is not None else ""
        raise RefusedError(404, "erased", ERASED, "Testo cancellato", case)
    name = mailbox_name(tx, row.mailbox_id)
    octets = read_octets(tx, [row.sha256]).get(row.sha256) if row.sha256 else None
    infected = found_infected(tx, row)
    if octets is None or row.stopped_the_parser:
        return Letter(row, name, octets, None, None, infected)
    parsed = desk.parsed.parse(row.sha256 or "", octets)
    rules = desk.knowledge.in_force().rules
    return Letter(row, name, octets, parsed, desk.parsed.seen(parsed, rules.mailboxes.get(name)), infected)


def note_seen(desk: Desk, person: Person, act: str, message_id: int, **params: int) -> None:
    """Put on record who opened what; a look that is there already costs no write."""
    with desk.store.read("looked") as tx:
        known = looked_lately(tx, person, act, message_id, params)
    if not known:
        with desk.store.write("look", person.name) as tx:
            note_look(tx, person, act, message_id, params)
