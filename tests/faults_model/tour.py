"""Walks through the machine that are known beforehand: together they take every step that the flow knows.

Chance takes most of them in a long run; the suite must see all of them in a few seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from tests.faults_model.bench import Bench
from tests.faults_model.letters import Kind, Letter
from tests.faults_model.machine import STARTS, Machine
from tests.faults_model.office import INBOX, JUNK
from tests.faults_model.snapshot import Row
from tests.faults_model.wire import Answer
from triage.acts.settling import close
from triage.keeping import purge
from triage.record.tables import samples
from triage.rules.retention import RetentionRules
from triage.vocabulary import DispatchKind, MessageState, Mode

S = MessageState


def started(made: Callable[[], Machine], *kinds: Kind) -> Machine:
    """The machine after its start, with these letters in the inbox."""
    machine = made()
    machine.the_service_starts(start=STARTS[0], moves=True, kinds=list(kinds))
    machine.compare()
    return machine


def what_is_old_enters(made: Callable[[], Machine]) -> Machine:
    machine = started(made)
    machine.the_backlog_is_let_in("one")
    machine.compare()
    return machine


def too_large(made: Callable[[], Machine]) -> Machine:
    machine = started(made, Kind.LARGE)
    _turn(machine)
    _closed_and_back(machine, S.OVERSIZE)
    return machine


def unreadable(made: Callable[[], Machine]) -> Machine:
    machine = started(made, Kind.NORTH)
    machine.the_server_gives_no_octets_of_one(0)
    _looked_at(machine, 6)
    _closed_and_back(machine, S.UNREADABLE)
    return machine


def taken_for_vanished(made: Callable[[], Machine]) -> Machine:
    machine = started(made, Kind.NORTH)
    machine.the_server_gives_no_octets_of_one(0)
    _looked_at(machine, 1)
    machine.the_server_seems_not_to_have_what_waits()
    _looked_at(machine, 3)
    machine.the_server_seems_not_to_have_what_waits()
    machine.read("one", INBOX, None, reconcile=True)
    return machine


def known_again(made: Callable[[], Machine]) -> Machine:
    """After a new numbering; in the inbox what had waited in the junk folder; in the junk folder what is sent."""
    machine = started(made, Kind.NORTH, Kind.COMPLAINT)
    machine.mail_arrives(Kind.SOUTH, JUNK)
    _turn(machine)
    machine.the_server_loses_its_numbers(INBOX)
    _again(machine, Kind.SOUTH, INBOX)
    _again(machine, Kind.NORTH, JUNK)
    _again(machine, Kind.COMPLAINT, INBOX)
    _turn(machine)
    _turn(machine)
    return machine


def poison(made: Callable[[], Machine]) -> Machine:
    machine = started(made, Kind.POISON, Kind.MACHINE)
    _turn(machine)
    machine.staff_retry(_place(machine, machine.messages(S.QUARANTINED)[0]))
    _turn(machine)
    return machine


def decided_again(made: Callable[[], Machine]) -> Machine:
    """The mode changes before it has left; then a person sends it on."""
    machine = started(made, Kind.NORTH)
    machine.read("one", INBOX, None, reconcile=False)
    machine.decide("one")
    machine.a_mode_is_changed("nord", Mode.PROPOSAL)
    _turn(machine)
    _turn(machine)
    machine.a_mode_is_changed("nord", Mode.AUTOMATIC)
    machine.staff_forward(0, "nord")
    return machine


def refused_and_unsure(made: Callable[[], Machine]) -> Machine:
    """A forward is refused; of an acknowledgement nobody knows whether it arrived."""
    machine = started(made, Kind.NORTH, Kind.SOUTH)
    machine.the_next_mails_are_answered_so([Answer.REFUSED, Answer.OK, Answer.TAKEN_IN_SILENCE])
    _turn(machine)
    _turn(machine)
    return machine


def comes_back(made: Callable[[], Machine]) -> Machine:
    """Of one the report comes before it was filed (the server is full), of the other long after."""
    machine = started(made, Kind.NORTH)
    _turn(machine)
    machine.mail_arrives(Kind.SOUTH, INBOX)
    machine.the_server_is_full_or_has_room_again(INBOX)
    _turn(machine)
    machine.compare()
    forwards = {r["rfc_message_id"] for r in machine.now.sends.values() if r["kind"] == DispatchKind.FORWARD}
    taken = machine.taken(forwards=False)
    for place in [place for place, one in enumerate(taken) if one.rfc_message_id in forwards]:
        machine.a_report_comes_back(place)
    _turn(machine)
    return machine


def kept_no_longer(made: Callable[[], Machine]) -> Machine:
    """What was filed, and what was known again, long ago; then the same comes once more, and a report about it."""
    machine = started(made, Kind.NORTH)
    _turn(machine)
    machine.time_goes_by(timedelta(hours=5))
    _turn(machine)
    _again(machine, Kind.NORTH, JUNK)
    _turn(machine)
    machine.time_goes_by(timedelta(days=8))
    with machine.office.act() as tx:
        tx.execute(samples.update().values(labelled_at=tx.now))  # what waits to be judged would stay
    assert purge(machine.office.store, RetentionRules(1, 1, 1)) is not None
    machine.compare()
    _again(machine, Kind.NORTH, INBOX)
    _turn(machine)
    machine.a_report_comes_back(0)
    _turn(machine)
    return machine


TOUR: tuple[Callable[[Callable[[], Machine]], Machine], ...] = (
    what_is_old_enters,
    too_large,
    unreadable,
    taken_for_vanished,
    known_again,
    poison,
    decided_again,
    refused_and_unsure,
    comes_back,
    kept_no_longer,
)


def _turn(machine: Machine) -> None:
    machine.take_a_turn("one")
    machine.compare()


def _place(machine: Bench, row: Row) -> int:
    """Where a row stands among what a person may close or retry."""
    states = (S.OVERSIZE, S.UNREADABLE, S.HELD, S.QUARANTINED)
    return [one["id"] for one in machine.messages(*states)].index(row["id"])


def _closed_and_back(machine: Machine, state: MessageState) -> None:
    """A person closes what we could not read, takes that back, and has it tried again."""
    machine.compare()
    machine.staff_close(_place(machine, machine.messages(state)[0]), close)
    machine.compare()
    machine.staff_undo(0)
    machine.compare()
    machine.staff_retry(_place(machine, machine.messages(state)[0]))


def _looked_at(machine: Machine, times: int) -> None:
    for _ in range(times):
        machine.read("one", INBOX, None, reconcile=False)
        machine.compare()
        machine.time_goes_by(timedelta(hours=5))


def _again(machine: Machine, kind: Kind, mailbox: str) -> None:
    letter: Letter = next(one for one in machine.letters[::-1] if one.kind is kind)
    machine.the_same_arrives_again(machine.letters[::-1].index(letter), mailbox)
