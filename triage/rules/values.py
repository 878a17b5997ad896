"""From a written string to a value, each with an error that says what to write instead.

The YAML reader leaves every scalar a string; these types do all conversion, none is guessed.
"""

from __future__ import annotations

import re
from datetime import date, time
from typing import Annotated, Any, LiteralString
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from triage.rules.addresses import AddressError, check_address, check_domain
from triage.vocabulary import TOPICS

CODE_PATTERN = "^[a-z][a-z0-9_]{0,39}$"
_SPAN = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])\s*-\s*([01]?[0-9]|2[0-3]):([0-5][0-9])")
_KIND: LiteralString = "rules"


def refusal(what: str, remedy: str) -> PydanticCustomError:
    """An error with the two halves of a ``Problem``."""
    return PydanticCustomError(_KIND, "{what}", {"what": what, "remedy": remedy})


def _clean_text(value: str) -> str:
    stripped = value.strip()
    if not stripped:
        raise refusal("the value is empty", "write a value, or leave the key out")
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in stripped):
        raise refusal("the value has a line break or a control character", "write it on one line")
    return stripped


def _to_whole(value: object) -> object:
    if isinstance(value, str):
        if not re.fullmatch(r"[0-9]{1,9}", value):
            raise refusal(f'"{value}" is no whole number', "write digits only, for example 40")
        return int(value)
    return value


def _to_kept(value: object) -> object:
    if value == "keep":
        return None
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,9}", value):
        raise refusal(f'"{value}" is no number of days', "write digits only, for example 365, or keep: for ever")
    return int(value) if isinstance(value, str) else value


def _to_fraction(value: object) -> object:
    if isinstance(value, str):
        if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,9})?", value):
            raise refusal(f'"{value}" is no number', "write it with a point, for example 0.90")
        return float(value)
    return value


def _to_flag(value: object) -> object:
    if isinstance(value, str):
        if value not in ("true", "false"):
            raise refusal(f'"{value}" is neither true nor false', "write true or false")
        return value == "true"
    return value


def _to_ticked(value: object) -> object:
    return tuple(value) if isinstance(value, list) else _to_flag(value)


def _to_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _checked_address(value: str) -> str:
    try:
        return check_address(value).addr_spec
    except AddressError as error:
        what = f'"{value}" cannot be used as an address: {error}'
        raise refusal(what, "write one address, like a@example.org") from None


def _checked_sender(value: str) -> str:
    address = _checked_address(value)
    if not address.isascii():
        # Everything that we send carries it: most servers and readers would refuse it all (RFC 6531).
        raise refusal(f'"{address}" cannot be used as our own address', "use one without accented letters")
    return address


def _checked_pattern(value: str) -> str:
    if not value.startswith("@"):
        return _checked_address(value)
    try:
        return "@" + check_domain(value[1:])
    except AddressError as error:
        raise refusal(f'"{value}" is no domain: {error}', "write it like @example.org") from None


def _checked_domain(value: str) -> str:
    try:
        return check_domain(value)
    except AddressError as error:
        raise refusal(f'"{value}" is no domain: {error}', "write it without @, like example.org") from None


def _checked_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise refusal(f'"{value}" is no time zone', "write Europe/Rome") from None
    return value


def _checked_code(value: str) -> str:
    if not re.fullmatch(CODE_PATTERN, value):
        raise refusal(f'"{value}" is no code', "use lower-case letters, digits and _, starting with a letter")
    return value


def _checked_topic(value: str) -> str:
    if value not in TOPICS:
        raise refusal(f'"{value}" is no topic', f"write one of {', '.join(TOPICS)}")
    return value


def _checked_language(value: str) -> str:
    if not re.fullmatch(r"[a-z]{2}", value):
        raise refusal(f'"{value}" is no language code', "write two lower-case letters, like it or en")
    return value


def _checked_span(value: str) -> str:
    found = _SPAN.fullmatch(value)
    if not found:
        raise refusal(f'"{value}" is no span of time', "write it like 09:00-12:30")
    if span_times(value)[0] >= span_times(value)[1]:
        raise refusal(f'"{value}" ends before it begins', "write the earlier time first")
    return value


def _checked_time(value: str) -> str:
    if not re.fullmatch(r"([01]?[0-9]|2[0-3]):[0-5][0-9]", value):
        raise refusal(f'"{value}" is no time of day', "write it like 08:30")
    return value


def _checked_day(value: str) -> str:
    full = value if len(value) == 10 else f"2000-{value}"  # a leap year: 29 February is a day
    try:
        date.fromisoformat(full)
    except ValueError:
        raise refusal(f'"{value}" is no day', "write 2026-12-24, or 11-13 for every year") from None
    return value


def _checked_authserv(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9])?", value):
        remedy = "copy the first word of Authentication-Results in a received message, up to the semicolon"
        raise refusal(f'"{value}" is no name of a server', remedy)
    return value.lower()


def _checked_website(value: str) -> str:
    if not re.fullmatch(r"https?://[A-Za-z0-9.-]+\.[A-Za-z]{2,}(?:/[!-~]*)?", value):
        raise refusal(f'"{value}" is no address of a site', "write it like https://www.example.org")
    return value


def span_times(value: str) -> tuple[time, time]:
    """Beginning and end of a checked span such as ``09:00-12:30``."""
    begin, _, end = value.partition("-")
    hours, _, minutes = begin.strip().partition(":")
    until_hours, _, until_minutes = end.strip().partition(":")
    return time(int(hours), int(minutes)), time(int(until_hours), int(until_minutes))


def day_time(value: str) -> time:
    """A checked time of day such as ``08:30``."""
    hours, _, minutes = value.partition(":")
    return time(int(hours), int(minutes))


Text = Annotated[str, AfterValidator(_clean_text)]
Whole = Annotated[int, BeforeValidator(_to_whole)]
Kept = Annotated[
    Annotated[int, Field(ge=30, le=36_500)] | None,
    BeforeValidator(_to_kept),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 30, "maximum": 36_500}, {"const": "keep"}]}),
]
"""A number of days, never less than bounces and hand-backs take to come back; or ``keep``: for ever."""
Share = Annotated[float, BeforeValidator(_to_fraction), Field(ge=0, le=1)]
Flag = Annotated[bool, BeforeValidator(_to_flag)]
AddressText = Annotated[str, AfterValidator(_checked_address)]
SenderText = Annotated[str, AfterValidator(_checked_sender)]
PatternText = Annotated[str, AfterValidator(_checked_pattern)]
DomainText = Annotated[str, AfterValidator(_checked_domain)]
ZoneText = Annotated[str, AfterValidator(_checked_zone)]
CodeText = Annotated[str, AfterValidator(_checked_code)]
TopicText = Annotated[str, AfterValidator(_checked_topic)]
LanguageText = Annotated[str, AfterValidator(_checked_language)]
SpanText = Annotated[str, AfterValidator(_checked_span)]
TimeText = Annotated[str, AfterValidator(_checked_time)]
DayText = Annotated[str, AfterValidator(_checked_day)]
WebText = Annotated[str, AfterValidator(_checked_website)]
AuthservText = Annotated[str, AfterValidator(_checked_authserv)]


Ticked = Annotated[
    bool | tuple[Text, ...],
    BeforeValidator(_to_ticked),
    WithJsonSchema({"anyOf": [{"type": "boolean"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
]
"""Confirmed as a whole, or only what is listed."""


def _one_or_more(item: dict[str, Any]) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]})


_several = Field(min_length=1)
Texts = Annotated[tuple[Text, ...], BeforeValidator(_to_list), _several, _one_or_more({"type": "string"})]
Codes = Annotated[
    tuple[CodeText, ...], BeforeValidator(_to_list), _several, _one_or_more({"type": "string", "pattern": CODE_PATTERN})
]
Topics = Annotated[
    tuple[TopicText, ...], BeforeValidator(_to_list), _several, _one_or_more({"type": "string", "enum": list(TOPICS)})
]
Languages = Annotated[
    tuple[LanguageText, ...],
    BeforeValidator(_to_list),
    _several,
    _one_or_more({"type": "string", "pattern": "^[a-z]{2}$"}),
]
Patterns = Annotated[tuple[PatternText, ...], BeforeValidator(_to_list), _several, _one_or_more({"type": "string"})]
Addresses = Annotated[tuple[AddressText, ...], BeforeValidator(_to_list), _several, _one_or_more({"type": "string"})]
Days = Annotated[tuple[DayText, ...], BeforeValidator(_to_list), _several, _one_or_more({"type": "string"})]
Spans = Annotated[tuple[SpanText, ...], BeforeValidator(_to_list), _several, _one_or_more({"type": "string"})]
