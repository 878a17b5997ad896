"""``make bench``: the whole service beside the bare pipe, and the cost of one poll.

``python -m benchmarks [--messages N] [--rounds N] [--workers N] [--poll N ...]``
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal

from benchmarks.inbox import ROOT, messages
from benchmarks.poll import poll_cost
from benchmarks.service import environment
from benchmarks.sink import running_sink
from tests.servers.dovecot import Dovecot


def main() -> None:
    """Print every figure with its range."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--messages", type=int, default=2000)
    arguments.add_argument("--rounds", type=int, default=3, help="0: only the cost of a poll")
    arguments.add_argument(
        "--workers", type=int, default=1, help="processes on one record; CPU, memory and commits are the first's"
    )
    arguments.add_argument("--poll", type=int, nargs="*", default=[100, 100_000])
    chosen = arguments.parse_args()
    mail = list(messages(chosen.messages))
    volume = sum(map(len, mail)) / 1e6
    print(
        f"{len(mail)} messages, {volume:.1f} MB; {chosen.rounds} rounds, in turn; {os.cpu_count()} cores, "
        f"{chosen.workers} worker(s)"
    )
    bare, whole = [], []
    with Dovecot() as dovecot, running_sink() as (smtp_port, sink):
        print(f"Dovecot {dovecot.version}, {sink}, loopback, no TLS")
        for number in range(chosen.rounds):
            bare.append(_bare(dovecot, smtp_port, f"bare{number}@example.org", mail))
            whole.append(_whole(dovecot, smtp_port, f"whole{number}@example.org", mail, chosen.workers))
            _print_round(bare[-1], whole[-1])
        if bare:
            _print_summary(bare, whole)
    storages: tuple[Literal["mdbox", "maildir"], ...] = ("mdbox", "maildir")
    for storage in storages:
        with Dovecot(storage=storage) as dovecot:
            for size in chosen.poll:
                print(poll_cost(dovecot, size, storage))


def _bare(dovecot: Dovecot, smtp_port: int, name: str, mail: list[bytes]) -> dict[str, Any]:
    user = dovecot.add_user(name)
    dovecot.deliver_fast(user.name, mail)
    command = [sys.executable, "-m", "benchmarks.bare", str(dovecot.port), str(smtp_port), user.name, user.password]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _whole(dovecot: Dovecot, smtp_port: int, name: str, mail: list[bytes], workers: int) -> dict[str, Any]:
    user = dovecot.add_user(name)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        settings = environment(Path(folder), [user.name], dovecot.port, smtp_port)
        child = running.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "benchmarks.whole", str(len(mail))],
                cwd=ROOT,
                env=settings,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline().strip() == "ready"
        for number in range(1, workers):
            running.enter_context(_further_worker(settings, f"further-{number}"))
        if workers == 1:
            dovecot.deliver_fast(user.name, mail)
        child.stdin.write("go\n")
        child.stdin.flush()
        if workers > 1:
            # Further workers begin as soon as something lies there: the clock runs by then.
            dovecot.deliver_fast(user.name, mail)
        answer = child.stdout.readline()
        figures = dict(json.loads(answer))
        done = min(figures["counts"].get(name, 0) for name in ("filed", "acknowledgement_accepted"))
        if done < FORWARDED * len(mail) or not figures["closes"]:
            raise SystemExit(
                f"This was no run of the main job: {figures['counts']}. No figure of it is worth printing."
            )
        return figures


@contextmanager
def _further_worker(settings: dict[str, str], name: str) -> Iterator[None]:
    """One more process of the service on the same record, as a second one would be started by hand."""
    command = [sys.executable, "-m", "triage", "worker"]
    started = subprocess.Popen(
        command, cwd=ROOT, env={**settings, "TRIAGE_WORKER": name}, stderr=subprocess.PIPE, text=True
    )
    assert started.stderr is not None
    try:
        # It says so once it has read its mailboxes' leases and the model: until then it would not take part.
        for line in started.stderr:
            if "worker started" in line:
                break
        drain = threading.Thread(target=started.stderr.read, daemon=True)
        drain.start()
        yield
    finally:
        started.terminate()
        started.wait()


FORWARDED = 0.95
"""Less than this share forwarded, acknowledged and filed is another job than the bare pipe's."""


def _print_round(bare: dict[str, Any], whole: dict[str, Any]) -> None:
    for name, figures in (("bare", bare), ("whole", whole)):
        rate = figures["messages"] / figures["seconds"]
        print(
            f"  {name:<6} {rate:7.0f} messages/s  {figures['cpu']:5.2f} s CPU  {figures['rss_mb']:5.0f} MB peak", end=""
        )
        if name == "whole":
            print(
                f" ({figures['rss_before_mb']:.0f} MB before the first message)  "
                f"{figures['write_commits'] / figures['messages'] * 100:.1f} commits per 100 messages  "
                f"ledger {'closes' if figures['closes'] else 'DOES NOT CLOSE'} {figures['counts']}",
                end="",
            )
            spent = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in sorted(figures["stages"].items()))
            print(f"\n         CPU by stage: {spent}", end="")
        print()


def _print_summary(bare: list[dict[str, Any]], whole: list[dict[str, Any]]) -> None:
    ratios = [b["seconds"] / w["seconds"] for b, w in zip(bare, whole, strict=True)]
    print(f"ratio whole / bare: median {statistics.median(ratios):.2f} [{min(ratios):.2f}-{max(ratios):.2f}]")


if __name__ == "__main__":
    main()
