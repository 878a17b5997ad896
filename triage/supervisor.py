"""Tells systemd how the worker is: one datagram a sentence to the socket that it names (sd_notify(3)).

Without a supervisor nothing is said. What cannot be sent is left out: systemd's own clock is what counts, and
a worker must not fail because nobody listens.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress

READY = "READY=1"
STOPPING = "STOPPING=1"
WATCHDOG = "WATCHDOG=1"

_MICROSECONDS = 1_000_000
_PINGS = 3
"""How often within the time that systemd waits: one that comes late does not end the worker."""


class Supervisor:
    """The service manager that started this process, if there is one."""

    def __init__(self, environment: Mapping[str, str] = os.environ, pid: int | None = None) -> None:
        named = environment.get("NOTIFY_SOCKET", "")
        # An abstract socket's name is written with "@" and begins with a NUL.
        self._address = f"\0{named[1:]}" if named.startswith("@") else named
        meant = environment.get("WATCHDOG_PID", "")
        waits = environment.get("WATCHDOG_USEC", "")
        watches = waits.isascii() and waits.isdigit() and meant in ("", str(pid or os.getpid()))
        self.ping_every = max(1.0, int(waits) / _MICROSECONDS / _PINGS) if self._address and watches else 0.0
        """Seconds between two signs of life; 0: nobody waits for them."""

    def tell(self, sentence: str) -> None:
        """Say one thing; whether anybody hears it does not matter here."""
        if self._address:
            with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as speaking:
                speaking.settimeout(1.0)
                speaking.sendto(sentence.encode("ascii"), self._address)
