"""Word lists that people write and sign: YAML of nothing but text, lists and mappings.

Enters a file of ``data/``, leaves plain values. "no" stays a word and "104" too, so nothing need be quoted.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

# The C reader gives the same values in a tenth of the time; not every build of the library has it.
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


def read_lists(path: Path) -> Any:
    """The file's content; builds no objects, whatever it holds."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - builds nothing but text
