"""Listing and receiving: a row before the octets, and octets, digest and state in one transaction."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.record.builders import (
    LEASE,
    START,
    MovedClock,
    a_mailbox,
    claim,
    count,
    decided,
    list_uids,
    message,
    receive,
    received,
    reception,
    rows_of,
    send_all,
)
from triage.record import LostLeaseError, Store, Transaction
from triage.record.audit import history
from triage.record.filing import (
    due_for_filing,
    record_filed,
    record_presence,
    record_step,
    rows_at,
    stale_presence,
)
from triage.record.let_in import release_baseline
from triage.record.mailboxes import (
    MailboxRow,
    begin_numbering,
    lease_mailbox,
    mailbox_row,
    present_uids,
    release_mailbox,
)
from triage.record.messages import (
    Reception,
    change_state,
    list_messages,
    listed_messages,
    postpone_fetch,
    record_receptions,
)
from triage.record.octets import CHUNK, FIRST, digest, read_octets, why_absent
from triage.record.tables import audit, octet_chunks, octets
from triage.vocabulary import ListedMessage, MessageState

# --------------------------------------------------------------------------- listing


def test_a_listed_message_has_its_row_before_its_octets(store: Store) -> None:
    (key,) = list_uids(store, a_mailbox(store), [41], size=1234)
    row = message(store, key)
    assert (row.uid_validity, row.uid, row.state, row.size) == (7, 41, MessageState.LISTED, 1234)
    assert (row.sha256, row.received_at) == (None, None)
    assert count(store, octets) == 0


def test_listing_twice_makes_no_second_row_and_no_second_audit_row(store: Store) -> None:
    mailbox = a_mailbox(store)
    list_uids(store, mailbox, [1, 2, 3])
    audited = count(store, audit)
    with store.write("again") as tx:
        listed = [ListedMessage(uid, 10, None) for uid in (1, 2, 3)]
        assert list_messages(tx, mailbox, listed, state=MessageState.LISTED, last_uid=3) == 0
    assert [row.uid for row in rows_of(store)] == [1, 2, 3]
    assert count(store, audit) == audited


def test_a_list_that_overlaps_an_earlier_one_adds_only_what_is_new(store: Store) -> None:
    mailbox = a_mailbox(store)
    list_uids(store, mailbox, [1, 2])
    with store.write("again") as tx:
        listed = [ListedMessage(uid, 10, None) for uid in (2, 3)]
        assert list_messages(tx, mailbox, listed, state=MessageState.LISTED, last_uid=3) == 1
        assert mailbox_row(tx, "ufficio").last_uid == 3
    assert [row.uid for row in rows_of(store)] == [1, 2, 3]


def test_a_message_listed_twice_keeps_what_was_already_received_of_it(store: Store) -> None:
    mailbox = a_mailbox(store)
    (key,) = receive(store, mailbox, [b"Buongiorno\r\n"])
    before = message(store, key)
    list_uids(store, mailbox, [before.uid])
    assert message(store, key) == before


def test_the_same_uid_in_another_mailbox_is_another_message(store: Store) -> None:
    first = list_uids(store, a_mailbox(store, "ufficio"), [5])
    second = list_uids(store, a_mailbox(store, "sportello"), [5])
    assert first != second


def test_the_same_uid_under_another_uidvalidity_is_another_message(store: Store) -> None:
    list_uids(store, a_mailbox(store), [5])
    with store.write("renumbered") as tx:
        begin_numbering(tx, mailbox_row(tx, "ufficio"), 8, 20)
        mailbox = mailbox_row(tx, "ufficio")
        listed = [ListedMessage(uid, 10, None) for uid in (5, 20)]
        assert list_messages(tx, mailbox, listed, state=MessageState.LISTED, last_uid=20) == 2
    assert [(row.uid_validity, row.uid, row.resync) for row in rows_of(store)] == [
        (7, 5, False),
        (8, 5, True),
        (8, 20, False),
    ]


def test_messages_listed_by_a_reader_that_lost_the_mailbox_are_not_written(store: Store, clock: MovedClock) -> None:
    old = a_mailbox(store)
    clock.forward(timedelta(days=366))
    a_mailbox(store, worker="reader-2")
    with pytest.raises(LostLeaseError), store.write("late") as tx:
        list_messages(tx, old, [ListedMessage(1, 10, None)], state=MessageState.LISTED, last_uid=1)
    assert rows_of(store) == []


def test_baselined_messages_are_not_fetched_until_they_are_released(store: Store) -> None:
    mailbox = a_mailbox(store)
    keys = list_uids(store, mailbox, [1, 2], state=MessageState.BASELINE)
    with store.write("backlog") as tx:
        assert listed_messages(tx, mailbox, 10) == []
        assert release_baseline(tx, mailbox, [2]) == 1
        assert release_baseline(tx, mailbox, [2]) == 0
        assert [row.id for row in listed_messages(tx, mailbox, 10)] == keys[1:]


# --------------------------------------------------------------------------- receiving


def test_a_reception_stores_octets_digest_state_and_audit_together(store: Store, clock: MovedClock) -> None:
    mailbox = a_mailbox(store)
    (key,) = list_uids(store, mailbox, [1])
    clock.forward(timedelta(minutes=1))
    data = b"Subject: prova\r\n\r\nBuongiorno\r\n"
    with store.write("receive") as tx:
        record_receptions(tx, mailbox, [reception(key, data)])
    row = message(store, key)
    assert (row.state, row.sha256, row.size) == (MessageState.RECEIVED, digest(data), len(data))
    assert row.received_at == START + timedelta(minutes=1)
    with store.read("look") as tx:
        assert read_octets(tx, [digest(data)]) == {digest(data): data}
        assert [(step["event"], step["to_state"]) for step in history(tx, "message", key)] == [
            ("listed", "listed"),
            ("received", "received"),
        ]


def test_a_reception_that_fails_before_its_commit_leaves_nothing(store: Store) -> None:
    mailbox = a_mailbox(store)
    keys = list_uids(store, mailbox, [1, 2])
    before = [message(store, key) for key in keys], count(store, audit)
    with pytest.raises(InterruptedError), store.write("receive") as tx:
        _record_and_fail(tx, mailbox, [reception(key, b"%d" % key) for key in keys])
    assert ([message(store, key) for key in keys], count(store, audit)) == before
    assert (count(store, octets), count(store, octet_chunks)) == (0, 0)


def _record_and_fail(tx: Transaction, mailbox: MailboxRow, receptions: list[Reception]) -> None:
    record_receptions(tx, mailbox, receptions)
    raise InterruptedError


def test_a_reception_by_a_reader_that_lost_the_mailbox_leaves_nothing(store: Store, clock: MovedClock) -> None:
    old = a_mailbox(store)
    (key,) = list_uids(store, old, [1])
    clock.forward(timedelta(days=366))
    a_mailbox(store, worker="reader-2")
    with pytest.raises(LostLeaseError), store.write("late") as tx:
        record_receptions(tx, old, [reception(key, b"late")])
    assert message(store, key).state == MessageState.LISTED
    assert count(store, octets) == 0


def test_a_message_that_is_no_longer_listed_is_left_out_of_a_reception(store: Store) -> None:
    """Neither its state, nor its audit, nor its octets: only what is still awaited is written."""
    mailbox = a_mailbox(store)
    first, second = list_uids(store, mailbox, [1, 2])
    with store.write("gone") as tx:
        record_presence(tx, [], [message(store, first)])
    audited = count(store, audit)
    with store.write("receive") as tx:
        record_receptions(tx, mailbox, [reception(first, b"one"), reception(second, b"two")])
    assert [message(store, key).state for key in (first, second)] == [MessageState.VANISHED, MessageState.RECEIVED]
    assert count(store, audit) == audited + 1
    assert count(store, octets) == 1


@pytest.mark.parametrize(
    "size", [0, 1, FIRST, FIRST + CHUNK, FIRST + CHUNK + 1, 7 * CHUNK // 2], ids=lambda size: f"{size}-octets"
)
def test_octets_come_back_as_they_came_in_chunks_of_a_mebibyte_after_a_short_first(store: Store, size: int) -> None:
    data = bytes(range(256)) * (size // 256) + b"\x00" * (size % 256)
    receive(store, a_mailbox(store), [data])
    with store.read("chunks") as tx:
        chunks = list(tx.execute(sa.select(octet_chunks.c.data).order_by(octet_chunks.c.number)).scalars())
        whole = read_octets(tx, [digest(data)])
    assert b"".join(chunks) == data
    sizes = [len(chunk) for chunk in chunks]
    assert all(0 < found <= most for found, most in zip(sizes, [FIRST, *[CHUNK] * 9], strict=False))
    assert sizes[:-1] == [FIRST, *[CHUNK] * 9][: len(sizes[:-1])]
    assert whole == {digest(data): data}


def test_the_same_octets_are_stored_once_whatever_their_messages(store: Store) -> None:
    data = b"Lo stesso messaggio\r\n"
    keys = receive(store, a_mailbox(store), [data, data, b"Un altro\r\n"])
    keys += receive(store, a_mailbox(store, "sportello"), [data])
    assert [message(store, key).sha256 == digest(data) for key in keys] == [True, True, False, True]
    assert (count(store, octets), count(store, octet_chunks)) == (2, 2)


def test_octets_that_were_erased_are_absent_from_the_answer(store: Store) -> None:
    with store.read("look") as tx:
        assert read_octets(tx, [digest(b"never stored")]) == {}
        assert why_absent(tx, digest(b"never stored")) == "ottetti_mancanti"


@pytest.mark.parametrize("now", [b"Vengo io\r\n", b"Vengo", b""])
def test_octets_that_are_not_what_was_stored_are_not_given(store: Store, now: bytes) -> None:
    receive(store, a_mailbox(store), [b"Vengo domani\r\n", b"Un altro\r\n"])
    altered, sound = digest(b"Vengo domani\r\n"), digest(b"Un altro\r\n")
    with store.write("a bad disk") as tx:
        tx.execute(sa.update(octet_chunks).where(octet_chunks.c.sha256 == altered).values(data=now))
    with store.read("look") as tx:
        assert read_octets(tx, [altered, sound]) == {sound: b"Un altro\r\n"}
        assert why_absent(tx, altered) == "ottetti_alterati"


def test_two_readers_of_two_mailboxes_may_store_the_same_octets_at_once(
    store: Store, open_store: Callable[[], Store]
) -> None:
    """On PostgreSQL the second waits for the first; neither fails, and nothing is stored twice."""
    other = open_store()
    first = list_uids(store, a_mailbox(store, "ufficio"), [1])
    second = list_uids(store, a_mailbox(store, "sportello"), [1])
    data = bytes(FIRST + CHUNK)
    barrier = threading.Barrier(2)
    errors: list[BaseException] = []

    def work(own: Store, name: str, key: int) -> None:
        barrier.wait(10)
        try:
            mailbox = a_mailbox(own, name)
            with own.write("receive") as tx:
                record_receptions(tx, mailbox, [reception(key, data)])
        except BaseException as error:  # noqa: BLE001 - asserted on below
            errors.append(error)

    jobs = [(store, "ufficio", first[0]), (other, "sportello", second[0])]
    threads = [threading.Thread(target=work, args=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert errors == []
    assert [message(store, key).state for key in (*first, *second)] == [MessageState.RECEIVED] * 2
    assert (count(store, octets), count(store, octet_chunks)) == (1, 2)


def test_a_message_that_was_hard_to_fetch_is_no_suspect_when_it_is_decided(store: Store) -> None:
    """Tries of the fetch are not tries of the decision: else a slow server leads to quarantine."""
    mailbox = a_mailbox(store)
    (key,) = list_uids(store, mailbox, [1])
    for _ in range(3):
        with store.write("postpone") as tx:
            postpone_fetch(tx, mailbox, [key], tx.now)
    assert message(store, key).tries == 3
    with store.write("receive") as tx:
        record_receptions(tx, mailbox, [reception(key, b"at last")])
    assert [row.tries for row in claim(store)] == [1]


def test_a_postponed_fetch_is_due_again_only_then(store: Store, clock: MovedClock) -> None:
    mailbox = a_mailbox(store)
    list_uids(store, mailbox, [1])
    with store.write("postpone") as tx:
        postpone_fetch(tx, mailbox, [rows_of(store)[0].id], tx.now + timedelta(minutes=2))
        assert listed_messages(tx, mailbox, 10) == []
    clock.forward(timedelta(minutes=2))
    with store.read("look") as tx:
        assert len(listed_messages(tx, mailbox, 10)) == 1


def test_an_oversize_message_keeps_its_real_size_beside_its_header_section(store: Store) -> None:
    mailbox = a_mailbox(store)
    (key,) = list_uids(store, mailbox, [1])
    header = b"Subject: allegati\r\n\r\n"
    with store.write("oversize") as tx:
        record_receptions(
            tx,
            mailbox,
            [Reception(key, MessageState.OVERSIZE, header, digest(header), "troppo_grande", size=60_000_000)],
        )
    row = message(store, key)
    assert (row.state, row.size, row.received_at) == (MessageState.OVERSIZE, 60_000_000, None)


# --------------------------------------------------------------------------- the mailbox's lease


def test_one_mailbox_has_one_reader(store: Store, clock: MovedClock) -> None:
    a_mailbox(store)
    with store.write("lease") as tx:
        assert lease_mailbox(tx, "ufficio", "reader-2", LEASE) is None
    clock.forward(timedelta(days=366))
    with store.write("lease") as tx:
        taken = lease_mailbox(tx, "ufficio", "reader-2", LEASE)
    assert taken is not None
    assert (taken.lease_owner, taken.lease_epoch) == ("reader-2", 2)


def test_a_reader_renews_its_own_lease_under_the_same_epoch(store: Store, clock: MovedClock) -> None:
    first = a_mailbox(store)
    clock.forward(timedelta(minutes=1))
    again = a_mailbox(store)
    assert again.lease_epoch == first.lease_epoch
    assert first.lease_until is not None
    assert again.lease_until == first.lease_until + timedelta(minutes=1)


def test_a_mailbox_given_back_is_read_by_another_worker_at_once(store: Store) -> None:
    first = a_mailbox(store)
    with store.write("release") as tx:
        release_mailbox(tx, first)
    second = a_mailbox(store, worker="reader-2")
    assert second.lease_epoch == first.lease_epoch + 1


def test_of_many_workers_that_want_a_mailbox_at_once_one_gets_it(store: Store, open_store: Callable[[], Store]) -> None:
    stores = [open_store() for _ in range(4)]
    barrier = threading.Barrier(len(stores))
    got: list[str] = []

    def work(own: Store, worker: str) -> None:
        barrier.wait(10)
        with own.write("lease") as tx:
            if lease_mailbox(tx, "ufficio", worker, LEASE) is not None:
                got.append(worker)

    threads = [threading.Thread(target=work, args=(own, f"reader-{n}")) for n, own in enumerate(stores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(got) == 1
    with store.read("look") as tx:
        assert mailbox_row(tx, "ufficio").lease_owner == got[0]


# --------------------------------------------------------------------------- presence and filing


def test_a_message_gone_before_its_octets_were_read_has_vanished(store: Store) -> None:
    (key,) = list_uids(store, a_mailbox(store), [1])
    with store.write("gone") as tx:
        record_presence(tx, [], [message(store, key)])
    assert message(store, key).state == MessageState.VANISHED
    with store.read("look") as tx:
        assert present_uids(tx, mailbox_row(tx, "ufficio")) == set()


def test_a_received_message_that_has_gone_keeps_its_state(store: Store) -> None:
    (key,) = received(store, 1)
    with store.write("gone") as tx:
        record_presence(tx, [], [message(store, key)])
    row = message(store, key)
    assert (row.state, row.gone_at) == (MessageState.RECEIVED, START)


def test_messages_in_progress_are_looked_for_again_when_not_seen_lately(store: Store, clock: MovedClock) -> None:
    keys = received(store, 2)
    mailbox = a_mailbox(store)
    clock.forward(timedelta(minutes=10))
    with store.write("presence") as tx:
        record_presence(tx, keys[:1], [])
        assert [row.id for row in stale_presence(tx, mailbox, tx.now, 10)] == keys[1:]
        assert [row.id for row in rows_at(tx, mailbox, [1, 2])] == keys


def test_only_a_message_whose_forward_was_accepted_is_due_for_filing(store: Store) -> None:
    first = decided(store, 1)
    send_all(store)
    decided(store, 1)
    with store.read("look") as tx:
        assert [row.id for row in due_for_filing(tx, mailbox_row(tx, "ufficio"), 10)] == first


def test_filing_is_recorded_step_by_step(store: Store) -> None:
    (key,) = decided(store, 1)
    send_all(store)
    with store.write("copied") as tx:
        record_step(tx, [message(store, key)], "copied", "Smistati/Oglio Po")
    assert message(store, key).file_step == "copied"
    with store.write("filed") as tx:
        record_filed(tx, [message(store, key)], "Smistati/Oglio Po", "filed")
    row = message(store, key)
    assert (row.state, row.file_step, row.filed_folder) == (MessageState.FILED, "", "Smistati/Oglio Po")


def test_a_message_corrected_while_it_was_moved_is_decided_again_not_filed(store: Store) -> None:
    """Between the look and the record the server moves mail: seconds in which staff may act."""
    (key,) = decided(store, 1)
    send_all(store)
    as_read = message(store, key)
    with store.write("corrected", "maria") as tx:
        change_state(tx, as_read, MessageState.RECEIVED, "corrected")
    audited = count(store, audit)
    with store.write("filed") as tx:
        record_step(tx, [as_read], "copied", "Smistati")
        record_filed(tx, [as_read], "Smistati", "filed")
    assert message(store, key).state == MessageState.RECEIVED
    assert count(store, audit) == audited
