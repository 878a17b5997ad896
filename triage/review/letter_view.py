"""Everything that the page of one message shows, gathered in one look at the record.

In: the desk, a transaction, the person who looks, a :class:`Letter`. Out: plain values for the template. Urgency never
comes with a number, the place's role stands beside its name, and how sure the service is stands in words.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from triage.acts.actors import by_whom
from triage.acts.people import SETTLERS, Person
from triage.acts.taught import taught_rule_of
from triage.explaining import Piece, pieces_of, uncapitalised
from triage.ids import case_code
from triage.pec.words import certified_lines
from triage.record import Transaction
from triage.record.asked import Question, questions_about
from triage.record.charge import charges_of
from triage.record.decisions import decision_of
from triage.record.exceptions import taught_by
from triage.record.identity import known_secret
from triage.record.looking import others_before
from triage.record.openings import Opening, openings_of
from triage.record.people import all_people
from triage.record.protocol import ProtocolEntry, protocol_entries_of
from triage.record.settlements import ENDS, SettlementRow, newest_settlements
from triage.record.turned_down import turned_down
from triage.record.waiting_list import WAITING, changed_among, group_of, next_waiting, previous_waiting
from triage.review import thinking
from triage.review.desk import Desk
from triage.review.files import ListedFile, listed_files
from triage.review.letters import Letter
from triage.review.proposals import Proposal, proposals_of
from triage.review.settled_words import became
from triage.vocabulary import Classification, Decision, InboundMessage, PlaceMention, SignatureState

LONGEST = 40_000
"""Characters of the text that the page shows; all of it is in the original."""
_MARKUP = re.compile(rb"content-type:\s*text/html", re.IGNORECASE)
_KEPT = 256


@dataclass(frozen=True, slots=True)
class Taken:
    """Who has the message in charge, behind a participle ("da Anna Rossi"), and since when."""

    by: str
    at: datetime
    mine: bool


@dataclass(frozen=True, slots=True)
class LetterView:
    """What stands on the page."""

    letter: Letter
    decision: Decision | None
    subject: tuple[Piece, ...]
    text: tuple[Piece, ...]
    quoted: tuple[Piece, ...]
    signature: tuple[Piece, ...]
    cut: bool
    certified: tuple[tuple[str, str], ...]
    altered: bool
    """Certified mail whose provider's signature does not fit."""
    files: tuple[ListedFile, ...]
    has_markup: bool
    waits_because: str
    thinks: str
    sure: str
    reasons: tuple[str, ...]
    proposals: tuple[Proposal, ...]
    taken: Taken | None
    open_by: tuple[str, ...]
    """Colleagues who have it before them as well."""
    case_code: str
    changed: bool
    became: str
    """What was done with it, as the end of a sentence."""
    question: Question | None
    names: Mapping[str, str]
    """How people are called who are named on the page."""
    taught: bool
    """Whether a rule holds that this message taught."""
    by_taught: int
    """The taught rule that decided it, 0: none."""
    protocol: ProtocolEntry | None
    """What is on record of it for the register of documents; ``None``: it need not be registered."""
    ended_by: SettlementRow | None
    """The act that ended what was never read here, in the mailbox or set aside: nothing else here tells of it."""
    next_id: int | None
    previous_id: int | None

    @property
    def waits(self) -> bool:
        """Whether a person may still settle it; what was never read can only be ended, with a note."""
        return self.letter.row.state in WAITING

    @property
    def readable(self) -> bool:
        return self.letter.message is not None


def view_of(desk: Desk, tx: Transaction, person: Person, letter: Letter) -> LetterView:
    """Everything about one message."""
    row, message = letter.row, letter.message
    rules = desk.knowledge.in_force().rules
    decision = decision_of(tx, row.id, row.generation)
    classification = _classified(desk, letter, message) if message is not None else None
    places = classification.places if classification is not None else ()
    charge = charges_of(tx, [row.id]).get(row.id)
    question = questions_about(tx, [row]).get(row.id)
    last = newest_settlements(tx, [row.id]).get(row.id)
    told = row.state in WAITING or message is not None  # where it is read, its case tells who settled it
    ended_by = last if last is not None and last.exit in ENDS and not told else None
    named = ended_by is not None or question is not None or (charge is not None and charge.taken_at is not None)
    displays = {one.name: one.display for one in all_people(tx)} if named else {}
    opening = openings_of(tx, [row.id]).get(row.id)
    group = group_of(row)
    parts = {name: _pieces(message, name, decision, places) for name in ("subject", "text", "quoted", "signature")}
    return LetterView(
        letter=letter,
        decision=decision,
        subject=parts["subject"],
        text=parts["text"],
        quoted=parts["quoted"],
        signature=parts["signature"],
        cut=message is not None and max(len(message.new_text), len(message.quoted_text)) > LONGEST,
        certified=certified_lines(message.certified, rules.service.timezone) if message and message.certified else (),
        altered=bool(message and message.certified and message.certified.signature is SignatureState.ALTERED),
        files=listed_files(letter.parsed.attachments, certified=bool(message and message.certified))
        if letter.parsed is not None
        else (),
        has_markup=letter.parsed is not None and bool(_MARKUP.search(letter.octets or b"")),
        waits_because=thinking.waits_because(row.hold_reason, decision, rules),
        thinks=thinking.thinks(decision, rules),
        sure=thinking.sure(decision),
        reasons=thinking.why(decision, message, rules),
        proposals=proposals_of(message, decision, classification, rules, letter.mailbox, turned_down(tx, row.id))
        if message is not None and classification is not None
        else (),
        taken=Taken(by_whom(charge.taken_by, displays), charge.taken_at, charge.taken_by == person.name)
        if charge is not None and charge.taken_at is not None
        else None,
        open_by=_open_by(tx, person, row.id, opening),
        case_code=case_code(known_secret(tx), row.case_id) if row.case_id is not None else "",
        changed=bool(changed_among(tx, [row.id])),
        protocol=protocol_entries_of(tx, [row.id]).get(row.id),
        became=uncapitalised(became(row, decision, last, rules).what),
        question=question,
        names=displays,
        taught=bool(taught_by(tx, row.id)),
        by_taught=taught_rule_of(decision),
        ended_by=ended_by,
        next_id=next_waiting(tx, row.id, group, person.id or 0),
        previous_id=previous_waiting(tx, row.id, group),
    )


def _open_by(tx: Transaction, person: Person, message_id: int, opening: Opening | None) -> tuple[str, ...]:
    """The colleagues who have it before them: who opened it first, and whoever did since."""
    first = [opening.display] if opening is not None and opening.person_id != person.id else []
    others = [one.display for one in others_before(tx, [message_id], person, SETTLERS)]
    return tuple(dict.fromkeys((*first, *others)))


def _pieces(
    message: InboundMessage | None, where: str, decision: Decision | None, places: tuple[PlaceMention, ...]
) -> tuple[Piece, ...]:
    if message is None:
        return ()
    kept: list[Piece] = []
    left = LONGEST
    for piece in pieces_of(message, where, decision, places):
        if left <= 0:
            break
        kept.append(replace(piece, text=piece.text[:left]))
        left -= len(piece.text)
    return tuple(kept)


# --------------------------------------------------------------------------- read again, for places and alternatives

_lock = threading.Lock()
_known: OrderedDict[tuple[str, str, str], Classification] = OrderedDict()


def _classified(desk: Desk, letter: Letter, message: InboundMessage) -> Classification:
    """What the model in force says of it now; remembered, since a page is loaded several times in a row."""
    knowledge = desk.knowledge.in_force()
    key = (letter.row.sha256 or "", letter.mailbox, knowledge.classifier.version)
    with _lock:
        known = _known.get(key)
    if known is None:
        known = knowledge.classifier.classify([message])[0]
        with _lock:
            _known[key] = known
            while len(_known) > _KEPT:
                _known.popitem(last=False)
    return known
