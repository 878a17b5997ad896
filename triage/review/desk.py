"""What the pages need, handed in once: the record, what decides, and how to wake who works it off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from triage.dispatch.text_files import Texts
from triage.knowledge import Knowledge
from triage.listening import Listening
from triage.reading import ParsedMessages
from triage.record import Store
from triage.settings import Settings


def _nobody_to_wake() -> None:
    """The worker is another process: it looks by itself within seconds."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything a page may use."""

    store: Store
    knowledge: Knowledge
    settings: Settings
    texts: Texts
    parsed: ParsedMessages
    listening: Listening
    decide_wake: Callable[[], object] = _nobody_to_wake
    dispatch_wake: Callable[[], object] = _nobody_to_wake
    file_wake: Callable[[], object] = _nobody_to_wake
    scan: Callable[[bytes], str] | None = None
    """Asks the malware scanner about octets: ``clean``, ``infected``, ``refused`` or ``trouble``; ``None``: there is
    no scanner."""
    totp_required: bool = True
    """Whether responsabile and amministratore must sign in with a code as well; the demo asks nobody."""
