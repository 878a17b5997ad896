"""No path of ours emits a line end that some server takes for another: what is written on the wire, octet by octet."""

from __future__ import annotations

import asyncio

import pytest

from tests.corpus import writing
from tests.corpus.cases.making import Case
from tests.dispatch.builders import submission
from tests.hostile.claims import decide_about, forward, read
from triage.dispatch.submit import Connection
from triage.vocabulary import AttemptOutcome

END = b"\r\n.\r\n"
SMUGGLERS = [case for group in writing.groups() for case in group.cases if group.name in ("smuggling", "framing")]


class Recorder:
    """An SMTP server that keeps every octet of each DATA and offers what a modern server offers."""

    def __init__(self, eight_bit: bool) -> None:
        self.eight_bit = eight_bit
        self.data: list[bytes] = []
        self.commands: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx.else.example ESMTP\r\n")
        while line := await reader.readline():
            self.commands.append(line.decode("ascii").split()[0].upper())
            if self.commands[-1] == "DATA":
                writer.write(b"354 go on\r\n")
                await writer.drain()
                self.data.append(await reader.readuntil(END))
                writer.write(b"250 2.0.0 accepted\r\n")
            elif self.commands[-1] == "EHLO":
                extension = b"250-8BITMIME\r\n" if self.eight_bit else b""
                writer.write(b"250-mx.else.example\r\n" + extension + b"250 ENHANCEDSTATUSCODES\r\n")
            else:
                writer.write(b"250 ok\r\n")
            await writer.drain()
            if self.commands[-1] == "QUIT":
                break
        writer.close()


async def send_all(cases: list[Case], eight_bit: bool) -> tuple[Recorder, list[bytes]]:
    recorder = Recorder(eight_bit)
    server = await asyncio.start_server(recorder.serve, "127.0.0.1", 0, limit=4 << 20)
    connection = Connection(submission(server.sockets[0].getsockname()[1]))
    composed: list[bytes] = []
    for case in cases:
        await connection.open()
        message = read(case.octets)
        outgoing = forward(message, case.octets, decide_about(message), eight_bit=eight_bit)
        composed.append(outgoing.octets)
        assert (await connection.submit(outgoing)).outcome is AttemptOutcome.ACCEPTED
    await connection.close()
    server.close()
    await server.wait_closed()
    return recorder, composed


@pytest.mark.parametrize("eight_bit", [False, True], ids=["7bit", "8bitmime"])
def test_each_message_is_one_transaction_with_one_end_and_no_bare_line_end(eight_bit: bool) -> None:
    recorder, composed = asyncio.run(send_all(SMUGGLERS, eight_bit))
    assert len(recorder.data) == len(SMUGGLERS) == recorder.commands.count("MAIL") == recorder.commands.count("RCPT")
    assert set(recorder.commands) <= {"EHLO", "MAIL", "RCPT", "DATA", "RSET", "QUIT"}
    for wire, octets in zip(recorder.data, composed, strict=True):
        pairs = wire.count(b"\r\n")
        assert wire.count(b"\r") == pairs == wire.count(b"\n")
        assert b"\0" not in wire
        assert wire.count(END) == 1
        body = wire.removesuffix(b".\r\n")
        assert body.replace(b"\r\n..", b"\r\n.") == octets
