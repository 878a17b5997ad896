"""Every page: accessible, narrow enough, without a request to anybody else, and open to those who may see it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.review.browser import WIDTHS, Visit, axe, fits
from triage.acts.people import Role

OPEN = ("/accedi", "/accessibilita")
PAGES = (
    *(
        "/da-decidere",
        "/smistati",
        "/protocollo",
        "/errori",
        "/controlli",
        "/andamento",
        "/regole",
        "/modelli",
        "/persone",
    ),
    *("/profilo", "/profilo/password", "/profilo/codice", "/fermo", "/accessibilita", "/non-esiste"),
)


@pytest.mark.parametrize("width", WIDTHS)
def test_pages_for_everybody_are_accessible(visit: Callable[..., Visit], width: int) -> None:
    one = visit(width=width)
    for path in OPEN:
        one.page.goto(path)
        axe(one.page)
        fits(one.page)


@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_is_accessible(visit: Callable[..., Visit], width: int) -> None:
    one = visit(Role.ADMINISTRATOR, width=width)
    for path in PAGES:
        one.page.goto(path)
        axe(one.page)
        fits(one.page)
