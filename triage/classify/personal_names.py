"""People's names left out of what the models see: whose letter it is must not decide how it is read.

A given name that stood under more twins than dangers would lower the danger of whoever bears it.
``triage.learning.personal_names`` says how ``data/personal_names.txt`` was found in the training messages;
``data/sender_roles.txt`` holds, by hand, what a display name says of an office, a trade or a machine.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from triage.classify.folding import fold

NAMES_FILE = Path(__file__).parent / "data" / "personal_names.txt"
_ROLES_FILE = NAMES_FILE.with_name("sender_roles.txt")
_WORD = re.compile(r"[^\W_]+")


@lru_cache(maxsize=1)
def personal_names() -> frozenset[str]:
    """Folded words."""
    return frozenset(NAMES_FILE.read_text(encoding="utf-8").split())


def without_sender_name(display_name: str, signature: str) -> str:
    """Folded: the roles that a display name tells, and the signature without the name's other words."""
    told = _WORD.findall(fold(display_name))
    names = {word for word in told if word not in _roles()}
    roles = " ".join(word for word in told if word in _roles())
    below = _WORD.sub(lambda match: " " * len(match[0]) if match[0] in names else match[0], fold(signature))
    return f"{roles}\n{below}"


@lru_cache(maxsize=1)
def _roles() -> frozenset[str]:
    return frozenset(_ROLES_FILE.read_text(encoding="utf-8").split())
