"""What a million messages a day on 300 mailboxes needs: costs measured now, and a day of mail simulated with them.

``python -m benchmarks.scale [--costs FILE] [--messages N] [--mailboxes N]``: without ``--costs`` one worker is measured
first (some minutes, on a machine that does nothing else) and its costs are written to ``var/scale-costs.json``.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.costs import BOXES, measure
from benchmarks.scale_model import Assumptions, Costs, Share, needs

KEPT = Path("var/scale-costs.json")
BUSY = 1.0
"""Load of a machine with other work, above which figures are not worth printing without a word."""


def main() -> None:
    """Print the costs, the assumptions and what follows from both."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--costs", type=Path, help="costs measured before; none are measured now")
    usual = Assumptions()
    arguments.add_argument("--messages", type=int, default=usual.messages, help="a day")
    arguments.add_argument("--mailboxes", type=int, default=usual.mailboxes)
    arguments.add_argument("--waiting", type=int, default=2000, help="messages of the measurement that wait together")
    arguments.add_argument("--alone", type=int, default=60, help="messages of it that come one after the other")
    arguments.add_argument("--idle", type=float, default=60.0, help="seconds of it in which nothing comes")
    chosen = arguments.parse_args()
    if chosen.costs is not None:
        costs = read_costs(json.loads(chosen.costs.read_text(encoding="utf-8")))
    else:
        load = os.getloadavg()[0]
        costs = measure(chosen.waiting, chosen.alone, chosen.idle)
        KEPT.parent.mkdir(exist_ok=True)
        KEPT.write_text(json.dumps(asdict(costs), indent=1), encoding="utf-8")
        print(f"Measured with {chosen.waiting} messages together, {chosen.alone} alone, {chosen.idle:.0f} s idle, ")
        print(f"{BOXES} mailboxes, {os.cpu_count()} cores; load before: {load:.1f}. Kept in {KEPT}.")
        if load > BUSY:
            print("The machine was busy with other work: these costs are too high, and the rate too low.")
    assumed = Assumptions(messages=chosen.messages, mailboxes=chosen.mailboxes)
    print(_table("Measured costs", _told(costs)))
    print(_table("Assumed", {name: value for name, value in asdict(assumed).items() if name != "hours"}))
    print(_table("Needed in the busiest hour", _flat(needs(assumed, costs))))


def read_costs(kept: dict[str, Any]) -> Costs:
    """Costs that were measured before."""
    shares = {name: Share(**kept[name]) for name in ("apart", "together", "idle")}
    return Costs(rate=kept["rate"], latency=kept["latency"], **shares)


def _told(costs: Costs) -> dict[str, float]:
    found = {"one worker, much waiting: messages a second": costs.rate, "one message alone: seconds": costs.latency}
    for title, share in (("a message alone", costs.apart), ("one among many", costs.together)):
        found |= {f"{title}: {name}": value for name, value in asdict(share).items()}
    return found | {f"an idle mailbox, a second: {name}": value for name, value in asdict(costs.idle).items()}


def _flat(found: dict[str, Any]) -> dict[str, float]:
    flat: dict[str, float] = {}
    for name, value in found.items():
        flat |= {f"{name}: {key}": one for key, one in value.items()} if isinstance(value, dict) else {name: value}
    return flat


def _table(title: str, rows: dict[str, Any]) -> str:
    lines = [f"| {name.replace('_', ' ')} | {value:,.4g} |" for name, value in rows.items()]
    return "\n".join(["", f"| {title} | |", "| --- | ---: |", *lines])


if __name__ == "__main__":
    main()
