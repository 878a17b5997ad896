"""The running service looks at the seals of people's acts every day: acts that were tampered with are an incident.

Once a week, and after whatever was not in order, it reads every act; on the other days those after the last act up to
which the chain was found whole. What it remembers of that is sealed too, so that it cannot be moved ahead unseen.
"""

from __future__ import annotations

import hmac
import logging
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from triage.record.identity import keyed_hash, secret_if_known, secret_of
from triage.record.incidents import close_incident, open_incident
from triage.record.staff_acts import BEGINNING, Standing, seal_of_act, verify_acts_after
from triage.record.store import Store, StoreError, Transaction
from triage.record.tables import identity

log = logging.getLogger("triage.record")

KIND, SUBJECT = "acts_altered", "record"
DAILY, WHOLLY = timedelta(days=1), timedelta(days=7)

_REMEMBERED = "staff_acts_whole"
_NEVER = datetime.fromtimestamp(0, UTC)


def mind_the_acts(store: Store) -> None:
    """Look when a day has passed, whichever worker looked last; what the record refuses now is done the next time."""
    with suppress(StoreError):
        with store.read("acts looked at") as tx:
            looked, wholly, known = _remembered(tx)
            today = timedelta(0) <= tx.now - looked < DAILY
            part = timedelta(0) <= tx.now - wholly < WHOLLY
        if today:
            return
        with store.read("acts", long=True) as tx:
            broken, now = verify_acts_after(tx, known if part else BEGINNING)
        with store.write("acts looked at") as tx:
            if broken:
                open_incident(
                    tx, KIND, SUBJECT, f"{broken[0]}. Compare with a backup; triage ledger names every break."
                )
                log.error("people's acts were tampered with", extra={"action": "acts_altered", "breaks": len(broken)})
                _remember(tx, _NEVER, BEGINNING)
            else:
                close_incident(tx, KIND, SUBJECT)
                _remember(tx, wholly if part else tx.now, now)


def looked_at(tx: Transaction) -> datetime | None:
    """When the seals were last found whole; ``None``: never, or not since something was out of order."""
    looked, wholly, _ = _remembered(tx)
    return looked if wholly > _NEVER else None


def _remembered(tx: Transaction) -> tuple[datetime, datetime, Standing]:
    """When the acts were looked at, when at all of them, and how far they stood; never, where that does not hold."""
    text = tx.execute(sa.select(identity.c.value).where(identity.c.name == _REMEMBERED)).scalar()
    if text is None:
        return _NEVER, _NEVER, BEGINNING
    stated, _, mark = text.rpartition(":")
    try:
        looked, wholly, act, count = (int(number) for number in stated.split(":"))
    except ValueError:
        return _NEVER, _NEVER, BEGINNING  # spoiled: everything is looked at
    seal = seal_of_act(tx, act)
    if not hmac.compare_digest(mark, _mark(secret_if_known(tx), stated, seal)):
        return _NEVER, _NEVER, BEGINNING
    return datetime.fromtimestamp(looked, UTC), datetime.fromtimestamp(wholly, UTC), Standing(act, count, seal)


def _remember(tx: Transaction, wholly: datetime, known: Standing) -> None:
    stated = f"{int(tx.now.timestamp())}:{int(wholly.timestamp())}:{known.act}:{known.count}"
    value = f"{stated}:{_mark(secret_of(tx), stated, known.seal)}"
    statement = tx.insert(identity).values(name=_REMEMBERED, value=value)
    tx.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": value}))


def _mark(secret: bytes, stated: str, seal: str) -> str:
    return keyed_hash(secret, "staff acts whole", f"{stated}:{seal}")
