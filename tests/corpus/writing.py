"""From the cases to the files: ``GROUP/NAME.eml`` and the README's tables."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from pathlib import Path

from tests.corpus import cases
from tests.corpus.cases.making import Case

FOLDER = Path(__file__).parent
README = FOLDER / "README.md"
_MARK = "<!-- written by python -m tests.corpus -->\n"


@dataclass(frozen=True, slots=True)
class Group:
    """The messages of one module of ``cases``."""

    name: str
    title: str
    cases: tuple[Case, ...]

    def path(self, case: Case) -> Path:
        return FOLDER / self.name / f"{case.name}.eml"


def groups() -> list[Group]:
    """All groups, by name."""
    found = []
    for info in pkgutil.iter_modules(cases.__path__):
        module = importlib.import_module(f"{cases.__name__}.{info.name}")
        if hasattr(module, "GROUP"):
            found.append(Group(module.GROUP, module.TITLE, tuple(module.cases())))
    return sorted(found, key=lambda group: group.name)


def readme() -> str:
    """The README: what a person wrote above the mark, the tables below it."""
    above = README.read_text("utf-8").partition(_MARK)[0] if README.exists() else ""
    tables = []
    for group in groups():
        rows = "".join(f"| `{case.name}` | {case.why.replace('|', chr(92) + '|')} |\n" for case in group.cases)
        tables.append(f"\n## `{group.name}`: {group.title}\n\n| message | why it exists |\n| --- | --- |\n{rows}")
    return above + _MARK + "".join(tables)


def write() -> None:
    """Write all; files of cases that are gone are removed."""
    for group in groups():
        folder = FOLDER / group.name
        folder.mkdir(exist_ok=True)
        wanted = {group.path(case): case.octets for case in group.cases}
        for path in set(folder.glob("*.eml")) - wanted.keys():
            path.unlink()
        for path, octets in wanted.items():
            path.write_bytes(octets)
    README.write_text(readme(), "utf-8")
