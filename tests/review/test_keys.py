"""Single keys: what they press, and how a person turns them off or changes them (WCAG 2.1.4)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.review.browser import Visit, axe
from tests.review.mail import HELD, arrive
from tests.review.office import Office
from triage.acts.people import Role
from triage.review.keys import ACTS, keys_of, keys_on, problem_with

PUT_IN = """() => {
  document.querySelector('main').insertAdjacentHTML('beforeend',
    '<button type="button" data-act="inoltra" id="prova">Inoltra</button><label>Testo <input id="testo"></label>');
  document.querySelector('#prova').addEventListener('click', (event) => { event.target.textContent += '!'; });
}"""

SEND = "Conferma e invia quello che è mostrato"


def put_in(page: Page) -> None:
    page.goto("/da-decidere")
    page.evaluate(PUT_IN)


def test_a_key_presses_what_it_stands_for_but_not_while_somebody_writes(visit: Callable[..., Visit]) -> None:
    one = visit(Role.OPERATOR)
    put_in(one.page)
    one.page.keyboard.press("i")
    expect(one.page.locator("#prova")).to_have_text("Inoltra!")
    one.page.keyboard.press("Control+i")
    one.page.locator("#testo").focus()
    one.page.keyboard.type("iii")
    expect(one.page.locator("#prova")).to_have_text("Inoltra!")
    expect(one.page.locator("#testo")).to_have_value("iii")


def test_what_cannot_be_seen_is_not_pressed(visit: Callable[..., Visit]) -> None:
    one = visit(Role.OPERATOR)
    put_in(one.page)
    one.page.evaluate("document.querySelector('#prova').hidden = true")
    one.page.keyboard.press("i")
    expect(one.page.locator("#prova")).to_have_text("Inoltra")


@pytest.mark.parametrize("javascript", [True, False])
def test_a_person_changes_a_key_and_turns_all_of_them_off(visit: Callable[..., Visit], javascript: bool) -> None:
    one = visit(Role.OPERATOR, javascript=javascript)
    page = one.page
    page.goto("/profilo")
    expect(page.get_by_label("Vai ad «Annulla»; con Invio si annulla", exact=True)).to_be_visible()
    page.get_by_label(SEND, exact=True).fill("w")
    page.get_by_role("button", name="Salva i tasti").click()
    expect(page.locator("#avvisi")).to_contain_text("Tasti salvati")
    expect(page.get_by_label(SEND, exact=True)).to_have_value("w")
    if javascript:
        put_in(page)
        page.keyboard.press("i")
        page.keyboard.press("w")
        expect(page.locator("#prova")).to_have_text("Inoltra!")
    page.goto("/profilo")
    page.get_by_label("Usa i tasti").uncheck()
    page.get_by_role("button", name="Salva i tasti").click()
    expect(page.get_by_label("Usa i tasti")).not_to_be_checked()
    if javascript:
        put_in(page)
        page.keyboard.press("w")
        expect(page.locator("#prova")).to_have_text("Inoltra")
    page.goto("/profilo")
    page.get_by_label("Usa i tasti").check()
    page.get_by_role("button", name="Rimetti i tasti iniziali").click()
    expect(page.get_by_label(SEND, exact=True)).to_have_value("i")


def test_no_key_falls_between_what_is_seen_and_what_listens(visit: Callable[..., Visit], office: Office) -> None:
    """Whoever is quick presses when the page can be seen, however slowly its script comes."""
    arrive(office, [HELD])
    page = visit(Role.OPERATOR).page

    def slowly(route: Route) -> None:
        page.wait_for_timeout(1500)
        route.continue_()

    page.route("**/page.js*", slowly)
    page.goto("/da-decidere", wait_until="commit")
    page.get_by_role("heading", level=1).wait_for(state="visible")
    page.keyboard.press("j")
    expect(page.get_by_role("heading", level=1)).to_have_text("Orari")


def test_two_acts_cannot_have_one_key(visit: Callable[..., Visit]) -> None:
    one = visit(Role.OPERATOR)
    one.page.goto("/profilo")
    one.page.get_by_label(SEND, exact=True).fill("R")
    one.page.get_by_role("button", name="Salva i tasti").click()
    alert = one.page.get_by_role("alert")
    expect(alert).to_contain_text(
        "è usato due volte: per «conferma e invia quello che è mostrato» e per «rispondiamo noi»"
    )
    expect(alert).to_be_focused()
    expect(one.page.get_by_label(SEND, exact=True)).to_have_value("R")
    axe(one.page)


def test_the_first_keys_are_good_and_a_new_act_has_its_own() -> None:
    assert problem_with(keys_of({})) == ""
    assert keys_of({"keys": {"inoltra": "w"}}) | {"inoltra": "i"} == {act: first for act, (first, _) in ACTS.items()}
    refused = f"Per «{SEND.lower()}» serve un solo carattere."
    assert keys_on({})
    assert problem_with({"inoltra": " "}) == problem_with({"inoltra": "ab"}) == refused


def test_nobody_has_keys_before_the_sign_in(office: Office, visit: Callable[..., Visit]) -> None:
    one = visit()
    one.page.goto("/accedi")
    assert one.page.locator("body").get_attribute("data-keys") is None
