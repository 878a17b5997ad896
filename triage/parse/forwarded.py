"""Who wrote what somebody passes on by hand: the authors that stand above forwarded texts.

In: the text of a manual forward, as its reader has it. Out: author and addresses of each message that it holds, the
outermost first; of one forward inside another it tells all, since only who knows our colleagues can say at whom to
stop: a colleague only passes on, while a mother who passes her husband's threat on is the one who writes to us. It is
what somebody wrote, no proof: nothing may be sent there by itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from triage.parse.addresses import parse_addresses
from triage.parse.limits import DefectLog
from triage.parse.quotation_marks import LINE_CHARACTERS, is_forward_subject, is_reply_subject
from triage.vocabulary import Address

_AUTHOR = re.compile(
    r"[>*_\s]{0,8}(?:da|from|von|de(?: la)?|od|від|nga|mittente)\s?[*_]{0,2}\s?:[*_]{0,2}\s*(.+)", re.IGNORECASE
)
_RECIPIENT = re.compile(
    r"[>*_\s]{0,8}(?:a|to|an|à|para|către|кому|për|destinatario)\s?[*_]{0,2}\s?:[*_]{0,2}\s*(.+)", re.IGNORECASE
)
_SUBJECT = re.compile(
    r"[>*_\s]{0,8}(?:oggetto|subject|betreff|objet|asunto|subiect|тема|subjekti|tema)\s?[*_]{0,2}\s?:[*_]{0,2}\s*(.*)",
    re.IGNORECASE,
)
_OTHER = re.compile(
    r"[>*_\s]{0,8}(?:inviat[oa](?: il)?|data(?: invio)?|date|sent|gesendet|datum|envoyé|enviado(?: el)?|trimis"
    r"|надіслано|dërguar|a|to|an|à|para|către|кому|për|destinatario)\s?[*_]{0,2}\s?:",
    re.IGNORECASE,
)
_MAILTO = re.compile(r"[\[<(]mailto:([^\s\]>)]{3,254})[\]>)]", re.IGNORECASE)
_ANNOUNCED = re.compile(
    r"\b(?:(?:ha|hanno) scritto|scrive|wrote|writes|schrieb|a écrit|escribió|a scris|написа(?:в|ла|л)|пише)\s?:\s?$",
    re.IGNORECASE,
)
"""The end of "Il giorno ... Anna Rossi <...> ha scritto:"; its address may stand on the line before."""
_DATE_OR_ADDRESS = re.compile(r"[@\d]")
_TOLD = re.compile(r"<([^<>@\s]{1,64}@[^<>@\s]{1,200}\.[A-Za-z]{2,24})>")
_ABOVE, _BELOW = 5, 16
"""Lines around the author in which the block's other fields stand: a long To, Cc, priority, files, empty lines."""
_MOST_LINES = 2_000
_MOST_AUTHORS = 10


@dataclass(frozen=True, slots=True)
class Forwarded:
    """One message that is passed on: who wrote it, and to which addresses, lower case; empty: none are told."""

    author: Address
    to: tuple[str, ...] = ()


def read_forwarded(text: str) -> tuple[Forwarded, ...]:
    """Each forwarded message, the outermost first; its author without an address where the text names none.

    It ends with the first message that by its subject hands nothing on, or that is announced by "Anna ha scritto:":
    what that one quotes is its own matter.
    """
    lines = [line[:LINE_CHARACTERS] for line in text.split("\n", _MOST_LINES)[:_MOST_LINES]]
    places = [at for at, line in enumerate(lines) if _AUTHOR.match(line)]
    found: list[Forwarded] = []
    before = 0
    for at, following in pairwise([*places, len(lines)]):
        above, below = lines[max(0, at - _ABOVE) : at], lines[at : min(following, at + _BELOW)]
        subject = next(filter(None, map(_SUBJECT.match, (*below, *reversed(above)))), None)
        author = _written_at(lines, at) if subject is not None else None
        if subject is None or author is None:
            continue
        if not author.addr_spec and not any(map(_OTHER.match, (*above, *below))):
            continue  # "Da: ..." of a form, or in a sentence
        announced = next((place for place in range(before, at) if _announces(lines[place])), None)
        if announced is not None:
            return (*found, Forwarded(_address("".join(lines[max(before, announced - 1) : announced + 1]))))
        found.append(Forwarded(author, _recipients([*below, *reversed(above)])))
        before = at
        if len(found) == _MOST_AUTHORS or not (is_forward_subject(subject[1]) or is_reply_subject(subject[1])):
            break
    return tuple(found)


def _recipients(lines: list[str]) -> tuple[str, ...]:
    """Of the block's own field, which most programs write below the author's."""
    told = next(filter(None, map(_RECIPIENT.match, lines)), None)
    if told is None:
        return ()
    written = _MAILTO.sub(r"<\1>", told[1].replace("*", ""))
    return tuple(one.addr_spec.lower() for one in parse_addresses(written, DefectLog(), "", 20) if one.addr_spec)


def _announces(line: str) -> bool:
    return bool(_ANNOUNCED.search(line[-40:]) and _DATE_OR_ADDRESS.search(line))


def _written_at(lines: list[str], at: int) -> Address | None:
    author = _AUTHOR.match(lines[at])
    return _address(author[1]) if author is not None else None


def _address(written: str) -> Address:
    written = _MAILTO.sub(r"<\1>", written.replace("*", ""))
    for one in parse_addresses(written, DefectLog(), "", 2):
        local, _, domain = one.addr_spec.rpartition("@")
        if local and "." in domain:
            return one
    told = _TOLD.search(written)
    return Address("", told[1]) if told else Address(written.strip(), "")
