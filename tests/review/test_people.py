"""/persone and /fermo: an administrator lets people in and closes accounts; a responsabile stops everything."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import expect

from tests.review.browser import WIDTHS, Visit, axe, fits
from tests.review.office import Office, token_of
from tests.review.test_sign_in import fill_in
from triage.acts.people import Role
from triage.record.identity import is_stopped, set_stopped
from triage.record.people import person_named, person_numbered
from triage.record.staff_acts import acts_about, verify_acts


@pytest.mark.parametrize("javascript", [True, False])
def test_an_administrator_adds_somebody_who_then_signs_in(
    office: Office, visit: Callable[..., Visit], javascript: bool
) -> None:
    one = visit(Role.ADMINISTRATOR, javascript=javascript)
    page = one.page
    page.goto("/da-decidere")
    page.get_by_role("link", name="Persone").click()
    page.get_by_label("Nome e cognome").fill("Dario Blu")
    page.get_by_label("Nome per accedere").fill("Dario.Blu")
    page.get_by_label("Ruolo").select_option("sola_lettura")
    page.get_by_role("button", name="Aggiungi").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Password da consegnare")
    if javascript:
        axe(page)
    password = page.locator("#consegna").inner_text()
    page.get_by_role("link", name="Fatto").click()
    expect(page.get_by_role("row", name="Dario Blu")).to_contain_text("aspetta il primo accesso")
    with office.store.read("look") as tx:
        row = person_named(tx, "dario.blu")
    assert row is not None
    assert row.role == Role.READER
    other = visit(javascript=javascript)
    other.page.goto("/")
    other.page.get_by_label("Nome").fill("dario.blu")
    other.page.get_by_label("Password").fill(password)
    other.page.get_by_role("button", name="Accedi").click()
    expect(other.page.get_by_role("heading", level=1)).to_have_text("Scegli una password tua")


@pytest.mark.parametrize(
    ("name", "display", "told"),
    [
        ("anna rossi", "Anna Rossi", "da 2 a 64 segni"),
        ("è.anna", "Anna Rossi", "da 2 a 64 segni"),
        ("", "Anna Rossi", "da 2 a 64 segni"),
        ("presa", "Anna Rossi", "«presa» è già usato"),
        ("anna", "  ", "Scrivi il nome e cognome"),
    ],
)
def test_a_name_that_will_not_do_is_told_why_and_nothing_is_lost(
    office: Office, http: Callable[..., httpx.Client], name: str, display: str, told: str
) -> None:
    client = http(Role.ADMINISTRATOR)
    token = token_of(client.get("/persone").text)
    client.post("/persone", data={"csrf": token, "name": "presa", "display": "Prima", "role": "operatore"})
    answer = client.post("/persone", data={"csrf": token, "name": name, "display": display, "role": "operatore"})
    assert (answer.status_code, told in answer.text) == (422, True)
    assert f'value="{name}"' in answer.text
    assert client.post("/persone", data={"csrf": token, "name": "b.c", "display": "B", "role": "re"}).status_code == 422


@pytest.mark.parametrize("width", WIDTHS)
def test_a_persons_page_is_accessible_and_tells_what_was_done(
    office: Office, visit: Callable[..., Visit], width: int
) -> None:
    one = visit(Role.ADMINISTRATOR, width=width)
    person = office.somebody(Role.OPERATOR, totp=True)
    one.page.goto(f"/persone/{person.id}")
    axe(one.page)
    fits(one.page)
    one.page.get_by_role("button", name="Telefono perso").click()
    expect(one.page.locator("#avvisi")).to_contain_text("si imposta di nuovo al prossimo accesso")
    one.page.get_by_label("Ruolo").select_option("responsabile")
    one.page.get_by_role("button", name="Salva").click()
    one.page.get_by_role("button", name="Chiudi l'accesso").click()
    expect(one.page.locator("#avvisi")).to_contain_text("non può più accedere")
    expect(one.page.locator(".fatti")).to_contain_text("ruolo cambiato")
    axe(one.page)
    with office.store.read("look") as tx:
        row = person_numbered(tx, person.id)
        acts = [act["act"] for act in acts_about(tx, "person", person.id)]
        assert verify_acts(tx) == ()
    assert row is not None
    assert (row.role, row.has_totp, row.disabled_at is None) == (Role.RESPONSIBLE, False, False)
    assert acts == ["second_factor_reset", "role_changed", "person_closed"]


def test_the_last_administrator_stays_one(office: Office, http: Callable[..., httpx.Client]) -> None:
    person = office.somebody(Role.ADMINISTRATOR)
    client = http(person)
    token = token_of(client.get("/persone").text)
    client.post(f"/persone/{person.id}/chiudi", data={"csrf": token})
    client.post(f"/persone/{person.id}/ruolo", data={"csrf": token, "role": "operatore"})
    with office.store.read("look") as tx:
        row = person_numbered(tx, person.id)
    assert row is not None
    assert (row.role, row.disabled_at) == (Role.ADMINISTRATOR, None)
    assert "unico amministratore" in client.get(f"/persone/{person.id}").text


def test_who_may_not_start_again_is_told_that_all_is_stopped_and_gets_no_link(
    visit: Callable[..., Visit], office: Office
) -> None:
    with office.store.write("stop") as tx:
        set_stopped(tx, True)
    page = visit(Role.READER, width=320).page
    page.goto("/smistati")
    expect(page.locator("header")).to_contain_text("Tutto fermo: non parte niente")
    assert page.locator('a[href="/fermo"]').count() == 0
    axe(page)


def test_another_role_or_password_ends_the_persons_sessions(office: Office, http: Callable[..., httpx.Client]) -> None:
    """ASVS 7.4.5, 8.3.2: what was changed holds at once."""
    boss, person = http(Role.ADMINISTRATOR), office.somebody(Role.RESPONSIBLE)
    token = token_of(boss.get("/persone").text)
    for path, form in (("ruolo", {"role": "operatore"}), ("password", {}), ("esci", {})):
        client = http(person)
        assert client.get("/smistati").status_code == 200
        boss.post(f"/persone/{person.id}/{path}", data={"csrf": token, **form})
        assert client.get("/smistati").headers["Location"] == "/accedi"


@pytest.mark.parametrize("javascript", [True, False])
def test_a_responsabile_stops_everything_and_lets_it_go_on(
    office: Office, visit: Callable[..., Visit], javascript: bool
) -> None:
    one = visit(Role.RESPONSIBLE, javascript=javascript)
    page = one.page
    page.goto("/andamento")
    page.get_by_role("link", name="Ferma gli invii").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Vuoi fermare tutti gli invii?")
    page.get_by_role("button", name="Ferma tutti gli invii").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Tutto è fermo")
    expect(page.locator("#avvisi")).to_contain_text("Fermato")
    if javascript:
        axe(page)
    with office.store.read("look") as tx:
        assert is_stopped(tx)
    watcher = visit(Role.READER)
    watcher.page.goto("/smistati")
    expect(watcher.page.locator("header")).to_contain_text("Tutto fermo: non parte niente")
    axe(watcher.page)
    page.get_by_role("button", name="Fai ripartire gli invii").click()
    expect(page.locator("#avvisi")).to_contain_text("Ripartito")
    with office.store.read("look") as tx:
        assert not is_stopped(tx)
        assert verify_acts(tx) == ()
    assert office.woken["dispatch"] == 2


def test_a_form_is_sent_once_however_often_the_button_is_pressed(office: Office, visit: Callable[..., Visit]) -> None:
    one = visit(Role.ADMINISTRATOR)
    sent: list[str] = []
    one.context.on("request", lambda request: sent.append(request.method))
    one.page.goto("/persone")
    one.page.get_by_label("Nome e cognome").fill("Dario Blu")
    one.page.get_by_label("Nome per accedere").fill("dario")
    one.page.get_by_role("button", name="Aggiungi").dblclick()
    expect(one.page.get_by_role("heading", level=1)).to_have_text("Password da consegnare")
    assert sent.count("POST") == 1


def test_names_are_shown_as_they_were_typed_never_as_markup(office: Office, visit: Callable[..., Visit]) -> None:
    """ASVS 1.2.1."""
    one = visit(Role.ADMINISTRATOR)
    one.page.goto("/persone")
    one.page.get_by_label("Nome e cognome").fill('<img src=x onerror=alert(1)> & "Anna"')
    one.page.get_by_label("Nome per accedere").fill("anna.x")
    one.page.get_by_role("button", name="Aggiungi").click()
    one.page.goto("/persone")
    expect(one.page.get_by_role("link", name='<img src=x onerror=alert(1)> & "Anna"')).to_be_visible()
    assert one.page.locator("main img").count() == 0


def test_the_form_keeps_what_was_typed(office: Office, visit: Callable[..., Visit]) -> None:
    one = visit()
    fill_in(one.page, office.somebody(), "un'altra ancora")
    assert one.page.get_by_label("Nome").input_value() != ""
    assert one.page.get_by_label("Password").input_value() == ""
