"""Accounts of the staff page: who may sign in, with what, in which role. Passwords enter as hashes only.

Whatever changes what somebody may do ends their sessions in the same transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from triage.record.people_tables import people, sessions
from triage.record.store import Transaction


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One account. ``recovery`` holds hashes of the codes that stand for a lost telephone."""

    id: int
    name: str
    display: str
    role: str
    password_hash: str
    password_given: bool
    totp_secret: str
    totp_used_step: int
    recovery: Sequence[str]
    settings: Mapping[str, Any]
    created_at: datetime
    changed_at: datetime
    disabled_at: datetime | None

    @property
    def has_totp(self) -> bool:
        """Whether a code from the telephone is asked for."""
        return bool(self.totp_secret)


_COLUMNS = [people.c[name] for name in PersonRow.__slots__]


def add_person(
    tx: Transaction, name: str, display: str, role: str, password_hash: str, *, given: bool = False
) -> int | None:
    """A new account's number; ``None`` when the name is taken. ``given``: somebody else has chosen the password."""
    statement = tx.insert(people).values(
        name=name,
        display=display,
        role=role,
        password_hash=password_hash,
        password_given=given,
        totp_secret="",
        totp_used_step=0,
        recovery=[],
        settings={},
        created_at=tx.now,
        changed_at=tx.now,
    )
    number: int | None = tx.execute(statement.on_conflict_do_nothing().returning(people.c.id)).scalar()
    return number


def person_named(tx: Transaction, name: str) -> PersonRow | None:
    """The account of this name, closed or not."""
    return _one(tx, people.c.name == name)


def person_numbered(tx: Transaction, person_id: int) -> PersonRow | None:
    """The account of this number, closed or not."""
    return _one(tx, people.c.id == person_id)


def all_people(tx: Transaction) -> list[PersonRow]:
    """Every account, by name."""
    return [PersonRow(**row) for row in tx.execute(sa.select(*_COLUMNS).order_by(people.c.name)).mappings()]


def _one(tx: Transaction, which: sa.ColumnElement[bool]) -> PersonRow | None:
    row = tx.execute(sa.select(*_COLUMNS).where(which)).mappings().first()
    return PersonRow(**row) if row is not None else None


def set_password(tx: Transaction, person_id: int, password_hash: str, *, given: bool) -> None:
    """Another password; every session of the person ends."""
    _change(tx, person_id, password_hash=password_hash, password_given=given)
    end_sessions_of(tx, person_id)


def renew_hash(tx: Transaction, person_id: int, password_hash: str) -> None:
    """The same password hashed as this release does."""
    _change(tx, person_id, password_hash=password_hash)


def set_role(tx: Transaction, person_id: int, role: str) -> None:
    """Another role; every session of the person ends."""
    _change(tx, person_id, role=role)
    end_sessions_of(tx, person_id)


def set_display(tx: Transaction, person_id: int, display: str) -> None:
    """How the person is called on pages."""
    _change(tx, person_id, display=display)


def set_disabled(tx: Transaction, person_id: int, disabled: bool) -> None:
    """Close an account or open it again; every session of the person ends."""
    _change(tx, person_id, disabled_at=tx.now if disabled else None)
    end_sessions_of(tx, person_id)


def set_totp(tx: Transaction, person_id: int, secret: str, step: int, recovery: Sequence[str]) -> None:
    """Codes from a telephone are asked for from now on; ``secret`` "": no longer."""
    _change(tx, person_id, totp_secret=secret, totp_used_step=step, recovery=list(recovery))


def set_recovery(tx: Transaction, person_id: int, recovery: Sequence[str]) -> None:
    """Other hashes of codes for a lost telephone; those before are worth nothing any more."""
    _change(tx, person_id, recovery=list(recovery))


def use_totp_step(tx: Transaction, person_id: int, step: int) -> bool:
    """Whether this step's code had not been used, nor a later one; it has been from now on."""
    statement = sa.update(people).where(people.c.id == person_id, people.c.totp_used_step < step)
    return tx.execute(statement.values(totp_used_step=step)).rowcount > 0


def use_recovery(tx: Transaction, person_id: int, code_hash: str) -> bool:
    """Whether this was one of the codes left; it is none from now on."""
    left = tx.execute(sa.select(people.c.recovery).where(people.c.id == person_id).with_for_update()).scalar() or []
    if code_hash not in left:
        return False
    _change(tx, person_id, recovery=[code for code in left if code != code_hash])
    return True


def set_settings(tx: Transaction, person_id: int, settings: Mapping[str, Any]) -> None:
    """How the page behaves for this person."""
    _change(tx, person_id, settings=dict(settings))


def end_sessions_of(tx: Transaction, person_id: int) -> None:
    """Sign the person out everywhere."""
    tx.execute(sa.delete(sessions).where(sessions.c.person_id == person_id))


def _change(tx: Transaction, person_id: int, **values: Any) -> None:
    tx.execute(sa.update(people).where(people.c.id == person_id).values(**values, changed_at=tx.now))
