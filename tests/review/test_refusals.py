"""What a page says when it is refused or out of reach: in words, with what to do, and nothing typed is lost."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, Route, expect

from tests.review.browser import WIDTHS, Visit, axe, fits
from tests.review.mail import FOR_NOBODY, HELD, arrive, row_of
from tests.review.office import Office
from triage.acts.people import Act, Role, may
from triage.record.people_tables import people, sessions
from triage.review.app import plain_page
from triage.review.words import role_needed
from triage.vocabulary import MessageState

NOTE = "Chiamata la famiglia: richiama lunedì."


@pytest.fixture
def typing(visit: Callable[..., Visit], office: Office) -> Page:
    """Somebody who has typed a note and not yet sent it."""
    (key,) = arrive(office, [HELD])
    page = visit(Role.OPERATOR).page
    page.goto(f"/messaggi/{key}")
    page.keyboard.press("t")
    expect(page.get_by_role("heading", name="Presa in carico per telefono")).to_be_focused()
    page.get_by_label("Nota").fill(NOTE)
    return page


def press(page: Page) -> None:
    page.get_by_role("button", name="Chiudi: ce ne occupiamo per telefono").click()


def told(page: Page, text: str) -> None:
    """The words stand in the live region, have the focus, and the note is where it was."""
    expect(page.locator("#avvisi[role=status] .alert-danger")).to_contain_text(text)
    expect(page.locator("#avvisi .alert-danger")).to_be_focused()
    expect(page.get_by_label("Nota")).to_have_value(NOTE)


def answer_by(page: Page, status: int, body: str) -> None:
    def fulfil(route: Route) -> None:
        if route.request.method == "POST":
            route.fulfill(status=status, content_type="text/html", body=body)
        else:
            route.continue_()

    page.route("**/messaggi/**", fulfil)


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (403, "Chiedi a chi gestisce gli accessi."),
        (409, "ricarica la pagina e guarda com'è adesso"),
        (422, "controlla e riprova"),
        (429, "Aspetta un minuto e riprova."),
        (500, "Riprova tra poco."),
        (502, "Riprova tra poco."),
        (503, "Il servizio adesso non risponde"),
    ],
)
def test_what_another_machine_on_the_way_answers_is_told_in_words_of_ours(typing: Page, status: int, text: str) -> None:
    answer_by(typing, status, "<html><body><h1>Error from a proxy</h1></body></html>")
    press(typing)
    told(typing, text)
    expect(typing.get_by_text("Error from a proxy")).to_have_count(0)


@pytest.mark.parametrize("status", [409, 413, 422, 500, 503])
def test_a_refusal_of_the_service_is_told_in_its_own_words(typing: Page, status: int) -> None:
    page = bytes(plain_page(None, status, "").body).decode()  # type: ignore[arg-type]
    answer_by(typing, status, page)
    press(typing)
    told(typing, page.split("<p>")[1].split("</p>")[0])


def test_when_the_service_is_out_of_reach_the_form_can_be_sent_again(typing: Page, office: Office) -> None:
    typing.route("**/*", lambda route: route.abort())
    press(typing)
    told(typing, "La pagina non raggiunge il servizio. Controlla la rete")
    axe(typing)
    typing.unroute("**/*")
    press(typing)
    expect(typing.locator("#avvisi")).to_contain_text("Chiuso: se ne occupa una persona per telefono")


@pytest.mark.parametrize("width", WIDTHS)
def test_whoever_lost_the_role_is_told_which_one_is_needed(
    visit: Callable[..., Visit], office: Office, width: int
) -> None:
    (key,) = arrive(office, [HELD])
    person = office.somebody(Role.OPERATOR)
    page = visit(person, width=width).page
    page.goto(f"/messaggi/{key}/uscita/telefono")
    page.get_by_label("Nota").fill(NOTE)
    with office.store.write("lower") as tx:
        tx.execute(sa.update(people).where(people.c.id == person.id).values(role=Role.READER))
    press(page)
    told(page, "Serve il ruolo Operatore, Responsabile o Amministratore; il tuo è Sola lettura.")
    axe(page)
    fits(page)
    assert row_of(office, key).state == MessageState.HELD


def test_a_page_that_was_open_too_long_says_so_above_what_was_typed(typing: Page, office: Office) -> None:
    with office.store.write("renew") as tx:
        tx.execute(sa.update(sessions).values(csrf="another"))
    press(typing)
    told(typing, "La pagina era aperta da troppo tempo")


def test_a_refused_bulk_leaves_the_ticks(visit: Callable[..., Visit], office: Office) -> None:
    (key,) = arrive(office, [FOR_NOBODY])
    page = visit(Role.OPERATOR).page
    page.goto("/da-decidere")
    page.get_by_role("checkbox", name="Scegli il messaggio").check()
    with office.store.write("urgent") as tx:
        tx.execute(sa.text("UPDATE messages SET urgent = 1"))
    page.get_by_role("button", name="Segna gli scelti come non per noi").click()
    expect(page.locator("#avvisi .alert-danger")).to_contain_text("gli altri si aprono uno per uno")
    expect(page.get_by_role("checkbox", name="Scegli il messaggio")).to_be_checked()
    assert row_of(office, key).state == MessageState.HELD


@pytest.mark.parametrize("act", Act)
def test_every_act_has_its_words_for_whoever_may_not(act: Act) -> None:
    for role in Role:
        if not may(role, act):
            said = role_needed(act, role)
            assert said.startswith("Serve il ruolo ")
            assert said.count("Amministratore") == 1


def test_a_page_that_a_role_may_not_open_names_the_role(http: Callable[..., httpx.Client]) -> None:
    page = http(Role.OPERATOR).get("/persone")
    assert page.status_code == 403
    assert "Serve il ruolo Amministratore; il tuo è Operatore." in page.text
    register = http(Role.OPERATOR).get("/errori").text
    assert "Responsabile, Amministratore o Responsabile della protezione dei dati (RPD)" in register
