"""How the record stands, as gauges: the same from every worker that shares it, so that none are summed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from triage.metrics.families import Family, gauge
from triage.record.health import Finding
from triage.record.state import Happened, Queue, State


def standing(state: State) -> list[Family]:
    """Every gauge of the record."""
    now = state.at
    read = [({"mailbox": box.name}, _age(now, box.last_read_at)) for box in state.mailboxes if box.last_read_at]
    came = [box for box in state.mailboxes if box.canary_at is not None]
    left = [({"kind": one.kind, "project": one.project, "outcome": one.state}, one.count) for one in state.left]
    return [
        gauge("triage_needs_person", "Findings of 'triage check --health', by code.", _by_code(state.findings)),
        *_queues("triage_queue", "What waits for a stage", "stage", now, state.queues),
        *_queues("triage_people", "What waits for a person", "group", now, state.people),
        gauge("triage_mailbox_read_age_seconds", "Since a mailbox was last read.", read),
        gauge(
            "triage_mailbox_refused",
            "Whether another instance's marker keeps us from a mailbox.",
            [({"mailbox": box.name}, box.refused) for box in state.mailboxes],
        ),
        gauge(
            "triage_canary_age_seconds",
            "Since the newest test message of the service's own arrived.",
            [({"mailbox": box.name}, _age(now, box.canary_at)) for box in came],
        ),
        gauge(
            "triage_canary_seconds",
            "How long that message took from its planning until it was read.",
            [({"mailbox": box.name}, box.canary_took) for box in came],
        ),
        gauge(
            "triage_worker_silent_seconds",
            "Since a worker's last sign of life.",
            [({"worker": name}, _age(now, at)) for name, at in state.workers.items()],
        ),
        gauge(
            "triage_destination_sick_seconds",
            "Since a project has an address that takes no mail.",
            [({"project": code}, _age(now, since)) for code, since in _longest_sick(state).items()],
        ),
        gauge("triage_left_last_hour", "What left, or did not, within an hour, by kind, project, outcome.", left),
        gauge("triage_incidents", "Open incidents by kind.", [({"kind": k}, n) for k, n in state.incidents.items()]),
        gauge("triage_stopped", "Whether somebody has stopped everything that leaves.", [({}, state.stopped)]),
        gauge(
            "triage_acknowledgements_stopped",
            "Whether the breaker stops acknowledgements.",
            [({}, state.acknowledgements_stopped)],
        ),
        gauge(
            "triage_restored", "Whether a restored record waits for 'triage restore --done'.", [({}, state.restored)]
        ),
        gauge("triage_backup_age_seconds", "Since the last backup; none before the first.", _since(now, state.backup)),
        gauge("triage_purge_age_seconds", "Since the last erasure; none before the first.", _since(now, state.purge)),
    ]


def _longest_sick(state: State) -> dict[str, datetime]:
    """By project the first of its addresses that took no mail: a sample has one value."""
    found: dict[str, datetime] = {}
    for one in state.sick:
        found[one.project] = min(one.since, found.get(one.project, one.since))
    return found


def _by_code(found: Iterable[Finding]) -> list[tuple[dict[str, str], float]]:
    counts: dict[str, int] = {}
    for finding in found:
        counts[finding.code] = counts.get(finding.code, 0) + 1
    return [({"code": code}, count) for code, count in sorted(counts.items())]


def _queues(name: str, meaning: str, label: str, now: datetime, queues: Iterable[Queue]) -> list[Family]:
    waiting = [({label: one.name}, one.waiting) for one in queues]
    oldest = [({label: one.name}, _age(now, one.oldest) if one.oldest else 0) for one in queues]
    return [
        gauge(f"{name}_messages", f"{meaning}.", waiting),
        gauge(f"{name}_oldest_seconds", f"{meaning}: since when the oldest is due; 0: nothing is.", oldest),
    ]


def _since(now: datetime, what: Happened | None) -> list[tuple[dict[str, str], float]]:
    return [({}, _age(now, what.at))] if what is not None else []


def _age(now: datetime, at: datetime | None) -> float:
    # What is due later has not waited; clocks of two machines may differ a little.
    return max(0.0, (now - at).total_seconds()) if at is not None else 0.0
