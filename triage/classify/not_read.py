"""What of a message neither models nor lists have read, though a person will: it waits for one.

Enters a message, leaves reasons. Pure; nothing is refused.
"""

from __future__ import annotations

from triage.classify.unread import READ_LETTERS
from triage.vocabulary import InboundMessage, Reason


def not_read(message: InboundMessage, *, proved: bool) -> tuple[Reason, ...]:
    """``letto_in_parte``: text, or what stands below the name, goes on beyond what is read. ``grafica_diversa``: the
    markup says what the plain text does not; of machines that is nothing strange (``proved`` by header fields).
    """
    reasons = []
    if max(len(message.new_text), len(message.signature)) > READ_LETTERS:
        reasons.append(Reason("letto_in_parte"))
    if not proved and any(defect.code == "alternatives_differ" for defect in message.defects):
        reasons.append(Reason("grafica_diversa"))
    return tuple(reasons)
