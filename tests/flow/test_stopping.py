"""A worker that is told to end finishes or gives back what it has, within seconds."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

import pytest

from tests.flow.builders import Office, terminate
from tests.servers.mail import make_mail
from triage.once import run_once

LETTERS = 60


def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it did not come to that"
        time.sleep(0.02)


def letters() -> list[bytes]:
    """Ordinary questions that name their comune."""
    return [
        make_mail(
            f"Buongiorno, abito a Crema. Vorrei sapere gli orari dei laboratori per bambini. Grazie, numero {n}\n",
            subject="Orari dei laboratori a Crema",
            author=f"Famiglia {n} <famiglia{n}@example.com>",
            return_path=f"famiglia{n}@example.com",
        )
        for n in range(LETTERS)
    ]


@pytest.mark.slow
def test_sigterm_in_the_middle_of_work_leaves_nothing_claimed(office: Office) -> None:
    office.sink.delay = 0.02
    office.dovecot.deliver_fast(office.user.name, letters())
    worker = office.start_worker()
    try:
        office.sink.wait_for(3, timeout=60)
    finally:
        code, seconds = terminate(worker, 20)
    assert code == 0
    assert seconds < 15
    assert office.claims() == []
    assert office.ledger().differences == ()
    assert len(office.sink.messages) < 2 * LETTERS, "it was stopped in the middle"

    office.sink.delay = 0.0
    service = office.build()
    assert run_once(service) == ()
    service.store.close()
    paths = Counter(path for message in office.sink.messages for path in message.forward_paths)
    project = paths.pop("orientagiovani@comune.crema.cr.it")
    states = Counter(row.state for row in office.messages())
    assert project == states["filed"] >= LETTERS // 2
    assert max(paths.values()) == 1
    assert office.ledger().differences == ()


@pytest.mark.slow
def test_worker_forwards_mail_soon_after_it_arrives_and_ends_at_once_while_it_waits(office: Office) -> None:
    """IDLE and the wake-ups between the stages: no stage waits for its own poll."""
    worker = office.start_worker()
    try:
        office.dovecot.deliver(office.user.name, letters()[0])
        office.sink.wait_for(2, timeout=60)
        until(lambda: {row.state for row in office.messages()} == {"filed"})
        office.dovecot.deliver(office.user.name, letters()[1])
        office.sink.wait_for(4, timeout=25)
        until(lambda: {row.state for row in office.messages()} == {"filed"})
    finally:
        code, seconds = terminate(worker, 20)
    assert code == 0
    assert seconds < 15
    assert office.claims() == []
    assert office.ledger().differences == ()
