"""Fetching: exact octets within bounds, whatever sizes the server states and whichever message it refuses."""

from __future__ import annotations

import os
import re
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes import FakeClock, WatchedStore
from tests.intake.builders import Intake
from tests.servers.dovecot import Dovecot, MailboxUser
from tests.servers.mail import AttachedFile, make_mail
from tests.servers.proxy import ImapProxy
from triage.intake.fetching import GUESSES, MOST_TRIES
from triage.intake.reader import MailboxReader
from triage.record.octets import digest

MEGABYTE = 1 << 20


@pytest.fixture
def reader(intake: Intake, imap_proxy: ImapProxy) -> MailboxReader:
    """A reader behind the proxy that has had its first look."""
    made = intake.reader(port=imap_proxy.port)
    made.work()
    return made


@contextmanager
def most_memory() -> Iterator[Callable[[], int]]:
    """How many octets Python held at the most since here, beyond what it held before."""
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    try:
        yield lambda: tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@contextmanager
def most_resident() -> Iterator[Callable[[], int]]:
    """The same for the whole process as the system sees it, sampled: less exact, and costs nothing."""
    page = os.sysconf("SC_PAGE_SIZE")

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * page

    before, seen, over = resident(), [0], threading.Event()

    def sample() -> None:
        while not over.wait(0.005):
            seen[0] = max(seen[0], resident() - before)

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield lambda: seen[0]
    finally:
        over.set()
        sampler.join()


def big_mail(megabytes: int) -> bytes:
    """A letter with a long body, in lines."""
    line = b"x" * 76 + b"\r\n"
    return make_mail("") + line * (megabytes * MEGABYTE // len(line) + 1)


def state_sizes(proxy: ImapProxy, size: int) -> None:
    """Let the server lie about every message's size."""
    proxy.rewrite(lambda line: re.sub(rb"RFC822\.SIZE \d+", b"RFC822.SIZE %d" % size, line))


def test_octets_are_kept_exactly(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, reader: MailboxReader
) -> None:
    contents = [
        make_mail("Perché così\n", transfer_encoding="8bit"),
        make_mail("* 1 FETCH (UID 1 BODY[] {3}\nabc)\nA1 OK\n"),
        make_mail("x" * 5000 + "\n"),
        make_mail(subject=None, author=None, date=None),
        b"\r\n\r\nno header section",
        b"Subject: latin \xe0\xe8\xec\r\nX-Very-Odd\r\n\r\n\xff\xfe\x80\r\n.\r\n\r\n",
        b"Subject: no end of line at the end\r\n\r\nabc",
        b"x",
    ]
    for octets in contents:
        dovecot.deliver(mailbox_user.name, octets)
    reader.work()

    rows = intake.rows()
    assert [intake.octets(row) for row in rows] == contents
    assert [row.sha256 for row in rows] == [digest(octets) for octets in contents]
    assert [row.size for row in rows] == [len(octets) for octets in contents]


def test_reading_never_marks_a_message_as_read(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, reader: MailboxReader, imap_proxy: ImapProxy
) -> None:
    """Staff see from \\Seen what a colleague has read."""
    dovecot.deliver(mailbox_user.name, make_mail())
    dovecot.deliver(mailbox_user.name, big_mail(5))
    dovecot.deliver(mailbox_user.name, make_mail(), flags=["\\Seen", "\\Flagged"])
    reader.work()

    assert intake.states() == ["received", "oversize", "received"]
    assert list(dovecot.flags(mailbox_user.name).values()) == [set(), set(), {"\\Seen", "\\Flagged"}]
    assert imap_proxy.count(rb"STORE|BODY\[|RFC822[ )](?!\.SIZE)") == 0


EMPTY = b'* 1 FETCH (UID 1 BODY[]<0> "")\r\nOK done'


def test_zero_byte_message_is_received(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, imap_proxy: ImapProxy
) -> None:
    """A full disk or a broken delivery leaves empty files; APPEND cannot make one, so the proxy empties it."""
    reader = intake.reader(port=imap_proxy.port)
    reader.work()
    dovecot.deliver(mailbox_user.name, b"x")
    state_sizes(imap_proxy, 0)
    imap_proxy.answer(rb"UID FETCH \S+ \(BODY", EMPTY, times=None)
    reader.work()

    (row,) = intake.rows()
    assert (row.state, row.size, intake.octets(row)) == ("received", 0, b"")


# --------------------------------------------------------------------------- less than stated


def give(proxy: ImapProxy, uid: int, octets: bytes, times: int | None) -> None:
    """Let the server give these octets for a message, so often."""
    said = b"* %d FETCH (UID %d BODY[]<0> {%d}\r\n%b)\r\nOK done" % (uid, uid, len(octets), octets)
    proxy.answer(rb"UID FETCH \S+ \(BODY", said, times=times)


def test_empty_octets_of_a_message_that_is_not_empty_are_no_answer(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, reader: MailboxReader, imap_proxy: ImapProxy
) -> None:
    dovecot.deliver(mailbox_user.name, make_mail("Mi hanno cacciata di casa.\n"))
    imap_proxy.answer(rb"UID FETCH \S+ \(BODY", EMPTY, times=None)
    for _ in range(MOST_TRIES):
        assert intake.states() in ([], ["listed"])
        reader.work()
        intake.clock.forward(intake.rows()[0].due_at - intake.clock.now())
    (row,) = intake.rows()
    assert (row.state, row.hold_reason, row.sha256) == ("unreadable", "illeggibile", None)
    assert [(kind, subject) for kind, subject, _ in intake.incidents()] == [("unreadable", "generale")]

    imap_proxy.behave()
    with dovecot.client(mailbox_user.name) as colleague:
        colleague.select_folder("INBOX")
        colleague.delete_messages([row.uid])
        colleague.expunge()
    reader.request_reconciliation()
    reader.work()
    assert intake.incidents() == []


@pytest.mark.parametrize("kept", [0, 1, 150, -18])
def test_what_came_short_once_is_asked_for_again_at_once(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, reader: MailboxReader, imap_proxy: ImapProxy, kept: int
) -> None:
    octets = make_mail("Non so più dove andare con i bambini.\n" * 10)
    dovecot.deliver(mailbox_user.name, octets)
    give(imap_proxy, 1, octets[:kept], times=1)
    reader.work()

    (row,) = intake.rows()
    assert (row.state, intake.octets(row)) == ("received", octets)


def in_parts(text: str) -> bytes:
    return make_mail(text, attachments=[AttachedFile("elenco.pdf", b"%PDF-1.4 " + b"elenco " * 60)])


@pytest.mark.parametrize("part", ["header", "half"])
def test_letter_that_lacks_much_is_asked_for_after_a_pause_and_then_held(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, reader: MailboxReader, imap_proxy: ImapProxy, part: str
) -> None:
    octets = in_parts("Vorrei sapere se c'è posto.\n" * 20)
    came = octets.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if part == "header" else octets[: len(octets) // 2]
    dovecot.deliver(mailbox_user.name, octets)
    give(imap_proxy, 1, came, times=None)
    reader.work()
    assert intake.states() == ["listed"]
    intake.clock.forward(timedelta(minutes=1))
    reader.work()

    (row,) = intake.rows()
    assert (row.state, row.hold_reason, intake.octets(row)) == ("held", "arrivato_incompleto", came)
    assert [kind for kind, _, _ in intake.incidents()] == ["unreadable"]


def test_letter_that_lacked_much_is_received_when_the_server_gives_it(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, reader: MailboxReader, imap_proxy: ImapProxy
) -> None:
    octets = in_parts("Vorrei sapere se c'è posto.\n" * 20)
    dovecot.deliver(mailbox_user.name, octets)
    give(imap_proxy, 1, octets[:600], times=2)
    reader.work()
    intake.clock.forward(timedelta(minutes=1))
    reader.work()

    (row,) = intake.rows()
    assert (row.state, intake.octets(row), intake.incidents()) == ("received", octets, [])


def test_server_that_states_a_little_too_much_is_let_be(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, reader: MailboxReader, imap_proxy: ImapProxy
) -> None:
    octets = make_mail("Grazie a tutte.\n")
    dovecot.deliver(mailbox_user.name, octets)
    state_sizes(imap_proxy, len(octets) + 60)
    reader.work()

    (row,) = intake.rows()
    assert (row.state, intake.octets(row)) == ("received", octets)


def test_server_that_guesses_sizes_is_asked_again_for_a_while_only(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, reader: MailboxReader, imap_proxy: ImapProxy
) -> None:
    """Exchange states thrice what a short letter has: its mail is received, and not fetched twice for ever."""
    state_sizes(imap_proxy, 4000)
    for number in range(GUESSES + 5):
        dovecot.deliver(mailbox_user.name, make_mail(f"Grazie {number}.\n"))
        reader.work()
    assert set(intake.states()) == {"received"}
    assert reader._imap is not None
    assert reader._imap.guessed == GUESSES


def test_size_that_is_corrected_when_asked_again_is_believed(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, reader: MailboxReader, imap_proxy: ImapProxy
) -> None:
    octets = make_mail("Grazie a tutte.\n")
    dovecot.deliver(mailbox_user.name, octets)
    stated = b'* 1 FETCH (UID 1 RFC822.SIZE 90000 INTERNALDATE "01-Nov-2026 10:00:00 +0000")\r\nOK done'
    imap_proxy.answer(rb"UID FETCH \S+ \(RFC822", stated)
    reader.work()

    assert [intake.octets(row) for row in intake.rows()] == [octets]


def test_empty_messages_are_not_twins(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, reader: MailboxReader, imap_proxy: ImapProxy
) -> None:
    for _ in range(2):
        imap_proxy.behave()
        dovecot.deliver(mailbox_user.name, b"x")
        state_sizes(imap_proxy, 0)
        uid = len(intake.rows()) + 1
        give(imap_proxy, uid, b"", times=None)
        reader.work()

    assert [(row.state, row.hold_reason) for row in intake.rows()] == [("received", "")] * 2


# --------------------------------------------------------------------------- the limit


def test_message_of_60_megabytes_stays_with_its_header_section_kept(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, reader: MailboxReader
) -> None:
    octets = big_mail(60)
    uid = dovecot.deliver(mailbox_user.name, octets)
    size = len(octets)
    header = octets.split(b"\r\n\r\n")[0] + b"\r\n\r\n"
    del octets
    with most_memory() as most:
        reader.work()
        assert most() < 16 * MEGABYTE, "more was held than a few times the limit of 4 MB"

    (row,) = intake.rows()
    assert (row.state, row.hold_reason, row.size) == ("oversize", "troppo_grande", size)
    assert intake.octets(row) == header
    assert dovecot.uids(mailbox_user.name) == (uid,)


def test_header_section_without_end_is_cut(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, reader: MailboxReader
) -> None:
    dovecot.deliver(
        mailbox_user.name, b"Subject: x\r\n" + b"X-Long: " + b"a" * 900 + b"\r\n" * 1 + b"X: y\r\n" * 900_000
    )
    reader.work()

    (row,) = intake.rows()
    assert row.state == "oversize"
    assert len(intake.octets(row)) == 64 << 10


def test_message_at_the_limit_is_received_and_one_octet_more_is_not(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, imap_proxy: ImapProxy
) -> None:
    reader = intake.reader(port=imap_proxy.port, max_octets=1000)
    reader.work()
    for size in (999, 1000, 1001):
        dovecot.deliver(mailbox_user.name, (b"Subject: x\r\n\r\n" + b"y" * 2000)[:size])
    reader.work()

    assert intake.states() == ["received", "received", "oversize"]


@pytest.mark.parametrize("stated", [0, 10, 2 * MEGABYTE, 400 * MEGABYTE])
def test_stated_size_is_not_believed(
    intake: Intake,
    dovecot: Dovecot,
    mailbox_user: MailboxUser,
    reader: MailboxReader,
    imap_proxy: ImapProxy,
    stated: int,
) -> None:
    small, large = make_mail(), big_mail(2)
    contents = [small, large, make_mail("Un'altra\n")]
    for octets in contents:
        dovecot.deliver(mailbox_user.name, octets)
    state_sizes(imap_proxy, stated)
    reader.work()

    # What is said to be far longer than what comes may be cut: it is kept, for a person.
    intake.clock.forward(timedelta(minutes=1))
    reader.work()
    assert intake.states() == ["held" if len(one) < stated * 9 // 10 else "received" for one in contents]
    assert [intake.octets(row) for row in intake.rows()] == contents


def test_message_over_the_limit_that_is_said_to_be_small(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, reader: MailboxReader, imap_proxy: ImapProxy
) -> None:
    dovecot.deliver(mailbox_user.name, big_mail(20))
    state_sizes(imap_proxy, 10)
    with most_memory() as most:
        reader.work()
        assert most() < 20 * MEGABYTE

    (row,) = intake.rows()
    assert (row.state, row.size) == ("oversize", 4 * MEGABYTE + 1)


# --------------------------------------------------------------------------- refusals


def refuse(proxy: ImapProxy, uid: int) -> None:
    """Say NO to every FETCH of octets that names this UID."""
    proxy.answer(rb"UID FETCH (\d+,)*%d(,\d+)* \(BODY" % uid, b"NO [SERVERBUG] Internal error", times=None)


def test_one_refused_message_does_not_stop_the_others(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, reader: MailboxReader, imap_proxy: ImapProxy
) -> None:
    uids = [dovecot.deliver(mailbox_user.name, make_mail()) for _ in range(5)]
    refuse(imap_proxy, uids[2])
    reader.work()

    assert intake.states() == ["received", "received", "listed", "received", "received"]
    asked = imap_proxy.count(rb"BODY")
    reader.work()
    assert imap_proxy.count(rb"BODY") == asked, "asked again before the pause was over"

    imap_proxy.behave()
    intake.clock.forward(timedelta(minutes=1))
    reader.work()
    assert intake.states() == ["received"] * 5


def test_message_that_is_always_refused_is_shown_at_last(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, reader: MailboxReader, imap_proxy: ImapProxy
) -> None:
    uid = dovecot.deliver(mailbox_user.name, make_mail())
    refuse(imap_proxy, uid)
    waits = []
    for _ in range(MOST_TRIES):
        assert intake.states() in ([], ["listed"])
        reader.work()
        waits.append(intake.rows()[0].due_at - intake.clock.now())
        intake.clock.forward(waits[-1])

    (row,) = intake.rows()
    assert (row.state, row.hold_reason) == ("unreadable", "illeggibile")
    assert [wait.total_seconds() / 60 for wait in waits] == [1, 2, 4, 8, 0]
    assert dovecot.uids(mailbox_user.name) == (uid,)


def test_refused_batch_is_received_one_by_one(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, reader: MailboxReader, imap_proxy: ImapProxy
) -> None:
    contents = [make_mail() for _ in range(4)]
    for octets in contents:
        dovecot.deliver(mailbox_user.name, octets)
    imap_proxy.answer(rb"UID FETCH \d+,\S+ \(BODY", b"NO [LIMIT] too much at once", times=None)
    reader.work()

    assert [intake.octets(row) for row in intake.rows()] == contents


# --------------------------------------------------------------------------- after an outage


@pytest.mark.slow
def test_5000_messages_after_an_outage_in_bounded_memory_and_few_steps(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, reader: MailboxReader, imap_proxy: ImapProxy
) -> None:
    text = b"riga di testo\r\n" * 1000
    digests, total = [], 0
    for first in range(0, 5000, 200):
        contents = [b"Subject: Lettera %d\r\n\r\n" % n + text for n in range(first, first + 200)]
        digests += [digest(octets) for octets in contents]
        total += sum(map(len, contents))
        dovecot.deliver_fast(mailbox_user.name, contents)
    del contents
    imap_proxy.reset_counts()
    steps = len(intake.store.steps)
    with most_resident() as most:
        reader.work()
        peak = most()
    rows = intake.rows()

    assert [row.sha256 for row in rows] == digests
    assert {row.state for row in rows} == {"received"}
    assert peak < total / 2, f"{peak / MEGABYTE:.0f} MB held for {total / MEGABYTE:.0f} MB of mail"
    assert len(intake.store.steps) - steps <= 130, "about one commit for fifty messages"
    assert imap_proxy.round_trips <= 80


@pytest.fixture
def other_store(store_url: str, clock: FakeClock) -> Iterator[WatchedStore]:
    """A record on each engine."""
    made = WatchedStore(store_url, clock)
    yield made
    made.close()


def test_readers_of_two_engines_agree(other_store: WatchedStore, intake: Intake, dovecot: Dovecot) -> None:
    """The whole way on PostgreSQL too: listed, received, held, oversize, filed, matched."""
    intake.store = other_store
    reader = intake.reader()
    reader.work()
    octets = make_mail()
    for content in (octets, octets, big_mail(5), make_mail()):
        dovecot.deliver(intake.user.name, content)
    reader.work()
    assert intake.states() == ["received", "held", "oversize", "received"]
    intake.decide_as_done()
    reader.work()
    assert intake.states() == ["filed", "held", "oversize", "filed"]
    reader.close()
    dovecot.rebuild(intake.user.name)
    intake.reader().work()
    assert sorted(intake.states()) == ["filed", "filed", "held", "matched", "oversize", "oversize"]
    intake.close()


def test_a_message_over_the_limit_whose_header_section_is_refused_does_not_stop_the_mailbox(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, reader: MailboxReader, imap_proxy: ImapProxy
) -> None:
    uid = dovecot.deliver(mailbox_user.name, big_mail(5))
    refuse(imap_proxy, uid)
    reader.work()
    dovecot.deliver(mailbox_user.name, make_mail())
    for _ in range(MOST_TRIES):
        reader.work()
        intake.clock.forward(max(intake.rows()[0].due_at - intake.clock.now(), timedelta(0)))
    assert sorted(intake.states()) == ["received", "unreadable"]
