"""A confirmation holds for what was shown: when another mail would leave by it, none does and the new one is shown."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx
import pytest

from tests.record.builders import dispatches
from tests.review.browser import Visit, axe
from tests.review.mail import FOR_NOBODY, HELD, arrive, row_of
from tests.review.office import DEMO_RULES, Office, shown_in, token_of
from triage.acts.people import Role
from triage.record.mailboxes import note_probe
from triage.record.settlements import settlements_of
from triage.vocabulary import MessageState

OTHER = "Nel frattempo è cambiato quello che partirebbe: controlla di nuovo."


def settled(office: Office, key: int) -> list[str]:
    with office.store.read("look") as tx:
        return [row.exit for row in settlements_of(tx, key)]


def test_an_address_changed_meanwhile_is_shown_before_anything_goes_to_it(
    visit: Callable[..., Visit], office: Office, change_rules: Callable[[str, str], None]
) -> None:
    (key,) = arrive(office, [HELD])
    page = visit(Role.OPERATOR).page
    page.goto(f"/messaggi/{key}")
    page.get_by_text("Scegli tu comune").click()
    page.get_by_label("Comune della famiglia").fill("Viadana")
    page.get_by_role("button", name="Vedi che cosa parte").click()
    page.get_by_label("Nota per i colleghi").fill("sentita la mamma")
    change_rules("info@consociale.it", "nuovo@consociale.it")
    page.get_by_role("button", name="Conferma e inoltra").click()
    page.get_by_text(OTHER).wait_for()
    assert "nuovo@consociale.it" in page.inner_text("#passo")
    assert page.get_by_label("Nota per i colleghi").input_value() == "sentita la mamma"
    axe(page)
    assert (settled(office, key), row_of(office, key).state) == ([], MessageState.HELD)
    page.get_by_role("button", name="Conferma e inoltra").click()
    page.locator("#avvisi").get_by_text("Va a").wait_for()
    assert {one.forward_path for one in dispatches(office.store, key) if one.kind == "forward"} == {
        "nuovo@consociale.it"
    }


def test_a_confirmation_without_a_preview_sends_nothing(http: Callable[..., httpx.Client], office: Office) -> None:
    (key,) = arrive(office, [HELD])
    client = http(Role.OPERATOR)
    data = {"csrf": token_of(client.get(f"/messaggi/{key}").text), "seen": "1", "comune": "Viadana"}
    answer = client.post(f"/messaggi/{key}/inoltra", data=data)
    assert (answer.status_code, settled(office, key)) == (422, [])
    assert OTHER in answer.text
    assert shown_in(answer.text)


@pytest.mark.parametrize(
    ("exit", "given"),
    [("rispondi", {"testo": "Siamo aperti dalle 9."}), ("ufficio", {"ufficio": "urp_ats"}), ("comune", {})],
)
def test_a_letter_by_staff_holds_for_what_was_shown(
    http: Callable[..., httpx.Client],
    office: Office,
    change_rules: Callable[[str, str], None],
    exit: str,
    given: dict[str, str],
) -> None:
    arrive(office, [FOR_NOBODY])
    with office.store.write("probe") as tx:
        note_probe(tx, "generale", "", "", return_path=True, plus=False)
    (key,) = arrive(office, [HELD])
    client = http(Role.OPERATOR)
    path = f"/messaggi/{key}/uscita/{exit}"
    page = client.get(path).text
    data = {"csrf": token_of(page), "seen": str(row_of(office, key).generation), **given}
    if exit != "comune":
        page = client.post(f"{path}/anteprima", data=data).text
    name = re.search(r"^  name: (.+)$", DEMO_RULES.read_text(encoding="utf-8"), re.MULTILINE)
    assert name is not None
    change_rules(name[0], '  name: "Sportello famiglie di prova"')
    answer = client.post(path, data=data | {"mostrato": shown_in(page)})
    assert (answer.status_code, settled(office, key)) == (422, [])
    assert OTHER in answer.text
    again = client.post(path, data=data | {"mostrato": shown_in(answer.text)})
    assert (again.status_code, len(settled(office, key))) == (303, 1)
