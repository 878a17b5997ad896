"""What a transaction of the record promises: all or nothing, one look, and no worker in another's way."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from tests.record.builders import MovedClock, a_mailbox, count, list_uids, message, received, rows_of
from tests.servers.postgres import Postgres
from triage.record import Store, StoreError, Transaction
from triage.record.identity import secret_of, set_stopped
from triage.record.mailboxes import known_mailboxes, mailbox_row
from triage.record.messages import change_state, mailbox_name, messages_in
from triage.record.tables import audit, switches
from triage.vocabulary import MessageState


def _stop_and_fail(tx: Transaction, error: BaseException) -> None:
    set_stopped(tx, True)
    raise error


@pytest.mark.parametrize("error", [RuntimeError("a bug"), KeyboardInterrupt()], ids=["error", "interrupt"])
def test_a_step_that_fails_leaves_nothing(store: Store, error: BaseException) -> None:
    with pytest.raises(type(error)), store.write("stop") as tx:
        _stop_and_fail(tx, error)
    assert (count(store, switches), count(store, audit)) == (0, 0)
    with store.write("stop") as tx:
        assert set_stopped(tx, True)


def test_a_look_sees_one_instant_while_others_write(store: Store, open_store: Callable[[], Store]) -> None:
    other = open_store()
    received(store, 1)
    with store.read("look") as tx:
        before = tx.execute(sa.text("SELECT count(*) FROM messages")).scalar_one()
        received(other, 2)
        assert tx.execute(sa.text("SELECT count(*) FROM messages")).scalar_one() == before
    assert len(rows_of(store)) == before + 2


def test_a_look_does_not_wait_for_a_writer_nor_see_what_it_has_not_committed(
    store: Store, open_store: Callable[[], Store]
) -> None:
    other = open_store()
    with store.write("stop") as tx:
        set_stopped(tx, True)
        assert count(other, switches) == 0
        assert count(store, switches) == 0
    assert count(other, switches) == 1


def test_writers_in_threads_and_in_other_workers_wait_for_each_other(
    store: Store, open_store: Callable[[], Store]
) -> None:
    """No step fails because another one is being written."""
    stores = [store, store, open_store(), open_store()]
    barrier = threading.Barrier(len(stores))
    errors: list[BaseException] = []

    def work(own: Store, name: str) -> None:
        barrier.wait(10)
        try:
            for uid in range(1, 11):
                list_uids(own, a_mailbox(own, name), [uid])
        except BaseException as error:  # noqa: BLE001 - asserted on below
            errors.append(error)

    threads = [threading.Thread(target=work, args=(own, f"ufficio-{n}")) for n, own in enumerate(stores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert len(rows_of(store)) == 40


def test_a_transaction_has_one_instant_and_one_actor(store: Store, clock: MovedClock) -> None:
    with store.write("step", "maria") as tx:
        assert (tx.now, tx.actor) == (clock.now(), "maria")
    with store.read("look") as tx:
        assert (tx.now, tx.actor) == (clock.now(), "")


def test_an_sqlite_record_survives_a_power_cut_and_keeps_its_references(sqlite_url: str, clock: MovedClock) -> None:
    store = Store(sqlite_url, clock)
    store.migrate()
    with store.write("look") as tx:
        found = [tx.execute(sa.text(f"PRAGMA {name}")).scalar_one() for name in ("journal_mode", "synchronous")]
        keys = tx.execute(sa.text("PRAGMA foreign_keys")).scalar_one()
    store.close()
    assert (found, keys) == (["wal", 2], 1)


def test_who_only_looks_cannot_write_and_the_next_writer_can(sqlite_url: str, clock: MovedClock) -> None:
    """On PostgreSQL a look may lock rows, as a preview of an act does, and so is no read-only transaction."""
    store = Store(sqlite_url, clock)
    (key,) = received(store, 1)
    with pytest.raises(StoreError), store.read("look") as tx:
        tx.execute(sa.text("UPDATE messages SET generation = 7"))
    assert message(store, key).generation != 7
    with store.write("mend") as tx:
        assert set_stopped(tx, True)
    store.close()


def test_looking_goes_on_while_somebody_writes(store: Store, open_store: Callable[[], Store]) -> None:
    """What a page shows needs the record's secret: to ask for it must not be to write."""
    with store.write("first") as tx:
        made = secret_of(tx)
    with store.write("slow") as writing:
        set_stopped(writing, True)
        with open_store().read("preview") as looking:
            assert secret_of(looking) == made


def test_a_message_of_no_mailbox_is_refused(store: Store) -> None:
    (key,) = received(store, 1)
    with pytest.raises(StoreError), store.write("orphan") as tx:
        tx.execute(sa.text("UPDATE messages SET mailbox_id = 99"))
    assert message(store, key).mailbox_id != 99


def test_a_cut_connection_costs_one_step_and_the_next_one_works(
    postgres: Postgres, postgres_url: str, clock: MovedClock
) -> None:
    store = Store(postgres_url, clock)
    store.migrate()

    def cut(tx: Transaction) -> None:
        set_stopped(tx, True)
        postgres.kill_connections(postgres_url.rpartition("/")[2])
        set_stopped(tx, False)

    with pytest.raises(StoreError), store.write("cut") as tx:
        cut(tx)
    with store.write("next") as tx:
        assert set_stopped(tx, True)
    store.close()


def test_the_engine_is_known_by_its_name(store: Store, store_url: str) -> None:
    assert store.engine_name == store_url.partition(":")[0].partition("+")[0]
    with store.read("look") as tx:
        assert tx.skips_locked == (store.engine_name == "postgresql")


def test_mailboxes_are_known_by_name_and_made_once(store: Store) -> None:
    with store.write("mailboxes") as tx:
        first = mailbox_row(tx, "ufficio")
        assert mailbox_row(tx, "ufficio") == first
        mailbox_row(tx, "sportello")
        assert [row.name for row in known_mailboxes(tx)] == ["sportello", "ufficio"]
        assert mailbox_name(tx, first.id) == "ufficio"
    assert (first.uid_validity, first.last_uid, first.resync_below) == (None, 0, 0)


def test_possible_danger_comes_before_older_messages(store: Store) -> None:
    keys = received(store, 3)
    for number, key in enumerate(keys):
        with store.write("hold") as tx:
            change_state(tx, message(store, key), MessageState.HELD, "held", urgent=number == 2)
    with store.read("look") as tx:
        assert [row.id for row in messages_in(tx, [MessageState.HELD])] == [keys[2], keys[0], keys[1]]
        assert len(messages_in(tx, [MessageState.HELD], limit=2)) == 2
