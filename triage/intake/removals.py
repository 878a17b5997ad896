"""What the server says of messages that were taken out (RFC 3501 section 7.4.1), less what we took out ourselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from imapclient import IMAPClient

_WORDS = ("EXPUNGE", "VANISHED")
_SAID = frozenset({b"EXPUNGE", b"VANISHED"})


class Removals:
    """Reads the untagged answers that the client has kept of one connection."""

    def __init__(self, client: IMAPClient) -> None:
        self._client = client
        self._heard = False

    @property
    def _said(self) -> dict[str, Any]:
        # SELECT puts a new one in its place.
        said: dict[str, Any] = self._client._imap.untagged_responses
        return said

    def hear(self, lines: Iterable[tuple[object, ...]]) -> None:
        """Take in what was said during IDLE."""
        self._heard = self._heard or any(_SAID.intersection(line[:2]) for line in lines)

    def any(self) -> bool:
        """Whether something was said since :meth:`take`."""
        return self._heard or any(word in self._said for word in _WORDS)

    def take(self) -> bool:
        """The same, once: the next call tells of what is said after this one."""
        found, self._heard = self.any(), False
        for word in _WORDS:
            self._said.pop(word, None)
        return found

    @contextmanager
    def ours(self) -> Iterator[None]:
        """A MOVE of ours: what the server says of it is no news, and others are not looked for because of it.

        How many were ours stands in its COPYUID (RFC 4315); without that, or where another number went, it is news.
        """
        self._heard = self.take()
        self._said.pop("COPYUID", None)
        yield
        moved = sum(_count_uids(bytes(line).split()[1]) for line in self._said.pop("COPYUID", None) or () if line)
        gone = self._said.pop("EXPUNGE", None) or ()
        self._heard = self._heard or len(gone) != moved


def _count_uids(uid_set: bytes) -> int:
    """How many numbers a set of UIDs names, as ``7,9:12`` names five (RFC 3501 section 9)."""
    ranges = (part.partition(b":") for part in uid_set.split(b","))
    return sum(abs(int(high or low) - int(low)) + 1 for low, _, high in ranges)
