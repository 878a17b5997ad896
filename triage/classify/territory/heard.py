"""Names written as they are heard: with fewer letters, or in another script.

Enters: words. Leaves: the one name they sound like. "Ofanengo" is Offanengo and "Pegonaga" is
Pegognaga to somebody who learnt Italian by ear; Поджо Руско and ਮਾਰਮੀਰੋਲੋ are places too. Only equal
sounds count, never near ones (Crema is not Cremona), and never a sound that two places share or
that an everyday word has. Names in other scripts are first written in Latin letters.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from triage.classify.territory.gazetteer import Gazetteer, Name

SHORTEST = 6
"""Letters that a name must have to be known by its sound."""
_CONSONANTS = 4
"""Consonants that a name needs to be known in a script that writes its vowels freely or not at all."""
_TELLING = 6
"""With so many the vowels are not asked."""
_WRITTEN = 0.7
"""Share of a name's letters that must be written, where nothing says that a place comes."""

_LATIN: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"sci(?=[aou])|sc(?=[ei])", "S"),
        (r"c*ch(?=[aeiou])", "k"),
        (r"c+i(?=[aou])|c+(?=[ei])", "C"),
        (r"d?[jg]+i(?=[aou])|d?[jg]+(?=[ei])|dj", "j"),
        (r"gh", "g"),
        (r"gl(?=i)", "l"),
        (r"gn", "n"),
        (r"c*q(?=u)", "k"),
        (r"[ck]+", "k"),
        (r"ts|dz|tz|z", "s"),
        (r"w", "v"),
        (r"x", "ks"),
        (r"h", ""),
        (r"y", "i"),
    )
)
_DOUBLE = re.compile(r"(.)\1+")
_VOWELS = re.compile(r"[aeiou]+")
_MERGED = str.maketrans({"p": "b", "v": "f", "j": "g", "S": "s", "C": "g"})


@lru_cache(maxsize=8)
def heard_names(gazetteer: Gazetteer) -> Heard:
    """The gazetteer's names by sound, made once."""
    plain = ("first_name", "not_a_place", "not_a_slip", "preposition")
    return Heard(gazetteer.names, {word for kind in plain for word in gazetteer.words[kind]} | set(gazetteer.cues))


@lru_cache(maxsize=65536)
def sound(word: str) -> str:
    """How a folded Latin word sounds to an ear that knows no double letters."""
    for pattern, letter in _LATIN:
        word = pattern.sub(letter, word)
    return _DOUBLE.sub(r"\1", word)


def consonants(heard: str) -> str:
    """The sound without vowels; sounds that other scripts do not tell apart become one."""
    return _VOWELS.sub("", heard).translate(_MERGED)


class Heard:
    """Names by their sound. Built once with the gazetteer; immutable."""

    def __init__(self, names: Mapping[str, Name], words: Iterable[str]) -> None:
        """``words``: folded everyday words, whose sounds are no place's."""
        plain = {sound(word) for word in words}
        by_sound: dict[str, set[Name]] = defaultdict(set)
        for spelling, name in names.items():
            if name.kind in {"area", "outside"} or name.common == "strict":
                continue
            heard = " ".join(map(sound, spelling.split()))
            by_sound[heard].add(name)
            # Dialects drop the last vowel: "Campitel", "Quistel".
            if not name.common and len(heard) > SHORTEST and heard[-1] in "aeio" and name.kind != "centre":
                by_sound[heard[:-1]].add(name)
        self._by_sound = {
            heard: group.copy().pop()
            for heard, group in by_sound.items()
            if len(group) == 1 and len(heard) >= SHORTEST - 1 and heard not in plain
        }
        self.longest = max((heard.count(" ") + 1 for heard in self._by_sound), default=0)
        self._first = {heard.split(" ")[0] for heard in self._by_sound}
        by_consonants: dict[str, set[tuple[str, Name]]] = defaultdict(set)
        for heard, group in by_sound.items():
            by_consonants[consonants(heard.replace(" ", ""))] |= {(heard, name) for name in group}
        self._by_consonants = {bones: tuple(sorted(group, key=repr)) for bones, group in by_consonants.items()}

    def may_begin(self, word: str) -> bool:
        """Whether a folded word may be the first of a name."""
        return sound(word) in self._first

    def meant(self, words: Iterable[str]) -> Name | None:
        """The one name that sounds exactly like these folded Latin words."""
        return self._by_sound.get(" ".join(map(sound, words)))

    def meant_in_script(self, words: Sequence[str], *, placed: bool) -> Name | None:
        """The one name that words in another script stand for, e.g. ``ਮਾਰਮੀਰੋਲੋ``.

        ``placed``: a word beside them says that a place comes here; needed where vowels are not written.
        """
        written = [in_latin(word) for word in words]
        if not all(latin for latin, _ in written):
            return None
        heard = sound("".join(latin for latin, _ in written))
        bones = consonants(heard)
        if len(bones) < _CONSONANTS - placed or len(heard) < _CONSONANTS + 1:
            return None
        with_vowels = all(vowels for _, vowels in written)
        found = set()
        for expected, name in self._by_consonants.get(bones, ()):
            if len(words) > expected.count(" ") + 1:
                continue
            joined = expected.replace(" ", "")
            if with_vowels:
                fits = len(bones) >= _TELLING or _bare(heard) == _bare(joined)
            else:
                fits = (placed or len(heard) >= _WRITTEN * len(joined)) and _is_within(heard, joined)
            if fits:
                found.add(name)
        return found.pop() if len({name.comuni for name in found}) == 1 else None


def _is_within(heard: str, expected: str) -> bool:
    """Every letter that was written stands in the name, in this order; short vowels may be missing."""
    rest = iter(expected.translate(_ARABIC_VOWELS))
    return all(letter in rest for letter in heard.translate(_ARABIC_VOWELS))


_ARABIC_VOWELS = _MERGED | str.maketrans("ue", "oi")


def _bare(heard: str) -> str:
    """Without "a", which some scripts imply, and without the last vowel, which may be inflected."""
    return _DOUBLE.sub(r"\1", re.sub("a|[aeiou]$", "", heard).translate(_MERGED))


def in_latin(word: str) -> tuple[str, bool]:
    """A word of a Cyrillic, Arabic, Gurmukhi, Devanagari or Bengali text in Latin letters.

    Returns the letters ("" when a sign is none of these scripts') and whether vowels were written.
    """
    letters: list[str] = []
    vowels_written = True
    pending = False  # an Indic consonant carries "a" unless a vowel sign or a virama follows
    word = (
        unicodedata.normalize("NFD", word.lower()).replace("\u0a1c\u0a3c", "\u0a38").replace("\u091c\u093c", "\u0938")
    )
    for character in unicodedata.normalize("NFC", word):
        if character in _VOWEL_SIGNS:
            letters.append(_VOWEL_SIGNS[character])
            pending = False
            continue
        if pending:
            letters.append("a")
            pending = False
        if character in _IGNORED:
            continue
        if character in _INDIC:
            letters.append(_INDIC[character])
            pending = character not in _INDIC_VOWELS
        elif character in _CYRILLIC:
            letters.append(_CYRILLIC[character])
        elif character in _ARABIC:
            letters.append(_ARABIC[character])
            vowels_written = False
        elif character in _VIRAMAS:
            continue
        else:
            return "", False
    return "".join(letters), vowels_written


_CYRILLIC = {
    "а": "a", "б": "b", "в": "v", "г": "g", "ґ": "g", "д": "d", "е": "e", "є": "e", "ё": "o", "ж": "j", "з": "s",
    "и": "i", "і": "i", "ї": "i", "й": "i", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r",
    "с": "s", "т": "t", "у": "u", "ф": "f", "х": "k", "ц": "s", "ч": "C", "ш": "S", "щ": "S", "ъ": "", "ы": "i",
    "ь": "", "э": "e", "ю": "u", "я": "a", "-": "", "'": "", "’": "",
}  # fmt: skip
_ARABIC = {
    "ا": "a", "أ": "a", "إ": "i", "آ": "a", "ى": "a", "ب": "b", "پ": "p", "ت": "t", "ٹ": "t", "ث": "s", "ج": "j",
    "چ": "C", "ح": "", "خ": "k", "د": "d", "ڈ": "d", "ذ": "s", "ر": "r", "ڑ": "r", "ز": "s", "ژ": "j", "س": "s",
    "ش": "S", "ص": "s", "ض": "d", "ط": "t", "ظ": "s", "ع": "", "غ": "g", "ڤ": "v", "ف": "f", "ق": "k", "ك": "k",
    "ک": "k", "گ": "g", "ڭ": "g", "ل": "l", "م": "m", "ن": "n", "ں": "n", "ه": "", "ہ": "", "ھ": "", "ة": "a",
    "و": "o", "ي": "i", "ی": "i", "ے": "e", "ئ": "i", "ؤ": "o", "ء": "",
}  # fmt: skip
_INDIC = {
    "ਅ": "a", "ਆ": "a", "ਇ": "i", "ਈ": "i", "ਉ": "u", "ਊ": "u", "ਏ": "e", "ਐ": "e", "ਓ": "o", "ਔ": "o",
    "ਕ": "k", "ਖ": "k", "ਗ": "g", "ਘ": "g", "ਚ": "C", "ਛ": "C", "ਜ": "j", "ਝ": "j", "ਟ": "t", "ਠ": "t", "ਡ": "d",
    "ਢ": "d", "ਣ": "n", "ਤ": "t", "ਥ": "t", "ਦ": "d", "ਧ": "d", "ਨ": "n", "ਪ": "p", "ਫ": "f", "ਬ": "b", "ਭ": "b",
    "ਮ": "m", "ਯ": "i", "ਰ": "r", "ਲ": "l", "ਵ": "v", "ੜ": "r", "ਸ": "s", "ਸ਼": "S", "ਹ": "", "ਜ਼": "s", "ਫ਼": "f",
    "अ": "a", "आ": "a", "इ": "i", "ई": "i", "उ": "u", "ऊ": "u", "ए": "e", "ऐ": "e", "ओ": "o", "औ": "o", "क": "k",
    "ख": "k", "ग": "g", "घ": "g", "च": "C", "छ": "C", "ज": "j", "झ": "j", "ट": "t", "ठ": "t", "ड": "d", "ढ": "d",
    "ण": "n", "त": "t", "थ": "t", "द": "d", "ध": "d", "न": "n", "प": "p", "फ": "f", "ब": "b", "भ": "b", "म": "m",
    "य": "i", "र": "r", "ल": "l", "व": "v", "स": "s", "श": "S", "ष": "S", "ह": "",
    "অ": "a", "আ": "a", "ই": "i", "ঈ": "i", "উ": "u", "এ": "e", "ও": "o", "ক": "k", "খ": "k", "গ": "g", "ঘ": "g",
    "চ": "C", "ছ": "C", "জ": "j", "ঝ": "j", "ট": "t", "ঠ": "t", "ড": "d", "ঢ": "d", "ণ": "n", "ত": "t", "থ": "t",
    "দ": "d", "ধ": "d", "ন": "n", "প": "p", "ফ": "f", "ব": "b", "ভ": "v", "ম": "m", "য": "j", "র": "r", "ল": "l",
    "শ": "S", "ষ": "S", "স": "s", "হ": "", "ੰ": "n", "ਂ": "n", "ं": "n", "ँ": "n", "ং": "n",
}  # fmt: skip
_INDIC_VOWELS = frozenset("ੰਂंँংਅਆਇਈਉਊਏਐਓਔअआइईउऊएऐओऔঅআইঈউএও")
_VOWEL_SIGNS = {
    "ਾ": "a", "ਿ": "i", "ੀ": "i", "ੁ": "u", "ੂ": "u", "ੇ": "e", "ੈ": "e", "ੋ": "o", "ੌ": "o", "੍": "",
    "ा": "a", "ि": "i", "ी": "i", "ु": "u", "ू": "u", "े": "e", "ै": "e", "ो": "o", "ौ": "o", "्": "", "ॉ": "o",
    "া": "a", "ি": "i", "ী": "i", "ু": "u", "ূ": "u", "ে": "e", "ৈ": "e", "ো": "o", "ৌ": "o", "্": "",
}  # fmt: skip
_VIRAMAS = frozenset("੍्্")
_IGNORED = frozenset("਼़়ੱ\u200c\u200d\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652ـ")
