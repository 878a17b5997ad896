"""Whether a message is in a loop with us, and what stops acknowledgements for the moment: facts for the gate.

In: a message, its context and the record. Out: the context with what our own header field proves and with the brakes
that are on. A message of ours that comes back (a project redirects its mail to us, two services answer each
other) is known by its seal even where a server has given it another Message-ID.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from triage.decide.context import DecisionContext
from triage.record import Transaction
from triage.record.breaker import sent_of_mailbox, stands_open
from triage.record.recall import ids_of_case
from triage.rules.types import Rules
from triage.seals import OWN_FIELD, Seal, case_of_field, holds
from triage.vocabulary import InboundMessage

BREAKER, MAILBOX_LIMIT = "ricevute_sospese", "limite_casella"
_KEPT_BY_SERVERS = ("Message-ID", "X-Google-Original-Message-ID", "X-Microsoft-Original-Message-ID")
_MOST_FIELDS = 20


def with_proof(tx: Transaction, secret: bytes, context: DecisionContext, message: InboundMessage) -> DecisionContext:
    """The context with what our own header field proves."""
    proved = seal_in(tx, secret, message)
    return replace(context, is_own_loop=proved is Seal.OURS, forged_seal=proved is Seal.FORGED)


def seal_in(tx: Transaction, secret: bytes, message: InboundMessage) -> Seal:
    """Whether a message carries our header field, and whether we made it."""
    fields = message.header(OWN_FIELD)[:_MOST_FIELDS]
    if not fields:
        return Seal.ABSENT
    named = [value.strip() for name in _KEPT_BY_SERVERS for value in message.header(name)]
    for value in fields:
        if holds(secret, value, [message.message_id, *named]):
            return Seal.OURS
        case_id = case_of_field(secret, value)
        if case_id is not None and holds(secret, value, ids_of_case(tx, case_id)):
            return Seal.OURS
    return Seal.FORGED


@dataclass(frozen=True, slots=True)
class Brakes:
    """What stops acknowledgements, looked up once for a batch: the breaker, and how many each mailbox had."""

    is_open: bool = False
    sent: Counter[int] = field(default_factory=Counter)

    def on(self, rules: Rules, mailbox_id: int) -> tuple[str, ...]:
        """What stops them for the mail of one mailbox, as reasons."""
        limited = self.sent[mailbox_id] >= rules.acknowledgements.per_mailbox_per_hour
        return (*((BREAKER,) if self.is_open else ()), *((MAILBOX_LIMIT,) if limited else ()))

    def count(self, mailbox_id: int) -> None:
        """One of this batch is about to leave: the others must count it, although it is not on the wire yet."""
        self.sent[mailbox_id] += 1


def brakes_on(tx: Transaction, mailbox_ids: Iterable[int]) -> Brakes:
    """The brakes for the mail of these mailboxes now."""
    return Brakes(stands_open(tx), Counter({key: sent_of_mailbox(tx, key) for key in set(mailbox_ids)}))
