"""Columns whose content lies in the record locked, when a key is given: AES-GCM, or AES-SIV where equals must be found.

Enters and leaves in clear; what the engine stores is locked by one of the record's data keys
(``triage.record.data_keys``). What was stored before a key was given is read as it stands. A locked value says by which
key, and opens only in the column that it was written to: content moved from one column to another by a hand does not
open. Nothing stays nothing: the empty text is stored as such, so that "is there any" can be asked without a key.

AES-GCM (NIST SP 800-38D) takes a nonce of chance for each value; one key may lock 2^32 values. AES-SIV (RFC 5297)
without a nonce gives the same for the same text: for addresses, which a unique index compares. Whoever reads the
record sees then that two sendings went to the same address, as the keyed hash beside it tells anyway.
"""

from __future__ import annotations

import base64
import json
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import SQLAlchemyError

log = logging.getLogger("triage.record.encrypted")

MARK = b"\x93TRG1\n"
"""Begins locked octets; then the data key's number (4 octets), the nonce, and the rest."""
TEXT_MARK = "TRG1."
"""Begins a locked text: then the kind, the key's number, and the rest in base64."""
CLEAR = "TRG1.c."
"""Stands before a text in clear that would else look like a locked one."""
OVERHEAD = len(MARK) + 4 + 12 + 16
"""By so many octets a locked chunk is longer than what it holds."""
_NONCE = 12


class CannotOpenError(SQLAlchemyError):
    """A value is locked by a data key that this process does not have (yet); the store looks for it."""


@dataclass(slots=True)
class Ring:
    """The data keys that this process has opened; with none, everything is written and read in clear."""

    stale: bool = True
    """Whether the record should be asked for its keys before the next step."""
    newest: int = 0
    """The number of the key that locks from now on; 0: there is none."""
    data: Mapping[int, AESGCM] = field(default_factory=dict, repr=False)
    addresses: AESSIV | None = field(default=None, repr=False)

    def lock(self, place: str, clear: bytes) -> bytes:
        """Octets as they are stored."""
        if not self.newest or not clear:
            return clear
        nonce = secrets.token_bytes(_NONCE)
        head = MARK + self.newest.to_bytes(4, "big")
        return head + nonce + self.data[self.newest].encrypt(nonce, clear, head + place.encode())

    def open(self, place: str, stored: bytes) -> bytes:
        """Octets as they were; nothing at all where they were altered."""
        if not self.newest or not stored.startswith(MARK):
            return stored
        start = len(MARK) + 4
        head, nonce, locked = stored[:start], stored[start : start + _NONCE], stored[start + _NONCE :]
        try:
            return self._key(int.from_bytes(head[len(MARK) :], "big")).decrypt(nonce, locked, head + place.encode())
        except (InvalidTag, ValueError):
            return _altered(place)

    def lock_address(self, place: str, clear: str) -> str:
        """A text as it is stored, the same for the same text."""
        if self.addresses is None or not clear:
            return clear
        locked = self.addresses.encrypt(clear.encode(), [place.encode()])
        return f"{TEXT_MARK}a.{base64.b64encode(locked).decode()}"

    def open_address(self, place: str, stored: str) -> str:
        """The text as it was; an empty one where it was altered."""
        if not stored.startswith(f"{TEXT_MARK}a."):
            return stored
        if self.addresses is None:
            self.missing()
        try:
            locked = base64.b64decode(stored.split(".", 2)[2], validate=True)
            return self.addresses.decrypt(locked, [place.encode()]).decode()
        except (InvalidTag, ValueError):
            return _altered(place).decode()

    def _key(self, number: int) -> AESGCM:
        known = self.data.get(number)
        return known if known is not None else self.missing()

    def missing(self) -> NoReturn:
        """A value wants a key that is not here: the record is asked for its keys before the next step."""
        self.stale = True
        raise CannotOpenError("locked by a key that is not here")


def ring_of(dialect: Dialect) -> Ring:
    """The keys of the engine whose dialect this is; :class:`triage.record.Store` puts them there."""
    return getattr(dialect, "triage_ring", _NO_KEYS)


_NO_KEYS = Ring(stale=False)


class EncryptedOctets(sa.types.TypeDecorator[bytes]):
    """Octets. In clear they are stored as they are, whatever they begin with: who makes the first key looks at them."""

    impl = sa.LargeBinary
    cache_ok = True

    def __init__(self, place: str) -> None:
        """``place``: table and column."""
        super().__init__()
        self.place = place

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        return None if value is None else ring_of(dialect).lock(self.place, bytes(value))

    def process_result_value(self, value: Any, dialect: Dialect) -> bytes | None:
        return None if value is None else ring_of(dialect).open(self.place, bytes(value))


class _Text(sa.types.TypeDecorator[Any]):
    """A text that is longer when it is locked: PostgreSQL keeps lengths, SQLite takes any."""

    impl = sa.Text

    def __init__(self, place: str, length: int | None = None) -> None:
        """``length``: of the text in clear, in characters."""
        super().__init__()
        self.place = place
        self.length = length

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name == "sqlite" and self.length is not None:
            return sa.String(self.length)
        return sa.Text()


class EncryptedText(_Text):
    """A text, never compared but with the empty one."""

    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else lock_text(ring_of(dialect), self.place, value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else open_text(ring_of(dialect), self.place, value)


class EncryptedAddress(_Text):
    """An address that is compared with others of its column."""

    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else ring_of(dialect).lock_address(self.place, value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else ring_of(dialect).open_address(self.place, value)


class EncryptedJson(sa.types.TypeDecorator[Any]):
    """What JSON can say; locked, it is one string."""

    impl = sa.JSON
    cache_ok = True

    def __init__(self, place: str) -> None:
        super().__init__()
        self.place = place

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        ring = ring_of(dialect)
        if not ring.newest or not value:
            return value
        return lock_text(ring, self.place, json.dumps(value, ensure_ascii=False))

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        if not isinstance(value, str) or not value.startswith(TEXT_MARK):
            return value
        return json.loads(open_text(ring_of(dialect), self.place, value) or "{}")


def lock_text(ring: Ring, place: str, clear: str) -> str:
    """A text as it is stored."""
    if not clear:
        return clear
    if not ring.newest:
        return CLEAR + clear if clear.startswith(TEXT_MARK) else clear
    locked = ring.lock(place, clear.encode())
    return f"{TEXT_MARK}{ring.newest}.{base64.b64encode(locked).decode()}"


def open_text(ring: Ring, place: str, stored: str) -> str:
    """The text as it was."""
    if not stored.startswith(TEXT_MARK):
        return stored
    if stored.startswith(CLEAR):
        return stored.removeprefix(CLEAR)
    if not ring.newest:
        ring.missing()
    try:
        return ring.open(place, base64.b64decode(stored.split(".", 2)[2], validate=True)).decode()
    except (ValueError, IndexError):
        return _altered(place).decode()


def _altered(place: str) -> bytes:
    """Nothing: whoever reads it finds out by the digest, or sees an empty text; one bad row stops no others."""
    log.error("a value in %s was altered outside the service", place, extra={"action": "value_altered"})
    return b""
