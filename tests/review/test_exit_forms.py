"""What the forms of the ways out begin with, and whom a page's reader is told to write to."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx
import pytest

from tests.review.mail import a_mail, arrive
from tests.review.office import Office, token_of
from triage.acts.people import Role


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("Buongiorno, abito a Suzzara con due bambini: quali laboratori ci sono?", "centro_suzzara"),
        ("Siamo una famiglia di Cremona, cerchiamo un gruppo per neomamme.", "centro_cremona"),
        ("Buongiorno, abbiamo due bambini: quali laboratori ci sono?", ""),
    ],
)
def test_the_office_of_the_message_s_place_is_chosen_already(
    http: Callable[..., httpx.Client], office: Office, text: str, chosen: str
) -> None:
    (key,) = arrive(office, [a_mail(text)])
    page = http(Role.OPERATOR).get(f"/messaggi/{key}/uscita/ufficio").text
    assert re.findall(r'<option value="(\w+)" selected', page) == ([chosen] if chosen else [])
    assert ("per il luogo nominato nel messaggio" in page) is bool(chosen)


def test_barriers_are_reported_to_people_and_not_to_the_families_mailbox(
    http: Callable[..., httpx.Client], office: Office
) -> None:
    page = http(None).get("/accessibilita").text
    assert re.findall(r'href="mailto:([^"]+)"', page) == ["accessibilita@example.org"]
    assert office.knowledge.in_force().rules.service.address not in page


@pytest.mark.parametrize(("chosen", "shown"), [("solita", "solita"), ("24", "ora"), ("mai", "mai")])
def test_what_was_said_of_the_acknowledgement_is_chosen_already(
    http: Callable[..., httpx.Client], office: Office, chosen: str, shown: str
) -> None:
    (key,) = arrive(office, [a_mail("Buongiorno, abbiamo due bambini: quali laboratori ci sono?")])
    client = http(Role.OPERATOR)
    path = f"/messaggi/{key}/uscita/ricevuta"
    for wait in (chosen, shown):
        page = client.get(path).text
        data = {"csrf": token_of(page), "seen": re.findall(r'name="seen" value="(\d+)"', page)[0], "attesa": wait}
        assert client.post(path, data=data).status_code == 303
        assert re.findall(r'value="(\w+)" checked', client.get(path).text) == [shown]
