"""Address header fields -> ``Address`` tuples (RFC 5322 section 3.4), never failing.

One pass over the characters, so length costs no more than length. Tokens are found before encoded
words are decoded: a comma inside an encoded name separates nothing (RFC 2047 section 6.2).
Tolerated because mail programs write it: ``Rossi, Anna <a@example.org>`` without quotes, addresses
without brackets after a name, white space in addresses, whole addresses in an encoded word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from triage.parse.cleaning import clean_line
from triage.parse.header_values import decode_words
from triage.parse.limits import DefectLog
from triage.vocabulary import Address

_MAX_ADDRESS = 320
_MAX_NAME = 200
_BARE = re.compile(r"[^\s<>()\[\],;:\"]{1,128}@[^\s<>(),;:\"@]{1,255}")
_OUTER_COMMENT = re.compile(r"^\s*\([^()<>]*\)|\([^()<>]*\)\s*$")
_PATH = re.compile(r"[^\s<>()\[\],;:@\\\"\x00-\x1f\x7f]{1,256}@[^\s<>()\[\],;:@\\\"\x00-\x1f\x7f]{1,255}")
_AROUND_DOTS = re.compile(r"\s*\.\s*")
_MAX_FIELD = 200_000


@dataclass(slots=True)
class _Entry:
    """One address while it is read."""

    words: list[str] = field(default_factory=list)
    angle: list[str] | None = None
    comments: list[str] = field(default_factory=list)
    quoted: bool = False

    @property
    def empty(self) -> bool:
        return self.angle is None and not "".join(self.words).strip() and not self.comments


def parse_addresses(text: str, defects: DefectLog, name: str, limit: int) -> tuple[Address, ...]:
    """The mailboxes of an unfolded field value, groups flattened, at most ``limit``."""
    if len(text) > _MAX_FIELD:
        defects.add("limit_addresses", name)
        text = text[:_MAX_FIELD]
    entries = _tokenise(text, limit + 1)
    if len(entries) > limit:
        defects.add("limit_addresses", name)
    found: list[Address] = []
    carried = ""
    for entry in entries[:limit]:
        if entry.angle is None and not entry.quoted and not entry.comments and "@" not in "".join(entry.words):
            # "Rossi, Anna <a@b>": the first half of a name; kept as a name if nothing follows.
            carried = f"{carried}, {''.join(entry.words)}" if carried else "".join(entry.words)
            continue
        address = _address(entry, carried, defects, name)
        carried = ""
        found.append(address)
    if carried.strip():
        found.append(_address(_Entry([carried]), "", defects, name))
    return tuple(found)


def parse_path(text: str) -> str:
    """The address of a Return-Path field (RFC 5321 section 4.4); "" is the null path.

    One plain address is taken as it stands. Anything else is nobody's address and comes back in angle
    brackets: mended, it could be somebody's who never wrote to us.
    """
    bare = _OUTER_COMMENT.sub("", text).strip(" \t\r\n")
    if len(bare) > 1 and bare[0] == "<" and bare[-1] == ">":
        bare = bare[1:-1]
    if not bare.strip(" \t\r\n"):
        return ""
    if bare.isascii() and bare.replace("-", "").isalnum():
        return bare  # MAILER-DAEMON and its like
    if not _PATH.fullmatch(bare):
        return f"<{clean_line(bare)[:_MAX_ADDRESS].strip('<>')}>"
    local, _, domain = bare.rpartition("@")
    return f"{local}@{domain.rstrip('.').lower()}"


def _tokenise(text: str, limit: int) -> list[_Entry]:
    entries: list[_Entry] = []
    entry = _Entry()
    position = 0
    while position < len(text) and len(entries) < limit:
        sign = text[position]
        if sign == '"':
            quoted, position = _read_quoted(text, position + 1)
            if entry.angle is None and text[position : position + 1] == "@":
                quoted = f'"{quoted}"'
            else:
                entry.quoted = True
            entry.words.append(quoted)
            continue
        if sign == "(":
            comment, position = _read_comment(text, position + 1)
            entry.comments.append(comment)
            continue
        if sign == "<":
            end = text.find(">", position)
            inner = text[position + 1 : end] if end >= 0 else text[position + 1 :]
            if entry.angle is None:
                entry.angle = []
            entry.angle.append(inner)
            position = end + 1 if end >= 0 else len(text)
            continue
        position += 1
        if sign in ",;":
            if not entry.empty:
                entries.append(entry)
            entry = _Entry()
        elif sign == ":" and entry.angle is None and "@" not in "".join(entry.words[-40:]):
            entry = _Entry()  # a group's name; the members follow
        elif sign != ">":  # one that closes nothing
            entry.words.append(sign)
    if not entry.empty and len(entries) < limit:
        entries.append(entry)
    return entries


def _read_quoted(text: str, position: int) -> tuple[str, int]:
    out: list[str] = []
    while position < len(text) and text[position] != '"':
        if text[position] == "\\" and position + 1 < len(text):
            position += 1
        out.append(text[position])
        position += 1
    return "".join(out), position + 1


def _read_comment(text: str, position: int) -> tuple[str, int]:
    out: list[str] = []
    depth = 1
    while position < len(text):
        sign = text[position]
        if sign == "\\" and position + 1 < len(text):
            position += 1
            sign = text[position]
        elif sign == "(":
            depth += 1
        elif sign == ")":
            depth -= 1
            if depth == 0:
                return "".join(out), position + 1
        out.append(sign)
        position += 1
    return "".join(out), position


def _address(entry: _Entry, carried: str, defects: DefectLog, name: str) -> Address:
    words = "".join(entry.words)
    display = f"{carried},{words}" if carried else words
    spec = ""
    for candidate in entry.angle or ():
        spec = spec or _clean_spec(candidate)
    if not spec:
        display, spec = _from_bare_words(display, defects, name)
    shown = clean_line(decode_words(display, defects, name)).strip("\"' ,")
    if not spec and "@" in shown:
        encoded = _BARE.search(shown)
        if encoded:
            defects.add("address_encoded", name)
            spec = _clean_spec(encoded[0])
            shown = (shown[: encoded.start()] + shown[encoded.end() :]).replace("<>", "")
            shown = clean_line(shown).strip("\"' ,")
    if not shown and entry.comments:
        shown = clean_line(decode_words(entry.comments[0], defects, name)).strip("() ")
    if not spec:
        defects.add("address_missing", name)
    return Address(shown[:_MAX_NAME], spec)


def _from_bare_words(words: str, defects: DefectLog, name: str) -> tuple[str, str]:
    """(name, address) of an entry without angle brackets."""
    if "@" not in words:
        return words, ""
    whole = _clean_spec(words)
    if whole and not re.search(r"\s", words.strip()):
        return "", whole
    found = list(_BARE.finditer(words))
    if found:
        last = found[-1]
        return (words[: last.start()] + words[last.end() :]).replace("<>", ""), _clean_spec(last[0])
    defects.add("address_malformed", name)
    return ("", whole) if whole else (words, "")


def _clean_spec(raw: str) -> str:
    """addr-spec with a lower case domain, or "" when it is none. Drops source routes (RFC 5321
    appendix C), white space around the signs and ``mailto:``."""
    text = clean_line(raw[: 4 * _MAX_ADDRESS]).lstrip("<")
    if text.startswith("@") and ":" in text:
        text = text.partition(":")[2]
    if text.lower().startswith("mailto:"):
        text = text[7:]
    local, at, domain = text.rpartition("@")
    # Blanks around "@" and "." are obsolete syntax (RFC 5322 section 4.4). Elsewhere they part two words:
    # joined, these could be the address of somebody who never wrote to us.
    local = local.strip()
    if not local.startswith('"'):
        local = _AROUND_DOTS.sub(".", local)
    domain = _AROUND_DOTS.sub(".", domain).strip().lower()
    if "[" not in domain:
        domain = domain.strip("<>[](),;:'\"").rstrip(".")
    if not at or not local or not domain or len(local) + len(domain) >= _MAX_ADDRESS or "<" in local:
        return ""
    if re.search(r"\s", domain) or (not local.startswith('"') and re.search(r"\s", local)):
        return ""
    return f"{local}@{domain}"
