"""The beginnings of an answer that staff write, and what of a text is their own. Pure.

In: the rules and the person who signs. Out: texts with places to fill in, each a line or words in square brackets that
begin with "scrivi qui". A text that still has one, or nothing beside the frame, is no answer and does not leave.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import takewhile

from triage.rules.types import Rules

GREETING, THANKS, GOODBYE = "Buongiorno,", "grazie per averci scritto.", "Un cordiale saluto,"
PLACE = "[scrivi qui la risposta]"
STARTERS: Mapping[str, str] = {
    "orari": "Orari e contatti",
    "dettaglio": "Chiediamo un dettaglio",
    "richiamo": "La richiamiamo",
}
"""What an answer may begin with: its code, and its button."""
_LEFT = re.compile(r"\[\s*scrivi qui[^\]]*\]", re.IGNORECASE)
_FRAME = frozenset({GREETING, THANKS, "Gentile famiglia,"})
_DAYS = ("lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica")


def beginning(rules: Rules, display: str, starter: str = "") -> str:
    """A whole letter, signed; with the paragraph of ``starter``, or with a place for the answer."""
    signature = f"{GOODBYE}\n{display}\n{rules.service.name}\n"
    return "\n\n".join((GREETING, THANKS, _paragraph(rules, starter) or PLACE, signature))


def started(rules: Rules, display: str, text: str, starter: str) -> str:
    """The text with the paragraph of ``starter``: where the answer belongs, before the goodbye, or at the end.

    Nothing that was typed is lost; a text that is still empty becomes the whole letter.
    """
    paragraph = _paragraph(rules, starter)
    if not paragraph:
        return text
    if not own_words(text):
        return beginning(rules, display, starter)
    if PLACE in text:
        return text.replace(PLACE, paragraph, 1)
    head, goodbye, tail = text.partition(GOODBYE)
    return f"{head.rstrip()}\n\n{paragraph}\n\n{goodbye}{tail}"


def own_words(text: str) -> str:
    """What staff themselves have written: neither the frame nor the signature nor a place to fill in."""
    lines = (_LEFT.sub("", line).strip() for line in takewhile(lambda line: line.strip() != GOODBYE, _lines(text)))
    return "\n".join(line for line in lines if line and line not in _FRAME)


def to_fill_in(text: str) -> str:
    """The first place of the text that is still to be filled in; empty: there is none."""
    found = _LEFT.search(text)
    return found[0] if found else ""


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").split("\n")


def _paragraph(rules: Rules, starter: str) -> str:
    phone = rules.service.phone
    if starter == "orari":
        reached = f"Può chiamarci al numero {phone} o rispondere" if phone else "Può rispondere"
        return f"{_hours(rules)}{reached} a questa mail quando vuole: la legge una persona."
    if starter == "dettaglio":
        return (
            "Per aiutarla meglio ci serve ancora un'informazione: [scrivi qui che cosa serve sapere].\n"
            "Basta rispondere a questa mail. Non occorre raccontare altro."
        )
    if starter == "richiamo":
        return (
            "Preferiamo parlarne con lei a voce: la chiamiamo [scrivi qui quando e a quale numero].\n"
            "Se preferisce un altro momento o un altro numero, ce lo scriva rispondendo a questa mail."
        )
    return ""


def _hours(rules: Rules) -> str:
    """The opening hours in a sentence, days with the same hours together; empty where the rules name none."""
    hours: dict[int, list[str]] = {}
    for span in sorted(rules.service.opening_hours, key=lambda one: (one.weekday, one.begin)):
        clock = f"dalle {span.begin.hour}:{span.begin.minute:02} alle {span.end.hour}:{span.end.minute:02}"
        hours.setdefault(span.weekday, []).append(clock)
    runs: list[list[int]] = []
    for day in hours:
        if runs and runs[-1][-1] == day - 1 and hours[runs[-1][0]] == hours[day]:
            runs[-1].append(day)
        else:
            runs.append([day])
    parts = [f"{_days(run)} {' e '.join(hours[run[0]])}" for run in runs]
    return f"I nostri uffici sono aperti {'; '.join(parts)}.\n" if parts else ""


def _days(run: list[int]) -> str:
    return _DAYS[run[0]] if len(run) == 1 else f"da {_DAYS[run[0]]} a {_DAYS[run[-1]]}"
