"""How long staff wait for a search or a case: a record with many messages, asked as the pages ask it.

``python -m benchmarks.pages [--messages N]`` prints a line for each question: the median of nine, in milliseconds.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from triage.clock import SystemClock
from triage.record import Store, Transaction
from triage.record.case_story import case_record
from triage.record.done import Sought, done_page
from triage.record.register import entries
from triage.record.tables import cases, decisions, dispatches, mailboxes, messages
from triage.record.waiting import waiting_now

START = datetime(2026, 1, 1, tzinfo=UTC)
APART = timedelta(minutes=4)
BATCH = 5000
PROJECTS = ("oglio_po",) * 6 + ("crema",) * 2 + ("mantova", "asola")
TOPICS = ("orientamento",) * 8 + ("genitorialita", "ascolto", "laboratori", "eventi", "rete")
STATES = ("filed",) * 90 + ("forwarded",) * 3 + ("decided",) * 2 + ("held",) * 5


def fill(store: Store, count: int, mailbox: str = "generale") -> None:
    """A record as after years: two messages a case, most of them done, five in a hundred waiting.

    All are of one mailbox, which is new in the record.
    """
    chance = random.Random(1)  # noqa: S311 - a plain shuffle
    with store.write("fill") as tx:
        box = tx.execute(sa.insert(mailboxes).values(name=mailbox)).inserted_primary_key
        assert box is not None
        tx.execute(sa.insert(cases), [{"opened_at": START} for _ in range(count // 2 + 1)])
        for first in range(1, count + 1, BATCH):
            numbers = range(first, min(first + BATCH, count + 1))
            rows = [_message(number, box[0], chance) for number in numbers]
            made = [_decision(number, chance) for number in numbers]
            tx.execute(sa.insert(messages), rows)
            tx.execute(sa.insert(decisions), made)
            tx.execute(sa.insert(dispatches), [_forward(one) for one in made])


def _message(number: int, mailbox: int, chance: random.Random) -> dict[str, Any]:
    at = START + number * APART
    return {
        "id": number,
        "mailbox_id": mailbox,
        "uid_validity": 1,
        "uid": number,
        "location_uid_validity": 1,
        "location_uid": number,
        "state": chance.choice(STATES),
        "size": 5000,
        "generation": 1,
        "listed_at": at,
        "received_at": at,
        "due_at": at,
        "urgent": chance.random() < 0.02,
        "case_id": number // 2 + 1,
        "author_key": f"author {chance.randrange(20_000)}",
    }


def _decision(number: int, chance: random.Random) -> dict[str, Any]:
    project = chance.choice(PROJECTS)
    return {
        "message_id": number,
        "generation": 1,
        "action": "forward",
        "destination": project,
        "territory": project,
        "topic": chance.choice(TOPICS),
        "urgent": False,
        "language": "it",
        "automatic": False,
        "acknowledge": True,
        "confidence": 0.9,
        "project": project,
        "address_key": "default",
        "forward_path": "centro@example.org",
        "rules_tried": [],
        "reasons": [],
        "rules_version": "1",
        "model_version": "1",
        "decided_at": START + number * APART,
        "decided_by": "worker",
        "comune": f"Comune {min(200, int(chance.expovariate(0.05)))}",
    }


def _forward(decision: dict[str, Any]) -> dict[str, Any]:
    number, at = decision["message_id"], decision["decided_at"]
    return {
        "message_id": number,
        "generation": 1,
        "case_id": number // 2 + 1,
        "kind": "forward",
        "project": decision["project"],
        "address_key": "default",
        "forward_path": "centro@example.org",
        "recipient_key": f"centre {decision['project']}",
        "rfc_message_id": f"<{number}@example.org>",
        "state": "accepted",
        "priority": 1,
        "created_at": at,
        "due_at": at,
        "ended_at": at,
    }


def questions(count: int) -> dict[str, Callable[[Transaction], object]]:
    """What pages ask, with the worst that we know of each."""
    middle = START + count // 2 * APART

    def search(**sought: Any) -> Callable[[Transaction], object]:
        return lambda tx: done_page(tx, Sought(**sought))

    return {
        "smistati, first page": search(),
        "smistati, last page": lambda tx: done_page(tx, Sought(), before=30),
        "person": search(person="author 77"),
        "comune": search(comune="Comune 3"),
        "centre": search(project="oglio_po"),
        "topic": search(topic="rete"),
        "two days": search(since=middle, until=middle + timedelta(days=2)),
        "nothing has all three": search(project="asola", topic="rete", comune="Comune 199"),
        "nothing has both of the most frequent": search(project="oglio_po", topic="orientamento", comune="Comune 198"),
        "case": lambda tx: case_record(tx, count // 4),
        "register": lambda tx: entries(tx, only_open=True),
        "what waits": waiting_now,
    }


def main() -> None:
    """Print every figure."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--messages", type=int, default=100_000)
    count = arguments.parse_args().messages
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{Path(folder) / 'pages.db'}", SystemClock())
        store.migrate()
        fill(store, count)
        print(f"{count} messages, SQLite, median of nine")
        for name, ask in questions(count).items():
            print(f"{statistics.median(_time(store, ask) for _ in range(9)):8.1f} ms  {name}")
        store.close()


def _time(store: Store, ask: Callable[[Transaction], object]) -> float:
    with store.read("measure") as tx:
        begun = time.perf_counter()
        ask(tx)
        return 1000 * (time.perf_counter() - begun)


if __name__ == "__main__":
    main()
