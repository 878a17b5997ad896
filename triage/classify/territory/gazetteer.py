"""What is known about places: names, areas, codes, and the words around a name that give it a role.

Enters: the package's data files. Leaves: one immutable :class:`Gazetteer`, loaded once and shared.
Data that contradict themselves (an alias of no comune, a cue with an unknown role) are refused with
``ValueError``. Nothing here, nor in the data, knows the projects.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import ahocorasick

from triage.classify.territory.spelling import normal, spellings
from triage.classify.territory.tables import Row, cells, rows
from triage.vocabulary import Role


@dataclass(frozen=True, slots=True)
class Comune:
    """One comune of the two provinces. ``cap`` and ``istat_code`` are text: zeros count."""

    name: str
    province: str
    ambito: str
    cap: str
    phone_prefix: str
    istat_code: str


@dataclass(frozen=True, slots=True)
class Name:
    """What a spelling may mean. ``common`` is "", "mild" or "strict": how much proof it needs."""

    kind: str
    comuni: tuple[str, ...]
    common: str = ""
    foreign_country: bool = False
    elsewhere: bool = False
    """A hamlet of ours whose name is also that of a comune of another province."""


@dataclass(frozen=True, slots=True)
class Cue:
    """Words that give a place near them a role; see ``data/README.md`` for the columns."""

    role: Role
    side: str
    reach: int
    bonus: int
    weight: float
    person: str
    before_colon: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Gazetteer:
    """All tables, equal only to itself. Keys of ``names`` and ``cues`` are normalised phrases (``spelling.normal``)."""

    comuni: Mapping[str, Comune]
    names: Mapping[str, Name]
    cues: Mapping[str, tuple[Cue, ...]]
    words: Mapping[str, frozenset[str]]
    caps: Mapping[str, tuple[str, ...]]
    prefixes: Mapping[str, tuple[str, ...]]
    shares: Mapping[tuple[str, ...], tuple[float, ...]]
    """For some groups of comuni with one name in common: how likely each is meant."""
    outside_prefixes: Mapping[str, float]
    """Landline prefixes that other provinces use too -> the share of subscribers there."""
    elsewhere: frozenset[str]
    """Every comune of Italy outside the two provinces: looked for only where somebody says where they live."""
    first_words: frozenset[str]
    """The first words of all names that any list holds."""
    official: frozenset[str]
    """The comuni's own names as people write them in full."""
    cue_words: frozenset[str]
    """The first words of all cues."""
    script_names: Mapping[str, tuple[str, ...]]
    """Names in other scripts than the Latin one, as written -> comuni."""
    script_cues: tuple[tuple[str, Role], ...]
    finder: ahocorasick.Automaton
    by_joined: Mapping[str, tuple[Name, ...]]
    """Names without spaces that a misspelt word may be compared with."""


def comuni() -> Mapping[str, Comune]:
    """All comuni of the two provinces by official name, for rules that map places to projects."""
    return load_gazetteer().comuni


def ambiti() -> Mapping[str, tuple[str, ...]]:
    """Every ambito and the official names of its comuni."""
    grouped: dict[str, list[str]] = defaultdict(list)
    for comune in comuni().values():
        grouped[comune.ambito].append(comune.name)
    return {ambito: tuple(names) for ambito, names in grouped.items()}


@lru_cache(maxsize=8)
def load_gazetteer(hidden: frozenset[str] = frozenset()) -> Gazetteer:
    """The gazetteer, read once per process. Raises ``ValueError`` for contradicting data.

    ``hidden``: aliases (``aliases.csv``, column ``name``) that it is not to know, to learn from and to measure what
    happens where a hamlet stands in no list.
    """
    known = {
        row["comune"]: Comune(
            row["comune"], row["province"], row["ambito"], row["cap"], row["phone_prefix"], row["istat_code"]
        )
        for row in rows("comuni.csv")
    }
    names, shares = _names(known, hidden)
    cues = _cues(rows("cues.csv"))
    return Gazetteer(
        comuni=known,
        names=names,
        cues=cues,
        words={row["kind"]: frozenset(cells(row["words"])) for row in rows("words.csv")},
        caps=_grouped((c.cap, c.name) for c in known.values()) | _with_former_caps(known),
        prefixes=_grouped((c.phone_prefix, c.name) for c in known.values()),
        shares=shares,
        outside_prefixes={"0363": 0.6},
        elsewhere=_elsewhere(),
        first_words=frozenset(name.partition(" ")[0] for name in (*names, *_elsewhere())),
        official=frozenset(spelling for name in known for spelling in spellings(name)),
        cue_words=frozenset(cue.partition(" ")[0] for cue in cues),
        script_names={row["name"]: (row["place"],) for row in rows("exonyms.csv") if not normal(row["name"]).isascii()},
        script_cues=tuple(
            (phrase, Role(row["role"])) for row in rows("script_cues.csv") for phrase in cells(row["phrases"])
        ),
        finder=_finder(set(names) | set(cues)),
        by_joined=_joined(names),
    )


def _names(
    known: Mapping[str, Comune], hidden: frozenset[str]
) -> tuple[dict[str, Name], dict[tuple[str, ...], tuple[float, ...]]]:
    """Every spelling and its meaning. A comune's own name beats all; short names beat hamlets."""
    common = _common_levels()
    meanings: dict[str, list[str]] = {}
    kinds: dict[str, str] = {}
    shares: dict[tuple[str, ...], tuple[float, ...]] = {}

    def add(name: str, kind: str, meant: Iterable[str]) -> None:
        for spelling in spellings(name):
            if kinds.setdefault(spelling, kind) == kind:
                there = meanings.setdefault(spelling, [])
                there += [comune for comune in meant if comune not in there]

    for name in known:
        add(name, "comune", [name])
    for short, group in _short_names(rows("short_names.csv")).items():
        add(short, "comune", group)
        shares[tuple(group)] = tuple(group.values())
    for centre in rows("centres.csv"):
        add(centre["name"], "centre", _comuni_or_ambiti(centre["comuni"], known))
    for kind in ("former_comune", "frazione", "quartiere"):
        for alias in rows("aliases.csv"):
            if alias["kind"] == kind and alias["name"] not in hidden:
                add(alias["name"], "former_comune" if kind == "former_comune" else "hamlet", [alias["comune"]])
    for area in rows("areas.csv"):
        add(area["name"], "area", _comuni_or_ambiti("@" + area["ambiti"].replace("|", "|@"), known))
    for exonym in rows("exonyms.csv"):
        if normal(exonym["name"]).isascii():
            add(exonym["name"], "comune", [exonym["place"]])
    outside, countries = _outside_names()
    for name in (*outside, *_longer_than_ours(kinds)):
        add(name, "outside", [])
    elsewhere = _elsewhere()
    unknown = {comune for meant in meanings.values() for comune in meant} - set(known)
    if unknown:
        raise ValueError(f"not a comune of the two provinces: {', '.join(sorted(unknown))}")
    names = {
        spelling: Name(
            kinds[spelling],
            tuple(meant),
            common.get(spelling, ""),
            spelling in countries,
            kinds[spelling] == "hamlet" and spelling in elsewhere,
        )
        for spelling, meant in meanings.items()
    }
    return names, shares


def _common_levels() -> dict[str, str]:
    levels: dict[str, str] = {}
    for row in rows("common_words.csv"):
        for name in cells(row["names"]):
            for spelling in spellings(name):
                levels.setdefault(spelling, row["level"])
    return levels


def _outside_names() -> tuple[list[str], frozenset[str]]:
    found: list[str] = []
    countries: set[str] = set()
    for row in rows("outside.csv"):
        found += cells(row["names"])
        if row["kind"] in {"country", "city"}:
            countries |= {normal(name) for name in cells(row["names"])}
    return found, frozenset(countries)


def _elsewhere() -> frozenset[str]:
    """Normalised names of the comuni of the other provinces."""
    return frozenset(name for row in rows("outside_comuni.csv") for name in cells(row["names"]))


def _longer_than_ours(known: Mapping[str, str]) -> list[str]:
    """ "Camisano Vicentino", "Castelleone di Suasa": comuni elsewhere that have one of our names in theirs."""
    found: list[str] = []
    for name in sorted(_elsewhere()):
        words = name.split()
        parts = (
            " ".join(words[first:last]) for first in range(len(words)) for last in range(first + 1, len(words) + 1)
        )
        if len(words) > 1 and name not in known and any(known.get(part, "outside") != "outside" for part in parts):
            found.append(name)
    return found


def _short_names(table: tuple[Row, ...]) -> dict[str, dict[str, float]]:
    grouped: dict[str, dict[str, float]] = defaultdict(dict)
    for row in table:
        grouped[row["name"]][row["comune"]] = float(row["share"])
    for name, group in grouped.items():
        if abs(sum(group.values()) - 1) > 1e-9:
            raise ValueError(f"short_names.csv: the shares of {name} do not sum to 1")
    return dict(grouped)


def _comuni_or_ambiti(value: str, known: Mapping[str, Comune]) -> list[str]:
    """``Casalmaggiore|@Suzzara``: a comune by its name, all comuni of an ambito after ``@``."""
    result: list[str] = []
    for part in cells(value):
        if not part.startswith("@"):
            result.append(part)
            continue
        members = [comune.name for comune in known.values() if comune.ambito == part[1:]]
        if not members:
            raise ValueError(f"not an ambito: {part[1:]}")
        result += members
    return result


def _cues(table: tuple[Row, ...]) -> dict[str, tuple[Cue, ...]]:
    found: dict[str, list[Cue]] = defaultdict(list)
    for row in table:
        for phrase in cells(row["phrases"]):
            found[normal(phrase)].append(
                Cue(
                    Role(row["role"]),
                    row["side"],
                    int(row["reach"]),
                    int(row["bonus"]),
                    float(row["weight"]),
                    row["person"],
                    phrase.endswith(":"),
                )
            )
    return {phrase: tuple(group) for phrase, group in found.items()}


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    grouped: dict[str, list[str]] = defaultdict(list)
    for key, comune in pairs:
        grouped[key].append(comune)
    return {key: tuple(group) for key, group in grouped.items()}


def _with_former_caps(known: Mapping[str, Comune]) -> dict[str, tuple[str, ...]]:
    """CAPs that also stood for comuni which have another one today; people still write them."""
    former = _grouped((row["cap"], row["comune"]) for row in rows("former_caps.csv"))
    current = _grouped((comune.cap, comune.name) for comune in known.values())
    return {cap: current.get(cap, ()) + added for cap, added in former.items()}


def _finder(phrases: set[str]) -> ahocorasick.Automaton:
    automaton = ahocorasick.Automaton()
    for phrase in phrases:
        automaton.add_word(phrase, phrase)
    automaton.make_automaton()
    return automaton


def _joined(names: Mapping[str, Name]) -> dict[str, tuple[Name, ...]]:
    found: dict[str, set[Name]] = defaultdict(set)
    for spelling, name in names.items():
        if name.kind != "area":
            found[spelling.replace(" ", "")].add(name)
    return {joined: tuple(group) for joined, group in found.items()}
