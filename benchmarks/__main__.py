"""``make bench``: the whole service beside two bare pipes, and the cost of one poll.

``python -m benchmarks [--messages N] [--rounds N] [--workers N] [--backlog N] [--poll N ...]``

The bare pipes fetch, forward as an attachment, acknowledge and move; one submits with aiosmtplib, one with a pipelining
client of its own (``benchmarks.pipelined``). Neither classifies or records anything.
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections.abc import Sequence
from typing import Any, Literal

from benchmarks.bare import CLIENTS
from benchmarks.inbox import messages
from benchmarks.poll import poll_cost
from benchmarks.runs import run_bare, run_whole
from benchmarks.sink import running_sink
from tests.servers.dovecot import Dovecot

TARGETS = {"aiosmtplib": 1.0, "pipelined": 0.6}
"""What share of a bare pipe's rate the service shall have."""
FLOW_COMMITS, DISPATCH_COMMITS = 6, 15
"""Write transactions per 100 messages that the stages shall need at most."""
LARGEST = 30 << 20
"""Octets of the largest messages of a backlog; in base64 and in the forward they come near the limits of 40 MB."""


def main() -> None:
    """Print every figure with its range."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--messages", type=int, default=2000)
    arguments.add_argument("--rounds", type=int, default=3, help="0: only the cost of a poll")
    arguments.add_argument(
        "--workers", type=int, default=1, help="processes on one record; CPU, memory and commits are the first's"
    )
    arguments.add_argument("--poll", type=int, nargs="*", default=[100, 100_000])
    arguments.add_argument(
        "--backlog", type=int, help="one round of so many messages, the largest that the rules let in among them"
    )
    chosen = arguments.parse_args()
    if chosen.backlog:
        chosen.messages, chosen.rounds, chosen.poll = chosen.backlog, 1, []
    mail = list(messages(chosen.messages, largest=LARGEST if chosen.backlog else 0))
    volume = sum(map(len, mail)) / 1e6
    print(
        f"{len(mail)} messages, {volume:.1f} MB; {chosen.rounds} rounds, in turn; {os.cpu_count()} cores, "
        f"{chosen.workers} worker(s)"
    )
    rounds: list[dict[str, dict[str, Any]]] = []
    with Dovecot() as dovecot, running_sink() as (smtp_port, sink):
        print(f"Dovecot {dovecot.version}, {sink}, loopback, no TLS")
        for number in range(chosen.rounds):
            figures = {
                f"bare {client}": run_bare(dovecot, smtp_port, f"{client}{number}@example.org", mail, client)
                for client in CLIENTS
            }
            figures["whole"] = run_whole(dovecot, smtp_port, f"whole{number}@example.org", mail, chosen.workers)
            _print_round(figures)
            rounds.append(figures)
    for client in CLIENTS if rounds else ():
        print(f"ratio whole / bare {client}: {told_ratio(rounds, client)} (target {TARGETS[client]:.2f})")
    storages: tuple[Literal["mdbox", "maildir"], ...] = ("mdbox", "maildir")
    for storage in storages:
        with Dovecot(storage=storage) as dovecot:
            for size in chosen.poll:
                print(poll_cost(dovecot, size, storage))


def _print_round(figures: dict[str, dict[str, Any]]) -> None:
    for name, one in figures.items():
        rate = one["messages"] / one["seconds"]
        print(f"  {name:<16} {rate:7.0f} messages/s  {one['cpu']:5.2f} s CPU  {one['rss_mb']:5.0f} MB peak", flush=True)
    whole = figures["whole"]
    print(f"    {whole['rss_before_mb']:.0f} MB before the first message; ledger closes: {whole['counts']}")
    print(f"    CPU by stage: {', '.join(f'{name} {spent:.1f} s' for name, spent in sorted(whole['stages'].items()))}")
    print(f"    write transactions per 100 messages: {told_commits(whole['commits'], whole['messages'])}")


def told_commits(commits: dict[str, int], count: int) -> str:
    """Per 100 messages, by stage, and the sums that have a target."""
    shares = {name: 100 * number / count for name, number in sorted(commits.items())}
    flow = sum(shares.get(name, 0.0) for name in ("intake", "decide", "file"))
    each = ", ".join(f"{name} {share:.1f}" for name, share in shares.items())
    return (
        f"{each}; intake, decide and file together {flow:.1f} (target {FLOW_COMMITS}), "
        f"dispatch {shares.get('dispatch', 0.0):.1f} (target {DISPATCH_COMMITS})"
    )


def told_ratio(rounds: Sequence[dict[str, dict[str, Any]]], client: str) -> str:
    """How many messages the service does while the bare pipe with this client does one: median and range."""
    ratios = [one[f"bare {client}"]["seconds"] / one["whole"]["seconds"] for one in rounds]
    return f"median {statistics.median(ratios):.2f} [{min(ratios):.2f}-{max(ratios):.2f}]"


if __name__ == "__main__":
    main()
