"""The files that come with the service: the model with its card, and the example of ``routing_rules.yaml``.

Enters a file's name, leaves its path. An installed package holds them in ``triage/data``, where pyproject.toml puts
them; a checkout has them where they are edited.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent
_EDITED = {
    "model.skops": "models/model.skops",
    "card.json": "models/card.json",
    "routing_rules.yaml": "routing_rules.yaml",
}


def shipped(name: str) -> Path:
    """Where the file is that came with this release; raises ``KeyError`` for a name that none has."""
    edited = _PACKAGE.parent / _EDITED[name]
    packed = _PACKAGE / "data" / name
    return packed if packed.exists() else edited


def rules_or_example(named: Path, environment_names_it: bool) -> Path:
    """The rules file for a command that neither reads nor sends mail: the named one, else the example.

    A service that works never takes the example in place of a file that is missing: its rules would be others.
    """
    example = shipped("routing_rules.yaml")
    return example if not environment_names_it and not named.exists() and example.exists() else named
