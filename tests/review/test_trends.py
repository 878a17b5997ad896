"""/andamento: numbers with pictures and tables, small ones hidden everywhere, saved without danger."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa

from tests.checks.builders import forwarded, proposed
from tests.fakes import FakeClock
from tests.review.browser import WIDTHS, Visit, axe, fits
from tests.review.mail import HELD, arrive
from tests.review.office import Office, token_of
from triage.acts.people import Role
from triage.record import Store
from triage.record.destinations import note_destination_moved
from triage.record.figures import waiting
from triage.record.ledger import AFTER_RECEPTION, BEFORE_RECEPTION
from triage.record.people_tables import staff_acts
from triage.record.tables import audit, decisions, messages
from triage.review.trend_words import LEDGER_NAMES


@pytest.fixture
def busy(store: Store, office: Office, clock: FakeClock) -> Store:
    """Some weeks of mail, and a topic that occurred twice; then it is two weeks later."""
    rules = office.knowledge.in_force().rules
    for _ in range(3):
        forwarded(store, rules, 30)
        forwarded(store, rules, 20, "mantova")
        proposed(store, rules, 12, "oglio_po")
        clock.forward(timedelta(weeks=1))
    with store.write("rare") as tx:
        tx.execute(sa.update(decisions).where(decisions.c.message_id <= 2).values(topic="sperimentazione"))
    return store


def _saved(client: httpx.Client, name: str) -> httpx.Response:
    return client.post(f"/andamento/scarica/{name}", data={"csrf": token_of(client.get("/andamento").text)})


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_is_accessible_with_and_without_mail(visit: Callable[..., Visit], busy: Store, width: int) -> None:
    page = visit(Role.RESPONSIBLE, width=width).page
    page.goto("/andamento")
    axe(page)
    fits(page)
    pictures = page.get_by_role("img", name="Messaggi per centro")
    assert pictures.is_visible()


def test_every_group_of_the_ledger_has_a_name() -> None:
    assert set(LEDGER_NAMES) == {"listed", "received", *BEFORE_RECEPTION, *AFTER_RECEPTION}


def test_an_empty_record_has_a_page_too(visit: Callable[..., Visit]) -> None:
    page = visit(Role.READER).page
    page.goto("/andamento")
    axe(page)
    assert page.get_by_text("Nessun messaggio aspetta una persona.").is_visible()


def test_every_number_of_a_picture_stands_in_a_table(visit: Callable[..., Visit], busy: Store) -> None:
    page = visit(Role.READER).page
    page.goto("/andamento")
    table = page.get_by_role("table", name="Messaggi per settimana e centro").inner_text()
    for number in ("90", "60", "36", "186"):
        assert number in table


def test_the_present_week_is_shown_as_unfinished_and_is_not_saved(
    http: Callable[..., httpx.Client], store: Store, office: Office, clock: FakeClock
) -> None:
    forwarded(store, office.knowledge.in_force().rules, 30)
    forwarded(store, office.knowledge.in_force().rules, 3, "mantova")
    client = http(Role.RESPONSIBLE)
    text = client.get("/andamento").text
    row = re.findall(r"<tr>(?:(?!</tr>).)*\(in corso\)(?:(?!</tr>).)*</tr>", text, re.DOTALL)[0]
    assert ">33<" in row
    assert ">3<" not in row
    assert text.count("(in corso)</th>") == 3, "weeks before the first mail are left out"
    assert "dal 16/11" not in text
    assert "in corso" not in _saved(client, "centri").content.decode("utf-8-sig")
    clock.forward(timedelta(weeks=1))
    assert "33" in _saved(http(Role.RESPONSIBLE), "centri").content.decode("utf-8-sig")


def test_a_rare_topic_is_hidden_and_cannot_be_computed(http: Callable[..., httpx.Client], busy: Store) -> None:
    text = _saved(http(Role.RESPONSIBLE), "argomenti").content.decode("utf-8-sig")
    rows = list(csv.reader(text.splitlines(), delimiter=";"))
    assert rows[0] == ["Argomento", "Messaggi"]
    shown = {row[0]: row[1] for row in rows[1:]}
    hidden = [name for name, count in shown.items() if count == "non mostrato"]
    assert len(hidden) >= 2
    assert "Totale" not in hidden


def test_what_is_saved_is_what_an_italian_spreadsheet_opens_and_is_on_record(
    http: Callable[..., httpx.Client], busy: Store
) -> None:
    answer = _saved(http(Role.RESPONSIBLE), "centri")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="andamento-centri-2026-12-17.csv"'
    assert answer.content.startswith(b"\xef\xbb\xbfSettimana;")
    with busy.read("look") as tx:
        acts = list(tx.execute(sa.select(staff_acts.c.params).where(staff_acts.c.act == "figures_exported")).scalars())
    assert acts == [{"table": "centri"}]


def test_only_a_responsible_saves_and_counts_everything(http: Callable[..., httpx.Client]) -> None:
    for role, allowed in ((Role.READER, False), (Role.OPERATOR, False), (Role.RESPONSIBLE, True)):
        client = http(role)
        token = token_of(client.get("/andamento").text)
        for path in ("/andamento/scarica/lingue", "/andamento/registro"):
            assert (client.post(path, data={"csrf": token}).status_code != 403) is allowed
    assert client.post("/andamento/scarica/persone", data={"csrf": token}).status_code == 404


def test_the_ledger_is_counted_on_demand_and_says_when_it_does_not_close(
    visit: Callable[..., Visit], busy: Store
) -> None:
    page = visit(Role.RESPONSIBLE).page
    page.goto("/andamento")
    page.get_by_role("button", name="Controlla tutto il registro adesso").click()
    page.get_by_text("All'ultimo controllo completo il registro quadrava.").wait_for()
    with busy.write("tamper") as tx:
        tx.execute(sa.delete(audit).where(audit.c.event == "listed", audit.c.subject_id == 1))
    page.get_by_role("button", name="Controlla tutto il registro adesso").click()
    page.get_by_text("Il registro non quadra: avvisa subito chi gestisce il servizio.").wait_for()
    axe(page)


@pytest.mark.parametrize("how", ["changed", "deleted"])
def test_tampering_with_the_record_of_acts_is_told_by_the_same_button(
    http: Callable[..., httpx.Client], busy: Store, how: str
) -> None:
    client = http(Role.RESPONSIBLE)
    _saved(client, "centri")

    def checked() -> str:
        client.post("/andamento/registro", data={"csrf": token_of(client.get("/andamento").text)})
        return client.get("/andamento").text

    said = "Il registro delle operazioni fatte dalle persone è stato modificato da fuori."
    assert said not in checked()
    with busy.write("tamper") as tx:
        newest = staff_acts.c.id == sa.select(sa.func.max(staff_acts.c.id)).scalar_subquery()
        change = sa.update(staff_acts).values(act="take") if how == "changed" else sa.delete(staff_acts)
        tx.execute(change.where(newest))
    page = checked()
    assert page.count(said) == 2, "as a notice, and with the result that stays"
    assert "il registro quadrava" not in page
    assert "il registro non quadrava" not in page, "every message is where it belongs"


def test_a_sick_address_is_shown_with_what_is_wrong(visit: Callable[..., Visit], busy: Store) -> None:
    with busy.write("moved") as tx:
        note_destination_moved(tx, "crema", "orientagiovani@comune.crema.cr.it")
    page = visit(Role.READER).page
    page.goto("/andamento")
    row = page.get_by_role("table", name="Indirizzi di centri che non ricevono posta").inner_text()
    assert "dice di essersi trasferito" in row
    assert page.get_by_text("Un indirizzo di un centro non riceve posta").is_visible()
    axe(page)


def test_the_oldest_that_waits_is_as_old_as_in_the_list(store: Store, office: Office, clock: FakeClock) -> None:
    (key,) = arrive(office, [HELD])
    arrived = clock.now() - timedelta(days=3)
    with store.write("old") as tx:
        tx.execute(sa.update(messages).where(messages.c.id == key).values(internal_date=arrived))
    with store.read("look") as tx:
        found = waiting(tx, [timedelta(days=2)])
    assert (found.count, found.oldest, found.longer) == (1, arrived, (1,))
