"""What tells who somebody is by its shape alone: addresses, numbers, codes, dates of birth.

In: a text. Out: spans. What helps to sort a message stays outside them: the word for a street, the prefix of a place,
the host of a link. Control characters are not asked: a code with a slip in it names the person all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from triage.classify.folding import fold
from triage.pseudonyms.kinds import Kind, Span

_EMAIL = re.compile(
    r"[\w.+'-]{1,64}\s?(?:@|\(at\)|\[at\]|\(chiocciola\)|\schiocciola\s)\s?[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}",
    re.IGNORECASE,
)
_URL = re.compile(r"(?:https?://|www\.)([^\s/<>\"')\]]{1,255})([/?#][^\s<>\"')\]]*)?", re.IGNORECASE)
_TELLING = re.compile(r"[\d@=?%]|~|/(?:u|user|utente|profile|in|p)/", re.IGNORECASE)
"""In the part of a link after the host: something that may name one person."""
_DIGIT = "[0-9LMNPQRSTUV]"  # digits, or the letters that stand for them (DM 23/12/1976, omocodia)
_TAX_CODE = re.compile(
    rf"\b[A-Z]{{3}}\s?[A-Z]{{3}}\s?{_DIGIT}{{2}}\s?[A-EHLMPRST]\s?{_DIGIT}{{2}}\s?[A-Z]{_DIGIT}{{3}}\s?[A-Z]\b",
    re.IGNORECASE,
)
_IBAN = re.compile(
    r"\bIT[ .-]?\d{2}[ .-]?[A-Z](?:[ .-]?\d){10}(?:[ .-]?[A-Z0-9]){12}\b"
    r"|\b[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]{4}){3,7}(?:[ ]?[A-Z0-9]{1,3})?\b",
    re.IGNORECASE,
)
_HEALTH_CARD = re.compile(r"(?<!\d)8038(?:[ .-]?\d){16}(?!\d)|(?<=tessera sanitaria )(?:n\S{0,2} ?)?\d[\d ]{5,24}\d")
_PLATE = re.compile(r"\b[A-HJ-NPR-TV-Z]{2}[ -]?\d{3}[ -]?[A-HJ-NPR-TV-Z]{2}\b")
_PLATE_SAID = re.compile(r"(?<=targa)(?:ta|to)?\W{1,3}([a-z]{2}[ -]?\d{3,5}[ -]?[a-z]{0,2})\b", re.IGNORECASE)

_PHONE = re.compile(r"(?<![\w/.-])(?:(?:\+|00)\d{1,3}[ ./-]{0,2})?\(?\d(?:[ ./()-]{0,2}\d){5,13}(?![\d/]|[.,]\d|\w)")
_PREFIX = re.compile(r"(?:0(?:37[1-7]|386|30|35|2|52[123]|45)|0\d{1,3}(?=[ ./-]))")
_SAID = re.compile(
    r"(?:tel|telef\w*|cell\w*|fax|numero|wapp|whatsapp|chiam\w*|phone|call|mobile|telefon|cel|numar\w*|num[eé]ro)\W{0,4}(?:\w+\W{1,2}){0,3}$",
    re.IGNORECASE,
)
_SPELT = re.compile(
    r"\b(?:(?:zero|uno|due|tre|quattro|cinque|sei|sette|otto|nove)[ ,.-]{1,2}){2,}"
    r"(?:zero|uno|due|tre|quattro|cinque|sei|sette|otto|nove|\d[\d ./-]{3,})",
    re.IGNORECASE,
)
_INITIALS = re.compile(
    r"(?<![\w.])(?!P\.S|N\.B|C\.F|A\.S|I\.C|D\.S|U\.O|C\.A|S\.S|L\.R|D\.M|S\.R|T\.U)[A-Z]\. ?[A-Z]\.(?![\w.])"
)
_AMOUNT = re.compile(r"(?:€|euro|eur)\s?$", re.IGNORECASE)

_MONTH = "gen\\w*|feb\\w*|mar\\w*|apr\\w*|mag\\w*|giu\\w*|lug\\w*|ago\\w*|set\\w*|ott\\w*|nov\\w*|dic\\w*"
_MONTHS_ABROAD = (
    "jan\\w*|may|mai|june?|july?|aug\\w*|oct\\w*|dec\\w*|iun\\w*|iul\\w*|août|enero|abril|mayo|junio|julio|agosto"
)
_DATE = re.compile(
    rf"(?<![\d/.-])(?:\d{{1,2}}[ ./-]{{1,2}}\d{{1,2}}[ ./-]{{1,2}}(?:19|20)?\d{{2}}|(?:19|20)\d{{2}}-\d{{2}}-\d{{2}}"
    rf"|\d{{1,2}}°?(?:st|nd|rd|th)? (?:de )?(?:{_MONTH}|{_MONTHS_ABROAD})\.?(?: (?:de(?:l)? )?(?:19|20)?\d{{2}}\b)?"
    rf"|(?:{_MONTHS_ABROAD}) \d{{1,2}},? (?:19|20)\d{{2}})(?![\d/])",
    re.IGNORECASE,
)
_BORN = re.compile(
    r"(?:\b(?:nat[oaie]|nascita|born|birth|nascut\w*|nee?|nacid[oa]|lindur|народ\w*)\b|\bn\.)[^!?\n]{0,70}$",
    re.IGNORECASE,
)
_BIRTH_YEAR = re.compile(r"(?<=\bnat[oaei] )(?:nel(?:l'anno)? |il )?((?:19|20)\d{2})\b", re.IGNORECASE)

_STREET = re.compile(
    r"\b(?:via|viale|v\.le|vle|piazza|p\.?zza|piazzale|p\.?le|piazzetta|corso|c\.so|vicolo|vic\.|strada|largo|contrada"
    r"|cascina|c\.na|località|loc\.|borgo|quartiere|rue|calle|street)[ ]+"
    # Each word is taken whole, or a long one could be cut up in very many ways.
    r"((?:(?>[^\W\d_]+)[.'’]?[ ]*|\d{1,2}(?= +[^\W\d_])[ ]+){1,6}[ ,.]{0,3}(?:n\.?°? ?|n[°r]\.? ?|nr\.? ?|civico )?"
    r"\d{1,4}(?:/?[A-Za-z]\b|[ ]?/[ ]?[A-Za-z]\b|[ ](?-i:[A-Z])\b(?!['’])|/\d{1,3}\b)?"
    r"(?:[ ,]{1,2}int(?:erno|\.)? ?\d+)?)",
    re.IGNORECASE,
)
_ALSO_A_WORD = re.compile(r"(?:corso|strada|largo|borgo|calle|quartiere|via libera|via di)\b", re.IGNORECASE)
_NO_STREET = re.compile(
    r"\b(?:e?-?mail|telefono|fax|whatsapp|internet|sms|ha|hai|ho|da|dalle|alle|per|con|che|anni|ore)\b", re.IGNORECASE
)


def shapes(text: str) -> list[Span]:
    """All of them, none within another, in order."""
    found: list[Span] = []
    for span in _candidates(text):
        if all(span.end <= other.start or span.start >= other.end for other in found):
            found.append(span)
    return sorted(found, key=lambda span: span.start)


def _candidates(text: str) -> Iterator[Span]:
    """What is surest comes first and takes its place."""
    yield from _links(text)
    for kind, pattern in (
        (Kind.EMAIL, _EMAIL),
        (Kind.TAX_CODE, _TAX_CODE),
        (Kind.IBAN, _IBAN),
        (Kind.HEALTH_CARD, _HEALTH_CARD),
        (Kind.PLATE, _PLATE),
    ):
        yield from (Span(match.start(), match.end(), kind) for match in pattern.finditer(text))
    yield from (Span(match.start(1), match.end(1), Kind.PLATE) for match in _PLATE_SAID.finditer(text))
    yield from (Span(match.start(), match.end(), Kind.PERSON) for match in _INITIALS.finditer(text))
    yield from _dates(text)
    yield from _streets(text)
    yield from _phones(text)


def _links(text: str) -> Iterator[Span]:
    for match in _URL.finditer(text):
        if match[2] and _TELLING.search(match[2]):
            yield Span(match.start(2), match.end(2), Kind.URL)
        if "@" in match[1]:
            yield Span(match.start(1), match.end(1), Kind.URL)


def _dates(text: str) -> Iterator[Span]:
    folded = fold(text)
    for match in _DATE.finditer(text):
        if _BORN.search(folded[max(0, match.start() - 90) : match.start()]):
            yield Span(match.start(), match.end(), Kind.BIRTH_DATE)
    yield from (Span(match.start(1), match.end(1), Kind.BIRTH_DATE) for match in _BIRTH_YEAR.finditer(text))


def _streets(text: str) -> Iterator[Span]:
    for match in _STREET.finditer(text):
        doubtful = _ALSO_A_WORD.match(match[0]) and match[0][0].islower() and match[1][0].islower()
        if not doubtful and not _NO_STREET.search(match[1]):
            yield Span(match.start(1), match.end(1), Kind.STREET)


def _phones(text: str) -> Iterator[Span]:
    yield from (Span(match.start(), match.end(), Kind.PHONE) for match in _SPELT.finditer(text))
    for match in _PHONE.finditer(text):
        digits = sum(sign.isdigit() for sign in match[0])
        said = _SAID.search(text[max(0, match.start() - 60) : match.start()])
        begins = match[0].lstrip("(").startswith(("+", "00", "0", "3"))
        if digits < 6 or digits > 15 or _AMOUNT.search(text[max(0, match.start() - 6) : match.start()]):
            continue
        if said or (begins and digits >= 8 and not _DATE.fullmatch(match[0])):
            # The prefix names a place, and thousands share it.
            prefix = _PREFIX.match(match[0])
            yield Span(match.start() + (prefix.end() if prefix else 0), match.end(), Kind.PHONE)
