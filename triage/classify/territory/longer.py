"""Names that go on: "Torre d'Albino", "Vho di Tortona", "Rivalta Trebbia" are none of our hamlets.

Enters: a reading, a name of ours found in it and the gazetteer. Leaves: whether that name is only the beginning of a
longer one, which is another place's. A name that goes on with its own comune or area ("Vho di Piadena", "Levata in
Curtatone") stays, and so does one beside any place of the two provinces. Pure and total.
"""

from __future__ import annotations

from triage.classify.territory.gazetteer import Gazetteer, Name
from triage.classify.territory.spelling import Gap, Reading

_ALWAYS = frozenset({"d", "de", "dei", "degli", "del", "dell", "della", "delle"})
_TO_A_CAPITAL = frozenset({"dal", "dall", "sul", "al"})
_OF = frozenset({"di", "d", "de"})
_AMID = frozenset(
    {"in", "nel", "nell", "nella", "nelle", "nei", "al", "ai", "alle", "sul", "sull", "sulla", "sulle", "sui"}
)
"""Between a name and the coast, river or region that tells it apart: "alle Eolie", "nelle Marche", "sull'Adda"."""
_NO_NAME = frozenset({"comune", "provincia", "paese", "mio", "mia", "nostro", "nostra"})
"""What follows a place in a sentence of its own: "abito a Cappella, del comune di Casalmaggiore"."""
_ON = frozenset({"sul", "sull", "al", "in"})
_RIVERS = frozenset({"mincio", "po", "oglio", "chiese", "secchia", "serio"})
"""On these our own places lie, also where a name is longer than we know it."""
_JOINED = frozenset({" ", "'", "’"})
_LOCATIVE = frozenset({"a", "ad", "di", "da", "in"})
_SHORTEST = 4
_LONGEST = 6
"""Words of the longest name of a comune."""


def is_beginning(reading: Reading, first: int, last: int, name: Name, gazetteer: Gazetteer) -> bool:
    """Whether words ``first`` to ``last``, which are ``name``, begin a longer name that is another place's."""
    if name.common == "strict" and _goes_on(reading, last, gazetteer):
        return True
    if name.kind not in {"hamlet", "former_comune", "comune"}:
        return False
    phrase = " ".join(reading.words[first : last + 1])
    whole = name.kind == "comune" and phrase in gazetteer.official
    if not whole and _has_a_surname(reading, first, last, gazetteer):
        return True
    if last + 2 >= len(reading.words) or Gap.HARD in reading.gaps[last + 1 : last + 3]:
        return False
    joining, following = reading.words[last + 1 : last + 3]
    if joining in _ON and following in _RIVERS:
        return False  # "Pozzolo sul Mincio"
    if joining in _OF and any(f"{phrase} {small} {following}" in gazetteer.names for small in _OF):
        return False  # "Spino de Adda"
    if reading.text[reading.ends[last + 1] : reading.starts[last + 2]] not in _JOINED:
        return False  # "S. Matteo d. Chiaviche", "Castiglione d/S" are cut short
    if joining in _OF and _is_elsewhere(reading, last + 2, gazetteer):
        return True
    if whole:
        return False
    told = following.isalpha() and following not in _NO_NAME and following not in gazetteer.words["not_a_place"]
    if name.kind == "hamlet" and joining in _ALWAYS and told:
        return True
    if name.kind == "hamlet" and joining in _TO_A_CAPITAL and _goes_on(reading, last + 1, gazetteer):
        return True
    return joining in _OF | _AMID and _is_foreign(reading, last + 2, gazetteer)


def _goes_on(reading: Reading, last: int, gazetteer: Gazetteer) -> bool:
    """ "Borgo Inventato" is not the Borgo we know: a capital follows that belongs to the name."""
    after = last + 1
    return (
        after < len(reading.words)
        and reading.gaps[after] is Gap.NONE
        and reading.capital(after)
        and reading.raw(after) not in {"MN", "CR"}
        and reading.words[after] not in gazetteer.words["first_name"]
    )


def _has_a_surname(reading: Reading, first: int, last: int, gazetteer: Gazetteer) -> bool:
    """ "Abitiamo a Rivalta Trebbia": right behind a place's name told as one stands another capital."""
    after = last + 1
    if not first or reading.words[first - 1] not in _LOCATIVE or reading.capital(first - 1):
        return False  # a signing-off, or a writer who gives every word a capital
    if not reading.capital(first) or not _is_foreign(reading, after, gazetteer):
        return False
    behind = after + 1
    return behind == len(reading.words) or reading.words[behind] not in gazetteer.words["first_name"]


def _is_foreign(reading: Reading, index: int, gazetteer: Gazetteer) -> bool:
    """Whether a capital stands here that belongs to no place of ours, no person and no new sentence."""
    if index >= len(reading.words) or reading.gaps[index] is not Gap.NONE or not reading.capital(index):
        return False
    word = reading.words[index]
    if reading.text[reading.ends[index - 1] : reading.starts[index]] not in _JOINED:
        return False
    if len(word) < _SHORTEST or not word.isalpha() or word in _NO_NAME:
        return False
    words = gazetteer.words
    plain = words["first_name"] | words["not_a_place"] | words["street"] | words["title"] | words["organisation"]
    plain |= words["opener"]
    return word not in plain and word not in gazetteer.cue_words and _ours(reading, index, gazetteer) is None


def _is_elsewhere(reading: Reading, index: int, gazetteer: Gazetteer) -> bool:
    """ "Viadana di Calvisano": a comune of another province, which none of ours is called like."""
    if _ours(reading, index, gazetteer) is not None or reading.gaps[index] is not Gap.NONE:
        return False
    if not (reading.capital(index) or len(reading.words[index]) >= _SHORTEST):
        return False
    return any(phrase in gazetteer.elsewhere for phrase in _phrases(reading, index))


def _ours(reading: Reading, index: int, gazetteer: Gazetteer) -> Name | None:
    """The longest name of ours that begins here."""
    found = (gazetteer.names.get(phrase) for phrase in _phrases(reading, index))
    return next((name for name in found if name is not None and name.comuni), None)


def _phrases(reading: Reading, index: int) -> list[str]:
    """The words from here on, longest first, as far as nothing parts them."""
    last = index
    while last + 1 < min(index + _LONGEST, len(reading.words)) and reading.gaps[last + 1] is Gap.NONE:
        last += 1
    return [" ".join(reading.words[index : end + 1]) for end in range(last, index - 1, -1)]
