"""Looks whether the mailboxes that a worker reads are silent when, by their own history, they should not be.

The record and the rules enter; an incident a mailbox leaves (``silent_mailbox``), which ends with the next mail.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from triage.record import Store, Transaction
from triage.record.arrivals import forget_hours, hours_of
from triage.record.health import LATE
from triage.record.incidents import close_incident, open_incident, open_incidents
from triage.record.mailboxes import known_mailboxes
from triage.rules.holidays import is_closed
from triage.rules.types import Service
from triage.silence import HISTORY, Silence, judge

KIND = "silent_mailbox"


def watch_silence(store: Store, service: Service, worker: str) -> None:
    """Judge every mailbox that this worker reads now; writes only where something has changed.

    A mailbox that cannot be read is silent for that reason, which is an incident of its own: it is not judged.
    """
    with store.read("silence") as tx:
        begin = tx.now - HISTORY
        boxes = {
            box.name: _judged(tx, box.id, service)
            for box in known_mailboxes(tx)
            if box.lease_owner == worker and box.last_read_at is not None and tx.now - box.last_read_at < LATE
        }
        told = {row["subject"] for row in open_incidents(tx) if row["kind"] == KIND}
    found = {name: silence for name, silence in boxes.items() if silence is not None}
    fresh = {name: silence for name, silence in found.items() if silence.unusual and name not in told}
    over = [name for name, silence in found.items() if not silence.hours and name in told]
    if fresh or over:
        with store.write("silence") as tx:
            for name, silence in fresh.items():
                open_incident(tx, KIND, name, _words(name, silence, service))
            for name in over:
                close_incident(tx, KIND, name)
            forget_hours(tx, begin)


def _judged(tx: Transaction, mailbox_id: int, service: Service) -> Silence | None:
    arrivals = hours_of(tx, mailbox_id, tx.now - HISTORY)
    return judge(arrivals, tx.now, ZoneInfo(service.timezone), lambda day: is_closed(day, service.closed_days))


def _words(name: str, silence: Silence, service: Service) -> str:
    since = silence.since.astimezone(ZoneInfo(service.timezone))
    return (
        f"mailbox {name}: nothing has arrived since {since:%Y-%m-%d %H:%M}, for {silence.hours} hours in which "
        "something usually does. Write to it from outside, and ask whoever runs the mail server."
    )
