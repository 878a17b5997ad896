"""Ties a confirmation to what was shown: what leaves is planned again, and nothing does when it would be another mail.

A preview's form carries a digest of its mails; the act is given one more look at what it would do in its own
transaction. What differs by time alone (Message-ID, date, moment of leaving) is in no digest.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from hashlib import sha256

from triage.acts.outcome import Outcome
from triage.acts.preview import What, preview
from triage.dispatch.shown import Shown, shown
from triage.leaving import Leaving
from triage.record import Transaction
from triage.review.desk import Desk
from triage.rules import Rules

OTHER = "altro_in_partenza"
"""The outcome of a confirmation of mails that are no longer those that were shown."""
OTHER_MAILS = "Nel frattempo è cambiato quello che partirebbe: controlla di nuovo."


def digest_of(mails: Iterable[tuple[Leaving, Shown]]) -> str:
    """What stands for these mails: kind, recipient, subject and text of each."""
    told = [[str(leaving.kind), mail.to, mail.subject, mail.text] for leaving, mail in mails]
    return sha256(json.dumps(told).encode()).hexdigest()


def if_as_shown(
    desk: Desk, rules: Rules, message_id: int, what: What, seen: int, digest: str, act: Callable[[Transaction], Outcome]
) -> Callable[[Transaction], Outcome]:
    """The act, done only if what leaves by it is what ``digest`` stands for; what it refuses is its own to say."""

    def checked(tx: Transaction) -> Outcome:
        planned = preview(tx, rules, desk.parsed, message_id, what, seen=seen)
        if planned.refused is None:
            mails = ((one, shown(one, rules, desk.texts)) for one in planned.leaving)
            if digest_of(mails) != digest:
                return Outcome(False, OTHER, OTHER_MAILS)
        return act(tx)

    return checked
