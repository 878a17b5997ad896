"""Invented messages in which whom they are about is marked: ``[[kind|words]]``; places that must stay are ``luogo``.

In: a file of this folder. Out: messages with spans, and how a pseudonymiser did on them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from triage.classify.examples import build_message
from triage.classify.territory import Gazetteer, find_places
from triage.pseudonyms import Kind, Masks, Span
from triage.pseudonyms.message import masks_of_name

FOLDER = Path(__file__).parent
HELD_OUT, DEVELOPED = FOLDER / "held_out.txt", FOLDER / "developed.txt"
PLACE = "luogo"
_MARK = re.compile(r"\[\[(\w+)\|(.*?)\]\]", re.DOTALL)
_KEPT = {
    Kind.STREET: re.compile(r"(?i)^(?:via|viale|piazza|piazzale|corso|vicolo|strada|largo|contrada|cascina|borgo)\s"),
    Kind.PHONE: re.compile(r"^0\d{1,3}[ ./-]?"),
    Kind.URL: re.compile(r"^(?:https?://)?[^/?#]*[/?#]?"),
    Kind.PERSON: re.compile(r"(?i)^(?:avv|dott|dr|don|suor|maestra|sig|fam)\w*\.?(?:ssa|ra)?\s"),
    Kind.BIRTH_DATE: re.compile(r"(?i)^(?:nat[oa] )?(?:nel |il )?"),
}  # fmt: skip
"""What of a span may stay: it tells a place, a host, what somebody is, or nothing."""


@dataclass(frozen=True, slots=True)
class Marked:
    """One text and its spans, by kind; places apart."""

    name: str
    language: str
    author: str
    subject: str
    text: str
    spans: tuple[tuple[str, int, int, str], ...]
    """Where (``subject`` or ``text``), from, to, kind."""


@dataclass(slots=True)
class Score:
    """How many spans of each kind were masked wholly, of how many; and what was masked that is none."""

    found: Counter[str] = field(default_factory=Counter)
    marked: Counter[str] = field(default_factory=Counter)
    missed: list[tuple[str, str, str]] = field(default_factory=list)
    wrong: list[tuple[str, str]] = field(default_factory=list)
    """Message and words."""
    words: int = 0
    places: int = 0
    places_kept: int = 0


def read_marked(path: Path) -> list[Marked]:
    """Every message of a file."""
    return [_message(part) for part in re.split(r"(?m)^# ", path.read_text(encoding="utf-8"))[1:]]


def _message(part: str) -> Marked:
    head, author, subject, *lines = part.strip("\n").split("\n")
    name, language = head.split()
    fields = {"subject": subject.partition(": ")[2], "text": "\n".join(lines)}
    spans: list[tuple[str, int, int, str]] = []
    plain: dict[str, str] = {}
    for where, raw in fields.items():
        text, done = "", 0
        for match in _MARK.finditer(raw):
            text += raw[done : match.start()]
            spans.append((where, len(text), len(text) + len(match[2]), match[1]))
            text += match[2]
            done = match.end()
        plain[where] = text + raw[done:]
    bare = _MARK.sub(lambda match: match[2], author.partition(": ")[2])
    return Marked(name, language, bare, plain["subject"], plain["text"], tuple(spans))


def score(messages: Sequence[Marked], gazetteer: Gazetteer) -> Score:
    """Mask all of them and count."""
    total = Score()
    for one in messages:
        masked = dict(mask_fields(one, gazetteer))
        for where, text in (("subject", one.subject), ("text", one.text)):
            _count(total, one, where, text, masked[where])
    return total


def mask_fields(one: Marked, gazetteer: Gazetteer) -> Iterator[tuple[str, list[Span]]]:
    """What is masked in the text and in the subject, as ``pseudonymised`` does it."""
    masks = Masks()
    masks_of_name(masks, one.author)
    message = build_message({"from_name": one.author, "subject": one.subject, "text": one.text})
    places = [place for place in find_places(message, gazetteer) if place.kind not in ("cap", "prefix")]
    for where, text in (("text", one.text), ("subject", one.subject)):
        yield where, masks.spans(text, [(p.start, p.end) for p in places if p.where == where])


def _count(total: Score, one: Marked, where: str, text: str, masked: Sequence[Span]) -> None:
    hidden = {at for span in masked for at in range(span.start, span.end)}
    personal: set[int] = set()
    for field_name, start, end, kind in one.spans:
        if field_name != where:
            continue
        if kind == PLACE:
            total.places += 1
            total.places_kept += hidden.isdisjoint(range(start, end))
            continue
        personal.update(range(start, end))
        kept = _KEPT[Kind(kind)].match(text[start:end]) if Kind(kind) in _KEPT else None
        first = start + (kept.end() if kept else 0)
        must = {at for at in range(first, end) if text[at].isalnum()}
        total.marked[kind] += 1
        if must <= hidden:
            total.found[kind] += 1
        else:
            total.missed.append((one.name, kind, text[start:end]))
    for match in re.finditer(r"\w+", text):
        inside = set(range(match.start(), match.end()))
        if not inside & personal:
            total.words += 1
            if inside & hidden:
                total.wrong.append((one.name, match[0]))
