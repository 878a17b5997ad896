"""Many machines: whatever happens to workers that share a record, nothing is lost, repeated or stuck."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from tests.conftest import FIGURES
from tests.crash.invariants import Findings
from tests.crash.nursery import Nursery
from tests.faults.bench import SEED, SEEDS
from tests.faults.fleet import BOXES, LEASE, Storm, letter, line
from tests.faults.starts import Starts
from tests.fleet.harness import House
from tests.laid import lay_postgres
from tests.servers.dovecot import Dovecot
from tests.servers.postgres import Postgres

SECONDS = 100 if SEEDS else 20
"""How long one storm lasts; all of it is over within the five minutes that a worker of the nursery may live."""


def test_workers_die_stand_still_and_come_back(
    starts: tuple[Starts, Nursery],
    dovecot: Dovecot,
    postgres: Postgres,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    storms, wrong = [], {}
    for seed in range(SEED, SEED + max(SEEDS, 1)):
        url = postgres.url(lay_postgres(postgres))
        with House(
            starts[1], dovecot, url, tmp_path / str(seed), BOXES, mark=f"flotta{seed}", lease=LEASE, poll=2
        ) as house:
            house.prepare()
            storm = Storm(house, seed)
            storm.blow(SECONDS)
            found = storm.settle()
            storms.append((storm, found))
            _see_what_is_wrong(storm)
            if found.violations:
                wrong[f"SEED={seed}"] = found.violations
                print(f"SEED={seed}: {found.violations}\n{house.words()}", file=sys.stderr)
    record_property(FIGURES, line(storms, SECONDS))
    assert wrong == {}
    assert all(storm.done["kill"] and storm.done["stop"] for storm, _ in storms)


def _see_what_is_wrong(storm: Storm) -> None:
    """The look itself sees a letter that nobody has, and an acknowledgement that left twice."""
    before = Findings()
    storm.check(before)
    storm.letters.append((BOXES[0], letter(10**6, storm.dice)))
    sent = next(path for path in storm.house.spool.glob("*.message") if _is_to_a_family(path))
    again = sent.with_name(f"9{sent.name}")
    again.write_bytes(sent.read_bytes())
    after = Findings()
    storm.check(after)
    storm.letters.pop()
    again.unlink()
    assert after.lost > before.lost
    assert after.repeated_acknowledgements == before.repeated_acknowledgements + 1


def _is_to_a_family(path: Path) -> bool:
    envelope, _, _ = path.read_bytes().partition(b"\n")
    return any("canarino-mittente" in one for one in json.loads(envelope)["forward_paths"])
