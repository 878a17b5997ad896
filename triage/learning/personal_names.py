"""Which words are people's names: found in the training messages, kept in ``classify/data/personal_names.txt``.

``python -m triage.learning.personal_names`` writes the file anew. The models must not see names: a given name that
stood under more twins than dangers would lower the danger of whoever bears it. A word is a name when it stands in two
display names of persons and within sentences is capitalised, as a rule; titles and trades that stand beside names are
kept, and so is what more often stands for something else (a comune, a feast).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from triage.classify.examples import Example, read_examples
from triage.classify.folding import fold
from triage.classify.personal_names import NAMES_FILE

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
_NO_NAME_BEFORE = frozenset(".!?:;\n-\u2013\u2014\u2022*>")
"""What ends a sentence, a line or opens an item: the next word is capitalised whatever it is."""
_OPENING = " \"'(\u00ab\u201c"
_DISPLAYED = 2
_SMALL = 0.3
"""A name is written small in so many of its places at most, or in so many for each display name it stands in."""
_ELSEWHERE = 20
"""A word that is capitalised so many times as often as it is displayed is the name of something else."""
_KEPT = frozenset(
    """dott dottor dottoressa ssa dr avv prof ing arch geom rag ass don suor padre fra sig sigra fam coop ic uff pec web
    info caritas avis cri auser acli asl ats asst inps caf sert csm cps onlus odv aps asd redazione newsletter noreply
    segreteria ufficio studio pediatra ostetrica nonni agenzia amministrazione dirigenza osservatorio webmaster
    giurisdizione officine destra botti org net com it invalid test example \u0627\u0644\u0644\u0647""".split()  # noqa: SIM905
)
"""Titles, trades and bodies that stand beside names, or instead of one."""


def personal_names(examples: Iterable[Example]) -> tuple[str, ...]:
    """Folded words, sorted."""
    displayed: Counter[str] = Counter()
    large: Counter[str] = Counter()
    small: Counter[str] = Counter()
    acronyms: Counter[str] = Counter()
    for one in examples:
        _count(one.message.new_text, large, small, acronyms)
        if not one.automatic:
            displayed.update({fold(word) for word in _WORD.findall(one.message.author.display_name)})
    return tuple(sorted(word for word in displayed if _is_name(word, displayed, large, small, acronyms)))


def _count(text: str, large: Counter[str], small: Counter[str], acronyms: Counter[str]) -> None:
    for match in _WORD.finditer(text):
        before = text[: match.start()].rstrip(_OPENING)[-1:] if match.start() else ""
        if not before or before in _NO_NAME_BEFORE:
            continue
        word = match[0]
        if len(word) > 1 and word.isupper():
            acronyms[fold(word)] += 1
        elif word[0].isupper():
            large[fold(word)] += 1
        elif word[0].islower():
            small[fold(word)] += 1


def _is_name(
    word: str, displayed: Counter[str], large: Counter[str], small: Counter[str], acronyms: Counter[str]
) -> bool:
    if len(word) < 2 or word in _KEPT or displayed[word] < _DISPLAYED:
        return False
    if acronyms[word] > large[word] or large[word] > _ELSEWHERE * displayed[word]:
        return False
    met = large[word] + small[word]
    return small[word] <= _SMALL * met or small[word] <= _SMALL * displayed[word]


if __name__ == "__main__":
    messages = read_examples(Path(__file__).parents[2] / "models" / "training")[0]
    NAMES_FILE.write_text("".join(f"{word}\n" for word in personal_names(messages)), encoding="utf-8")
