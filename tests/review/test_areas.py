"""/regole/comuni: ATS ticks the comuni that were only likely to be a project's, and takes a tick back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.review.browser import WIDTHS, Visit, axe, fits
from tests.review.office import DEMO_RULES, Office, token_of
from triage.acts.people import Role
from triage.knowledge import likely_places, unconfirmed_places
from triage.record import Store
from triage.record.areas import ticked_comuni
from triage.record.staff_acts import acts_about

PAGE = "/regole/comuni/crema"
DEMO = DEMO_RULES.read_text(encoding="utf-8")


@pytest.fixture
def open_area(store: Store, office: Office, tmp_path: Path) -> Office:
    """No area is confirmed in the file but two comuni of Crema's."""
    text = DEMO.replace("      confirmed: true\n", "")
    assert text.count("      ambiti: [Cremasco]\n") == 1
    file = tmp_path / "rules.yaml"
    file.write_text(
        text.replace(
            "      ambiti: [Cremasco]\n", "      ambiti: [Cremasco]\n      confirmed: [Agnadello, Bagnolo Cremasco]\n"
        ),
        encoding="utf-8",
    )
    office.knowledge._rules_path = file
    assert office.knowledge.import_files() == ()
    return office


def waiting(office: Office) -> set[str]:
    office.knowledge.look_again()
    rules = office.knowledge.in_force().rules
    return set(unconfirmed_places(rules, rules.projects["crema"]))


@pytest.mark.parametrize("width", WIDTHS)
def test_a_responsabile_ticks_by_keyboard_and_takes_back(
    open_area: Office, store: Store, visit: Callable[..., Visit], width: int
) -> None:
    before = waiting(open_area)
    one = visit(Role.RESPONSIBLE, width=width)
    one.page.goto("/regole")
    one.page.get_by_role("link", name="Conferma i comuni di").first.click()
    axe(one.page)
    fits(one.page)
    assert f"{len(before)} comuni da confermare" in one.page.inner_text("main")
    assert "Agnadello, confermato nel file delle regole" in one.page.inner_text("main")
    for name in ("Camisano", "Capralba"):
        one.page.get_by_label(name, exact=True).focus()
        one.page.keyboard.press("Space")
    one.page.keyboard.press("Enter")
    one.page.wait_for_url("**" + PAGE)
    one.page.get_by_text("2 comuni confermati.").wait_for()
    axe(one.page)
    assert before - waiting(open_area) == {"Camisano", "Capralba"}
    one.page.get_by_label("Camisano", exact=True).uncheck()
    one.page.get_by_role("button", name="Salva").click()
    one.page.get_by_text("un comune non più confermato.").wait_for()
    assert before - waiting(open_area) == {"Capralba"}
    with store.read("acts") as tx:
        assert [act["act"] for act in acts_about(tx, "project", 0)] == ["comuni_confirmed", "comuni_unconfirmed"]


def test_only_who_answers_for_the_projects_ticks(open_area: Office, http: Callable[..., httpx.Client]) -> None:
    for role in (Role.READER, Role.OPERATOR):
        client = http(role)
        page = client.get(PAGE)
        assert (page.status_code, "Salva" in page.text) == (200, False)
        refused = client.post(PAGE, data={"csrf": token_of(page.text), "comune": "Camisano"})
        assert refused.status_code == 403
    assert client.get("/regole/comuni/nessuno").status_code == 404


def test_what_somebody_else_ticked_meanwhile_stays(
    open_area: Office, store: Store, http: Callable[..., httpx.Client]
) -> None:
    first, second = http(Role.RESPONSIBLE), http(Role.ADMINISTRATOR)
    mine, other = token_of(first.get(PAGE).text), token_of(second.get(PAGE).text)
    second.post(PAGE, data={"csrf": other, "comune": ["Camisano"]})
    first.post(PAGE, data={"csrf": mine, "comune": ["Capralba"]})
    with store.read("look") as tx:
        assert ticked_comuni(tx) == {("crema", "Camisano"), ("crema", "Capralba")}


@pytest.mark.parametrize("name", ["Crema", "Milano", "Viadana", "Agnadello';--"])
def test_what_is_no_likely_comune_of_the_project_is_refused(
    open_area: Office, store: Store, http: Callable[..., httpx.Client], name: str
) -> None:
    client = http(Role.RESPONSIBLE)
    rules = open_area.knowledge.in_force().rules
    assert name not in likely_places(rules, rules.projects["crema"])
    token = token_of(client.get(PAGE).text)
    page = client.post(PAGE, data={"csrf": token, "comune": [name, "Camisano"]}, follow_redirects=True)
    assert "controlla di nuovo i comuni" in page.text
    with store.read("look") as tx:
        assert ticked_comuni(tx) == frozenset(), "nothing of it is taken"


def test_a_project_whose_every_comune_is_ticked_lacks_nothing_of_its_area(
    open_area: Office, http: Callable[..., httpx.Client]
) -> None:
    client = http(Role.RESPONSIBLE)
    token = token_of(client.get(PAGE).text)
    page = client.post(PAGE, data={"csrf": token, "comune": sorted(waiting(open_area))}, follow_redirects=True)
    assert "Tutti confermati." in page.text
    assert waiting(open_area) == set()
    assert "46 da confermare" not in client.get("/regole").text
