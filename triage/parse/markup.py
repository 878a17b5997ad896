"""Octets of a message -> the source of its formatted text, for a page that cleans it before anybody sees it.

The first text/html part that is no file; of certified mail that of the person's own message. What it holds is as the
writer sent it, decoded and nothing more: whoever shows it sanitises it. Total, like ``parse``.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from triage.parse.charsets import decode_text
from triage.parse.html_cost import costs_too_much
from triage.parse.limits import Budget, DefectLog, ParseLimits
from triage.parse.part_text import META_CHARSET, part_octets
from triage.parse.structure import Part, read_structure

_DEFAULT_LIMITS = ParseLimits()
_NOT_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def read_markup(
    octets: bytes,
    *,
    inside: bool = False,
    limits: ParseLimits = _DEFAULT_LIMITS,
    clock: Callable[[], float] | None = None,
) -> str:
    """The markup, or "" where there is none, or more than can be shown. ``inside``: of the message inside this one.

    Raises nothing but ``MemoryError``.
    """
    try:
        defects = DefectLog()
        budget = Budget(limits, defects, clock)
        root = read_structure(octets, budget, defects)
        part = (_first(root, inside=True) if inside else None) or _first(root, inside=False)
        if part is None:
            return ""
        found = part_octets(part, 4 * limits.html_characters, budget, defects)
        declared = part.parameters.get("charset", "")
        if not declared and (named := META_CHARSET.search(found, 0, 4_096)):
            declared = named[1].decode("ascii")
        source = _NOT_TEXT.sub("", decode_text(found, declared, defects, part.number))
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - the promise of ``parse``; the text is shown in any case
        return ""
    if len(source) > limits.html_characters or costs_too_much(source, limits.html_nodes, limits):
        return ""
    return source


def _first(part: Part, *, inside: bool) -> Part | None:
    """The first formatted text, in the order of the parts; ``inside`` only counts what an attached message holds."""
    for child in part.children:
        nested = not part.content_type.startswith("multipart/")
        if nested and not inside:
            continue
        found = _first(child, inside=inside and not nested)
        if found is not None:
            return found
    is_text = part.content_type == "text/html" and part.disposition != "attachment" and not part.file_name
    return part if is_text and not part.children and not inside else None
