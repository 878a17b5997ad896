"""Rules of the world outside: mail arrives, servers have moods, a colleague tidies up, time goes by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.faults_model import letters
from tests.faults_model.bench import BOXES, LETTERS_AT_MOST, PICKS, Bench
from tests.faults_model.letters import End, Kind, Letter
from tests.faults_model.office import INBOX, JUNK, LEASE
from tests.faults_model.wire import Answer, Handed
from triage.vocabulary import MessageState

ROME = ZoneInfo("Europe/Rome")
FIRST = [kind for kind in Kind if kind not in (Kind.FOLLOW_UP, Kind.REPORT, Kind.HAND_BACK)]
STEPS = (
    timedelta(seconds=5),
    timedelta(seconds=45),
    LEASE + timedelta(seconds=1),
    timedelta(minutes=7),
    timedelta(hours=5),
    timedelta(days=1),
    timedelta(days=8),
)


class Outside(Bench):
    """Nobody here asks the service."""

    def _room(self) -> bool:
        return len(self.letters) < LETTERS_AT_MOST

    def _deliver(self, letter: Letter, mailbox: str) -> None:
        self.letters.append(letter)
        self.books.arrives(letter, in_junk=mailbox == JUNK)
        self.office.accounts[mailbox].deliver(letter, self.time)

    # ---------------------------------------------------------------- mail

    @precondition(_room)
    @rule(kind=st.sampled_from((*FIRST, Kind.NORTH, Kind.NORTH, Kind.SOUTH)), mailbox=BOXES)
    def mail_arrives(self, kind: Kind, mailbox: str) -> None:
        self.used("mail arrives")
        self._deliver(letters.write(len(self.letters), kind, self.time), mailbox)

    @precondition(lambda self: self.letters and len(self.lying()) < LETTERS_AT_MOST)
    @rule(number=PICKS, mailbox=BOXES)
    def the_same_arrives_again(self, number: int, mailbox: str) -> None:
        self.used("the same again")
        letter = self.pick(self.letters[::-1], number)
        self.books.arrives_again(letter)
        self.office.accounts[mailbox].deliver(letter, self.time)

    @precondition(lambda self: self._room() and any(one.kind in letters.PEOPLE for one in self.letters))
    @rule(number=PICKS)
    def the_family_adds_something(self, number: int) -> None:
        self.used("follow-up")
        first = self.pick([one for one in self.letters[::-1] if one.kind in letters.PEOPLE], number)
        self._deliver(letters.follow_up(len(self.letters), first, self.time), INBOX)

    @precondition(lambda self: self._room() and self.taken(forwards=True))
    @rule(number=PICKS)
    def a_project_hands_back(self, number: int) -> None:
        self.used("hand-back")
        sent = self.pick(self.taken(forwards=True), number)
        about = self._about(sent)
        back = letters.hand_back(len(self.letters), sent.to, sent.code, about, self.time)
        self._deliver(back, INBOX)
        # The code names a case: whichever of its letters that project has is open again.
        for letter in self.letters:
            if letter.first is about.first or self.books.entries[letter].touched:
                self.books.comes_back(letter)

    @precondition(lambda self: self._room() and self.taken(forwards=False))
    @rule(number=PICKS)
    def a_report_comes_back(self, number: int) -> None:
        self.used("report")
        sent = self.pick(self.taken(forwards=False), number)
        about = self._about(sent)
        self._deliver(letters.report(len(self.letters), sent.rfc_message_id, sent.to, about), INBOX)
        project = self.books.project_at(sent.to)
        if project:
            self.books.comes_back(about)
            self.books.answered(about, project, refused=True)

    def taken(self, *, forwards: bool) -> list[Handed]:
        """What servers have taken, the latest first; ``forwards``: what a project's address of today got."""
        return [
            one
            for one in self.office.smtp.handed[::-1]
            if one.taken and (not forwards or (self.office.rules.project_of_address(one.to) and one.code))
        ]

    def _about(self, sent: Handed) -> Letter:
        row = next(row for row in self.now.sends.values() if row["rfc_message_id"] == sent.rfc_message_id)
        return self.letter(self.now.messages[row["message_id"]])

    # ---------------------------------------------------------------- the mailbox server

    @precondition(lambda self: self.lying())
    @rule(number=PICKS)
    def a_colleague_takes_one_away(self, number: int) -> None:
        self.used("colleague")
        mailbox, uid = self.pick(self.lying()[::-1], number)
        letter = self.office.accounts[mailbox].inbox.items[uid].letter
        self.office.accounts[mailbox].take_away(uid)
        self.books.widen(letter, End.WAITS, End.VANISHED, End.SILENT)

    @precondition(lambda self: self.calm)
    @rule(mailbox=BOXES)
    def the_server_loses_its_numbers(self, mailbox: str) -> None:
        self.used("renumbered", beside=True)
        self.office.accounts[mailbox].renumber()
        # Every message is matched, found anew, or (what was filed and had a copy left) shown to a person.
        for letter in self.letters:
            self.books.widen(letter, End.WAITS, End.MATCHED, End.VANISHED, End.BASELINE)

    @precondition(
        lambda self: self.calm and (self.messages(MessageState.LISTED) or self.messages(MessageState.VANISHED))
    )
    @rule()
    def the_server_seems_not_to_have_what_waits(self) -> None:
        """And the next time this happens it has everything again."""
        self.used("hidden", beside=True)
        for account in self.office.accounts.values():
            for uid, item in account.inbox.items.items():
                item.hidden = not item.hidden and self._is_listed(account.inbox.uid_validity, uid)
                if item.hidden:
                    self.books.widen(item.letter, End.VANISHED, End.WAITS, End.MATCHED)

    def _is_listed(self, uid_validity: int, uid: int) -> bool:
        spot = uid_validity, uid
        return any((row["uid_validity"], row["uid"]) == spot for row in self.messages(MessageState.LISTED))

    @precondition(
        lambda self: (
            self.calm
            and (any(not item.refused for a in self.office.accounts.values() for item in a.inbox.items.values()))
        )
    )
    @rule(number=PICKS)
    def the_server_gives_no_octets_of_one(self, number: int) -> None:
        self.used("refused octets", beside=True)
        items = [i for a in self.office.accounts.values() for i in a.inbox.items.values() if not i.refused]
        item = self.pick(items[::-1], number)
        item.refused = True
        self.books.widen(item.letter, End.UNREADABLE, End.WAITS)

    @precondition(lambda self: self.calm)
    @rule(mailbox=BOXES)
    def the_server_is_full_or_has_room_again(self, mailbox: str) -> None:
        self.used("quota", beside=True)
        account = self.office.accounts[mailbox]
        account.full = not account.full

    # ---------------------------------------------------------------- the SMTP server

    @precondition(lambda self: self.calm)
    @rule(answers=st.lists(st.sampled_from(Answer), min_size=1, max_size=4))
    def the_next_mails_are_answered_so(self, answers: list[Answer]) -> None:
        self.used("answers", beside=True)
        self.office.smtp.told.extend(answers)

    # ---------------------------------------------------------------- time

    @precondition(lambda self: self.calm)
    @rule(by=st.sampled_from(STEPS))
    def time_goes_by(self, by: timedelta) -> None:
        self.used("time", beside=True)
        self.forward(by)

    @precondition(lambda self: self.calm)
    @rule(after=st.sampled_from((timedelta(minutes=-1), timedelta(minutes=1), timedelta(hours=1))))
    def the_clocks_are_changed(self, after: timedelta) -> None:
        """To the next change of daylight saving time in Rome, just before it or just after."""
        self.used("daylight saving time", beside=True)
        wanted = next_change(self.time) + after
        if wanted > self.time:
            self.forward(wanted - self.time)


def next_change(now: datetime) -> datetime:
    """The next instant at which Rome's clocks are changed (always at a full hour)."""
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    while hour.astimezone(ROME).utcoffset() == (hour - timedelta(seconds=1)).astimezone(ROME).utcoffset():
        hour += timedelta(hours=1)
    return hour
