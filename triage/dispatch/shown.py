"""Shows a mail before it leaves: composed by the code that composes what is sent, then read again. Pure.

In: a :class:`~triage.leaving.Leaving`. Out: who it seems to come from, its subject, its text as a person reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default

from triage.dispatch.acknowledging import compose_for_family
from triage.dispatch.compose import Outgoing, Stamp, compose_forward
from triage.dispatch.staff_letters import compose_recall, compose_referral, compose_reply
from triage.dispatch.text_files import Texts
from triage.leaving import Leaving
from triage.rules.types import Rules
from triage.vocabulary import DispatchKind

_ID = "<anteprima@example.invalid>"


@dataclass(frozen=True, slots=True)
class Shown:
    """``sender`` as mail programs show it; ``reply_to`` where an answer goes."""

    sender: str
    to: str
    reply_to: str
    subject: str
    text: str


def shown(leaving: Leaving, rules: Rules, texts: Texts) -> Shown:
    """One mail as its recipient will see it."""
    outgoing = _composed(leaving, rules, texts)
    mail = message_from_bytes(outgoing.octets, policy=default)
    body = mail.get_body(("plain",))
    sender = str(mail["From"])
    return Shown(sender, outgoing.forward_path, str(mail["Reply-To"] or sender), str(mail["Subject"]), _text(body))


def _composed(leaving: Leaving, rules: Rules, texts: Texts) -> Outgoing:
    stamp = Stamp(_ID, leaving.case_code, "", leaving.due_at)
    if leaving.kind is DispatchKind.FORWARD:
        # The original stands beside the text and is not shown here.
        return compose_forward(
            leaving.message, b"", leaving.decision, leaving.to, rules, stamp, leaving.received_at, eight_bit=False
        )
    if leaving.kind is DispatchKind.RECALL:
        return compose_recall(leaving.to, rules, stamp, leaving.received_at)
    if leaving.kind is DispatchKind.REPLY:
        return compose_reply(leaving.message, leaving.text, leaving.to, rules, stamp, texts)
    if leaving.kind is DispatchKind.REFERRAL:
        office, said = rules.offices[leaving.office], leaving.text
        return compose_referral(leaving.message, leaving.decision, office, said, leaving.to, rules, stamp, texts)
    return compose_for_family(leaving.kind, leaving.message, leaving.decision, leaving.to, rules, stamp, texts)


def _text(body: object) -> str:
    content = getattr(body, "get_content", str)()
    return str(content).replace("\r\n", "\n").strip()
