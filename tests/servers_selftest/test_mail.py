"""The builder of test messages writes what a mail program would."""

from __future__ import annotations

import email
from datetime import UTC, datetime
from email.policy import default

from tests.servers.mail import AttachedFile, make_mail

_WHEN = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


def test_plain_message_is_written_whole() -> None:
    octets = make_mail("Buongiorno,\nserve aiuto.\n", date=_WHEN, message_id="<1@example.org>", return_path="")

    assert octets == (
        b"Return-Path: <>\r\n"
        b"From: Anna Esempio <anna.esempio@example.org>\r\n"
        b"To: pijss.retifamiglia@ats-valpadana.it\r\n"
        b"Subject: Richiesta di informazioni\r\n"
        b"Date: Wed, 25 Nov 2026 09:00:00 +0000\r\n"
        b"Message-ID: <1@example.org>\r\n"
        b"MIME-Version: 1.0\r\n"
        b'Content-Type: text/plain; charset="utf-8"\r\n'
        b"Content-Transfer-Encoding: 7bit\r\n"
        b"\r\n"
        b"Buongiorno,\r\nserve aiuto.\r\n"
    )


def test_same_arguments_give_the_same_octets() -> None:
    def build() -> bytes:
        return make_mail(
            date=_WHEN, message_id="<1@example.org>", html="<p>ciao</p>", attachments=[AttachedFile("a.pdf", b"%PDF")]
        )

    assert build() == build()


def test_messages_differ_unless_told_otherwise() -> None:
    assert make_mail() != make_mail()


def test_italian_text_html_and_attachments_can_be_read_back() -> None:
    octets = make_mail(
        "perché",
        subject="Perché così tardi? " * 6,
        author="Niccolò Prova <n@example.org>",
        html="<p>però</p>",
        attachments=[AttachedFile("certificato è.pdf", b"%PDF")],
    )

    message = email.message_from_bytes(octets, policy=default)

    assert octets.count(b"\n") == octets.count(b"\r\n")
    assert (message["Subject"], message["From"]) == (
        "Perché così tardi? " * 6,
        "Niccolò Prova <n@example.org>",
    )
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert (text.get_content().strip(), html.get_content().strip()) == ("perché", "<p>però</p>")
    (attached,) = message.iter_attachments()
    assert (attached.get_filename(), attached.get_content()) == ("certificato è.pdf", b"%PDF")


def test_fields_can_be_left_out_and_added_as_written() -> None:
    octets = make_mail(subject=None, to=None, message_id=None, headers=[("auto-SUBMITTED", "auto-replied\r\n (ferie)")])

    assert not any(line.startswith((b"Subject:", b"To:", b"Message-ID:")) for line in octets.split(b"\r\n"))
    assert b"\r\nauto-SUBMITTED: auto-replied\r\n (ferie)\r\n" in octets
