"""One text part -> its text: transfer encoding, charset, markup, flowed lines, in this order."""

from __future__ import annotations

import re

from triage.parse.charsets import decode_text
from triage.parse.cleaning import clean_text
from triage.parse.flowed import unflow
from triage.parse.html_text import html_to_text
from triage.parse.limits import Budget, DefectLog
from triage.parse.structure import Part
from triage.parse.transfer import decode_transfer

_MARKUP = frozenset({"text/html", "text/enriched", "text/richtext", "text/x-amp-html"})
META_CHARSET = re.compile(rb"<meta[^<>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_IS_MARKUP = re.compile(r"\s{0,200}(?:<!doctype html|<html[\s>])", re.IGNORECASE)
_UU_BEGIN = re.compile(r"^begin [0-7]{3,4} ([^\n]{1,200})\n(?=[!-`][^\n]*\n)", re.MULTILINE)
_UU_END = re.compile(r"^end\s*$", re.MULTILINE)


def part_octets(part: Part, wanted: int, budget: Budget, defects: DefectLog, for_text: bool = False) -> bytes:
    """About the first ``wanted`` decoded octets of a part, within the budget of the message."""
    wanted = min(wanted, budget.octets_left(for_text))
    # Base64 takes 4 octets for 3 and line ends, quoted-printable up to 3 for 1.
    encoded = part.octets[part.start : min(part.end, part.start + 4 * wanted + 4)]
    octets = decode_transfer(encoded, part.encoding, defects, part.number)[:wanted]
    budget.spend_octets(len(octets))
    return octets


def part_text(part: Part, budget: Budget, defects: DefectLog) -> tuple[str, tuple[tuple[str, int], ...]]:
    """(cleaned text within the budget, name and size of uuencoded files that stood in it)."""
    if not budget.in_time():
        return "", ()
    if not budget.characters_left():
        defects.add("limit_text_characters")
        return "", ()
    markup = part.content_type in _MARKUP
    if markup and not budget.markup_left():
        defects.add("limit_html_characters")
        return "", ()
    wanted = 2 * budget.markup_left() if markup else 4 * budget.characters_left() + 4
    octets = part_octets(part, wanted, budget, defects, for_text=True)
    declared = part.parameters.get("charset", "")
    if markup and not declared:
        found = META_CHARSET.search(octets, 0, 4_096)
        declared = found[1].decode("ascii") if found else ""
    text = decode_text(octets, declared, defects, part.number)
    if markup or _IS_MARKUP.match(text):
        return html_part_text(text, budget, defects), ()
    # The cap counts before lines are worked on: a body may be far longer than what is read.
    if len(text) > budget.characters_left():
        defects.add("limit_text_characters")
        text = text[: budget.characters_left()]
    text = clean_text(text)
    if part.parameters.get("format", "").lower() == "flowed":
        text = unflow(text, part.parameters.get("delsp", "").lower() == "yes")
    text, files = _without_uuencoded(text)
    return budget.take_text(text), files


def html_part_text(source: str, budget: Budget, defects: DefectLog) -> str:
    """Text of markup, cleaned and within the budget."""
    return budget.take_text(clean_text(html_to_text(source, budget, defects)))


def _without_uuencoded(text: str) -> tuple[str, tuple[tuple[str, int], ...]]:
    """Files that old programs pasted into the text, out of it."""
    if "\nbegin " not in text and not text.startswith("begin "):
        return text, ()
    kept: list[str] = []
    files: list[tuple[str, int]] = []
    position = 0
    for begin in _UU_BEGIN.finditer(text):
        if begin.start() < position:
            continue
        end = _UU_END.search(text, begin.end())
        if end is None:
            break
        kept.append(text[position : begin.start()])
        encoded = text[begin.end() : end.start()]
        files.append((begin[1].strip(), max(0, len(encoded) - 2 * encoded.count("\n")) * 3 // 4))
        position = end.end()
    kept.append(text[position:])
    return "".join(kept), tuple(files)
