"""What became of a message that is done, in a phrase for the list and the case.

In: its row, its decision, the person's act that settled it, if one did. Out: words; pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from triage.record.case_story import Decided
from triage.record.done import DONE
from triage.record.messages import MessageRow
from triage.record.settlements import ENDS, Exit, SettlementRow
from triage.review.words import STATE_NAMES, project_name
from triage.rules import Rules
from triage.vocabulary import Action, Decision, MessageState

_ENDED = {
    Exit.REPLY: "Abbiamo risposto noi",
    Exit.REFERRAL: "Indicato un altro ufficio",
    Exit.PHONE: "Preso in carico per telefono",
    Exit.CLOSED: "Chiuso",
    Exit.NOT_FOR_US: "Non era per noi",
    Exit.JOINED: "Unito a un caso e chiuso",
}


_SENT: Mapping[str, str] = {Exit.CORRECTION: "Corretto: inoltrato", Exit.ALSO: "Inoltrato anche"}


@dataclass(frozen=True, slots=True)
class Became:
    """``what`` is done; ``icon`` stands beside it; ``by`` is a person's account name, empty for the service."""

    what: str
    icon: str
    by: str = ""


def became(row: MessageRow, decision: Decision | Decided | None, act: SettlementRow | None, rules: Rules) -> Became:
    """What was done with one message."""
    if act is not None and row.generation not in act.generations and act.exit != Exit.SPLIT:
        act = None  # what a person did was overtaken: the message was decided anew
    by = act.actor if act is not None else ""
    if row.state not in DONE or (row.state == MessageState.CLOSED and act is None):
        return Became(STATE_NAMES.get(row.state, row.state).capitalize(), "clock", by)
    if act is not None and (act.exit in ENDS or act.exit == Exit.JOINED):
        left = ", è rimasto nella casella" if row.state == MessageState.CLOSED else ""
        return Became(f"{_ENDED[Exit(act.exit)]}{left}", "check-circle", by)
    if decision is not None and decision.action == Action.FORWARD:
        centre = project_name(rules, decision.project)
        if row.state == MessageState.DECIDED and not row.file_step:
            return Became(f"In partenza per «{centre}»", "clock", by)
        return Became(f"{_SENT.get(act.exit if act is not None else '', 'Inoltrato')} a «{centre}»", "mail", by)
    if decision is not None and decision.automatic:
        return Became("Archiviato: posta automatica", "box", by)
    return Became("Archiviato senza inoltro", "box", by)
