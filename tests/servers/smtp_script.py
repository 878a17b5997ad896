"""What the SMTP sink shall do wrong, and when: the script that a test writes.

The session asks :meth:`Script.next_fault` at each step; a fault or nothing leaves. Unknown steps
are refused.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, get_args

Step = Literal[
    "banner",
    "ehlo",
    "starttls",
    "auth",
    "mail",
    "rcpt",
    "data_command",
    "mid_data",
    "data_dot",
    "after_data_dot",
    "rset",
    "noop",
    "quit",
]
"""Places of an SMTP dialogue where a fault can be put.

``mid_data`` comes within a body. ``data_dot`` comes when the body is complete,
*before* the message is accepted and recorded; ``after_data_dot`` when it *is* recorded but the 250
has not been sent. To the client the two look the same: that is the unknown outcome of RFC 1047.
"""

STEPS: tuple[Step, ...] = get_args(Step)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to do instead of, or (``seconds``) before, the ordinary answer.

    ``reply`` is sent as it stands, ``pace`` seconds between its octets; ``hang_up`` closes the
    connection after it, with a TCP reset if ``reset``. ``after_octets`` says how much of a body must
    have come before a ``mid_data`` fault.
    """

    reply: bytes = b""
    hang_up: bool = False
    reset: bool = False
    seconds: float = 0.0
    after_octets: int = 1
    pace: float = 0.0


@dataclass(slots=True)
class _Line:
    step: Step
    fault: Fault
    left: int | None
    skip: int
    when: Callable[[str], bool] | None


class Script:
    """The faults in force; safe to change from any thread while the server runs."""

    def __init__(self) -> None:
        self._lines: list[_Line] = []
        self._met = 0
        self._lock = threading.Lock()

    def add(self, step: Step, fault: Fault, times: int | None, skip: int, when: Callable[[str], bool] | None) -> None:
        """Put a fault at a step: after ``skip`` passes, ``times`` times (None: always)."""
        if step not in STEPS:
            raise ValueError(f"unknown step {step!r}; steps are {', '.join(STEPS)}")
        with self._lock:
            self._lines.append(_Line(step, fault, times, skip, when))

    def clear(self) -> None:
        with self._lock:
            self._lines.clear()

    @property
    def met(self) -> int:
        """How many faults have come so far."""
        with self._lock:
            return self._met

    def next_fault(self, step: Step, subjects: Iterable[str]) -> Fault | None:
        """The first fault in force here, used up by one; ``subjects`` are what ``when`` may ask about."""
        subjects = tuple(subjects)
        with self._lock:
            for line in self._lines:
                if line.step != step or line.left == 0:
                    continue
                if line.when is not None and not any(line.when(subject) for subject in subjects):
                    continue
                if line.skip:
                    line.skip -= 1
                    continue
                if line.left is not None:
                    line.left -= 1
                self._met += 1
                return line.fault
        return None


def make_reply(code: int, text: str) -> bytes:
    """A reply of one or (lines of ``text``) several lines (RFC 5321 section 4.2.1)."""
    lines = text.split("\n")
    return b"".join(
        f"{code}{' ' if number == len(lines) else '-'}{line}\r\n".encode() for number, line in enumerate(lines, 1)
    )
