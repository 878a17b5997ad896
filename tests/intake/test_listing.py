"""Listing: a row before any octets, the baseline of a new mailbox, ``--backlog``, and what a look costs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from imapclient.exceptions import IMAPClientError

from tests.fakes import FakeClock
from tests.intake.builders import Intake
from tests.servers.dovecot import Dovecot, MailboxUser
from tests.servers.mail import make_mail
from tests.servers.proxy import ImapProxy
from triage.intake.mailbox import WINDOW
from triage.record import StoreError
from triage.record.mailboxes import update_mailbox


def test_rows_are_there_before_octets_are_asked_for(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, imap_proxy: ImapProxy
) -> None:
    reader = intake.reader(port=imap_proxy.port)
    reader.work()
    uids = [dovecot.deliver(mailbox_user.name, make_mail()) for _ in range(3)]
    imap_proxy.cut(rb"UID FETCH \S+ \(BODY")

    with pytest.raises(IMAPClientError) as caught:
        reader.work()
    reader.fail(caught.value)

    assert [(row.uid, row.state, row.received_at) for row in intake.rows()] == [(uid, "listed", None) for uid in uids]

    reader.work()
    assert intake.states() == ["received"] * 3


def test_full_disk_while_octets_are_recorded_loses_nothing(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser
) -> None:
    reader = intake.reader()
    reader.work()
    octets = make_mail()
    dovecot.deliver(mailbox_user.name, octets)
    intake.store.fail("received")

    with pytest.raises(StoreError) as caught:
        reader.work()
    assert "disk" in reader.fail(caught.value)
    assert intake.states() == ["listed"]

    reader.work()
    (row,) = intake.rows()
    assert (row.state, intake.octets(row)) == ("received", octets)


def test_full_disk_while_rows_are_made_leaves_the_mark_where_it_was(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser
) -> None:
    reader = intake.reader()
    reader.work()
    dovecot.deliver(mailbox_user.name, make_mail())
    intake.store.fail("listed")

    with pytest.raises(StoreError) as caught:
        reader.work()
    reader.fail(caught.value)
    assert intake.rows() == []

    reader.work()
    assert intake.states() == ["received"]


# --------------------------------------------------------------------------- baseline


def test_what_is_there_before_the_first_look_stays_where_it_is(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser
) -> None:
    old = [dovecot.deliver(mailbox_user.name, make_mail()) for _ in range(3)]
    reader = intake.reader()

    reader.work()
    assert intake.states() == ["baseline"] * 3
    new = dovecot.deliver(mailbox_user.name, make_mail())
    reader.work()

    assert [(row.uid, row.state) for row in intake.rows()] == [(uid, "baseline") for uid in old] + [(new, "received")]
    assert dovecot.uids(mailbox_user.name) == (*old, new)
    assert not any(dovecot.flags(mailbox_user.name).values())


def test_mail_that_comes_between_select_and_search_is_new(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, imap_proxy: ImapProxy
) -> None:
    """The first look ends at the UIDNEXT of its SELECT, not at whatever the search finds."""
    dovecot.deliver(mailbox_user.name, make_mail())
    late: list[int] = []

    def deliver_late(line: bytes) -> None:
        if b"[UIDNEXT 2]" in line and not late:
            late.append(dovecot.deliver(mailbox_user.name, make_mail()))

    imap_proxy.rewrite(deliver_late)
    reader = intake.reader(port=imap_proxy.port)
    reader.work()
    reader.work()

    assert late == [2]
    assert intake.states() == ["baseline", "received"]


def test_interrupted_baseline_goes_on_where_it_was(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, imap_proxy: ImapProxy
) -> None:
    """The mailbox is longer than one batch; the connection breaks in the second, and new mail comes."""
    dovecot.deliver_fast(mailbox_user.name, [make_mail() for _ in range(1100)])
    imap_proxy.cut(rb"UID FETCH \S+ \(RFC822", skip=1)
    reader = intake.reader(port=imap_proxy.port)
    with pytest.raises(IMAPClientError) as caught:
        reader.work()
    reader.fail(caught.value)
    assert intake.states() == ["baseline"] * 500
    assert intake.mailbox().baselined_at is None
    dovecot.deliver(mailbox_user.name, make_mail())

    intake.reader(worker="lettore-1").work()

    assert intake.states() == ["baseline"] * 1100 + ["received"]
    assert intake.mailbox().baselined_at is not None


def test_server_that_does_not_tell_uidnext_is_baselined_all_the_same(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, imap_proxy: ImapProxy
) -> None:
    """UIDNEXT is optional; without it everything old would look new, and be forwarded."""
    imap_proxy.rewrite(lambda line: line.replace(b"[UIDNEXT", b"[X-NOTHING"))
    dovecot.deliver_fast(mailbox_user.name, [make_mail() for _ in range(3)])
    reader = intake.reader(port=imap_proxy.port)

    reader.work()
    assert intake.states() == ["baseline"] * 3
    dovecot.deliver(mailbox_user.name, make_mail())
    reader.work()

    assert intake.states() == ["baseline"] * 3 + ["received"]


def test_last_search_of_an_unchanged_mailbox_lists_nothing_twice(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser
) -> None:
    """``n:*`` answers with the last message even when its UID is below n (RFC 3501 section 6.4.8)."""
    dovecot.deliver(mailbox_user.name, make_mail())
    reader = intake.reader()
    for _ in range(3):
        reader.work()

    assert intake.states() == ["baseline"]


# --------------------------------------------------------------------------- --backlog


def test_backlog_lets_mail_in_from_an_instant_on(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, clock: FakeClock
) -> None:
    since = clock.now() - timedelta(days=2)
    for age in (timedelta(minutes=1), timedelta(0), timedelta(minutes=-1), timedelta(days=-2)):
        arrived = (since - age).replace(microsecond=0) + timedelta(seconds=1)
        dovecot.deliver(mailbox_user.name, make_mail(), when=arrived)

    intake.reader(backlog_since=since).work()

    assert intake.states() == ["baseline", "received", "received", "received"]
    assert intake.events(intake.rows()[1]) == ["listed", "backlog", "received"]


def test_backlog_of_a_mailbox_that_was_baselined_long_ago(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, clock: FakeClock
) -> None:
    dovecot.deliver(mailbox_user.name, make_mail(), when=clock.now() - timedelta(days=30))
    dovecot.deliver(mailbox_user.name, make_mail(), when=clock.now() - timedelta(days=1))
    intake.reader().work()
    for _ in range(2):  # the option may stay on the command line: nothing enters twice
        intake.reader(backlog_since=clock.now() - timedelta(days=7)).work()
        intake.decide_as_held()

    assert intake.states() == ["baseline", "held"]


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Kiritimati"])
def test_backlog_is_exact_whatever_the_servers_time_zone(
    start_dovecot: Callable[..., Dovecot],
    monkeypatch: pytest.MonkeyPatch,
    intake: Intake,
    zone: str,
) -> None:
    """SEARCH SINCE compares the server's own days."""
    monkeypatch.setenv("TZ", zone)
    server = start_dovecot(extra_config="import_environment = TZ=" + zone + "\n")
    user = server.add_user("fuso@example.org")
    since = datetime(2026, 3, 3, tzinfo=UTC)
    for minutes in (-1, 1, 24 * 60):
        server.deliver(user.name, make_mail(), when=since + timedelta(minutes=minutes))

    intake.reader(user=user, port=server.port, backlog_since=since).work()

    assert intake.states() == ["baseline", "received", "received"]


# --------------------------------------------------------------------------- what a look costs


@pytest.mark.slow
def test_a_look_costs_the_same_whatever_the_size_of_the_mailbox(
    intake: Intake, dovecot: Dovecot, imap_proxy: ImapProxy
) -> None:
    costs = []
    for number, size in enumerate((100, 20_000)):
        user = dovecot.add_user(f"{intake.user.name}-{size}")
        name = f"casella{number}"
        dovecot.deliver_fast(user.name, [b"Subject: x\r\n\r\n%d\r\n" % n for n in range(size)])
        reader = intake.reader(name, user=user, port=imap_proxy.port)
        reader.work()
        dovecot.deliver(user.name, make_mail())
        imap_proxy.reset_counts()
        steps = len(intake.store.steps)
        assert reader.work() == 2, "one listed and fetched"
        costs.append((imap_proxy.round_trips, len(intake.store.steps) - steps))
        assert intake.rows(name)[-1].state == "received"

    assert costs[0] == costs[1]
    round_trips, commits = costs[0]
    assert round_trips <= 7, "two of them for the instance marker"
    assert commits <= 6


def test_a_look_that_finds_nothing_is_cheap(intake: Intake, dovecot: Dovecot, imap_proxy: ImapProxy) -> None:
    dovecot.deliver(intake.user.name, make_mail())
    reader = intake.reader(port=imap_proxy.port)
    reader.work()
    reader.work()
    imap_proxy.reset_counts()
    steps = len(intake.store.steps)

    assert reader.work() == 0

    assert imap_proxy.round_trips <= 2
    assert intake.store.steps[steps:] == []


def test_no_answer_names_more_uids_than_a_line_can_hold(intake: Intake, imap_proxy: ImapProxy) -> None:
    """imaplib reads at most 1 MB of a line: a great mailbox is searched in windows, also at night."""
    imap_proxy.rewrite(lambda line: line.replace(b"[UIDNEXT 1]", b"[UIDNEXT %d]" % (4 * WINDOW)))
    reader = intake.reader(port=imap_proxy.port)
    reader.work()
    assert imap_proxy.count(rf"SEARCH UID {WINDOW + 1}:{2 * WINDOW}\b".encode()) == 1
    mailbox = intake.mailbox()
    with intake.store.write("as if it had held mail") as tx:
        update_mailbox(tx, mailbox, last_uid=4 * WINDOW)
    reader.request_reconciliation()
    reader.work()

    assert imap_proxy.count(rf"SEARCH UID {WINDOW + 1}:{2 * WINDOW}\b".encode()) == 2
