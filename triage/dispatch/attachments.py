"""Which files of a message go to a project again as themselves, beside the attached original.

Octets enter, files with clean names leave. Pure. Phones open a message inside a message badly, so
ordinary files (pictures, documents, recordings) are repeated; programs, scripts, web pages, archives
and documents with macros never are: they stay in the original. A file is what its first octets say,
not what it is called, and gets the media type of what it is.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from triage.dispatch.fields import clean
from triage.parse.files import ReadFile, read_files
from triage.vocabulary import Attachment

PICTURE_OCTETS = 20 << 10
"""A picture inside the text from this size on is a photograph that somebody sent, not a logo."""
LONGEST_NAME = 100
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MACROS = (b"vbaProject", "_VBA_PROJECT".encode("utf-16-le"))
"""What a document with macros holds: the name of an entry in a zip, or of a stream in an OLE file."""
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.IGNORECASE)
"""Names that Windows keeps for devices."""


@dataclass(frozen=True, slots=True)
class RepeatedFile:
    """A file as it goes to a project; ``number`` is its place in ``InboundMessage.attachments``."""

    number: int
    name: str
    content_type: str
    octets: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of its octets: by this a scan's verdict knows it again."""
        return hashlib.sha256(self.octets).hexdigest()


def _starts(*starts: bytes) -> Callable[[bytes], bool]:
    return lambda octets: octets.startswith(starts)


def _is_media(octets: bytes) -> bool:
    """Whether this is an ISO base media file (MP4 and its kin): a box named ftyp comes first."""
    return octets[4:8] == b"ftyp"


def _is_heic(octets: bytes) -> bool:
    return _is_media(octets) and octets[8:12] in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")


def _is_pdf(octets: bytes) -> bool:
    return octets[:16].lstrip(_BLANKS).startswith(b"%PDF-")


def _is_riff(kind: bytes) -> Callable[[bytes], bool]:
    return lambda octets: octets.startswith(b"RIFF") and octets[8:12] == kind


def _is_office(octets: bytes) -> bool:
    return octets.startswith(b"PK\x03\x04") and b"[Content_Types].xml" in octets


def _is_open_document(octets: bytes) -> bool:
    return octets.startswith(b"PK\x03\x04") and octets[30:76].startswith(b"mimetypeapplication/vnd.oasis.opendocument.")


def _is_text(octets: bytes) -> bool:
    """No signs but printing ones, tabs and line ends; UTF-8 or one octet a sign."""
    return not octets.translate(None, _PRINTING) and not octets.lstrip(_BLANKS).startswith((b"#!", b"MZ", b"<"))


def _is_signed(octets: bytes) -> bool:
    """A document in an Italian signature file (CAdES): DER, or DER in base64."""
    return octets.startswith((b"\x30\x80", b"\x30\x82", b"\x30\x83", b"MI", b"-----BEGIN "))


_PRINTING = bytes([9, 10, 12, 13, *range(32, 127), *range(128, 256)])
_BLANKS = b"\xef\xbb\xbf \t\r\n"
_JPEG = _starts(b"\xff\xd8\xff")
_KINDS: dict[str, tuple[str, Callable[[bytes], bool]]] = {
    "pdf": ("application/pdf", _is_pdf),
    "jpg": ("image/jpeg", _JPEG),
    "jpeg": ("image/jpeg", _JPEG),
    "jfif": ("image/jpeg", _JPEG),
    "png": ("image/png", _starts(b"\x89PNG\r\n\x1a\n")),
    "gif": ("image/gif", _starts(b"GIF8")),
    "webp": ("image/webp", _is_riff(b"WEBP")),
    "heic": ("image/heic", _is_heic),
    "heif": ("image/heif", _is_heic),
    "tif": ("image/tiff", _starts(b"II*\0", b"MM\0*")),
    "tiff": ("image/tiff", _starts(b"II*\0", b"MM\0*")),
    "bmp": ("image/bmp", _starts(b"BM")),
    "docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", _is_office),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", _is_office),
    "pptx": ("application/vnd.openxmlformats-officedocument.presentationml.presentation", _is_office),
    "odt": ("application/vnd.oasis.opendocument.text", _is_open_document),
    "ods": ("application/vnd.oasis.opendocument.spreadsheet", _is_open_document),
    "odp": ("application/vnd.oasis.opendocument.presentation", _is_open_document),
    "doc": ("application/msword", _starts(_OLE)),
    "xls": ("application/vnd.ms-excel", _starts(_OLE)),
    "ppt": ("application/vnd.ms-powerpoint", _starts(_OLE)),
    "txt": ("text/plain", _is_text),
    "mp3": ("audio/mpeg", _starts(b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2")),
    "m4a": ("audio/mp4", _is_media),
    "aac": ("audio/aac", _starts(b"\xff\xf1", b"\xff\xf9")),
    "ogg": ("audio/ogg", _starts(b"OggS")),
    "oga": ("audio/ogg", _starts(b"OggS")),
    "opus": ("audio/ogg", _starts(b"OggS")),
    "amr": ("audio/amr", _starts(b"#!AMR")),
    "wav": ("audio/wav", _is_riff(b"WAVE")),
    "mp4": ("video/mp4", _is_media),
    "mov": ("video/quicktime", _is_media),
    "3gp": ("video/3gpp", _is_media),
}
"""By extension: the media type that we write, and whether octets are of that kind."""
_GUESSED = ("pdf", "jpg", "png", "gif", "webp", "heic")
"""Kinds that are known by their octets alone: phones send photographs without a name."""
_PROGRAMS = "bat bin cmd com cpl exe hta htm html jar js jse lnk msi pif ps1 scr svg url vbe vbs wsf"
_WITH_MACROS = "docm dotm potm ppam ppsm pptm xlam xlsb xlsm xltm"
_HOLDING_FILES = "img iso vhd vhdx zip rar 7z"
NAMED_SO = frozenset(f"{_PROGRAMS} {_WITH_MACROS} {_HOLDING_FILES}".split())
"""Extensions of what is never repeated, whatever its octets say."""


def is_ordinary(attachment: Attachment) -> bool:
    """Whether a person would call it an attachment; a small picture inside the text is a logo."""
    return not attachment.inline or (bool(attachment.file_name) and attachment.size >= PICTURE_OCTETS)


def repeated_files(
    octets: bytes, most_octets: int, most: int, clock: Callable[[], float] | None = None
) -> tuple[RepeatedFile, ...]:
    """The files that may be sent again as themselves: at most ``most``, together at most ``most_octets``."""
    kept: list[RepeatedFile] = []
    seen: set[str] = set()
    left = most_octets
    for file in read_files(octets, _may_be_ordinary, most_octets, clock=clock) if most_octets else ():
        found = recognise(file)
        if found is not None and len(found.octets) <= left and len(kept) < most:
            left -= len(found.octets)
            kept.append(replace(found, name=_unlike(found.name, seen)))
    return tuple(kept)


def _may_be_ordinary(attachment: Attachment) -> bool:
    extension = extension_of(attachment.file_name.casefold().removesuffix(".p7m"))
    return is_ordinary(attachment) and (extension in _KINDS or extension not in NAMED_SO)


def recognise(file: ReadFile) -> RepeatedFile | None:
    """What the file is, by its octets; ``None`` when it is not one of the ordinary kinds."""
    octets = file.octets
    if any(mark in octets for mark in _MACROS):
        return None
    name = clean(file.attachment.file_name, LONGEST_NAME * 2).lstrip(".-~ ")
    extension = extension_of(name)
    if extension == "p7m":
        if extension_of(name[:-4]) in _KINDS and _is_signed(octets):
            return RepeatedFile(file.number, _shortened(name, ".p7m"), "application/pkcs7-mime", octets)
        return None
    if extension not in _KINDS:
        extension = next((kind for kind in _GUESSED if _KINDS[kind][1](octets)), "")
        name = f"{name}.{extension}"
    if extension not in _KINDS or not _KINDS[extension][1](octets):
        return None
    content_type = _KINDS[extension][0]
    if content_type == "text/plain":
        content_type += f"; charset={'utf-8' if _is_utf8(octets) else 'windows-1252'}"
    return RepeatedFile(file.number, _shortened(name, f".{extension}"), content_type, octets)


def _is_utf8(octets: bytes) -> bool:
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def extension_of(name: str) -> str:
    """A file name's extension, without its dot, in small letters."""
    return PurePosixPath(name.casefold()).suffix[1:]


def _shortened(name: str, extension: str) -> str:
    """A name that every system takes, its extension kept (in the writer's capitals)."""
    written = name[-len(extension) :]
    stem = name[: -len(extension)][: LONGEST_NAME - len(extension)].rstrip(" .") or "allegato"
    return f"{'_' if _RESERVED.match(stem) else ''}{stem}{written}"


def _unlike(name: str, seen: set[str]) -> str:
    """The name, numbered when an earlier file has the same."""
    path = PurePosixPath(name)
    made, number = name, 1
    while made.casefold() in seen:
        number += 1
        made = f"{path.stem} ({number}){path.suffix}"
    seen.add(made.casefold())
    return made


def found_clean(files: Sequence[RepeatedFile], digests: frozenset[str]) -> tuple[RepeatedFile, ...]:
    """Those of the files that a scan has seen and found clean, by their digests."""
    return tuple(file for file in files if file.digest in digests)
