"""One selected IMAP mailbox: the few commands that the service speaks, each a crash point.

Enters: UIDs; leaves: lists, sizes, octets exactly as the server gave them. UID sets are sent in
batches, because servers limit a line's length. Reading never sets ``\\Seen`` (BODY.PEEK).
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from imapclient import DELETED, IMAPClient
from imapclient.exceptions import IMAPClientError

from triage.crashpoints import reach
from triage.intake.connection import MailboxTroubleError
from triage.intake.headers import read_header
from triage.intake.meter import allowing
from triage.intake.removals import Removals
from triage.intake.trouble import is_passing
from triage.signals import wait_for
from triage.throttling import passes_by_itself
from triage.vocabulary import FetchedMessage, ListedMessage

BATCH = 500
"""UIDs in one command: comma lists of 14,000 are refused by Dovecot ("Too long argument")."""
LAST_UID = (1 << 32) - 1
"""Nothing could come after it (RFC 3501 section 9: 32 bits): a server that names it is wrong."""
WINDOW = 50_000
"""UIDs asked for in one SEARCH: its answer is one line, and imaplib reads at most 1 MB of a line."""


@dataclass(frozen=True, slots=True)
class Selected:
    """What the server said when the folder was selected (RFC 3501 section 6.3.1)."""

    uid_validity: int
    uid_next: int
    exists: int
    read_only: bool


class ImapMailbox:
    """A folder selected on a logged-in connection; not thread-safe, as the client is not."""

    def __init__(self, client: IMAPClient, folder: str) -> None:
        self.client = client
        self.folder = folder
        self.has_move = client.has_capability("MOVE")
        self.has_uidplus = client.has_capability("UIDPLUS")
        self.has_idle = client.has_capability("IDLE")
        self._delimiter: str | None = None
        self._ensured: set[str] = set()
        self._removals = Removals(client)
        self.guessed = 0
        """Messages in a row that were shorter than stated and came no longer when asked for again."""

    # ---------------------------------------------------------------- reading

    def select(self, *, read_only: bool = False) -> Selected:
        """Select the folder (``read_only``: EXAMINE); raises :class:`MailboxTroubleError` when it is not there."""
        reach("imap select")
        try:
            answer = self.client.select_folder(self.folder, readonly=read_only)
        except IMAPClientError as error:
            if is_passing(error) or passes_by_itself(str(error)):
                raise
            raise MailboxTroubleError(
                "folder",
                "The mailbox's folder is not there: renamed, deleted, or without permission. "
                "Check 'folder' under 'mailboxes' in routing_rules.yaml and the account's rights.",
            ) from None
        return Selected(
            uid_validity=int(answer[b"UIDVALIDITY"]),
            # Optional (RFC 3501 section 6.3.1), but without it old mail would look new.
            uid_next=int(answer.get(b"UIDNEXT", 0)) or max(self._search("*"), default=0) + 1,
            exists=int(answer[b"EXISTS"]),
            read_only=b"READ-ONLY" in answer,
        )

    def refresh(self) -> None:
        """Let the server bring its view of the folder up to date (RFC 3501 section 6.1.2)."""
        reach("imap noop")
        self.client.noop()

    def uids_from(self, first: int, uid_next: int) -> Iterator[list[int]]:
        """UIDs from ``first`` upwards, in windows; the last window is open (RFC 3501 ``n:*``)."""
        start = first
        while start + WINDOW < uid_next:
            yield sorted(self._search(f"{start}:{start + WINDOW - 1}"))
            start += WINDOW
        # "n:*" answers with the last message even when its UID is below n.
        yield sorted(uid for uid in self._search(f"{start}:*") if uid >= start)

    def _search(self, uids: str, *keys: str) -> list[int]:
        reach("imap search")
        return [int(uid) for uid in self.client.search(["UID", uids, *keys]) if int(uid) < LAST_UID]

    def uids_at(self, first: int, last: int) -> set[int]:
        """UIDs of the messages at these places (sequence numbers)."""
        reach("imap fetch uids")
        self.client.use_uid = False
        try:
            told = self.client.fetch(range(first, last + 1), ["UID"]).values()
            return {int(answer[b"UID"]) for answer in told if b"UID" in answer}
        finally:
            self.client.use_uid = True

    def uids_since(self, since: datetime) -> list[int]:
        """UIDs that reached the mailbox since then, and some before.

        SEARCH SINCE knows only days, and they are the server's own (RFC 3501 section 6.4.4).
        """
        reach("imap search")
        return [int(uid) for uid in self.client.search(["SINCE", since.date() - timedelta(days=1)])]

    def sizes(self, uids: Sequence[int], *, identify: bool = False) -> dict[int, ListedMessage]:
        """RFC822.SIZE and INTERNALDATE of messages (``identify``: and Message-ID); those that have gone are absent."""
        found = {}
        for batch in batches(uids, BATCH):
            reach("imap fetch sizes")
            for uid, answer in self._listing(batch, identify=identify).items():
                field = next((value for key, value in answer.items() if key.startswith(b"BODY[HEADER")), b"")
                message_id = read_header(field).message_id if isinstance(field, bytes) else ""
                size, place = (int(answer.get(name) or 0) for name in (b"RFC822.SIZE", b"SEQ"))
                found[uid] = ListedMessage(uid, size, _date(answer), message_id, place)
        return found

    def _listing(self, uids: Sequence[int], *, identify: bool) -> dict[int, dict[bytes, Any]]:
        items = ["RFC822.SIZE", "INTERNALDATE"]
        if identify:
            with suppress_refusal():
                return dict(self.client.fetch(uids, [*items, "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"]))
        return dict(self.client.fetch(uids, items))

    def octets(self, uids: Sequence[int], most: int) -> dict[int, FetchedMessage]:
        """The first ``most`` octets of each message; gone or refused ones are absent."""
        reach("imap fetch")
        with allowing(self.client, len(uids) * most):
            answers = self.client.fetch(list(uids), [f"BODY.PEEK[]<0.{most}>", "INTERNALDATE"])
        found = {}
        for uid, answer in answers.items():
            body = _body(answer, b"BODY[]")
            if body is not None:
                found[uid] = FetchedMessage(uid, body, _date(answer))
        return found

    def header_section(self, uid: int, most: int) -> bytes | None:
        """The header section alone, cut at ``most`` octets."""
        reach("imap fetch header")
        answer = self.client.fetch([uid], [f"BODY.PEEK[HEADER]<0.{most}>"]).get(uid, {})
        return _body(answer, b"BODY[HEADER]")

    def present(self, uids: Sequence[int]) -> set[int]:
        """Which of these are still in the folder."""
        return {uid for batch in batches(uids, BATCH) for uid in self._search(",".join(map(str, batch)))}

    def present_undeleted(self, uids: Sequence[int]) -> set[int]:
        """Which of these are still in the folder and not marked to be removed."""
        found: set[int] = set()
        for batch in batches(uids, BATCH):
            found.update(self._search(",".join(map(str, batch)), "UNDELETED"))
        return found

    # ---------------------------------------------------------------- waiting

    def wait(self, seconds: float, wake: int) -> None:
        """Return when the server says something, ``wake`` becomes readable, or time is up.

        Anything the server says ends the wait: the caller searches again, so a lost or odd
        notice costs nothing. What it said of new mail since :meth:`forget_notices` ends the wait
        too: it will not say so again. A dead connection shows as an exception of the next command.
        """
        if not self.has_idle:
            if not self._has_notices():
                wait_for((wake,), seconds)
            return
        reach("imap idle")
        self.client.idle()
        try:
            # What came between the last search and IDLE stood in the answers of other commands,
            # or right behind the continuation in the same segment.
            if not self._has_notices() and not self._is_buffered():
                wait_for((self.client.socket().fileno(), wake), seconds)
        finally:
            reach("imap done")
            _, said = self.client.idle_done()
            self._removals.hear(said)

    def forget_notices(self) -> None:
        """Whatever was said of new mail until now is about to be searched for."""
        self.client._imap.untagged_responses.pop("EXISTS", None)

    def take_removals(self) -> bool:
        """Whether the server has said since the last call that messages were taken out, by others than us."""
        return self._removals.take()

    def _has_notices(self) -> bool:
        return self._removals.any() or "EXISTS" in self.client._imap.untagged_responses

    def _is_buffered(self) -> bool:
        """Whether words of the server were read from the socket already, where ``select`` is blind."""
        own = getattr(self.client._imap, "_readbuf", None)  # Python 3.14 keeps a buffer of its own
        if own is not None:
            return any(own) or self._is_pending()
        connection = self.client.socket()
        timeout = connection.gettimeout()
        connection.settimeout(0)
        try:
            with suppress(ssl.SSLWantReadError):
                return bool(self.client._imap.file.peek(1))
        finally:
            connection.settimeout(timeout)
        return False

    def _is_pending(self) -> bool:
        pending = getattr(self.client.socket(), "pending", None)
        return bool(pending and pending())

    # ---------------------------------------------------------------- filing

    def path(self, parts: Sequence[str]) -> str:
        """A folder's name in the server's own hierarchy (its delimiter may be '/' or '.')."""
        if self._delimiter is None:
            folders = self.client.list_folders("", "")
            self._delimiter = (folders[0][1] or b"/").decode("ascii") if folders else "/"
        return self._delimiter.join(part.replace(self._delimiter, "-") for part in parts)

    def ensure_folder(self, name: str) -> None:
        """Create a folder unless it exists; asked once a connection."""
        if name in self._ensured:
            return
        reach("imap create")
        self._ensured.add(name)
        if not self.client.folder_exists(name):
            self.client.create_folder(name)
            self.client.subscribe_folder(name)

    def forget_folders(self) -> None:
        """A folder may have been renamed or deleted: look again before the next move."""
        self._ensured.clear()

    def move(self, uids: Sequence[int], folder: str) -> None:
        """UID MOVE (RFC 6851): per message all or nothing."""
        reach("imap move")
        with self._removals.ours():
            self.client.move(list(uids), folder)
        reach("imap moved")

    def copy(self, uids: Sequence[int], folder: str) -> None:
        """UID COPY: all or nothing (RFC 3501 section 6.4.7)."""
        reach("imap copy")
        self.client.copy(list(uids), folder)
        reach("imap copied")

    def remove(self, uids: Sequence[int]) -> None:
        """Mark ours ``\\Deleted`` and expunge *only them* (RFC 4315); without UIDPLUS they stay marked.

        A bare EXPUNGE would destroy what colleagues have marked (failures F53).
        """
        reach("imap store deleted")
        self.client.add_flags(list(uids), [DELETED], silent=True)
        if self.has_uidplus:
            reach("imap uid expunge")
            self.client.uid_expunge(list(uids))


@contextmanager
def suppress_refusal() -> Iterator[None]:
    """What a server refuses (NO, BAD) is done without; a connection that broke or must wait is not."""
    try:
        yield
    except IMAPClientError as error:
        if is_passing(error):
            raise


def batches(items: Sequence[int], size: int) -> Iterator[list[int]]:
    """Slices of at most ``size``."""
    for start in range(0, len(items), size):
        yield list(items[start : start + size])


def _body(answer: dict[bytes, object], name: bytes) -> bytes | None:
    for key in (name, name + b"<0>"):
        if key in answer:
            value = answer[key]
            return value if isinstance(value, bytes) else None
    return None


def _date(answer: dict[bytes, object]) -> datetime | None:
    value = answer.get(b"INTERNALDATE")
    if not isinstance(value, datetime):
        return None
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
