"""The service's own test message goes the whole way on real servers, and leaves nothing behind it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from tests.flow.builders import Office
from tests.servers.dovecot import Dovecot, MailboxUser
from tests.servers.smtp_sink import SmtpSink
from triage.bootstrap import Service
from triage.commands import main
from triage.dispatch.staff_mail import CANARY_SUBJECT
from triage.intake.reader import MailboxReader
from triage.metrics.process import Measures
from triage.metrics.serving import metrics
from triage.once import run_once
from triage.record.arrivals import hours_of
from triage.record.done import Sought, done_page
from triage.record.figures import volumes
from triage.record.tables import canaries, cases, messages
from triage.seals import OWN_FIELD
from triage.vocabulary import MessageState

ADDRESS = "pijss.retifamiglia@ats-valpadana.it"


@pytest.fixture
def office(dovecot: Dovecot, mailbox_user: MailboxUser, smtp_sink: SmtpSink, tmp_path: Path) -> Office:
    """The service has seen its mailbox empty, and its rules ask for a test message every hour."""
    made = Office(dovecot, mailbox_user, smtp_sink, tmp_path)
    rules = Path(made.environment["TRIAGE_RULES"])
    text = rules.read_text(encoding="utf-8")
    assert text.count("\nservice:\n") == 1
    rules.write_text(text.replace("\nservice:\n", "\nservice:\n  canary_minutes: 60\n"), encoding="utf-8")
    made.adopt()
    return made


@pytest.fixture
def service(office: Office) -> Iterator[Service]:
    built = office.build()
    yield built
    built.dispatcher.close()
    built.store.close()


@pytest.fixture
def reader(service: Service) -> Iterator[MailboxReader]:
    made = service.make_reader("generale")
    made.work()
    yield made
    made.close()


def sent(office: Office, service: Service) -> bytes:
    """What the service wrote to itself, as the mailbox's server stores it."""
    service.notices.work()
    (mail,) = [message for message in office.sink.messages if ADDRESS in message.forward_paths]
    now = f"{datetime.now(UTC):%a, %d %b %Y %H:%M:%S +0000}"
    head = f"Return-Path: <{mail.reverse_path}>\r\nReceived: from mail.example.org by mx.example.org; {now}\r\n"
    return head.encode() + mail.octets


def test_it_arrives_is_read_and_is_gone_again(office: Office, service: Service, reader: MailboxReader) -> None:
    octets = sent(office, service)
    assert CANARY_SUBJECT.encode() in octets
    office.dovecot.deliver(office.user.name, octets)
    reader.work()
    assert service.decider.work() == 1
    reader.work()
    assert [row.state for row in office.messages()] == [MessageState.MATCHED]
    assert {uid for found in office.folders().values() for uid in found} == set(), "it lies in no folder"
    assert len(office.sink.messages) == 1, "nothing was forwarded and nobody answered"
    assert office.ledger().differences == ()
    begin = datetime.now(UTC) - timedelta(days=1)
    with service.store.read("look") as tx:
        assert tx.execute(sa.select(canaries.c.removed_at)).scalar_one() is not None
        assert hours_of(tx, 1, begin) == {}, "it is no mail: a mailbox that gets nothing else is silent"
        assert volumes(tx, begin, begin + timedelta(days=2)) == []
        assert done_page(tx, Sought()).rows == ()
        assert tx.execute(sa.select(sa.func.count()).select_from(cases)).scalar_one() == 0
    with service.store.write("erased in the end") as tx:
        tx.execute(sa.update(messages).values(state=MessageState.ERASED))
        assert done_page(tx, Sought()).rows == (), "nobody looks for it"
    # Not before its time is another one sent.
    service.notices.work()
    assert len(office.sink.messages) == 1


def test_the_command_that_does_everything_once_sends_and_takes_it(office: Office) -> None:
    first = office.build()
    run_once(first)
    octets = sent(office, first)
    first.store.close()
    office.dovecot.deliver(office.user.name, octets)
    second = office.build()
    run_once(second)
    second.store.close()
    assert [row.state for row in office.messages()] == [MessageState.MATCHED]
    assert office.dovecot.uids(office.user.name) == ()


@pytest.mark.parametrize("change", ["forged", "copy"])
def test_what_only_looks_like_it_waits_for_a_person(
    office: Office, service: Service, reader: MailboxReader, change: str
) -> None:
    octets = sent(office, service)
    if change == "forged":
        start = octets.index(OWN_FIELD.encode()) + len(OWN_FIELD) + 2
        octets = octets[:start] + b"0" * 32 + octets[start + 32 :]
        office.dovecot.deliver(office.user.name, octets)
        wanted = [MessageState.HELD]
    else:
        office.dovecot.deliver(office.user.name, octets)
        reader.work()
        service.decider.work()
        office.dovecot.deliver(office.user.name, octets.replace(b"non serve fare nulla", b"chiamatemi, per favore"))
        wanted = [MessageState.MATCHED, MessageState.HELD]
    reader.work()
    service.decider.work()
    reader.work()
    assert [row.state for row in office.messages()] == wanted
    assert len(office.dovecot.uids(office.user.name)) == 1, "it is left where a person sees it"
    assert office.ledger().differences == ()


def test_monitors_and_the_screen_say_when_it_last_came(office: Office, service: Service, reader: MailboxReader) -> None:
    octets = sent(office, service)
    office.dovecot.deliver(office.user.name, octets)
    reader.work()
    service.decider.work()
    told = metrics(service.store, Measures())
    assert 'triage_canary_age_seconds{mailbox="generale"}' in told
    took = float(told.partition('triage_canary_seconds{mailbox="generale"} ')[2].partition("\n")[0])
    assert 0 <= took < 60
    shown = CliRunner().invoke(main, ["status"], env=dict(office.environment)).output
    assert "generale: read" in shown
    assert ", test message " in shown
