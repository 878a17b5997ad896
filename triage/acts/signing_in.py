"""Signing in: the limits on attempts, the password, the code. Every outcome is a value and on record.

After five wrong attempts a name rests for a quarter of an hour, whether or not such a person exists; after thirty
a network address does. The person is told until when.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from triage.acts.passwords import (
    hash_password,
    is_outdated,
    password_fits,
    recovery_hash,
    totp_step,
)
from triage.record import Store
from triage.record.identity import keyed_hash, secret_of
from triage.record.people import PersonRow, person_named, renew_hash, use_recovery, use_totp_step
from triage.record.sessions import forget_failures, locked_until, note_failure
from triage.record.staff_acts import note_act
from triage.record.store import Transaction

MOST_OF_NAME, MOST_OF_ADDRESS = 5, 30
REST = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of an attempt: the account; or, while the name or address rests, until when; or neither."""

    row: PersonRow | None = None
    rests_until: datetime | None = None
    recovery_left: int | None = None
    """It was a recovery code, and so many are left; ``None``: it was none."""


def try_password(store: Store, name: str, password: str, address: str) -> Attempt:
    """Look whether this is the person's password. The hash is computed outside of any transaction."""
    name = name.strip().casefold()[:64]
    with store.write("sign in") as tx:
        keys = _keys(tx, name, address)
        until = _resting(tx, keys)
        row = person_named(tx, name) if until is None else None
    if until is not None:
        return Attempt(rests_until=until)
    known = row is not None and row.disabled_at is None
    if not password_fits(row.password_hash if row is not None and known else None, password) or row is None:
        return _failed(store, keys, row, "password")
    if is_outdated(row.password_hash):
        with store.write("sign in") as tx:
            renew_hash(tx, row.id, hash_password(password))
    return Attempt(row)


def try_code(store: Store, row: PersonRow, code: str, address: str) -> Attempt:
    """Look whether this is the telephone's code, unused so far, or one of the recovery codes."""
    with store.write("sign in") as tx:
        keys = _keys(tx, row.name, address)
        until = _resting(tx, keys)
        if until is not None:
            return Attempt(rests_until=until)
        step = totp_step(row.totp_secret, code, tx.now)
        if step is not None and use_totp_step(tx, row.id, step):
            return Attempt(row)
        if step is None and use_recovery(tx, row.id, recovery_hash(code)):
            note_act(tx, row, "recovery_code_used", "person", row.id)
            return Attempt(row, recovery_left=len(row.recovery) - 1)
    return _failed(store, keys, row, "code")


def note_signed_in(tx: Transaction, row: PersonRow, address: str) -> None:
    """The person is in: earlier failures are forgotten, the act is on record."""
    forget_failures(tx, _keys(tx, row.name, address)[0][0])
    note_act(tx, row, "signed_in", "person", row.id)


def let_try_again(tx: Transaction, name: str) -> None:
    """An administrator lets somebody try again before the rest is over."""
    forget_failures(tx, _name_key(secret_of(tx), name))


def _name_key(secret: bytes, name: str) -> str:
    return keyed_hash(secret, "sign in name", name)


def _keys(tx: Transaction, name: str, address: str) -> tuple[tuple[str, int], ...]:
    secret = secret_of(tx)
    return (
        (_name_key(secret, name), MOST_OF_NAME),
        (keyed_hash(secret, "sign in address", address), MOST_OF_ADDRESS),
    )


def _resting(tx: Transaction, keys: tuple[tuple[str, int], ...]) -> datetime | None:
    return max((until for key, _ in keys if (until := locked_until(tx, key)) is not None), default=None)


def _failed(store: Store, keys: tuple[tuple[str, int], ...], row: PersonRow | None, what: str) -> Attempt:
    with store.write("sign in refused") as tx:
        for key, most in keys:
            note_failure(tx, key, most=most, lock=REST)
        until = _resting(tx, keys)
        if row is not None:
            note_act(tx, row, "sign_in_refused", "person", row.id, {"what": what, "rests": until is not None})
    return Attempt(rests_until=until)
