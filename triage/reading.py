"""Reads each message once: the stages that need its parsed form share the last few, and see them alike.

Deciding, forwarding and acknowledging one message follow within moments of each other.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from pathlib import Path

from triage.parse import parse
from triage.pec.seen import as_seen
from triage.pec.trust import Anchors, read_anchors
from triage.rules.types import Mailbox
from triage.settings import Settings, SettingsError
from triage.vocabulary import InboundMessage

MOST = 16 << 20
"""Octets of the messages that are kept together: some thousands of usual size."""
LONGEST = 128 << 10
"""Octets; a longer message is parsed each time rather than kept."""


def pec_anchors(settings: Settings) -> Anchors:
    """The certificates by which a PEC provider is recognised; raises ``SettingsError``."""
    if not settings.pec_ca_file:
        return ()
    try:
        return read_anchors(Path(settings.pec_ca_file).read_bytes())
    except (OSError, ValueError):
        what = "TRIAGE_PEC_CA_FILE holds no certificate. Give it a PEM file of PEC providers, or leave it out."
        raise SettingsError((what,)) from None


class ParsedMessages:
    """A bounded memory of parsed messages by digest; safe from any thread."""

    def __init__(self, anchors: Anchors = ()) -> None:
        """``anchors``: certificates that make a PEC provider's signature known."""
        self._anchors = anchors
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, InboundMessage] = OrderedDict()
        self._octets = 0

    def parse(self, sha256: str, octets: bytes) -> InboundMessage:
        """The message with these octets and this digest."""
        with self._lock:
            known = self._kept.get(sha256)
        if known is not None:
            return known
        message = parse(octets, clock=time.monotonic)
        self.keep(sha256, message)
        return message

    def seen(self, message: InboundMessage, mailbox: Mailbox | None) -> InboundMessage:
        """The message to decide about: in certified mail the person's own. No ``mailbox``: it was removed since."""
        return as_seen(message, declared=mailbox is not None and mailbox.pec, anchors=self._anchors)

    def keep(self, sha256: str, message: InboundMessage) -> None:
        """Remember a message that was parsed elsewhere."""
        if message.size > LONGEST:
            return
        with self._lock:
            before = self._kept.get(sha256)
            self._kept[sha256] = message
            self._octets += message.size - (before.size if before is not None else 0)
            while self._octets > MOST:
                self._octets -= self._kept.popitem(last=False)[1].size
