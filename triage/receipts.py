"""PEC receipts and what they are about: look-ups in the transaction that records the result, and incidents.

In: messages as they are seen. Out: their decisions with the case that each belongs to.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from triage.pec.judging import FAILED, judge_receipt
from triage.pec.receipts import report_of
from triage.record import Transaction
from triage.record.decisions import Settlement
from triage.record.incidents import PEC_FAILURE, open_incident
from triage.record.receipts import Sent, sent_mail
from triage.rules.types import Rules
from triage.vocabulary import Decision, InboundMessage, MessageState, Mode


class Receipts:
    """The receipts of one batch; what they are about is looked up at once."""

    def __init__(self, tx: Transaction, rules: Rules, secret: bytes, seen: Sequence[InboundMessage]) -> None:
        self._shadow = rules.service.mode is Mode.SHADOW
        reports = [report for report in map(report_of, seen) if report is not None]
        self._sent = sent_mail(tx, secret, [item for report in reports for item in report.message_ids])

    def judge(self, message: InboundMessage, decision: Decision, doubtful: bool) -> tuple[Decision, int | None] | None:
        """The decision about a receipt and the case of its mail, if that is known; ``None`` for anything else."""
        sent = self._about(message)
        about = sent.message_id if sent is not None else None
        judged = judge_receipt(message, decision, about, doubtful=doubtful, shadow=self._shadow)
        return (judged, sent.case_id if sent is not None else None) if judged is not None else None

    def _about(self, message: InboundMessage) -> Sent | None:
        report = report_of(message)
        ids = report.message_ids if report is not None else ()
        return next((self._sent[item] for item in ids if item in self._sent), None)


def note_failures(tx: Transaction, settlements: Iterable[Settlement]) -> None:
    """Raise an incident for every receipt that says that mail has not arrived; over when somebody has it in hand."""
    for item in settlements:
        if item.state is not MessageState.HELD or item.hold_reason != FAILED:
            continue
        about = next((reason.params.get("message") for reason in item.decision.reasons if reason.code == FAILED), None)
        what = f"mail about message {about}" if about else "a mail that is not on record"
        text = f"A certified mail's receipt says that {what} did not arrive, or not yet: read message {item.row.id}."
        open_incident(tx, PEC_FAILURE, str(item.row.id), text)
