"""Parsing never raises and never runs away, whatever the octets."""

import email
import email.policy
import unicodedata
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from triage.parse import ParseLimits, parse
from triage.parse.limits import Budget, DefectLog
from triage.parse.structure import Part, read_structure
from triage.parse.transfer import decode_transfer
from triage.parse.wire import from_json, to_json
from triage.vocabulary import InboundMessage

CORPUS = [path.read_bytes() for path in sorted((Path(__file__).parent.parent / "corpus" / "parse").glob("*.eml"))]
SMALL = ParseLimits(3, 5, 200, 5, 3, 100, 500, 2, 300, 20)

RELAXED = settings(max_examples=150, deadline=2_000, suppress_health_check=[HealthCheck.too_slow])

VALUES = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            "text/plain; charset=utf-16",
            "text/html; charset=zlib",
            "text/plain; format=flowed; delsp=yes",
            "multipart/mixed; boundary=b",
            'multipart/alternative; boundary="b"',
            "multipart/digest; boundary=b",
            "message/rfc822",
            "application/ms-tnef; name=winmail.dat",
            "application/pkcs7-mime",
            "attachment; filename*0*=utf-8''%FF; filename*1=b",
            "base64",
            "quoted-printable",
            "x-uuencode",
            "=?utf-8?B?/w==?= =?x?Q?=FF?=",
            '"a, b" <c@d>, (e(f) g@h:;, <>',
            "<[a]> <b <c>",
            "Mon, 99 Foo 99999 99:99:99 +9999",
            "posta-certificata",
        ]
    ),
)
NAMES = st.sampled_from(
    [
        "From",
        "To",
        "Cc",
        "Subject",
        "Date",
        "Message-ID",
        "References",
        "Return-Path",
        "Content-Type",
        "X-Trasporto",
        "Content-Transfer-Encoding",
        "Content-Disposition",
        "X-Ricevuta",
        "In-Reply-To",
        "Sender",
        "Reply-To",
        "X y",
    ]
)
BODIES = st.one_of(
    st.binary(max_size=80),
    st.text(max_size=80).map(lambda text: text.encode("utf-8", "replace")),
    st.sampled_from(
        [
            b"> a\nb",
            b"Il 3/5/2026 10:22, x ha scritto:\n> a",
            b"<div><p>a<b",
            b"=E9=",
            b"QQ==\nfooter a",
            b"-- \nx",
            b"",
            b'x\x9f>"\x01\x00\x02\x05\x90\x06\x00\xff\x00\x00\x00',
            b"begin 644 a\nM\nend\n",
            b"\xff\xfea\x00",
        ]
    ),
)


@st.composite
def parts(draw: st.DrawFn, depth: int = 0) -> bytes:
    fields = draw(st.lists(st.tuples(NAMES, VALUES), max_size=6))
    head = b"".join(f"{name}: {value}\n".encode("utf-8", "replace") for name, value in fields)
    if depth < 3 and draw(st.booleans()):
        inner = draw(st.lists(parts(depth + 1), max_size=3))
        return (
            head + b"\n" + b"".join(b"--b\n" + one + b"\n" for one in inner) + draw(st.sampled_from([b"--b--\n", b""]))
        )
    return head + b"\n" + draw(BODIES)


def check(octets: bytes, limits: ParseLimits) -> InboundMessage:
    """What must hold of any message."""
    message = parse(octets, limits)
    assert "parser_failed" not in {defect.code for defect in message.defects}, message.defects
    assert message.size == len(octets)
    assert len(message.attachments) <= limits.attachments
    assert len(message.header_fields) <= limits.header_fields
    shown = [message.subject, message.author.display_name, *(file.file_name for file in message.attachments)]
    assert not any(unicodedata.category(sign) in {"Cc", "Cs", "Zl", "Zp"} for text in shown for sign in text)
    assert not any("/" in file.file_name or "\\" in file.file_name for file in message.attachments)
    for address in (*message.authors, *message.recipients):
        assert not address.addr_spec or address.addr_spec.partition("@")[1] == "@"
        assert address.addr_spec.rpartition("@")[2] == address.addr_spec.rpartition("@")[2].lower()
    assert message.date is None or message.date.utcoffset() is not None
    assert message.new_text or not message.quoted_text or message.content_type == "multipart/report"
    assert from_json(to_json(message)) == message
    assert parse(octets, limits) == message
    message.new_text.encode("utf-8")
    return message


@RELAXED
@given(st.binary(max_size=400))
def test_any_octets(octets: bytes) -> None:
    check(octets, ParseLimits())


@RELAXED
@given(parts())
def test_any_structure(octets: bytes) -> None:
    check(octets, ParseLimits())
    check(octets, SMALL)


@RELAXED
@given(
    st.sampled_from(CORPUS),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), st.binary(max_size=8)), min_size=1, max_size=6),
)
def test_mutilated_corpus(octets: bytes, cuts: list[tuple[float, int, bytes]]) -> None:
    for place, removed, inserted in cuts:
        at = int(place * len(octets))
        octets = octets[:at] + inserted + octets[at + removed :]
    check(octets, ParseLimits())
    check(octets, SMALL)


@given(st.sampled_from(CORPUS), st.integers(0, 2_000))
def test_truncated_corpus(octets: bytes, length: int) -> None:
    check(octets[:length], ParseLimits())


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=30)


@st.composite
def good_messages(draw: st.DrawFn) -> EmailMessage:
    """Well-formed messages, written by the standard library."""
    message = EmailMessage(policy=email.policy.SMTP)
    message["From"] = "a@example.org"
    message["Subject"] = "x"
    charset = draw(st.sampled_from(["utf-8", "utf-16"]))
    message.set_content(draw(WORDS), charset=charset, cte=draw(st.sampled_from(["base64", "quoted-printable"])))
    if draw(st.booleans()):
        message.add_alternative("<p>" + draw(WORDS) + "</p>", subtype="html")
    for _ in range(draw(st.integers(0, 3))):
        content = draw(st.binary(max_size=300))
        message.add_attachment(content, "application", "octet-stream", filename=draw(WORDS).replace("\\", "") + ".bin")
    return message


def leaves(part: Part) -> list[tuple[str, bytes]]:
    if part.children:
        return [leaf for child in part.children for leaf in leaves(child)]
    octets = part.octets[part.start : part.end]
    return [(part.content_type, decode_transfer(octets, part.encoding, DefectLog()))]


@RELAXED
@given(good_messages())
def test_well_formed_messages_are_read_as_the_standard_library_reads_them(message: EmailMessage) -> None:
    octets = message.as_bytes()
    log = DefectLog()
    root = read_structure(octets, Budget(ParseLimits(), log), log)
    theirs = email.message_from_bytes(octets)
    expected = [
        (part.get_content_type(), bytes(part.get_payload(decode=True)))
        for part in theirs.walk()
        if not part.is_multipart()
    ]
    assert [(kind, octets.replace(b"\r\n", b"\n")) for kind, octets in leaves(root)] == [
        (kind, octets.replace(b"\r\n", b"\n")) for kind, octets in expected
    ]
    assert not log.collected()
    sizes = [len(payload) for kind, payload in expected if kind == "application/octet-stream"]
    assert [file.size for file in parse(octets).attachments] == sizes


class _Trap(bytes):
    """Octets that fail when they are read, as a fault in our own code would."""

    error: BaseException = RuntimeError("secret subject")

    def startswith(self, *_: object) -> bool:
        raise self.error


class _Exhausting(_Trap):
    error = MemoryError()


def test_an_error_of_our_own_ends_in_a_message() -> None:
    message = parse(_Trap(b"Subject: x\n\nciao"))
    assert [(defect.code, defect.detail) for defect in message.defects] == [("parser_failed", "RuntimeError")]
    assert message.size == 16


def test_running_out_of_memory_passes_through() -> None:
    with pytest.raises(MemoryError):
        parse(_Exhausting(b"Subject: x\n\nciao"))


@pytest.mark.parametrize("field", ["depth", "parts", "text_characters"])
def test_limits_below_one_are_refused(field: str) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        ParseLimits(**{field: 0})


def test_a_depth_beyond_the_stack_is_refused() -> None:
    with pytest.raises(ValueError, match="depth"):
        ParseLimits(depth=101)
