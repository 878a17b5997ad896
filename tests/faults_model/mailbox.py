"""The model mailbox: one account of an IMAP server, as far as the service speaks with it.

:class:`ModelClient` stands where ``intake.connection.connect`` gives a logged-in client; the service's own
``ImapMailbox`` speaks through it. ``tests/faults_model/test_edges.py`` holds it against a real server.
"""

from __future__ import annotations

import imaplib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from types import SimpleNamespace
from typing import Any, cast

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

from tests.faults_model.fate import Fate
from tests.faults_model.letters import Letter

COLLEAGUES = "Presi da Giulia"
Spot = tuple[int, int]
"""UIDVALIDITY and UID."""


@dataclass(slots=True)
class Item:
    """One message in a folder. ``refused``: the server gives its octets to nobody. ``hidden``: it seems not to be."""

    letter: Letter
    arrived: datetime
    deleted: bool = False
    refused: bool = False
    hidden: bool = False


@dataclass(slots=True)
class Folder:
    """Messages by UID."""

    uid_validity: int
    uid_next: int = 1
    items: dict[int, Item] = field(default_factory=dict)

    def add(self, item: Item) -> int:
        uid, self.uid_next = self.uid_next, self.uid_next + 1
        self.items[uid] = item
        return uid


class ModelAccount:
    """An account with its folders. ``cut``: commands after which the connection breaks; ``None``: it holds."""

    def __init__(self, *, moves: bool) -> None:
        self.capabilities = {"UIDPLUS", *(("MOVE",) if moves else ())}
        self.folders = {"INBOX": Folder(1)}
        self.was: dict[Spot, Letter] = {}
        """What ever lay in the inbox, under the number that it had."""
        self.cut: int | None = None
        self.full = False
        """Nothing may be copied or moved: the quota is used up."""
        self.clients: list[ModelClient] = []
        self.before_move: Callable[[Sequence[int]], None] = lambda _uids: None

    @property
    def inbox(self) -> Folder:
        return self.folders["INBOX"]

    def deliver(self, letter: Letter, now: datetime) -> int:
        """A letter arrives."""
        uid = self.inbox.add(Item(letter, now))
        self.was[self.inbox.uid_validity, uid] = letter
        return uid

    def take_away(self, uid: int) -> None:
        """A colleague moves one out of the inbox."""
        item = self.inbox.items.pop(uid)
        self.folders.setdefault(COLLEAGUES, Folder(1)).add(item)
        for client in self.clients:
            client.notice("EXPUNGE")

    def renumber(self) -> None:
        """The server loses its numbers: a new UIDVALIDITY, everything under new ones, and every connection ends."""
        old = self.inbox
        self.folders["INBOX"] = fresh = Folder(old.uid_validity + 1)
        for item in old.items.values():
            self.was[fresh.uid_validity, fresh.add(item)] = item.letter
        for client in self.clients:
            client.broken = True

    def connect(self, fate: Fate) -> IMAPClient:
        """A logged-in client of the worker with this fate."""
        client = ModelClient(self, fate)
        self.clients.append(client)
        return cast(IMAPClient, client)


class ModelClient:
    """One connection; the part of ``IMAPClient`` that the service calls."""

    def __init__(self, account: ModelAccount, fate: Fate) -> None:
        self._account = account
        self._fate = fate
        self._folder = ""
        self._numbering = 0
        self._imap = SimpleNamespace(untagged_responses=dict[str, list[bytes]]())
        self.broken = False

    def notice(self, word: str) -> None:
        """The server says something that nobody asked for."""
        self._imap.untagged_responses[word] = [b"1"]

    def _command(self) -> None:
        self._fate.reach()
        if self._account.cut is not None:
            self._account.cut -= 1
            if self._account.cut < 0:
                self._account.cut, self.broken = None, True
        if self.broken:
            raise imaplib.IMAP4.abort("socket error: EOF")

    def _done(self) -> None:
        """The server has done it; whether its answer arrives is another matter."""
        self._fate.reach()
        if self._account.cut == 0:
            self._account.cut, self.broken = None, True
            raise imaplib.IMAP4.abort("socket error: EOF")

    @property
    def _selected(self) -> Folder:
        return self._account.folders[self._folder]

    # ---------------------------------------------------------------- reading

    def has_capability(self, name: str) -> bool:
        return name in self._account.capabilities

    def select_folder(self, name: str, readonly: bool = False) -> dict[bytes, Any]:
        self._command()
        self._folder = name
        folder = self._selected
        answer = {b"UIDVALIDITY": folder.uid_validity, b"UIDNEXT": folder.uid_next, b"EXISTS": len(folder.items)}
        return answer | ({b"READ-ONLY": True} if readonly else {})

    def noop(self) -> None:
        self._command()

    def search(self, criteria: Sequence[Any]) -> list[int]:
        self._command()
        seen = {uid: item for uid, item in self._selected.items.items() if not item.hidden}
        if criteria[0] == "SINCE":
            day: date = criteria[1]
            return [uid for uid, item in seen.items() if item.arrived.date() >= day]
        undeleted = "UNDELETED" in criteria
        wanted = set(_numbers(criteria[1], max(seen, default=0)))
        return sorted(uid for uid, item in seen.items() if uid in wanted and not (undeleted and item.deleted))

    def fetch(self, uids: Sequence[int], items: Sequence[str]) -> dict[int, dict[bytes, Any]]:
        self._command()
        found = {}
        for uid in uids:
            item = self._selected.items.get(uid)
            if item is not None and not item.hidden:
                answer: dict[bytes, Any] = {}
                for name in items:
                    answer |= _fetched(item, name)
                found[uid] = answer
        self._done()
        return found

    # ---------------------------------------------------------------- folders

    def list_folders(self, _directory: str, pattern: str) -> list[tuple[tuple[bytes, ...], bytes, str]]:
        self._command()
        start = pattern.removesuffix("*")
        names = [name for name in self._account.folders if name.startswith(start)] if start else [""]
        return [((), b"/", name) for name in names]

    def folder_exists(self, name: str) -> bool:
        self._command()
        return name in self._account.folders

    def create_folder(self, name: str) -> None:
        self._command()
        self._account.folders[name] = Folder(1)
        self._done()

    def subscribe_folder(self, _name: str) -> None:
        self._command()

    def rename_folder(self, old: str, new: str) -> None:
        self._command()
        self._account.folders[new] = self._account.folders.pop(old)
        self._done()

    def delete_folder(self, name: str) -> None:
        self._command()
        del self._account.folders[name]
        self._done()

    # ---------------------------------------------------------------- filing

    def copy(self, uids: Sequence[int], folder: str) -> None:
        self._command()
        self._refuse_when_full()
        for uid in uids:
            if uid in self._selected.items:
                item = self._selected.items[uid]
                self._account.folders[folder].add(Item(item.letter, item.arrived))
        self._done()

    def move(self, uids: Sequence[int], folder: str) -> None:
        self._command()
        self._refuse_when_full()
        self._account.before_move(uids)
        for uid in uids:
            if uid in self._selected.items:
                self._account.folders[folder].add(self._selected.items.pop(uid))
        self._done()

    def add_flags(self, uids: Sequence[int], _flags: Sequence[bytes], *, silent: bool) -> None:
        self._command()
        assert silent
        self._account.before_move(uids)
        for uid in uids:
            if uid in self._selected.items:
                self._selected.items[uid].deleted = True
        self._done()

    def uid_expunge(self, uids: Sequence[int]) -> None:
        self._command()
        for uid in uids:
            if uid in self._selected.items and self._selected.items[uid].deleted:
                del self._selected.items[uid]
        self._done()

    def _refuse_when_full(self) -> None:
        if self._account.full:
            raise IMAPClientError("command failed: [OVERQUOTA] Quota exceeded")

    def logout(self) -> None:
        self.shutdown()

    def shutdown(self) -> None:
        self.broken = True
        if self in self._account.clients:
            self._account.clients.remove(self)


def _numbers(text: str, last: int) -> Iterator[int]:
    """A sequence set (RFC 3501 section 9); ``*`` is the last number there is."""
    for part in text.split(","):
        first, _, end = part.partition(":")
        low = last if first == "*" else int(first)
        high = low if not end else last if end == "*" else int(end)
        yield from range(min(low, high), max(low, high) + 1)


def _fetched(item: Item, name: str) -> dict[bytes, Any]:
    octets = item.letter.octets
    if name == "RFC822.SIZE":
        return {b"RFC822.SIZE": len(octets)}
    if name == "INTERNALDATE":
        return {b"INTERNALDATE": item.arrived}
    section = re.fullmatch(r"BODY\.PEEK\[(.*)\](?:<0\.(\d+)>)?", name)
    assert section is not None, name
    if item.refused:
        return {}
    head = octets.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    if section[1].startswith("HEADER.FIELDS"):
        return {b"BODY[HEADER.FIELDS (MESSAGE-ID)]": f"Message-ID: {item.letter.message_id}\r\n\r\n".encode()}
    content = head if section[1] == "HEADER" else octets
    return {f"BODY[{section[1]}]<0>".encode(): content[: int(section[2])]}
