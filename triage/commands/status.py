"""``triage status``: how the service stands, on one screen; the first line says whether anything needs a person."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, time, timedelta

import click

from triage.commands.destinations import rules_in_force
from triage.commands.opening import FAILED, Opened, json_option, opened, print_json
from triage.modes import with_modes
from triage.record.ledger import compute_ledger
from triage.record.modes import switches
from triage.record.state import Happened, Queue, State, state_of
from triage.rules.types import Rules
from triage.vocabulary import Mode

_PEOPLE = {
    "danger": "possible danger",
    "decide": "to decide",
    "perhaps_not": "perhaps not for us",
    "aside": "set aside",
}
_STAGES = {
    "fetch": "to fetch",
    "decide": "to be decided",
    "dispatch": "to leave",
    "file": "to file",
    "notices": "to tell staff",
}
_COMPARED = time(3, 0)
"""When mailboxes are compared with their servers' lists every night, UTC (``triage.worker``)."""


@click.command()
@click.option("--ledger", "counts", is_flag=True, help="Count every message as well: a pass over the whole record.")
@json_option
def status(counts: bool, as_json: bool) -> None:
    """Show how the service stands: what is wrong, who works, what waits, what was last done.

    The record alone is read. Ends with 1 if something needs a person now, as "triage check --health" does; mail that
    waits for a decision is no trouble.
    """
    with opened(migrate=False) as service:
        with service.store.read("status", long=counts) as tx:
            state = state_of(tx)
            differences = compute_ledger(tx).differences if counts else None
        rules = rules_in_force(service)
        modes = _modes(service, rules, restored=state.restored)
        fails = bool(state.findings or differences)
        if as_json:
            shown = {**asdict(state), "needs_a_person": fails, "modes": modes, "next_nightly": _next(state.at)}
            shown["service_mode"] = str(rules.service.mode)
            print_json(shown | ({"ledger_differences": differences} if counts else {}))
        else:
            for line in _screen(state, rules.service.mode, modes, differences):
                click.echo(line)
        sys.exit(FAILED if fails else 0)


def _modes(service: Opened, rules: Rules, *, restored: bool) -> dict[str, str]:
    with service.store.read("modes") as tx:
        chosen = switches(tx)
    return {code: str(one.mode) for code, one in with_modes(rules, chosen, restored=restored).projects.items()}


def _next(now: datetime) -> datetime:
    """The next nightly comparison; what is kept no longer is erased in the same hours."""
    tonight = datetime.combine(now.date(), _COMPARED, UTC)
    return tonight if tonight > now else tonight + timedelta(days=1)


def _screen(state: State, mode: Mode, modes: dict[str, str], differences: tuple[str, ...] | None) -> Iterator[str]:
    count = len(state.findings) + len(differences or ())
    yield "All is well." if not count else f"{count} thing(s) need a person:"
    for finding in state.findings:
        yield f"  ! {finding.code} {finding.subject}: {finding.text}"
    for difference in differences or ():
        yield f"  ! ledger: {difference}"
    now = state.at
    yield f"switches    {_switches(state)}"
    workers = (f"{place} ({_ago(now, at)})" for place, at in state.workers.items())
    yield f"workers     {', '.join(workers) or 'none'}"
    for box in state.mailboxes:
        refused = ", REFUSED: another instance's marker is there" if box.refused else ""
        read, compared = _ago(now, box.last_read_at), _ago(now, box.compared_at)
        came = f", test message {_ago(now, box.canary_at)} in {box.canary_took:.0f} s" if box.canary_at else ""
        yield f"mailbox     {box.name}: read {read}, compared with the server {compared}{came}{refused}"
    yield f"queues      {_queues(now, state.queues, _STAGES)}"
    yield f"for people  {_queues(now, state.people, _PEOPLE)}"
    for sick in state.sick:
        yield f"sick        {sick.project}: {sick.why}, since {_time(sick.since)}"
    yield f"modes       {', '.join(f'{code} {one}' for code, one in modes.items())}"
    if mode is Mode.SHADOW:
        yield "notices     none: the service itself is in ombra, and nobody is called of possible danger"
    yield f"in force    {', '.join(f'{kind} {version}' for kind, version in state.versions.items()) or 'nothing'}"
    if differences is not None:
        yield f"ledger      {'does NOT close' if differences else 'closes'}"
    yield f"backup      {_happened(now, state.backup)}"
    yield f"purge       {_happened(now, state.purge)}"
    yield f"tonight     mailboxes are compared at {_time(_next(now))}"


def _switches(state: State) -> str:
    words = [] if state.restored else ["mail leaves"]
    if state.stopped:
        words = ["everything that leaves is STOPPED"]
    if state.acknowledgements_stopped:
        words.append("acknowledgements STOPPED by the breaker")
    if state.restored:
        words.append("RESTORED from a backup: nothing leaves by itself")
    return ", ".join(words)


def _queues(now: datetime, queues: tuple[Queue, ...], names: Mapping[str, str]) -> str:
    words = []
    for one in queues:
        since = f" (oldest {_ago(now, one.oldest)})" if one.waiting else ""
        words.append(f"{names[one.name]} {one.waiting}{since}")
    return ", ".join(words)


def _happened(now: datetime, what: Happened | None) -> str:
    return "never" if what is None else f"{_ago(now, what.at)} ({_time(what.at)})"


def _ago(now: datetime, at: datetime | None) -> str:
    """How long ago, in the largest unit that tells enough."""
    if at is None:
        return "never"
    seconds = int((now - at).total_seconds())
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago" if seconds >= 0 else f"due in {-seconds} s"


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
