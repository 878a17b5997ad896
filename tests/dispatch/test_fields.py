"""Outgoing header fields: whatever strangers write, one field leaves, with the intended value."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes
from email.header import decode_header, make_header
from email.headerregistry import AddressHeader
from email.message import EmailMessage
from email.policy import default
from email.utils import parseaddr
from typing import cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from triage.dispatch.fields import (
    address_field,
    clean,
    clean_name,
    date_field,
    id_list,
    recipient_field,
    text_field,
    token_field,
)

HOSTILE = [
    "Orari",
    "Perché così? Sì, è già finita: più di ciò",
    "ciao\r\nBcc: evil@example.test",
    "ciao\nBcc: evil@example.test\n\n<html>",
    "ciao\rBcc: evil@example.test",
    "=?utf-8?q?ciao=0D=0ABcc=3A_evil=40example=2Etest?=",
    "=?utf-8?B?Y2lhbw==?= davvero",
    "\u202egnp.erutcip\u2066 \u200bzero\ufeff width\u00ad",
    "\x00\x01\x1b[31mrosso\x7f\x85\u2028\u2029fine",
    "\ud800 surrogate \udfff",
    "x" * 10_000,
    "é" * 10_000,
    "parola " * 2_000,
    "👩‍👧‍👦" * 300,
    "\t  molti \xa0 blank \u3000 ",
    "",
    "   ",
    '"quoted" <angled@example.test>, (comment)',
    "مرحبا שלום",
]


def parsed(octets: bytes) -> EmailMessage:
    return message_from_bytes(octets + b"\r\n", policy=default)


def assert_one_field(octets: bytes, name: str) -> EmailMessage:
    """Exactly one field, ASCII, its lines within RFC 5322 section 2.1.1."""
    message = parsed(octets)
    assert message.keys() == [name]
    assert message.get_payload() == ""
    assert not message.defects
    assert octets.isascii()
    assert octets.endswith(b"\r\n")
    lines = octets.removesuffix(b"\r\n").split(b"\r\n")
    assert all(b"\r" not in line and b"\n" not in line and len(line) <= 998 for line in lines)
    assert all(line.startswith(b" ") and line.strip() for line in lines[1:])
    return message


@pytest.mark.parametrize("text", HOSTILE)
def test_subject_is_one_field_of_short_lines(text: str) -> None:
    octets = text_field("Subject", text)
    message = assert_one_field(octets, "Subject")
    assert all(len(line) <= 78 for line in octets.split(b"\r\n"))
    assert message["Subject"] == clean(text, 200)


@given(st.text(st.characters(codec=None), max_size=400))
@example("ò" * 22 + " ciao")
@example("x" * 45 + " però")
@example("x" * 46 + " però")
@example("a " + "ò" * 22)
def test_any_text_becomes_one_field_with_the_intended_value(text: str) -> None:
    octets = text_field("Subject", text)
    message = assert_one_field(octets, "Subject")
    assert all(len(line) <= 78 for line in octets.split(b"\r\n"))
    assert message["Subject"] == clean(text, 200)


@given(st.text(st.characters(codec=None), max_size=200), st.emails())
@example("Niccolò " * 25, "a@b.example")
@example("ò" * 200, "a@b.example")
@example("Anna Maria " * 20, "a@b.example")
@example("x" * 200, "a@b.example")
def test_any_name_becomes_one_address_with_the_intended_name(name: str, address: str) -> None:
    if not address.isascii() or "'" in address or len(address) > 70:
        address = "famiglie@agency.example"
    octets = address_field("From", name, address)
    message = assert_one_field(octets, "From")
    assert all(len(line) <= 78 for line in octets.split(b"\r\n"))
    [found] = cast(AddressHeader, message["From"]).addresses
    assert found.addr_spec.casefold() == address.casefold()
    # Python's newer parser shows a blank between two encoded-words of a name; its older one is right.
    raw = message_from_bytes(octets + b"\r\n")["From"].replace("\r\n", "")
    shown, bare = parseaddr(raw)
    assert bare.casefold() == address.casefold()
    assert str(make_header(decode_header(shown))) == clean_name(name, 200)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Anna Rossi", "Anna Rossi"),
        ("O'Hara", "O'Hara"),
        ("Dr. Rossi", "Dr. Rossi"),
        ("Niccolò", "Niccolò"),
        ("info@banca.example", "info banca.example"),
        ('Anna" <evil@example.test>, "', "Anna evil example.test"),
        ("Anna\r\nBcc: x@example.test", "Anna Bcc x example.test"),
        ("Rossi, Anna (mamma)", "Rossi Anna mamma"),
        ("\u202eissoR annA", "issoR annA"),
        ("=?utf-8?q?evil?=", "=?utf-8?q?evil?="),
        ("@@@", ""),
        ("", ""),
    ],
)
def test_display_name_cannot_pass_for_an_address(name: str, shown: str) -> None:
    message = assert_one_field(address_field("From", name, "famiglie@agency.example"), "From")
    [address] = cast(AddressHeader, message["From"]).addresses
    assert (address.display_name, address.addr_spec) == (shown, "famiglie@agency.example")


def test_clean_cuts_and_folds_blanks() -> None:
    assert clean("a \t\r\n b\u00a0c", 10) == "a b c"
    assert clean("abcdef", 3) == "abc"
    assert clean("ab cd", 3) == "ab"
    assert len(clean_name("x" * 500)) == 60


@pytest.mark.parametrize("value", ["a\r\nb", "a\nb", "è", "\x00", "a\tb"])
def test_token_field_refuses_what_is_not_printable_ascii(value: str) -> None:
    with pytest.raises(ValueError, match="not printable ASCII"):
        token_field("X-Test", value)


def test_long_reference_lists_are_folded() -> None:
    ids = " ".join(f"<{number:032x}@mail.example.org>" for number in range(20))
    octets = token_field("References", ids)
    message = assert_one_field(octets, "References")
    assert message["References"].split() == ids.split()
    assert max(len(line) for line in octets.split(b"\r\n")) <= 78


@pytest.mark.parametrize("address", ["a b@example.org", "a@example.org\r\nBcc: x", "è@example.org"])
def test_address_field_refuses_an_address_that_was_not_checked(address: str) -> None:
    with pytest.raises(ValueError, match="not an address"):
        address_field("Reply-To", "Anna", address)


@pytest.mark.parametrize("address", ["a b@example.org", "a@example.org\r\nBcc: x", "a@ex\u200bample.org", "\0@b.test"])
def test_recipient_field_refuses_an_address_that_was_not_checked(address: str) -> None:
    with pytest.raises(ValueError, match="not an address"):
        recipient_field(address)


def test_internationalised_recipient_is_written_in_utf8() -> None:
    assert recipient_field("unità@nord.example") == "To: unità@nord.example\r\n".encode()


def test_date_keeps_its_zone() -> None:
    moment = datetime(2026, 11, 25, 10, 0, tzinfo=timezone(timedelta(hours=1)))
    assert date_field(moment) == b"Date: Wed, 25 Nov 2026 10:00:00 +0100\r\n"
    assert date_field(moment.astimezone(UTC)) == b"Date: Wed, 25 Nov 2026 09:00:00 +0000\r\n"


def test_only_well_formed_message_ids_are_passed_on() -> None:
    bad = ("<a b@c>", "<>", "x@y", "<a@b>\r\nBcc: z", "<" + "x" * 300 + ">", "<è@b>", "<a<b@c>")
    assert id_list((*bad, "<good@example.org>")) == "<good@example.org>"
    assert id_list(bad) == ""


def test_long_threads_keep_the_first_and_the_latest_message_ids() -> None:
    ids = tuple(f"<{number}@example.org>" for number in range(50))
    kept = id_list(ids).split()
    assert kept == [ids[0], *ids[31:]]
