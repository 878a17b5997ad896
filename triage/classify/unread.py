"""Messages in a language that no list of ours reads: what may not be concluded from their words.

Enters a prepared message and the words that the model knows. Leaves whether danger can be seen in all of it or in a
part, and probabilities of topics without one of them. Pure; nothing is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from triage.classify.language import letters_of_other_scripts
from triage.classify.prepare import Prepared
from triage.vocabulary import InboundMessage

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

    Six words in a row of which the model knows few, or letters of another script. On a held-out fifth of the training
    messages 25 of 4,164 Italian ones have such a stretch; of a reviewer's 125 dangers in languages that nothing here
    reads, told behind an Italian greeting or a place, 119.
    """
    least = _KNOWN_OF_SIX.get(prepared.language.code)
    text = f"{message.subject}\n{message.new_text}"[:_READ_LETTERS]
    if letters_of_other_scripts(text, prepared.language.code) >= _OTHER_LETTERS:
        return True
    words = prepared.topic_text.words.get("text", ())
    if least is None or len(words) < _FEWEST_IN_A_ROW:
        return False
    known = [knows(word) for word in words]
    row = min(len(known), _IN_A_ROW)
    return any(sum(known[start : start + row]) < least * row / _IN_A_ROW for start in range(len(known) - row + 1))


_IN_A_ROW = 6
_FEWEST_IN_A_ROW = 3
_KNOWN_OF_SIX = {"it": 4, "en": 3}
"""So many of six words in a row are known where somebody writes Italian or English."""
_OTHER_LETTERS = 12
"""A name or a greeting has fewer."""
_READ_LETTERS = 12_000


def without(probabilities: Sequence[float], number: int) -> list[float]:
    """The same with at most a hundredth for one of them; the others keep their proportions and the sum stays 1."""
    most = min(probabilities[number], _LEFT)
    rest = 1.0 - probabilities[number]
    scale = (1.0 - most) / rest if rest > 0 else 0.0
    return [most if place == number else value * scale for place, value in enumerate(probabilities)]
