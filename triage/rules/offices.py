"""The address book of other offices that staff may name to a family, as the rules file lists them.

In: the section ``offices`` and the comuni that exist. Out: plain offices, and problems: a place that does not exist.
Nothing is sent to an office; a family is told of it.
"""

from __future__ import annotations

from collections.abc import Mapping

from triage.rules.areas import near, near_comune
from triage.rules.office import Office
from triage.rules.problems import Problem
from triage.rules.schema import OfficeSection
from triage.rules.yaml_tree import Mapping as TreeMapping
from triage.rules.yaml_tree import line_at


def build_offices(
    sections: Mapping[str, OfficeSection], places: Mapping[str, str], tree: TreeMapping, source: str
) -> tuple[dict[str, Office], tuple[Problem, ...]]:
    """The offices in the order of the file, and every name of a place that does not exist."""
    problems: list[Problem] = []
    ambiti = sorted(set(places.values()))
    found = {}
    for code, section in sections.items():
        comuni: set[str] = set()
        for index, ambito in enumerate(section.ambiti or ()):
            if ambito not in ambiti:
                line = line_at(tree, "offices", code, "ambiti", index)
                problems.append(Problem(source, line, f'no ambito is called "{ambito}"', near(ambito, ambiti)))
            comuni |= {comune for comune, its in places.items() if its == ambito}
        for index, comune in enumerate(section.comuni or ()):
            if comune not in places:
                line = line_at(tree, "offices", code, "comuni", index)
                what = f'no comune is called "{comune}"'
                problems.append(Problem(source, line, what, near_comune(comune, places)))
            comuni.add(comune)
        found[code] = Office(
            code,
            line_at(tree, "offices", code),
            section.name,
            section.what_for,
            frozenset(comuni),
            section.phone or "",
            section.email or "",
            section.website or "",
            section.place or "",
            section.sensitive,
        )
    return found, tuple(problems)
