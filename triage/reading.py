"""Reads each message once: the stages that need its parsed form share the last few.

Deciding, forwarding and acknowledging one message follow within moments of each other.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

from triage.parse import parse
from triage.vocabulary import InboundMessage

MOST = 512
LONGEST = 128 << 10
"""Octets; a longer message is parsed each time rather than kept."""


class ParsedMessages:
    """A bounded memory of parsed messages by digest; safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, InboundMessage] = OrderedDict()

    def parse(self, sha256: str, octets: bytes) -> InboundMessage:
        """The message with these octets and this digest."""
        with self._lock:
            known = self._kept.get(sha256)
        if known is not None:
            return known
        message = parse(octets, clock=time.monotonic)
        self.keep(sha256, message)
        return message

    def keep(self, sha256: str, message: InboundMessage) -> None:
        """Remember a message that was parsed elsewhere."""
        if message.size > LONGEST:
            return
        with self._lock:
            self._kept[sha256] = message
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
