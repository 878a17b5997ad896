"""No forward leaves before clamd has seen it: a real clamd, a real SMTP server, a harmless marker."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from tests.dispatch.builders import (
    ANNA,
    NORD,
    RULES,
    Desk,
    a_mail,
    acknowledgements_in,
    attached_original,
    change_project,
    forwards_in,
    from_family,
)
from tests.servers.clamd import MARKER, NAME, Clamd
from tests.servers.mail import AttachedFile
from tests.servers.process import LOOPBACK, free_ports
from tests.servers.smtp_sink import SmtpSink
from triage.dispatch.clamd import ScannerTroubleError, State, scan, version
from triage.dispatch.scanning import MOST_TROUBLES, Scanning
from triage.record.audit import history
from triage.settings import Scanner
from triage.vocabulary import DispatchKind, DispatchState, MessageState

Make = Callable[..., Desk]
Start = Callable[..., Clamd]
PDF = b"%PDF-1.4\nun modulo\n"
ACK = DispatchKind.ACKNOWLEDGEMENT


def by_socket(clamd: Clamd, timeout: float = 20.0) -> Scanner:
    return Scanner(clamd.path, "", 0, timeout)


def by_tcp(clamd: Clamd) -> Scanner:
    return Scanner("", clamd.host, clamd.port, 20.0)


def attached_names(sent: bytes) -> list[str | None]:
    message = message_from_bytes(sent, policy=default)
    return [part.get_filename() for part in message.iter_attachments()]


def scanning_of(desk: Desk) -> Scanning:
    found = desk.stage._scanning
    assert isinstance(found, Scanning)
    return found


def end_rest(desk: Desk) -> None:
    """As if the pause were over, for the scanner and for what waits for it."""
    scanning_of(desk).paused_until = 0.0
    desk.advance(minutes=6)


# --------------------------------------------------------------------------- the client


@pytest.mark.parametrize("way", [by_socket, by_tcp], ids=["socket", "tcp"])
def test_client_and_daemon_understand_each_other(clamd: Clamd, way: Callable[[Clamd], Scanner]) -> None:
    scanner = way(clamd)
    assert asyncio.run(scan(scanner, b"")).state is State.CLEAN
    assert asyncio.run(scan(scanner, b"ciao" * 200_000)).state is State.CLEAN
    found = asyncio.run(scan(scanner, b"x" * 300_000 + MARKER + b"y" * 300_000))
    assert (found.state, found.name) == (State.INFECTED, f"{NAME}.UNOFFICIAL")
    assert asyncio.run(version(scanner)).startswith("ClamAV ")


def test_what_is_too_long_for_it_is_said_and_no_trouble(start_clamd: Start) -> None:
    scanner = by_socket(start_clamd(settings="StreamMaxLength 64K"))
    for size in (100_000, 40 << 20):
        assert asyncio.run(scan(scanner, b"x" * size)).state is State.REFUSED
    assert asyncio.run(scan(scanner, b"x" * 1000)).state is State.CLEAN


def test_daemon_that_is_not_there_is_trouble_never_a_finding(tmp_path: Path) -> None:
    for scanner in (Scanner(str(tmp_path / "none"), "", 0, 5), Scanner("", LOOPBACK, free_ports(1)[0], 5)):
        with pytest.raises(ScannerTroubleError) as caught:
            asyncio.run(scan(scanner, b"ciao"))
        assert (caught.value.kind, caught.value.during) == ("unreachable", False)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"", "broken"),
        (b"stream: O", "broken"),
        (b"stream: lstat() failed. ERROR\0", "error"),
        (b"\xff\xff\0", "broken"),
    ],
)
def test_anything_but_a_clear_answer_is_trouble(answer: bytes, kind: str) -> None:
    async def talk() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\0\0\0\0")
            writer.write(answer)
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, LOOPBACK, 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(ScannerTroubleError) as caught:
                await scan(Scanner("", LOOPBACK, port, 5), b"ciao")
            assert (caught.value.kind, caught.value.during) == (kind, True)

    asyncio.run(talk())


def test_daemon_that_never_answers_is_given_up() -> None:
    async def talk() -> None:
        ended = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(-1)
            writer.close()
            ended.set()

        server = await asyncio.start_server(serve, LOOPBACK, 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(ScannerTroubleError) as caught:
                await scan(Scanner("", LOOPBACK, port, 0.2), b"ciao" * (5 << 20))
            assert caught.value.kind == "timeout"
            await ended.wait()

    asyncio.run(talk())


@pytest.mark.parametrize("user", ["", "nobody"])
def test_the_daemon_runs_for_whoever_runs_the_tests(start_clamd: Start, user: str) -> None:
    """Root, or an ordinary user; root also as an ordinary user."""
    clamd = start_clamd(user=user)
    assert asyncio.run(scan(by_socket(clamd), MARKER)).state is State.INFECTED


# --------------------------------------------------------------------------- forwards


def test_scanned_attachments_go_again_beside_the_original(make_desk: Make, smtp_sink: SmtpSink, clamd: Clamd) -> None:
    desk = make_desk(smtp_sink.port, scanner=by_socket(clamd))
    octets = a_mail(attachments=[AttachedFile("certificato età.pdf", PDF), AttachedFile("apri.exe", b"MZ\0\0")])
    [key] = desk.take_in(octets)
    desk.send()
    sent = smtp_sink.messages[0].octets
    message = message_from_bytes(sent, policy=default)
    assert not message.defects
    assert attached_names(sent) == ["certificato età.pdf", "originale.eml"]
    assert attached_original(sent) == octets
    [part, _] = message.iter_attachments()
    assert (part.get_content_type(), part.get_payload(decode=True)) == ("application/pdf", PDF)
    body = message.get_body()
    assert body is not None
    text = str(body.get_content())
    listed = (
        "Allegati:\n  - certificato età.pdf (19 byte)\n  - apri.exe (4 byte) - solo dentro il messaggio originale\n"
    )
    assert listed in text.replace("\r\n", "\n")
    assert desk.message(key).state == MessageState.FORWARDED
    assert desk.dispatch(key).left_out == 0
    desk.assert_ledger_closes()


def test_without_a_scanner_no_attachment_is_repeated(desk: Desk, smtp_sink: SmtpSink) -> None:
    desk.take_in(a_mail(attachments=[AttachedFile("certificato.pdf", PDF)]))
    desk.send()
    assert attached_names(smtp_sink.messages[0].octets) == ["originale.eml"]


INFECTED = {
    "in an attachment": a_mail(attachments=[AttachedFile("modulo.pdf", PDF + MARKER)]),
    "in a program": a_mail(attachments=[AttachedFile("apri.exe", b"MZ" + MARKER)]),
    "in the text": a_mail(f"Ciao {MARKER.decode()}\n"),
    "in a message inside": a_mail(
        attachments=[AttachedFile("x.eml", a_mail(attachments=[AttachedFile("y.pdf", MARKER)]), "application/x-eml")]
    ),
}


@pytest.mark.parametrize("where", INFECTED)
def test_infected_mail_is_held_and_nothing_of_it_is_sent(
    make_desk: Make, smtp_sink: SmtpSink, clamd: Clamd, where: str
) -> None:
    """Neither to the project nor, in answer, to a sender who is forged as a rule."""
    desk = make_desk(smtp_sink.port, scanner=by_tcp(clamd))
    [bad, good] = desk.take_in(INFECTED[where], from_family(1))
    desk.send()
    assert desk.outcome(bad) == (MessageState.HELD, "allegato_infetto")
    assert desk.message(good).state == MessageState.FORWARDED
    desk.advance(hours=5)
    desk.send()
    assert forwards_in(smtp_sink) == [NORD]
    assert acknowledgements_in(smtp_sink) == ["famiglia1@family.example"]
    assert not any(MARKER in sent.octets for sent in smtp_sink.messages)
    with desk.store.read("look") as tx:
        [held] = [event for event in history(tx, "message", bad) if event["event"] == "held"]
    assert held["params"] == {"reason": "allegato_infetto", "scanner": f"{NAME}.UNOFFICIAL"}
    assert desk.dispatch(bad).attempts == 0
    desk.assert_ledger_closes()


def test_urgent_infected_mail_is_not_forwarded_at_once(make_desk: Make, smtp_sink: SmtpSink, clamd: Clamd) -> None:
    rules = change_project(RULES, "nord", urgent_forward_now=True)
    desk = make_desk(smtp_sink.port, rules=rules, scanner=by_socket(clamd))
    [key] = desk.take_in(a_mail(MARKER.decode() + "\n", subject="oggi"))
    desk.send()
    assert desk.outcome(key) == (MessageState.HELD, "urgente")
    assert forwards_in(smtp_sink) == []


def test_infected_mail_that_a_person_sends_again_is_looked_at_again(
    make_desk: Make, smtp_sink: SmtpSink, clamd: Clamd, start_clamd: Start
) -> None:
    """The signature was wrong and has been mended: it goes its way."""
    desk = make_desk(smtp_sink.port, scanner=by_socket(clamd))
    [key] = desk.take_in(INFECTED["in an attachment"])
    desk.send()
    desk.retry(key)
    desk.decide()
    desk.send()
    assert desk.outcome(key) == (MessageState.HELD, "allegato_infetto")
    mended = start_clamd()
    mended.stop()
    signatures = Path(mended.path).parent / "signatures" / "ours.ndb"
    signatures.write_text("Altro:0:*:" + b"qualcos'altro di innocuo".hex() + "\n")
    mended.start()
    scanning_of(desk)._scanner = by_socket(mended)
    desk.retry(key)
    desk.decide()
    desk.send()
    assert desk.message(key).state == MessageState.FORWARDED
    assert forwards_in(smtp_sink) == [NORD]


def test_a_message_that_is_too_long_for_the_scanner_is_held(
    make_desk: Make, smtp_sink: SmtpSink, start_clamd: Start
) -> None:
    desk = make_desk(smtp_sink.port, scanner=by_socket(start_clamd(settings="StreamMaxLength 64K")))
    [large, small] = desk.take_in(a_mail(attachments=[AttachedFile("x.pdf", PDF * 10_000)]), from_family(1))
    desk.send()
    assert desk.outcome(large) == (MessageState.HELD, "allegato_non_controllato")
    assert desk.message(small).state == MessageState.FORWARDED
    assert desk.incidents() == []


def test_each_message_is_looked_at_once_whatever_happens_on_the_wire(
    make_desk: Make, smtp_sink: SmtpSink, clamd: Clamd, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[int] = []
    whole = scan

    async def counted(scanner: Scanner, octets: bytes) -> object:
        looked_at.append(len(octets))
        return await whole(scanner, octets)

    monkeypatch.setattr("triage.dispatch.clamd.scan", counted)
    smtp_sink.answer("data_dot", 451, "4.3.0 later", times=3)
    desk = make_desk(smtp_sink.port, scanner=by_socket(clamd))
    octets = a_mail(attachments=[AttachedFile("modulo.pdf", PDF)])
    [key] = desk.take_in(octets)
    for _ in range(4):
        desk.send()
        desk.advance(hours=1)
    desk.send()
    assert desk.message(key).state == MessageState.FORWARDED
    assert looked_at == [len(octets), len(PDF)]


# --------------------------------------------------------------------------- a scanner in trouble


def test_forwards_wait_for_a_scanner_that_is_away_and_nothing_leaves_unseen(
    make_desk: Make, smtp_sink: SmtpSink, start_clamd: Start
) -> None:
    clamd = start_clamd()
    clamd.stop()
    desk = make_desk(smtp_sink.port, scanner=by_socket(clamd))
    keys = desk.take_in(*(from_family(n) for n in range(20)), a_mail(subject="pericolo"))
    desk.send()
    assert [sent.forward_paths for sent in smtp_sink.messages] == [("reperibile@oncall.example",)], (
        "notices need no scan"
    )
    assert all(desk.outcome(key) == (MessageState.DECIDED, "") for key in keys[:-1])
    assert [kind for kind, _ in desk.incidents()] == ["scanner"]
    waits = []
    for _ in range(4):
        end_rest(desk)
        desk.send()
        waits.append(round((desk.dispatch(keys[0]).due_at - desk.clock.now()).total_seconds()))
    assert waits == sorted(waits), "each pause is longer"
    assert waits[-1] > 200
    assert forwards_in(smtp_sink) == []
    assert all(desk.dispatch(key).attempts == 0 for key in keys[:-1])
    clamd.start()
    end_rest(desk)
    desk.send()
    assert len(forwards_in(smtp_sink)) == 20
    assert desk.incidents() == []
    desk.assert_ledger_closes()


def test_incident_closes_also_after_a_restart(make_desk: Make, smtp_sink: SmtpSink, start_clamd: Start) -> None:
    clamd = start_clamd()
    clamd.stop()
    desk = make_desk(smtp_sink.port, scanner=by_socket(clamd))
    desk.take_in(a_mail())
    desk.send()
    assert [kind for kind, _ in desk.incidents()] == ["scanner"]
    clamd.start()
    desk.restage(desk.stage._submission)
    desk.advance(minutes=6)
    desk.send()
    assert desk.incidents() == []
    assert forwards_in(smtp_sink) == [NORD]


class BreakingScanner:
    """Answers as clamd does, but ends when it sees the word "veleno"; well otherwise."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.server = self.loop.run_until_complete(asyncio.start_server(self._serve, LOOPBACK, 0))
        self.scanner = Scanner("", LOOPBACK, self.server.sockets[0].getsockname()[1], 10.0)
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        command = await reader.readuntil(b"\0")
        if command == b"zPING\0":
            writer.write(b"PONG\0")
        else:
            stream = await reader.readuntil(b"\0\0\0\0")
            if b"veleno" not in stream:
                writer.write(b"stream: OK\0")
        writer.close()

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.server.close)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()


def test_a_message_that_brings_the_scanner_down_stops_no_other_for_ever(make_desk: Make, smtp_sink: SmtpSink) -> None:
    breaking = BreakingScanner()
    try:
        desk = make_desk(smtp_sink.port, scanner=breaking.scanner)
        [bad, good] = desk.take_in(a_mail("veleno\n"), from_family(1))
        for _ in range(MOST_TROUBLES):
            desk.send()
            end_rest(desk)
        desk.send()
    finally:
        desk.hang_up()
        breaking.close()
    assert desk.outcome(bad) == (MessageState.HELD, "allegato_non_controllato")
    assert desk.message(good).state == MessageState.FORWARDED
    assert [(row.kind, row.state) for row in desk.dispatches(good, ACK)] == [(ACK, DispatchState.ACCEPTED)]
    assert ANNA not in acknowledgements_in(smtp_sink)
