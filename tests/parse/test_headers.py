"""Header fields: addresses, identifiers, dates, parameters, encoded words, in the forms found in the wild."""

from datetime import UTC, datetime

import pytest

from triage.parse import ParseLimits, parse
from triage.parse.addresses import parse_addresses, parse_path
from triage.parse.cleaning import clean_file_name, clean_line, clean_text
from triage.parse.header_values import decode_unstructured, parse_parameters
from triage.parse.identifiers import parse_date, parse_message_id, parse_message_ids
from triage.parse.limits import DefectLog
from triage.vocabulary import Address


def codes(log: DefectLog) -> list[str]:
    return [defect.code for defect in log.collected()]


ADDRESSES = [
    ("anna@example.org", [("", "anna@example.org")]),
    ("Anna Rossi <Anna@EXAMPLE.org>", [("Anna Rossi", "Anna@example.org")]),
    ('"Rossi, Anna" <a@example.org>, b@example.org', [("Rossi, Anna", "a@example.org"), ("", "b@example.org")]),
    ("Rossi, Anna <a@example.org>", [("Rossi, Anna", "a@example.org")]),
    ("a@example.org (Anna Rossi)", [("Anna Rossi", "a@example.org")]),
    ("a@example.org; b@example.org", [("", "a@example.org"), ("", "b@example.org")]),
    ("Anna Rossi a@example.org", [("Anna Rossi", "a@example.org")]),
    ("=?utf-8?Q?Rossi=2C_Anna?= <a@example.org>", [("Rossi, Anna", "a@example.org")]),
    ('"=?utf-8?Q?Niccol=C3=B2?=" <a@example.org>', [("Niccolò", "a@example.org")]),
    ("=?utf-8?Q?Anna_=3Ca=40example=2Eorg=3E?=", [("Anna", "a@example.org")]),
    ('"Anna \\"la\\" Rossi" <a@example.org>', [('Anna "la" Rossi', "a@example.org")]),
    ('"anna rossi"@example.org', [("", '"anna rossi"@example.org')]),
    ("<@relay.test,@altro.test:a@example.org>", [("", "a@example.org")]),
    ("Anna < a @ example . org >", [("Anna", "a@example.org")]),
    ("<mailto:a@example.org>", [("", "a@example.org")]),
    ("Anna <a@example.org.>", [("Anna", "a@example.org")]),
    ("a@[192.0.2.1]", [("", "a@[192.0.2.1]")]),
    ("Gruppo: a@example.org, B <b@example.org>;", [("", "a@example.org"), ("B", "b@example.org")]),
    ("undisclosed-recipients:;", []),
    ("", []),
    (" , ;, ", []),
    ("<>", [("", "")]),
    ("Anna Rossi", [("Anna Rossi", "")]),
    ("MAILER-DAEMON (Mail Delivery System)", [("MAILER-DAEMON", "")]),
    ("Anna <a@example.org", [("Anna", "a@example.org")]),
    ('"Anna <a@example.org>', [("Anna", "a@example.org")]),
    ("((((( a@example.org", [("a@example.org", "")]),
    ("a@b@example.org", [("", "a@b@example.org")]),
    ("Anna\u202e <a@example.org\u200b>", [("Anna", "a@example.org")]),
    ("Anna <" + "a" * 400 + "@example.org>", [("Anna", "")]),
]


@pytest.mark.parametrize(("text", "expected"), ADDRESSES)
def test_addresses(text: str, expected: list[tuple[str, str]]) -> None:
    assert parse_addresses(text, DefectLog(), "to", 100) == tuple(Address(*one) for one in expected)


def test_addresses_are_capped() -> None:
    log = DefectLog()
    assert len(parse_addresses("a@example.org, " * 50, log, "to", 10)) == 10
    assert codes(log) == ["limit_addresses"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<>", ""),
        ("< >", ""),
        ("<anna@Example.org>", "anna@example.org"),
        ("anna@example.org", "anna@example.org"),
        ("<MAILER-DAEMON>", "MAILER-DAEMON"),
        ("<anna@example.org> (nota)", "anna@example.org"),
        ("", ""),
        # Mended, each would be an address of somebody who never wrote.
        ("<a b@example.org>", "<a b@example.org>"),
        ("<a@example.org>, <b@example.net>", "<a@example.org>, <b@example.net>"),
        ("<a@example.org> <b@example.net>", "<a@example.org> <b@example.net>"),
        ("<a@example.org\x00>", "<a@example.org>"),
        ("<a(b)@example.org>", "<a(b)@example.org>"),
        ("<@x.example:a@example.org>", "<@x.example:a@example.org>"),
        ('<"a\\b"@example.org>', '<"a\\b"@example.org>'),
        ("=?utf-8?q?a=40example.org?=", "<=?utf-8?q?a=40example.org?=>"),
    ],
)
def test_reverse_path(text: str, expected: str) -> None:
    assert parse_path(text) == expected


def test_reverse_path_is_absent_empty_or_the_topmost() -> None:
    assert parse(b"Subject: x\n\n").reverse_path is None
    assert parse(b"Return-Path: <>\n\n").reverse_path == ""
    assert parse(b"RETURN-PATH: <a@example.org>\nReturn-Path: <>\n\n").reverse_path == "a@example.org"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<a@example.org> <b@example.org>", ("<a@example.org>", "<b@example.org>")),
        ("<a@example.org><a@example.org>", ("<a@example.org>",)),
        ("<a@exam\t ple.org>", ("<a@example.org>",)),
        ("Your message <[x]y> of Monday", ("<[x]y>",)),
        ("a@example.org, b@example.org", ("<a@example.org>", "<b@example.org>")),
        ("niente", ()),
        ("<<a@example.org>>", ("<a@example.org>",)),
        ("", ()),
    ],
)
def test_message_ids(text: str, expected: tuple[str, ...]) -> None:
    assert parse_message_ids(text) == expected


@pytest.mark.parametrize(
    ("text", "expected", "defects"),
    [
        ("<a@example.org>", "<a@example.org>", []),
        ("<[0f2a@example.org]>", "<[0f2a@example.org]>", []),
        ("a@example.org", "<a@example.org>", ["message_id_malformed"]),
        ("<senza-chiocciola>", "<senza-chiocciola>", ["message_id_malformed"]),
        ("<>", "", ["message_id_missing"]),
        ("", "", ["message_id_missing"]),
    ],
)
def test_message_id(text: str, expected: str, defects: list[str]) -> None:
    log = DefectLog()
    assert parse_message_id(text, log) == expected
    assert codes(log) == defects


def test_only_the_last_ids_are_kept() -> None:
    ids = parse_message_ids(" ".join(f"<{number}@example.org>" for number in range(500)))
    assert (len(ids), ids[-1]) == (200, "<499@example.org>")


MAY = datetime(2026, 5, 4, 8, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected", "defects"),
    [
        ("Mon, 4 May 2026 10:22:00 +0200", MAY, []),
        ("4 May 2026 08:22:00 GMT", MAY, []),
        ("Mon, 4 May 2026 08:22:00 -0000", MAY, []),
        ("Mon, 4 May 2026 08:22", MAY, []),
        ("Mon, 4 May 26 03:22:00 EST (nota)", MAY, []),
        ("ieri", None, ["date_invalid"]),
        ("Mon, 99 May 2026 10:22:00 +0200", None, ["date_invalid"]),
        ("Fri, 31 Dec 9999 23:59:59 -2359", None, ["date_invalid"]),
        ("Mon, 4 May 2026 10:22:00 +9999999999", None, ["date_invalid"]),
        ("", None, ["date_missing"]),
    ],
)
def test_dates(text: str, expected: datetime | None, defects: list[str]) -> None:
    log = DefectLog()
    assert parse_date(text, log) == expected
    assert codes(log) == defects


@pytest.mark.parametrize(
    ("text", "value", "parameters"),
    [
        ("Text/Plain; CharSet=UTF-8", "text/plain", {"charset": "UTF-8"}),
        ('text/plain; name="a;b\\"c.txt"; x = y', "text/plain", {"name": 'a;b"c.txt', "x": "y"}),
        ("text/plain (nota; x=1); charset=utf-8", "text/plain", {"charset": "utf-8"}),
        ("a/b; name*=utf-8''citt%C3%A0.pdf; name=citta.pdf", "a/b", {"name": "città.pdf"}),
        ("a/b; name*0=uno; name*1=due; name*10=tre", "a/b", {"name": "unoduetre"}),
        ("a/b; name*1*=%C3%A0; name*0*=utf-8'it'citt", "a/b", {"name": "città"}),
        ("a/b; name*0*=utf-8''citt%C3; name*1*=%A0", "a/b", {"name": "città"}),
        ("a/b; name=uno; name=due", "a/b", {"name": "uno"}),
        ("a/b; name==?utf-8?Q?citt=C3=A0?=", "a/b", {"name": "città"}),
        ("a/b; name=senza virgolette.pdf", "a/b", {"name": "senza virgolette.pdf"}),
        ('a/b; name="aperta', "a/b", {"name": "aperta"}),
        ("", "", {}),
        (";;=;x", "", {}),
    ],
)
def test_parameters(text: str, value: str, parameters: dict[str, str]) -> None:
    assert parse_parameters(text, DefectLog(), "") == (value, parameters)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("=?utf-8?Q?citt=C3=A0?=", "città"),
        ("=?UTF-8?b?Y2l0dMOg?= di =?iso-8859-1?q?Forl=EC?=", "città di Forlì"),
        ("=?utf-8?Q?uno?= =?utf-8?Q?due?=", "unodue"),
        ("=?utf-8?Q?uno?= =?iso-8859-1?Q?due?=", "unodue"),
        ("=?utf-8?Q?con spazi e_sottolineati?=", "con spazi e sottolineati"),
        ("=?utf-8*it?Q?lingua?=", "lingua"),
        ("=?utf-8?B?Y2l0dMOg", "=?utf-8?B?Y2l0dMOg"),
        ("=?utf-8?B?Y2l0dMO?=", "cittÃ"),
        ("=?utf-8?B?!!!?=", ""),
        ("=?utf-8?X?a?=", "=?utf-8?X?a?="),
        ("=?utf-8?Q?a=0D=0ABcc=3A_b?=", "a Bcc: b"),
        ("uno\t  due ", "uno due"),
        ("citta\u0300 bell\u202ea", "città bella"),
    ],
)
def test_encoded_words(text: str, expected: str) -> None:
    assert decode_unstructured(text, DefectLog(), "") == expected


def test_header_fields_keep_order_repetition_and_names() -> None:
    message = parse(b"X-a: 1\nx-A: =?utf-8?Q?=C3=A0?=\nReceived: uno\n due\n\n")
    assert message.header_fields == (("X-a", "1"), ("x-A", "à"), ("Received", "uno due"))
    assert message.header("X-A") == ("1", "à")


def test_header_limits_are_defects_and_the_body_is_still_read() -> None:
    octets = b"From: a@example.org\nX: " + b"a" * 300 + b"\n" + b"Y: b\n" * 20 + b"\nciao"
    message = parse(octets, ParseLimits(header_octets=200))
    assert message.new_text == "ciao"
    assert "limit_header_octets" in {defect.code for defect in message.defects}
    message = parse(octets, ParseLimits(header_fields=3))
    assert (message.new_text, len(message.header_fields)) == ("ciao", 3)
    assert "limit_header_fields" in {defect.code for defect in message.defects}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("foto.jpg", "foto.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Documenti\\modulo.pdf", "modulo.pdf"),
        ("foto\u202egnp.exe", "fotognp.exe"),
        ("a\x00b\r\nc.pdf", "ab c.pdf"),
        ('a<b>:"c|d?*.pdf', "a_b_c_d_.pdf".replace("a_b_c_d_", "a_b___c_d__")),
        (" .nascosto. ", "nascosto"),
        ("..", ""),
        ("", ""),
        ("x" * 300 + ".pdf", "x" * 116 + ".pdf"),
        ("x" * 300, "x" * 120),
        ("x" * 300 + "." + "y" * 50, "x" * 120),
    ],
)
def test_file_names(name: str, expected: str) -> None:
    assert clean_file_name(name) == expected


def test_text_cleaning_keeps_words_and_joiners() -> None:
    assert clean_text("a\r\nb\rc\u2028d\x85e\tf\u00a0g") == "a\nb\nc\nd\ne\tf g"
    assert clean_text("\U000e0041a\u202eb\ufeffc\ud800d") == "abcd"
    assert clean_text("می\u200cخواهم 👨\u200d👩") == "می\u200cخواهم 👨\u200d👩"
    assert clean_line("  a\n\tb\u3000c ") == "a b c"
