"""Codes from a telephone: set up with QR or written key, recovery codes, and for whom they are a must."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx
import pyotp
import pytest
from playwright.sync_api import expect

from tests.fakes import FakeClock
from tests.review.browser import WIDTHS, Visit, axe, fits, refused
from tests.review.office import PASSWORD, Office, token_of
from tests.review.test_sign_in import fill_in, post
from triage.acts.people import SECOND_FACTOR, Role
from triage.record.people import person_numbered


@pytest.mark.parametrize("width", WIDTHS)
def test_a_responsabile_sets_codes_up_at_the_first_sign_in(
    office: Office, visit: Callable[..., Visit], clock: FakeClock, width: int
) -> None:
    one = visit(width=width)
    person = office.somebody(Role.RESPONSIBLE, totp=False)
    fill_in(one.page, person)
    expect(one.page.get_by_role("heading", level=1)).to_have_text("Imposta il codice del telefono")
    axe(one.page)
    fits(one.page)
    one.page.goto("/smistati")
    expect(one.page.get_by_role("heading", level=1)).to_have_text("Imposta il codice del telefono")
    assert one.page.locator("figure img").evaluate("image => image.complete && image.naturalWidth > 100")
    key = one.page.locator("#chiave").inner_text().replace(" ", "")
    one.page.get_by_label("Codice di sei cifre").fill("123 456")
    one.page.get_by_role("button", name="Attiva").click()
    expect(one.page.get_by_role("alert")).to_contain_text("non corrisponde")
    axe(one.page)
    assert one.page.locator("#chiave").inner_text().replace(" ", "") == key, "the telephone has this key already"
    one.page.get_by_label("Codice di sei cifre").fill(pyotp.TOTP(key).at(clock.now()))
    one.page.get_by_role("button", name="Attiva").click()
    expect(one.page.get_by_role("heading", level=1)).to_have_text("Codici di riserva")
    expect(one.page.locator(".codici code")).to_have_count(8)
    axe(one.page)
    fits(one.page)
    one.page.get_by_role("link", name="continua").click()
    expect(one.page.get_by_role("heading", level=1)).to_have_text("Da decidere")


def test_a_recovery_code_stands_for_the_telephone_once(
    office: Office, http: Callable[..., httpx.Client], clock: FakeClock
) -> None:
    person = office.somebody(Role.OPERATOR)
    client = http(person)
    page = client.get("/profilo/codice").text
    key = (re.findall(r'id="chiave">([^<]+)<', page)[0]).replace(" ", "")
    done = client.post(
        "/profilo/codice", data={"csrf": token_of(page), "code": pyotp.TOTP(key).at(clock.now()), "present": PASSWORD}
    )
    codes = re.findall(r"<li><code>([^<]+)</code>", done.text)
    with office.store.read("look") as tx:
        row = person_numbered(tx, person.id)
    assert row is not None
    assert len(codes) == len(row.recovery) == 8
    assert not set(codes) & set(row.recovery), "kept as hashes only"
    answers = []
    for _ in range(2):
        other = http()
        post(other, person.name, PASSWORD)
        token = token_of(other.get("/accedi/codice").text)
        given = codes[0].lower().replace("-", " ")
        answers.append(other.post("/accedi/codice", data={"csrf": token, "code": given}).status_code)
    assert answers == [303, 422]


def test_who_used_a_recovery_code_is_told_how_many_are_left_and_makes_new_ones(
    office: Office, http: Callable[..., httpx.Client]
) -> None:
    person = office.somebody(Role.RESPONSIBLE)
    codes = _renewed(http(person))
    told = []
    for code in codes:
        other = http()
        post(other, person.name, PASSWORD)
        token = token_of(other.get("/accedi/codice").text)
        assert other.post("/accedi/codice", data={"csrf": token, "code": code}).status_code == 303
        told.append(re.sub(r"\s+", " ", other.get("/profilo").text))
    assert "Hai usato un codice di riserva: ti restano 7 codici." in told[0]
    assert "ti resta 1 codice." in told[-2]
    assert "Hai usato l&#39;ultimo codice di riserva." in told[-1]
    fresh = _renewed(http(person))
    assert len(fresh) == 8
    assert not set(fresh) & set(codes)


def test_new_recovery_codes_end_the_old_ones_and_need_the_password(
    office: Office, http: Callable[..., httpx.Client]
) -> None:
    person = office.somebody(Role.OPERATOR, totp=True)
    client = http(person)
    old = _renewed(client)
    token = token_of(client.get("/profilo/codice").text)
    answer = client.post("/profilo/codice/riserva", data={"csrf": token, "present": "un'altra"})
    assert (answer.status_code, "La password di adesso non è corretta." in answer.text) == (422, True)
    new = _renewed(client)
    for code, expected in ((old[0], 422), (new[0], 303)):
        other = http()
        post(other, person.name, PASSWORD)
        token = token_of(other.get("/accedi/codice").text)
        assert other.post("/accedi/codice", data={"csrf": token, "code": code}).status_code == expected


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_of_codes_can_be_read_and_used(visit: Callable[..., Visit], width: int) -> None:
    one = visit(Role.RESPONSIBLE, width=width)
    one.page.goto("/profilo/codice")
    axe(one.page)
    fits(one.page)
    one.page.get_by_label("La tua password").fill("un'altra")
    one.page.get_by_role("button", name="Fai nuovi codici").click()
    refused(one.page.get_by_label("La tua password"), "La password di adesso non è corretta.")
    axe(one.page)
    one.page.get_by_label("La tua password").fill(PASSWORD)
    one.page.get_by_role("button", name="Fai nuovi codici").click()
    expect(one.page.locator(".codici code")).to_have_count(8)


def _renewed(client: httpx.Client) -> list[str]:
    token = token_of(client.get("/profilo/codice").text)
    page = client.post("/profilo/codice/riserva", data={"csrf": token, "present": PASSWORD})
    return re.findall(r"<li><code>([^<]+)</code>", page.text)


def test_the_key_is_asked_for_anew_by_nobody_who_has_codes(office: Office, http: Callable[..., httpx.Client]) -> None:
    client = http(Role.RESPONSIBLE)
    page = client.get("/profilo/codice").text
    assert "chiave" not in page
    assert "Per il tuo ruolo il codice è obbligatorio." in page
    assert client.post("/profilo/codice", data={"csrf": token_of(page), "code": "123456"}).status_code == 303


@pytest.mark.parametrize("role", Role)
def test_only_those_who_need_no_codes_may_take_them_away(
    office: Office, http: Callable[..., httpx.Client], role: Role
) -> None:
    person = office.somebody(role, totp=True)
    client = http(person)
    token = token_of(client.get("/profilo/codice").text)
    answer = client.post("/profilo/codice/togli", data={"csrf": token, "password": PASSWORD})
    assert answer.status_code == (403 if role in SECOND_FACTOR else 303)
    with office.store.read("look") as tx:
        row = person_numbered(tx, person.id)
    assert row is not None
    assert row.has_totp is (role in SECOND_FACTOR)


def test_codes_of_ones_own_will_need_the_password(
    office: Office, http: Callable[..., httpx.Client], clock: FakeClock
) -> None:
    """ASVS 7.5.1: whoever finds a session open cannot bind it to their own telephone."""
    person = office.somebody(Role.OPERATOR)
    client = http(person)
    page = client.get("/profilo/codice").text
    key = (re.findall(r'id="chiave">([^<]+)<', page)[0]).replace(" ", "")
    form = {"csrf": token_of(page), "code": pyotp.TOTP(key).at(clock.now()), "present": "un'altra"}
    answer = client.post("/profilo/codice", data=form)
    assert (answer.status_code, "La password di adesso non è corretta." in answer.text) == (422, True)


def test_taking_codes_away_needs_the_password(office: Office, http: Callable[..., httpx.Client]) -> None:
    """ASVS 7.5.1: what weakens the account asks for the password again."""
    client = http(office.somebody(Role.OPERATOR, totp=True))
    token = token_of(client.get("/profilo/codice").text)
    answer = client.post("/profilo/codice/togli", data={"csrf": token, "password": "un'altra"})
    assert (answer.status_code, "La password di adesso non è corretta." in answer.text) == (422, True)


def test_the_demo_asks_nobody_for_codes(open_office: Callable[..., Office]) -> None:
    office = open_office(totp_required=False)
    person = office.somebody(Role.ADMINISTRATOR, totp=False)
    headers = {"Origin": office.url}
    answer = httpx.post(
        f"{office.url}/accedi", data={"name": person.name, "password": PASSWORD}, headers=headers, trust_env=False
    )
    assert answer.headers["Location"] == "/da-decidere"
