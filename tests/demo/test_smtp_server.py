"""What a client finds at the demo's SMTP server, and that nothing goes further."""

from __future__ import annotations

import asyncio
import smtplib
import socket
from collections.abc import Iterator

import aiosmtplib
import pytest

from triage.demo.smtp_server import SIZE_LIMIT, AcceptedMessage, EmbeddedSmtp

MESSAGE = b"From: a@example.org\r\nSubject: prova\r\n\r\n.\r\n..due punti\r\nperch\xc3\xa9 no\r\n"


@pytest.fixture
def server() -> Iterator[EmbeddedSmtp]:
    with EmbeddedSmtp() as running:
        yield running


def connection(server: EmbeddedSmtp) -> aiosmtplib.SMTP:
    return aiosmtplib.SMTP(hostname=server.host, port=server.port, use_tls=False, start_tls=False, timeout=5)


def test_an_accepted_message_is_kept_with_its_envelope_byte_for_byte(server: EmbeddedSmtp) -> None:
    async def submit() -> None:
        async with connection(server) as client:
            await client.mail("ufficio@example.org", options=["BODY=8BITMIME"])
            await client.rcpt("uno@example.org")
            await client.rcpt("due@example.com")
            reply = await client.data(MESSAGE)
            assert reply.code == 250

    asyncio.run(submit())
    assert server.messages == (
        AcceptedMessage(
            reverse_path="ufficio@example.org",
            forward_paths=("uno@example.org", "due@example.com"),
            octets=MESSAGE,
            mail_options=("BODY=8BITMIME",),
        ),
    )


def test_the_null_reverse_path_is_kept_as_an_empty_one(server: EmbeddedSmtp) -> None:
    with smtplib.SMTP(server.host, server.port, timeout=5) as client:
        client.sendmail("", ["anna@example.org"], MESSAGE)
    assert [message.reverse_path for message in server.messages] == [""]


def test_it_offers_8bitmime_and_smtputf8_and_asks_for_no_login(server: EmbeddedSmtp) -> None:
    async def offered() -> dict[str, bool]:
        async with connection(server) as client:
            await client.ehlo()
            return {name: client.supports_extension(name) for name in ("8bitmime", "smtputf8", "size", "auth")}

    assert asyncio.run(offered()) == {"8bitmime": True, "smtputf8": True, "size": True, "auth": False}


def test_an_address_with_accents_is_accepted_under_smtputf8(server: EmbeddedSmtp) -> None:
    async def submit() -> None:
        async with connection(server) as client:
            await client.sendmail("a@example.org", ["niccolò@example.org"], MESSAGE, mail_options=["SMTPUTF8"])

    asyncio.run(submit())
    assert [message.forward_paths for message in server.messages] == [("niccolò@example.org",)]


def test_a_message_over_the_limit_is_refused_and_not_kept(server: EmbeddedSmtp) -> None:
    with smtplib.SMTP(server.host, server.port, timeout=5) as client:
        client.ehlo()
        code, _ = client.mail("a@example.org", [f"SIZE={SIZE_LIMIT + 1}"])
    assert code == 552
    assert server.messages == ()


def test_messages_can_be_awaited_and_forgotten(server: EmbeddedSmtp) -> None:
    assert not server.wait_for(1, timeout=0.01)
    with smtplib.SMTP(server.host, server.port, timeout=5) as client:
        client.sendmail("a@example.org", ["b@example.org"], MESSAGE)
    assert server.wait_for(1, timeout=5)
    server.clear()
    assert server.messages == ()


def test_a_stop_keeps_the_messages_and_closes_the_port(server: EmbeddedSmtp) -> None:
    with smtplib.SMTP(server.host, server.port, timeout=5) as client:
        client.sendmail("a@example.org", ["b@example.org"], MESSAGE)
    port = server.port
    server.stop()
    assert len(server.messages) == 1
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)


def test_cut_connections_fail_for_the_client_and_the_server_goes_on(server: EmbeddedSmtp) -> None:
    async def cut() -> None:
        client = connection(server)
        await client.connect()
        await asyncio.to_thread(server.drop_connections)
        with pytest.raises(aiosmtplib.SMTPServerDisconnected):
            await client.noop()
        client.close()
        async with connection(server) as again:
            assert (await again.noop()).code == 250

    asyncio.run(cut())


def test_a_message_cut_in_the_middle_of_data_is_not_kept(server: EmbeddedSmtp) -> None:
    with socket.create_connection((server.host, server.port), timeout=5) as link, link.makefile("rwb") as lines:
        lines.readline()
        for command in (b"HELO prova", b"MAIL FROM:<a@example.org>", b"RCPT TO:<b@example.org>", b"DATA"):
            lines.write(command + b"\r\n")
            lines.flush()
            assert lines.readline()[:3] in (b"250", b"354")
        lines.write(b"Subject: a met\r\n")
        lines.flush()
        server.drop_connections()
    assert server.messages == ()
