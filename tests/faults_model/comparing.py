"""Holds the model's ledger against the record's: after every step what must always hold, at rest where all is.

The numbers are those of the invariants of the fault matrix (``tests/crash/invariants.py`` has the same for processes).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta

from tests.dispatch.builders import attached_original
from tests.faults_model.books import Books, counted
from tests.faults_model.letters import PEOPLE, End, Letter
from tests.faults_model.mailbox import ModelAccount
from tests.faults_model.office import Office
from tests.faults_model.snapshot import Row, Snapshot
from tests.faults_model.wire import Handed
from triage.record.octets import digest
from triage.vocabulary import TO_FAMILIES, AttemptOutcome, DispatchKind, DispatchState, MessageState

MOST_AGAIN = 2
"""A forward whose outcome was unknown is sent again at most so often by itself."""
NEUTRAL_AFTER = timedelta(hours=4)
_MOVING = (MessageState.LISTED, MessageState.RECEIVED, MessageState.DECIDED, MessageState.FORWARDED)
_PLAIN_ENDS = {
    MessageState.HELD: End.WAITS,
    MessageState.QUARANTINED: End.QUARANTINED,
    MessageState.OVERSIZE: End.LARGE,
    MessageState.UNREADABLE: End.UNREADABLE,
    MessageState.CLOSED: End.CLOSED,
    MessageState.MATCHED: End.MATCHED,
    MessageState.VANISHED: End.VANISHED,
    MessageState.BASELINE: End.BASELINE,
}


class Comparison:
    """One look at both sides."""

    def __init__(self, office: Office, books: Books, now: Snapshot) -> None:
        self._office = office
        self._books = books
        self._now = now
        self._handed = counted(office.smtp.handed)

    def letter_of(self, row: Row) -> Letter:
        """Whose letter a row is: it lay under this number once."""
        account = self._account(row)
        key = row["uid_validity"], row["uid"]
        assert key in account.was, f"message {row['id']} has a number that never was: {key}"
        return account.was[key]

    def _account(self, row: Row) -> ModelAccount:
        return self._office.accounts[self._now.boxes[row["mailbox_id"]]["name"]]

    # ---------------------------------------------------------------- after every step

    def assert_holds(self) -> None:
        """What holds at every moment."""
        self._assert_listed()
        self._assert_octets()
        self._assert_attempts()
        self._assert_forwards()
        self._assert_families()

    def _assert_listed(self) -> None:
        """1: every number that was passed over by the mark has its row, once."""
        known = Counter((row["mailbox_id"], row["uid_validity"], row["uid"]) for row in self._now.messages.values())
        assert all(count == 1 for count in known.values()), "one number has two rows"
        for box in self._now.boxes.values():
            account = self._office.accounts[box["name"]]
            for uid, item in account.inbox.items.items():
                listed = box["uid_validity"] == account.inbox.uid_validity and uid <= box["last_uid"]
                if listed and not item.hidden:
                    assert (box["id"], box["uid_validity"], uid) in known, f"UID {uid} was passed over"

    def _assert_octets(self) -> None:
        """2 and 6: a digest is that of the letter, whole or (too large) of its header section."""
        for row in self._now.messages.values():
            letter = self.letter_of(row)
            if row["sha256"] and row["received_at"] is not None:
                assert row["sha256"] == letter.sha256, f"message {row['id']} has other octets"

    def _assert_attempts(self) -> None:
        """4 and 7: what was handed over is what attempts say, each under its own number to its own recipient."""
        known = {row["rfc_message_id"]: row for row in self._now.sends.values()}
        for name, handed in self._handed.items():
            assert name in known, "something left that no dispatch accounts for"
            row = known[name]
            # A family's address goes with its message.
            erased = self._now.messages[row["message_id"]]["state"] == MessageState.ERASED
            to = {""} if erased and row["kind"] in TO_FAMILIES else {one.to for one in handed}
            assert to == {row["forward_path"]}
        for row in self._now.sends.values():
            tries = self._now.tries.get(row["id"], ())
            outcomes = Counter(one["outcome"] for one in tries)
            open_ones = outcomes[None]
            assert open_ones == int(row["state"] == DispatchState.SUBMITTING), f"dispatch {row['id']}: {outcomes}"
            assert outcomes[AttemptOutcome.UNKNOWN] == row["unknowns"], f"dispatch {row['id']}: {outcomes}"
            taken = self._taken(row)
            sure, unsure = outcomes[AttemptOutcome.ACCEPTED], outcomes[AttemptOutcome.UNKNOWN] + open_ones
            assert sure <= taken <= sure + unsure, f"dispatch {row['id']}: {taken} arrived, {outcomes}"
            assert len(tries) == row["attempts"]

    def _assert_forwards(self) -> None:
        """4: whom a letter goes to, and how often; what is attached to it is what was received."""
        copies: dict[tuple[Letter, str], list[Row]] = defaultdict(list)
        for row in self._now.sends.values():
            if row["kind"] != DispatchKind.FORWARD:
                continue
            letter = self.letter_of(self._now.messages[row["message_id"]])
            if self._handed.get(row["rfc_message_id"]):
                assert self._books.may_get(letter, row["forward_path"]), f"letter {letter.number} went elsewhere"
            for one in self._handed.get(row["rfc_message_id"], ()):
                assert digest(attached_original(one.octets)) == letter.sha256
            copies[letter, row["forward_path"]].append(row)
        for (letter, _), rows in copies.items():
            entry = self._books.entries[letter]
            unsure = sum(
                one["outcome"] in (AttemptOutcome.UNKNOWN, None)
                for row in rows
                for one in self._now.tries.get(row["id"], ())
            )
            taken = sum(self._taken(row) for row in rows)
            assert taken <= 1 + unsure + entry.sent_again, f"letter {letter.number}: {taken} copies"
            assert unsure <= (1 + MOST_AGAIN) * (1 + entry.sent_again), f"letter {letter.number}: {unsure} unknown"

    def _assert_families(self) -> None:
        """5: of each kind a case has one at most; to people alone; after the forward's 250 or four hours."""
        per_case: Counter[tuple[int, str]] = Counter()
        for row in self._now.sends.values():
            if row["kind"] not in TO_FAMILIES:
                continue
            taken = self._taken(row)
            per_case[row["case_id"], row["kind"]] += taken
            letter = self.letter_of(self._now.messages[row["message_id"]])
            for one in self._handed.get(row["rfc_message_id"], ()):
                assert letter.kind in PEOPLE, f"a {letter.kind} was answered"
                assert one.to == letter.family
                if row["kind"] == DispatchKind.ACKNOWLEDGEMENT:
                    assert self._may_be_acknowledged(row, one), (
                        f"dispatch {row['id']} left too early: {self._story(row)}"
                    )
        assert all(count <= 1 for count in per_case.values()), f"answered twice: {per_case}"

    def _story(self, row: Row) -> str:
        """What there is of a dispatch's case, in codes and numbers."""
        message = self._now.messages[row["message_id"]]
        of_case = [one for one in self._now.sends.values() if one["case_id"] == row["case_id"]]
        lines = [f"{one['kind']} {one['id']} of {one['message_id']}: {one['state']}" for one in of_case]
        return f"message {message['id']} is {message['state']} {message['hold_reason']}; " + "; ".join(lines)

    def _may_be_acknowledged(self, row: Row, one: Handed) -> bool:
        arrived = self._now.messages[row["message_id"]]["internal_date"]
        forwards = [send for send in self._now.sends_of(row["message_id"]) if send["kind"] == DispatchKind.FORWARD]
        names = {send["rfc_message_id"] for send in forwards}
        before = self._office.smtp.handed[: self._office.smtp.handed.index(one)]
        return one.at >= arrived + NEUTRAL_AFTER or any(b.rfc_message_id in names and b.taken for b in before)

    def _taken(self, row: Row) -> int:
        return sum(one.taken for one in self._handed.get(row["rfc_message_id"], ()))

    # ---------------------------------------------------------------- at rest

    def assert_at_rest(self) -> None:
        """Nothing is under way, and every letter is where the model's ledger has it."""
        stuck = [
            f"message {row['id']} is {row['state']} {row['hold_reason']}"
            for row in self._now.messages.values()
            if row["state"] in _MOVING
        ]
        stuck += [
            f"{row['kind']} {row['id']} is {row['state']}"
            for row in self._now.sends.values()
            if row["state"] in (DispatchState.PENDING, DispatchState.SUBMITTING)
        ]
        assert stuck == []
        rows: dict[Letter, list[Row]] = defaultdict(list)
        for row in self._now.messages.values():
            rows[self.letter_of(row)].append(row)
        for letter, entry in self._books.entries.items():
            assert rows[letter] or not self._lies_in_an_inbox(letter), f"letter {letter.number} has no row"
            ends = [self._end_of(row) for row in rows[letter]]
            # One of a letter's rows stands for it. Under a new number it is known again; what is too large has no
            # digest by which it would be, and what was old keeps its old row; what was listed anew may be taken away
            # before it is read.
            beside = {End.MATCHED, End.LARGE, End.VANISHED, End.BASELINE} if len(ends) > 1 else set()
            what = f"letter {letter.number} ({letter.kind}) ended as {ends}, not {sorted(entry.ends)}"
            assert not ends or entry.ends.intersection(ends), what
            assert entry.ends.union(beside).issuperset(ends), what
            self._assert_owed(letter, rows[letter])

    def _assert_owed(self, letter: Letter, rows: Sequence[Row]) -> None:
        """What nothing came between has reached its project once, and its family has heard of it once."""
        entry = self._books.entries[letter]
        if entry.touched or entry.ends != {End.FORWARDED}:
            return
        sends = [send for row in rows for send in self._now.sends_of(row["id"])]
        of_kind: Mapping[str, int] = Counter(
            {kind: sum(self._taken(send) for send in sends if send["kind"] == kind) for kind in DispatchKind}
        )
        assert of_kind[DispatchKind.FORWARD] == 1, f"letter {letter.number} arrived {of_kind} times"
        late = any(row["listed_at"] - row["internal_date"] > timedelta(days=2) for row in rows)
        unsure = any(row["state"] not in (DispatchState.ACCEPTED,) for row in sends)
        assert of_kind[DispatchKind.ACKNOWLEDGEMENT] == 1 or late or unsure, f"letter {letter.number}: not told"

    def _lies_in_an_inbox(self, letter: Letter) -> bool:
        return any(
            item.letter is letter for account in self._office.accounts.values() for item in account.inbox.items.values()
        )

    def _end_of(self, row: Row) -> End:
        state = MessageState(row["state"])
        # What is erased ended as it was before: known again, or filed.
        if state is MessageState.ERASED and row["same_as"] is not None:
            return End.MATCHED
        if state not in (MessageState.FILED, MessageState.ERASED):
            return _PLAIN_ENDS[state]
        forwards = [send for send in self._now.sends_of(row["id"]) if send["kind"] == DispatchKind.FORWARD]
        has_it = any(send["state"] == DispatchState.ACCEPTED and self._taken(send) for send in forwards)
        return End.FORWARDED if has_it else End.SILENT
