"""Whether a message that is to be decided is one that we know already, and what becomes of the two.

The same author, Message-ID and body, or the same octets, make a twin. What left, or is on its way,
never leaves a second time. A twin that merely waits, and will not be dealt with where it lies (the
junk folder, or a mailbox that it has left), hands its conversation over to the new appearance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from triage.record import Transaction
from triage.record.decisions import Settlement
from triage.record.let_in import PERSON
from triage.record.letters import hold_letters, lock_rows
from triage.record.messages import MessageRow, same_octets
from triage.record.octets import EMPTY
from triage.record.recall import forward_paths_left, known_contents
from triage.rules.types import MailboxRole, Rules
from triage.vocabulary import Action, DispatchKind, MessageState, Reason

UNDER_WAY = (MessageState.DECIDED, MessageState.FORWARDED, MessageState.FILED, MessageState.ERASED)
KNOWN = (*UNDER_WAY, MessageState.RECEIVED, MessageState.HELD, MessageState.QUARANTINED)
"""States in which a message's octets were read whole."""


@dataclass(slots=True)
class Twins:
    """Earlier appearances of a batch's messages, on record or in the batch itself."""

    rules: Rules
    names: Mapping[int, str]
    contents: dict[str, MessageRow]
    octets: dict[str, list[MessageRow]]
    left: dict[int, set[str]]
    """Addresses that a message was forwarded to, or may have been, or is about to be."""
    settled: dict[int, Settlement] = field(default_factory=dict)
    """What was settled in this batch so far, by message."""

    def settle(self, settlement: Settlement) -> Settlement:
        """The settlement of a twin, ended; or the same, perhaps within the twin's conversation."""
        row = settlement.row
        twin = self._twin_of(settlement)
        if twin is None:
            return settlement
        joined = settlement
        if twin.case_id is not None or twin.id in self.settled:
            joined = replace(settlement, case_id=twin.case_id, case_of=twin.id if twin.case_id is None else None)
        if row.let_in_by == PERSON:
            # Somebody looked and wants it to go: it does, but no centre gets it a second time.
            if settlement.decision.forward_path in self.left.get(twin.id, ()):
                return _ended(joined, twin, MessageState.HELD)
            return replace(joined, takes_over=self._waiting(twin))
        if self._goes_on_instead(row, twin):
            return replace(joined, takes_over=self._waiting(twin))
        here = twin.mailbox_id == row.mailbox_id
        return _ended(joined, twin, MessageState.HELD if here else MessageState.MATCHED)

    def note(self, settlement: Settlement) -> None:
        """What was settled counts for the rest of the batch."""
        row, ended = settlement.row, {settlement.row.id}
        taken = self.settled.get(settlement.takes_over or 0)
        if taken is not None:
            # Of the same batch: nothing of it is on record yet, so nothing need be taken back.
            self.settled[taken.row.id] = replace(_ended(taken, row, MessageState.MATCHED), dispatches=(), file=False)
            ended.add(taken.row.id)
        self.settled[row.id] = settlement
        alike = [other for other in self.octets.get(row.sha256 or "", []) if other.id not in ended]
        if settlement.same_as is None:
            now = replace(row, state=settlement.state, content_key=settlement.content_key, same_as=None)
            alike.append(now)
            if settlement.content_key:
                self.contents[settlement.content_key] = now
            forwards = {plan.forward_path for plan in settlement.dispatches if plan.kind is DispatchKind.FORWARD}
            self.left.setdefault(row.id, set()).update(forwards)
        if row.sha256 != EMPTY:
            self.octets[row.sha256 or ""] = alike

    # ---------------------------------------------------------------- which one, and whether it counts

    def _twin_of(self, settlement: Settlement) -> MessageRow | None:
        """The earlier appearance that weighs most: one that left before one that waits."""
        row = settlement.row
        content = self.contents.get(settlement.content_key or "")
        found = [*([content] if content is not None else []), *self.octets.get(row.sha256 or "", [])]
        others = [twin for twin in found if twin.id != row.id]
        return min(others, key=lambda twin: (not self._counts(twin), twin.id), default=None)

    def _counts(self, twin: MessageRow) -> bool:
        return bool(self.left.get(twin.id)) or twin.state in UNDER_WAY

    def _goes_on_instead(self, row: MessageRow, twin: MessageRow) -> bool:
        if self._counts(twin):
            return False
        if twin.state == MessageState.RECEIVED:
            return True  # it will find this one when its turn comes
        elsewhere = twin.mailbox_id != row.mailbox_id and not self._is_junk(row)
        return elsewhere and (self._is_junk(twin) or twin.gone_at is not None)

    def _is_junk(self, row: MessageRow) -> bool:
        mailbox = self.rules.mailboxes.get(self.names[row.mailbox_id])
        return mailbox is not None and mailbox.role is MailboxRole.JUNK

    def _waiting(self, twin: MessageRow) -> int | None:
        return twin.id if twin.state == MessageState.HELD and not self.left.get(twin.id) else None


def find_twins(
    tx: Transaction, rules: Rules, names: Mapping[int, str], rows: Sequence[MessageRow], content_keys: Sequence[str]
) -> Twins:
    """What is on record of these messages' contents, which nobody else decides about until the transaction ends."""
    digests = sorted({row.sha256 for row in rows if row.sha256} - {EMPTY})
    hold_letters(tx, [*content_keys, *digests])
    contents = known_contents(tx, content_keys)
    alike = same_octets(tx, digests)
    waiting = {row.id for row in (*contents.values(), *alike) if row.state == MessageState.HELD}
    if waiting:
        # A person may be sending one of them at this moment.
        now = lock_rows(tx, waiting)
        contents = {key: now.get(row.id, row) for key, row in contents.items()}
        alike = [now.get(row.id, row) for row in alike]
    octets: dict[str, list[MessageRow]] = {}
    for row in alike:
        if row.state in KNOWN and row.same_as is None:
            octets.setdefault(row.sha256 or "", []).append(row)
    known = {row.id for row in contents.values()} | {row.id for group in octets.values() for row in group}
    return Twins(rules, names, contents, octets, forward_paths_left(tx, sorted(known)))


def _ended(settlement: Settlement, twin: MessageRow, state: MessageState) -> Settlement:
    """Known already: shown to a person, or no more than a note beside the other."""
    decision = settlement.decision
    held = replace(decision, action=Action.HOLD, reasons=(Reason("stesso_messaggio"), *decision.reasons))
    return replace(
        settlement,
        decision=held,
        state=state,
        hold_reason="ricomparso" if state is MessageState.HELD else "",
        same_as=twin.id,
        takes_over=None,
    )
