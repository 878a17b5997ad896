"""Charsets, transfer encodings, markup: what a reader would see is what is read."""

import base64

import pytest

from triage.parse import ParseLimits, parse
from triage.parse.charsets import decode_text
from triage.parse.flowed import unflow
from triage.parse.html_text import html_to_text
from triage.parse.limits import Budget, DefectLog
from triage.parse.signed import signed_content
from triage.parse.tnef import read_tnef
from triage.parse.transfer import decode_transfer, decoded_size


@pytest.mark.parametrize(
    ("octets", "declared", "text", "defects"),
    [
        ("città".encode(), "utf-8", "città", []),
        ("città".encode(), "", "città", []),
        ("città".encode("latin-1"), "", "città", []),
        ("città".encode("latin-1"), "UTF8", "città", ["charset_wrong"]),
        ("città".encode(), "iso-8859-1", "città", ["charset_wrong"]),
        ("“città” €".encode("cp1252"), "ISO-8859-1", "“città” €", []),
        ("città €".encode("iso8859-15"), "iso-8859-15", "città €", []),
        ("è à ù — città".encode() + b" \xe9", "utf-8", "è à ù — città é", ["charset_damaged"]),
        (b"\xff\xfe" + "città".encode("utf-16-le"), "us-ascii", "città", []),
        ("città".encode("utf-16-le"), "utf-16", "città", []),
        ("città".encode("utf-16-be"), "utf-16", "città", []),
        (b"citta", "utf-16", "citta", ["charset_wrong"]),
        (b"citta", "utf-32", "citta", ["charset_wrong"]),
        ("привіт".encode("koi8-u"), "koi8-u", "привіт", []),
        ("привіт".encode("cp1251"), "windows-1251", "привіт", []),
        ("中文".encode("gbk"), "gb2312", "中文", []),
        ("中文".encode("big5"), "big5", "中文", []),
        ("日本".encode("iso-2022-jp"), "", "日本", []),
        ("日本".encode("cp932"), "shift_jis", "日本", []),
        ("ਪੰਜਾਬੀ".encode(), "utf-8", "ਪੰਜਾਬੀ", []),
        ("città".encode("utf-7"), "utf-7", "città", []),
        (b"ciao", "zlib", "ciao", ["charset_unknown"]),
        (b"ciao", "unicode_escape", "ciao", ["charset_unknown"]),
        (b"ciao", "rot13", "ciao", ["charset_unknown"]),
        (b"ciao", "../../etc", "ciao", ["charset_unknown"]),
        (b"ciao", "unknown-8bit", "ciao", []),
        (b"\x81\x30", "shift_jis", "\ufffd0", ["charset_damaged"]),
    ],
)
def test_charsets(octets: bytes, declared: str, text: str, defects: list[str]) -> None:
    log = DefectLog()
    assert decode_text(octets, declared, log) == text
    assert [defect.code for defect in log.collected()] == defects


@pytest.mark.parametrize(
    ("octets", "encoding", "decoded", "defects"),
    [
        (b"Y2lh\r\nbw==\r\n", "base64", b"ciao", []),
        (b"Y2lhbw", "base64", b"ciao", ["base64_damaged"]),
        (b"Y2lh*bw==", "base64", b"ciao", ["base64_damaged"]),
        (b"Y2lhbw==Y2lhbw==", "base64", b"ciaociao", ["base64_damaged"]),
        (b"Y2lhb", "base64", b"cia", ["base64_damaged"]),
        (b"", "base64", b"", []),
        (b"a=3Db=\r\nc=20\r\n", "quoted-printable", b"a=bc \n", []),
        (b"a= \t\r\nb", "quoted-printable", b"ab", []),
        (b"a=\rb\nc", "quoted-printable", b"ab\nc", []),
        (b"a=ZZ=", "quoted-printable", b"a=ZZ", ["quoted_printable_damaged"]),
        (b"begin 644 a\n$8VEA;P  \n`\nend\n", "x-uuencode", b"ciao", []),
        (b"begin 644 a\n$8VEA;P\n", "uuencode", b"ciao", ["uuencode_damaged"]),
        (b"ciao", "x-uue", b"ciao", ["uuencode_absent"]),
        (b"ciao", "x-mio", b"ciao", ["transfer_encoding_unknown"]),
        (b"ciao", "8bit", b"ciao", []),
    ],
)
def test_transfer_encodings(octets: bytes, encoding: str, decoded: bytes, defects: list[str]) -> None:
    log = DefectLog()
    assert decode_transfer(octets, encoding, log) == decoded
    assert [defect.code for defect in log.collected()] == defects


@pytest.mark.parametrize("size", [0, 1, 2, 3, 56, 57, 58, 1_000])
def test_size_is_known_without_decoding(size: int) -> None:
    for octets in (base64.encodebytes(bytes(size)), base64.encodebytes(bytes(size)).replace(b"\n", b"\r\n")):
        assert decoded_size(octets, 0, len(octets), "base64") == size


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>uno<p>due", "uno\n\ndue"),
        ("uno<br>due<br/>tre", "uno\ndue\ntre"),
        ("<div>uno</div><div>due</div>", "uno\ndue"),
        ("<div>uno</div><div><br></div><div>due</div>", "uno\n\ndue"),
        ("<span>u</span>no <b>due</b>", "uno due"),
        ("uno\n   due\t tre", "uno due tre"),
        ("<pre>uno\n  due</pre>", "uno\ndue"),
        ("<ul><li>uno<li>due</ul>", "uno\ndue"),
        ("<table><tr><td>uno<td>due<tr><td>tre</table>", "uno due\ntre"),
        ("<style>p{}</style><script>x()</script><!-- y -->uno<noscript>z</noscript>", "uno"),
        ('uno<span style="DISPLAY: none">nascosto</span><i hidden>nascosto</i>', "uno"),
        ("&lt;b&gt; &egrave; &#8364; &nbsp;x", "<b> è € x"),
        (
            "<blockquote type=cite>uno<blockquote type='CITE'>due</blockquote></blockquote>tre",
            "> uno\n>\n>> due\n>\ntre",
        ),
        ("<blockquote>rientro</blockquote>", "rientro"),
        ("uno&#xFDD2;due", "unodue"),
        ("a < b & c", "a < b & c"),
        ("", ""),
        ("<", "<"),
        ("<html><head><title>no</title></head></html>", ""),
    ],
)
def test_markup(source: str, text: str) -> None:
    cleaned = text_of(source)
    assert "".join(sign for sign in cleaned if not "\ufdd0" <= sign <= "\ufdd4") == text


def test_markup_beyond_the_caps_is_still_read() -> None:
    nested = "<style>no</style>" + "<div>" * 20_000 + "uno &egrave;<br>due" + "</div>" * 20_000
    log = DefectLog()
    assert text_of(nested, log) == "uno è\ndue"
    assert [defect.code for defect in log.collected()] == ["limit_html_nodes"]
    log = DefectLog()
    assert text_of("<p>uno</p>" * 10, log, ParseLimits(html_characters=20)) == "uno\n\nuno"
    assert [defect.code for defect in log.collected()] == ["limit_html_characters"]


def text_of(source: str, log: DefectLog | None = None, limits: ParseLimits | None = None) -> str:
    defects = log if log is not None else DefectLog()
    return html_to_text(source, Budget(limits or ParseLimits(), defects), defects)


def test_markup_with_charset_in_its_meta_element() -> None:
    octets = b'Content-Type: text/html\n\n<meta charset="koi8-r"><p>' + "привет".encode("koi8-r")
    assert parse(octets).new_text == "привет"


def test_markup_declared_as_plain_text_is_read_as_markup() -> None:
    assert parse(b"Content-Type: text/plain\n\n<html><body><p>uno<p>due").new_text == "uno\n\ndue"


@pytest.mark.parametrize(
    ("text", "delete_space", "expected"),
    [
        ("uno \ndue\ntre", False, "uno due\ntre"),
        ("u \nno", True, "uno"),
        ("> uno \n> due\n>> tre \nquattro", False, "> uno due\n>> tre \nquattro"),
        ("-- \nAnna", False, "-- \nAnna"),
        ("uno \n-- \nAnna", False, "uno \n-- \nAnna"),
        (" >stuffed", False, ">stuffed"),
    ],
)
def test_flowed(text: str, delete_space: bool, expected: str) -> None:
    assert unflow(text, delete_space) == expected


def test_a_part_of_winmail_dat_is_read_as_far_as_it_goes() -> None:
    log = DefectLog()
    octets = (
        bytes.fromhex("789f3e220100")
        + b"\x01\x0c\x80\x02\x00\x05\x00\x00\x00ciao\x00\x00\x00"
        + b"\x02\x10\x80\x01\x00\xff\xff\x00\x00x"
    )
    content = read_tnef(octets, log, "1")
    assert (content.text, content.files) == ("ciao", [])
    assert [defect.code for defect in log.collected()] == ["tnef_damaged"]


@pytest.mark.parametrize("octets", [b"", b"\x30\x80", b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02", bytes(100)])
def test_damaged_signatures_hold_nothing(octets: bytes) -> None:
    assert signed_content(octets) is None


def test_caps_on_parts_depth_attachments_and_text_are_defects() -> None:
    many = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\nContent-Type: image/png\n\nx\n" * 20 + b"--b--"
    cases = [
        (many, ParseLimits(parts=5), "limit_parts"),
        (many, ParseLimits(attachments=5), "limit_attachments"),
        (b"Content-Type: message/rfc822\n\n" * 9 + b"\nciao", ParseLimits(depth=3), "limit_depth"),
        (b"\n" + b"a" * 100, ParseLimits(text_characters=10), "limit_text_characters"),
        (
            b"Content-Transfer-Encoding: base64\n\n" + base64.b64encode(bytes(99)),
            ParseLimits(decoded_octets=9),
            "limit_decoded_octets",
        ),
    ]
    for octets, limits, code in cases:
        assert code in {defect.code for defect in parse(octets, limits).defects}
        assert code not in {defect.code for defect in parse(octets).defects}
    assert len(parse(many, ParseLimits(parts=5)).attachments) == 5
    assert len(parse(many, ParseLimits(attachments=5)).attachments) == 5
    assert parse(b"\n" + b"a" * 100, ParseLimits(text_characters=10)).new_text == "a" * 10
