"""The keys that an administrator holds: they open the record's own data keys, and nothing else is done with them.

One key a line, ``ID KEY``: the key is 32 octets of chance in base64, the id twelve hexadecimal digits computed from
it, so that a slip of the hand is told. The first line is used for what is locked from now on; the others only open.
Lines that begin with ``#`` are comments. Whoever has the record without this file reads no mail in it; whoever loses
the file reads none either.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

OCTETS = 32
_NONCE = 12


class KeyFileError(ValueError):
    """The file's text is not usable; says which line and what to do, never what stands there."""


@dataclass(frozen=True, slots=True)
class MasterKey:
    """One key; ``repr`` hides it."""

    id: str
    octets: bytes = field(repr=False)

    def lock(self, data: bytes, about: str) -> bytes:
        """``data`` locked under AES-GCM (NIST SP 800-38D), a nonce of chance; opens only as what it is ``about``."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + AESGCM(self.octets).encrypt(nonce, data, about.encode())

    def open(self, locked: bytes, about: str) -> bytes:
        """What was locked; raises ``cryptography.exceptions.InvalidTag`` for anything else."""
        return AESGCM(self.octets).decrypt(locked[:_NONCE], locked[_NONCE:], about.encode())


def read_keys(text: str) -> tuple[MasterKey, ...]:
    """The keys of a file's text, the one that is used first; raises :class:`KeyFileError`."""
    found: list[MasterKey] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            found.append(_read(line.split(), number))
    if not found:
        raise KeyFileError("it holds no key. Make one with 'triage key new FILE'")
    if len({key.id for key in found}) < len(found):
        raise KeyFileError("a key stands there twice. Take one of the two lines out")
    return tuple(found)


def keys_given(name: str, text: str | None, problems: list[str]) -> tuple[MasterKey, ...]:
    """The keys of the variable ``name``; adds to ``problems`` when it is given and cannot be used."""
    try:
        return read_keys(text) if text is not None else ()
    except KeyFileError as error:
        problems.append(f"{name}: {error}.")
        return ()


def new_key() -> MasterKey:
    """A key that nobody has."""
    octets = secrets.token_bytes(OCTETS)
    return MasterKey(_id_of(octets), octets)


def written(keys: Sequence[MasterKey]) -> str:
    """The text of a file with these keys, in their order."""
    lines = [f"{key.id} {base64.b64encode(key.octets).decode()}" for key in keys]
    return "\n".join([*_HEADING, *lines, ""])


_HEADING = (
    "# Opens the record of the mail. Keep a copy where the record and its backups are not: without it",
    "# nobody can read them. The first line locks what comes; the others only open what came before.",
)


def _read(words: list[str], number: int) -> MasterKey:
    if len(words) != 2:
        raise KeyFileError(f"line {number} is not 'ID KEY'. Copy the whole line anew")
    try:
        octets = base64.b64decode(words[1], validate=True)
    except (binascii.Error, ValueError):
        octets = b""
    if len(octets) != OCTETS or _id_of(octets) != words[0]:
        raise KeyFileError(f"the key of line {number} is not what its id says. Copy the whole line anew")
    return MasterKey(words[0], octets)


def _id_of(octets: bytes) -> str:
    return hashlib.sha256(b"triage key\0" + octets).hexdigest()[:12]
