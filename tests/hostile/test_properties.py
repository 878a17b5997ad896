"""Whatever strangers write: reading never raises, and what we send has the fields we meant and no others."""

from __future__ import annotations

import unicodedata
from email.utils import parseaddr

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.corpus import writing
from tests.corpus.cases.making import ANNA, OURS, file, join, mail, multi, part, word
from tests.hostile.claims import (
    ask_gate,
    check_acknowledgement,
    check_all,
    check_forward,
    decide_about,
    is_hidden,
    read,
)
from triage.dispatch.fields import address_field, clean_name, text_field

SOME = settings(
    max_examples=120, deadline=4_000, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
CORPUS = [case.octets for group in writing.groups() for case in group.cases if len(case.octets) < 4_000]

NASTY = st.sampled_from(
    [
        "\r\n",
        "\n",
        "\r",
        "\0",
        "\x85",
        "\u2028",
        "\u202e",
        "\u2066",
        "\u200f",
        "\ufeff",
        "\x1b",
        "@",
        "<",
        ">",
        '"',
        "\\",
        ",",
        ";",
        ":",
        "(",
        ")",
        "=?",
        "?=",
        "=0D=0A",
        "%0D%0A",
        ".\r\n",
        "\r\n.\r\n",
        "Bcc: x@else.example",
        "＠",
        "\ud800",
        "è",
        "👶",
        " ",
        "\t",
    ]
)
TEXTS = st.lists(st.one_of(NASTY, st.text(max_size=8)), max_size=20).map("".join)
ENCODED = st.builds(
    lambda text, encoding: word(text.encode("utf-8", "replace"), encoding), TEXTS, st.sampled_from(["B", "Q"])
)
VALUES = st.one_of(TEXTS, ENCODED, st.lists(st.one_of(TEXTS, ENCODED), max_size=4).map(" ".join)).map(
    lambda value: value.encode("utf-8", "replace")
)


def octets(text: str) -> bytes:
    return text.encode("utf-8", "replace")


@st.composite
def letters(draw: st.DrawFn) -> bytes:
    """A message whose every field that we read or repeat may hold anything."""
    names = ["From", "Subject", "Message-ID", "Date", "To", "Return-Path"]
    head = {name: draw(VALUES) for name in draw(st.sets(st.sampled_from(names), max_size=4))}
    if "From" not in head and draw(st.booleans()):
        head["From"] = draw(VALUES) + b" <" + ANNA.encode() + b">"
    more = [
        name.encode() + b": " + draw(VALUES)
        for name in draw(
            st.lists(st.sampled_from(["Reply-To", "Sender", "References", "In-Reply-To", "Cc"]), max_size=3)
        )
    ]
    body = draw(st.one_of(st.binary(max_size=200), TEXTS.map(octets)))
    if draw(st.booleans()):
        return mail(body, *more, head=head)
    name = draw(VALUES).decode("utf-8", "replace").replace('"', "'")
    return mail(join([part(body, ""), file(name)]), *more, head=head, kind="multipart/mixed; boundary=b1")


@SOME
@given(letters(), st.booleans())
def test_what_we_send_parses_again_and_has_exactly_the_fields_we_meant(letter: bytes, eight_bit: bool) -> None:
    message = read(letter)
    check_forward(letter, message, eight_bit=eight_bit)
    verdict = ask_gate(message, decide_about(message))
    if verdict.allowed:
        check_acknowledgement(message, verdict)


@SOME
@given(st.binary(max_size=600), st.booleans())
def test_any_octets_are_read_and_forwarded_unchanged(anything: bytes, eight_bit: bool) -> None:
    check_forward(anything, read(anything), eight_bit=eight_bit)


@SOME
@given(
    st.sampled_from(CORPUS),
    st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 30), st.one_of(st.binary(max_size=8), NASTY.map(octets))),
        min_size=1,
        max_size=6,
    ),
)
def test_mutilated_messages_of_the_corpus(message: bytes, cuts: list[tuple[float, int, bytes]]) -> None:
    for place, removed, inserted in cuts:
        at = int(place * len(message))
        message = message[:at] + inserted + message[at + removed :]
    check_all(message)


@SOME
@given(st.sampled_from(CORPUS), st.sampled_from(CORPUS), st.floats(0, 1), st.floats(0, 1))
def test_halves_of_two_messages(first: bytes, second: bytes, left: float, right: float) -> None:
    check_all(first[: int(left * len(first))] + second[int(right * len(second)) :])


@SOME
@given(st.sampled_from(CORPUS), st.sampled_from(CORPUS))
def test_one_message_inside_another(inner: bytes, other: bytes) -> None:
    check_all(multi(part(inner, "message/rfc822"), part(other, "message/rfc822", encoding="base64")))


@given(st.one_of(TEXTS, st.text(max_size=300)))
def test_display_names_carry_no_at_bidi_or_control_characters(name: str) -> None:
    """Whatever the name, the field holds our address, and what is shown cannot pass for another."""
    field = address_field("From", f"{name} tramite Reti Famiglia", OURS).decode("ascii")
    shown, address = parseaddr(field.partition(": ")[2].replace("\r\n", ""))
    assert address == OURS
    for text in (shown, clean_name(name), clean_name(name, 200)):
        assert not set(text) & set('@<>"\\')
        assert "@" not in unicodedata.normalize("NFKC", text), "nor a sign that looks like one"
        assert not any(is_hidden(sign) or unicodedata.category(sign) == "Cf" for sign in text)


@given(st.one_of(TEXTS, st.text(max_size=300)))
def test_a_subject_is_one_field(text: str) -> None:
    field = text_field("Subject", text)
    assert field.isascii()
    assert field.endswith(b"\r\n")
    assert all(line.startswith(b" ") for line in field.removesuffix(b"\r\n").split(b"\r\n")[1:])
    assert field.count(b"\r") == field.count(b"\n") == field.count(b"\r\n")
