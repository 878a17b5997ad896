"""Header fields of what we send, as octets: the only writer of outgoing header sections.

Words of strangers enter, single safe fields leave. No library serialises them: several Python
releases let an encoded line break in a subject become a header field of its own (CVE-2024-6923,
CVE-2026-1299). Here a field is made of cleaned text, folded by us, and holds no other line break.
"""

from __future__ import annotations

import base64
import re
import textwrap
import unicodedata
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import quote

LINE = 76
"""Characters in a folded line; RFC 5322 section 2.1.1 asks for at most 78."""
LONGEST_NAME = 200
"""Characters of a display name with what we add to it; who only says a name cuts it shorter."""
_PLAIN = re.compile(r"[\x20-\x7e]*")
MOST_ENCODED = (LINE - 1 - 12) // 4 * 3
"""Octets in an encoded-word that has a folded line to itself (RFC 2047 section 2: 75 characters in all)."""
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def clean(text: str, most: int) -> str:
    """One line without control, bidi or other invisible characters, blanks folded, cut at ``most``."""
    kept = "".join(" " if sign.isspace() else sign for sign in text if sign.isspace() or not _is_invisible(sign))
    return " ".join(kept.split())[:most].strip()


def clean_name(text: str, most: int = 60) -> str:
    """A display name that cannot pass for an address: no '@', quotes or brackets."""
    return clean(re.sub(r"[@＠﹫<>\"\\,;:()\[\]]", " ", text), most)


def text_field(name: str, text: str, most: int = 200) -> bytes:
    """An unstructured field such as Subject."""
    return _field(name, _words(clean(text, most), len(name) + 2))


def token_field(name: str, value: str) -> bytes:
    """A field whose value is ours or a checked id: printable ASCII, folded at blanks if long."""
    if not _PLAIN.fullmatch(value):
        raise ValueError(f"{name}: not printable ASCII")
    lines: list[str] = []
    line = ""
    for word in value.split():
        if line and len(name) + 2 + len(line) + 1 + len(word) > LINE:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return _field(name, "\r\n ".join([*lines, line]))


def address_field(name: str, display_name: str, addr_spec: str) -> bytes:
    """From, To or Reply-To with one address, which must be checked and ASCII."""
    if not _PLAIN.fullmatch(addr_spec) or " " in addr_spec:
        raise ValueError(f"{name}: not an address")
    phrase = clean_name(display_name, LONGEST_NAME)
    if not phrase:
        return _field(name, addr_spec)
    return _field(name, f"{_phrase(phrase, len(name) + 2)}\r\n <{addr_spec}>")


def recipient_field(addr_spec: str) -> bytes:
    """To, with one checked address; an internationalised one is written as UTF-8 (RFC 6532)."""
    if any(sign.isspace() or _is_invisible(sign) for sign in addr_spec):
        raise ValueError("To: not an address")
    return f"To: {addr_spec}\r\n".encode()


def date_field(now: datetime) -> bytes:
    """The Date field."""
    return _field("Date", format_datetime(now))


def id_list(ids: tuple[str, ...], most: int = 20) -> str:
    """Message-IDs for References: well-formed ones only, the first and the latest when too many."""
    good = [item for item in ids if re.fullmatch(r"<[\x21-\x3b\x3d\x3f-\x7e]{3,240}>", item)]
    kept = good if len(good) <= most else [good[0], *good[-(most - 1) :]]
    return " ".join(kept)


def parameter(name: str, value: str) -> bytes:
    """A parameter of a MIME field on lines of its own, to be written after the field's value.

    A plain short value is quoted; any other is written in pieces as RFC 2231 section 4.1 has it.
    """
    text = clean(value, LONGEST_NAME)
    if _PLAIN.fullmatch(text) and len(text) <= LINE - len(name) - 5:
        quoted = text.replace("\\", "\\\\").replace('"', '\\"')
        return f';\r\n {name}="{quoted}"'.encode("ascii")
    pieces: list[str] = [""]
    for sign in text:
        written = quote(sign, safe="")
        if len(pieces[-1]) + len(written) > LINE - len(name) - 16:
            pieces.append("")
        pieces[-1] += written
    pieces[0] = "utf-8''" + pieces[0]
    return "".join(f";\r\n {name}*{number}*={piece}" for number, piece in enumerate(pieces)).encode("ascii")


def _field(name: str, value: str) -> bytes:
    return f"{name}: {value}\r\n".encode("ascii")


def _words(text: str, used: int) -> str:
    if _PLAIN.fullmatch(text) and "=?" not in text and used + len(text) <= LINE:
        return text
    return _encoded(text, used)


def _phrase(text: str, used: int) -> str:
    """A display name: quoted, folded at blanks, where its lines stay short; else encoded-words."""
    if not _PLAIN.fullmatch(text) or "=?" in text:
        return _encoded(text, used)
    lines = textwrap.wrap(text, LINE - 2 - used, break_long_words=False, break_on_hyphens=False)
    if any(len(line) > LINE - 2 - used for line in lines):
        return _encoded(text, used)
    return '"' + "\r\n ".join(lines) + '"'


def _encoded(text: str, used: int) -> str:
    """Encoded-words (RFC 2047), each of whole characters and short enough for its line.

    Broken after a blank where possible: some readers show the break between two encoded-words.
    """
    words: list[str] = []
    piece = b""
    room = max((LINE - used - 12) // 4 * 3, 12)
    for token in re.findall("[^ ]* ?", text):
        octets = token.encode("utf-8")
        parts = (
            [octets]
            if len(octets) <= (MOST_ENCODED if words or piece else room)
            else [sign.encode("utf-8") for sign in token]
        )
        for part in parts:
            if piece and len(piece) + len(part) > room:
                words.append(_word(piece))
                piece, room = b"", MOST_ENCODED
            piece += part
    words.append(_word(piece))
    return "\r\n ".join(words)


def _word(octets: bytes) -> str:
    return f"=?utf-8?B?{base64.b64encode(octets).decode('ascii')}?="


def _is_invisible(sign: str) -> bool:
    return unicodedata.category(sign) in _INVISIBLE
