"""A family answers with their comune: what was held for want of it goes on, once and by itself.

Enters a batch as it is about to be settled, leaves those of it that are such answers. Only an author who has
part in the case answers for it, only a place that is as good as certain counts, and an answer that may
speak of danger, that no person wrote, or whose author our own mail server doubts, is settled like any other message.
"""

from __future__ import annotations

from collections.abc import Sequence

from triage.conversations import keys_of, threads_of
from triage.decide.authentication import is_doubted
from triage.followups import corrects_us
from triage.record import Transaction
from triage.record.asked import name_places, waiting_for_a_place
from triage.record.identity import secret_of
from triage.record.messages import MessageRow
from triage.rules.types import Rules
from triage.vocabulary import Classification, InboundMessage

SURE = 0.8
"""Probability of one comune from which it is taken as the answer."""


def take_answers(
    tx: Transaction,
    rules: Rules,
    pairs: Sequence[tuple[MessageRow, InboundMessage]],
    classified: Sequence[Classification],
) -> set[int]:
    """Let what waited go on with the comune that is named; the rows of the answers, to be decided after it."""
    likely = [
        (row, message, classification)
        for (row, message), classification in zip(pairs, classified, strict=True)
        if not (row.generation or corrects_us(message))
        and not (classification.urgent or classification.automatic)
        and _comune(classification, rules)
        and not is_doubted(message, rules.service.authserv_id, rules.service.authserv_below)
    ]
    if not likely:
        return set()
    secret = secret_of(tx)
    asked = [(row, message) for row, message, _ in likely]
    threads = threads_of(tx, secret, asked, [keys_of(secret, message, rules) for _, message in asked])
    waiting = waiting_for_a_place(tx, sorted({one.case_id for one in threads if one.case_id is not None}))
    found: dict[int, str] = {}
    answers: set[int] = set()
    for (row, _, classification), thread in zip(likely, threads, strict=True):
        message_id = waiting.get(thread.case_id) if thread.case_id is not None else None
        if message_id is not None and message_id != row.id:
            found.setdefault(message_id, _comune(classification, rules))
            answers.add(row.id)
    name_places(tx, found)
    return answers


def _comune(classification: Classification, rules: Rules) -> str:
    """The one comune that the message names as its own, or the empty text."""
    name, score = max(classification.comune_scores.items(), key=lambda item: item[1], default=("", 0.0))
    return name if score >= SURE and name in rules.places else ""
