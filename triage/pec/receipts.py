"""What a PEC receipt says: about which Message-ID, and how it went.

In: a message as ``seen`` gives it. Out: a report, or ``None`` when it is no receipt that may be
believed. Who looks for the Message-ID among what was sent is the caller's affair.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from triage.vocabulary import InboundMessage, PecKind, SignatureState


class Outcome(StrEnum):
    """How the mail that a receipt is about fared."""

    ON_ITS_WAY = "in_viaggio"
    DELIVERED = "consegnata"
    DELAYED = "in_ritardo"
    """Twelve hours without delivery; it may still arrive."""
    FAILED = "non_consegnata"


_OUTCOMES: dict[PecKind, Outcome] = {
    PecKind.ACCEPTANCE: Outcome.ON_ITS_WAY,
    PecKind.TAKEN_IN_CHARGE: Outcome.ON_ITS_WAY,
    PecKind.DELIVERED: Outcome.DELIVERED,
    PecKind.DELIVERY_WARNING: Outcome.DELAYED,
    PecKind.NON_ACCEPTANCE: Outcome.FAILED,
    PecKind.DELIVERY_ERROR: Outcome.FAILED,
    PecKind.VIRUS: Outcome.FAILED,
}
_WORSE = (Outcome.ON_ITS_WAY, Outcome.DELIVERED, Outcome.DELAYED, Outcome.FAILED)


@dataclass(frozen=True, slots=True)
class ReceiptReport:
    """This receipt is about our Message-ID X (any of ``message_ids``), outcome Y."""

    kind: PecKind
    message_ids: tuple[str, ...]
    outcome: Outcome
    error: str
    """daticert's ``errore``, one of its fixed words; empty when it names none. A mailbox that does not
    exist is ``altro`` at one large provider, so the word alone says little."""
    altered: bool
    """The provider's signature does not fit the octets any more."""

    @property
    def asks_for_a_person(self) -> bool:
        """Whether somebody must act: what was sent has not arrived, or perhaps not."""
        return self.outcome in (Outcome.DELAYED, Outcome.FAILED)


_ERRORS = frozenset({"no-dest", "no-dominio", "virus", "altro"})


def report_of(message: InboundMessage) -> ReceiptReport | None:
    """What a trusted receipt says; of header section and certified data that disagree, the worse."""
    certified = message.certified
    if certified is None or not certified.trusted or not certified.kind.is_receipt:
        return None
    data = certified.data
    outcome = _OUTCOMES[certified.kind]
    error = data.error if data is not None and data.error in _ERRORS else ""
    if data is not None:
        said = next((result for kind, result in _OUTCOMES.items() if kind == data.kind), outcome)
        if error and said is not Outcome.DELAYED and outcome is not Outcome.DELAYED:
            said = Outcome.FAILED
        outcome = max(outcome, said, key=_WORSE.index)
    ids = (certified.reference, _bracketed(data.message_id) if data is not None else "")
    return ReceiptReport(
        kind=certified.kind,
        message_ids=tuple(dict.fromkeys(item for item in ids if item)),
        outcome=outcome,
        error=error,
        altered=certified.signature is SignatureState.ALTERED,
    )


def _bracketed(text: str) -> str:
    bare = "".join(text.split()).strip("<>")
    return f"<{bare}>" if bare else ""
