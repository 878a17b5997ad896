"""Which comune belongs to which project: areas made of ambiti and comuni, checked as one map.

In: the projects' areas and the comuni that exist. Out: comune -> project code, and problems: a name
that does not exist, a comune that two projects claim, an exception that excepts nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from triage.rules.problems import Problem
from triage.rules.schema import ProjectSection
from triage.rules.yaml_tree import Mapping as TreeMapping
from triage.rules.yaml_tree import line_at


def map_areas(
    projects: Mapping[str, ProjectSection], places: Mapping[str, str], tree: TreeMapping, source: str
) -> tuple[dict[str, str], tuple[Problem, ...]]:
    """Comune to project code, in order of comune, with every problem found on the way."""
    problems: list[Problem] = []
    owner: dict[str, tuple[str, int]] = {}
    for code, project in projects.items():
        claimed, found = _claims(code, project, places, tree, source)
        problems.extend(found)
        overlaps: dict[tuple[str, int, int], list[str]] = {}
        for comune, line in claimed.items():
            if comune in owner:
                other, other_line = owner[comune]
                overlaps.setdefault((other, other_line, line), []).append(comune)
            else:
                owner[comune] = (code, line)
        for (other, other_line, line), comuni in overlaps.items():
            names = ", ".join(comuni[:3]) + (f" and {len(comuni) - 3} more" if len(comuni) > 3 else "")
            what = f"{names}: claimed by {code} on line {line} and by {other} on line {other_line}"
            problems.append(Problem(source, line, what, "leave it to one project, or list it under except_comuni"))
    return {comune: owner[comune][0] for comune in sorted(owner)}, tuple(problems)


def _claims(
    code: str, project: ProjectSection, places: Mapping[str, str], tree: TreeMapping, source: str
) -> tuple[dict[str, int], tuple[Problem, ...]]:
    """What one project claims, each comune with the line that claims it."""
    problems: list[Problem] = []
    claimed: dict[str, int] = {}
    ambiti = sorted(set(places.values()))

    def line(key: str, index: int) -> int:
        return line_at(tree, "projects", code, "area", key, index)

    for index, ambito in enumerate(project.area.ambiti or ()):
        if ambito not in ambiti:
            problems.append(
                Problem(source, line("ambiti", index), f'no ambito is called "{ambito}"', near(ambito, ambiti))
            )
        claimed.update({comune: line("ambiti", index) for comune, its in places.items() if its == ambito})
    for index, comune in enumerate(project.area.comuni or ()):
        if comune not in places:
            problems.append(
                Problem(source, line("comuni", index), f'no comune is called "{comune}"', near_comune(comune, places))
            )
        elif comune in claimed:
            what = f"{comune} is already in this area, by line {claimed[comune]}"
            problems.append(Problem(source, line("comuni", index), what, "delete it here"))
        else:
            claimed[comune] = line("comuni", index)
    for index, comune in enumerate(project.area.except_comuni or ()):
        if comune not in places:
            what = f'no comune is called "{comune}"'
            problems.append(Problem(source, line("except_comuni", index), what, near_comune(comune, places)))
        elif claimed.pop(comune, None) is None:
            what = f"{comune} is not in this area, so it cannot be excepted"
            problems.append(Problem(source, line("except_comuni", index), what, "delete it here"))
    for index, comune in enumerate(ticked if isinstance(ticked := project.area.confirmed, tuple) else ()):
        if comune not in claimed and comune in places:
            what = f"{comune} is not in this area, so it cannot be confirmed here"
            problems.append(Problem(source, line("confirmed", index), what, "delete it here"))
        elif comune not in claimed:
            what = f'no comune is called "{comune}"'
            problems.append(Problem(source, line("confirmed", index), what, near_comune(comune, places)))
    if not claimed and not problems:
        here = line_at(tree, "projects", code, "area")
        problems.append(Problem(source, here, f"{code} has no comune", "write its ambiti or comuni under area"))
    return claimed, tuple(problems)


def near(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """A remedy that offers the closest names; without any, ``otherwise``, or all names there are."""
    by_fold = {candidate.casefold(): candidate for candidate in known}
    close = difflib.get_close_matches(name.casefold(), by_fold, n=3, cutoff=0.6)
    close += [fold for fold in by_fold if name.casefold() in fold and fold not in close][:2]
    if close:
        return "did you mean " + " or ".join(f'"{by_fold[fold]}"' for fold in close[:4])
    return otherwise or f"write one of: {', '.join(by_fold.values())}"


def near_comune(name: str, places: Iterable[str]) -> str:
    """The same for a comune, of which there are too many to name."""
    return near(name, places, "write the official name of a comune in the provinces of the service")
