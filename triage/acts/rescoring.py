"""Waiting messages are looked at again after something was taught, or under new rules or another model.

Those whose answer is another now are marked for the people who decide; nothing is ever sent, decided or moved by it.
A part of the worker, in small batches: what waits is not urgent to it. The answer is that of ``triage.settling``, with
what a message's case, its sender and the gate add to the rules: what those hold is no other answer because of a rule.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from triage.conversations import recipient_keys
from triage.decide import decide, may_forward
from triage.decide.gate_staff import CHOSEN_BY_PERSON
from triage.exceptions import excepted
from triage.followups import CORRECTED_BY_FAMILY, in_its_case, with_given_place
from triage.knowledge import InForce, Knowledge
from triage.loops import with_proof
from triage.reading import ParsedMessages
from triage.record import Store, Transaction
from triage.record.beside import shared_cases
from triage.record.decisions import decisions_of
from triage.record.destinations import sick_addresses
from triage.record.exceptions import Taught, working_exceptions
from triage.record.identity import MODEL, current_version, secret_of
from triage.record.let_in import PERSON
from triage.record.mailboxes import MailboxRow, known_mailboxes
from triage.record.messages import MessageRow
from triage.record.misroutes import recalled_projects
from triage.record.octets import read_octets
from triage.record.rescored import (
    Rescored,
    mark,
    note_rescored_with,
    rescored_with,
    rescoring_key,
    waiting_after,
)
from triage.record.restored import may_be_dealt_with
from triage.record.returned import SentDispatch, forwards_of_cases
from triage.rules.types import Rules
from triage.settling import context_of
from triage.vocabulary import Action, Classification, Decision, InboundMessage

log = logging.getLogger("triage.rescoring")
BATCH = 20
NO_ANSWER = frozenset(
    {
        *("tornato", "ricevuta_pec", "ricevuta_pec_errore", "ricevuta_pec_non_confermata"),
        *("stesso_messaggio", CHOSEN_BY_PERSON),
    }
)
"""Reasons of decisions that followed no rule: about our own mail, of a message known already, a person's."""
BESIDE = frozenset(
    {
        *(CORRECTED_BY_FAMILY, "forse_restituito", "risposta_a_noi", "avviso_su_nostro_invio", "codice_di_altri"),
        *("indirizzo_confermato", "prova_indirizzo"),
    }
)
"""Reasons for which ``triage.settling`` holds a message whatever the rules say of it."""


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
        known = decisions_of(tx, [(row.id, row.generation) for row, _ in read])
        beside = _Beside.of(tx, [row for row, _ in read])
        found = []
        for (row, message), classification in zip(read, classified, strict=True):
            before = known.get(row.id)
            if before is None or _codes(before) & NO_ANSWER:
                continue
            if row.comune_given:
                classification = with_given_place(classification, row.comune_given)
            context = with_proof(tx, secret, context_of(row, message, rules, boxes[row.mailbox_id]), message)
            decision, exception = decide(message, classification, rules, context), None
            sent = beside.sent_before(row)
            if _codes(before) & BESIDE:
                decision = replace(decision, action=Action.HOLD)
            elif sent is not None:
                shared = row.case_id in beside.shared
                decision = in_its_case(decision, classification, sent, rules, shared=shared)
            else:
                key = row.author_key or recipient_keys(secret, message.author.addr_spec)[0]
                decision, exception = excepted(decision, message, classification, key, beside.taught, rules)
            decision = beside.gated(row, decision, rules, boxes[row.mailbox_id])
            if _is_another(before, decision):
                other_model = decision.model_version != before.model_version
                why = "eccezione" if exception is not None else "modello" if other_model else "regole"
                values = (decision.destination, decision.project, decision.territory, decision.topic)
                found.append(Rescored(row.id, tx.now, row.generation, *values, why))
        return found


@dataclass(frozen=True, slots=True)
class _Beside:
    """What counts beside the rules, looked up once for a batch."""

    sent: Mapping[int, Sequence[SentDispatch]]
    shared: Collection[int]
    taught: Sequence[Taught]
    sick: frozenset[str]
    recalled: Collection[tuple[int, str]]

    @classmethod
    def of(cls, tx: Transaction, rows: Sequence[MessageRow]) -> _Beside:
        cases = sorted({row.case_id for row in rows if row.case_id is not None})
        sent = forwards_of_cases(tx, cases)
        taught = working_exceptions(tx)
        return cls(sent, shared_cases(tx, sent), taught, sick_addresses(tx), recalled_projects(tx, cases))

    def sent_before(self, row: MessageRow) -> SentDispatch | None:
        """The last forward of an earlier message of its case."""
        earlier = [one for one in self.sent.get(row.case_id or 0, ()) if one.message_id < row.id]
        return earlier[-1] if earlier else None

    def gated(self, row: MessageRow, decision: Decision, rules: Rules, box: MailboxRow) -> Decision:
        """What would leave by itself waits where the gate, its case's recall or a restored record is against it."""
        insisted = row.let_in_by == PERSON
        leaves = may_forward(decision, decision.forward_path, rules, sick=frozenset() if insisted else self.sick)
        stopped = (row.case_id or 0, decision.project) in self.recalled or not leaves.allowed
        waits = decision.action is Action.FORWARD and stopped
        doubtful = decision.action is not Action.FILE and may_be_dealt_with(row, box) and not insisted
        return replace(decision, action=Action.HOLD) if waits or doubtful else decision


def _codes(decision: Decision) -> set[str]:
    return {reason.code for reason in decision.reasons}


def _is_another(before: Decision, now: Decision) -> bool:
    """Whether staff would see another proposal, or the message would not wait at all."""
    moved = before.action is Action.HOLD and now.action is not Action.HOLD
    names = ("destination", "project", "address_key", "territory", "topic", "urgent")
    return moved or any(getattr(before, name) != getattr(now, name) for name in names)
