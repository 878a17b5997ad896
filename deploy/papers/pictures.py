"""The pictures of the staff guide: the running page in Chromium, with invented mail, at a fixed moment.

Leaves PNG files. They are taken anew when the page changes (``make pictures``); a test takes them and holds that each
shows what the guide says of it, not that every dot is the same: letters are drawn a little differently everywhere.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.fakes import FakeClock
from tests.review.browser import Visit, chromium
from tests.review.mail import a_mail, arrive
from tests.review.office import Office
from triage.acts.people import Role
from triage.record import Store

WIDTH, HEIGHT = 1200, 760
MAIL = (
    a_mail(
        "Buongiorno, abbiamo due bambini di tre e cinque anni e vorremmo sapere se ci sono laboratori il sabato.\n\n"
        "Cordiali saluti, Paola Conti\n",
        "Laboratori per bambini",
        "paola.conti@example.com",
        "Paola Conti",
    ),
    a_mail(
        "Buongiorno, abitiamo a Viadana. Da quando ci siamo separati nostro figlio non vuole più andare a scuola e non "
        "sappiamo come parlargli. C'è qualcuno che può ascoltarci?\n\nMarco Ferri\n",
        "Nostro figlio",
        "marco.ferri@example.com",
        "Marco Ferri",
    ),
    a_mail(
        "Ho paura a tornare a casa, ieri sera mi ha picchiata davanti ai bambini. Abito a Crema. Non so a chi dirlo.\n",
        "Aiuto",
        "s.m@example.com",
        "S. M.",
    ),
    a_mail(
        "Offerta speciale! Toner e carta per il vostro ufficio al miglior prezzo. Ordina entro venerdì.\n",
        "Sconti sul materiale da ufficio",
        "offerte@example.net",
        "Forniture Ufficio",
    ),
)
"""Invented families, and a seller."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A file's name, and the steps that bring the page to what it shows; the last thing to be seen is in it."""

    name: str
    go: Callable[[Page, list[int]], None]


def _list(page: Page, _: list[int]) -> None:
    page.goto("/da-decidere")
    expect(page.get_by_role("heading", name="Da leggere oggi")).to_be_visible()


def _message(page: Page, numbers: list[int]) -> None:
    page.goto(f"/messaggi/{numbers[0]}")
    expect(page.get_by_role("heading", name="Perché aspetta")).to_be_visible()


def _preview(page: Page, numbers: list[int]) -> None:
    page.goto(f"/messaggi/{numbers[0]}")
    if not page.get_by_label("Comune della famiglia").is_visible():
        page.get_by_text("Scegli tu comune").click()
    page.get_by_label("Comune della famiglia").fill("Viadana")
    page.get_by_role("button", name="Vedi che cosa parte").click()
    heading = page.get_by_role("heading", name="Che cosa parte se confermi")
    expect(heading).to_be_visible()
    heading.evaluate("one => one.scrollIntoView({block: 'start'})")


def _undo(page: Page, _: list[int]) -> None:
    page.get_by_role("button", name="Conferma e inoltra").click()
    expect(page.get_by_role("button", name="Annulla").first).to_be_visible()


def _danger(page: Page, numbers: list[int]) -> None:
    page.goto(f"/messaggi/{numbers[2]}")
    expect(page.get_by_role("button", name="Presa in carico").first).to_be_visible()


def _done(page: Page, _: list[int]) -> None:
    page.goto("/smistati")
    expect(page.get_by_role("heading", name="Smistati", level=1)).to_be_visible()


def _sign_in(page: Page, _: list[int]) -> None:
    page.goto("/accedi")
    expect(page.get_by_role("heading", name="Accedi")).to_be_visible()


PICTURES = (
    Picture("elenco", _list),
    Picture("messaggio", _message),
    Picture("anteprima", _preview),
    Picture("annulla", _undo),
    Picture("pericolo", _danger),
    Picture("smistati", _done),
)
"""In the order of the work: each begins where the one before ended."""
BEFORE = Picture("accesso", _sign_in)
"""Before anybody is signed in."""


def take_all(folder: Path) -> list[Path]:
    """Take every picture into the folder; the files, in order. Raises what Playwright raises when the page differs."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as state:
        store = Store(f"sqlite:///{state}/triage.db", FakeClock(datetime(2026, 11, 26, 9, 30, tzinfo=UTC)))
        store.migrate()
        office = Office(store)
        try:
            return _take(office, folder)
        finally:
            office.close()
            store.close()


def _take(office: Office, folder: Path) -> list[Path]:
    numbers = arrive(office, MAIL)
    taken = []
    with chromium() as browser:
        visit = Visit(browser, office, width=WIDTH)
        visit.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
        for picture in (BEFORE, *PICTURES):
            if picture is PICTURES[0]:
                visit.sign_in(office.somebody(Role.OPERATOR))
            picture.go(visit.page, numbers)
            # A picture shows the page at rest: without the ring around what has the focus.
            visit.page.evaluate("document.activeElement?.blur()")
            path = folder / f"{picture.name}.png"
            visit.page.screenshot(path=path, animations="disabled")
            taken.append(path)
        visit.close()
    return taken
