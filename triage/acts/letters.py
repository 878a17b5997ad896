"""One message as a person who acts has it: its row, locked; what it says; what was decided; how it can be answered.

In: the transaction of the act. Out: a :class:`Letter`, or a code why there is none. The row stays locked until the
transaction ends: of two people who act on one message at once the second sees what the first did.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from triage.conversations import Keys, keys_of
from triage.decide import DecisionContext
from triage.loops import brakes_on, with_proof
from triage.reading import ParsedMessages
from triage.record import Transaction
from triage.record.corrections import lock_message
from triage.record.decisions import decision_of
from triage.record.identity import secret_of
from triage.record.mailboxes import known_mailboxes
from triage.record.messages import MessageRow
from triage.record.octets import read_octets
from triage.rules.types import Rules
from triage.settling import context_of
from triage.vocabulary import STAFF, UNSTATED, Action, Decision, InboundMessage, Reason

CHANGED = "cambiato"
NOT_THERE = "non_c_e"
NEVER_DECIDED = "mai_deciso"


@dataclass(frozen=True, slots=True)
class Letter:
    """One message as the record has it, with everything that deciding about it asks for."""

    row: MessageRow
    message: InboundMessage
    decision: Decision
    context: DecisionContext
    secret: bytes
    keys: Keys

    @property
    def case_id(self) -> int:
        return self.row.case_id or 0


def row_to_act_on(tx: Transaction, message_id: int, seen: int | None) -> MessageRow | str:
    """The row, locked, as long as nothing has happened to it since the person saw generation ``seen``; else why not.

    ``None``: whatever it is now, as for a command.
    """
    row = lock_message(tx, message_id)
    if row is None:
        return NOT_THERE
    return CHANGED if seen is not None and row.generation != seen else row


def read_letter(tx: Transaction, rules: Rules, parsed: ParsedMessages, row: MessageRow) -> Letter | None:
    """``None``: what it says is not on record, or stopped the parser.

    Held mail that was never decided about has the decision of :func:`undecided`.
    """
    octets = read_octets(tx, [row.sha256]).get(row.sha256) if row.sha256 else None
    # What could not be parsed three times is not parsed here: a person reads it where it lies.
    if octets is None or row.stopped_the_parser:
        return None
    secret = secret_of(tx)
    box = next(one for one in known_mailboxes(tx) if one.id == row.mailbox_id)
    message = parsed.seen(parsed.parse(row.sha256 or "", octets), rules.mailboxes.get(box.name))
    context = with_proof(tx, secret, context_of(row, message, rules, box), message)
    brakes = brakes_on(tx, [row.mailbox_id]).on(rules, row.mailbox_id)
    known = (
        Keys(row.author_key, row.message_id_key, row.content_key) if row.author_key else keys_of(secret, message, rules)
    )
    decision = decision_of(tx, row.id, row.generation) or undecided(rules)
    return Letter(row, message, decision, replace(context, brakes=brakes), secret, known)


def undecided(rules: Rules) -> Decision:
    """What a message has that was held before anything was decided about it."""
    return Decision(
        action=Action.HOLD,
        destination=STAFF,
        territory=UNSTATED,
        topic="orientamento",
        urgent=False,
        language="it",
        automatic=False,
        acknowledge=False,
        confidence=0.0,
        project="",
        address_key="",
        forward_path="",
        rules_tried=(),
        reasons=(Reason("mai_deciso"),),
        rules_version=rules.version,
        model_version="",
    )
