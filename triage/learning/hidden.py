"""Messages as they would be read if the hamlet that they come from stood in no list of ours.

Enters labelled messages; leaves those that hang on an alias, each read with a gazetteer that lacks it. The judge of
places learns from a fifth of the aliases that the places which are left decide nothing; the other four fifths are only
answered, out of fold, to see what happens where a name is not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from triage.classify.examples import Example
from triage.classify.fitting import shuffled
from triage.classify.fitting_places import PlaceExample, place_example
from triage.classify.prepare import Prepared, prepare
from triage.classify.territory import Gazetteer, load_gazetteer
from triage.classify.territory.spelling import spellings
from triage.classify.territory.tables import rows

PARTS = 5
TAUGHT_PART = 0
"""The fifth that is learnt from; what is said of the others was never taught under a hidden name."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """One message without its place. ``position``: the example's; ``part``: the fifth that its aliases are of."""

    position: int
    part: int
    gazetteer: Gazetteer
    prepared: Prepared
    place: PlaceExample


def alias_parts(seed: int) -> tuple[frozenset[str], ...]:
    """All aliases in five parts that depend on the seed alone."""
    names = list(dict.fromkeys(row["name"] for row in rows("aliases.csv")))
    order = shuffled(len(names), seed)
    return tuple(frozenset(names[number] for number in order[part::PARTS]) for part in range(PARTS))


def hide_aliases(examples: Sequence[Example], seed: int) -> list[Hidden]:
    """Of each part the messages whose deciding mentions are all of that part, in the order of the examples."""
    found: list[Hidden] = []
    for part, names in enumerate(alias_parts(seed)):
        gone = frozenset(spelling for name in names for spelling in spellings(name))
        concerned = [number for number, one in enumerate(examples) if _hangs_on(one, gone)]
        if not concerned:
            continue
        gazetteer = load_gazetteer(names)
        for number in concerned:
            prepared = prepare(examples[number].message, gazetteer)
            place = place_example(examples[number], prepared.places, gazetteer, hidden=True)
            found.append(Hidden(number, part, gazetteer, prepared, place))
    return found


def without_place(hidden: Sequence[Hidden], taught: Iterable[int]) -> list[PlaceExample]:
    """What the judge of places learns from the taught part, of the examples at the positions ``taught``."""
    positions = set(map(int, taught))
    return [one.place for one in hidden if one.part == TAUGHT_PART and one.position in positions]


def _hangs_on(example: Example, gone: frozenset[str]) -> bool:
    wins = [set(spellings(text)) for _, text in example.winning]
    return bool(wins) and all(spelled & gone for spelled in wins)
