"""Messages in a language that no list of ours reads: what may not be concluded from their words.

Enters a prepared message and the share of its words that the model knows. Leaves whether danger can be seen in
it, and probabilities of topics without one of them. Pure; nothing is refused.
"""

from __future__ import annotations

from collections.abc import Sequence

from triage.classify.prepare import Prepared

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


def without(probabilities: Sequence[float], number: int) -> list[float]:
    """The same with at most a hundredth for one of them; the others keep their proportions and the sum stays 1."""
    most = min(probabilities[number], _LEFT)
    rest = 1.0 - probabilities[number]
    scale = (1.0 - most) / rest if rest > 0 else 0.0
    return [most if place == number else value * scale for place, value in enumerate(probabilities)]
