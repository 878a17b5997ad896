"""Forms with fields that must be filled in: refused, the field is marked, described by the reason, and focused."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.checks.builders import forwarded
from tests.review.browser import WIDTHS, Visit, axe, fits, refused, unchecked
from tests.review.mail import HELD, arrive, row_of
from tests.review.office import PASSWORD, Office
from triage.acts.people import Role
from triage.review.rendering import HERE

NOTE = "Scrivi una nota: che cosa è stato fatto, o perché si chiude."
ELSEWHERE = {
    ("_case_panel", "sbagliato"): "test_case",
    ("_case_panel", "perche"): "test_case",
    ("_case_panel", "codice"): "test_case",
    ("case", "scelta"): "test_case",
    ("misroute", "risposta"): "test_case",
    ("sign_in", "name"): "test_sign_in",
    ("sign_in", "password"): "test_sign_in",
    ("second_factor_on", "present"): "test_second_factor",
    ("model_promote", "why"): "test_models",
    ("model_back", "why"): "test_models",
}
"""Fields that must be filled in, whose refusal the test of their own page looks at."""
HERE_TESTED = {
    *(("_exit", name) for name in ("ufficio", "testo", "caso", "nota")),
    ("letter", "numero"),
    *(("own_password", name) for name in ("present", "password", "again")),
    ("own", "present"),
    *(("people", name) for name in ("display", "name")),
    ("person", "display"),
    *(("second_factor", name) for name in ("code", "present")),
    ("second_factor_on", "password"),
    ("sign_in_code", "code"),
}


def test_every_field_that_must_be_filled_in_is_looked_at() -> None:
    found = set()
    for file in (HERE / "templates").glob("*.html"):
        text = re.sub(r"\{#.*?#\}", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)
        if file.stem != "_forms":
            found |= {(file.stem, name) for name in re.findall(r"\{\{ field\('(\w+)'", text)}
            tags = re.findall(r"<(?:input|select|textarea)\b(?:\{[{%].*?[}%]\}|[^>])*>", text)
            found |= {
                (file.stem, re.findall(r'name="(\w+)"', tag)[0]) for tag in tags if re.search(r"\brequired\b", tag)
            }
    assert found == HERE_TESTED | set(ELSEWHERE)


def press(page: Page, button: str) -> None:
    unchecked(page)
    page.get_by_role("button", name=button, exact=True).click()


@pytest.mark.parametrize("javascript", [True, False])
@pytest.mark.parametrize(
    ("exit", "button", "field", "says"),
    [
        ("telefono", "Chiudi: ce ne occupiamo per telefono", "Nota", NOTE),
        ("altrove", "Chiudi: ho già risposto", "Nota", NOTE),
        ("chiudi", "Chiudi senza inviare", "Nota", NOTE),
        ("rispondi", "Vedi come parte", "Risposta", "La risposta è ancora vuota"),
        ("ufficio", "Vedi come parte", "Ufficio", "Scegli l'ufficio."),
        ("unisci", "Vedi il caso", "Codice del caso", "Non c'è un caso con questo codice."),
    ],
)
def test_an_exit_without_what_it_needs(
    visit: Callable[..., Visit], office: Office, exit: str, button: str, field: str, says: str, javascript: bool
) -> None:
    (key,) = arrive(office, [HELD])
    page = visit(Role.OPERATOR, javascript=javascript).page
    page.goto(f"/messaggi/{key}/uscita/{exit}")
    one = page.get_by_label(re.compile(f"^{field}"))
    if exit == "ufficio":
        one.select_option("")
    else:
        one.fill("   ")
    press(page, button)
    refused(page.get_by_label(re.compile(f"^{field}")), says)
    expect(page.get_by_role("alert")).to_contain_text(says)
    if javascript:
        axe(page)
    assert row_of(office, key).state == "held"


def test_a_number_of_the_register_that_is_none(visit: Callable[..., Visit], office: Office) -> None:
    (key,) = arrive(office, [HELD])
    page = visit(Role.OPERATOR, width=320).page
    page.goto(f"/messaggi/{key}")
    page.get_by_role("button", name="Segna da protocollare").click()
    page.get_by_text("Annota il numero di protocollo").click()
    page.get_by_label("Numero di protocollo").fill("numero?")
    press(page, "Salva il numero")
    refused(page.get_by_label("Numero di protocollo"), "Scrivi il numero come lo dà il protocollo")
    expect(page.get_by_label("Numero di protocollo")).to_have_value("numero?")
    axe(page)
    fits(page)


@pytest.mark.parametrize(
    ("present", "new", "again", "field", "says"),
    [
        ("non questa", "x", "x", "Password di adesso", "La password di adesso non è corretta."),
        (PASSWORD, "corta", "corta", "Nuova password", "12"),
        (PASSWORD, "tre gatti blu sul tetto alto", "altra", "Nuova password, di nuovo", "non sono uguali"),
    ],
)
def test_the_one_password_that_is_wrong_is_marked(
    visit: Callable[..., Visit], office: Office, present: str, new: str, again: str, field: str, says: str
) -> None:
    page = visit(Role.OPERATOR).page
    page.goto("/profilo/password")
    for label, value in (("Password di adesso", present), ("Nuova password", new), ("Nuova password, di nuovo", again)):
        page.get_by_label(label, exact=True).fill(value)
    press(page, "Salva")
    refused(page.get_by_label(field, exact=True), says)
    expect(page.locator("[aria-invalid]")).to_have_count(1)
    axe(page)


def test_the_password_that_closes_other_sessions(visit: Callable[..., Visit], office: Office) -> None:
    person = office.somebody(Role.OPERATOR)
    office.session(person)
    page = visit(person).page
    page.goto("/profilo")
    page.get_by_label("La tua password").fill("non questa")
    press(page, "Chiudi gli altri accessi")
    refused(page.get_by_label("La tua password"), "La password di adesso non è corretta.")
    axe(page)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_person_without_a_name(visit: Callable[..., Visit], office: Office, width: int) -> None:
    other = office.somebody(Role.OPERATOR)
    page = visit(Role.ADMINISTRATOR, width=width).page
    page.goto("/persone")
    press(page, "Aggiungi")
    refused(page.get_by_label("Nome e cognome"), "Scrivi il nome e cognome della persona.")
    page.get_by_label("Nome e cognome").fill("Elena Viola")
    page.get_by_label("Nome per accedere").fill("Elena Viola")
    press(page, "Aggiungi")
    refused(page.get_by_label("Nome per accedere"), "Il nome")
    axe(page)
    fits(page)
    page.goto(f"/persone/{other.id}")
    page.get_by_label("Nome e cognome").fill(" ")
    page.get_by_label("Ruolo").select_option("responsabile")
    press(page, "Salva")
    refused(page.get_by_label("Nome e cognome"), "Scrivi il nome e cognome della persona.")
    expect(page.get_by_label("Ruolo")).to_have_value("responsabile")
    axe(page)
    fits(page)


def test_a_code_that_is_none_and_a_password_that_is_wrong(visit: Callable[..., Visit], office: Office) -> None:
    page = visit(Role.OPERATOR).page
    page.goto("/profilo/codice")
    page.get_by_label("Codice di sei cifre").fill("000000")
    page.get_by_label("La tua password").fill("non questa")
    press(page, "Attiva")
    refused(page.get_by_label("La tua password"), "La password di adesso non è corretta.")
    expect(page.locator("[aria-invalid]")).to_have_count(1)
    page.get_by_label("La tua password").fill(PASSWORD)
    press(page, "Attiva")
    refused(page.get_by_label("Codice di sei cifre"), "Questo codice non corrisponde.")
    axe(page)


def test_the_password_that_takes_the_code_away(visit: Callable[..., Visit], office: Office) -> None:
    page = visit(office.somebody(Role.OPERATOR, totp=True)).page
    page.goto("/profilo/codice")
    page.get_by_label("La tua password").last.fill("non questa")
    press(page, "Togli il codice")
    refused(page.get_by_label("La tua password").last, "La password di adesso non è corretta.")
    axe(page)


def test_a_wrong_code_at_the_door(visit: Callable[..., Visit], office: Office) -> None:
    person = office.somebody(Role.RESPONSIBLE)
    page = visit().page
    page.goto("/accedi")
    page.get_by_label("Nome").fill(person.name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Accedi").click()
    page.get_by_label("Codice").fill("000000")
    press(page, "Continua")
    refused(page.get_by_label("Codice"), "codice")
    axe(page)


@pytest.mark.parametrize(
    ("chosen", "field", "says"),
    [
        ({}, "Zona", "Scegli la zona."),
        ({"Zona": "crema"}, "Argomento", "Scegli l'argomento."),
        ({"Zona": "crema", "Argomento": "rete"}, "Va a", "Scegli a chi va il messaggio."),
    ],
)
def test_an_answer_of_the_sample_that_lacks_something(
    visit: Callable[..., Visit], office: Office, chosen: dict[str, str], field: str, says: str
) -> None:
    forwarded(office.store, office.knowledge.in_force().rules, 12)
    page = visit(Role.OPERATOR).page
    page.goto("/controlli")
    page.get_by_role("button", name="Controlla il prossimo").click()
    for label, value in chosen.items():
        page.get_by_label(label, exact=True).select_option(value)
    press(page, "Conferma la risposta")
    refused(page.get_by_label(field, exact=True), says)
    axe(page)


@pytest.mark.parametrize(
    ("fields", "at", "says"),
    [
        ({}, "Testo", "Scrivi o incolla un messaggio"),
        ({"Testo": "Ciao", "Chi scrive": "nessuno"}, "Chi scrive", "L'indirizzo di chi scrive non è valido"),
    ],
)
def test_a_message_to_try_that_lacks_something(
    visit: Callable[..., Visit], fields: dict[str, str], at: str, says: str
) -> None:
    page = visit(Role.READER).page
    page.goto("/regole/prova")
    for label, value in fields.items():
        page.get_by_label(re.compile(f"^{label}")).fill(value)
    press(page, "Che cosa succederebbe?")
    refused(page.get_by_label(re.compile(f"^{at}")), says)
    axe(page)
