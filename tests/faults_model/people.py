"""Rules of people: staff settle, correct, undo, ask, join, part, take and retry; modes, addresses, the stop switch."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.dispatch.builders import change_project, readdress
from tests.faults_model.bench import PICKS, Bench
from tests.faults_model.letters import End, Letter
from tests.faults_model.snapshot import Row
from triage.acts.answering import answered_elsewhere, reply
from triage.acts.asking import ask_comune
from triage.acts.cases import acknowledgement, join, split
from triage.acts.centres import Choice
from triage.acts.claims import claim
from triage.acts.correcting import correct
from triage.acts.outcome import Outcome
from triage.acts.settling import by_phone, close, forward, not_for_us, take
from triage.acts.undoing import undo
from triage.ids import case_code
from triage.record.charge import take_in_charge
from triage.record.destinations import cure_destination
from triage.record.identity import known_secret, set_stopped
from triage.record.incidents import NOTICE, close_incident
from triage.record.let_in import send_again
from triage.record.messages import get_message
from triage.record.undoable import undoable
from triage.vocabulary import MessageState, Mode

S = MessageState
WAITING = (S.HELD, S.QUARANTINED)
IN_THE_MAILBOX = (S.OVERSIZE, S.UNREADABLE)
DONE = (S.DECIDED, S.FORWARDED, S.FILED)
AGAIN = {S.HELD: S.RECEIVED, S.QUARANTINED: S.RECEIVED, S.OVERSIZE: S.LISTED, S.UNREADABLE: S.LISTED}
PROJECTS = st.sampled_from(("nord", "sud"))
TO_BE_SENT = frozenset({End.FORWARDED, End.WAITS, End.SILENT})
"""What a person sent on may still be refused, or be taken out of the inbox, or turn out to be there already."""


class People(Bench):
    """Each act is one of the staff page's, in a transaction of its own."""

    def _acted(self, done: Outcome, row: Row, ends: Collection[End], project: str = "") -> None:
        """Enter it into the books."""
        if done.ok:
            self.books.settled(done.settlement_id, self.letter(row), ends, project)

    # ---------------------------------------------------------------- what waits

    @precondition(lambda self: self.messages(S.HELD))
    @rule(number=PICKS, project=PROJECTS)
    def staff_forward(self, number: int, project: str) -> None:
        self.used("staff forward")
        row = self.pick(self.messages(S.HELD)[::-1], number)
        with self.office.act() as tx:
            office = self.office
            done = forward(tx, office.rules, office.parsed, office.carla, row["id"], Choice(project))
        self._acted(done, row, TO_BE_SENT, project)

    @precondition(lambda self: self.messages(*WAITING, *IN_THE_MAILBOX))
    @rule(number=PICKS, how=st.sampled_from((close, by_phone, not_for_us, answered_elsewhere)))
    def staff_close(self, number: int, how: object) -> None:
        self.used("staff close")
        row = self.pick(self.messages(*IN_THE_MAILBOX, *WAITING), number)
        office = self.office
        with office.act() as tx:
            if how is not_for_us:
                (done,) = not_for_us(tx, office.rules, office.carla, {row["id"]: row["generation"]}, note="nota")
            elif how is answered_elsewhere:
                done = answered_elsewhere(tx, office.rules, office.carla, row["id"], "al telefono")
            else:
                ending = by_phone if how is by_phone else close
                done = ending(tx, office.rules, office.carla, row["id"], "nota", seen=row["generation"])
        self._acted(done, row, {End.SILENT, End.FORWARDED, End.CLOSED, End.WAITS})

    @precondition(lambda self: self.messages(S.HELD))
    @rule(number=PICKS)
    def staff_reply(self, number: int) -> None:
        self.used("staff reply")
        row = self.pick(self.messages(S.HELD)[::-1], number)
        office = self.office
        with office.act() as tx:
            done = reply(tx, office.rules, office.parsed, office.carla, row["id"], "Buongiorno, ecco gli orari.")
        self._acted(done, row, {End.SILENT, End.FORWARDED, End.WAITS})

    @precondition(lambda self: self.messages(S.HELD))
    @rule(number=PICKS)
    def staff_ask_for_the_comune(self, number: int) -> None:
        self.used("staff ask")
        row = self.pick(self.messages(S.HELD)[::-1], number)
        office = self.office
        with office.act() as tx:
            done = ask_comune(tx, office.rules, office.parsed, office.carla, row["id"], seen=row["generation"])
        if done.ok:
            self.books.settled(done.settlement_id, self.letter(row), self.books.entries[self.letter(row)].ends)

    @precondition(lambda self: self.messages(*AGAIN))
    @rule(number=PICKS)
    def staff_retry(self, number: int) -> None:
        """``triage retry``: it goes through the flow again."""
        self.used("retry")
        row = self.pick(self.messages(*IN_THE_MAILBOX, *WAITING), number)
        with self.office.act() as tx:
            found = get_message(tx, row["id"])
            assert found is not None
            send_again(tx, found, AGAIN[S(found.state)])
            take_in_charge(tx, found.id, tx.actor)
            close_incident(tx, NOTICE, str(found.id))
        self._goes_again(self.letter(row))

    def _goes_again(self, letter: Letter) -> None:
        entry = self.books.entries[letter]
        entry.ends |= {End.FORWARDED, End.WAITS, End.SILENT, End.MATCHED, End.VANISHED}
        entry.ends |= {letter.end} if letter.end is not None else set()
        entry.sent_again += 1
        entry.touched = True
        # A place that its subject names, whatever else it is: a complaint of the north may be decided for the north.
        entry.projects |= {letter.project} - {""}

    # ---------------------------------------------------------------- what is done

    @precondition(lambda self: self.messages(*DONE, S.HELD))
    @rule(number=PICKS, project=PROJECTS, why=st.sampled_from(("zona", "pieno")))
    def staff_correct(self, number: int, project: str, why: str) -> None:
        self.used("staff correct")
        row = self.pick(self.messages(*DONE, S.HELD)[::-1], number)
        office = self.office
        with office.act() as tx:
            done = correct(tx, office.rules, office.parsed, office.carla, row["id"], Choice(project), why)
        self._acted(done, row, TO_BE_SENT, project)

    @precondition(lambda self: self.messages(*DONE, S.HELD))
    @rule(number=PICKS, other=PICKS, ends=st.booleans())
    def staff_join(self, number: int, other: int, ends: bool) -> None:
        self.used("staff join")
        row = self.pick(self.messages(*DONE, S.HELD), number)
        cases = sorted({one["case_id"] for one in self.now.messages.values() if one["case_id"]})
        if not cases:
            return
        office = self.office
        with office.act() as tx:
            code = case_code(known_secret(tx), self.pick(cases, other))
            done = join(tx, office.rules, office.carla, row["id"], code, ends=ends)
        letter = self.letter(row)
        now = self.books.entries[letter].ends
        self._acted(done, row, now | {End.SILENT, End.WAITS} if ends else now | {End.WAITS})

    @precondition(lambda self: self.messages(*DONE, S.HELD))
    @rule(number=PICKS)
    def staff_split(self, number: int) -> None:
        self.used("staff split")
        row = self.pick(self.messages(*DONE, S.HELD), number)
        office = self.office
        with office.act() as tx:
            done = split(tx, office.rules, office.carla, row["id"])
        self._acted(done, row, self.books.entries[self.letter(row)].ends | {End.WAITS})

    @precondition(lambda self: self.now.messages)
    @rule(number=PICKS)
    def staff_undo(self, number: int) -> None:
        self.used("undo")
        office = self.office
        with office.look() as tx:
            known = undoable(tx, office.carla.id, 10)
        if not known:
            return
        settlement = self.pick(known, number)
        with office.act() as tx:
            done = undo(tx, office.rules, office.carla, settlement.id)
        if done.ok:
            self.books.undone(settlement.id)

    # ---------------------------------------------------------------- beside

    @precondition(lambda self: self.calm and (self.now.messages))
    @rule(number=PICKS)
    def staff_take(self, number: int) -> None:
        self.used("staff take", beside=True)
        row = self.pick(list(self.now.messages.values()), number)
        office = self.office
        with office.act() as tx:
            claim(tx, office.carla, row["id"])
            take(tx, office.rules, office.carla, row["id"])

    @precondition(lambda self: self.calm and (self.now.messages))
    @rule(number=PICKS, hours=st.sampled_from((0, 3, 24)), never=st.booleans())
    def staff_hold_the_acknowledgement_back(self, number: int, hours: int, never: bool) -> None:
        self.used("hold back", beside=True)
        row = self.pick(list(self.now.messages.values()), number)
        office = self.office
        wait = timedelta(hours=hours) if hours else None
        with office.act() as tx:
            acknowledgement(tx, office.rules, office.carla, row["id"], wait=wait, never=never)
        self.books.entries[self.letter(row)].touched = True
        for letter in self.letters:
            if letter.first is self.letter(row).first:
                self.books.entries[letter].touched = True

    @precondition(lambda self: self.calm)
    @rule()
    def everything_is_stopped_or_started(self) -> None:
        self.used("stop and start", beside=True)
        self.stopped = not self.stopped
        with self.office.act() as tx:
            assert set_stopped(tx, self.stopped)

    @precondition(lambda self: self.calm)
    @rule(project=PROJECTS, mode=st.sampled_from((Mode.PROPOSAL, Mode.AUTOMATIC, Mode.AUTOMATIC)))
    def a_mode_is_changed(self, project: str, mode: Mode) -> None:
        self.used("mode", beside=True)
        self.office.rules = change_project(self.office.rules, project, mode=mode)
        self._may_be_held(project, for_good=mode is not Mode.AUTOMATIC)

    @precondition(lambda self: self.calm)
    @rule(project=PROJECTS, number=st.integers(1, 3))
    def a_project_has_another_address(self, project: str, number: int) -> None:
        self.used("address", beside=True)
        to = f"sede{number}@{project}.example"
        self.office.rules = readdress(self.office.rules, project, to=to)
        self.books.addresses[project].add(to)
        self._may_be_held(project, for_good=False)

    @precondition(lambda self: self.calm)
    @rule()
    def the_addresses_take_mail_again(self) -> None:
        self.used("cure", beside=True)
        with self.office.act() as tx:
            for known in self.books.addresses.values():
                for address in sorted(known):
                    cure_destination(tx, address)
        modes = {code for code, one in self.office.rules.projects.items() if one.mode is not Mode.AUTOMATIC}
        self.books.held_projects = modes

    def _may_be_held(self, project: str, *, for_good: bool) -> None:
        """What was to go there may wait for a person instead."""
        self.books.widen_all({End.WAITS}, [project])
        self.books.held_projects.add(project)
        if not for_good:
            self.books.held_projects.discard(project)
