"""Octets of a message -> ``InboundMessage``. Total: whatever the octets, a message comes back.

Pure: no I/O, no clock. Nothing malformed is refused; it is tolerated and kept as a ``Defect``.
"""

from triage.parse.limits import ParseLimits
from triage.parse.message import parse

__all__ = ["ParseLimits", "parse"]
