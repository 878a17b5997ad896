"""Octets of a message -> octets of the files attached to it, as far as somebody wants them.

Walks the message as ``parse`` does, so a file has the same place here as in
``InboundMessage.attachments``. Only well-formed files leave: what had to be mended on the way is not
what was sent, and the original holds it. Total, like ``parse``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from triage.parse.content import read_content
from triage.parse.limits import Budget, DefectLog, ParseLimits
from triage.parse.part_text import part_octets
from triage.parse.structure import Part, read_structure
from triage.vocabulary import Attachment

_DEFAULT_LIMITS = ParseLimits()


@dataclass(frozen=True, slots=True)
class ReadFile:
    """One attached file; ``number`` is its place in ``InboundMessage.attachments``."""

    number: int
    attachment: Attachment
    octets: bytes


def read_files(
    octets: bytes,
    wanted: Callable[[Attachment], bool],
    most: int,
    limits: ParseLimits = _DEFAULT_LIMITS,
    clock: Callable[[], float] | None = None,
    only: int | None = None,
) -> Iterator[ReadFile]:
    """The wanted files, in order, one after the other; none of more than ``most`` octets. ``only``: that one place.

    Raises nothing but ``MemoryError``.
    """
    try:
        defects = DefectLog()
        budget = Budget(limits, defects, clock)
        content = read_content(read_structure(octets, budget, defects), budget, defects)
        for number, (attachment, source) in enumerate(zip(content.attachments, content.sources, strict=True)):
            if only is not None and number != only:
                continue
            if source is not None and attachment.size <= most and wanted(attachment):
                found = source if isinstance(source, bytes) else _decoded(source, most, limits, clock)
                if 0 < len(found) <= most:
                    yield ReadFile(number, attachment, found)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - the promise of ``parse``; the original goes whole in any case
        return


def _decoded(part: Part, most: int, limits: ParseLimits, clock: Callable[[], float] | None) -> bytes:
    """A part's octets, one more than ``most`` when they are too many; nothing when they were damaged on the way."""
    defects = DefectLog()
    octets = part_octets(part, most + 1, Budget(limits, defects, clock), defects)
    return b"" if defects.collected() else octets
