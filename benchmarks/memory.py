"""Peak memory of this process alone (``ru_maxrss`` would also count the process that started it)."""

from __future__ import annotations

from pathlib import Path


def peak_mb() -> float:
    """Peak resident memory in MB (VmHWM)."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise OSError("no VmHWM in /proc/self/status")
