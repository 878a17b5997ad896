"""What is kept no longer is erased, and nothing else: by steps, on each engine, and the ledger closes over it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.record.builders import (
    FAMILY,
    MovedClock,
    a_mailbox,
    claim,
    decided,
    dispatches,
    filed_unsent,
    held,
    list_uids,
    message,
    received,
    reception,
    send_all,
    settle,
)
from triage import keeping
from triage.acts.people import Person, Role
from triage.keeping import Erased, limits, purge, purge_when_due, would_erase
from triage.record import Store
from triage.record.filing import record_filed
from triage.record.ledger import compute_ledger
from triage.record.messages import record_receptions
from triage.record.octets import digest, read_octets, store_octets
from triage.record.protocol import note_exported, note_to_register, protocol_page
from triage.record.purges import begin_purge, hold, holds, last_purge, let_go
from triage.record.retention import LOOKED_AT, Place, erase_step
from triage.record.settlements import Exit, Said, StaffText, add_settlement, keep_text
from triage.record.tables import attempts, messages, octet_chunks, samples, staff_texts
from triage.rules.retention import RetentionRules
from triage.twins import KNOWN, UNDER_WAY
from triage.vocabulary import DispatchKind, MessageState

YEAR = timedelta(days=366)
RULES = RetentionRules()


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "PAUSE", 0)


def done(store: Store, clock: MovedClock, count: int = 1) -> list[int]:
    """That many messages, forwarded, acknowledged and filed."""
    keys = [key for first in range(0, count, 100) for key in decided(store, min(100, count - first))]
    while send_all(store):
        clock.forward(timedelta(hours=4))
    file(store, keys)
    return keys


def nobodys(store: Store) -> int:
    """A message that was filed with nothing sent."""
    (key,) = received(store, 1)
    settle(store, [filed_unsent(row) for row in claim(store)])
    file(store, [key])
    return key


def file(store: Store, keys: list[int]) -> None:
    with store.write("file") as tx:
        record_filed(tx, [message(store, key) for key in keys], "Smistati", "filed")


def states(store: Store, keys: list[int]) -> set[str]:
    return {message(store, key).state for key in keys}


def differences(store: Store) -> tuple[str, ...]:
    with store.read("ledger") as tx:
        return compute_ledger(tx).differences


def octets_left(store: Store, key: int) -> bool:
    sha256 = message(store, key).sha256
    with store.read("look") as tx:
        return bool(read_octets(tx, [sha256 or ""]))


def purged(store: Store, rules: RetentionRules = RULES) -> Erased:
    found = purge(store, rules)
    assert found is not None
    return found


def test_what_was_forwarded_goes_a_year_after_and_the_ledger_closes(store: Store, clock: MovedClock) -> None:
    old = done(store, clock, 3)
    clock.forward(YEAR)
    new = done(store, clock, 2)
    assert would_erase(store, RULES).messages == 3
    assert states(store, old) == {MessageState.FILED}, "it was only counted"
    found = purged(store)
    assert (found.messages, found.kept_back) == (3, 0)
    assert found.octets == sum(message(store, key).size for key in old)
    assert states(store, old) == {MessageState.ERASED}
    assert states(store, new) == {MessageState.FILED}
    assert [octets_left(store, key) for key in (*old, *new)] == [False] * 3 + [True] * 2
    sent = [item for key in old for item in dispatches(store, key)]
    assert {item.forward_path for item in sent if item.kind != DispatchKind.FORWARD} == {""}
    assert FAMILY in {item.forward_path for item in dispatches(store, new[0])}
    assert differences(store) == ()
    assert purged(store).messages == 0


@pytest.mark.parametrize(("days", "erased"), [(89, 0), (91, 1)])
def test_what_was_nobodys_goes_after_ninety_days(store: Store, clock: MovedClock, days: int, erased: int) -> None:
    forwarded, key = done(store, clock), nobodys(store)
    clock.forward(timedelta(days=days))
    assert purged(store).messages == erased
    assert (message(store, key).state == MessageState.ERASED) is bool(erased)
    assert states(store, forwarded) == {MessageState.FILED}


def test_nothing_goes_that_is_kept_for_ever(store: Store, clock: MovedClock) -> None:
    keys = [*done(store, clock), nobodys(store)]
    clock.forward(20 * YEAR)
    assert purged(store, RetentionRules(None, None, None)).messages == 0
    assert states(store, keys) == {MessageState.FILED}


def test_what_waits_for_a_person_is_never_erased(store: Store, clock: MovedClock) -> None:
    waiting = received(store, 1)
    settle(store, [held(row) for row in claim(store)])
    under_way = decided(store, 1)
    clock.forward(20 * YEAR)
    assert purged(store).messages == 0
    assert states(store, waiting) == {MessageState.HELD}
    assert states(store, under_way) == {MessageState.DECIDED}


def test_a_case_that_is_alive_keeps_all_its_messages(store: Store, clock: MovedClock) -> None:
    (old,) = done(store, clock)
    clock.forward(YEAR)
    (new,) = received(store, 1)
    case = message(store, old).case_id
    assert case is not None
    settle(store, [replace(held(row), case_id=case) for row in claim(store)])
    assert message(store, new).case_id == case
    clock.forward(YEAR)
    found = purged(store)
    assert (found.messages, found.kept_back) == (0, 1), "the new one waits for a person still"


def test_a_case_that_is_kept_stays_until_it_is_let_go(store: Store, clock: MovedClock) -> None:
    (key,) = done(store, clock)
    case = message(store, key).case_id or 0
    with store.write("hold", "cli:anna") as tx:
        assert hold(tx, case, "causa in corso")
        assert not hold(tx, case, "ancora")
        assert [(one.case_id, one.by, one.reason) for one in holds(tx)] == [(case, "cli:anna", "causa in corso")]
    clock.forward(2 * YEAR)
    assert (purged(store).kept_back, octets_left(store, key)) == (1, True)
    with store.write("hold", "cli:anna") as tx:
        assert let_go(tx, case)
        assert not let_go(tx, case)
    assert (purged(store).messages, octets_left(store, key)) == (1, False)


def test_what_must_be_registered_stays_until_it_was_exported(store: Store, clock: MovedClock) -> None:
    (key,) = done(store, clock)
    with store.write("mark") as tx:
        assert note_to_register(tx, {key: "pec"}) == 1
        assert note_to_register(tx, {key: "regola"}) == 0
    clock.forward(2 * YEAR)
    assert (purged(store).kept_back, octets_left(store, key)) == (1, True)
    with store.write("export") as tx:
        assert note_exported(tx, [key], "cli:anna") == [key]
        assert note_exported(tx, [key], "cli:bruno") == []
    assert (purged(store).messages, octets_left(store, key)) == (1, False)
    with store.read("look") as tx:
        (entry,) = protocol_page(tx, waiting=False)
    assert (entry.message_id, entry.why, entry.exported_by) == (key, "pec", "cli:anna")


def test_what_was_drawn_stays_until_somebody_has_judged_it(store: Store, clock: MovedClock) -> None:
    (key,) = done(store, clock)
    numbers = {"floor": 1.0, "probability": 1.0, "confidence": 0.9, "generation": 1}
    texts = dict.fromkeys(("territory", "comune", "topic", "destination"), "")
    with store.write("draw") as tx:
        row = {"message_id": key, "kind": "automatico", "drawn_at": tx.now, "chosen": True, "project": "oglio_po"}
        tx.execute(samples.insert().values(**row, **numbers, **texts, model_version="m"))
    clock.forward(2 * YEAR)
    assert purged(store).kept_back == 1
    with store.write("judge") as tx:
        tx.execute(samples.update().values(labelled_at=tx.now))
    assert purged(store).messages == 1


def test_octets_stay_as_long_as_any_message_has_them(store: Store, clock: MovedClock) -> None:
    (old,) = done(store, clock)
    clock.forward(YEAR)
    box = a_mailbox(store, "seconda")
    (again,) = list_uids(store, box, [1])
    with store.write("look") as tx:
        same = read_octets(tx, [message(store, old).sha256 or ""])[message(store, old).sha256 or ""]
    with store.write("receive") as tx:
        record_receptions(tx, box, [reception(again, same)])
    assert purged(store).messages == 1
    assert (message(store, old).state, octets_left(store, old)) == (MessageState.ERASED, True)
    settle(store, [held(row) for row in claim(store)])
    assert differences(store) == ()


def test_what_staff_wrote_and_noted_goes_with_its_message(store: Store, clock: MovedClock) -> None:
    (key,) = done(store, clock)
    with store.write("settle", "anna") as tx:
        anna = Person(None, "anna", "Anna", Role.OPERATOR)
        add_settlement(tx, anna, key, Exit.ALSO, 1, {}, Said(project="oglio_po", note="da richiamare"))
        keep_text(tx, key, 1, StaffText("Gentile Anna, ..."))
    clock.forward(2 * YEAR)
    assert purged(store).messages == 1
    with store.read("look") as tx:
        assert tx.execute(sa.select(sa.func.count()).select_from(staff_texts)).scalar_one() == 0
        assert tx.execute(sa.text("SELECT note FROM settlements")).scalars().all() == [""]


def test_words_of_servers_go_after_three_weeks(store: Store, clock: MovedClock) -> None:
    done(store, clock, 3)
    clock.forward(timedelta(days=20))
    done(store, clock, 2)
    clock.forward(timedelta(days=2))
    found = purged(store)
    assert (found.messages, found.replies) == (0, 6), "a forward and an acknowledgement of each"
    with store.read("look") as tx:
        told = tx.execute(sa.select(attempts.c.reply, attempts.c.worker, attempts.c.code)).all()
    assert sorted(row.reply == "" for row in told) == [False] * 4 + [True] * 6
    assert {row.code for row in told} == {250}
    assert purged(store).replies == 0
    clock.forward(timedelta(days=20))
    assert purged(store).replies == 4
    assert differences(store) == ()


def test_many_go_by_bounded_steps_and_those_that_stay_are_not_in_the_way(
    store: Store, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = done(store, clock, LOOKED_AT)
    with store.write("hold") as tx:
        for key in kept:
            hold(tx, message(store, key).case_id or 0, "prova")
    many = done(store, clock, LOOKED_AT)
    more = done(store, clock, 30)
    monkeypatch.setattr("triage.record.retention.MOST_OCTETS", 20 * message(store, many[0]).size)
    clock.forward(YEAR)
    found = purged(store)
    assert (found.messages, found.kept_back) == (LOOKED_AT + 30, LOOKED_AT)
    assert found.steps > 7
    assert states(store, [*many, *more]) == {MessageState.ERASED}
    assert states(store, kept) == {MessageState.FILED}


def test_a_purge_that_was_cut_off_is_gone_on_with(store: Store, clock: MovedClock) -> None:
    keys = done(store, clock, 250)
    clock.forward(2 * YEAR)
    steps = iter([False, False, True])
    cut = purge(store, RULES, stopped=lambda: next(steps))
    assert cut is not None
    assert 0 < cut.messages < 250
    with store.read("look") as tx:
        assert last_purge(tx) is None, "it has no end"
    assert purged(store).messages == 250 - cut.messages
    assert states(store, keys) == {MessageState.ERASED}
    assert differences(store) == ()


def test_the_night_has_one_purge_whoever_comes_first(store: Store, clock: MovedClock) -> None:
    keys = done(store, clock)
    purge_when_due(store, RULES)
    with store.read("look") as tx:
        assert last_purge(tx) is None, "nothing was due: nothing is written"
    clock.forward(2 * YEAR - timedelta(hours=clock.now().hour - 1))  # one o'clock in UTC: two or three in Italy
    with store.write("other") as tx:
        assert begin_purge(tx, f"{clock.now():%Y-%m-%d}")
    purge_when_due(store, RULES)
    assert states(store, keys) == {MessageState.FILED}, "another worker does it"
    received(store, 1)  # a day on which the service lives
    clock.forward(timedelta(days=1))
    purge_when_due(store, RULES)
    assert states(store, keys) == {MessageState.ERASED}
    with store.read("look") as tx:
        row = last_purge(tx)
    assert row is not None
    assert (row.messages, row.night) == (1, f"{clock.now():%Y-%m-%d}")


def test_a_clock_that_has_jumped_ahead_erases_nothing_in_its_first_night(store: Store, clock: MovedClock) -> None:
    keys = done(store, clock)
    clock.forward(2 * YEAR - timedelta(hours=clock.now().hour - 1))
    purge_when_due(store, RULES)
    assert states(store, keys) == {MessageState.FILED}, "it may be wrong"
    received(store, 1)
    clock.forward(timedelta(days=1))
    purge_when_due(store, RULES)
    assert MessageState.ERASED in states(store, keys)


def test_by_evening_the_night_has_not_come(store: Store, clock: MovedClock) -> None:
    keys = done(store, clock)
    clock.forward(2 * YEAR - timedelta(hours=clock.now().hour) + timedelta(minutes=5))
    purge_when_due(store, RULES)
    assert states(store, keys) == {MessageState.FILED}


def test_the_same_mail_again_is_known_although_it_was_erased(store: Store, clock: MovedClock) -> None:
    """Hashes outlive the octets: what was forwarded is not forwarded again years later."""
    assert MessageState.ERASED in UNDER_WAY
    assert MessageState.ERASED in KNOWN
    (key,) = done(store, clock)
    before = message(store, key)
    clock.forward(2 * YEAR)
    purged(store)
    after = message(store, key)
    assert (after.sha256, after.content_key, after.case_id) == (before.sha256, before.content_key, before.case_id)


def test_mail_that_comes_while_its_octets_are_erased_keeps_them(
    open_store: Callable[[], Store], store: Store, clock: MovedClock
) -> None:
    """On PostgreSQL two transactions run side by side: neither may believe in what the other takes away."""
    (old,) = done(store, clock)
    clock.forward(2 * YEAR)
    with store.read("look") as tx:
        sha256 = message(store, old).sha256 or ""
        data = read_octets(tx, [sha256])[sha256]
    box = a_mailbox(store, "seconda")
    (again,) = list_uids(store, box, [1])
    other, done_with = open_store(), threading.Event()

    def erase() -> None:
        with other.write("purge") as tx:
            erase_step(tx, limits(RULES, tx.now), Place())
        done_with.set()

    eraser = threading.Thread(target=erase)
    with store.write("receive") as tx:
        store_octets(tx, {sha256: data})
        eraser.start()
        assert not done_with.wait(0.5), "it waits for who has just counted on them"
        record_receptions(tx, box, [reception(again, data)])
    eraser.join(30)
    assert done_with.is_set()
    assert message(store, old).state == MessageState.ERASED
    assert octets_left(store, again)
    assert digest(data) == sha256


def test_no_octets_are_left_behind(store: Store, clock: MovedClock) -> None:
    done(store, clock, 120)
    clock.forward(2 * YEAR)
    purged(store)
    with store.read("look") as tx:
        assert tx.execute(sa.select(sa.func.count()).select_from(octet_chunks)).scalar_one() == 0
        assert tx.execute(sa.select(sa.func.count()).select_from(messages)).scalar_one() == 120
