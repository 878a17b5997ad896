"""The decide stage: received messages in batches become decisions, and what follows from them.

The try is on record before anything is parsed. A message whose try ended without a result (the
process died) comes back alone and is parsed in a limited subprocess; the third time it is
quarantined, its octets kept. Anything unforeseen holds the message for a person. Slowness is no such end:
the batch stays claimed for as long as it is worked on, and a slow one is decided in pieces.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from triage.answers import take_answers
from triage.canaries import take_canaries
from triage.crashpoints import reach
from triage.ids import own_ids
from triage.knowledge import InForce, Knowledge
from triage.oversized import OversizedHeaders
from triage.overtaking import overtaking
from triage.parse.isolated import ParserCrash, parse_isolated
from triage.reading import ParsedMessages
from triage.receipts import note_failures
from triage.record import LostLeaseError, Store, StoreError, Transaction
from triage.record.claims import (
    claim_received,
    has_received,
    release_claims,
    renew_claims,
    still_leased,
)
from triage.record.decisions import Settlement, record_decisions
from triage.record.identity import secret_of
from triage.record.incidents import note_altered_octets
from triage.record.mailboxes import known_mailboxes
from triage.record.messages import MOST_TRIES, MessageRow
from triage.record.octets import ALTERED, read_octets, why_absent
from triage.record.quarantine import quarantine
from triage.record.samples import note_draw, progress_of
from triage.rules.types import Mailbox, Rules
from triage.sampling import draw
from triage.settling import settle
from triage.signals import kept
from triage.vocabulary import Classification, InboundMessage, MessageState

log = logging.getLogger("triage.decide")

BATCH = 100
OCTETS = 64 << 20
"""Octets of messages held at once."""
PIECE = 10.0
"""Seconds of reading after which what was read is decided, before the rest of the batch is read."""
AFTER_ITS_CASE = timedelta(minutes=2)
"""How long a family's answer to our question rests, while what it answers for is forwarded."""
IN_TURN = timedelta(seconds=5)
"""How long a message rests whose predecessor another worker may be deciding."""
REST = timedelta(seconds=30)
"""How long a message rests whose decision the record could not take, or whose header section could not be looked at."""
MOST_TAKEN_BACK = 20
"""Refusals by the record that do not count as tries of the message: ten minutes of trouble."""


@dataclass(frozen=True, slots=True)
class Read:
    """A claimed message with what was read of it."""

    row: MessageRow
    message: InboundMessage
    own_ids: tuple[str, ...]
    """Message-IDs of our form that stand anywhere in it, as in a delivery report about our own mail."""


class Decider:
    """Works received messages off; one of several, in threads or processes."""

    def __init__(
        self,
        store: Store,
        knowledge: Knowledge,
        parsed: ParsedMessages,
        worker: str,
        lease: timedelta,
        on_decided: Callable[[], None],
        parse_apart: Callable[[bytes], InboundMessage] = parse_isolated,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._knowledge = knowledge
        self._parsed = parsed
        self._worker = worker
        self._lease = lease
        self._on_decided = on_decided
        self._owed: list[MessageRow] = []
        self._refused: Counter[int] = Counter()
        self._oversized = OversizedHeaders(store, knowledge, parsed, parse_apart)
        self._parse_apart = parse_apart
        self._beat = beat
        self.trouble = ""
        """Why the record took no decision when it was last given one; empty: it took it."""

    def work(self) -> int:
        """Decide one batch; how many messages were claimed (0: nothing is due)."""
        self._pay_back()
        with self._store.read("anything received") as tx:
            received, oversized = has_received(tx), self._oversized.next(tx)
        settled = oversized is not None and self._settle_oversized(oversized)
        if not received:
            return int(settled)
        in_force = self._knowledge.in_force()
        with self._store.write("claimed") as tx:
            rows = claim_received(tx, self._worker, BATCH, self._lease, OCTETS)
        if not rows:
            return 0
        with kept(self._lease, lambda: self._renew(rows)):
            self._work_off(in_force, rows)
        return len(rows)

    def _work_off(self, in_force: InForce, rows: Sequence[MessageRow]) -> None:
        left = rows
        try:
            while left:
                looked_at, read = self._read(left, in_force.rules)
                if read:
                    self._decide(in_force, read)
                self._on_decided()
                left = left[looked_at:]
        except StoreError:
            for row in left:
                self._owe(row)
            raise

    def _renew(self, rows: Sequence[MessageRow]) -> None:
        # What the record refuses now it may take at the next third.
        with suppress(StoreError), self._store.write("claims renewed") as tx:
            renew_claims(tx, rows, self._lease)

    def _settle_oversized(self, row: MessageRow) -> bool:
        """A message too large to be read: its header section is looked at, in a child. Whether that was done."""
        try:
            self._oversized.look(row)
        except Exception as error:  # noqa: BLE001 - it waits for a person as it is, and stops nobody
            self._note(error, 1)
            self._oversized.rest(row, REST)
            return False
        return True

    def _read(self, rows: Sequence[MessageRow], rules: Rules) -> tuple[int, list[Read]]:
        """How many were looked at, as far as one piece goes, and what was read of them."""
        with self._store.read("octets") as tx:
            boxes = {box.id: rules.mailboxes.get(box.name) for box in known_mailboxes(tx)}
            octets = read_octets(tx, [row.sha256 for row in rows if row.sha256])
            absent = {row.id: why_absent(tx, row.sha256) for row in rows if row.sha256 not in octets}
        found: list[Read] = []
        until = time.monotonic() + PIECE
        for number, row in enumerate(rows):
            self._beat()
            if number and time.monotonic() >= until:
                return number, found
            content = octets.get(row.sha256 or "")
            if content is None:
                self._give_up(row, absent[row.id])
            elif row.tries > MOST_TRIES:
                self._give_up(row, "tre_interruzioni")
            elif row.tries > 1:
                found.extend(self._read_isolated(row, content, boxes.get(row.mailbox_id)))
            else:
                reach("parse")
                message = self._parsed.parse(row.sha256 or "", content)
                found.append(self._seen(row, message, content, boxes.get(row.mailbox_id)))
        return len(rows), found

    def _seen(self, row: MessageRow, message: InboundMessage, content: bytes, mailbox: Mailbox | None) -> Read:
        """As it is decided about: of certified mail the person's own message, its quoted Message-IDs included."""
        inside = message.certified.message_ids if message.certified is not None else ()
        seen = self._parsed.seen(message, mailbox)
        named = own_ids(content, seen.new_text, seen.quoted_text, seen.signature)
        return Read(row, seen, tuple(dict.fromkeys((*named, *inside))))

    def _read_isolated(self, row: MessageRow, content: bytes, mailbox: Mailbox | None) -> list[Read]:
        try:
            return [self._seen(row, self._parse_apart(content), content, mailbox)]
        except ParserCrash as crash:
            log.warning(
                "isolated parser failed",
                extra={"action": "parser_crash", "row": row.id, "reason": crash.reason, "tries": row.tries},
            )
            if row.tries >= MOST_TRIES:
                self._give_up(row, "lettura_fallita")
            # Else the lease runs out and the try, which stays counted, is made once more.
            return []

    def _decide(self, in_force: InForce, read: Sequence[Read]) -> None:
        reach("classify")
        try:
            classified = in_force.classifier.classify([item.message for item in read])
            self._record(in_force, read, classified)
        except Exception as error:  # noqa: BLE001 - one message must not stop the others
            self._note(error, len(read))
            if len(read) > 1:
                for item in read:
                    self._beat()
                    self._decide(in_force, [item])
            elif not isinstance(error, StoreError):
                self._give_up(read[0].row, "errore_imprevisto")
            else:
                self._owe(read[0].row)

    def _record(self, in_force: InForce, read: Sequence[Read], classified: Sequence[Classification]) -> None:
        rules = in_force.rules
        with self._store.write("decided") as tx:
            # Before anything is looked up or noted about them: what another worker took over is that one's.
            mine = still_leased(tx, [item.row for item in read], MessageState.RECEIVED)
            mine -= take_canaries(tx, [(item.row, item.message) for item in read if item.row.id in mine])
            judged = [pair for pair in zip(read, classified, strict=True) if pair[0].row.id in mine]
            judged = _put_off(tx, judged, overtaking(tx, rules, *_apart(judged)), IN_TURN)
            # They follow their case, once what they answer for has gone its way.
            judged = _put_off(tx, judged, take_answers(tx, rules, *_apart(judged)), AFTER_ITS_CASE)
            own = {item.row.id: item.own_ids for item, _ in judged if item.own_ids}
            settlements = settle(tx, rules, *_apart(judged), own)
            record_decisions(tx, settlements)
            note_failures(tx, settlements)
            self._draw(tx, rules, settlements)
        self.trouble = ""
        for item in read:
            self._refused.pop(item.row.id, None)

    def _draw(self, tx: Transaction, rules: Rules, settlements: Sequence[Settlement]) -> None:
        """The batch's part in the blind sample."""
        again = [item.row.id for item in settlements if item.row.generation]
        again += [item.takes_over for item in settlements if item.takes_over is not None]
        note_draw(tx, draw(secret_of(tx), rules, progress_of(tx), settlements), again)

    def _note(self, error: Exception, count: int) -> None:
        if not isinstance(error, StoreError):
            log.error("batch failed", extra={"action": "batch_failed", "kind": type(error).__name__, "count": count})
        elif not self.trouble:  # said once, however many messages wait for the record
            self.trouble = f"{error}. Nothing is lost: mail waits. Check the disk or the database."
            log.error(self.trouble, extra={"action": "record_trouble", "loop": "decide", "kind": error.kind})

    def _give_up(self, row: MessageRow, reason: str) -> None:
        try:
            with self._store.write("quarantined") as tx:
                if reason == ALTERED:
                    note_altered_octets(tx, row.id)
                quarantine(tx, row, reason)
        except LostLeaseError:
            log.info("lease lost", extra={"action": "lease_lost", "row": row.id})

    def _owe(self, row: MessageRow) -> None:
        """The record failed, not the message: its try is taken back as soon as the record answers.

        Not without end: what the record refuses again and again while it takes everything else is
        quarantined like any other message that cannot be decided.
        """
        self._refused[row.id] += 1
        if self._refused[row.id] <= MOST_TAKEN_BACK:
            self._owed.append(row)

    def _pay_back(self) -> None:
        if self._owed:
            with self._store.write("released") as tx:
                release_claims(tx, self._owed, tx.now + REST)
            self._owed = []


def _put_off(
    tx: Transaction, judged: Sequence[tuple[Read, Classification]], keys: Collection[int], rest: timedelta
) -> list[tuple[Read, Classification]]:
    """Those that are decided now; the others are given back for a while."""
    if keys:
        release_claims(tx, [item.row for item, _ in judged if item.row.id in keys], tx.now + rest)
    return [pair for pair in judged if pair[0].row.id not in keys]


def _apart(
    judged: Sequence[tuple[Read, Classification]],
) -> tuple[list[tuple[MessageRow, InboundMessage]], list[Classification]]:
    """Rows with their messages, and what was made of them."""
    return [(item.row, item.message) for item, _ in judged], [classification for _, classification in judged]
