"""Named points at which a test may kill the process, before and after each durable step.

Nothing enters or leaves; without the two environment variables a call costs one comparison.
``TRIAGE_CRASH_AT=NAME#N`` kills the process (SIGKILL, no clean-up) the N-th time that NAME is
reached. ``TRIAGE_CRASH_TRACE=FILE`` appends every name reached, so that a test can list them.
"""

from __future__ import annotations

import os
import signal
import threading

_AT = os.environ.get("TRIAGE_CRASH_AT", "")
_TRACE = os.environ.get("TRIAGE_CRASH_TRACE", "")
_NAME, _, _COUNT = _AT.partition("#")
_lock = threading.Lock()
_seen = 0


def reach(name: str) -> None:
    """Pass the crash point ``name``; kills this process when the environment asks for it."""
    if not _AT and not _TRACE:
        return
    global _seen
    with _lock:
        if _TRACE:
            with open(_TRACE, "a", encoding="ascii") as trace:
                trace.write(name + "\n")
        if name == _NAME:
            _seen += 1
            if _seen == int(_COUNT or "1"):
                os.kill(os.getpid(), signal.SIGKILL)
