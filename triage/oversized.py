"""Mail over the size limit, of which only the header section is on record: its family is told that it has come.

In: a locked row, what its header section says, how that was classified. Out: the settlement to record. A person reads
the message where it lies; nothing of it is forwarded, asked or taken for an answer. What the family gets is the neutral
acknowledgement, through the same gate and at the same hour as for any other message that waits for a person. A subject
that speaks of danger calls the on-call contact as that of any other message does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from triage.conversations import keys_of, recipient_keys, threads_of
from triage.decide import against_any_notice, decide
from triage.decide.gate import SAME_THREAD
from triage.knowledge import Knowledge
from triage.loops import brakes_on, with_proof
from triage.parse import parse
from triage.parse.isolated import ParserCrash
from triage.reading import ParsedMessages
from triage.record import Store, Transaction
from triage.record.acknowledged import acknowledged_before
from triage.record.claims import next_oversized
from triage.record.decisions import Settlement, record_decisions
from triage.record.identity import secret_of
from triage.record.mailboxes import known_mailboxes
from triage.record.messages import MessageRow
from triage.record.octets import read_octets
from triage.record.recall import cases_of_thread
from triage.rules.types import Rules
from triage.settling import context_of, is_called_for, notices
from triage.telling import family_address, plan_acknowledgement
from triage.vocabulary import Action, Classification, InboundMessage, MessageState, Reason

TOO_LARGE, URGENT = "troppo_grande", "urgente"


def settle_oversized(
    tx: Transaction, rules: Rules, row: MessageRow, message: InboundMessage, classification: Classification
) -> Settlement:
    """It waits as before, in a case of its own or its thread's, with what its family is told."""
    secret = secret_of(tx)
    keys = keys_of(secret, message, rules)
    thread = threads_of(tx, secret, [(row, message)], [keys])[0]
    # The same letter in another mailbox of ours is told once, for its case.
    same = (keys.message_id, keys.author) if keys.message_id and keys.takes_part else None
    case_id = thread.case_id or (cases_of_thread(tx, [same]).get(same) if same else None)
    box = next(one for one in known_mailboxes(tx) if one.id == row.mailbox_id)
    context = with_proof(tx, secret, context_of(row, message, rules, box), message)
    mailbox = rules.mailboxes.get(box.name)
    waited = tx.now - row.listed_at > timedelta(days=mailbox.old_mail_days if mailbox is not None else 3)
    brakes = brakes_on(tx, [row.mailbox_id]).on(rules, row.mailbox_id)
    context = replace(context, brakes=brakes, is_old=context.is_old or waited)
    read = decide(message, classification, rules, context)
    # Place and topic stand in what was not read: neither is to be believed, or asked for.
    decision = replace(
        read,
        action=Action.HOLD,
        acknowledge=not read.automatic,
        project="",
        address_key="",
        forward_path="",
        reasons=(Reason(TOO_LARGE), *(one for one in read.reasons if one.code == URGENT)),
    )
    address = family_address(message, rules, context)
    known = [recipient_keys(secret, address)] if address else []
    before = acknowledged_before(tx, [key for key, _ in known], [domain for _, domain in known], SAME_THREAD)
    plan = plan_acknowledgement(tx, rules, secret, before, case_id, message, decision, context)
    calls = is_called_for(decision, context)
    return Settlement(
        row=row,
        decision=decision,
        state=MessageState.OVERSIZE,
        hold_reason=TOO_LARGE,
        case_id=case_id,
        author_key=keys.author,
        message_id_key=keys.message_id,
        # Of its content nothing is known: no twin is found by it.
        content_key=None,
        dispatches=(*(notices(tx, rules, secret, decision) if calls else ()), *((plan,) if plan is not None else ())),
        calls=calls and not against_any_notice(rules),
    )


class OversizedHeaders:
    """Looks at the header sections of such messages, one at a time, each parsed in a child (``parse_apart``)."""

    def __init__(
        self,
        store: Store,
        knowledge: Knowledge,
        parsed: ParsedMessages,
        parse_apart: Callable[[bytes], InboundMessage],
    ) -> None:
        self._store = store
        self._knowledge = knowledge
        self._parsed = parsed
        self._parse_apart = parse_apart
        self._resting: dict[int, datetime] = {}

    def next(self, tx: Transaction) -> MessageRow | None:
        """The next one that nobody has looked at, but for those that rest."""
        return next_oversized(tx, self._unlooked(tx))

    def rest(self, row: MessageRow, wait: timedelta) -> None:
        """It was looked at in vain: it keeps no other waiting, and is looked at again later."""
        self._resting[row.id] = self._store.clock.now() + wait

    def look(self, row: MessageRow) -> None:
        """Settle one by its header section; what cannot be read only waits, and nobody is answered."""
        in_force = self._knowledge.in_force()
        with self._store.read("header section") as tx:
            content = read_octets(tx, [row.sha256] if row.sha256 else []).get(row.sha256 or "", b"")
            boxes = {box.id: in_force.rules.mailboxes.get(box.name) for box in known_mailboxes(tx)}
        try:
            message = self._parsed.seen(self._parse_apart(content), boxes.get(row.mailbox_id))
        except ParserCrash:
            message = parse(b"")
        (classification,) = in_force.classifier.classify([message])
        with self._store.write("oversize looked at") as tx:
            locked = next_oversized(tx, self._unlooked(tx), locked=True)
            if locked is not None and locked.id == row.id:
                settlement = settle_oversized(tx, in_force.rules, locked, message, classification)
                record_decisions(tx, [settlement], MessageState.OVERSIZE)
        self._resting.pop(row.id, None)

    def _unlooked(self, tx: Transaction) -> list[int]:
        self._resting = {number: until for number, until in self._resting.items() if until > tx.now}
        return list(self._resting)
