"""Which form a forward takes, by what the project wants, what was scanned, and what the server takes.

In this order: redirected as it came, if the project has it so; with files beside the original; with
the original alone; with neither, when the original is too large. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from triage.dispatch.attachments import RepeatedFile, found_clean, is_ordinary, repeated_files
from triage.dispatch.compose import FILES, ORIGINAL, Outgoing, Stamp, compose_forward
from triage.dispatch.redirect import compose_redirect
from triage.pec.sending import MOST_OCTETS
from triage.rules.forwarding import ForwardAs, ForwardRules
from triage.rules.types import Rules
from triage.vocabulary import Decision, InboundMessage

FOR_TRACES = 4096
"""Octets that servers on the way add in header fields of their own; left free below a limit of size."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What the server announced (RFC 6152, RFC 6531, RFC 1870)."""

    eight_bit: bool = False
    utf8: bool = False
    size: int = 0
    """Most octets of one message; 0: no limit was named."""

    def takes(self, outgoing: Outgoing) -> bool:
        """Whether a message is not larger than the server said that it takes."""
        return not self.size or len(outgoing.octets) + FOR_TRACES <= self.size


@dataclass(frozen=True, slots=True)
class Task:
    """One message to be forwarded, with all that is said of it."""

    message: InboundMessage
    octets: bytes
    decision: Decision
    forward_path: str
    stamp: Stamp
    received_at: datetime


def compose_fitting(
    task: Task, rules: Rules, offer: Offer, clean: frozenset[str] = frozenset(), left_out: int = 0
) -> Outgoing:
    """The fullest form that the server takes.

    ``clean`` are digests of files that a scan found clean: no other is repeated. ``left_out``: what
    earlier attempts were refused for, by its size.
    """
    offer = _as_pec_takes(offer) if rules.service.pec else offer
    if left_out < ORIGINAL:
        for form in _whole_forms(task, rules, offer, clean if left_out < FILES else frozenset()):
            if offer.takes(form):
                return form
    return _compose(task, rules, offer, whole=False)


def _as_pec_takes(offer: Offer) -> Offer:
    """A PEC provider takes no more, whatever its server announces: it says so in a receipt, after the 250."""
    return replace(offer, size=min(offer.size or MOST_OCTETS + FOR_TRACES, MOST_OCTETS + FOR_TRACES))


def _whole_forms(task: Task, rules: Rules, offer: Offer, clean: frozenset[str]) -> Iterator[Outgoing]:
    """Every form that holds the original, the one to be preferred first."""
    project = rules.projects.get(task.decision.project)
    if project is not None and project.forward_as is ForwardAs.REDIRECT:
        redirected = compose_redirect(
            task.message, task.octets, task.decision, task.forward_path, rules, task.stamp, offer.eight_bit
        )
        if redirected is not None:
            yield redirected
    files = found_clean(files_to_repeat(task.message, task.octets, rules.forwards), clean) if clean else ()
    if files:
        yield _compose(task, rules, offer, files)
    yield _compose(task, rules, offer)


def files_to_repeat(message: InboundMessage, octets: bytes, limits: ForwardRules) -> tuple[RepeatedFile, ...]:
    """The files of a message that may stand beside it; nothing is looked for where nothing is attached."""
    if not any(is_ordinary(item) for item in message.attachments):
        return ()
    return repeated_files(octets, limits.attachments_mb << 20, limits.attachments_most)


def _compose(
    task: Task, rules: Rules, offer: Offer, files: tuple[RepeatedFile, ...] = (), *, whole: bool = True
) -> Outgoing:
    return compose_forward(
        task.message,
        task.octets,
        task.decision,
        task.forward_path,
        rules,
        task.stamp,
        task.received_at,
        offer.eight_bit,
        files=files,
        whole=whole,
    )
