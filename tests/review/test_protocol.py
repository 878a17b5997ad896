"""/protocollo: what must be registered is marked, listed and numbered by keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.review.browser import Visit, axe, fits
from tests.review.mail import a_mail, arrive
from tests.review.office import Office
from triage.acts.people import Role
from triage.record.protocol import note_exported, protocol_entries_of
from triage.record.staff_acts import acts_about, verify_acts

LETTER = a_mail("Chiedo copia degli atti.", "Accesso agli atti", "anna.rossi@example.com", "Anna Rossi")


@pytest.mark.parametrize("javascript", [True, False])
def test_a_message_is_marked_listed_and_numbered(visit: Callable[..., Visit], office: Office, javascript: bool) -> None:
    (key,) = arrive(office, [LETTER])
    page = visit(Role.OPERATOR, javascript=javascript).page
    page.goto("/protocollo")
    expect(page.locator("main")).to_contain_text("Niente da protocollare.")
    page.goto(f"/messaggi/{key}")
    page.get_by_role("button", name="Segna da protocollare").press("Enter")
    expect(page.locator("#stato")).to_contain_text("Da protocollare: lo ha segnato una persona.")
    if javascript:
        axe(page)
    page.goto("/da-decidere?protocollo=si")
    expect(page.locator(".riga")).to_have_count(1)
    expect(page.locator(".riga")).to_contain_text("Da protocollare")
    page.get_by_role("link", name="Da protocollare").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Da protocollare")
    row = page.locator("tbody tr")
    expect(row).to_contain_text("Anna Rossi")
    expect(row).to_contain_text("da protocollare")
    row.get_by_role("link").press("Enter")
    page.get_by_text("Annota il numero di protocollo").press("Enter")
    page.get_by_label("Numero di protocollo").fill("2026/0012345")
    page.get_by_role("button", name="Salva il numero").press("Enter")
    expect(page.locator("#stato")).to_contain_text("Protocollo 2026/0012345.")
    with office.store.read("look") as tx:
        assert protocol_entries_of(tx, [key])[key].number == "2026/0012345"
        assert [act["act"] for act in acts_about(tx, "message", key) if act["act"].startswith("protocol")] == [
            "protocol_marked",
            "protocol_numbered",
        ]
        assert verify_acts(tx) == ()


def test_what_was_exported_is_shown_only_when_asked_for(visit: Callable[..., Visit], office: Office) -> None:
    (key,) = arrive(office, [LETTER])
    page = visit(Role.OPERATOR).page
    page.goto(f"/messaggi/{key}")
    page.get_by_role("button", name="Segna da protocollare").click()
    expect(page.locator("#stato")).to_contain_text("Da protocollare")
    with office.store.write("export") as tx:
        note_exported(tx, [key], "cli:anna")
    page.goto("/protocollo")
    expect(page.locator("main")).to_contain_text("Niente da protocollare.")
    page.get_by_role("link", name="Anche quelli già esportati").click()
    expect(page.locator("tbody tr")).to_contain_text(re.compile("esportato oggi .*, dalla riga di comando \\(anna\\)"))
    axe(page)
    page.goto("/da-decidere?protocollo=si")
    expect(page.locator("main")).to_contain_text("Nessun messaggio con questo filtro.")


def test_the_field_for_the_number_fits_a_narrow_screen(visit: Callable[..., Visit], office: Office) -> None:
    (key,) = arrive(office, [LETTER])
    page = visit(Role.OPERATOR, width=320).page
    page.goto(f"/messaggi/{key}")
    page.get_by_role("button", name="Segna da protocollare").click()
    page.get_by_text("Annota il numero di protocollo").click()
    expect(page.get_by_label("Numero di protocollo")).to_be_visible()
    fits(page)


def test_who_only_looks_marks_nothing(visit: Callable[..., Visit], office: Office) -> None:
    (key,) = arrive(office, [LETTER])
    page = visit(Role.READER).page
    page.goto(f"/messaggi/{key}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Accesso agli atti")
    expect(page.get_by_role("button", name="Segna da protocollare")).to_have_count(0)
