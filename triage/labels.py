"""What persons settled, as examples to learn from: labels on record, joined with the messages that they are about.

Enters the record, the rules and what parses; leaves one :class:`~triage.classify.examples.Settled` each, in a fixed
order, without holding all of them at once. A message whose content is no longer kept is passed over and counted, and
so is one that nobody could parse. Nothing is written, and nothing of it leaves the machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from triage.classify.examples import Settled
from triage.classify.territory import load_gazetteer
from triage.pseudonyms import pseudonymised
from triage.reading import ParsedMessages
from triage.record import Store
from triage.record.labels import PersonsLabel, labels_by_check, labels_by_settlement
from triage.record.mailboxes import known_mailboxes
from triage.record.octets import read_octets
from triage.rules.types import Rules

PAGE = 100
"""Messages whose content is in memory at once."""


@dataclass(slots=True)
class Passed:
    """How many labels there were that nothing can be learnt from."""

    without_content: int = 0


def settled_examples(store: Store, rules: Rules, parsed: ParsedMessages, passed: Passed) -> Iterator[Settled]:
    """Every message that a person settled or judged blind; settlements first. ``passed`` is counted up meanwhile."""
    for read in (labels_by_settlement, labels_by_check):
        after = 0
        while True:
            with store.read("labels to learn from") as tx:
                page = read(tx, after, PAGE)
                contents = read_octets(tx, [one.row.sha256 for _, one in page if one.row.sha256])
                boxes = {box.id: box.name for box in known_mailboxes(tx)}
            after = page[-1][0] if page else after
            for _, label in page:
                content = contents.get(label.row.sha256 or "")
                if content is None or label.row.stopped_the_parser:
                    passed.without_content += 1
                else:
                    yield _example(label, content, boxes[label.row.mailbox_id], rules, parsed)
            if len(page) < PAGE:
                break


def _example(label: PersonsLabel, content: bytes, mailbox: str, rules: Rules, parsed: ParsedMessages) -> Settled:
    read = parsed.seen(parsed.parse(label.row.sha256 or "", content), rules.mailboxes.get(mailbox))
    message = pseudonymised(read, load_gazetteer())
    # The author's keyed hash stands for the author. Those without one count as a single writer: no word of theirs alone
    # is learnt.
    return Settled(message, label.row.author_key or "", label.topic, label.territory, label.comune, label.on)
