"""Whatever keeps a family from being answered can be said to staff."""

from __future__ import annotations

import re
from pathlib import Path

from triage.classify.wording import known_codes

FILES = ("gate.py", "gate_staff.py", "recipient.py", "answerable.py", "trust.py")


def test_every_reason_of_the_gate_has_its_sentence() -> None:
    folder = Path(__file__).parents[2] / "triage" / "decide"
    text = "".join((folder / name).read_text(encoding="utf-8") for name in FILES)
    said = set(re.findall(r'"([a-z]+(?:_[a-z]+)+)"', text))
    kinds = "percorso|modulo|limite|domanda|attesa|ricevuta|ricevute|mittente|caso|conversazione|inoltro"
    codes = {code for code in said if re.match(rf"({kinds})_", code)}
    assert len(codes) > 15
    assert codes | {"lingua_incerta"} <= known_codes()
