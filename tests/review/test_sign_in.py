"""Signing in and out, as people do it: in the browser, by keyboard; and what happens to those who guess."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from tests.fakes import FakeClock
from tests.review.browser import WIDTHS, Visit, axe, fits, refused
from tests.review.mail import HELD, arrive
from tests.review.office import FAST, PASSWORD, Office, Somebody, token_of
from triage.acts import accounts, passwords
from triage.acts.people import Person, Role
from triage.acts.signing_in import MOST_OF_ADDRESS, MOST_OF_NAME
from triage.record.people import person_numbered, set_disabled, set_password
from triage.record.people_tables import sessions, staff_acts

BOSS = Person(None, "cli", "cli", Role.ADMINISTRATOR)


def fill_in(page: Page, person: Somebody, password: str = PASSWORD) -> None:
    page.goto("/")
    page.get_by_label("Nome").fill(person.name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Accedi").click()


def post(client: httpx.Client, name: str, password: str) -> httpx.Response:
    return client.post("/accedi", data={"name": name, "password": password})


def told_until(answer: httpx.Response) -> bool:
    return "Troppi tentativi sbagliati: si può riprovare dalle" in answer.text


@pytest.mark.parametrize("javascript", [True, False])
def test_an_operator_signs_in_and_out(office: Office, visit: Callable[..., Visit], javascript: bool) -> None:
    one = visit(javascript=javascript)
    person = office.somebody(Role.OPERATOR)
    fill_in(one.page, person)
    expect(one.page.get_by_role("heading", level=1)).to_have_text("Da decidere")
    expect(one.page.get_by_role("link", name=person.display)).to_be_visible()
    one.page.get_by_role("button", name="Esci").click()
    expect(one.page.get_by_role("heading", level=1)).to_have_text("Accedi")
    one.page.goto("/smistati")
    expect(one.page.get_by_role("heading", level=1)).to_have_text("Accedi")


def test_an_operator_signs_in_by_keyboard_alone(office: Office, visit: Callable[..., Visit]) -> None:
    one = visit()
    page, person = one.page, office.somebody(Role.OPERATOR)
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Vai al contenuto")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Nome")).to_be_focused()
    page.keyboard.type(person.name)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Da decidere")


@pytest.mark.parametrize("width", WIDTHS)
def test_a_wrong_password_is_told_and_has_the_focus(office: Office, visit: Callable[..., Visit], width: int) -> None:
    one = visit(width=width)
    fill_in(one.page, office.somebody(), "non questa, quell'altra")
    expect(one.page.get_by_role("alert")).to_have_text(
        "Nome o password non corretti. Controlla le maiuscole e riprova."
    )
    refused(one.page.get_by_label("Nome"), "Nome o password non corretti.")
    axe(one.page)
    fits(one.page)


def test_a_responsabile_gives_the_telephones_code_as_well(
    office: Office, visit: Callable[..., Visit], clock: FakeClock
) -> None:
    one = visit()
    person = office.somebody(Role.RESPONSIBLE)
    fill_in(one.page, person)
    expect(one.page.get_by_role("heading", level=1)).to_have_text("Codice del telefono")
    axe(one.page)
    one.page.goto("/smistati")
    expect(one.page.get_by_role("heading", level=1)).to_have_text("Codice del telefono")
    one.page.get_by_label("Codice").fill("000000")
    one.page.get_by_role("button", name="Continua").click()
    expect(one.page.get_by_role("alert")).to_contain_text("Codice non corretto")
    axe(one.page)
    one.page.get_by_label("Codice").fill(person.code(clock.now()))
    one.page.get_by_role("button", name="Continua").click()
    expect(one.page.get_by_role("heading", level=1)).to_have_text("Da decidere")


# --------------------------------------------------------------------------- those who guess


@pytest.mark.parametrize("exists", [True, False])
def test_after_five_wrong_attempts_a_name_rests_whether_or_not_it_exists(
    office: Office, http: Callable[..., httpx.Client], clock: FakeClock, exists: bool
) -> None:
    """ASVS 6.3.1, 6.3.8: told plainly, and the same for names that are nobody's."""
    name = office.somebody().name if exists else "nessuno.qui"
    client = http()
    answers = [post(client, name, f"sbagliata {number}") for number in range(MOST_OF_NAME + 1)]
    assert [told_until(answer) for answer in answers] == [False] * (MOST_OF_NAME - 1) + [True, True]
    assert "dalle 10:45" in answers[-1].text  # 9:30 UTC is 10:30 in Rome
    assert told_until(post(client, name, PASSWORD)), "the right password does not help now"
    clock.forward(timedelta(minutes=15, seconds=1))
    assert post(client, name, PASSWORD).status_code == (303 if exists else 422)


def test_an_administrator_lets_somebody_try_again_at_once(office: Office, http: Callable[..., httpx.Client]) -> None:
    person, client = office.somebody(), http()
    for number in range(MOST_OF_NAME):
        post(client, person.name, f"sbagliata {number}")
    with office.store.write("unlock") as tx:
        accounts.unlock(tx, BOSS, person.id)
    assert post(client, person.name, PASSWORD).status_code == 303


def test_a_right_password_ends_the_count(office: Office, http: Callable[..., httpx.Client]) -> None:
    person, client = office.somebody(), http()
    for _ in range(3):
        for number in range(MOST_OF_NAME - 1):
            assert not told_until(post(client, person.name, f"sbagliata {number}"))
        client.cookies.clear()
        assert post(client, person.name, PASSWORD).status_code == 303
        client.cookies.clear()


def test_one_address_that_tries_many_names_rests_as_well(office: Office, http: Callable[..., httpx.Client]) -> None:
    client = http()
    for number in range(MOST_OF_ADDRESS):
        post(client, f"nome.{number}", "indovinello")
    assert told_until(post(client, office.somebody().name, PASSWORD))


def test_wrong_codes_count_as_well(office: Office, http: Callable[..., httpx.Client], clock: FakeClock) -> None:
    person, client = office.somebody(Role.RESPONSIBLE), http()
    post(client, person.name, PASSWORD)
    token = token_of(client.get("/accedi/codice").text)
    for number in range(MOST_OF_NAME):
        answer = client.post("/accedi/codice", data={"csrf": token, "code": f"{number:06}"})
    assert told_until(answer)
    answer = client.post("/accedi/codice", data={"csrf": token, "code": person.code(clock.now())})
    assert told_until(answer)


def test_a_code_opens_once(office: Office, http: Callable[..., httpx.Client], clock: FakeClock) -> None:
    """ASVS 6.5.1: a code that was looked over a shoulder opens nothing."""
    person = office.somebody(Role.RESPONSIBLE)
    code = person.code(clock.now())
    codes = []
    for _ in range(2):
        client = http()
        post(client, person.name, PASSWORD)
        token = token_of(client.get("/accedi/codice").text)
        codes.append(client.post("/accedi/codice", data={"csrf": token, "code": code}).status_code)
    assert codes == [303, 422]


def test_a_code_of_three_minutes_ago_opens_nothing(
    office: Office, http: Callable[..., httpx.Client], clock: FakeClock
) -> None:
    person, client = office.somebody(Role.RESPONSIBLE), http()
    old = person.code(clock.now() - timedelta(minutes=3))
    post(client, person.name, PASSWORD)
    token = token_of(client.get("/accedi/codice").text)
    assert client.post("/accedi/codice", data={"csrf": token, "code": old}).status_code == 422


def test_a_closed_account_opens_nothing(office: Office, http: Callable[..., httpx.Client]) -> None:
    person, client = office.somebody(), http()
    inside = http(person)
    assert inside.get("/smistati").status_code == 200
    with office.store.write("close") as tx:
        set_disabled(tx, person.id, True)
    assert inside.get("/smistati").headers["Location"] == "/accedi"
    assert post(client, person.name, PASSWORD).status_code == 422


def test_attempts_are_on_record_without_what_was_typed(office: Office, http: Callable[..., httpx.Client]) -> None:
    person, client = office.somebody(), http()
    post(client, person.name, "segreto sbagliato")
    post(client, person.name, PASSWORD)
    with office.store.read("look") as tx:
        rows = [tuple(row) for row in tx.execute(sa.select(staff_acts.c.act, staff_acts.c.params))]
    assert rows == [("sign_in_refused", {"what": "password", "rests": False}), ("signed_in", {})]


# --------------------------------------------------------------------------- sessions


def test_a_session_ends_after_half_an_hour_without_a_request(
    http: Callable[..., httpx.Client], clock: FakeClock
) -> None:
    """ASVS 7.3.1."""
    client = http(Role.OPERATOR)
    for _ in range(3):
        clock.forward(timedelta(minutes=29))
        assert client.get("/smistati").status_code == 200
    clock.forward(timedelta(minutes=31))
    assert client.get("/smistati").headers["Location"] == "/accedi"


def test_a_session_ends_after_eight_hours_whatever_happens(http: Callable[..., httpx.Client], clock: FakeClock) -> None:
    """ASVS 7.3.2."""
    client = http(Role.OPERATOR)
    for _ in range(24):
        assert client.get("/smistati").status_code == 200
        clock.forward(timedelta(minutes=20))
    assert client.get("/smistati").headers["Location"] == "/accedi"


def test_signing_in_gives_a_new_token_and_ends_the_old_one(
    office: Office, http: Callable[..., httpx.Client], clock: FakeClock
) -> None:
    """ASVS 7.2.4: before the code and after it are two sessions."""
    person, client = office.somebody(Role.RESPONSIBLE), http()
    post(client, person.name, PASSWORD)
    half = client.cookies["sessione"]
    token = token_of(client.get("/accedi/codice").text)
    client.post("/accedi/codice", data={"csrf": token, "code": person.code(clock.now())})
    assert client.cookies["sessione"] != half
    with office.store.read("look") as tx:
        assert tx.execute(sa.select(sa.func.count()).select_from(sessions)).scalar() == 1


def test_signing_out_ends_the_session_for_whoever_has_its_token(http: Callable[..., httpx.Client]) -> None:
    """ASVS 7.4.1."""
    client = http(Role.OPERATOR)
    kept = client.cookies["sessione"]
    answer = client.post("/esci", data={"csrf": token_of(client.get("/smistati").text)})
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    client.cookies.set("sessione", kept, domain="127.0.0.1")
    assert client.get("/smistati").headers["Location"] == "/accedi"


def test_a_token_that_nobody_was_given_opens_nothing(http: Callable[..., httpx.Client]) -> None:
    client = http()
    for token in ("", "x" * 43, "\xe9\xff"):
        headers = {"Cookie": f"sessione={token}".encode("latin-1")}
        assert client.get("/smistati", headers=headers).headers["Location"] == "/accedi"  # type: ignore[arg-type]


# --------------------------------------------------------------------------- passwords


def test_whoever_was_given_a_password_chooses_another_first(office: Office, visit: Callable[..., Visit]) -> None:
    one = visit()
    person = office.somebody(Role.OPERATOR)
    with office.store.write("given") as tx:
        set_password(tx, person.id, FAST.hash("data da altri a voce"), given=True)
    fill_in(one.page, person, "data da altri a voce")
    expect(one.page.get_by_role("heading", level=1)).to_have_text("Scegli una password tua")
    axe(one.page)
    one.page.goto("/smistati")
    expect(one.page.get_by_role("heading", level=1)).to_have_text("Scegli una password tua")
    one.page.get_by_label("Password di adesso").fill("data da altri a voce")
    one.page.get_by_label("Nuova password", exact=True).fill("tre biciclette sul ponte nuovo")
    one.page.get_by_label("Nuova password, di nuovo").fill("tre biciclette sul ponte nuovo")
    one.page.get_by_role("button", name="Salva").click()
    expect(one.page.get_by_role("heading", level=1)).to_have_text("Da decidere")
    expect(one.page.locator("#avvisi")).to_contain_text("Password cambiata")
    axe(one.page)


def test_a_new_password_ends_the_sessions_elsewhere(office: Office, http: Callable[..., httpx.Client]) -> None:
    """ASVS 7.4.3."""
    person = office.somebody()
    here, elsewhere = http(person), http(person)
    new = "tre biciclette sul ponte nuovo"
    form = {"csrf": token_of(here.get("/profilo/password").text), "present": PASSWORD, "password": new, "again": new}
    assert here.post("/profilo/password", data=form).status_code == 303
    assert here.get("/smistati").status_code == 200
    assert elsewhere.get("/smistati").headers["Location"] == "/accedi"


@pytest.mark.parametrize("width", WIDTHS)
def test_a_person_sees_the_sessions_and_ends_the_others(
    office: Office, visit: Callable[..., Visit], http: Callable[..., httpx.Client], width: int
) -> None:
    """ASVS 7.5.2."""
    person = office.somebody()
    elsewhere = http(person)
    one = visit(person, width=width)
    page = one.page
    page.goto("/profilo")
    expect(page.locator(".fatti li")).to_have_count(2)
    axe(page)
    for password, told in (("un'altra", "La password di adesso non è corretta."), (PASSWORD, "")):
        page.get_by_label("La tua password").fill(password)
        page.get_by_role("button", name="Chiudi gli altri accessi").click()
        if told:
            expect(page.get_by_role("alert")).to_have_text(told)
            axe(page)
            fits(page)
            assert elsewhere.get("/smistati").status_code == 200
    expect(page.locator("#avvisi")).to_contain_text("sono stati chiusi")
    expect(page.locator(".fatti li")).to_have_count(1)
    assert elsewhere.get("/smistati").headers["Location"] == "/accedi"


@pytest.mark.parametrize(
    ("present", "password", "again", "told"),
    [
        ("non questa", "tre biciclette sul ponte", "tre biciclette sul ponte", "La password di adesso non è corretta."),
        (PASSWORD, "corta", "corta", "almeno 12 caratteri"),
        (PASSWORD, "password1234", "password1234", "si indovina facilmente"),
        (PASSWORD, "smistamento2026", "smistamento2026", "si indovina facilmente"),
        (PASSWORD, PASSWORD, PASSWORD, "uguale a quella di adesso"),
        (PASSWORD, "tre biciclette sul ponte", "tre biciclette", "non sono uguali"),
        (PASSWORD, "x" * 201, "x" * 201, "al massimo 200"),
    ],
)
def test_a_password_that_will_not_do_is_told_why(
    office: Office, http: Callable[..., httpx.Client], present: str, password: str, again: str, told: str
) -> None:
    """ASVS 6.2.1 to 6.2.5, 6.2.9, 6.2.11."""
    client = http(office.somebody())
    form = {"csrf": token_of(client.get("/profilo").text), "present": present, "password": password, "again": again}
    answer = client.post("/profilo/password", data=form)
    assert (answer.status_code, told in answer.text) == (422, True)
    assert password not in answer.text


def test_a_password_hashed_with_less_effort_is_hashed_anew(office: Office, http: Callable[..., httpx.Client]) -> None:
    """ASVS 11.4.2: argon2id, with the parameters of this release."""
    person = office.somebody()
    assert post(http(), person.name, PASSWORD).status_code == 303
    with office.store.read("look") as tx:
        row = person_numbered(tx, person.id)
    assert row is not None
    assert row.password_hash.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert not passwords.is_outdated(row.password_hash)


# --------------------------------------------------------------------------- back to the work


@pytest.mark.parametrize(
    ("asked", "back"),
    [
        ("/messaggi/7/uscita/rispondi/anteprima", "/messaggi/7/uscita/rispondi"),
        ("/messaggi/7/inoltra", "/messaggi/7"),
        ("/messaggi/7/allegati/1", "/messaggi/7"),
        ("/casi/23-ZV8EP7F9/correggi/7/anteprima", "/casi/23-ZV8EP7F9/correggi/7"),
        ("/controlli/3/non-giudicabile", "/controlli/3"),
        ("/persone/1/chiudi", "/da-decidere"),
        ("//example.org/messaggi/7", "/da-decidere"),
    ],
)
def test_whoever_signs_in_again_is_back_on_the_page_they_were_on(
    office: Office, http: Callable[..., httpx.Client], asked: str, back: str
) -> None:
    client, person = http(), office.somebody(Role.OPERATOR)
    client.get(f"{office.url}{asked}")
    client.post(f"{office.url}{asked}")
    assert post(client, person.name, "sbagliata").status_code == 422
    assert post(client, person.name, PASSWORD).headers["Location"] == back
    token = token_of(client.get("/da-decidere").text)
    client.post("/esci", data={"csrf": token})
    assert post(client, person.name, PASSWORD).headers["Location"] == "/da-decidere", "once"


def test_the_page_waits_until_the_telephone_s_code_and_for_those_alone_who_may_see_it(
    office: Office, http: Callable[..., httpx.Client], clock: FakeClock
) -> None:
    client, boss = http(), office.somebody(Role.RESPONSIBLE)
    client.get("/messaggi/7")
    assert post(client, boss.name, PASSWORD).headers["Location"] == "/accedi/codice"
    data = {"csrf": token_of(client.get("/accedi/codice").text), "code": boss.code(clock.now())}
    assert client.post("/accedi/codice", data=data).headers["Location"] == "/messaggi/7"
    other, officer = http(), office.somebody(Role.DATA_PROTECTION, totp=False)
    other.get("/messaggi/7")
    assert "/messaggi" not in post(other, officer.name, PASSWORD).headers["Location"]


def test_an_answer_that_was_being_written_is_there_after_signing_in_again(
    office: Office, visit: Callable[..., Visit]
) -> None:
    (key,) = arrive(office, [HELD])
    one, person = visit(), office.somebody(Role.OPERATOR)
    one.sign_in(person)
    one.page.goto(f"/messaggi/{key}/uscita/rispondi")
    one.page.get_by_label("Risposta").fill("Siamo aperti ogni mattina.")
    with office.store.write("sessions end") as tx:
        tx.execute(sa.delete(sessions))
    one.page.get_by_role("button", name="Vedi come parte").click()
    one.page.get_by_label("Nome").fill(person.name)
    one.page.get_by_label("Password").fill(PASSWORD)
    one.page.get_by_role("button", name="Accedi").click()
    expect(one.page.get_by_label("Risposta")).to_have_value("Siamo aperti ogni mattina.")


@pytest.mark.parametrize(
    ("asked", "page"),
    [
        ("/messaggi/1/anteprima", "/messaggi/1"),
        ("/messaggi/1/uscita/rispondi/anteprima", "/messaggi/1/uscita/rispondi"),
        ("/profilo/tasti", "/profilo"),
        ("/smistati/cerca", "/smistati"),
        ("/da-decidere/non-per-noi", "/da-decidere"),
        ("/controlli/modi/crema/proposta", "/controlli"),
    ],
)
def test_reloading_what_was_pressed_shows_its_page_again(
    http: Callable[..., httpx.Client], asked: str, page: str
) -> None:
    answer = http(Role.OPERATOR).get(asked)
    assert (answer.status_code, answer.headers["Location"]) == (303, page)
