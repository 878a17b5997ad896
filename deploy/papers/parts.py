"""What the service is made of: the packages of the lock, and what the page takes from others.

Enters ``requirements.lock``, the installed packages' own metadata, and ``deploy/web/package-lock.json``. Leaves
:class:`Part` rows. Refused: a package of the lock that is not installed here, or that declares no licence.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
SERVICE, DEMO, WORKSHOP = "service", "demo", "tests and documents"
_EXTRAS = {SERVICE: ("postgres",), DEMO: ("demo",)}
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)((?:.*\\\n\s+--hash=.*)+|.*)", re.MULTILINE)
_SHORT = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "PSFL": "PSF-2.0",
}
_KNOWN = {"imapclient": "BSD-3-Clause", "skops": "MIT"}
"""Of packages whose metadata name none: read in the file that they bring."""
VENDORED = {"bootstrap-italia": "BSD-3-Clause", "htmx.org": "0BSD", "axe-core": "MPL-2.0"}
FONT = ("Titillium Web", "OFL-1.1")


@dataclass(frozen=True, slots=True)
class Part:
    """A package at a version: what it is for, under which licence, and its files' SHA-256."""

    name: str
    version: str
    use: str
    licence: str
    hashes: tuple[str, ...]


def locked() -> list[Part]:
    """Every package of the lock, in its order; of two versions for two Pythons both."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    uses = _uses()
    return [
        Part(name, version, uses.get(canonicalize_name(name), WORKSHOP), licence_of(name), _hashes(rest))
        for name, version, rest in _PIN.findall(text)
    ]


def service_lock() -> str:
    """The part of the lock that a server needs: the service with PostgreSQL, no demo, no tests."""
    return _lock_of(lambda name: _uses().get(name) == SERVICE)


def build_lock() -> str:
    """The part of the lock that makes the wheel."""
    wanted = _closure([Requirement("hatchling")])
    return _lock_of(wanted.__contains__)


def _lock_of(wanted: Callable[[str], bool]) -> str:
    """Blocks of the lock as they stand, with their hashes and markers, without uv's remarks."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    blocks = re.findall(r"^[A-Za-z0-9].*(?:\n[ ]+--hash.*)+", text, re.MULTILINE)
    chosen = [one for one in blocks if wanted(canonicalize_name(re.split(r"[\[=]", one)[0]))]
    return '# Made by "make pages" from requirements.lock; do not edit.\n' + "\n".join(chosen) + "\n"


def vendored() -> list[Part]:
    """What the staff page and its tests take from npm; the built files lie in the repository."""
    lock = json.loads((ROOT / "deploy" / "web" / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    found = []
    for name, licence in VENDORED.items():
        entry = lock[f"node_modules/{name}"]
        use = WORKSHOP if entry.get("dev") else SERVICE
        found.append(Part(name, entry["version"], use, licence, (entry["integrity"],)))
    return found


def licence_of(name: str) -> str:
    """The licence that an installed package declares; raises ``LookupError`` when it declares none."""
    if name in _KNOWN:
        return _KNOWN[name]
    try:
        told = distribution(name).metadata
    except PackageNotFoundError:
        raise LookupError(f"{name} is in the lock and not installed here: run 'make' first") from None
    classifiers = [one.rpartition(" :: ")[2] for one in told.get_all("Classifier", []) if one.startswith("License ::")]
    named = [_SHORT.get(one, one) for one in classifiers if one != "OSI Approved"]
    short, expression = (told.get_all(key, [""])[0].strip() for key in ("License", "License-Expression"))
    expression = expression or (short if short and len(short) < 60 else "") or ", ".join(named)
    if not expression:
        raise LookupError(f"{name} declares no licence: look it up and add it to deploy/papers/parts.py")
    return " ".join(_SHORT.get(expression, expression).split())


def _hashes(rest: str) -> tuple[str, ...]:
    return tuple(re.findall(r"--hash=sha256:([0-9a-f]{64})", rest))


@cache
def _uses() -> dict[str, str]:
    """By package the first thing that needs it: the service, the demo; all others are for the workshop."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found: dict[str, str] = {}
    for use, extras in _EXTRAS.items():
        declared = [
            *project["dependencies"],
            *(one for name in extras for one in project["optional-dependencies"][name]),
        ]
        for name in _closure(Requirement(line) for line in declared):
            found.setdefault(name, use)
    return found


def _closure(wanted: Iterable[Requirement]) -> set[str]:
    """These packages and all that they need on the machines that the lock is for."""
    seen: set[tuple[str, str]] = set()
    queue = [(canonicalize_name(one.name), extra) for one in wanted for extra in ("", *one.extras)]
    while queue:
        name, extra = queue.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        try:
            needs = distribution(name).requires or []
        except PackageNotFoundError:
            continue  # for another system
        for line in map(Requirement, needs):
            if line.marker is None or line.marker.evaluate({"extra": extra}):
                queue += [(canonicalize_name(line.name), further) for further in ("", *line.extras)]
    return {name for name, _ in seen}
