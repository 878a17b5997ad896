"""Octets of messages: stored once by their SHA-256, in chunks, and held against it whenever they are read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from triage.record.encrypted import MARK
from triage.record.store import Transaction
from triage.record.tables import octet_chunks, octets

CHUNK = 1 << 20
"""Octets in one row."""
FIRST = 1 << 16
"""Octets in a message's first row: of locked ones a list reads it whole for the beginning."""
ALTERED = "ottetti_alterati"


def digest(data: bytes) -> str:
    """Lower-case hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()


EMPTY = digest(b"")
"""Of no octets: alike in all messages of which nothing came, so it makes no two of them the same."""


def store_octets(tx: Transaction, contents: Mapping[str, bytes]) -> None:
    """Keep the octets of several messages, keyed by their digest; what is there already stays."""
    there = sa.select(octets.c.sha256).where(octets.c.sha256.in_(list(contents))).order_by(octets.c.sha256)
    # What stays is held until this is committed: else it might be erased in between as nobody's (``retention``).
    known = set(tx.execute(there.with_for_update(read=True, key_share=True)).scalars())
    fresh = {key: data for key, data in contents.items() if key not in known}
    if not fresh:
        return
    # Another worker may store the same octets in the same instant: first come, both satisfied.
    rows = [{"sha256": key, "size": len(data), "stored_at": tx.now} for key, data in fresh.items()]
    tx.execute(tx.insert(octets).on_conflict_do_nothing(), rows)
    chunks = [
        {"sha256": key, "number": number, "data": part}
        for key, data in fresh.items()
        for number, part in enumerate(_parts(data))
    ]
    if chunks:
        tx.execute(tx.insert(octet_chunks).on_conflict_do_nothing(), chunks)


def read_octets(tx: Transaction, digests: Iterable[str]) -> dict[str, bytes]:
    """The whole octets of several messages in one query.

    Missing ones are absent from the answer, and so are those that are not what was stored.
    """
    wanted = list(set(digests))
    found: dict[str, list[bytes]] = {key: [] for key in _sizes(tx, wanted)}
    query = (
        sa.select(octet_chunks.c.sha256, octet_chunks.c.data)
        .where(octet_chunks.c.sha256.in_(wanted))
        .order_by(octet_chunks.c.sha256, octet_chunks.c.number)
    )
    for key, data in tx.execute(query):
        found[key].append(bytes(data))
    whole = {key: b"".join(parts) for key, parts in found.items()}
    return {key: data for key, data in whole.items() if digest(data) == key}


def read_beginnings(tx: Transaction, digests: Iterable[str], most: int) -> dict[str, bytes]:
    """The first ``most`` octets (up to :data:`FIRST`) of several messages; for lists: not held against the digest."""
    raw = sa.type_coerce(octet_chunks.c.data, sa.LargeBinary)
    # Part of a locked value opens nothing; of one in clear, which may be long, a part is enough.
    locked = sa.func.substr(raw, 1, len(MARK)) == MARK
    part = sa.case((locked, raw), else_=sa.func.substr(raw, 1, most))
    query = sa.select(octet_chunks.c.sha256, sa.type_coerce(part, octet_chunks.c.data.type)).where(
        octet_chunks.c.sha256.in_(list(set(digests))), octet_chunks.c.number == 0
    )
    return {key: bytes(beginning)[:most] for key, beginning in tx.execute(query)}


def _parts(data: bytes) -> list[bytes]:
    starts = [0, *range(FIRST, len(data), CHUNK)] if data else []
    return [data[start : (FIRST if start == 0 else start + CHUNK)] for start in starts]


def why_absent(tx: Transaction, sha256: str | None) -> str:
    """Why :func:`read_octets` gave none, as a reason to hold: erased, or altered on disk (an incident)."""
    if sha256 is None or not _sizes(tx, [sha256]):
        return "ottetti_mancanti"
    return ALTERED


def _sizes(tx: Transaction, digests: list[str]) -> dict[str, int]:
    query = sa.select(octets.c.sha256, octets.c.size).where(octets.c.sha256.in_(digests))
    return {row.sha256: row.size for row in tx.execute(query)}
