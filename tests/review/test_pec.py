"""Certified mail as its reader meets it: what the provider's signature proves stands beside it, no more."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.pec.builders import provider, sample, sealed
from tests.review.browser import WIDTHS, Visit, axe, fits
from tests.review.mail import arrive, row_of
from tests.review.office import Office
from triage.acts.people import Role
from triage.pec.trust import read_anchors
from triage.reading import ParsedMessages

ENVELOPE = "envelope-x-pkcs7-sha1"


@pytest.fixture
def pec_office(office: Office) -> Office:
    """It knows one provider's certificate."""
    office.desk = replace(office.desk, parsed=ParsedMessages(read_anchors(provider().pem)))
    office.app.state.desk = office.desk
    return office


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    ("name", "octets", "lines"),
    [
        (
            "trusted",
            sealed(ENVELOPE),
            ("messaggio di posta certificata", "intatta (gestore riconosciuto)", "Data e ora certificate", "Gestore"),
        ),
        (
            "altered",
            sealed(ENVELOPE).replace(b"alleghiamo il modulo", b"alleghiamo un modulo"),
            (
                "si presenta come messaggio di posta certificata, ma nulla lo conferma",
                "alterata",
                "Data e ora dichiarate",
            ),
        ),
        (
            "receipt",
            sealed("receipt-errore-no-dest"),
            ("avviso di mancata consegna", "intatta (gestore riconosciuto)", "il destinatario non esiste"),
        ),
        ("unsigned", sample("forged-receipt"), ("ma nulla lo conferma",)),
    ],
    ids=["trusted", "altered", "receipt", "unsigned"],
)
def test_what_is_certified_is_told_beside_the_message(
    visit: Callable[..., Visit], pec_office: Office, name: str, octets: bytes, lines: tuple[str, ...], width: int
) -> None:
    (key,) = arrive(pec_office, [octets])
    row = row_of(pec_office, key)
    page = visit(Role.OPERATOR, width=width).page
    page.goto(f"/messaggi/{key}")
    for line in lines:
        expect(page.locator(".testata-lettera")).to_contain_text(line)
    warned = page.locator("#stato").get_by_text("La firma del gestore non corrisponde al messaggio")
    expect(warned).to_have_count(1 if name == "altered" else 0)
    axe(page)
    fits(page)
    page.get_by_role("link", name=re.compile(r"^\w\w-\w{8}$")).click()
    expect(page.locator(".storia")).to_contain_text(
        re.compile(rf"PEC: .*{re.escape(lines[0])}.*firma del gestore: \w+")
    )
    axe(page)
    fits(page)
    if folder := os.environ.get("LOOK"):
        page.screenshot(path=Path(folder) / f"pec-{name}-{width}-{row.state}.png", full_page=True)
