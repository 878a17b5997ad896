"""PEC receipts and what they are about: look-ups in the transaction that records the result, and incidents.

In: messages as they are seen. Out: their decisions, the case that each belongs to, and what came back
about a dispatch of ours (``triage.record.returned``), which opens a forward's message again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from triage.pec.judging import FAILED, judge_receipt
from triage.pec.receipts import Outcome, ReceiptReport, report_of
from triage.record import Transaction
from triage.record.decisions import Settlement
from triage.record.incidents import PEC_FAILURE, open_incident
from triage.record.receipts import Sent, sent_mail
from triage.record.returned import Returned, ReturnKind, SentDispatch, dispatches_named
from triage.returns import FORWARD_RETURNED
from triage.rules.types import Rules
from triage.vocabulary import Decision, DispatchKind, InboundMessage, MessageState, Mode

_KINDS = {
    Outcome.DELIVERED: ReturnKind.DELIVERED,
    Outcome.DELAYED: ReturnKind.DELAYED,
    Outcome.FAILED: ReturnKind.FAILED,
}
"""Acceptance and taking in charge bring nothing back: the mail is on its way."""


@dataclass(frozen=True, slots=True)
class JudgedReceipt:
    """What becomes of a receipt; ``case_id`` and ``returned`` only where what it is about is on record."""

    decision: Decision
    case_id: int | None
    returned: Returned | None


class Receipts:
    """The receipts of one batch; what they are about is looked up at once."""

    def __init__(self, tx: Transaction, rules: Rules, secret: bytes, seen: Sequence[InboundMessage]) -> None:
        self._shadow = rules.service.mode is Mode.SHADOW
        reports = [report for report in map(report_of, seen) if report is not None]
        ids = sorted({item for report in reports for item in report.message_ids})
        self._dispatches = dispatches_named(tx, ids)
        self._mail = sent_mail(tx, secret, ids)

    def judge(self, message: InboundMessage, decision: Decision, doubtful: bool) -> JudgedReceipt | None:
        """What becomes of a receipt; ``None`` for anything else."""
        report = report_of(message)
        sent = self._about(report) if report is not None else None
        returned = self._returned(report) if report is not None else None
        judged = judge_receipt(
            message,
            decision,
            sent.message_id if sent is not None else None,
            reopens=returned is not None and bool(returned.reopens),
            doubtful=doubtful,
            shadow=self._shadow,
        )
        return (
            JudgedReceipt(judged, sent.case_id if sent is not None else None, returned) if judged is not None else None
        )

    def _about(self, report: ReceiptReport) -> Sent | None:
        return next((self._mail[item] for item in report.message_ids if item in self._mail), None)

    def _returned(self, report: ReceiptReport) -> Returned | None:
        """What the receipt does to a dispatch of ours; an altered one does nothing."""
        about = (self._dispatches[item] for item in report.message_ids if item in self._dispatches)
        dispatch: SentDispatch | None = next(about, None)
        kind = _KINDS.get(report.outcome)
        if dispatch is None or kind is None or report.altered:
            return None
        again = kind is ReturnKind.FAILED and dispatch.kind == DispatchKind.FORWARD
        return Returned(kind, dispatch, "", FORWARD_RETURNED if again else "")


def note_failures(tx: Transaction, settlements: Iterable[Settlement]) -> None:
    """Raise an incident for every held receipt that says that mail has not arrived; over when somebody has it in hand.

    Where the forward's message was opened again, that has its own incident.
    """
    for item in settlements:
        if item.state is not MessageState.HELD or item.hold_reason != FAILED:
            continue
        about = next((reason.params.get("message") for reason in item.decision.reasons if reason.code == FAILED), None)
        what = f"mail about message {about}" if about else "a mail that is not on record"
        text = f"A certified mail's receipt says that {what} did not arrive, or not yet: read message {item.row.id}."
        open_incident(tx, PEC_FAILURE, str(item.row.id), text)
