"""How much of a message is looked at, and where what was tolerated is noted.

Every cap bounds time and memory. Those of parts, octets, text, markup and attachments are shared by all parts of a
message, so that many small parts cost no more than a large one; ``header_octets`` and ``header_fields`` hold for each
header section, ``html_attributes`` for each tag. The caps count work, not seconds:
what is read of a message is the same on every machine. A caller's clock is the net below them.
Reaching a cap is a defect, never a failure: the octets are kept and forwarded whole whatever was
read of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from triage.vocabulary import Defect

_MAX_DEPTH = 100
_MAX_REPETITIONS = 5
_HEADER_SECTIONS = 4
"""How many header sections of the longest kind are read of one message."""
_SCANNED_OCTETS = 2 << 30
"""Octets that are searched for boundaries, those inside several multiparts once for each."""
_TEXT_SHARE = 4
"""One part in so many of the decoded octets is kept for text: a large attached message must not leave none for it."""
_FALSE_DELIMITERS = 100_000
"""Places that begin like a boundary and are none; each must be looked at."""


@dataclass(frozen=True, slots=True)
class ParseLimits:
    """Caps on one message. Octets and characters are counts; ``depth`` counts nested parts.

    Raises ``ValueError`` for a cap below 1, or a depth that Python's stack would not carry.
    """

    depth: int = 50
    parts: int = 1_000
    header_octets: int = 262_144
    """Of one header section; Postfix cuts at 102,400. All sections of a message may have four times as many."""
    header_fields: int = 1_000
    addresses: int = 1_000
    text_characters: int = 200_000
    """Of all text that is read, quoted text included."""
    decoded_octets: int = 32 * 1024 * 1024
    """All octets that transfer decoding may yield for one message."""
    attachments: int = 200
    html_characters: int = 2_000_000
    html_nodes: int = 50_000
    html_attributes: int = 200
    """Of one tag. Mail programs write up to some twenty."""
    seconds: int = 10
    """By the caller's clock, if it gives one. The other caps keep the dearest message below two."""

    def __post_init__(self) -> None:
        if min(getattr(self, name) for name in self.__dataclass_fields__) < 1:
            raise ValueError("every parse limit is at least 1")
        if self.depth > _MAX_DEPTH:
            raise ValueError(f"parse limit depth is at most {_MAX_DEPTH}")


class DefectLog:
    """Collects defects in the order met; each (code, detail) once, and each code a few times."""

    def __init__(self) -> None:
        self._seen: dict[Defect, None] = {}
        self._times: dict[str, int] = {}

    def add(self, code: str, detail: str = "") -> None:
        """Notes a defect. ``detail`` must hold no mail content: field names and numbers only."""
        defect = Defect(code, detail)
        times = self._times.get(code, 0)
        if times < _MAX_REPETITIONS and defect not in self._seen:
            self._seen[defect] = None
            self._times[code] = times + 1

    def collected(self) -> tuple[Defect, ...]:
        return tuple(self._seen)


class Budget:
    """What is left of the caps that are shared by all parts of one message.

    ``clock`` gives seconds from any start on.
    """

    def __init__(self, limits: ParseLimits, defects: DefectLog, clock: Callable[[], float] | None = None) -> None:
        self.limits = limits
        self._defects = defects
        self._octets = limits.decoded_octets
        self._text_octets = limits.decoded_octets // _TEXT_SHARE
        self._header_octets = limits.header_octets * _HEADER_SECTIONS
        self._scanned = _SCANNED_OCTETS
        self._parts = limits.parts
        self._characters = limits.text_characters
        self._markup = limits.html_characters
        self._nodes = limits.html_nodes
        self._depth = 0
        self._false_delimiters = _FALSE_DELIMITERS
        self._clock = clock
        self._until = clock() + limits.seconds if clock is not None else 0.0

    def in_time(self) -> bool:
        """True while there is time to read on; asked before each piece of work."""
        if self._clock is None or self._clock() < self._until:
            return True
        self._defects.add("limit_seconds")
        return False

    @property
    def depth(self) -> int:
        """How deep what is being read stands in the message, by the opaque signatures around it."""
        return self._depth

    @contextmanager
    def inside(self, part: str) -> Iterator[bool]:
        """While it lasts, what is read stands inside the part of that number; False when that is too deep.

        The tree of parts begins anew inside an opaque signature, its nesting does not.
        """
        before = self._depth
        self._depth += part.count(".") + 2
        allowed = self._depth < self.limits.depth
        if not allowed:
            self._defects.add("limit_depth", part)
        try:
            yield allowed
        finally:
            self._depth = before

    def octets_left(self, for_text: bool = False) -> int:
        return self._octets + (self._text_octets if for_text else 0)

    def spend_octets(self, count: int) -> None:
        self._text_octets -= min(max(0, count - self._octets), self._text_octets)
        self._octets -= min(count, self._octets)
        if self._octets == 0:
            self._defects.add("limit_decoded_octets")

    def take_header(self, wanted: int, where: str) -> int:
        """How many octets of a header section of that length may be read."""
        taken = min(wanted, self.limits.header_octets, self._header_octets)
        self._header_octets -= taken
        if taken < wanted:
            self._defects.add("limit_header_octets", where)
        return taken

    def take_search(self, octets: int) -> bool:
        """True while so many octets may be searched for a boundary."""
        self._scanned -= octets
        return self._scanned >= 0

    def take_part(self) -> bool:
        """True when one more part may be looked at."""
        if self._parts == 0:
            self._defects.add("limit_parts")
            return False
        if not self.in_time():
            return False
        self._parts -= 1
        return True

    def take_false_delimiter(self) -> bool:
        """True while more places that only look like boundaries may be passed over."""
        if self._false_delimiters == 0:
            self._defects.add("limit_parts")
            return False
        self._false_delimiters -= 1
        return True

    def parts_left(self) -> int:
        return self._parts

    def characters_left(self) -> int:
        return self._characters

    def take_text(self, text: str) -> str:
        """The text, cut to what is left of the character cap."""
        if len(text) > self._characters:
            self._defects.add("limit_text_characters")
            text = text[: self._characters]
        self._characters -= len(text)
        return text

    def markup_left(self) -> int:
        return self._markup

    def take_markup(self, source: str) -> str:
        """The markup, cut to what is left of its character cap."""
        if len(source) > self._markup:
            self._defects.add("limit_html_characters")
            source = source[: self._markup]
        self._markup -= len(source)
        return source

    def nodes_left(self) -> int:
        return self._nodes

    def spend_nodes(self, count: int) -> None:
        self._nodes -= min(count, self._nodes)
