"""What other rules would have made of the mail of the last days: a dry run of the code that decides.

Enters the record, the rules and the model in force, and other rules; leaves what each set of rules says today of
each message, where the two differ. Nothing is written, nothing leaves. What persons have settled is left out of it:
both sides are what the service would do by itself. Reports and receipts about our own mail follow no rule and are
passed over; so is a message whose content is no longer kept, which is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from triage.classify import Classifier
from triage.decide import decide
from triage.followups import in_its_case, with_given_place
from triage.reading import ParsedMessages
from triage.record import Store, Transaction
from triage.record.beside import shared_cases
from triage.record.mailboxes import MailboxRow, known_mailboxes
from triage.record.messages import MessageRow
from triage.record.octets import read_octets
from triage.record.replaying import decided_since
from triage.record.returned import SentDispatch, forwards_of_cases
from triage.rules.types import Rules
from triage.settling import context_of
from triage.vocabulary import Action, Classification, Decision, InboundMessage

BATCH = 100
MOST_KEPT = 500
"""Differences that are named one by one; beyond it they are only counted."""


@dataclass(frozen=True, slots=True)
class Fate:
    """Where one set of rules sends a message."""

    action: Action
    """All modes and confirmations set aside."""
    destination: str
    project: str
    address_key: str
    forward_path: str
    hold: str
    """The first reason for which it waits; empty when it does not."""
    rule: str
    by_itself: bool
    """Whether it would leave without a person, modes and confirmations included."""

    def is_elsewhere(self, other: Fate) -> bool:
        """Whether the message would end up somewhere else; by which rule is no matter."""
        return (self.action, self.project, self.forward_path, self.hold) != (
            other.action,
            other.project,
            other.forward_path,
            other.hold,
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """One message that would go elsewhere."""

    message_id: int
    received_at: datetime
    now: Fate
    then: Fate


@dataclass(slots=True)
class Replay:
    """What came of it. ``complete``: the whole time was looked at; else back to ``oldest`` only."""

    messages: int = 0
    without_content: int = 0
    differing: int = 0
    differences: list[Difference] = field(default_factory=list)
    by_itself_now: int = 0
    by_itself_then: int = 0
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often from where to where: a project's code with its address's key, a hold's code, or the filing folder."""
    oldest: datetime | None = None
    complete: bool = True


def replay(
    store: Store,
    now: Rules,
    then: Rules,
    classifier: Classifier,
    parsed: ParsedMessages,
    since: datetime,
    goes_on: Callable[[int], bool] = lambda _: True,
) -> Replay:
    """Decide again about what was received since then, under both rules; ``goes_on`` is asked after each batch.

    It is given the number of messages so far, and ends the look by ``False``: the newest were looked at first.
    """
    found = Replay()
    last: int | None = None
    while True:
        with store.read("replay") as tx:
            rows = decided_since(tx, since, last, BATCH)
            if not rows:
                return found
            _look(tx, rows, (now, then), classifier, parsed, found)
        last = rows[-1].id
        if not goes_on(found.messages):
            found.complete = len(rows) < BATCH
            return found


def place_of(fate: Fate) -> str:
    """Where a message goes in one word of codes: ``oglio_po.piano``, ``hold:reclamo``, ``archivia``."""
    if fate.action is Action.FORWARD:
        return f"{fate.project}.{fate.address_key}"
    return f"hold:{fate.hold}" if fate.action is Action.HOLD else str(Action.FILE)


def _look(
    tx: Transaction,
    rows: Sequence[MessageRow],
    both: tuple[Rules, Rules],
    classifier: Classifier,
    parsed: ParsedMessages,
    found: Replay,
) -> None:
    boxes = {box.id: box for box in known_mailboxes(tx)}
    contents = read_octets(tx, [row.sha256 for row in rows if row.sha256])
    sent = forwards_of_cases(tx, sorted({row.case_id for row in rows if row.case_id is not None}))
    shared = shared_cases(tx, sent)
    found.oldest = rows[-1].received_at
    read = list(_read(rows, contents, boxes, both[0], parsed))
    found.without_content += sum(row.sha256 not in contents for row in rows)
    classified = classifier.classify([message for _, message in read])
    for (row, message), classification in zip(read, classified, strict=True):
        fates = [_fate(row, message, classification, rules, boxes[row.mailbox_id], sent, shared) for rules in both]
        _count(found, row, *fates)


def _read(
    rows: Sequence[MessageRow],
    contents: Mapping[str, bytes],
    boxes: Mapping[int, MailboxRow],
    rules: Rules,
    parsed: ParsedMessages,
) -> Iterator[tuple[MessageRow, InboundMessage]]:
    for row in rows:
        content = contents.get(row.sha256 or "")
        if content is None or row.stopped_the_parser:
            continue
        mailbox = rules.mailboxes.get(boxes[row.mailbox_id].name)
        message = parsed.seen(parsed.parse(row.sha256 or "", content), mailbox)
        receipt = message.certified is not None and message.certified.kind.is_receipt
        if message.report is None and not receipt:
            yield row, message


def _count(found: Replay, row: MessageRow, now: Fate, then: Fate) -> None:
    found.messages += 1
    found.by_itself_now += now.by_itself
    found.by_itself_then += then.by_itself
    if not now.is_elsewhere(then):
        return
    found.differing += 1
    found.moves[place_of(now), place_of(then)] += 1
    if len(found.differences) < MOST_KEPT:
        found.differences.append(Difference(row.id, row.received_at or row.listed_at, now, then))


def _fate(
    row: MessageRow,
    message: InboundMessage,
    classification: Classification,
    rules: Rules,
    box: MailboxRow,
    sent: Mapping[int, Sequence[SentDispatch]],
    shared: Collection[int],
) -> Fate:
    if row.comune_given:
        classification = with_given_place(classification, row.comune_given)
    context = context_of(row, message, rules, box)
    earlier = [one for one in sent.get(row.case_id or 0, ()) if one.message_id < row.id]

    def decided(*, ignore_modes: bool) -> Decision:
        decision = decide(message, classification, rules, context, ignore_modes=ignore_modes)
        of_several = row.case_id in shared
        return in_its_case(decision, classification, earlier[-1], rules, shared=of_several) if earlier else decision

    said = decided(ignore_modes=True)
    rule = next((str(r.params["rule"]) for r in said.reasons if r.code == "regola_applicata"), "")
    return Fate(
        action=said.action,
        destination=said.destination,
        project=said.project,
        address_key=said.address_key,
        forward_path=said.forward_path,
        hold=said.reasons[0].code if said.action is Action.HOLD and said.reasons else "",
        rule=rule,
        by_itself=decided(ignore_modes=False).action is Action.FORWARD,
    )
