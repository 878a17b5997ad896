"""Sessions of the staff page, and failed attempts to sign in. Tokens enter as they are and are kept as hashes.

A session ends eight hours after it began, and after thirty minutes without a request by the person.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from triage.record.people_tables import sessions, sign_in_failures
from triage.record.store import Transaction

LONGEST = timedelta(hours=8)
IDLE = timedelta(minutes=30)
SEEN_EVERY = timedelta(minutes=1)
"""A request is noted at most this often: looking shall not write each time."""
FORGOTTEN = timedelta(hours=1)
"""After so long without another failure the count begins anew."""


@dataclass(frozen=True, slots=True)
class Session:
    """One session. ``step`` says what is missing before it opens anything; "" is nothing."""

    token_hash: str
    person_id: int
    created_at: datetime
    seen_at: datetime
    ends_at: datetime
    step: str
    csrf: str
    data: Mapping[str, Any]


_COLUMNS = [sessions.c[name] for name in Session.__slots__]


def begin_session(tx: Transaction, person_id: int, *, step: str = "", lasts: timedelta = LONGEST) -> str:
    """A new session's token, to be given to the browser and kept nowhere else. Forgets sessions that have ended."""
    tx.execute(sa.delete(sessions).where(sa.or_(sessions.c.ends_at <= tx.now, sessions.c.seen_at <= tx.now - IDLE)))
    token = secrets.token_urlsafe(32)
    row = {
        "token_hash": _hash(token),
        "person_id": person_id,
        "created_at": tx.now,
        "seen_at": tx.now,
        "ends_at": tx.now + lasts,
        "step": step,
        "csrf": secrets.token_urlsafe(32),
        "data": {},
    }
    tx.execute(sa.insert(sessions).values(**row))
    return token


def session_of(tx: Transaction, token: str) -> Session | None:
    """The session that a browser's token names, unless it has ended."""
    row = tx.execute(sa.select(*_COLUMNS).where(sessions.c.token_hash == _hash(token))).mappings().first()
    found = Session(**row) if row is not None else None
    if found is None or found.ends_at <= tx.now or found.seen_at <= tx.now - IDLE:
        return None
    return found


def note_seen(tx: Transaction, session: Session) -> None:
    """The person has asked for something: the thirty minutes begin anew."""
    tx.execute(sa.update(sessions).where(sessions.c.token_hash == session.token_hash).values(seen_at=tx.now))


def keep_data(tx: Transaction, session: Session, values: Mapping[str, Any]) -> Session:
    """Put values beside what the session remembers from page to page; the session as it is now."""
    mine = sessions.c.token_hash == session.token_hash
    known = tx.execute(sa.select(sessions.c.data).where(mine).with_for_update()).scalar() or {}
    data = {**known, **values}
    tx.execute(sa.update(sessions).where(mine).values(data=data))
    return replace(session, data=data)


def sessions_of(tx: Transaction, person_id: int) -> list[Session]:
    """A person's sessions that open something now, the latest used first."""
    query = (
        sa.select(*_COLUMNS)
        .where(sessions.c.person_id == person_id, sessions.c.step == "")
        .where(sessions.c.ends_at > tx.now, sessions.c.seen_at > tx.now - IDLE)
    )
    return [Session(**row) for row in tx.execute(query.order_by(sessions.c.seen_at.desc())).mappings()]


def end_other_sessions(tx: Transaction, session: Session) -> int:
    """Sign the person out everywhere but here; how many sessions that were."""
    others = sa.and_(sessions.c.person_id == session.person_id, sessions.c.token_hash != session.token_hash)
    return tx.execute(sa.delete(sessions).where(others)).rowcount


def end_session(tx: Transaction, session: Session) -> None:
    """Sign out here."""
    tx.execute(sa.delete(sessions).where(sessions.c.token_hash == session.token_hash))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


# --------------------------------------------------------------------------- failed attempts


def locked_until(tx: Transaction, key: str) -> datetime | None:
    """When a name or an address may be tried again; ``None``: now."""
    query = sa.select(sign_in_failures.c.locked_until).where(sign_in_failures.c.key == key)
    until: datetime | None = tx.execute(query).scalar()
    return until if until is not None and until > tx.now else None


def note_failure(tx: Transaction, key: str, *, most: int, lock: timedelta) -> None:
    """One failed attempt; from the ``most``-th on nobody is let try for ``lock``."""
    tx.execute(sa.delete(sign_in_failures).where(sign_in_failures.c.last_at <= tx.now - FORGOTTEN))
    statement = tx.insert(sign_in_failures).values(key=key, failures=1, last_at=tx.now)
    counted = statement.on_conflict_do_update(
        index_elements=["key"], set_={"failures": sign_in_failures.c.failures + 1, "last_at": tx.now}
    ).returning(sign_in_failures.c.failures)
    failures: int = tx.execute(counted).scalar_one()
    if failures >= most:
        values = {"locked_until": tx.now + lock, "failures": 0}
        tx.execute(sa.update(sign_in_failures).where(sign_in_failures.c.key == key).values(**values))


def forget_failures(tx: Transaction, key: str) -> None:
    """Somebody has signed in, or an administrator lets them try again."""
    tx.execute(sa.delete(sign_in_failures).where(sign_in_failures.c.key == key))
