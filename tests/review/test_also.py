"""A further centre for a message that one has: from its page to the mail that leaves, by keyboard alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.review.browser import WIDTHS, Visit, axe, fits
from tests.review.mail import row_of
from tests.review.office import Office, token_of
from tests.review.outbox import Outbox
from tests.review.test_case import CREMA, LUCIA, OGLIO_PO, code_of, misroute, outbox
from triage.acts.people import Role
from triage.review.mail_text import readable

__all__ = ["misroute", "outbox"]

CONFIRM = "Conferma e inoltra anche qui"


def choose(page: Page) -> None:
    """From the form's heading on, by keyboard alone."""
    expect(page.get_by_role("heading", name="Inoltra anche a un altro centro")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "comune"
    page.keyboard.type("Viadana")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Che cosa parte se confermi")).to_be_focused()


@pytest.mark.parametrize("start", ["case", "message"])
def test_a_further_centre_gets_it_by_keyboard_and_it_is_taken_back(
    visit: Callable[..., Visit], office: Office, outbox: Outbox, misroute: int, start: str
) -> None:
    page = visit(Role.OPERATOR).page
    code = code_of(office, misroute)
    page.goto(f"/casi/{code}" if start == "case" else f"/messaggi/{misroute}")
    page.locator("h1[data-focus]").wait_for()
    page.keyboard.press("a")
    choose(page)
    mails = page.locator(".mail-pronte > li")
    assert mails.count() == 2
    expect(mails.filter(has_text=OGLIO_PO).filter(has_text="Il messaggio, al centro")).to_have_count(1)
    expect(mails.filter(has_text="Avviso del nuovo centro").filter(has_text=LUCIA)).to_have_count(1)
    expect(page.get_by_text("lo ha già, e lo tiene")).to_be_visible()
    page.keyboard.press("i")
    expect(page.get_by_role("button", name="Annulla")).to_be_visible()
    assert page.url == f"{office.url}/casi/{code}"
    assert outbox.send(after=timedelta(minutes=1)) == []
    page.keyboard.press("z")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Annullato: a questo centro non è partito niente.", exact=True)).to_be_visible()
    assert outbox.send(after=timedelta(minutes=10)) == []


def test_without_javascript_what_was_shown_leaves_and_a_correction_asks_which_centre_was_wrong(
    visit: Callable[..., Visit], office: Office, outbox: Outbox, misroute: int
) -> None:
    page = visit(Role.OPERATOR, javascript=False).page
    code = code_of(office, misroute)
    page.goto(f"/casi/{code}")
    page.get_by_role("link", name="Inoltra anche a").click()
    page.get_by_label("Comune dell'altra famiglia").fill("Viadana")
    page.get_by_role("button", name="Vedi che cosa parte").click()
    shown = {
        one.locator(".indirizzo").inner_text(): (one.locator(".testo").text_content() or "").split()
        for one in page.locator(".mail-pronte > li").all()
    }
    page.get_by_role("button", name=CONFIRM).click()
    sent = outbox.send(after=timedelta(minutes=3)) + outbox.send(after=timedelta(minutes=10))
    assert sorted(to for to, _ in sent) == sorted([OGLIO_PO, LUCIA])
    body = outbox.newest_to(LUCIA).get_body(("plain",))
    assert body is not None
    assert readable(body.get_content()).split() == shown[LUCIA]
    page.goto(f"/casi/{code}")
    assert "inoltrato anche a" in page.locator(".storia").inner_text()
    page.get_by_role("link", name="Correggi").click()
    page.get_by_label("Comune della famiglia").fill("Mantova")
    page.get_by_label("la zona era sbagliata").check()
    wrong = page.get_by_role("group", name="Quale centro lo ha ricevuto per errore")
    assert wrong.get_by_role("radio").count() == 2
    wrong.get_by_role("radio").first.check()
    page.get_by_role("button", name="Vedi che cosa parte").click()
    recalls = page.locator(".mail-pronte > li").filter(has_text="Richiesta di cancellare")
    expect(recalls).to_have_count(1)
    expect(recalls).to_contain_text(CREMA)


@pytest.mark.parametrize("width", WIDTHS)
def test_every_state_of_it_is_accessible(
    visit: Callable[..., Visit], office: Office, misroute: int, width: int
) -> None:
    page = visit(Role.OPERATOR, width=width).page
    code = code_of(office, misroute)

    def looked() -> None:
        axe(page)
        fits(page)

    for path in (f"/messaggi/{misroute}", f"/casi/{code}", f"/casi/{code}/anche/{misroute}"):
        page.goto(path)
        looked()
    page.get_by_label("Comune dell'altra famiglia").fill("Crema")
    page.get_by_role("button", name="Vedi che cosa parte").click()
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_role("alert")).to_contain_text("Questo centro lo ha già")
    looked()
    page.get_by_label("Comune dell'altra famiglia").fill("Viadana")
    page.get_by_role("button", name="Vedi che cosa parte").click()
    looked()
    page.get_by_role("button", name=CONFIRM).click()
    expect(page.get_by_role("button", name="Annulla")).to_be_visible()
    looked()
    page.goto(f"/casi/{code}/correggi/{misroute}")
    looked()


def test_who_may_not_and_a_message_of_another_case(
    http: Callable[..., httpx.Client], office: Office, outbox: Outbox, misroute: int
) -> None:
    code = code_of(office, misroute)
    other = next(key for key in range(1, 10) if row_of(office, key).case_id != row_of(office, misroute).case_id)
    for role, message, status in ((Role.READER, misroute, 403), (Role.OPERATOR, other, 404)):
        client = http(role)
        form = {"csrf": token_of(client.get("/accessibilita").text), "seen": "1", "centro": "oglio_po.default"}
        assert client.get(f"/casi/{code}/anche/{message}").status_code == status
        assert client.post(f"/casi/{code}/anche/{message}/anteprima", data=form).status_code == status
        assert client.post(f"/casi/{code}/anche/{message}", data=form).status_code == status
    assert "Inoltra anche a" not in http(Role.READER).get(f"/casi/{code}").text
    assert outbox.send(after=timedelta(minutes=10)) == []
