"""Octets of messages: stored once by their SHA-256, in chunks, and read back as a stream."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping

import sqlalchemy as sa

from triage.record.store import Transaction
from triage.record.tables import octet_chunks, octets

CHUNK = 1 << 20
"""Octets in one row; bounds what a reader holds at a time."""


def digest(data: bytes) -> str:
    """Lower-case hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()


def store_octets(tx: Transaction, contents: Mapping[str, bytes]) -> None:
    """Keep the octets of several messages, keyed by their digest; what is there already stays."""
    known = set(tx.execute(sa.select(octets.c.sha256).where(octets.c.sha256.in_(list(contents)))).scalars())
    fresh = {key: data for key, data in contents.items() if key not in known}
    if not fresh:
        return
    # Another worker may store the same octets in the same instant: first come, both satisfied.
    rows = [{"sha256": key, "size": len(data), "stored_at": tx.now} for key, data in fresh.items()]
    tx.execute(tx.insert(octets).on_conflict_do_nothing(), rows)
    chunks = [
        {"sha256": key, "number": number, "data": data[start : start + CHUNK]}
        for key, data in fresh.items()
        for number, start in enumerate(range(0, len(data), CHUNK))
    ]
    if chunks:
        tx.execute(tx.insert(octet_chunks).on_conflict_do_nothing(), chunks)


def stream_octets(tx: Transaction, sha256: str) -> Iterator[bytes]:
    """The octets of one message, a chunk at a time; nothing when they were erased."""
    number = 0
    while True:
        query = sa.select(octet_chunks.c.data).where(octet_chunks.c.sha256 == sha256, octet_chunks.c.number == number)
        chunk = tx.execute(query).scalar()
        if chunk is None:
            return
        yield bytes(chunk)
        number += 1


def read_octets(tx: Transaction, digests: Iterable[str]) -> dict[str, bytes]:
    """The whole octets of several messages in one query; missing ones are absent from the answer."""
    wanted = list(set(digests))
    found: dict[str, list[bytes]] = {key: [] for key in _sizes(tx, wanted)}
    query = (
        sa.select(octet_chunks.c.sha256, octet_chunks.c.data)
        .where(octet_chunks.c.sha256.in_(wanted))
        .order_by(octet_chunks.c.sha256, octet_chunks.c.number)
    )
    for key, data in tx.execute(query):
        found[key].append(bytes(data))
    return {key: b"".join(parts) for key, parts in found.items()}


def _sizes(tx: Transaction, digests: list[str]) -> dict[str, int]:
    query = sa.select(octets.c.sha256, octets.c.size).where(octets.c.sha256.in_(digests))
    return {row.sha256: row.size for row in tx.execute(query)}
