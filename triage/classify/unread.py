"""Messages in a language that no list of ours reads: what may not be concluded from their words.

Enters a prepared message and the words that the model knows. Leaves whether danger can be seen in all of it or in a
part, and probabilities of topics without one of them. Pure; nothing is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from triage.classify.folding import fold
from triage.classify.language import letters_of_other_scripts
from triage.classify.lists import read_lists
from triage.classify.prepare import Prepared
from triage.vocabulary import InboundMessage, PlaceMention

READ = frozenset({"it", "en", "ro", "fr", "es", "sq", "ar", "pa", "hi", "ur", "bn", "uk", "ru", "zh"})
"""Languages with lists of danger or concepts (``data/urgency_*.yaml``, ``data/lexicon``) and messages to learn from."""
_UNSURE = 0.8
_FEW_KNOWN = 0.4
_FEWEST_WORDS = 5
_LEFT = 0.01


def unread(prepared: Prepared, known_share: float) -> bool:
    """Whether nothing here reads the message: another language, or one that is guessed and whose words are new."""
    language = prepared.language
    if language.code not in READ:
        return True
    words = len(prepared.topic_text.words.get("text", ()))
    return words >= _FEWEST_WORDS and 0 < language.confidence < _UNSURE and known_share < _FEW_KNOWN


def unread_part(message: InboundMessage, prepared: Prepared, knows: Callable[[str], bool]) -> bool:
    """Whether a stretch of what is taken for Italian or English is neither: a greeting, then one's own language.

    A sentence of which the model knows two words in five at most, six words in a row of which it knows few,
    letters of another script, or words in single letters; in subject, text and signature. Up to three words in a row
    that begin large within a sentence are names, mostly, and do not count, nor do places. What the model met of
    languages that nobody here reads is not known, large or small.
    """
    code = prepared.language.code
    if letters_of_other_scripts("\n".join(text for _, text in _fields(message)), code) >= _OTHER_LETTERS:
        return True
    if any(_SPELT.search(text) for _, text in _fields(message)):
        return True
    if code not in _KNOWN_OF_SIX:
        return False
    foreign = _words_of_unread_languages()
    return any(
        _is_unread([word not in foreign and knows(word) for word in sentence], _KNOWN_OF_SIX[code])
        for where, text in _fields(message)
        for sentence in _sentences(text, [place for place in prepared.places if place.where == where])
    )


def _fields(message: InboundMessage) -> tuple[tuple[str, str], ...]:
    """What the writer wrote now, by field; the parser takes for a signature what stands below a name."""
    fields = (("subject", message.subject), ("text", message.new_text), ("signature", message.signature))
    return tuple((where, text[:READ_LETTERS]) for where, text in fields)


def _is_unread(known: Sequence[bool], least: int) -> bool:
    if len(known) < _IN_A_ROW:
        return len(known) > 1 and sum(known) <= 0.4 * len(known)
    return any(sum(known[start : start + _IN_A_ROW]) < least for start in range(len(known) - _IN_A_ROW + 1))


def _sentences(text: str, places: Sequence[PlaceMention]) -> Iterator[list[str]]:
    """The words of each sentence, folded; what may be a name (:func:`_names`) and places are left out."""
    for sentence in _SENTENCE.finditer(text):
        found = list(_WORD.finditer(sentence.group()))
        names = _names(sentence.group(), found)
        yield [
            fold(match.group())
            for number, match in enumerate(found)
            if len(match.group()) > 1
            and number not in names
            and not any(place.start <= sentence.start() + match.start() < place.end for place in places)
        ]


def _names(sentence: str, found: Sequence[re.Match[str]]) -> frozenset[int]:
    """Which words are written large within a sentence, a few in a row: a Name of Many Words is none, nor is SHOUTING.

    Germans write nouns large: a word of theirs, or of another language that nobody here reads, is no name.
    """
    if sentence.isupper():
        return frozenset()
    foreign = _words_of_unread_languages()
    names: set[int] = set()
    row: list[int] = []
    for number, match in enumerate(found):
        large = match.group()[0].isupper()
        apart = number > 0 and sentence[found[number - 1].end() : match.start()] != " "
        if apart or not large:
            names.update(row if len(row) <= _LONGEST_NAME else ())
            row = []
        if large:
            row.append(number)
    names.update(row if len(row) <= _LONGEST_NAME else ())
    return frozenset(number for number in names if number > 0 and fold(found[number].group()) not in foreign)


@lru_cache(maxsize=1)
def _words_of_unread_languages() -> frozenset[str]:
    lists = read_lists(Path(__file__).parent / "data" / "unread_words.yaml")
    return frozenset(word for words in lists.values() for word in words.split())


_SENTENCE = re.compile(r"[^.!?;:\n]+")
_WORD = re.compile(r"[^\W\d_]+")
_SPELT = re.compile(r"(?<!\w)(?:[^\W\d_][ .\-]{1,3}){7,}(?=[^\W\d_](?!\w))")
"""Eight letters or more, each standing alone: words that no list finds."""
_LONGEST_NAME = 3
_IN_A_ROW = 6
_KNOWN_OF_SIX = {"it": 4, "en": 3}
"""So many of six words in a row are known where somebody writes Italian or English."""
_OTHER_LETTERS = 8
"""A name has fewer, mostly; signs for a syllable or a word count more."""
READ_LETTERS = 12_000
"""Of each field; the models and lists read no more."""


def without(probabilities: Sequence[float], number: int) -> list[float]:
    """The same with at most a hundredth for one of them; the others keep their proportions and the sum stays 1."""
    most = min(probabilities[number], _LEFT)
    rest = 1.0 - probabilities[number]
    scale = (1.0 - most) / rest if rest > 0 else 0.0
    return [most if place == number else value * scale for place, value in enumerate(probabilities)]
