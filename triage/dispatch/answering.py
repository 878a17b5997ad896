"""Before a family gets something: may it still leave, and as what? Asked anew each time; composed at once.

In: a leased dispatch with its message, decision, rules and history. Out: the gate's verdict, how long
to wait, the composed message. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from triage.decide import DecisionContext, GateVerdict, may_acknowledge, may_ask, may_tell_of_reroute
from triage.decide.gate import only_place_is_missing
from triage.dispatch.acknowledging import compose_for_family, reverse_path
from triage.dispatch.compose import Outgoing, Stamp
from triage.dispatch.text_files import Texts
from triage.ids import return_tag
from triage.record.acknowledged import Acknowledged
from triage.record.dispatches import DispatchRow
from triage.rules.types import Mailbox, Rules
from triage.telling import history_of
from triage.vocabulary import Decision, DispatchKind, InboundMessage, MessageState

LOOK_AGAIN = timedelta(minutes=15)
"""How soon something is asked again that only a limit or a forward holds up."""


@dataclass(frozen=True, slots=True)
class Answering:
    """One dispatch to a family and everything that the gate must know of it."""

    row: DispatchRow
    message: InboundMessage
    decision: Decision
    rules: Rules
    context: DecisionContext
    mailbox: Mailbox | None
    before: Acknowledged
    secret: bytes
    state: MessageState
    halved: bool
    """The project has the text only, the original was too large: held, and forwarded all the same."""
    forwarded_at: datetime | None
    held_back: str = ""
    """What staff said of the case's acknowledgement."""

    @property
    def still_asks(self) -> bool:
        """Whether the acknowledgement has a question that still makes sense."""
        return bool(self.row.asks) and self.state is MessageState.HELD and only_place_is_missing(self.decision)


def may_answer(asked: Answering, now: datetime) -> GateVerdict:
    """The gate's word on this dispatch, to the address that it was planned for and to no other."""
    history = replace(
        history_of(
            asked.before,
            asked.secret,
            asked.row.forward_path,
            asked.row.case_id,
            forward_accepted=asked.halved or asked.state in (MessageState.FORWARDED, MessageState.FILED),
            case_acknowledged=False,  # a unique index lets a case have this one row only
        ),
        forwarded_at=asked.forwarded_at,
        held_back=asked.held_back,
    )
    message, decision, rules, context = asked.message, asked.decision, asked.rules, asked.context
    if asked.row.kind == DispatchKind.QUESTION:
        verdict = may_ask(message, decision, rules, history, context, by_person=True)
        if verdict.allowed and asked.state is not MessageState.HELD:
            return GateVerdict(False, "", False, ())  # settled meanwhile
    elif asked.row.kind == DispatchKind.REROUTE:
        verdict = may_tell_of_reroute(message, decision, rules, history, context)
    elif asked.state is MessageState.CLOSED:
        return GateVerdict(False, "", False, ())  # a person has dealt with it where it lay
    else:
        verdict = may_acknowledge(message, decision, rules, history, now, context, asks=asked.still_asks)
    if verdict.allowed and verdict.forward_path != asked.row.forward_path:
        return GateVerdict(False, "", False, ())
    return verdict


def wait_for(asked: Answering, verdict: GateVerdict, now: datetime) -> timedelta:
    """How long until it is worth asking again."""
    undo = timedelta(minutes=asked.rules.acknowledgements.undo_minutes)
    if asked.forwarded_at is not None and any(reason.code == "attesa_annullamento" for reason in verdict.reasons):
        return max(timedelta(seconds=1), asked.forwarded_at + undo - now)
    return LOOK_AGAIN


def compose_answer(asked: Answering, verdict: GateVerdict, stamp: Stamp, texts: Texts, plus_works: bool) -> Outgoing:
    """The message to the family, with the return address that its account allows."""
    tag = return_tag(asked.secret, asked.row.id)
    return compose_for_family(
        DispatchKind(asked.row.kind),
        asked.message,
        asked.decision,
        verdict.forward_path,
        asked.rules,
        stamp,
        texts,
        reverse_path=reverse_path(asked.rules, asked.mailbox, tag, plus_works=plus_works),
        neutral=verdict.neutral,
        asks=asked.still_asks,
    )
