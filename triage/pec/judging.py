"""The decision about a PEC receipt: filed where its mail is known, else held; never a request.

In: a message as it is seen, the decision that its words would have had, and the number of the
message that it is about, if that is on record. Out: a decision that forwards nothing and answers
nobody, or ``None`` for what is no receipt. Pure.
"""

from __future__ import annotations

from dataclasses import replace

from triage.pec.receipts import ReceiptReport, report_of
from triage.vocabulary import NOBODY, Action, Decision, InboundMessage, Reason

FAILED = "ricevuta_pec_errore"
UNCONFIRMED = "ricevuta_pec_non_confermata"


def judge_receipt(
    message: InboundMessage,
    decision: Decision,
    about: int | None,
    *,
    reopens: bool = False,
    doubtful: bool,
    shadow: bool,
) -> Decision | None:
    """What becomes of a receipt, or of what claims to be one; ``None`` for anything else.

    ``reopens``: what it is about waits for a person again, with an alarm, so the receipt need not.
    ``doubtful``: malformed, so perhaps read wrongly. ``shadow``: the service files nothing by itself.

    What claims to be a receipt and is not confirmed waits for a person: a forged one would be filed
    unseen, or hide that a family's mail was lost.
    """
    report = report_of(message)
    if report is None:
        certified = message.certified
        # One of a kind that we do not know (yet) is no request either.
        claims = certified.kind.is_receipt if certified is not None else bool(message.header("X-Ricevuta"))
        return _decided(decision, Action.HOLD, [Reason(UNCONFIRMED)]) if claims else None
    params: dict[str, str | int | float | bool] = {"kind": str(report.kind), "error": report.error}
    if about is not None:
        params["message"] = about
    hold = _hold(report, about, reopens=reopens, doubtful=doubtful, shadow=shadow)
    if not hold:
        reasons = [Reason("archiviata", {"folder": "automatic"}), Reason("ricevuta_pec", params)]
        return _decided(decision, Action.FILE, reasons)
    reasons = [Reason(hold, params)] if hold == FAILED else [Reason(hold), Reason("ricevuta_pec", params)]
    return _decided(decision, Action.HOLD, reasons)


def _hold(report: ReceiptReport, about: int | None, *, reopens: bool, doubtful: bool, shadow: bool) -> str:
    if report.altered:
        return "ricevuta_pec_alterata"
    if report.asks_for_a_person and not reopens:
        return FAILED
    if about is None:
        return "ricevuta_pec_sconosciuta"
    if doubtful:
        return "difetti_gravi"
    return "modo_ombra" if shadow else ""


def _decided(decision: Decision, action: Action, reasons: list[Reason]) -> Decision:
    """Nothing of what its words were taken for counts: neither urgency nor a destination."""
    return replace(
        decision,
        action=action,
        destination=NOBODY,
        urgent=False,
        automatic=True,
        acknowledge=False,
        project="",
        address_key="",
        forward_path="",
        reasons=tuple(reasons),
    )
