"""Operazioni: who did what, for administrators and whoever answers for data protection; nothing of any message."""

from __future__ import annotations

import ast
import csv
import io
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from tests.review.browser import WIDTHS, Visit, axe, fits, refused
from tests.review.mail import FOR_NOBODY, HELD, arrive
from tests.review.office import Office, token_of
from triage.acts.people import Person, Role
from triage.ids import case_code
from triage.record import Store
from triage.record.acts_watch import mind_the_acts
from triage.record.exceptions import add_exception
from triage.record.identity import secret_of
from triage.record.people_tables import staff_acts
from triage.record.settlements import SETTLED, UNDONE
from triage.record.staff_acts import note_act
from triage.record.tables import messages
from triage.review.words import act_name

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def opened(office: Office, http: Callable[..., httpx.Client]) -> list[str]:
    """Two messages of two cases, one of them opened by Anna Rossi; the cases' codes."""
    keys = arrive(office, [HELD, FOR_NOBODY])
    assert http(Role.OPERATOR).get(f"/messaggi/{keys[0]}").status_code == 200
    with office.store.write("codes") as tx:
        query = sa.select(messages.c.case_id).where(messages.c.id.in_(keys)).order_by(messages.c.id)
        return [case_code(secret_of(tx), case) for case in tx.execute(query).scalars()]


def said(page: httpx.Response) -> list[str]:
    rows = re.findall(r'<td data-label="Chi">([^<]*)</td>\s*<td data-label="Che cosa">([^<]*)</td>', page.text)
    return [f"{who}: {what}" for who, what in rows]


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.DATA_PROTECTION])
def test_what_was_done_on_a_case_is_found_by_its_code(
    opened: list[str], http: Callable[..., httpx.Client], role: Role
) -> None:
    client = http(role)
    assert "Anna Rossi (Operatore): messaggio aperto" in said(client.get("/operazioni"))
    for code, expected in ((opened[0].lower(), 1), (opened[1], 0)):
        page = client.get("/operazioni", params={"caso": f" {code} "})
        assert len(said(page)) == expected
        assert "Orari" not in page.text, "nothing of the message"
    assert "Su questo caso nessuno ha fatto niente." in page.text


def test_a_code_of_no_case_is_told(http: Callable[..., httpx.Client]) -> None:
    page = http(Role.DATA_PROTECTION).get("/operazioni", params={"caso": "AB-CDEFGHJK"})
    assert (page.status_code, "Questo codice di caso non esiste" in page.text) == (422, True)


def test_the_acts_go_on_page_by_page_and_each_is_shown_once(
    office: Office, store: Store, http: Callable[..., httpx.Client]
) -> None:
    client = http(Role.DATA_PROTECTION)
    anna = office.somebody(Role.OPERATOR)
    with store.write("acts") as tx:
        for number in range(120):
            note_act(tx, anna, "download_file", "message", number)
    seen: list[str] = []
    path = "/operazioni"
    for _ in range(5):
        page = client.get(path).text
        seen += re.findall(r'<td data-label="Che cosa">([^<]*)</td>', page)
        onward = re.search(r'href="(/operazioni\?prima=\d+)"', page)
        if onward is None:
            break
        path = onward[1]
    assert seen.count("allegato scaricato") == 120
    with store.read("count") as tx:
        assert len(seen) == tx.execute(sa.select(sa.func.count()).select_from(staff_acts)).scalar_one()


def test_the_download_is_the_table_of_those_days_and_is_itself_an_act(
    opened: list[str], http: Callable[..., httpx.Client]
) -> None:
    client = http(Role.DATA_PROTECTION)
    token = token_of(client.get("/operazioni").text)
    form = {"csrf": token, "dal": "2026-11-26", "al": "2026-11-26"}
    rows = list(
        csv.reader(io.StringIO(client.post("/operazioni/scarica", data=form).text.lstrip("\ufeff")), delimiter=";")
    )
    assert rows[0] == ["Quando", "Chi", "Ruolo adesso", "Che cosa", "Caso", "Numero"]
    assert ["Anna Rossi", "Operatore", "messaggio aperto", opened[0]] in [row[1:5] for row in rows]
    none = client.post("/operazioni/scarica", data=form | {"dal": "2026-11-27", "al": "2026-11-27"})
    assert len(none.text.splitlines()) == 1
    assert client.post("/operazioni/scarica", data=form | {"dal": "27/11/2026", "al": "x"}).status_code == 422
    assert "registro scaricato" in client.get("/operazioni").text


def test_the_page_says_whether_the_seals_were_found_whole(
    store: Store, opened: list[str], http: Callable[..., httpx.Client]
) -> None:
    client = http(Role.DATA_PROTECTION)
    assert "I sigilli non sono ancora stati controllati" in client.get("/operazioni").text
    mind_the_acts(store)
    assert "tutto in ordine" in client.get("/operazioni").text
    with store.write("tamper") as tx:
        tx.execute(sa.update(staff_acts).where(staff_acts.c.act == "open_message").values(actor="nessuno"))
        tx.execute(sa.text("DELETE FROM identity WHERE name = 'staff_acts_whole'"))
    mind_the_acts(store)
    page = client.get("/operazioni").text
    assert "Il registro delle operazioni fatte dalle persone è stato modificato da fuori." in page
    assert "tutto in ordine" not in page


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_can_be_read_and_used(visit: Callable[..., Visit], opened: list[str], width: int) -> None:
    one = visit(Role.DATA_PROTECTION, width=width)
    one.page.goto("/operazioni")
    axe(one.page)
    fits(one.page)
    one.page.get_by_label("Codice del caso").fill(opened[0])
    one.page.get_by_role("button", name="Cerca").click()
    expect(one.page.get_by_role("caption")).to_have_text(f"Operazioni sul caso {opened[0]}, dalla più recente")
    axe(one.page)
    fits(one.page)
    one.page.get_by_label("Codice del caso").fill("AB-CDEFGHJK")
    one.page.get_by_role("button", name="Cerca").click()
    refused(one.page.get_by_label("Codice del caso"), "Questo codice di caso non esiste")
    axe(one.page)


def test_every_act_has_its_words() -> None:
    codes = {*_noted(), SETTLED, UNDONE}
    assert {SETTLED, UNDONE, "signed_in", "take"} <= codes
    assert [code for code in sorted(codes) if act_name(code) == code.replace("_", " ")] == []


def _noted() -> Iterator[str]:
    for path in (ROOT / "triage").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "note_act":
                act = node.args[2]
                yield from (
                    inner.value
                    for inner in ast.walk(act)
                    if isinstance(inner, ast.Constant) and isinstance(inner.value, str)
                )


def test_an_act_on_what_a_message_taught_belongs_to_the_message_s_case(
    office: Office, opened: list[str], http: Callable[..., httpx.Client]
) -> None:
    with office.store.write("taught") as tx:
        number = add_exception(tx, tx.now + timedelta(days=90), kind="mai", sender_key="k", message_id=1)
        boss = Person(None, "bruno", "Bruno", Role.RESPONSIBLE)
        for act, subject, about in (("teach", "exception", number), ("stop", "switch", 0)):
            note_act(tx, boss, act, subject, about)
    client = http(Role.ADMINISTRATOR)
    rows = re.findall(
        r'"Che cosa">([^<]*)</td>\s*<td data-label="Caso">(?:<[^>]*>)?([^<]*)<', client.get("/operazioni").text
    )
    assert (act_name("teach"), opened[0]) in rows
    assert (act_name("stop"), "nessun caso") in rows
    of_case = said(client.get("/operazioni", params={"caso": opened[0]}))
    assert any(act_name("teach") in line for line in of_case)
    assert not any(act_name("teach") in line for line in said(client.get("/operazioni", params={"caso": opened[1]})))
