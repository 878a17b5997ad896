"""How long erasing keeps others from the record: the steps of ``triage purge`` over messages whose time is over.

``python -m benchmarks.purge [--messages N] [--url URL]`` prints how many messages a second and the longest step. One
message in a thousand has 25 MB, the others 2 to 60 kB. ``--url``: an empty PostgreSQL database in SQLite's place.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks.pages import fill
from triage.clock import SystemClock
from triage.keeping import limits
from triage.record import Store
from triage.record.octets import store_octets
from triage.record.retention import Place, Step, erase_step
from triage.record.tables import messages
from triage.rules.retention import RetentionRules

BATCH = 200
LARGE = 25 << 20


def keep(store: Store, count: int) -> int:
    """Give every message octets of its own; how many that makes."""
    chance = random.Random(2)  # noqa: S311 - a plain shuffle
    total = 0
    for first in range(1, count + 1, BATCH):
        contents: dict[str, bytes] = {}
        rows = []
        for number in range(first, min(first + BATCH, count + 1)):
            size = LARGE if number % 1000 == 500 else chance.randrange(2_000, 60_000)
            data = number.to_bytes(8, "big") + bytes(size)
            digest = hashlib.sha256(data).hexdigest()
            contents[digest] = data
            rows.append({"number": number, "digest": digest, "length": len(data)})
            total += len(data)
        with store.write("keep") as tx:
            store_octets(tx, contents)
            statement = sa.update(messages).where(messages.c.id == sa.bindparam("number"))
            values: dict[str, sa.BindParameter[Any]] = {
                "sha256": sa.bindparam("digest"),
                "size": sa.bindparam("length"),
            }
            tx.execute(statement.values(values), rows)
    return total


def steps(store: Store) -> Iterator[tuple[Step, float]]:
    """Every step of a purge, and its seconds."""
    before = limits(RetentionRules(), store.clock.now() + timedelta(days=3650))
    place: Place | None = Place()
    while place is not None:
        began = time.perf_counter()
        with store.write("purge") as tx:
            step = erase_step(tx, before, place)
        yield step, time.perf_counter() - began
        place = step.on


def main() -> None:
    """Fill, erase, tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--url", default="")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(chosen.url or f"sqlite:///{Path(folder) / 'record.db'}", SystemClock())
        store.migrate()
        fill(store, chosen.messages)
        octets = keep(store, chosen.messages)
        taken = list(steps(store))
        seconds = [spent for _, spent in taken]
        erased = sum(step.messages for step, _ in taken)
        store.close()
    print(
        f"{erased:,} messages of {octets / 1e6:,.0f} MB erased in {len(taken)} steps, {erased / sum(seconds):,.0f} a "
        f"second; a step: median {statistics.median(seconds) * 1000:.0f} ms, "
        f"longest {max(seconds) * 1000:.0f} ms"
    )


if __name__ == "__main__":
    main()
