"""The draw: with which probability a forward is looked at blindly, and whether it is.

In: a settlement as it was decided, the rules, how far each project's sample is. Out: its place in the draw, or none.
More is drawn while a project's sample is small, and of what the service itself was less sure of. The probabilities
follow from what was known before the message and from the message's own confidence, never from a label of its own.
"""

from __future__ import annotations

import hashlib
import hmac
import math
from collections import Counter
from collections.abc import Mapping, Sequence

from triage.record.decisions import Settlement
from triage.record.samples import AUTOMATIC, PROPOSAL, Drawn, Progress
from triage.rules.types import Rules
from triage.vocabulary import Action, Decision, DispatchKind, MessageState

LEAST = 0.05
"""No forward is drawn with less: one error found at so small a probability already stands for twenty."""
FIRST = 30
"""Of a project whose sample has so many every second forward is drawn, of the first every one, of 270 every tenth."""
MOST_WAITING = 40
"""While so many of a project wait for their label only the least share is drawn: staff must be able to keep up."""
SURER = 4.0
"""At most so many times as often as the surest are drawn those that the service was not sure of."""


def floor_of(progress: Progress) -> float:
    """The least probability that any forward of a project has now."""
    if progress.waiting >= MOST_WAITING:
        return LEAST
    return max(LEAST, FIRST / (FIRST + progress.drawn))


def probability_of(floor: float, confidence: float, max_wrong: float) -> float:
    """Of one forward: in proportion to the root of its own doubt, which makes the estimate steadiest (Neyman 1934)."""
    doubt = max(0.0, 1.0 - confidence) / max_wrong if max_wrong > 0 else 1.0
    return min(1.0, floor * min(SURER, max(1.0, math.sqrt(doubt))))


def draw(
    secret: bytes, rules: Rules, progress: Mapping[str, Progress], settlements: Sequence[Settlement]
) -> list[Drawn]:
    """Who of a batch is in the draw, in order, and who is drawn."""
    found = []
    drawn_now: Counter[str] = Counter()
    for item in settlements:
        kind = _kind_of(item)
        if not kind:
            continue
        decision = item.decision
        before = progress.get(decision.project, Progress())
        floor = chance = 1.0
        if kind == AUTOMATIC:
            so_far = Progress(before.drawn + drawn_now[decision.project], before.waiting + drawn_now[decision.project])
            floor = floor_of(so_far)
            chance = probability_of(floor, decision.confidence, rules.thresholds.max_wrong)
        chosen = lot(secret, item.row.id) < chance
        drawn_now[decision.project] += int(chosen and kind == AUTOMATIC)
        found.append(
            Drawn(
                message_id=item.row.id,
                generation=item.row.generation + 1,
                kind=kind,
                floor=floor,
                probability=chance,
                chosen=chosen,
                project=decision.project,
                confidence=decision.confidence,
                model_version=decision.model_version,
            )
        )
    return found


def lot(secret: bytes, message_id: int) -> float:
    """A message's lot, 0 to below 1: nobody guesses it without the record's secret, and whoever has it may check it."""
    mark = hmac.new(secret, f"sample\0{message_id}".encode(), hashlib.sha256).digest()
    return int.from_bytes(mark[:7], "big") / 2**56


def _kind_of(item: Settlement) -> str:
    """Leaves by itself, waits for nothing but a person's yes, or neither."""
    if item.same_as is not None or not item.decision.project:
        return ""
    leaves = any(plan.kind == DispatchKind.FORWARD for plan in item.dispatches)
    if item.state is MessageState.DECIDED and item.decision.action is Action.FORWARD and leaves:
        return AUTOMATIC
    return PROPOSAL if item.state is MessageState.HELD and is_proposal(item.decision) else ""


def is_proposal(decision: Decision) -> bool:
    """Whether only the mode *proposta* keeps it from leaving: reasons that hold come first, that of the mode last."""
    return bool(decision.reasons) and decision.reasons[0].code == "modo_proposta"
