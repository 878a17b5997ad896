"""Decoded text -> text that is safe to show and to compare.

Control characters, direction overrides (an attachment "gnp.exe" shown as "exe.png") and invisible
signs are removed; combining accents are composed. Words are never changed.
"""

from __future__ import annotations

import re
import unicodedata

FILE_NAME_CHARACTERS = 120

# C0 and C1 controls, soft hyphen, zero width space, word joiner, BOM; direction marks, embeddings,
# overrides, isolates (Unicode UAX 9); lone surrogates, noncharacters, and tag characters, which
# carry invisible ASCII. Zero width (non-)joiners stay: Persian, Hindi and emoji need them.
_INVISIBLE = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e007f"
)
_REMOVED = re.compile(f"[{_INVISIBLE}]")
_LINE_ENDS = re.compile("[\r\x85\u2028\u2029]")
_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_COMBINING = re.compile("[\u0300-\u036f]")
_DECOMPOSED = re.compile("[^\u0300-\u036f][\u0300-\u036f]{1,8}")
_REFUSED_IN_NAMES = re.compile(r'[<>:"|?*]')


def clean_text(text: str) -> str:
    """Body text: line ends become \\n, odd spaces a space, invisible characters go."""
    text = text.replace("\r\n", "\n")
    if not text.replace("\n", "").isprintable():
        text = _REMOVED.sub("", _SPACES.sub(" ", _LINE_ENDS.sub("\n", text)))
    return text if text.isascii() else compose(text)


def clean_line(text: str) -> str:
    """One line for a header field or name: as ``clean_text``, with white space folded."""
    return " ".join(clean_text(text).split())


def compose(text: str) -> str:
    """Joins letters and their combining accents (NFC), as Apple and Vietnamese mail needs.

    ``unicodedata.normalize`` is quadratic in the length of a run of accents, so it only sees
    short pieces.
    """
    if not _COMBINING.search(text):
        return text
    return _DECOMPOSED.sub(lambda found: unicodedata.normalize("NFC", found[0]), text)


def clean_file_name(name: str) -> str:
    """The last path component, without characters a file system or a reader could stumble on.

    At most ``FILE_NAME_CHARACTERS``, the extension kept. May be empty.
    """
    last = re.split(r"[/\\]", clean_line(name[:4_000]))[-1]
    last = _REFUSED_IN_NAMES.sub("_", last).strip(" .")
    if len(last) <= FILE_NAME_CHARACTERS:
        return last
    stem, dot, extension = last.rpartition(".")
    if not dot or len(extension) > 16:
        return last[:FILE_NAME_CHARACTERS]
    return stem[: FILE_NAME_CHARACTERS - len(extension) - 1] + "." + extension
