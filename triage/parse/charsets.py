"""Octets with a declared charset -> text, never failing.

What mail says of its charset is often wrong. The order is: byte order mark, proof (octets that are
valid UTF-8 beyond ASCII are UTF-8), declaration, Windows-1252, which gives every western octet a
sign. Only names from Python's own alias table are looked up: an unknown name would be kept in the
interpreter's cache for ever, and codecs such as ``zlib`` or ``unicode_escape`` are no charsets.
"""

from __future__ import annotations

import codecs
import re
from encodings.aliases import aliases

from triage.parse.limits import DefectLog

_NOT_CHARSETS = frozenset(
    [
        "base64_codec",
        "bz2_codec",
        "hex_codec",
        "quopri_codec",
        "rot_13",
        "uu_codec",
        "zlib_codec",
        "mbcs",
        "oem",
        "idna",
        "punycode",
        "unicode_escape",
        "raw_unicode_escape",
        "undefined",
        "palmos",
    ]
)
_ALSO_KNOWN = {
    # ISO-8859-1 and ASCII are read as their superset, as browsers do (WHATWG Encoding, section 4.2).
    "latin_1": "cp1252",
    "ascii": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "ks_c_5601_1987": "cp949",
    "euc_kr": "cp949",
    "iso_8859_8_i": "iso8859_8",
    "iso_8859_8_e": "iso8859_8",
    "iso8859_9": "cp1254",
    "iso2022_jp": "iso2022_jp_ext",
    "shift_jis": "cp932",
    "x_sjis": "cp932",
    "windows_31j": "cp932",
    "tis_620": "cp874",
    "iso8859_11": "cp874",
    "x_mac_roman": "mac_roman",
    "macintosh": "mac_roman",
    "unicode_1_1_utf_7": "utf_7",
    "utf8mb4": "utf_8",
    "utf_8_sig": "utf_8",
    "unicode": "utf_16",
    "ucs_2": "utf_16",
    "cp_850": "cp850",
}
_UNNAMED = frozenset(
    {"", "unknown", "unknown_8bit", "x_unknown", "default", "8bit", "7bit", "binary", "none", "default_charset"}
)
_WIDE = {"utf_16": "utf_16", "utf_16_le": "utf_16_le", "utf_16_be": "utf_16_be", "utf_32": "utf_32"}
_SINGLE_OCTET = re.compile(r"cp12|cp8|cp4|iso8859|koi8|mac_|hp_|kz")
_MARKS = (
    (codecs.BOM_UTF8, "utf_8"),
    (codecs.BOM_UTF32_LE, "utf_32_le"),
    (codecs.BOM_UTF32_BE, "utf_32_be"),
    (codecs.BOM_UTF16_LE, "utf_16_le"),
    (codecs.BOM_UTF16_BE, "utf_16_be"),
)
_KNOWN = (
    frozenset(aliases.values()) | {"cp1252", "cp1258", "cp874", "utf_8", "koi8_u", "cp720", "cp737", "cp856"}
) - _NOT_CHARSETS


def decode_text(octets: bytes, declared: str, defects: DefectLog, where: str = "") -> str:
    """The text of ``octets``; ``declared`` is the charset as the mail wrote it, or ""."""
    for mark, name in _MARKS:
        if octets.startswith(mark):
            return _decode_leniently(octets[len(mark) :], name, defects, where)
    known = _python_name(declared)
    if known is None:
        defects.add("charset_unknown", where)
    name = known or ""
    if name in _WIDE:
        return _decode_wide(octets, name, defects, where)
    if octets.isascii():
        if b"\x1b" in octets or name in {"utf_7", "hz"}:
            return _decode_leniently(octets, name or "iso2022_jp_ext", defects, where)
        return octets.decode("ascii")
    if name == "utf_8":
        return _decode_leniently(octets, "utf_8", defects, where)
    if not name or _SINGLE_OCTET.match(name):
        try:
            text = octets.decode("utf_8")
        except UnicodeDecodeError:
            return octets.decode(name or "cp1252", "replace")
        if name:
            defects.add("charset_wrong", where)
        return text
    return _decode_leniently(octets, name, defects, where)


def _python_name(declared: str) -> str | None:
    """Python's name of a charset, "" when none is named, ``None`` when it is not known."""
    key = re.sub(r"[^a-z0-9]+", "_", declared[:60].lower()).strip("_")
    if key in _UNNAMED:
        return ""
    name = _ALSO_KNOWN.get(key) or aliases.get(key, key)
    name = _ALSO_KNOWN.get(name, name)
    return name if name in _KNOWN else None


def _decode_wide(octets: bytes, name: str, defects: DefectLog, where: str) -> str:
    """UTF-16 and UTF-32 without a mark; the octet order is seen from where the zeros stand."""
    zeros = octets.count(0)
    if zeros == 0 and octets.isascii():
        defects.add("charset_wrong", where)
        return octets.decode("ascii")
    if name == "utf_16":
        name = "utf_16_be" if octets[::2].count(0) >= octets[1::2].count(0) else "utf_16_le"
    elif name == "utf_32":
        name = "utf_32_be" if octets[:1] == b"\x00" else "utf_32_le"
    return _decode_leniently(octets, name, defects, where)


def _decode_leniently(octets: bytes, name: str, defects: DefectLog, where: str) -> str:
    try:
        return octets.decode(name)
    except (UnicodeDecodeError, UnicodeError):
        pass
    if name == "utf_8":
        return _decode_broken_utf8(octets, defects, where)
    defects.add("charset_damaged", where)
    try:
        return octets.decode("utf_8")
    except UnicodeDecodeError:
        return octets.decode(name, "replace")


def _decode_broken_utf8(octets: bytes, defects: DefectLog, where: str) -> str:
    """Latin text declared as UTF-8, or a mixture: what is not UTF-8 is read as Windows-1252."""
    beyond_ascii = len(octets) - len(octets.translate(None, _HIGH_OCTETS))
    valid = octets.decode("utf_8", "ignore")
    bad = len(octets) - len(valid.encode("utf_8"))
    if bad * 2 >= beyond_ascii:
        defects.add("charset_wrong", where)
        return octets.decode("cp1252", "replace")
    defects.add("charset_damaged", where)
    return octets.decode("utf_8", _AS_WINDOWS_1252)


def _as_windows_1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


_HIGH_OCTETS = bytes(range(128, 256))
_AS_WINDOWS_1252 = "triage-windows-1252"
codecs.register_error(_AS_WINDOWS_1252, _as_windows_1252)
