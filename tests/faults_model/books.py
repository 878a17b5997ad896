"""The model's own ledger: what must become of each letter, who may get it, and what was really handed over.

It is kept by the rules of the machine as they act, and knows nothing of the record. :mod:`comparing` holds the two
against each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from tests.faults_model.letters import ADDRESS, End, Kind, Letter
from tests.faults_model.wire import Handed


@dataclass(slots=True)
class Entry:
    """One letter. ``ends``: where it may be in the end. ``projects``: who may get it. ``appearances`` in mailboxes."""

    ends: frozenset[End]
    projects: set[str]
    appearances: int = 1
    sent_again: int = 0
    """How often a person had it sent, beyond what the service does by itself."""
    touched: bool = False
    """Something came in between: what it would have come to by itself is not certain any more."""


@dataclass(slots=True)
class Books:
    """All letters, and what every project's address ever was."""

    entries: dict[Letter, Entry] = field(default_factory=dict)
    addresses: dict[str, set[str]] = field(default_factory=lambda: {code: {to} for code, to in ADDRESS.items()})
    held_projects: set[str] = field(default_factory=set)
    """Projects to which nothing may go by itself, now or a while ago: mode, or an address that was in trouble."""
    _before: dict[int, tuple[Letter, frozenset[End]]] = field(default_factory=dict)

    # ---------------------------------------------------------------- mail arrives

    def arrives(self, letter: Letter, *, in_junk: bool) -> None:
        """A letter is delivered for the first time."""
        if letter.about is None:
            ends = {letter.end} if letter.end is not None else set(End)
            projects = {letter.project} - {""}
            entry = Entry(frozenset(ends), projects)
            if in_junk:
                # Junk mail is shown to staff and never routed by itself; what a machine is proved to send is filed.
                entry.ends = frozenset(ends - {End.FORWARDED} | {End.WAITS})
                entry.touched = True
            elif self.held_projects & projects:
                entry.ends, entry.touched = entry.ends | {End.WAITS}, True
        elif letter.kind is Kind.FOLLOW_UP:
            # Where its case went, if that is known by then; the case may be joined to another meanwhile.
            entry = Entry(frozenset({End.FORWARDED, End.WAITS}), set(ADDRESS), touched=True)
        else:
            entry = Entry(frozenset({End.SILENT, End.WAITS}), set(), touched=True)
        self.entries[letter] = entry

    def arrives_again(self, letter: Letter) -> None:
        """The same octets once more: one of the appearances goes its way at most, perhaps instead of one in junk."""
        self.entries[letter].appearances += 1
        self.widen(letter, End.WAITS, End.MATCHED, *([letter.end] if letter.end is not None else []))

    # ---------------------------------------------------------------- what comes in between

    def widen(self, letter: Letter, *ends: End) -> None:
        """Something happened after which it may end there as well."""
        entry = self.entries[letter]
        entry.ends |= set(ends)
        entry.touched = True

    def widen_all(self, ends: Collection[End], projects: Iterable[str] = ()) -> None:
        """The same for every letter, or for those that these projects may get."""
        wanted = set(projects)
        for letter, entry in self.entries.items():
            if not wanted or entry.projects & wanted:
                self.widen(letter, *ends)

    def comes_back(self, letter: Letter) -> None:
        """What was sent of it did not arrive, or is not wanted: it waits again, unless another has it."""
        self.widen(letter, End.WAITS)
        self.entries[letter].sent_again += 1

    def answered(self, letter: Letter, project: str, *, refused: bool) -> None:
        """The server did not simply take a forward of it."""
        self.widen(letter, End.WAITS)
        if refused:
            # The address may count as one that takes no mail, for this letter and for all others.
            self.held_projects.add(project)
            self.widen_all({End.WAITS}, [project])

    # ---------------------------------------------------------------- what people do

    def settled(self, number: int | None, letter: Letter, ends: Collection[End], project: str = "") -> None:
        """A person has settled it; ``number`` is the settlement's, by which it may be taken back."""
        entry = self.entries[letter]
        if number is not None:
            self._before[number] = letter, entry.ends
        # Of several appearances they settled one: the others are where they were.
        entry.ends = frozenset(ends) | (entry.ends if entry.appearances > 1 else frozenset())
        entry.touched = True
        entry.sent_again += 1
        if project:
            entry.projects.add(project)

    def undone(self, number: int) -> None:
        """They took it back: it waits for a person again, or is where it was before."""
        letter, ends = self._before[number]
        self.entries[letter].ends |= ends | {End.WAITS, End.SILENT}

    # ---------------------------------------------------------------- who may get what

    def may_get(self, letter: Letter, to: str) -> bool:
        """Whether a forward of this letter may go to this address."""
        return any(to in self.addresses[project] for project in self.entries[letter].projects)

    def project_at(self, to: str) -> str:
        """Whose address it is or was; empty: no project's."""
        return next((code for code, known in self.addresses.items() if to in known), "")


def counted(handed: Iterable[Handed]) -> dict[str, list[Handed]]:
    """What was handed over, by Message-ID."""
    found: dict[str, list[Handed]] = defaultdict(list)
    for one in handed:
        found[one.rfc_message_id].append(one)
    return found
