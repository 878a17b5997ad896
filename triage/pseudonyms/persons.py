"""Names of persons in a text: by what stands before them, by lists, by their capital, and by each other.

In: words. Out: which of them are names. Recall comes first: of a capital that no list knows somebody's name is made,
unless it is a place or a body. What is missed and what is masked wrongly is measured (docs/privacy.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from triage.classify.folding import fold
from triage.pseudonyms.lists import cue_pattern, cue_words
from triage.pseudonyms.tokens import Token

_LONGEST = 4
"""Words of one name."""
_BESIDE = re.compile(r"[ \u00a0]{1,2}|[ ]?['’-][ ]?")
_AFTER_INITIAL = re.compile(r"\. ?")
_AFTER_CUE = re.compile(r"[ \u00a0]*[:,(\"«.-]{0,2}[ \u00a0]*['’]?")
_PLACE_PREPOSITIONS = frozenset(
    {"a", "ad", "di", "in", "da", "al", "presso", "vicino", "verso", "per", "en", "ne", "à"}
)
_JOINS = frozenset({"e", "ed", "con", "o", "and", "y", "et", "si", "dhe", "та", "і", "и", "و"})
_LINKS = frozenset({"che", "si", "chiama", "chiamano", "di", "nome", "e", "sono", "is", "called", "maggiore", "minore"})
_LINES = 3
_SUBJECT = 4
"""Words of a text so short that its end is no signature."""
_INFLECTED = re.compile(
    r"(?:ando|endo|mente|issim[oaie]|zion[ei]|ta|vano|[ai]ron?o|ono|iene|ito|ita|ato|ata|ati|ate|ente|anti|enti|sce)$"
)
"""Endings of rare verbs and the like: in small letters no name, unless a list has it."""
_NEVER_ALONE = frozenset({"che", "del", "nel", "stanca", "donna", "durante"})
_SAYING_WHO: frozenset[str] = frozenset().union(*(cue_words(name) for name in ("kin", "titles", "roles")))
_NO_NAMES = _SAYING_WHO | cue_words("no_names") | cue_words("closing")


def names_in(text: str, tokens: Sequence[Token], known: Iterable[str] = ()) -> set[int]:
    """Which tokens are names; ``known``: folded names that this message has elsewhere."""
    finder = _Finder(text, tokens, set(known))
    finder.after_cues()
    finder.by_lists()
    finder.signed()
    for _ in range(2):
        finder.beside()
        finder.joined()
        finder.again()
    return finder.whole()


class _Finder:
    """Marks tokens as names, one rule after another; each rule may build on those before."""

    def __init__(self, text: str, tokens: Sequence[Token], known: set[str]) -> None:
        self.text, self.tokens, self.known = text, tokens, known
        self.folded = fold(text)
        self.found: set[int] = set()
        self.starting = {token.start: number for number, token in enumerate(tokens)}

    def after_cues(self) -> None:
        """ "mia figlia Giada", "mi chiamo ...", "la sig.ra ..."."""
        for name in ("naming", "kin", "titles"):
            for match in cue_pattern(name).finditer(self.folded):
                self._take_after(match.end(), strong=name == "naming", title=name == "titles")

    def by_lists(self) -> None:
        """Names that are no words, and capitals that no list of words knows."""
        for number, token in enumerate(self.tokens):
            if self._is_place(number) or token.acronym or len(token.raw) < 2 or token.word in _NO_NAMES:
                continue
            known_name = (token.first and len(token.word) > 2) or token.word in self.known
            if token.ordinary:
                # "Stella", "Rosa": a word unless its capital stands where none belongs.
                if token.first and token.capital and not token.opens:
                    self.found.add(number)
            elif known_name or (token.capital and (not token.opens or token.last)):
                self.found.add(number)

    def signed(self) -> None:
        """Who signs: after a closing, or alone on a last line."""
        for match in cue_pattern("closing").finditer(self.folded):
            number = self._token_at(match.end())
            if number is not None and len(self.text) - match.end() < 120:
                self._take(number, weak=True)
        for line in self._last_lines() if len(self.tokens) > _SUBJECT else ():
            if 1 <= len(line) <= 3 and all(self._may_sign(number) for number in line):
                self.found.update(line)

    def beside(self) -> None:
        """First name and surname stand together, in either order."""
        for number in sorted(self.found):
            for step in (1, -1):
                at = number + step
                while 0 <= at < len(self.tokens) and self._touches(max(at, at - step)) and self._goes_on(at, step):
                    self.found.add(at)
                    at += step

    def joined(self) -> None:
        """ "Omar e Salma", "Tobia, Camilla"."""
        for number in sorted(self.found):
            at = number + 1
            if at < len(self.tokens) and self.tokens[at].word in _JOINS and self.tokens[at].gap.strip(" ()[]") == "":
                at += 1
            elif at >= len(self.tokens) or self.tokens[at].gap.strip(" ") not in (",", "&", "/", "+"):
                continue
            if at < len(self.tokens) and not self._is_place(at):
                token = self.tokens[at]
                unknown = not token.ordinary and not token.acronym
                amid = token.capital and not token.opens and token.word not in _NO_NAMES
                if amid or (unknown and (token.capital or token.first)):
                    self.found.add(at)

    def again(self) -> None:
        """What is a name once is one all through the message."""
        words = {self.tokens[number].word for number in self.found if len(self.tokens[number].word) > 2} | self.known
        for number, token in enumerate(self.tokens):
            if token.word in words and not self._is_place(number) and (token.capital or not token.ordinary):
                self.found.add(number)

    def whole(self) -> set[int]:
        """What was found, less particles and letters that stand beside no name."""
        bare = {n for n in self.found if len(self.tokens[n].raw) == 1 or self.tokens[n].word in cue_words("particles")}
        names = self.found - bare
        return names | {n for n in bare if n + 1 in names or n - 1 in names or n + 2 in names}

    # ---------------------------------------------------------------- what counts

    def _take_after(self, end: int, *, strong: bool, title: bool) -> None:
        number = self._token_at(end)
        skipped = 0
        while number is not None and number < len(self.tokens) and self.tokens[number].word in _LINKS and skipped < 3:
            number += 1
            skipped += 1
        if number is not None:
            self._take(number, strong=strong, title=title)

    def _take(self, number: int, *, strong: bool = False, title: bool = False, weak: bool = False) -> None:
        """Up to four words from here that may be a name."""
        for at in range(number, min(number + _LONGEST, len(self.tokens))):
            token = self.tokens[at]
            if at > number and not self._touches(at):
                return
            if token.place and not strong and not title:
                return
            if token.word in cue_words("no_names") or not self._fits(token, strong=strong or title, weak=weak):
                return
            self.found.add(at)
            if not token.cased and (at > number or not strong):
                return

    def _fits(self, token: Token, *, strong: bool, weak: bool) -> bool:
        """Whether a word after a cue is a name: more counts after "mi chiamo" than after "grazie"."""
        unknown = not token.ordinary
        if token.word in cue_words("particles"):
            return token.raw[0].isupper()
        if token.capital:
            return unknown or not (weak or token.opens or token.word in _SAYING_WHO)
        if unknown:
            inflected = bool(_INFLECTED.search(token.word)) and not (token.first or token.last)
            return (len(token.word) > 2 or not token.cased) and not token.acronym and not inflected
        return strong and token.first and len(token.word) > 3 and token.word not in _NEVER_ALONE

    def _touches(self, at: int) -> bool:
        """Whether a word stands right beside the one before it; after an initial a full stop may stand between."""
        gap, before = self.tokens[at].gap, self.tokens[at - 1].raw
        return bool(_BESIDE.fullmatch(gap) or (len(before) == 1 and before.isupper() and _AFTER_INITIAL.fullmatch(gap)))

    def _goes_on(self, at: int, step: int) -> bool:
        token = self.tokens[at]
        if at in self.found:
            return False
        if token.word in cue_words("particles"):
            return token.raw[0].isupper() and not token.opens
        if len(token.raw) == 1:
            # An initial: "lucia m.", "M. Rossi".
            dotted = self.text[token.end : token.end + 1] in (".", "", "\n")
            return dotted and (token.raw.isupper() or step > 0) and token.word not in ("e", "a", "o", "i")
        if token.word in cue_words("no_names"):
            return False
        if token.capital:
            if token.acronym or (token.place and self._prepared(at)) or token.word in _SAYING_WHO:
                return False
            return not token.ordinary or not token.opens
        unknown = not token.ordinary and not token.place and not token.acronym
        inflected = bool(_INFLECTED.search(token.word)) and not token.last
        return step > 0 and token.cased and unknown and len(token.word) > 3 and not inflected

    def _is_place(self, number: int) -> bool:
        """A place, unless it was taken for a surname already."""
        return self.tokens[number].place and number not in self.found

    def _prepared(self, at: int) -> bool:
        return at > 0 and self.tokens[at - 1].word in _PLACE_PREPOSITIONS

    def _token_at(self, end: int) -> int | None:
        """The word that follows a cue, with nothing but a sign between."""
        match = _AFTER_CUE.match(self.text, end)
        at = match.end() if match else end
        if "\n" in self.text[end:at]:
            return None
        for start in (at, at + 1):
            if start in self.starting:
                return self.starting[start]
        after = re.compile(r"[\s,.!:;-]{0,6}").match(self.text, end)
        return self.starting.get(after.end()) if after else None

    def _last_lines(self) -> Iterable[list[int]]:
        lines: list[list[int]] = []
        for number, token in enumerate(self.tokens):
            if not lines or "\n" in token.gap or re.search(r"[.!?]\s", token.gap):
                lines.append([])
            lines[-1].append(number)
        return lines[-_LINES:]

    def _may_sign(self, number: int) -> bool:
        token = self.tokens[number]
        if token.word in _NO_NAMES or token.acronym or token.place or not token.cased:
            return False
        return not token.ordinary or (token.capital and (token.first or token.last))
