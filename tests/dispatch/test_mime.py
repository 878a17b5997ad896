"""The original travels byte for byte, by whichever carrier, through a real SMTP server."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from email import message_from_bytes
from email.policy import default

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.dispatch.builders import NORD, Desk, a_mail, attached_original
from tests.servers.smtp_sink import EXTENSIONS, SmtpSink
from triage.dispatch.mime import mixed, original_part, quoted_printable, text_part, travels_as_message

HEAD = b"From: anna@family.example\r\nSubject: x\r\n\r\n"
AS_MESSAGE, AS_FILE = "message/rfc822", "application/octet-stream"
ORIGINALS: dict[str, tuple[bytes, str]] = {
    "normal": (HEAD + b"ciao\r\n", AS_MESSAGE),
    "no final newline": (HEAD + b"ciao", AS_MESSAGE),
    "header section only": (b"From: a@b.example\r\n\r\n", AS_MESSAGE),
    "final blank lines": (HEAD + b"ciao\r\n\r\n\r\n", AS_MESSAGE),
    "empty": (b"", AS_FILE),
    "NUL": (HEAD + b"ci\0ao\r\n", AS_FILE),
    "bare CR": (HEAD + b"ci\rao\r\n", AS_FILE),
    "bare LF": (HEAD + b"ci\nao\r\n", AS_FILE),
    "LF only": (b"From: a@b.example\n\nciao\n", AS_FILE),
    "final CR": (HEAD + b"ciao\r", AS_FILE),
    "LF CR": (HEAD + b"ciao\n\r\n", AS_FILE),
    "smuggled end": (HEAD + b"ciao\n.\r\nMAIL FROM:<x@example.test>\r\n", AS_FILE),
    "line of 998": (HEAD + b"x" * 998 + b"\r\n", AS_MESSAGE),
    "line of 999": (HEAD + b"x" * 999 + b"\r\n", AS_FILE),
    "line of 5000": (HEAD + b"x" * 5000 + b"\r\n", AS_FILE),
    "unfinished line of 999": (HEAD + b"x" * 999, AS_FILE),
    "8-bit": (HEAD + "perché\r\n".encode(), AS_MESSAGE),
    "8-bit header": ("Subject: perché\r\n\r\n".encode("latin-1") + b"\xff\xfe\r\n", AS_FILE),
    "boundary-like lines": (HEAD + b"--\r\n----\r\n--=_x\r\n--=_x--\r\n-- \r\n", AS_MESSAGE),
    "dots": (HEAD + b".\r\n..\r\n.a\r\n...\r\n.\r\n", AS_MESSAGE),
    "only a dot": (b".\r\n", AS_MESSAGE),
    "From line": (b"From anna Wed Nov 25\r\n" + HEAD + b"From me\r\n>From\r\n", AS_MESSAGE),
    "trailing blanks": (HEAD + b"ciao   \r\n\t\r\n", AS_MESSAGE),
    "looks like base64": (HEAD + b"Content-Transfer-Encoding: base64\r\n\r\nAAAA\r\n", AS_MESSAGE),
}


@pytest.mark.parametrize("eight_bit", [True, False], ids=["8BITMIME", "no 8BITMIME"])
def test_originals_arrive_byte_for_byte(
    make_desk: Callable[..., Desk], start_smtp_sink: Callable[..., SmtpSink], eight_bit: bool
) -> None:
    sink = start_smtp_sink(extensions=EXTENSIONS if eight_bit else ("SIZE 52428800", "SMTPUTF8"))
    desk = make_desk(sink.port)
    wanted: dict[str, tuple[bytes, str]] = {}
    for name, (content, carrier) in ORIGINALS.items():
        # Each is the end of a mail that can be decided; in a body it is no header section.
        octets = a_mail(message_id=f"<{abs(hash(name))}@family.example>") + content
        carrier = AS_MESSAGE if name == "8-bit header" else carrier
        expected = carrier if eight_bit or octets.isascii() else AS_FILE
        if not content:
            continue
        wanted[hashlib.sha256(octets).hexdigest()] = (octets, expected)
    desk.take_in(*(octets for octets, _ in wanted.values()))
    desk.send()
    forwards = [sent for sent in sink.messages if sent.forward_paths == (NORD,)]
    assert len(forwards) == len(wanted)
    for sent in forwards:
        octets = attached_original(sent.octets)
        found = hashlib.sha256(octets).hexdigest()
        assert found in wanted, octets[-40:]
        carrier = message_from_bytes(sent.octets, policy=default).get_payload(1).get_content_type()  # type: ignore[union-attr]
        assert carrier == wanted.pop(found)[1]
        head, _, body = sent.octets.partition(b"\r\n\r\n")
        # RFC 2045 section 6.4: the whole is marked as its parts are.
        assert (b"\r\nContent-Transfer-Encoding: 8bit" in head) == (not body.isascii())
        assert ("BODY=8BITMIME" in sent.parameters[0]) == (not sent.octets.isascii())
        if not eight_bit:
            assert sent.octets.isascii()
    assert wanted == {}
    assert not [said for said in sink.transcript if said.line.startswith(("500", "503"))]


@pytest.mark.parametrize("name", ORIGINALS)
def test_which_carrier(name: str) -> None:
    octets, carrier = ORIGINALS[name]
    assert travels_as_message(octets, eight_bit=True) == (carrier == AS_MESSAGE)
    assert travels_as_message(octets, eight_bit=False) == (carrier == AS_MESSAGE and octets.isascii())


lines = st.lists(
    st.one_of(
        st.binary(max_size=60),
        st.sampled_from([b".", b"..", b"--x--", b"-", b"\r", b"\0", b"x" * 998, b"x" * 999, b"From ", b" \t"]),
    ),
    max_size=8,
)


@given(st.one_of(st.binary(max_size=300), lines.map(b"\r\n".join), lines.map(b"\n".join)), st.booleans())
@example(b"\r\n", True)
@example(b"\r\n\r\n", True)
@settings(max_examples=300)
def test_any_octets_can_be_cut_out_of_the_part_again(octets: bytes, eight_bit: bool) -> None:
    part = original_part(octets, eight_bit)
    sent = mixed([text_part("ciao"), part])
    assert attached_original(sent) == octets
    if not eight_bit:
        assert sent.isascii()
    # What SMTP requires of the whole: no NUL, no bare CR or LF, no line over 998 octets.
    assert b"\0" not in sent
    assert sent.count(b"\r\n") == sent.count(b"\r") == sent.count(b"\n")
    assert max(len(line) for line in sent.split(b"\r\n")) <= 998


@given(st.binary(max_size=200))
def test_boundary_stands_in_no_part(octets: bytes) -> None:
    sent = mixed([original_part(octets, True)])
    message = message_from_bytes(sent, policy=default)
    boundary = message.get_boundary()
    assert boundary is not None
    assert sent.count(boundary.encode()) == 3


@given(st.text(st.characters(codec=None), max_size=400))
def test_quoted_printable_gives_the_text_back(text: str) -> None:
    octets = quoted_printable(text)
    assert octets.isascii()
    assert octets.endswith(b"\r\n")
    assert all(len(line) <= 76 for line in octets.split(b"\r\n"))
    assert octets.count(b"\r\n") == octets.count(b"\r") == octets.count(b"\n")
    part = message_from_bytes(text_part(text), policy=default)
    assert not part.defects
    plain = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")
    wanted = "\n".join(line.rstrip() for line in plain).encode("utf-8", "replace").replace(b"\0", b"") + b"\n"
    assert part.get_payload(decode=True).replace(b"\r\n", b"\n") == wanted  # type: ignore[union-attr]
