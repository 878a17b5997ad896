"""Test mails that confirm a project's address: asked for, sent, answered, taken back; the newest of an address counts.

An address is confirmed while the newest test of it that somebody answered was not taken back. It counts for exactly
this address of this project: another one in the rules is unconfirmed again.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from triage.record.audit import Change, write_changes
from triage.record.staff_notices import NoticeKind
from triage.record.store import Transaction
from triage.record.tables import address_tests, staff_notices
from triage.vocabulary import DispatchState

_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_CODE = re.compile(rf"(?<![A-Z0-9-])PROVA-[{_LETTERS}]{{5}}-[{_LETTERS}]{{5}}(?![A-Z0-9-])")
"""No case's code looks so (``triage.ids``): an "O" stands in none."""
_MOST_CODES = 5


class TestState(StrEnum):
    """Life of one test mail."""

    __test__ = False

    ASKED = "chiesta"
    """It leaves in a moment, or has left and waits for an answer (``sent_at``)."""
    CANCELLED = "annullata"
    """Taken back before it left."""
    NOT_SENT = "non_partita"
    """The gate or the server refused it."""
    RETURNED = "tornata"
    """It came back: the address takes no mail."""
    CONFIRMED = "confermata"
    """Somebody answered."""
    WITHDRAWN = "tolta"
    """It was answered, and an administrator took the confirmation away."""


@dataclass(frozen=True, slots=True)
class AddressTest:
    """One test mail on record."""

    id: int
    address: str
    project: str
    address_key: str
    asked_at: datetime
    asked_by: str
    sent_at: datetime | None
    rfc_message_id: str
    code: str
    answered_at: datetime | None
    state: str


_COLUMNS = [address_tests.c[name] for name in AddressTest.__slots__]


def new_code() -> str:
    """What only whoever reads the mail can know."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(10))
    return f"PROVA-{letters[:5]}-{letters[5:]}"


def codes_in(text: str) -> tuple[str, ...]:
    """Codes of test mails that stand in a text."""
    return tuple(dict.fromkeys(_CODE.findall(text.upper())))[:_MOST_CODES]


def ask_test(tx: Transaction, project: str, address_key: str, address: str, rfc_message_id: str) -> AddressTest:
    """Note that this address is to get a test mail."""
    values = {
        "address": address,
        "project": project,
        "address_key": address_key,
        "asked_at": tx.now,
        "asked_by": tx.actor,
        "rfc_message_id": rfc_message_id,
        "code": new_code(),
        "state": TestState.ASKED,
    }
    number = tx.execute(sa.insert(address_tests).values(**values).returning(address_tests.c.id)).scalar_one()
    return AddressTest(id=number, sent_at=None, answered_at=None, **values)  # type: ignore[arg-type]  # as written above


def tests_of(tx: Transaction, project: str, address_key: str) -> list[AddressTest]:
    """Every test of one address of a project, whatever address it was then, newest first."""
    query = sa.select(*_COLUMNS).where(address_tests.c.project == project, address_tests.c.address_key == address_key)
    return [AddressTest(*row) for row in tx.execute(query.order_by(address_tests.c.id.desc()))]


def newest_tests(tx: Transaction) -> dict[tuple[str, str, str], AddressTest]:
    """The newest test of every address by project, key and address; those taken back before they left do not count."""
    query = sa.select(*_COLUMNS).where(address_tests.c.state != TestState.CANCELLED).order_by(address_tests.c.id)
    return {
        (one.project, one.address_key, one.address): one for one in (AddressTest(*row) for row in tx.execute(query))
    }


def confirmed_addresses(tx: Transaction) -> frozenset[tuple[str, str, str]]:
    """Addresses that somebody has confirmed by an answer: project, key, address."""
    query = (
        sa.select(address_tests.c.project, address_tests.c.address_key, address_tests.c.address, address_tests.c.state)
        .where(address_tests.c.state.in_((TestState.CONFIRMED, TestState.WITHDRAWN)))
        .order_by(address_tests.c.id)
    )
    newest = {(row.project, row.address_key, row.address): row.state for row in tx.execute(query)}
    return frozenset(key for key, state in newest.items() if state == TestState.CONFIRMED)


def named_tests(tx: Transaction, codes: Iterable[str], message_ids: Iterable[str]) -> list[AddressTest]:
    """Tests with one of these codes or Message-IDs."""
    wanted = sa.or_(address_tests.c.code.in_(list(codes)), address_tests.c.rfc_message_id.in_(list(message_ids)))
    return [AddressTest(*row) for row in tx.execute(sa.select(*_COLUMNS).where(wanted).order_by(address_tests.c.id))]


def note_answers(tx: Transaction, answered: Mapping[int, int]) -> None:
    """Somebody answered; ``answered``: the test's number and the row of the answer."""
    for test_id, message_id in answered.items():
        if _move(tx, test_id, (TestState.ASKED, TestState.RETURNED), TestState.CONFIRMED, answered_at=tx.now):
            change = Change("address_test", test_id, "answered", params={"message": message_id})
            write_changes(tx, [change])


def withdraw(tx: Transaction, test_id: int) -> bool:
    """The confirmation does not count any more; whether it did."""
    return _move(tx, test_id, (TestState.CONFIRMED,), TestState.WITHDRAWN)


def cancel_test(tx: Transaction, test_id: int) -> bool:
    """Take the mail back before it leaves; whether that was in time."""
    name = sa.select(address_tests.c.rfc_message_id).where(address_tests.c.id == test_id).scalar_subquery()
    stopped = tx.execute(
        sa.update(staff_notices)
        .where(staff_notices.c.rfc_message_id == name, staff_notices.c.kind == NoticeKind.ADDRESS_TEST)
        .where(staff_notices.c.state == DispatchState.PENDING, staff_notices.c.attempts == 0)
        .values(state=DispatchState.CANCELLED, ended_at=tx.now, reason="annullata")
    )
    return stopped.rowcount > 0 and _move(tx, test_id, (TestState.ASKED,), TestState.CANCELLED)


def note_test_ended(tx: Transaction, rfc_message_id: str, state: DispatchState) -> None:
    """The mail has left, or will not."""
    chosen = address_tests.c.rfc_message_id == rfc_message_id, address_tests.c.state == TestState.ASKED
    values: dict[str, object] = {"state": TestState.NOT_SENT}
    if state == DispatchState.ACCEPTED:
        values = {"sent_at": tx.now}
    tx.execute(sa.update(address_tests).where(*chosen).values(**values))


def note_returned_tests(tx: Transaction, message_ids: Sequence[str]) -> None:
    """A delivery report says that mails with these Message-IDs did not arrive."""
    tx.execute(
        sa.update(address_tests)
        .where(address_tests.c.rfc_message_id.in_(list(message_ids)), address_tests.c.state == TestState.ASKED)
        .values(state=TestState.RETURNED)
    )


def _move(tx: Transaction, test_id: int, from_states: Sequence[str], to_state: str, **values: object) -> bool:
    statement = (
        sa.update(address_tests)
        .where(address_tests.c.id == test_id, address_tests.c.state.in_(from_states))
        .values(state=to_state, **values)
    )
    return tx.execute(statement).rowcount > 0
