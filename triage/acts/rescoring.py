"""Waiting messages are looked at again after something was taught, or under new rules or another model.

Those whose answer is another now are marked for the people who decide; nothing is ever sent, decided or moved by it.
A part of the worker, in small batches: what waits is not urgent to it.
"""

from __future__ import annotations

import logging

from triage.conversations import recipient_keys
from triage.decide import decide
from triage.exceptions import excepted
from triage.followups import with_given_place
from triage.knowledge import InForce, Knowledge
from triage.loops import with_proof
from triage.reading import ParsedMessages
from triage.record import Store, Transaction
from triage.record.decisions import decisions_of
from triage.record.exceptions import live_exceptions
from triage.record.identity import MODEL, current_version, secret_of
from triage.record.mailboxes import known_mailboxes
from triage.record.messages import MessageRow
from triage.record.octets import read_octets
from triage.record.rescored import (
    Rescored,
    mark,
    note_rescored_with,
    rescored_with,
    rescoring_key,
    waiting_after,
)
from triage.settling import context_of
from triage.vocabulary import Action, Classification, Decision, InboundMessage

log = logging.getLogger("triage.rescoring")
BATCH = 20


class Rescorer:
    """Looks at every waiting message once for each change of rules, model or what was taught; used by one thread."""

    def __init__(self, store: Store, knowledge: Knowledge, parsed: ParsedMessages) -> None:
        self._store = store
        self._knowledge = knowledge
        self._parsed = parsed
        self._key = ""
        self._after = 0

    def work(self) -> int:
        """Look at one batch; how many messages were looked at (0: none is left that could have another answer)."""
        in_force = self._knowledge.in_force()
        with self._store.read("what is new") as tx:
            key = rescoring_key(tx, in_force.rules.version, current_version(tx, MODEL))
            before = rescored_with(tx)
            if key == before:
                return 0
            if key != self._key:
                self._key, self._after = key, 0
            rows = waiting_after(tx, self._after, BATCH) if before else []
            read = self._read(tx, in_force, rows)
        if not rows:
            # Every message was looked at; or none was ever decided with anything else.
            with self._store.write("rescored") as tx:
                note_rescored_with(tx, key)
            return 0
        classified = in_force.classifier.classify([message for _, message in read])
        with self._store.write("rescored") as tx:
            changed = self._changed(tx, in_force, read, classified)
            mark(tx, [row.id for row in rows], changed)
        self._after = rows[-1].id
        if changed:
            log.info("answers changed", extra={"action": "rescored", "count": len(changed)})
        return len(rows)

    def _read(
        self, tx: Transaction, in_force: InForce, rows: list[MessageRow]
    ) -> list[tuple[MessageRow, InboundMessage]]:
        boxes = {box.id: in_force.rules.mailboxes.get(box.name) for box in known_mailboxes(tx)}
        octets = read_octets(tx, [row.sha256 for row in rows if row.sha256])
        found = []
        for row in rows:
            # What was never decided has nothing that could change.
            if row.generation and row.sha256 in octets and not row.stopped_the_parser:
                message = self._parsed.parse(row.sha256, octets[row.sha256])
                found.append((row, self._parsed.seen(message, boxes[row.mailbox_id])))
        return found

    def _changed(
        self,
        tx: Transaction,
        in_force: InForce,
        read: list[tuple[MessageRow, InboundMessage]],
        classified: list[Classification],
    ) -> list[Rescored]:
        rules, secret = in_force.rules, secret_of(tx)
        boxes = {box.id: box for box in known_mailboxes(tx)}
        taught = live_exceptions(tx)
        known = decisions_of(tx, [(row.id, row.generation) for row, _ in read])
        found = []
        for (row, message), classification in zip(read, classified, strict=True):
            before = known.get(row.id)
            if before is None:
                continue
            if row.comune_given:
                classification = with_given_place(classification, row.comune_given)
            context = with_proof(tx, secret, context_of(row, message, rules, boxes[row.mailbox_id]), message)
            decision = decide(message, classification, rules, context)
            key = row.author_key or recipient_keys(secret, message.author.addr_spec)[0]
            decision, exception = excepted(decision, message, classification, key, taught, rules)
            if _is_another(before, decision):
                other_model = decision.model_version != before.model_version
                why = "eccezione" if exception is not None else "modello" if other_model else "regole"
                values = (decision.destination, decision.project, decision.territory, decision.topic)
                found.append(Rescored(row.id, tx.now, row.generation, *values, why))
        return found


def _is_another(before: Decision, now: Decision) -> bool:
    """Whether staff would see another proposal, or the message would not wait at all."""
    moved = before.action is Action.HOLD and now.action is not Action.HOLD
    names = ("destination", "project", "address_key", "territory", "topic", "urgent")
    return moved or any(getattr(before, name) != getattr(now, name) for name in names)
