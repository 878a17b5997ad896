"""An attached file as it may be saved: a name that no system runs, and the type of what it is.

Octets of a message and the file's place enter; the file leaves. What is one of the ordinary kinds, by its octets, keeps
its name and gets that kind's type (``triage.dispatch.attachments``). Anything else (programs, web pages, archives,
documents with macros) is saved all the same, since nothing may be lost, but under a name that opens nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from triage.dispatch.attachments import NAMED_SO, extension_of, is_ordinary, recognise
from triage.dispatch.fields import clean
from triage.parse.files import ReadFile, read_files
from triage.vocabulary import Attachment

MOST = 64 << 20
"""Octets of one file. Rules may let larger messages in: what is larger can be had with the original alone."""
HARMLESS = ".da-controllare"
"""Appended to names of files that are not of an ordinary kind."""
_LONGEST = 100
OF_PEC = {
    "daticert.xml": "dati di certificazione della PEC",
    "postacert.eml": "il messaggio dentro la PEC",
    "smime.p7s": "firma del gestore della PEC",
}
"""Parts that the provider adds to certified mail."""


@dataclass(frozen=True, slots=True)
class SavedFile:
    """What the browser is given to save."""

    name: str
    content_type: str
    octets: bytes


@dataclass(frozen=True, slots=True)
class ListedFile:
    """An attachment as the page lists it. ``doubtful``: by its name it may be a program.

    ``part``: what it is where it is no file that somebody attached, such as a picture inside the text; else empty.
    """

    number: int
    name: str
    size: str
    doubtful: bool
    part: str


def saved_file(octets: bytes, number: int) -> SavedFile | None:
    """One file; ``None`` where its octets cannot be told apart from the message."""
    found = next(read_files(octets, lambda _: True, MOST, clock=time.monotonic, only=number), None)
    return _as_saved(found) if found is not None else None


def _as_saved(file: ReadFile) -> SavedFile:
    known = recognise(file)
    if known is not None:
        return SavedFile(known.name, known.content_type, file.octets)
    return SavedFile(_harmless(file.attachment), "application/octet-stream", file.octets)


def _harmless(attachment: Attachment) -> str:
    name = clean(attachment.file_name, _LONGEST * 2).strip(" .-~")
    return f"{name[:_LONGEST] or 'allegato'}{HARMLESS}"


def listed_files(attachments: Sequence[Attachment], *, certified: bool = False) -> tuple[ListedFile, ...]:
    """All attachments, in order; ``certified``: of certified mail, whose own parts are named as such."""
    return tuple(
        ListedFile(
            number,
            clean(item.file_name, _LONGEST * 2) or "senza nome",
            size_words(item.size),
            extension_of(item.file_name) in NAMED_SO,
            _part(item, certified=certified),
        )
        for number, item in enumerate(attachments)
    )


def _part(item: Attachment, *, certified: bool) -> str:
    name = item.file_name.casefold()
    if certified and name in OF_PEC:
        return OF_PEC[name]
    if is_ordinary(item):
        return ""
    return "immagine nel testo" if item.content_type.casefold().startswith("image/") else "parte del messaggio"


def size_words(octets: int) -> str:
    """``12 kB``, ``3,4 MB``."""
    if octets < 1 << 20:
        return f"{max(1, round(octets / 1024))} kB"
    return f"{octets / (1 << 20):.1f} MB".replace(".", ",")
