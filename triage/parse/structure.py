"""Octets -> a tree of parts (RFC 2046), by offsets, without copying or decoding bodies.

Our own splitter instead of ``email``: that one turns every line of every attachment into text
(147 ms for 5 MB), recurses once per nesting and tests each line against every open boundary, so
that nesting stops it (RecursionError) and depth multiplies time. Here a body is only searched for
its boundary, and an outer boundary always ends the parts inside it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from triage.parse.header_values import parse_parameters, unfold
from triage.parse.limits import Budget, DefectLog
from triage.parse.transfer import PLAIN, decode_transfer

_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*:")
_HEADER_END = re.compile(rb"\r?\n(?=\r?\n)")
_KNOWN_FIELD = re.compile(
    rb"(?:(?:content|resent|list|x|arc|dkim|received|return|mime|message|reply|in-reply|delivered|auto)-[A-Za-z0-9-]{1,60}"
    rb"|received|from|to|cc|bcc|subject|date|sender|references)[ \t]*:",
    re.IGNORECASE,
)
_LATE_BEGINNING = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]*")
_MALFORMED_FIELD = re.compile(rb"[^\s:]*:")
_GUESSED_BOUNDARY = re.compile(rb"(?:\A|\n)--([^\s-][^\r\n]{0,200}?)[ \t]*\r?\nContent-", re.IGNORECASE)
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\Z")
_MESSAGE_TYPES = frozenset({"message/rfc822", "message/global", "message/news"})
_EML_CARRIERS = frozenset({"application/octet-stream", "application/eml", "application/x-eml"})


@dataclass(frozen=True, slots=True)
class Part:
    """One part: where its body stands in ``octets``, and what its header section says.

    ``children`` holds the parts of a multipart, or the one message of a message/rfc822.
    ``number`` is the IMAP section number ("2.1"), the only name a part has in defects.
    """

    octets: bytes
    start: int
    end: int
    fields: tuple[tuple[str, str], ...]
    """Names as written, values unfolded and not decoded."""
    content_type: str
    parameters: dict[str, str]
    disposition: str
    disposition_parameters: dict[str, str]
    encoding: str
    number: str
    children: tuple[Part, ...] = ()
    outside: tuple[tuple[int, int], ...] = ()
    """Where text stands before the first and after the last boundary."""
    unopened: bool = False
    """A cap was reached: there are parts inside, but they were not looked at."""
    begin: int = 0
    """Where its header section begins: a signature covers the part from here on (RFC 1847 section 2.1)."""

    def value(self, name: str) -> str:
        """The first field of that name, unfolded, or ""."""
        wanted = name.lower()
        return next((value for key, value in self.fields if key.lower() == wanted), "")

    @property
    def file_name(self) -> str:
        return self.disposition_parameters.get("filename") or self.parameters.get("name") or ""


def read_structure(octets: bytes, budget: Budget, defects: DefectLog) -> Part:
    """The whole message as a tree. Beyond a cap a part stays an unopened leaf."""
    if b"\n" not in octets and b"\r" in octets:
        defects.add("bare_cr_lines")
        octets = octets.replace(b"\r", b"\n")
    beginning = _beginning(octets, defects)
    return _read_part(octets, beginning, len(octets), "", budget.depth, "text/plain", budget, defects)


def _beginning(octets: bytes, defects: DefectLog) -> int:
    """Where the header section begins: a byte order mark or empty lines before it make no body of it."""
    late = _LATE_BEGINNING.match(octets)
    if late is None or not late.end() or not _KNOWN_FIELD.match(octets, late.end()):
        return 0
    defects.add("header_begins_late")
    return late.end()


def _read_part(
    octets: bytes, start: int, end: int, number: str, depth: int, default_type: str, budget: Budget, defects: DefectLog
) -> Part:
    fields, body = _read_header_section(octets, start, end, budget, defects, number)
    first: dict[str, str] = {}
    for name, value in fields:
        first.setdefault(name.lower(), value)
    content_type, parameters = _media_type(first.get("content-type"), default_type, defects, number)
    disposition, disposition_parameters = parse_parameters(first.get("content-disposition", ""), defects, number)
    encoding = first.get("content-transfer-encoding", "").split(";")[0].split("(")[0].strip(" \t\"'").lower()
    part = Part(
        octets,
        body,
        end,
        fields,
        content_type,
        parameters,
        disposition,
        disposition_parameters,
        encoding,
        number,
        begin=start,
    )
    if content_type.startswith("multipart/"):
        return _with_children(part, depth, budget, defects)
    if _holds_message(part):
        return _with_message(part, depth, budget, defects)
    return part


def _media_type(raw: str | None, default: str, defects: DefectLog, number: str) -> tuple[str, dict[str, str]]:
    if raw is None:
        return default, {}
    content_type, parameters = parse_parameters(raw, defects, number)
    if _MEDIA_TYPE.match(content_type):
        return content_type, parameters
    defects.add("content_type_invalid", number)
    # RFC 2045 section 5.2, save where only the file name can tell that it is no text.
    return ("application/octet-stream" if parameters.get("name") else "text/plain"), parameters


def _read_header_section(
    octets: bytes, start: int, end: int, budget: Budget, defects: DefectLog, number: str
) -> tuple[tuple[tuple[str, str], ...], int]:
    """Fields and the offset of the body."""
    if octets.startswith((b"\n", b"\r\n"), start, end):
        return (), min(end, start + (1 if octets.startswith(b"\n", start) else 2))
    found = _HEADER_END.search(octets, start, end)
    section_end = found.start() if found else end
    body = end
    if found:
        body = min(end, found.end() + (1 if octets.startswith(b"\n", found.end()) else 2))
    lines = octets[start : start + budget.take_header(section_end - start, number)].split(b"\n")
    raw, taken = _collect_fields(lines, budget, defects, number)
    if taken is not None:
        defects.add("header_without_end", number)
        body = start + taken
    return tuple((name.decode("ascii"), unfold(value, defects, number)) for name, value in raw), body


def _collect_fields(
    lines: list[bytes], budget: Budget, defects: DefectLog, number: str
) -> tuple[list[tuple[bytes, bytes]], int | None]:
    """Fields, and how many octets they took when the body begins without an empty line."""
    fields: list[tuple[bytes, list[bytes]]] = []
    taken = 0
    for place, line in enumerate(lines):
        found = _FIELD.match(line)
        if found:
            if len(fields) == budget.limits.header_fields:
                defects.add("limit_header_fields", number)
                break
            fields.append((found[1], [line[found.end() :]]))
        elif line[:1] in (b" ", b"\t") and fields:
            fields[-1][1].append(line)
        elif place == 0 and line.startswith((b"From ", b">From ")):
            defects.add("mbox_from_line", number)
        elif place == 0 and not number and line.strip() and all(map(_KNOWN_FIELD.match, lines[1:3])) and lines[2:]:
            defects.add("header_line_malformed", number)
        elif fields and line.strip() and place + 1 < len(lines) and _KNOWN_FIELD.match(lines[place + 1]):
            # More fields follow, so the header goes on. Either a folded line has lost its leading space, or
            # this is a field whose name is none (RFC 7103 section 7.1.4).
            defects.add("header_line_malformed", number)
            if not _MALFORMED_FIELD.match(line):
                fields[-1][1].append(b" " + line)
        elif line.strip():
            return [(name, b"".join(values)) for name, values in fields], taken
        taken += len(line) + 1
    return [(name, b"".join(values)) for name, values in fields], None


def _with_children(part: Part, depth: int, budget: Budget, defects: DefectLog) -> Part:
    if depth >= budget.limits.depth or not budget.take_search(part.end - part.start):
        defects.add("limit_depth", part.number)
        return replace(part, unopened=True)
    octets, start, end = part.octets, part.start, part.end
    boundary = part.parameters.get("boundary", "").encode("utf-8")
    spans, outside = _split(octets, start, end, boundary, budget)
    if not spans and part.encoding not in PLAIN:
        # Composite types must not be encoded (RFC 2045 section 6.4); some gateways do it.
        octets = decode_transfer(octets[start:end][: budget.octets_left()], part.encoding, defects, part.number)
        budget.spend_octets(len(octets))
        start, end = 0, len(octets)
        spans, outside = _split(octets, start, end, boundary, budget)
    if not spans:
        guessed = _GUESSED_BOUNDARY.search(octets, start, min(end, start + 65_536))
        if guessed:
            spans, outside = _split(octets, start, end, guessed[1], budget)
        defects.add("boundary_guessed" if spans else "boundary_not_found", part.number)
    if spans and spans[-1][1] == end:
        defects.add("boundary_not_closed", part.number)
    default_type = "message/rfc822" if part.content_type == "multipart/digest" else "text/plain"
    children: list[Part] = []
    for place, (first, last) in enumerate(spans, start=1):
        if not budget.take_part():
            break
        number = f"{part.number}.{place}" if part.number else str(place)
        children.append(_read_part(octets, first, last, number, depth + 1, default_type, budget, defects))
    return replace(
        part,
        octets=octets,
        start=start,
        end=end,
        children=tuple(children),
        outside=outside,
        unopened=bool(spans) and not children,
    )


def _split(
    octets: bytes, start: int, end: int, boundary: bytes, budget: Budget
) -> tuple[list[tuple[int, int]], tuple[tuple[int, int], ...]]:
    """Spans of the parts between delimiter lines, one more than the budget has, and of what stands outside them
    (RFC 2046 section 5.1.1)."""
    if not boundary:
        return [], ()
    delimiter = b"--" + boundary
    spans: list[tuple[int, int]] = []
    open_at: int | None = None
    preamble_end = end
    position = octets.find(delimiter, start, end)
    while position >= 0:
        after, closing = _delimiter_line(octets, position, position + len(delimiter), start, end)
        if after is not None:
            line_start = _before_line_end(octets, position, start)
            if open_at is None:
                preamble_end = line_start
            else:
                spans.append((open_at, max(open_at, line_start)))
            if closing:
                return spans, ((start, preamble_end), (after, end))
            if len(spans) > budget.parts_left():
                return spans, ((start, preamble_end),)
            open_at = after
        elif not budget.take_false_delimiter():
            break
        position = octets.find(delimiter, position + len(delimiter) if after is None else max(after, position + 1), end)
    if open_at is not None:
        spans.append((open_at, end))
    return spans, ((start, preamble_end),)


def _delimiter_line(octets: bytes, position: int, after: int, start: int, end: int) -> tuple[int | None, bool]:
    """(offset after the line, whether it closes), or (``None``, False) when it is no delimiter."""
    if position > start and octets[position - 1] not in b"\n\r":
        return None, False
    closing = octets.startswith(b"--", after, end)
    if closing:
        after += 2
    while after < end and octets[after] in b" \t":
        after += 1
    if octets.startswith(b"\r\n", after, end):
        return after + 2, closing
    if after >= end or octets[after] in b"\n\r":
        return min(end, after + 1), closing
    return (after, True) if closing else (None, False)


def _before_line_end(octets: bytes, position: int, start: int) -> int:
    """The line end before a delimiter belongs to the delimiter."""
    if octets.startswith(b"\r\n", position - 2) and position - 2 >= start:
        return position - 2
    return position - 1 if position > start else position


def _holds_message(part: Part) -> bool:
    if part.content_type in _MESSAGE_TYPES:
        return True
    # PEC providers and webmail attach messages as octet streams named *.eml.
    return part.content_type in _EML_CARRIERS and part.file_name.lower().endswith(".eml")


def _with_message(part: Part, depth: int, budget: Budget, defects: DefectLog) -> Part:
    if depth >= budget.limits.depth:
        defects.add("limit_depth", part.number)
        return replace(part, unopened=True)
    if not budget.take_part():
        return replace(part, unopened=True)
    octets, start, end = part.octets, part.start, part.end
    if part.encoding not in PLAIN:
        octets = decode_transfer(octets[start:end][: 2 * budget.octets_left()], part.encoding, defects, part.number)
        octets = octets[: budget.octets_left()]
        budget.spend_octets(len(octets))
        start, end = 0, len(octets)
    message = _read_part(octets, start, end, part.number + ".1", depth + 1, "text/plain", budget, defects)
    return replace(part, children=(message,))
