"""Mail goes through the whole service, with failures on its way, and nothing of it stands in logs, metrics or state."""

from __future__ import annotations

import logging
import socket
import threading
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.flow.builders import Office
from tests.flow.test_stopping import until
from tests.servers.dovecot import Dovecot, MailboxUser
from tests.servers.smtp_sink import SmtpSink
from triage.bootstrap import build_service, settings_from
from triage.metrics.process import Measures
from triage.metrics.serving import metrics
from triage.once import run_once
from triage.record.state import state_of
from triage.vocabulary import MessageState
from triage.worker import Worker

NAMES = ("canarina.zaffiri", "canarino.rubini", "canaretta.opali")
CANARIES = ("canarin", "canarett", "Zaffiro Segretissimo", "parole che nessuno deve leggere")
LETTER = """\
Return-Path: <{name}@example.com>
Received: from mail.example.com by mx.example.org; {date}
From: "Zaffiro Segretissimo" <{name}@example.com>
To: pijss.retifamiglia@ats-valpadana.it
Subject: Zaffiro Segretissimo: {topic}
Message-ID: <{name}.1@example.com>
Date: {date}
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

Buongiorno, abitiamo a {place}. {topic}, e parole che nessuno deve leggere.
Vorrei iscrivere mia figlia al laboratorio per bambini di sabato. Grazie,
Zaffiro Segretissimo
"""


@pytest.fixture
def office(dovecot: Dovecot, mailbox_user: MailboxUser, smtp_sink: SmtpSink, tmp_path: Path) -> Office:
    """The service has seen its mailbox empty."""
    made = Office(dovecot, mailbox_user, smtp_sink, tmp_path)
    made.adopt()
    return made


def deliver(office: Office) -> None:
    now = datetime.now(UTC)
    for name, place in zip(NAMES, ("Offanengo", "Quistello", "Castel Goffredo"), strict=True):
        letter = LETTER.format(
            name=name, place=place, topic="il laboratorio", date=f"{now:%a, %d %b %Y %H:%M:%S +0000}"
        )
        office.dovecot.deliver(office.user.name, letter.replace("\n", "\r\n").encode(), when=now)
    office.dovecot.deliver(
        office.user.name, b"From: canarina.zaffiri@example.com\r\n\x00\xff\xfe\r\n\r\n\xff", when=now
    )


@pytest.mark.slow
def test_nothing_of_mail_is_told_to_those_who_watch(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    deliver(office)
    # Servers repeat what they were given: one refuses, one asks to wait, one hangs up within the message.
    words = "5.7.1 <canarina.zaffiri@example.com>: Zaffiro Segretissimo refused"
    office.sink.answer("rcpt", 550, words, times=1)
    office.sink.answer("data_dot", 451, words.replace("5.7.1", "4.7.1"), times=1)
    office.sink.drop("data_dot", times=1)
    caplog.set_level(logging.DEBUG)
    service = office.build()
    run_once(service)
    told = metrics(service.store, Measures())
    with service.store.read("state") as tx:
        state = repr(state_of(tx))
    service.store.close()
    rows = office.messages()
    assert len(rows) == 4
    assert {row.state for row in rows} & {MessageState.HELD, MessageState.DECIDED}, "something failed on its way"
    assert office.sink.met == 3
    lines = [f"{line.getMessage()} {vars(line)!r}" for line in caplog.records if line.name.startswith("triage")]
    assert lines
    assert 'triage_left_last_hour{kind="forward"' in told
    for canary in CANARIES:
        assert canary.casefold() not in "\n".join((*lines, told, state)).casefold()


@pytest.mark.slow
def test_a_running_worker_tells_its_metrics_until_it_ends(office: Office) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    deliver(office)
    service = build_service(settings_from({**office.environment, "TRIAGE_METRICS_PORT": str(port)}))
    worker = Worker(service)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        until(lambda: 'triage_done_total{stage="decide"} 4' in asked(port, "/metrics"), 60)
        assert 'triage_errors_total{stage="decide",family="record"} 0' in asked(port, "/metrics")
        assert asked(port, "/salute/viva") == "bene\n"
    finally:
        worker.stop()
        thread.join(60)
    assert asked(port, "/metrics") == ""


def asked(port: int, path: str) -> str:
    """What the worker answers; empty while nobody listens."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    except ConnectionError:
        return ""
    finally:
        connection.close()
