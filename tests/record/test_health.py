"""What a monitor is told of the record: a service that works has no finding, and each kind of standstill has one."""

from __future__ import annotations

from datetime import timedelta

from tests.record.builders import MovedClock, a_mailbox, begin, claim, decided, lease_next, list_uids, received
from triage.record import Store
from triage.record.health import LATE, SENDS_LATE, STAGES, Finding, findings
from triage.record.heartbeats import REMEMBERED, all_beats, forget_beats, note_beats
from triage.record.identity import set_stopped
from triage.record.incidents import close_incident, open_incident

ALL_WELL: dict[str, float | None] = {**dict.fromkeys(STAGES, 0.0), "reader ufficio": 0.0}
MOMENT = timedelta(minutes=1)


def beat(store: Store, place: str = "macchina-1", **changes: float | None) -> None:
    """The worker there notes how its loops are; ``reader`` is that of the mailbox."""
    ages = {**ALL_WELL, **{name.replace("reader", "reader ufficio"): age for name, age in changes.items()}}
    with store.write("beat") as tx:
        note_beats(tx, place, ages)


def health(store: Store) -> list[Finding]:
    with store.read("health") as tx:
        return findings(tx)


def codes(store: Store) -> list[tuple[str, str]]:
    return [(finding.code, finding.subject) for finding in health(store)]


def test_a_service_that_works_has_no_finding(store: Store) -> None:
    decided(store, 2)
    received(store, 2)
    beat(store)
    assert health(store) == []


def test_a_record_at_which_nobody_works_says_so(store: Store) -> None:
    """Never started, or ended on purpose and not started again: weeks of it must not look like peace."""
    assert codes(store) == [("no_worker", "service")]
    beat(store)
    assert codes(store) == []
    with store.write("ended") as tx:
        forget_beats(tx, "macchina-1")
    assert codes(store) == [("no_worker", "service")]


def test_a_worker_that_died_is_named_with_its_stages_and_mailboxes(store: Store, clock: MovedClock) -> None:
    beat(store)
    died = clock.now()
    clock.forward(LATE - MOMENT)
    assert health(store) == []
    clock.forward(2 * MOMENT)
    found = health(store)
    assert [(finding.code, finding.subject) for finding in found] == [
        *(("stage_silent", stage) for stage in STAGES),
        ("worker_silent", "macchina-1"),
        ("mailbox_silent", "ufficio"),
    ]
    assert {finding.since for finding in found} == {died}
    clock.forward(30 * REMEMBERED)
    assert codes(store), "a month later it is the same"


def test_one_of_two_workers_that_died_is_named_for_a_day(store: Store, clock: MovedClock) -> None:
    beat(store)
    beat(store, "macchina-2")
    clock.forward(LATE + MOMENT)
    beat(store)
    assert codes(store) == [("worker_silent", "macchina-2")]
    clock.forward(REMEMBERED)
    beat(store)
    assert codes(store) == []
    with store.read("look") as tx:
        assert {item.place for item in all_beats(tx)} == {"macchina-1"}


def test_a_loop_whose_rounds_fail_is_silent_although_it_comes_round(store: Store, clock: MovedClock) -> None:
    beat(store)
    for _ in range(16):
        clock.forward(MOMENT)
        beat(store, dispatch=None)
    assert codes(store) == [("stage_silent", "dispatch")]
    beat(store)
    assert codes(store) == []


def test_a_loop_that_hangs_is_known_by_the_time_at_which_it_last_came_round(store: Store, clock: MovedClock) -> None:
    beat(store, decide=LATE.total_seconds() + 60)
    ((code, subject),) = codes(store)
    assert (code, subject) == ("stage_silent", "decide")


def test_a_mailbox_is_read_as_long_as_one_of_the_workers_reads_it(store: Store, clock: MovedClock) -> None:
    beat(store)
    beat(store, "macchina-2", reader=None)
    for _ in range(16):
        clock.forward(MOMENT)
        beat(store)
        beat(store, "macchina-2", reader=None)
    assert codes(store) == []
    for _ in range(16):
        clock.forward(MOMENT)
        beat(store, reader=None)
        beat(store, "macchina-2", reader=None)
    assert codes(store) == [("mailbox_silent", "ufficio")]


def test_a_mailbox_that_is_no_longer_watched_is_not_missed(store: Store, clock: MovedClock) -> None:
    beat(store)
    clock.forward(LATE + MOMENT)
    with store.write("beat") as tx:
        note_beats(tx, "macchina-1", dict.fromkeys(STAGES, 0.0))
    assert codes(store) == []


def test_what_waits_beyond_its_limit_is_a_finding_of_its_stage(store: Store, clock: MovedClock) -> None:
    list_uids(store, a_mailbox(store), [99])
    received(store, 1, "altra")
    clock.forward(LATE + MOMENT)
    beat(store)
    assert codes(store) == [("waits_too_long", "fetch"), ("waits_too_long", "decide")]
    claim(store)
    assert codes(store) == [("waits_too_long", "fetch")], "somebody is deciding it"


def test_mail_that_does_not_leave_is_a_finding_unless_somebody_has_stopped_it(store: Store, clock: MovedClock) -> None:
    decided(store, 1, acknowledged=False)
    clock.forward(SENDS_LATE + MOMENT)
    beat(store)
    assert codes(store) == [("waits_too_long", "dispatch")]
    with store.write("stop") as tx:
        set_stopped(tx, True)
    assert codes(store) == [("stopped", "service")]
    with store.write("start") as tx:
        set_stopped(tx, False)
    begin(store, lease_next(store))
    assert codes(store) == []


def test_open_incidents_are_findings(store: Store) -> None:
    beat(store)
    with store.write("trouble") as tx:
        open_incident(tx, "mailbox", "ufficio", "mailbox ufficio cannot be read")
    (finding,) = health(store)
    assert (finding.code, finding.subject) == ("mailbox", "ufficio")
    assert finding.text.endswith("mailbox ufficio cannot be read")
    with store.write("over") as tx:
        close_incident(tx, "mailbox", "ufficio")
    assert health(store) == []
