"""The whole service beside the bare pipe on messages of one size each: from 2 kB to 20 MB.

``python -m benchmarks.sizes [--sizes OCTETS ...]``
"""

from __future__ import annotations

import argparse

from benchmarks.inbox import messages
from benchmarks.runs import run_bare, run_whole
from benchmarks.sink import running_sink
from tests.servers.dovecot import Dovecot

COUNTS = {2_000: 500, 20_000: 500, 200_000: 200, 2_000_000: 40, 20_000_000: 8}
"""How many messages of each size make one run."""


def main() -> None:
    """Print a line for each size."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--sizes", type=int, nargs="*", default=list(COUNTS))
    chosen = arguments.parse_args()
    print("octets | messages | service: messages/s, MB/s, peak MB | bare pipe: messages/s, MB/s | ratio")
    with Dovecot() as dovecot, running_sink() as (smtp_port, _):
        for size in chosen.sizes:
            mail = list(messages(COUNTS.get(size, 100), size=size))
            bare = run_bare(dovecot, smtp_port, f"bare{size}@example.org", mail)
            whole = run_whole(dovecot, smtp_port, f"whole{size}@example.org", mail)
            print(line(size, sum(map(len, mail)) / 1e6, whole, bare), flush=True)


def line(size: int, volume: float, whole: dict[str, float], bare: dict[str, float]) -> str:
    """One row: ``volume`` in MB of all messages."""
    count = whole["messages"]
    rates = [f"{count / one['seconds']:.1f} {volume / one['seconds']:.2f}" for one in (whole, bare)]
    ratio = bare["seconds"] / whole["seconds"]
    return f"{size} | {count:.0f} | {rates[0]} {whole['rss_mb']:.0f} | {rates[1]} | {ratio:.2f}"


if __name__ == "__main__":
    main()
