"""What keeps strangers, other sites and mistakes out; the ASVS 5.0 point of each test stands in its docstring."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import httpx
import pytest
import sqlalchemy as sa
from fastapi import APIRouter

from tests.review.browser import Visit
from tests.review.office import PASSWORD, Office, token_of
from triage.acts.people import Role
from triage.record.identity import is_stopped
from triage.record.people_tables import sessions
from triage.review.app import ERRORS, create_app
from triage.review.protection import CSP, MOST
from triage.review.serving import PageServer

PUBLIC = "https://posta.example.org"


def stopped(office: Office) -> bool:
    with office.store.read("look") as tx:
        return is_stopped(tx)


# --------------------------------------------------------------------------- what every answer carries


@pytest.mark.parametrize("path", ["/accedi", "/smistati", "/non-esiste", "/static/page.css"])
def test_every_answer_keeps_other_sites_and_scripts_out(http: Callable[..., httpx.Client], path: str) -> None:
    """ASVS 3.4.3, 3.4.4, 3.4.5, 3.4.6, 3.4.8."""
    headers = http(Role.OPERATOR).get(path).headers
    assert headers["Content-Security-Policy"] == CSP
    assert "unsafe" not in CSP
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "server" not in headers


def test_no_page_is_kept_by_anybody(http: Callable[..., httpx.Client]) -> None:
    """ASVS 14.3.2; files whose address changes with their content may be kept."""
    client = http(Role.OPERATOR)
    page = client.get("/smistati")
    assert page.headers["Cache-Control"] == "no-store"
    (sheet,) = re.findall(r'href="(/static/page\.css\?v=[0-9a-f]+)"', page.text)
    assert client.get(sheet).headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_pages_hold_no_script_or_style_of_their_own(http: Callable[..., httpx.Client]) -> None:
    client = http(Role.ADMINISTRATOR)
    for path in ("/da-decidere", "/persone", "/profilo", "/profilo/codice", "/fermo", "/accessibilita", "/non-esiste"):
        page = client.get(path).text
        assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=|javascript:", page) == []


@pytest.fixture
def public(open_office: Callable[..., Office]) -> Iterator[httpx.Client]:
    """The page behind a reverse proxy with a certificate: the proxy's request is plain, with the public name."""
    office = open_office(url=PUBLIC)
    headers = {"Host": "posta.example.org", "Origin": PUBLIC, "Sec-Fetch-Site": "same-origin"}
    with httpx.Client(base_url=office.url, headers=headers, trust_env=False) as client:
        client.office = office  # type: ignore[attr-defined]
        yield client


def test_behind_https_the_cookie_is_bound_to_this_host(public: httpx.Client) -> None:
    """ASVS 3.3.1, 3.3.2, 3.3.3, 3.3.4, 3.4.1."""
    office: Office = public.office  # type: ignore[attr-defined]
    person = office.somebody(Role.OPERATOR)
    answer = public.post("/accedi", data={"name": person.name, "password": PASSWORD})
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-sessione=")
    assert {part.strip().lower() for part in cookie.split(";")[1:]} == {"httponly", "path=/", "samesite=lax", "secure"}
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


def test_the_page_to_return_to_is_bound_to_this_host_as_well(public: httpx.Client) -> None:
    cookie = public.get("/messaggi/7").headers["Set-Cookie"]
    assert cookie.replace('"', "").startswith("__Host-pagina=/messaggi/7;")
    parts = {part.strip().lower() for part in cookie.split(";")[1:]} - {"max-age=900"}
    assert parts == {"httponly", "path=/", "samesite=lax", "secure"}


def test_on_loopback_the_cookie_has_a_plain_name(office: Office, http: Callable[..., httpx.Client]) -> None:
    """``__Host-`` needs https, which a page for this machine alone does not have."""
    answer = http().post("/accedi", data={"name": office.somebody().name, "password": PASSWORD})
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("sessione=")
    assert {part.strip().lower() for part in cookie.split(";")[1:]} == {"httponly", "path=/", "samesite=lax"}
    assert "Strict-Transport-Security" not in answer.headers


# --------------------------------------------------------------------------- what changes something


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Origin": "https://altro.example.net"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": None, "Origin": None}, 403),
        ({"Origin": None}, 303),
        ({"Sec-Fetch-Site": None}, 303),
    ],
)
def test_a_change_comes_from_our_own_page_only(
    office: Office, http: Callable[..., httpx.Client], headers: dict[str, str | None], code: int
) -> None:
    """ASVS 3.5.1, 3.5.3: with the right token, but from another site, nothing is done."""
    client = http(Role.RESPONSIBLE)
    token = token_of(client.get("/fermo").text)
    for name, value in headers.items():
        if value is None:
            del client.headers[name]
        else:
            client.headers[name] = value
    assert client.post("/fermo/ferma", data={"csrf": token}).status_code == code
    assert stopped(office) is (code == 303)


@pytest.mark.parametrize("how", ["none", "other", "wrong kind"])
def test_a_change_needs_the_token_of_the_session(office: Office, http: Callable[..., httpx.Client], how: str) -> None:
    """ASVS 3.5.1."""
    client, other = http(Role.RESPONSIBLE), http(Role.RESPONSIBLE)
    token, others = token_of(client.get("/fermo").text), token_of(other.get("/fermo").text)
    if how == "wrong kind":
        answer = client.post("/fermo/ferma", content=f"csrf={token}", headers={"Content-Type": "text/plain"})
    else:
        answer = client.post("/fermo/ferma", data={"csrf": others} if how == "other" else {})
    assert answer.status_code == 403
    assert "aperta da troppo tempo" in answer.text
    assert not stopped(office)


def test_a_script_of_the_page_may_send_the_token_as_a_header(office: Office, http: Callable[..., httpx.Client]) -> None:
    client = http(Role.RESPONSIBLE)
    client.headers["X-CSRF-Token"] = token_of(client.get("/fermo").text)
    assert client.post("/fermo/ferma").status_code == 303
    assert stopped(office)


def test_looking_changes_nothing(office: Office, http: Callable[..., httpx.Client]) -> None:
    """ASVS 3.5.3: what a POST does, a GET refuses."""
    client = http(Role.ADMINISTRATOR)
    for path in ("/fermo/ferma", "/esci", "/persone/1/chiudi"):
        answer = client.get(path)
        assert answer.status_code in (303, 404, 405)
        assert answer.status_code != 303 or path.startswith(answer.headers["Location"]), "its page, and nothing else"
    assert not stopped(office)
    assert client.get("/smistati").status_code == 200


# --------------------------------------------------------------------------- what is asked, and how much


@pytest.mark.parametrize("name", ["altro.example.net", "127.0.0.1.example.net", ""])
def test_only_our_own_names_are_answered(http: Callable[..., httpx.Client], name: str) -> None:
    """DNS rebinding: a page of somebody else's whose name leads to this machine reads nothing."""
    answer = http(Role.OPERATOR).get("/smistati", headers={"Host": name})
    assert answer.status_code == 400
    assert "Anna Rossi" not in answer.text


def test_the_machines_own_names_are_answered_with_or_without_a_port(
    office: Office, http: Callable[..., httpx.Client]
) -> None:
    for name in (f"localhost:{office.port}", "localhost", "LOCALHOST", "[::1]", f"[::1]:{office.port}"):
        assert http().get("/accedi", headers={"Host": name}).status_code == 200, name


def test_too_much_is_refused_with_or_without_its_length(http: Callable[..., httpx.Client]) -> None:
    client = http()
    answer = client.post("/accedi", data={"name": "x" * (MOST + 1)})
    assert (answer.status_code, ERRORS[413][0] in answer.text) == (413, True)

    def pieces() -> Iterator[bytes]:
        yield b"name="
        for _ in range(20):
            yield b"x" * (MOST // 10)

    answer = client.post("/accedi", content=pieces(), headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status_code == 413


# --------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [("GET", "/non-esiste", 404), ("GET", "/messaggi/999", 404), ("GET", "/messaggi/uno", 422), ("PUT", "/fermo", 405)],
)
def test_errors_are_told_in_italian_with_a_way_back(
    http: Callable[..., httpx.Client], method: str, path: str, code: int
) -> None:
    client = http(Role.RESPONSIBLE)
    client.headers["X-CSRF-Token"] = token_of(client.get("/smistati").text)
    answer = client.request(method, path)
    assert answer.status_code == code
    assert f"<h1>{ERRORS[code][0]}</h1>" in answer.text
    assert 'href="/"' in answer.text


def test_an_error_that_nobody_foresaw_shows_nothing_of_itself(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    """ASVS 16.5.1 to 16.5.4: a general text, no trace, nothing of it in the log, the page goes on."""
    router = APIRouter()

    @router.get("/guasto")
    def fail() -> None:
        raise RuntimeError("Anna Rossi, via Garibaldi 5")

    app = create_app(office.desk)
    app.include_router(router)
    with PageServer(office.desk.listening) as page:
        page.start(app)
        answer = httpx.get(f"{page.address}/guasto", trust_env=False)
        again = httpx.get(f"{page.address}/accedi", trust_env=False)
    assert (answer.status_code, again.status_code) == (500, 200)
    assert "Rossi" not in answer.text + caplog.text
    assert "Traceback" not in answer.text + caplog.text
    assert answer.headers["Content-Security-Policy"] == CSP
    assert "RuntimeError" in [getattr(record, "kind", "") for record in caplog.records]


def test_a_record_that_does_not_answer_is_told_as_such(office: Office, http: Callable[..., httpx.Client]) -> None:
    """ASVS 16.5.2, 16.5.3: without the record nobody is let in."""
    client = http(Role.OPERATOR)
    with office.store.write("break") as tx:
        tx.execute(sa.text("ALTER TABLE sessions RENAME TO away"))
    answer = client.get("/smistati")
    assert (answer.status_code, ERRORS[503][0] in answer.text) == (503, True)
    assert "sessions" not in answer.text


# --------------------------------------------------------------------------- sessions


def test_the_record_holds_no_token_that_opens_anything(office: Office) -> None:
    """ASVS 7.2: a reader of the record cannot use what stands in it."""
    token = office.session(office.somebody())
    with office.store.read("look") as tx:
        kept = [str(value) for row in tx.execute(sa.select(sessions)) for value in row]
    assert not any(token in value for value in kept)


def test_no_page_asks_another_host(visit: Callable[..., Visit]) -> None:
    """Everything comes from here; the check itself is shown to work."""
    one = visit(Role.OPERATOR)
    one.page.goto("/da-decidere")
    assert {
        urlsplit(url).netloc for url in one.page.evaluate("performance.getEntriesByType('resource').map(e => e.name)")
    } == {urlsplit(one.office.url).netloc}
    one.page.evaluate("fetch('http://altro.example.net/').catch(() => 0)")
    assert any("Content Security Policy" in trouble or "altro" in trouble for trouble in one.troubles)
    one.troubles.clear()
