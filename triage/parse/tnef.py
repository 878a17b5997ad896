"""winmail.dat (MS-OXTNEF) -> body text and the files in it, by a small bounded reader.

Reads the stream once; lengths are checked against what is there. Compressed RTF is only named: a
body that exists in no other form is a defect, so that a person opens the message.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from triage.parse.charsets import decode_text
from triage.parse.limits import DefectLog

_SIGNATURE = b"\x78\x9f\x3e\x22"
_ATTRIBUTES = 20_000
_PROPERTIES = 5_000

_BODY, _TITLE, _RENDERING, _DATA = 0x800C, 0x8010, 0x9002, 0x800F
_MAPI, _ATTACHMENT_MAPI, _CODE_PAGE = 0x9003, 0x9005, 0x9007
_PR_BODY, _PR_RTF, _PR_HTML = 0x1000, 0x1009, 0x1013
_PR_FILE_NAME, _PR_LONG_FILE_NAME = 0x3704, 0x3707
_FIXED_SIZES = {0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8, 0x48: 16}
_STRING8, _UNICODE, _BINARY, _OBJECT = 0x1E, 0x1F, 0x102, 0x0D


@dataclass(slots=True)
class TnefFile:
    """A file inside winmail.dat."""

    name: str = ""
    size: int = 0
    octets: bytes = field(default=b"", repr=False, compare=False)


@dataclass(slots=True)
class TnefContent:
    """What was found; ``html`` is raw markup, ``text`` plain."""

    text: str = ""
    html: str = ""
    has_rtf: bool = False
    files: list[TnefFile] = field(default_factory=list)


def is_tnef(octets: bytes) -> bool:
    return octets.startswith(_SIGNATURE)


def read_tnef(octets: bytes, defects: DefectLog, where: str) -> TnefContent:
    """Never raises; a damaged stream yields what stands before the damage."""
    content = TnefContent()
    if not is_tnef(octets):
        defects.add("tnef_damaged", where)
        return content
    position = 6
    charset = "windows-1252"
    for _ in range(_ATTRIBUTES):
        if position + 9 > len(octets):
            break
        identifier, length = struct.unpack_from("<HxxI", octets, position + 1)
        start = position + 9
        if start + length > len(octets):
            defects.add("tnef_damaged", where)
            break
        value = octets[start : start + length]
        position = start + length + 2
        if identifier == _CODE_PAGE and length >= 4:
            charset = f"cp{int.from_bytes(value[:4], 'little')}"
        elif identifier == _BODY:
            content.text = decode_text(value.rstrip(b"\x00"), charset, defects, where)
        elif identifier == _RENDERING:
            content.files.append(TnefFile())
        elif identifier in (_TITLE, _DATA, _ATTACHMENT_MAPI):
            _read_file_attribute(content, identifier, value, charset, defects, where)
        elif identifier == _MAPI:
            _read_message_properties(content, value, charset, defects, where)
    return content


def _read_file_attribute(
    content: TnefContent, identifier: int, value: bytes, charset: str, defects: DefectLog, where: str
) -> None:
    if not content.files:
        content.files.append(TnefFile())
    file = content.files[-1]
    if identifier == _DATA:
        file.octets, file.size = value, len(value)
    elif identifier == _TITLE:
        file.name = file.name or decode_text(value.rstrip(b"\x00"), charset, defects, where)
    else:
        properties = _properties(value)
        for wanted in (_PR_LONG_FILE_NAME, _PR_FILE_NAME):
            if wanted in properties:
                file.name = _text(*properties[wanted], charset, defects, where)
                return


def _read_message_properties(content: TnefContent, value: bytes, charset: str, defects: DefectLog, where: str) -> None:
    properties = _properties(value)
    if _PR_BODY in properties and not content.text:
        content.text = _text(*properties[_PR_BODY], charset, defects, where)
    if _PR_HTML in properties:
        content.html = _text(*properties[_PR_HTML], charset, defects, where)
    content.has_rtf = content.has_rtf or _PR_RTF in properties


def _text(kind: int, value: bytes, charset: str, defects: DefectLog, where: str) -> str:
    if kind == _UNICODE:
        return value.decode("utf-16-le", "replace").rstrip("\x00")
    return decode_text(value.rstrip(b"\x00"), charset, defects, where)


def _properties(octets: bytes) -> dict[int, tuple[int, bytes]]:
    """Property id -> (type, first value), as far as the octets make sense (MS-OXTNEF 2.1.3.4)."""
    found: dict[int, tuple[int, bytes]] = {}
    try:
        (count,) = struct.unpack_from("<I", octets, 0)
        position = 4
        for _ in range(min(count, _PROPERTIES)):
            kind, identifier = struct.unpack_from("<HH", octets, position)
            position += 4
            if identifier >= 0x8000:
                position = _after_name(octets, position)
            value, position = _read_value(octets, position, kind)
            found.setdefault(identifier, (kind & 0xFFF, value))
    except (struct.error, ValueError):
        pass
    return found


def _after_name(octets: bytes, position: int) -> int:
    (by_name,) = struct.unpack_from("<I", octets, position + 16)
    (number,) = struct.unpack_from("<I", octets, position + 20)
    return position + 24 + (_padded(number) if by_name else 0)


def _read_value(octets: bytes, position: int, kind: int) -> tuple[bytes, int]:
    base = kind & 0xFFF
    variable = base in (_STRING8, _UNICODE, _BINARY, _OBJECT)
    count = 1
    if variable or kind & 0x1000:
        (count,) = struct.unpack_from("<I", octets, position)
        position += 4
    first = b""
    for place in range(count):
        if variable:
            (length,) = struct.unpack_from("<I", octets, position)
            position += 4
        else:
            length = _FIXED_SIZES.get(base, 0)
        if (length == 0 and not variable) or position + length > len(octets):
            raise ValueError("property beyond the stream")
        if place == 0:
            first = octets[position : position + length]
        position += _padded(length)
    return first, position


def _padded(length: int) -> int:
    return (length + 3) & ~3
