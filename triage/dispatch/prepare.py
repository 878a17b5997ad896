"""Before each attempt: may this still leave, to this address, now? Then it is composed.

A dispatch row enters; :class:`Prepared`, :class:`Later` or :class:`Cancelled` leaves. Checked every
time anew: the generation, the address against the rules of this moment, the gate, the message's
presence in the inbox.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from triage.conversations import recipient_keys
from triage.decide import family_behind, is_chosen_by_person, is_staff, may_forward, may_notify
from triage.decide.gate import SAME_THREAD
from triage.dispatch.answering import Answering, compose_answer, may_answer, wait_for
from triage.dispatch.by_staff import BY_STAFF, prepare_by_staff
from triage.dispatch.clamd import State
from triage.dispatch.compose import Stamp, compose_notice
from triage.dispatch.forwards import Offer, Task, compose_fitting
from triage.dispatch.policy import GIVE_UP
from triage.dispatch.preparation import (
    HALVED,
    INFECTED,
    NOT_LOOKED_AT,
    Cancelled,
    Consequence,
    Later,
    Preparation,
    Prepared,
    decision_behind,
)
from triage.dispatch.scanning import Verdict
from triage.dispatch.text_files import Texts, shipped_texts
from triage.ids import case_code
from triage.knowledge import InForce, Knowledge
from triage.loops import Brakes, brakes_on, with_proof
from triage.pec.sending import fault_of
from triage.reading import ParsedMessages
from triage.record import Store, Transaction
from triage.record.acknowledged import Acknowledged, acknowledged_before
from triage.record.charge import charges_of
from triage.record.decisions import decisions_of
from triage.record.destinations import sick_addresses
from triage.record.dispatches import DispatchRow, forwarded_at, has_abandoned, has_due
from triage.record.filing import FRESH
from triage.record.holding_back import held_back
from triage.record.identity import known_secret
from triage.record.let_in import PERSON
from triage.record.mailboxes import MailboxRow, known_mailboxes
from triage.record.messages import MessageRow, messages_by_id
from triage.record.octets import read_octets, why_absent
from triage.rules.addresses import same_mailbox
from triage.rules.types import Rules
from triage.seals import seal
from triage.settling import context_of
from triage.vocabulary import TO_FAMILIES, WRITTEN_BY_STAFF, Decision, DispatchKind, InboundMessage, MessageState

log = logging.getLogger("triage.dispatch")

LOOK_AGAIN = timedelta(seconds=2)
"""How soon a dispatch is looked at again while the mailbox is asked whether the message is there."""
UNREAD_TOO_LONG = timedelta(minutes=5)
"""A mailbox that was not read for so long cannot say whether a message is still there; its mail does not wait for that.
What this process has never read, or what another instance has marked, is waited for however long that takes."""


class Preparer:
    """Prepares batches of leased dispatches; keeps the last few parsed messages."""

    def __init__(
        self,
        store: Store,
        knowledge: Knowledge,
        parsed: ParsedMessages,
        read_since: datetime | None = None,
        texts: Texts | None = None,
    ) -> None:
        """``read_since``: nothing leaves of a mailbox that was not read since then (the start of this process)."""
        self._texts = texts or shipped_texts()
        self._read_since = read_since
        self._store = store
        self.knowledge = knowledge
        self._parsed = parsed
        self._acknowledged = Acknowledged({}, {}, {}, 0)
        self._forwarded_at: dict[int, datetime] = {}
        self._secret_value: bytes | None = None
        self._mailboxes: dict[int, MailboxRow] = {}
        self._sick: frozenset[str] = frozenset()
        self._brakes = Brakes()

    def anything_due(self, tx: Transaction, *, notices_only: bool = False) -> bool:
        """Whether a dispatch is due; a look that costs no write."""
        return has_due(tx, notices_only=notices_only)

    def anything_abandoned(self, tx: Transaction) -> bool:
        """Whether a dispatch was begun and left."""
        return has_abandoned(tx)

    def prepare(self, rows: Sequence[DispatchRow], offer: Offer, verdicts: Mapping[str, Verdict]) -> list[Preparation]:
        """What each leased dispatch is to become; ``verdicts`` on the octets, by SHA-256."""
        in_force = self.knowledge.in_force()
        with self._store.read("prepare") as tx:
            self._mailboxes = {box.id: box for box in known_mailboxes(tx)}
            messages = messages_by_id(tx, [row.message_id for row in rows])
            decisions = decisions_of(tx, [(m.id, m.generation) for m in messages.values()])
            self._acknowledged = self._history(tx, rows)
            answers = [row for row in rows if row.kind in TO_FAMILIES]
            self._forwarded_at = forwarded_at(tx, [row.message_id for row in answers])
            self._sick = sick_addresses(tx)
            self._brakes = brakes_on(tx, [row.mailbox_id for row in answers])
            octets = read_octets(tx, [row.sha256 for row in rows if row.sha256])
            prepared: list[Preparation] = []
            for row in rows:
                message = messages[row.message_id]
                decision = decision_behind(tx, row, decisions.get(row.message_id))
                waits = self._waits_for_reader(tx, in_force.rules, message)
                if waits is not None:
                    prepared.append(Later(row, waits))
                    continue
                content = octets.get(row.sha256 or "")
                if decision is None or content is None:
                    prepared.append(Cancelled(row, why_absent(tx, row.sha256), Consequence.HOLD))
                    continue
                try:
                    prepared.append(self._prepare_one(tx, in_force, row, message, decision, content, offer, verdicts))
                except Exception as error:  # noqa: BLE001 - one message must not keep the others from leaving
                    log.error(
                        "not composed",
                        extra={"action": "not_composed", "row": row.message_id, "kind": type(error).__name__},
                    )
                    prepared.append(Cancelled(row, "errore_imprevisto", Consequence.HOLD))
        return prepared

    def _waits_for_reader(self, tx: Transaction, rules: Rules, message: MessageRow) -> timedelta | None:
        """Until a reader has seen that the mailbox is ours, this record may be a copy whose mail was sent long ago."""
        mailbox = self._mailboxes[message.mailbox_id]
        if mailbox.refused_at is not None:
            return UNREAD_TOO_LONG
        if self._read_since is None or mailbox.name not in rules.mailboxes:
            return None
        if mailbox.last_read_at is not None and mailbox.last_read_at >= self._read_since:
            return None
        return LOOK_AGAIN if tx.now - self._read_since < UNREAD_TOO_LONG else UNREAD_TOO_LONG / 5

    def _prepare_one(
        self,
        tx: Transaction,
        in_force: InForce,
        row: DispatchRow,
        message: MessageRow,
        decision: Decision,
        content: bytes,
        offer: Offer,
        verdicts: Mapping[str, Verdict],
    ) -> Preparation:
        rules = in_force.rules
        secret = self._secret(tx)
        stamp = Stamp(row.rfc_message_id, case_code(secret, row.case_id), seal(secret, row.rfc_message_id), tx.now)
        mailbox = rules.mailboxes.get(self._mailboxes[message.mailbox_id].name)
        parsed = self._parsed.seen(self._parsed.parse(row.sha256 or "", content), mailbox)
        if row.kind == DispatchKind.FORWARD:
            scanned = verdicts.get(row.sha256 or "", Verdict(None, wait=LOOK_AGAIN))
            refusal = self._against_forward(tx, rules, row, message, decision, parsed) or _against_malware(row, scanned)
            if refusal is not None:
                return refusal
            verdict = may_forward(decision, row.forward_path, rules)
            received = message.internal_date or message.received_at or tx.now
            task = Task(parsed, content, decision, row.forward_path, stamp, received)
            outgoing = compose_fitting(task, rules, offer, scanned.clean_files, row.left_out)
        elif row.kind in TO_FAMILIES:
            if message.hold_reason == INFECTED:
                return Cancelled(row, INFECTED)  # malware's sender is forged as a rule (RFC 3834 section 7)
            asked = self._answering(tx, rules, row, message, decision, parsed)
            verdict = may_answer(asked, tx.now)
            if not verdict.allowed:
                if verdict.later and tx.now - row.created_at < GIVE_UP:
                    return Later(row, wait_for(asked, verdict, tx.now))
                return Cancelled(row, verdict.reasons[0].code if verdict.reasons else "nessun_inoltro")
            # The others of this batch must count it, although it is not on the wire yet.
            self._acknowledged = self._acknowledged.plus(*recipient_keys(secret, row.forward_path))
            self._brakes.count(message.mailbox_id)
            outgoing = compose_answer(asked, verdict, stamp, self._texts, self._plus_works(rules))
        elif row.kind in BY_STAFF:
            made = prepare_by_staff(tx, rules, self._texts, row, message, decision, parsed, stamp, self._sick)
            if not isinstance(made, tuple):
                return made
            outgoing, verdict = made
        else:
            if row.generation != message.generation:
                return Cancelled(row, "decisione_superata")
            charge = charges_of(tx, [message.id]).get(message.id)
            if charge is not None and charge.taken_at is not None:
                return Cancelled(row, "presa_in_carico")
            verdict = may_notify(row.forward_path, rules)
            if not verdict.allowed:
                return Cancelled(row, verdict.reasons[0].code)
            received = message.internal_date or message.received_at or tx.now
            outgoing = compose_notice(row.forward_path, rules, stamp, message.id, received)
        kept = row.kind == DispatchKind.FORWARD or row.kind in WRITTEN_BY_STAFF
        hold = Consequence.HOLD if kept else Consequence.NONE
        if verdict.needs_smtputf8 and not offer.utf8:
            return Cancelled(row, "smtputf8_non_offerto", hold)
        if rules.service.pec and (fault := fault_of(outgoing.reverse_path, outgoing.forward_path, outgoing.octets)):
            return Cancelled(row, fault, hold)
        return Prepared(row, replace(outgoing, smtputf8=verdict.needs_smtputf8))

    def _against_forward(
        self,
        tx: Transaction,
        rules: Rules,
        row: DispatchRow,
        message: MessageRow,
        decision: Decision,
        parsed: InboundMessage,
    ) -> Preparation | None:
        if row.generation != message.generation:
            return Cancelled(row, "decisione_superata")
        # Whoever sends a held message on by hand has looked, and may know that the address works again.
        sick = frozenset() if message.let_in_by == PERSON else self._sick
        verdict = may_forward(decision, row.forward_path, rules, sick=sick)
        if not verdict.allowed:
            # The address or the mode has changed since: the message is decided again under today's rules.
            # What a person has chosen no machine decides anew.
            again = Consequence.HOLD if is_chosen_by_person(decision) else Consequence.DECIDE_AGAIN
            return Cancelled(row, verdict.reasons[0].code, again)
        author = parsed.author.addr_spec
        passed_on = is_chosen_by_person(decision) and family_behind(parsed, rules) is not None
        if is_staff(author, rules) and not passed_on:
            # Decided before the rules said so. A project would answer us or another project, not a family.
            return Cancelled(row, "da_noi" if rules.is_own(author) else "dal_progetto", Consequence.HOLD)
        mailbox = rules.mailboxes.get(self._mailboxes[message.mailbox_id].name)
        if mailbox is None or not mailbox.hold_if_moved or message.state != MessageState.DECIDED:
            return None
        if message.let_in_by == PERSON:
            return None  # wherever it lies now: somebody looked and wants it to go
        if message.gone_at is not None:
            return Cancelled(row, "spostato_da_un_collega", Consequence.HOLD)
        if message.present_at is not None and tx.now - message.present_at > FRESH + LOOK_AGAIN:
            last = self._mailboxes[message.mailbox_id].last_read_at
            if last is not None and tx.now - last < UNREAD_TOO_LONG:
                return Later(row, LOOK_AGAIN)
        return None

    def _answering(
        self,
        tx: Transaction,
        rules: Rules,
        row: DispatchRow,
        message: MessageRow,
        decision: Decision,
        parsed: InboundMessage,
    ) -> Answering:
        box = self._mailboxes[message.mailbox_id]
        context = with_proof(tx, self._secret(tx), context_of(message, parsed, rules, box), parsed)
        return Answering(
            row=row,
            message=parsed,
            decision=decision,
            rules=rules,
            context=replace(context, brakes=self._brakes.on(rules, message.mailbox_id)),
            mailbox=rules.mailboxes.get(box.name),
            before=self._acknowledged,
            secret=self._secret(tx),
            state=MessageState(message.state),
            halved=message.hold_reason == HALVED,
            forwarded_at=self._forwarded_at.get(message.id),
            held_back=held_back(tx, [row.case_id]).get(row.case_id, ""),
        )

    def _plus_works(self, rules: Rules) -> bool:
        """Whether mail to our address with a tag is known to arrive in a mailbox that we read."""
        return any(
            row.takes_plus_tags
            for row in self._mailboxes.values()
            if (box := rules.mailboxes.get(row.name)) is not None and same_mailbox(box.address, rules.service.address)
        )

    def _history(self, tx: Transaction, rows: Sequence[DispatchRow]) -> Acknowledged:
        secret = self._secret(tx)
        paths = [row.forward_path for row in rows if row.kind in TO_FAMILIES]
        keys = [recipient_keys(secret, path) for path in paths]
        return acknowledged_before(tx, [key for key, _ in keys], [domain for _, domain in keys], SAME_THREAD)

    def _secret(self, tx: Transaction) -> bytes:
        if self._secret_value is None:
            self._secret_value = known_secret(tx)
        return self._secret_value


def _against_malware(row: DispatchRow, scanned: Verdict) -> Preparation | None:
    """Nothing leaves of what the scanner has not seen, or has seen something in."""
    if scanned.finding is None:
        return Later(row, scanned.wait)
    if scanned.finding.state is State.CLEAN:
        return None
    reason = INFECTED if scanned.finding.state is State.INFECTED else NOT_LOOKED_AT
    return Cancelled(row, reason, Consequence.HOLD, {"scanner": scanned.finding.name})
