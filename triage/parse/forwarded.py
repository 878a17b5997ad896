"""Who wrote what somebody passes on by hand: the author that stands above a forwarded text.

In: the text of a manual forward, as its reader has it. Out: the address of the message that was passed on, or nothing
where none is told or several are. It is what somebody wrote, no proof: nothing may be sent there by itself.
"""

from __future__ import annotations

import re

from triage.parse.addresses import parse_addresses
from triage.parse.limits import DefectLog
from triage.parse.quotation_marks import LINE_CHARACTERS, is_forward_subject
from triage.vocabulary import Address

_AUTHOR = re.compile(r"[>*_\s]{0,8}(?:da|from|von|de|od|від|mittente)\s?[*_]{0,2}\s?:[*_]{0,2}\s*(.+)", re.IGNORECASE)
_SUBJECT = re.compile(
    r"[>*_\s]{0,8}(?:oggetto|subject|betreff|objet|asunto|subiect)\s?[*_]{0,2}\s?:[*_]{0,2}\s*(.*)", re.IGNORECASE
)
_OTHER = re.compile(
    r"[>*_\s]{0,8}(?:inviat[oa](?: il)?|data(?: invio)?|date|sent|gesendet|datum|envoyé|enviado|trimis"
    r"|a|to|an|à|para|către|destinatario)\s?[*_]{0,2}\s?:",
    re.IGNORECASE,
)
_MAILTO = re.compile(r"[\[<(]mailto:([^\s\]>)]{3,254})[\]>)]", re.IGNORECASE)
_BESIDE = 5
"""Lines above and below the author in which the block's other fields stand."""
_MOST_LINES = 2_000


def forwarded_author(text: str) -> Address | None:
    """The first author whose message is no forward itself: of a forward's forward the one who began it."""
    lines = [line[:LINE_CHARACTERS] for line in text.split("\n", _MOST_LINES)[:_MOST_LINES]]
    for at, line in enumerate(lines):
        found = _AUTHOR.match(line)
        if found is None:
            continue
        beside = lines[max(0, at - _BESIDE) : at + _BESIDE + 1]
        subjects = [match[1] for one in beside if (match := _SUBJECT.match(one))]
        if not subjects or not any(_OTHER.match(one) for one in beside):
            continue  # "Da: ..." of a form, or in a sentence
        if is_forward_subject(subjects[-1]):
            continue
        return _address(found[1])
    return None


def _address(written: str) -> Address | None:
    written = _MAILTO.sub(r"<\1>", written.replace("*", ""))
    for one in parse_addresses(written, DefectLog(), "", 2):
        local, _, domain = one.addr_spec.rpartition("@")
        if local and "." in domain:
            return one
    return None
