"""Fixtures: an office with a running page, a browser, and plain HTTP for what a browser would not do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser

from tests.conftest import require_installed
from tests.fakes import FakeClock
from tests.review.browser import Visit, chromium
from tests.review.office import DEMO_RULES, Office, Somebody
from triage.acts.people import Role
from triage.record import Store


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The module's Chromium: it keeps an event loop running in this thread, where other modules' tests start theirs."""
    with ExitStack() as running:
        yield require_installed(lambda: running.enter_context(chromium()))


@pytest.fixture
def clock() -> FakeClock:
    """Tells the office the time."""
    return FakeClock(datetime(2026, 11, 26, 9, 30, tzinfo=UTC))


@pytest.fixture
def store(sqlite_url: str, clock: FakeClock) -> Iterator[Store]:
    """A real record without mail."""
    store = Store(sqlite_url, clock)
    yield store
    store.close()


@pytest.fixture
def open_office(store: Store) -> Iterator[Callable[..., Office]]:
    """Open an office: same keywords as :class:`Office`."""
    with ExitStack() as running:

        def start(**options: Any) -> Office:
            office = Office(store, **options)
            running.callback(office.close)
            return office

        yield start


@pytest.fixture
def office(open_office: Callable[..., Office]) -> Office:
    """The running page on a free port."""
    return open_office()


@pytest.fixture
def visit(browser: Browser, office: Office) -> Iterator[Callable[..., Visit]]:
    """Open the page in a browser: as a role (or nobody), at a width, with or without JavaScript.

    What goes wrong in the browser (another host, the page's policy, a script's error) fails the test at its end.
    """
    visits: list[Visit] = []

    def start(who: Role | Somebody | None = None, **options: Any) -> Visit:
        one = Visit(browser, office, **options)
        visits.append(one)
        if who is not None:
            one.sign_in(office.somebody(who) if isinstance(who, Role) else who)
        return one

    yield start
    for one in visits:
        one.close()


@pytest.fixture
def http(office: Office) -> Iterator[Callable[..., httpx.Client]]:
    """Plain HTTP as a role (or nobody), with the header fields that a browser sends along."""
    with ExitStack() as running:

        def start(who: Role | Somebody | None = None) -> httpx.Client:
            headers = {"Sec-Fetch-Site": "same-origin", "Origin": office.url}
            client = running.enter_context(
                httpx.Client(base_url=office.url, headers=headers, trust_env=False, timeout=60)
            )
            if who is not None:
                person = office.somebody(who) if isinstance(who, Role) else who
                client.cookies.set("sessione", office.session(person), domain="127.0.0.1")
            return client

        yield start


@pytest.fixture
def change_rules(office: Office, tmp_path: Path) -> Callable[[str, str], None]:
    """Put another word into the rules in force."""
    text = [DEMO_RULES.read_text(encoding="utf-8")]
    file = tmp_path / "rules.yaml"
    office.knowledge._rules_path = file

    def change(old: str, new: str) -> None:
        assert old in text[0]
        text[0] = text[0].replace(old, new)
        file.write_text(text[0], encoding="utf-8")
        assert office.knowledge.import_files() == ()
        office.knowledge.look_again()

    return change
