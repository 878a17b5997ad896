"""Places that are told as no home, or no home any more: "non abito più a X", "ex residenti a X", "X non c'entra".

Enters: a reading and the words of a place in it. Leaves: whether the sentence around the place denies or ends the home
there, in any person, tense and order of words (Italian; other languages' phrases are cues of role ``negato``). A denial
that the next words take back ("non siamo residenti a X, ma ci viviamo") is none. Also :func:`is_new_home`: the place
told in its stead ("... ma a Y"). Pure and total.
"""

from __future__ import annotations

import re

from triage.classify.territory.spelling import Gap, Reading

_LEFT, _RIGHT = 14, 9
"""Words read on either side, as far as the sentence goes."""

_LIVE = (
    r"(?:abit(?:o|i|a|iamo|ate|ano|ava|avo|avi|avamo|avano|ero|era|eremo|ato|are)"
    r"|viv(?:o|i|e|iamo|ete|ono|evo|eva|evamo|evano|ere|remo|ro)|vissut[oaie]"
    r"|risied(?:o|i|e|iamo|ono|evo|eva|evamo|ere)|risiedut[oaie])"
)
_STAY = r"(?:sto|stai|sta|stiamo|stanno|sono|siamo|siete|e|stavo|stava|stavamo|stavano)"
_HOUSED = r"(?:residente|residenti|domiciliat[oaie]|abitante|abitanti|cittadin[oaie])"
_SMALL = (
    r"(?: (?:ci|vi|mi|ti|si|ce|ve|ne|lo|la|l|mai|piu|noi|io|ho|ha|abbiamo|hanno|sono|siamo|e|sto|stiamo"
    r"|stat[oaie]))*"
)
_FILLING = (
    r"(?: (?:,|piu|ora|adesso|oggi|ormai|nemmeno|neanche|neppure|proprio|mica|affatto|purtroppo|tutti|noi|io|da|dal|per"
    r"|un|uno|una|due|tre|quattro|cinque|sei|dieci|vent|diversi|tanti|molti|alcuni|qualche|un po|anno|anni|mese|mesi"
    r"|settimane|tempo|molto|parecchio|poco|gennaio|febbraio|marzo|aprile|maggio|giugno|luglio|agosto|settembre|ottobre"
    r"|novembre|dicembre|estate|inverno|primavera|autunno|scorso|scorsa|\d+|stabilmente))*"
)
_PLACING = (
    r"(?: (?:in quel|nel comune|nella zona|in zona|nel paese|nella citta|nella frazione|in frazione|dalle parti))?"
    r"(?: (?:a|ad|di|da|in|al|alla|alle|nel|nella))?"
)
_END = _FILLING + _PLACING + r" $"
_DENIED_BEFORE = re.compile(
    rf" (?:non|nn){_SMALL} {_LIVE}{_END}"
    rf"| (?:non|nn){_SMALL} {_HOUSED}{_END}"
    rf"| (?:non|nn)(?: (?:ci|noi|io|mi))* {_STAY} piu{_END}"
    rf"| non (?:ho|abbiamo|ha|hanno|avendo) piu (?:la residenza|il domicilio|la casa|casa){_END}"
    rf"| ex (?:{_HOUSED}|famiglia|mamma){_PLACING} $| ex $"
    rf"| (?:ho|abbiamo|ha|hanno|avevo|avevamo) (?:gia |prima |anche )?(?:vissuto|abitato|risieduto|lasciato){_END}"
    rf"| (?:trasferit[oaie]|traslocat[oaie]|(?:andat|venut)[oaie] via|ne \w+ andat[oaie]|trasferiamo|trasferisco|via)"
    rf"{_FILLING} (?:da|dal|dalla)(?: frazione)? $"
    r"| (?:niente|nulla|poco) (?:a|da) che (?:vedere|fare|spartire) con $"
    r"| non (?:c entr\w+|centr\w+)(?: niente| nulla)? con $"
)
_HOME_BEFORE = re.compile(rf" (?:{_LIVE}|{_STAY}|{_HOUSED}){_END}")
_DENIED_AFTER = re.compile(
    r"^(?: ,)?(?: (?:noi|io|ormai|ora|adesso|purtroppo|pero|invece|li))*(?:"
    r" non (?:c entr|ci entr|centr)\w+"
    rf"| non (?:ci |vi |mi )?(?:{_LIVE}|{_STAY}) (?:proprio |mica )?piu\b"
    r"(?! (?:con|insieme|come|bene|in grado|sol[oaie]))"
    rf"| non (?:ci |vi )?{_LIVE}(?: ,| da\b| $)"
    r"| (?:ci )?(?:abitav|vivev|stav)(?:o|a|amo|ano)\b"
    r"| l (?:ho|abbiamo) lasciat[oa]\b"
    r"| non e (?:piu )?(?:casa|la nostra|il nostro|la mia|il mio|il paese dove|dove) )"
)
_NOT_THERE = re.compile(
    rf"^(?: ,)? (?:ma|pero)(?: (?:ora|adesso|ormai|di fatto))? non ci (?:{_LIVE}|sto|stiamo)\b(?! (?:bene|vol))"
)
"""Registered there and living elsewhere: where, is to be asked."""
_TAKEN_BACK = re.compile(
    rf"(?<! non) (?:ci|vi) (?:{_LIVE}|sto|stiamo|sta|stanno)\b|(?<! non) (?:{_LIVE}|domiciliat[oaie]) (?:li|qui|qua)\b"
)
_NEW_HOME = re.compile(
    r"^(?: ,)?(?: (?:ma|bensi|pero))?(?: (?:e|ora|adesso|oggi|attualmente|siamo|sono|sto|stiamo|dal|da)){0,3}"
    rf"{_FILLING}{_PLACING} $"
)
_TURNS = frozenset({"ma", "bensi", "ora", "adesso", "oggi", "attualmente"})


def is_left_behind(reading: Reading, first: int, last: int) -> bool:
    """Whether the sentence denies or ends a home in the place at words ``first`` to ``last``."""
    before, after = _before(reading, first), _after(reading, last)
    if _DENIED_BEFORE.search(before):
        return not _TAKEN_BACK.search(after)
    if _NOT_THERE.match(after):
        return True
    return bool(_DENIED_AFTER.match(after)) and not _HOME_BEFORE.search(before)


def is_new_home(reading: Reading, left: int, first: int) -> bool:
    """Whether the place at ``first`` is told in the stead of the one that ends at ``left``: "..., ora a Y"."""
    between = range(left + 1, first + 1)
    if len(between) > _RIGHT or any(reading.gaps[index] is Gap.HARD for index in between):
        return False
    words = _joined(reading, left + 1, first) + (", " if reading.gaps[first] is Gap.SOFT else "")
    return not _TURNS.isdisjoint(words.split()) and bool(_NEW_HOME.match(words))


def _before(reading: Reading, first: int) -> str:
    start = first
    while start > 0 and first - start < _LEFT and reading.gaps[start] is not Gap.HARD:
        start -= 1
    return _joined(reading, start, first) + (", " if reading.gaps[first] is Gap.SOFT else "")


def _after(reading: Reading, last: int) -> str:
    end = last + 1
    while end < len(reading.words) and end - last <= _RIGHT and reading.gaps[end] is not Gap.HARD:
        end += 1
    return _joined(reading, last + 1, end)


def _joined(reading: Reading, start: int, end: int) -> str:
    """Words with one space on either side; a comma or bracket before a word stands as a word of its own."""
    commas = (" ," if reading.gaps[index] is Gap.SOFT else "" for index in range(start, end))
    words = reading.words[start:end]
    return "".join(f"{comma} {word}" for comma, word in zip(commas, words, strict=True)) + " "
