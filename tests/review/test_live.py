"""An open page is told what waits: the number in its title, a spoken line, a notice of the browser. Numbers only."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from playwright.sync_api import expect

from tests.review.browser import Visit
from tests.review.mail import DANGER, HELD, arrive
from tests.review.office import Office
from triage.acts.people import Role
from triage.record.sessions import end_session, session_of
from triage.review import live


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "EVERY", 0.2)
    monkeypatch.setattr(live, "TICK", 0.05)
    monkeypatch.setattr(live, "SHARED", 0.0)


def told(lines: Iterator[str]) -> dict[str, int]:
    """The next thing that the stream says."""
    return dict(json.loads(next(line for line in lines if line.startswith("data: "))[6:]))


def test_a_new_message_changes_the_title_and_the_menu_and_is_said_once(
    visit: Callable[..., Visit], office: Office
) -> None:
    page = visit(Role.READER).page
    page.goto("/smistati")
    expect(page).to_have_title("Smistati · Smistamento della posta")
    # The first thing that is told only says how things stand.
    expect(page.locator("#menu .badge")).to_have_count(0)
    with page.expect_response("**/eventi"):
        page.reload()
    arrive(office, [HELD])
    expect(page).to_have_title("(1) Smistati · Smistamento della posta")
    expect(page.locator("#menu .badge")).to_have_text("1 aspetta")
    arrive(office, [DANGER])
    expect(page).to_have_title("(2) Smistati · Smistamento della posta")
    expect(page.locator("#novita")).to_have_text("Da leggere oggi: possibile pericolo. 2 messaggi aspettano.")


def test_an_act_changes_the_number_in_the_menu_at_once_and_nothing_older_is_told_after_it(
    visit: Callable[..., Visit], office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "SHARED", 600.0)
    first, _ = arrive(office, [HELD, DANGER])
    page = visit(Role.OPERATOR).page
    page.goto(f"/messaggi/{first}/uscita/telefono")
    expect(page.locator("#menu .badge")).to_have_text("2 aspettano")
    with page.expect_response("**/eventi"):
        page.reload()
    page.get_by_label("Nota").fill("Richiamata.")
    page.get_by_role("button", name="Chiudi: ce ne occupiamo per telefono").click()
    expect(page.locator("#avvisi")).to_contain_text("Chiuso: se ne occupa una persona per telefono")
    assert page.locator("#menu .badge").inner_text().split() == ["1", "aspetta"]
    # Long enough for what another page was told before the act, or for the next look.
    with page.expect_response("**/eventi"):
        page.reload()
    page.wait_for_timeout(600)
    assert page.locator("#menu .badge").inner_text().split() == ["1", "aspetta"]
    arrive(office, [DANGER.replace(b"paura@", b"altra@")])
    page.goto("/smistati")
    expect(page.locator("#menu .badge")).to_have_text("2 aspettano")


def test_without_javascript_the_number_is_that_of_the_moment(visit: Callable[..., Visit], office: Office) -> None:
    arrive(office, [HELD])
    page = visit(Role.READER, javascript=False).page
    page.goto("/smistati")
    expect(page).to_have_title("(1) Smistati · Smistamento della posta")
    expect(page.locator("#avvisi-browser")).to_be_hidden()


def test_the_stream_holds_numbers_only_and_speaks_when_they_change(
    http: Callable[..., httpx.Client], office: Office
) -> None:
    with http(Role.READER).stream("GET", "/eventi") as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.headers["Cache-Control"] == "no-store"
        lines = answer.iter_lines()
        assert told(lines) == {"count": 0, "danger": 0, "newest": 0}
        (key,) = arrive(office, [DANGER])
        assert told(lines) == {"count": 1, "danger": 1, "newest": key}


def test_it_ends_with_the_session_and_does_not_keep_it_alive(http: Callable[..., httpx.Client], office: Office) -> None:
    client = http(Role.READER)
    token = client.cookies["sessione"]
    with office.store.read("session") as tx:
        before = session_of(tx, token)
    assert before is not None
    with client.stream("GET", "/eventi") as answer:
        lines = answer.iter_lines()
        told(lines)
        with office.store.write("end") as tx:
            now = session_of(tx, token)
            assert now is not None
            assert now.seen_at == before.seen_at
            end_session(tx, now)
        assert "event: fine" in list(lines)


def test_so_many_connections_of_one_session_and_no_more_and_each_gives_its_place_back(
    http: Callable[..., httpx.Client], office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_OF_ONE", 1)
    client = http(Role.READER)
    with client.stream("GET", "/eventi") as first:
        lines = first.iter_lines()  # kept: its end would end the connection
        told(lines)
        with client.stream("GET", "/eventi") as second:
            assert second.status_code == 204
        with http(Role.OPERATOR).stream("GET", "/eventi") as other:
            assert other.status_code == 200
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with client.stream("GET", "/eventi") as again:
            if again.status_code == 200:
                return
    raise AssertionError("the place was not given back")


def test_nobody_listens_without_having_signed_in(http: Callable[..., httpx.Client]) -> None:
    answer = http().get("/eventi")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/accedi")


def test_a_page_that_listens_does_not_keep_the_service_from_stopping(
    http: Callable[..., httpx.Client], open_office: Callable[..., Office]
) -> None:
    office = open_office()
    client = httpx.Client(base_url=office.url, trust_env=False, timeout=60)
    client.cookies.set("sessione", office.session(office.somebody(Role.READER)), domain="127.0.0.1")
    with client, client.stream("GET", "/eventi") as answer:
        lines = answer.iter_lines()
        told(lines)
        begun = time.monotonic()
        office.close()
        assert time.monotonic() - begun < 4
