"""What a page may look like besides its usual state: each is as accessible, and fits a narrow screen.

Other files look at the rest: filters and groups ``test_queue``, errors ``test_required`` and ``test_refusals``, the
message's dialog ``test_letter``, corrections and their undo ``test_case``, certified mail ``test_pec``.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.review.browser import WIDTHS, Visit, axe, fits
from tests.review.mail import DANGER, HELD, a_mail, arrive
from tests.review.office import Office
from triage.acts.people import Role
from triage.record.looking import note_infected

OTHER = a_mail("Quando siete aperti?", "Aperture", "b@example.com", "Bianca Blu")


def looked(page: Page) -> None:
    axe(page)
    fits(page)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_list_empty_stopped_and_with_its_dialog_open(
    visit: Callable[..., Visit], office: Office, width: int
) -> None:
    page = visit(Role.RESPONSIBLE, width=width).page
    page.goto("/da-decidere")
    expect(page.get_by_text("Niente da decidere: è tutto fatto.")).to_be_visible()
    looked(page)
    page.goto("/smistati")
    expect(page.get_by_text("Ancora niente.")).to_be_visible()
    looked(page)
    page.goto("/fermo")
    page.get_by_role("button", name="Ferma tutti gli invii").click()
    page.goto("/da-decidere")
    expect(page.get_by_role("link", name="Tutto fermo: non parte niente")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    looked(page)


@pytest.mark.parametrize("width", WIDTHS)
def test_danger_taken_in_charge_and_a_message_that_a_colleague_has_open(
    visit: Callable[..., Visit], office: Office, width: int
) -> None:
    danger, _ = arrive(office, [DANGER, HELD])
    other = visit(Role.RESPONSIBLE).page
    other.goto(f"/messaggi/{danger}")
    page = visit(Role.OPERATOR, width=width).page
    page.goto("/da-decidere")
    expect(page.get_by_text("Lo ha aperto Bruno Verdi")).to_be_visible()
    expect(page.get_by_text("Nessuno l'ha ancora preso in carico")).to_be_visible()
    looked(page)
    button = page.get_by_role("button", name=re.compile("Presa in carico"))
    row = page.locator(".riga").first
    assert width > 480 or row.locator(".riga-testo").evaluate("e => e.clientWidth") > 250, "the button stands below"
    button.click()
    expect(page.locator("#stato")).to_contain_text("Lo ha aperto anche Bruno Verdi")
    expect(page.locator("#stato")).to_contain_text("Preso in carico da te")
    looked(page)
    page.goto("/da-decidere")
    expect(page.get_by_text("Preso in carico da Anna Rossi")).to_be_visible()
    looked(page)


@pytest.mark.parametrize("width", WIDTHS)
def test_an_infected_message_and_the_bar_that_undoes(visit: Callable[..., Visit], office: Office, width: int) -> None:
    key, _ = arrive(office, [HELD, OTHER])
    with office.store.write("infected") as tx:
        note_infected(tx, key)
    page = visit(Role.OPERATOR, width=width).page
    page.goto(f"/messaggi/{key}")
    expect(page.locator("#stato")).to_contain_text("L'antivirus ha trovato un programma dannoso")
    looked(page)
    page.goto(f"/messaggi/{key}/uscita/telefono")
    page.get_by_label("Nota").fill("Richiamata.")
    page.get_by_role("button", name="Chiudi: ce ne occupiamo per telefono").click()
    expect(page.get_by_role("button", name=re.compile("^Annulla"))).to_be_visible()
    looked(page)
    page.goto("/da-decidere")
    expect(page.get_by_role("button", name=re.compile("^Annulla"))).to_be_visible()
    looked(page)
    page.goto(f"/messaggi/{key}")
    expect(page.locator("#stato")).to_contain_text("Questo messaggio non aspetta più una persona")
    looked(page)


def test_on_paper_there_is_what_was_written_and_nothing_to_press(visit: Callable[..., Visit], office: Office) -> None:
    (key,) = arrive(office, [HELD])
    page = visit(Role.OPERATOR).page
    page.goto(f"/messaggi/{key}")
    page.emulate_media(media="print")
    expect(page.locator(".testo").first).to_be_visible()
    for hidden in ("#menu", ".lettera-decisione", ".barra", ".piede"):
        expect(page.locator(hidden)).to_be_hidden()
    code = page.locator(".testata-lettera a").get_attribute("href") or ""
    page.goto(code)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("main form").first).to_be_hidden()
