"""Mailboxes are spread over the workers, and taken over from those that are gone."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

from tests.crash.inbox import NEW, End
from tests.fleet.harness import LEASE, House, until

FORWARDED = next(letter for letter in NEW if letter.end is End.FORWARDED)
BOXES = ("crema", "mantova", "suzzara", "viadana")


def test_no_worker_takes_all_for_ever_and_what_a_dead_one_read_is_taken_within_its_lease(
    make_house: Callable[..., House],
) -> None:
    house = make_house(*BOXES)
    house.start("uno")
    until(lambda: house.reads() == {"uno": 4}, "a worker alone reads everything")
    house.start("due")
    until(lambda: house.reads() == {"uno": 2, "due": 2}, "the second has its part", 4 * LEASE)

    house.kill("uno")
    begun = time.monotonic()
    until(lambda: house.reads() == {"due": 4}, "the other reads what the dead one read", 4 * LEASE)
    assert time.monotonic() - begun < 1.5 * LEASE + 1
    for name in BOXES:
        house.dovecot.deliver(house.users[name], FORWARDED.octets)
    house.sink.wait_for(1, 30)

    house.start("tre")
    until(lambda: house.reads() == {"due": 2, "tre": 2}, "a third worker has its part", 4 * LEASE)
    assert house.end() == {"due": 0, "tre": 0}, house.words()
    assert house.reads() == {}


def test_a_worker_that_stood_still_gets_its_part_again(make_house: Callable[..., House]) -> None:
    house = make_house(*BOXES)
    house.start("uno")
    house.start("due")
    until(lambda: house.reads() == {"uno": 2, "due": 2}, "each has its part")
    house.send("uno", signal.SIGSTOP)
    until(lambda: house.reads() == {"due": 4}, "the other reads everything", 4 * LEASE)
    house.send("uno", signal.SIGCONT)
    until(lambda: house.reads() == {"uno": 2, "due": 2}, "each has its part again", 4 * LEASE)
    assert house.end() == {"uno": 0, "due": 0}, house.words()


def test_one_that_ends_in_order_leaves_its_mailboxes_at_once(make_house: Callable[..., House]) -> None:
    house = make_house(*BOXES, lease=120)
    house.start("uno")
    until(lambda: house.reads() == {"uno": 4}, "a worker alone reads everything")
    house.start("due")
    called = "the first gives two up when it is called, not at its next look"
    until(lambda: house.reads() == {"uno": 2, "due": 2}, called, 15)
    house.send("uno", signal.SIGTERM)
    until(lambda: house.reads() == {"due": 4}, "and takes them when the other goes", 15)
