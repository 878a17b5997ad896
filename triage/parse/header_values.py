"""Raw header field values -> decoded text and parameters, never failing.

Encoded words (RFC 2047) are read also where the RFC forbids them (in quoted strings, with spaces or
line ends inside, next to other text), because mail programs write them there. Raw octets beyond
ASCII are UTF-8 (RFC 6532) or else Windows-1252 (RFC 7103 section 7.2.1).
"""

from __future__ import annotations

import binascii
import re
from urllib.parse import unquote_to_bytes

from triage.parse.charsets import decode_text
from triage.parse.cleaning import clean_line
from triage.parse.limits import DefectLog

_ENCODED_WORD = re.compile(r"=\?([A-Za-z0-9_.:()+-]{0,60})(?:\*[A-Za-z0-9-]{0,20})?\?([bBqQ])\?([^?]*)\?=")
_MAX_PARAMETERS = 100
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]")
_CONTINUED = re.compile(r"([^*]+)\*(\d{1,3})?(\*)?\Z")


def unfold(raw: bytes, defects: DefectLog, name: str) -> str:
    """The field's text on one line, still with its encoded words."""
    if raw.isascii():
        text = raw.decode("ascii")
    else:
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            defects.add("header_not_utf8", name)
            text = raw.decode("cp1252", "replace")
    return text.replace("\r", "").replace("\n", "").strip()


def decode_unstructured(text: str, defects: DefectLog, name: str) -> str:
    """Text with its encoded words decoded, cleaned, on one line."""
    if "=?" not in text:
        return clean_line(text)
    return clean_line(decode_words(text, defects, name))


def decode_words(text: str, defects: DefectLog, name: str) -> str:
    """Replaces encoded words. Neighbours of one charset are joined before their octets are
    decoded: some programs cut a character in two (against RFC 2047 section 5)."""
    out: list[str] = []
    waiting: list[bytes] = []
    charset = ""
    position = 0
    for word in _ENCODED_WORD.finditer(text):
        between = text[position : word.start()]
        if waiting and (word[1].lower() != charset or not (between == "" or between.isspace())):
            out.append(decode_text(b"".join(waiting), charset, defects, name))
            waiting = []
            between = "" if between.isspace() else between
        elif waiting:
            between = ""
        out.append(between)
        charset = word[1].lower()
        waiting.append(_word_octets(word[2], word[3]))
        position = word.end()
    if waiting:
        out.append(decode_text(b"".join(waiting), charset, defects, name))
    out.append(text[position:])
    return "".join(out)


def _word_octets(encoding: str, text: str) -> bytes:
    if encoding in "qQ":
        return binascii.a2b_qp(text.replace("\n", "").encode("utf-8", "ignore"), header=True)
    solid = _NOT_BASE64.sub("", text)
    usable = len(solid) - (len(solid) % 4 == 1)
    return binascii.a2b_base64(solid[:usable] + "=" * (-usable % 4))


def parse_parameters(text: str, defects: DefectLog, name: str) -> tuple[str, dict[str, str]]:
    """(value, parameters) of Content-Type or Content-Disposition; names and value lower case.

    RFC 2231 continuations and charsets are joined and decoded. Of repeated parameters the first
    stands.
    """
    pieces = _split_parameters(text)
    value = "".join(pieces[0].split()).lower()
    plain: dict[str, str] = {}
    continued: dict[str, dict[int, tuple[bool, str]]] = {}
    if len(pieces) > _MAX_PARAMETERS:
        defects.add("limit_parameters", name)
    for piece in pieces[1:_MAX_PARAMETERS]:
        key, equals, raw = piece.partition("=")
        key = key.strip().lower()
        if not equals or not key:
            if piece.strip():
                defects.add("parameter_malformed", name)
            continue
        raw = _unquote(raw.strip())
        section = _CONTINUED.match(key)
        if section is None:
            plain.setdefault(key, raw)
        else:
            number = int(section[2] or 0)
            encoded = bool(section[3]) or section[2] is None
            continued.setdefault(section[1], {}).setdefault(number, (encoded, raw))
    result = {key: decode_unstructured(raw, defects, name) for key, raw in plain.items()}
    for key, sections in continued.items():
        # RFC 2231 values win over a plain twin written for old readers (RFC 6266 section 4.3).
        result[key] = clean_line(_join_sections(sections, defects, name))
    return value, result


def _split_parameters(text: str) -> list[str]:
    """Splits at semicolons outside quoted strings and comments; comments are dropped."""
    if '"' not in text and "(" not in text:
        return text.split(";")
    pieces: list[str] = []
    current: list[str] = []
    quoted = False
    depth = 0
    escaped = False
    for sign in text:
        if escaped:
            escaped = False
        elif sign == "\\" and (quoted or depth):
            escaped = True
        elif sign == '"' and not depth:
            quoted = not quoted
        elif not quoted and sign == "(":
            depth += 1
        elif not quoted and depth and sign == ")":
            depth -= 1
            continue
        elif sign == ";" and not quoted and not depth:
            pieces.append("".join(current))
            current = []
            continue
        if not depth:
            current.append(sign)
    pieces.append("".join(current))
    return pieces


def _unquote(raw: str) -> str:
    if len(raw) >= 2 and raw[0] == '"':
        raw = raw[1 : -1 if raw[-1] == '"' else None]
        return re.sub(r'\\(["\\])', r"\1", raw)
    return raw.strip("'\"")


def _join_sections(sections: dict[int, tuple[bool, str]], defects: DefectLog, name: str) -> str:
    charset = ""
    octets: list[bytes] = []
    for place, number in enumerate(sorted(sections)):
        encoded, raw = sections[number]
        if place == 0 and encoded and raw.count("'") >= 2:
            charset, _, raw = raw.split("'", 2)
        octets.append(unquote_to_bytes(raw) if encoded else raw.encode("utf-8", "ignore"))
    text = decode_text(b"".join(octets), charset, defects, name)
    return decode_words(text, defects, name) if "=?" in text else text
