"""A locked record: nothing that families wrote can be read in it without the key, and everything works as in clear."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.record.builders import (
    FAMILY,
    MovedClock,
    a_mailbox,
    claim,
    forward_of,
    message,
    receive,
    send_all,
    settle,
)
from triage.keyfile import MasterKey, new_key
from triage.record import Store, StoreError, Transaction
from triage.record.data_keys import WorkersAliveError, follow, keys_of_record, turn_on
from triage.record.encrypted import MARK, CannotOpenError
from triage.record.identity import secret_of
from triage.record.ledger import compute_ledger
from triage.record.locking import COLUMNS, count_values, lock_all
from triage.record.octets import CHUNK, FIRST, read_beginnings, read_octets
from triage.record.store import KeyMissingError
from triage.record.tables import attempts, dispatches, legal_holds, metadata, octet_chunks, staff_texts
from triage.record.workers import take_part

LETTER = b"From: Anna Rossi <anna.rossi@example.com>\r\nSubject: Aiuto\r\n\r\nMio marito mi picchia.\r\n"
ANSWER = "550 5.1.1 anna.rossi@example.com is unknown here"
WORDS = (b"Anna", b"anna.rossi", b"Aiuto", b"picchia", b"unknown here", b"Gentile", b"avvocato")
Opening = Callable[..., Store]


@pytest.fixture
def key() -> MasterKey:
    return new_key()


@pytest.fixture
def opening(store_url: str, clock: MovedClock) -> Iterator[Opening]:
    """Open the record with these keys, as a worker does at its start: it is locked from then on."""
    with ExitStack() as opened:

        def open_it(*keys: MasterKey) -> Store:
            store = Store(store_url, clock, keys=keys)
            opened.callback(store.close)
            turn_on(store)
            return store

        yield open_it


def fill(store: Store) -> int:
    """One letter that was forwarded, acknowledged and answered, with everything that a person could be read from."""
    [key] = receive(store, a_mailbox(store), [LETTER])
    settle(store, [forward_of(row) for row in claim(store)])
    send_all(store)
    with store.write("fill") as tx:
        secret_of(tx)
        tx.execute(sa.update(attempts).values(reply=ANSWER))
        tx.execute(sa.update(dispatches).values(recipient_key="as the service hashes it"))
        tx.execute(sa.insert(staff_texts).values(message_id=key, generation=1, text="Gentile Anna"))
        case = message(store, key).case_id
        tx.execute(sa.insert(legal_holds).values(case_id=case, since=tx.now, by="x", reason="per l'avvocato"))
    return key


def contents(store_url: str) -> bytes:
    """Every row of every table as the engine has it, without our column types."""
    engine = sa.create_engine(store_url)
    found = []
    with engine.connect() as connection:
        reflected = sa.MetaData()
        reflected.reflect(connection)
        assert set(metadata.tables) <= set(reflected.tables)
        for table in reflected.tables.values():
            for row in connection.execute(sa.select(table)):
                found += [bytes(one) if isinstance(one, bytes | memoryview) else str(one).encode() for one in row]
    engine.dispose()
    return b"\n".join(found)


def everything(store: Store, key: int) -> tuple[object, ...]:
    """What the service reads of :func:`fill`'s letter."""
    sha256 = message(store, key).sha256
    assert sha256 is not None
    with store.read("look") as tx:
        ledger = compute_ledger(tx)
        assert not ledger.differences
        return (
            read_octets(tx, [sha256]),
            read_beginnings(tx, [sha256], 20),
            tx.execute(sa.select(dispatches.c.forward_path).order_by(dispatches.c.id)).scalars().all(),
            set(tx.execute(sa.select(attempts.c.reply)).scalars()),
            tx.execute(sa.select(staff_texts.c.text)).scalars().all(),
            tx.execute(sa.select(legal_holds.c.reason)).scalars().all(),
            secret_of(tx),
        )


def lying(store: Store) -> dict[str, tuple[int, int, int]]:
    """How values lie: by the newest key, by an earlier one, in clear."""
    with store.read("look") as tx:
        return {one.column: (one.newest, one.earlier, one.clear) for one in count_values(tx, store.ring.newest)}


def test_nothing_of_a_letter_can_be_read_without_the_key(opening: Opening, store_url: str, key: MasterKey) -> None:
    store = opening(key)
    number = fill(store)
    raw = contents(store_url)
    assert [word for word in WORDS if word in raw] == []
    octets, beginning, paths, replies, texts, reasons, secret = everything(store, number)
    assert (list(octets.values()), list(beginning.values())) == ([LETTER], [LETTER[:20]])  # type: ignore[attr-defined]
    assert (paths, replies, texts, reasons) == (
        ["oglio-po@example.org", FAMILY],
        {ANSWER},
        ["Gentile Anna"],
        ["per l'avvocato"],
    )
    assert secret.hex().encode() not in raw  # type: ignore[attr-defined]


def test_in_clear_all_of_it_can_be_read(opening: Opening, store_url: str) -> None:
    """Else the test above would find nothing whatever we did."""
    fill(opening())
    raw = contents(store_url)
    assert [word for word in WORDS if word not in raw] == []


def test_a_record_in_clear_is_locked_while_it_is_used(opening: Opening, store_url: str, key: MasterKey) -> None:
    clear = opening()
    number = fill(clear)
    before = everything(clear, number)
    locked = opening(key)
    assert everything(locked, number) == before
    assert lying(locked)["octet_chunks.data"] == (0, 0, 1)
    assert sum(done for _, done in lock_all(locked)) > 0
    assert everything(locked, number) == before
    assert [word for word in WORDS if word in contents(store_url)] == []
    assert all((earlier, clear) == (0, 0) for _, earlier, clear in lying(locked).values())
    assert list(lock_all(locked)) == []


def test_without_the_key_or_with_another_nothing_opens(opening: Opening, key: MasterKey) -> None:
    fill(opening(key))
    for wrong in ((), (new_key(),)):
        with pytest.raises(KeyMissingError, match=key.id):
            opening(*wrong)


def test_another_key_takes_over_and_what_was_locked_stays_readable(opening: Opening, key: MasterKey) -> None:
    number = fill(opening(key))
    second = new_key()
    store = opening(second, key)
    before = everything(store, number)
    with store.write("follow") as tx:
        newest = follow(tx, store.keys, store.ring)
    [fresh] = receive(store, a_mailbox(store), [b"Un'altra lettera"])
    alone = opening(second)
    assert everything(alone, number) == before
    assert lying(alone)["octet_chunks.data"] == (1, 1, 0)
    list(lock_all(alone))
    with alone.read("keys") as tx:
        assert [(one.id, one.purpose, one.locked_by) for one in keys_of_record(tx)] == [
            (1, "data", second.id),
            (2, "addresses", second.id),
            (newest, "data", second.id),
        ]
    assert everything(opening(second), number) == before
    assert message(opening(second), fresh).sha256 is not None
    with pytest.raises(KeyMissingError):
        opening(key)


def test_a_worker_meets_a_key_that_another_made_and_goes_on(opening: Opening, key: MasterKey) -> None:
    first, other = opening(key), opening(key)
    with first.write("follow") as tx:
        follow(tx, first.keys, first.ring)
    [number] = receive(first, a_mailbox(first), [LETTER])
    sha256 = message(first, number).sha256
    assert sha256 is not None

    def read(tx: Transaction) -> list[bytes]:
        return list(read_octets(tx, [sha256]).values())

    # It does not have that key yet, says so, and asks for it before its next step.
    with other.read("look") as tx, pytest.raises(CannotOpenError):
        read(tx)
    with other.read("look") as tx:
        assert read(tx) == [LETTER]


def test_while_workers_live_that_know_no_key_none_is_made(opening: Opening, key: MasterKey, clock: MovedClock) -> None:
    """What they wrote would be in clear beside locked addresses, and a second forward would not be seen as such."""
    clear = opening()
    with clear.write("work") as tx:
        take_part(tx, "worker-1", timedelta(minutes=1))
    with pytest.raises(WorkersAliveError, match="worker-1"):
        opening(key)
    clock.forward(timedelta(minutes=2))
    assert opening(key).ring.newest == 1


def test_the_same_address_is_still_the_same_after_locking(opening: Opening, key: MasterKey) -> None:
    """A message's forward, decided again once the record is locked, is the same row and not a second forward."""
    clear = opening()
    [number] = receive(clear, a_mailbox(clear), [LETTER])
    settle(clear, [forward_of(row) for row in claim(clear)])
    store = opening(key)
    with store.read("look") as tx:
        query = sa.select(dispatches.c.id).where(dispatches.c.forward_path == FAMILY)
        assert len(tx.execute(query).all()) == 1
        # Written by the service itself once more, through the column's type.
        forward = dict(tx.execute(sa.select(dispatches).where(dispatches.c.kind == "forward")).mappings().one())
    forward |= {"id": None, "rfc_message_id": "<other@example.org>"}
    assert forward["message_id"] == number
    with pytest.raises(StoreError, match=r"UNIQUE|23505"), store.write("twice") as tx:
        tx.execute(sa.insert(dispatches).values(**{name: one for name, one in forward.items() if name != "id"}))


def test_octets_that_look_locked_are_what_they_are(opening: Opening, key: MasterKey) -> None:
    """A stranger may begin a letter with our mark."""
    letter = MARK + b"\0\0\0\1" + LETTER
    clear = opening()
    [number] = receive(clear, a_mailbox(clear), [letter])
    sha256 = message(clear, number).sha256
    assert sha256 is not None
    for keys in ((), (key,)):
        with opening(*keys).read("look") as tx:
            assert read_octets(tx, [sha256]) == {sha256: letter}
            assert read_beginnings(tx, [sha256], 9) == {sha256: letter[:9]}
            assert not compute_ledger(tx).differences


@pytest.mark.parametrize("size", [0, 1, FIRST, FIRST + 1, FIRST + CHUNK, FIRST + CHUNK + 1])
def test_letters_of_any_size_come_back_whole(opening: Opening, key: MasterKey, size: int) -> None:
    store = opening(key)
    letter = bytes(number % 251 for number in range(size))
    [number] = receive(store, a_mailbox(store), [letter])
    sha256 = message(store, number).sha256
    assert sha256 is not None
    with store.read("look") as tx:
        assert read_octets(tx, [sha256]) == {sha256: letter}
        assert read_beginnings(tx, [sha256], 10) == ({sha256: letter[:10]} if letter else {})
        assert not compute_ledger(tx).differences


def test_altered_octets_are_found_out_and_stop_no_others(
    opening: Opening, key: MasterKey, store_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = opening(key)
    first, second = receive(store, a_mailbox(store), [LETTER, b"sana"])
    engine = sa.create_engine(store_url)
    raw = sa.type_coerce(octet_chunks.c.data, sa.LargeBinary)
    sha256, other = message(store, first).sha256, message(store, second).sha256
    assert sha256 is not None
    assert other is not None
    with engine.begin() as connection:
        stored = connection.execute(sa.select(raw).where(octet_chunks.c.sha256 == sha256)).scalar_one()
        altered = bytes(stored[:-1]) + bytes([stored[-1] ^ 1])
        connection.execute(sa.update(octet_chunks).where(octet_chunks.c.sha256 == sha256).values(data=altered))
    engine.dispose()
    with store.read("look") as tx:
        assert read_octets(tx, [sha256, other]) == {other: b"sana"}
    assert "octet_chunks.data was altered" in caplog.text
    # Locked anew, the altered ones stay as they lie.
    with store.write("follow") as tx:
        follow(tx, store.keys, store.ring)
    assert dict(lock_all(store))["octet_chunks.data"] == 1
    assert lying(store)["octet_chunks.data"] == (1, 1, 0)
    engine = sa.create_engine(store_url)
    with engine.connect() as connection:
        assert bytes(connection.execute(sa.select(raw).where(octet_chunks.c.sha256 == sha256)).scalar_one()) == altered
    engine.dispose()


def test_a_worker_that_has_not_met_the_newest_key_writes_what_can_be_read(opening: Opening, key: MasterKey) -> None:
    """Whoever follows a key and locks everything leaves the keys of before: others still write by them."""
    first, behind = opening(key), opening(key)
    with first.write("follow") as tx:
        follow(tx, first.keys, first.ring)
    list(lock_all(first))
    [number] = receive(behind, a_mailbox(behind), [LETTER])
    sha256 = message(first, number).sha256
    assert sha256 is not None
    assert lying(first)["octet_chunks.data"] == (0, 1, 0)
    with opening(key).read("look") as tx:
        assert read_octets(tx, [sha256]) == {sha256: LETTER}


def test_what_was_moved_to_another_column_does_not_open(opening: Opening, key: MasterKey) -> None:
    """A hand that has the record and not the key cannot let staff send somebody the text of somebody else's note."""
    store = opening(key)
    ring = store.ring
    locked = ring.lock("settlements.note", b"nota")
    assert ring.open("settlements.note", locked) == b"nota"
    assert ring.open("staff_texts.text", locked) == b""
    address = ring.lock_address("dispatches.forward_path", FAMILY)
    assert ring.open_address("dispatches.forward_path", address) == FAMILY
    assert ring.open_address("elsewhere", address) == ""


def test_a_text_in_clear_that_looks_locked_stays_a_text(opening: Opening) -> None:
    store = opening()
    [number] = receive(store, a_mailbox(store), [LETTER])
    with store.write("fill") as tx:
        tx.execute(sa.insert(staff_texts).values(message_id=number, generation=1, text="TRG1.1.abc"))
    with store.read("look") as tx:
        assert tx.execute(sa.select(staff_texts.c.text)).scalars().all() == ["TRG1.1.abc"]


def test_every_column_of_a_locked_kind_is_locked_or_named_here() -> None:
    """A new column of a locked kind must be walked by ``triage key lock``, too."""
    kinds = ("EncryptedText", "EncryptedOctets")
    columns = {
        column for table in metadata.tables.values() for column in table.c if type(column.type).__name__ in kinds
    }
    assert columns == set(COLUMNS)
