"""What a message that leaves by a PEC account must be like, else the provider refuses it.

In: the envelope and the octets. Out: the code of the first fault, or "". RFC 6109 section 3.1.1
(DM 2 November 2005, annex, 6.3): reverse path equal to From, recipients equal to To and Cc, no Bcc,
size times recipients at most 30 MB. The provider answers a fault with a receipt of non-acceptance;
that comes later and needs a person, so nothing faulty is sent.
"""

from __future__ import annotations

import re

MOST_OCTETS = 30_000_000
MOST_FORWARDED_MB = 21
"""An original that surely fits: it may travel in base64 (four thirds, and line ends), beside the readable part."""
_ADDRESS = re.compile(rb"<([^<>]+)>\s*\Z")
_FIELD = re.compile(rb"(?:\A|\r\n)(From|To|Cc|Bcc):[ \t]*((?:[^\r\n]|\r\n[ \t])*)", re.IGNORECASE)


def fault_of(reverse_path: str, forward_path: str, octets: bytes) -> str:
    """Why a PEC provider would refuse this message; "" when it would not."""
    head = octets.partition(b"\r\n\r\n")[0]
    fields: dict[str, list[bytes]] = {}
    for name, value in _FIELD.findall(head):
        fields.setdefault(name.decode("ascii").lower(), []).append(value)
    if not reverse_path or [_address(value) for value in fields.get("from", [])] != [reverse_path.casefold()]:
        return "pec_mittente_diverso"
    named = [_address(value) for name in ("to", "cc") for value in fields.get(name, [])]
    if "bcc" in fields or named != [forward_path.casefold()]:
        return "pec_destinatari_diversi"
    return "pec_troppo_grande" if len(octets) > MOST_OCTETS else ""


def _address(value: bytes) -> str:
    """Our own writer's fields hold one address each, with or without a display name."""
    found = _ADDRESS.search(value)
    return (found[1] if found else value).decode("utf-8", "replace").strip().casefold()
