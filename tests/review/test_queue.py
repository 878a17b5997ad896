"""/da-decidere: possible danger first, then age; bulk only for what is perhaps not for us; by index only."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from tests.cost import slowness
from tests.fakes import FakeClock
from tests.record.builders import a_mailbox
from tests.review.browser import WIDTHS, Visit, axe, fits
from tests.review.mail import DANGER, FOR_NOBODY, HELD, a_mail, arrive, row_of
from tests.review.office import Office, token_of
from triage.acts.people import Role
from triage.record import Store
from triage.record.mailboxes import note_probe
from triage.record.tables import decisions, messages, rescored
from triage.record.waiting_list import Group, Wanted, group_sizes, next_waiting, waiting_page
from triage.vocabulary import MessageState

OTHER_ADVERT = FOR_NOBODY.replace(b"vendite@", b"offerte@").replace(b"penne", b"tazze")


@pytest.fixture
def waiting(office: Office) -> list[int]:
    """A family, an advertisement, possible danger, another advertisement: in the order of their arrival."""
    return arrive(office, [HELD, FOR_NOBODY, DANGER, OTHER_ADVERT])


def in_order(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'class="riga-oggetto" href="/messaggi/(\d+)"', page)]


def headings(page: str) -> list[str]:
    found = re.findall(r'<h2 class="h4" id="titolo-.*?</h2>', page, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]*>", " ", one).split()) for one in found]


def put_aside(office: Office, message_id: int) -> None:
    with office.store.write("aside") as tx:
        tx.execute(
            sa.update(messages)
            .where(messages.c.id == message_id)
            .values(state=MessageState.QUARANTINED, hold_reason="tre_interruzioni")
        )


def test_possible_danger_comes_first_then_the_oldest_then_what_is_perhaps_not_for_us(
    http: Callable[..., httpx.Client], office: Office, waiting: list[int]
) -> None:
    (aside,) = arrive(office, [a_mail("Che orari fate il sabato?", "Orari", "r@example.com")])
    put_aside(office, aside)
    page = http(Role.READER).get("/da-decidere").text
    assert in_order(page) == [waiting[2], waiting[0], waiting[1], waiting[3], aside]
    assert headings(page) == [
        "Da leggere oggi: possibile pericolo (1)",
        "Da decidere (1)",
        "Forse non per noi (2)",
        "In quarantena (1)",
    ]


def test_the_key_opens_the_first_message_also_where_only_the_last_group_has_any(
    visit: Callable[..., Visit], office: Office
) -> None:
    (advert,) = arrive(office, [FOR_NOBODY])
    page = visit(Role.OPERATOR).page
    page.goto("/da-decidere")
    expect(page.get_by_text("Niente da decidere: è tutto fatto.")).to_be_visible()
    page.keyboard.press("j")
    page.wait_for_url(f"**/messaggi/{advert}")


def test_only_what_is_perhaps_not_for_us_is_settled_together(
    visit: Callable[..., Visit], office: Office, waiting: list[int]
) -> None:
    page = visit(Role.OPERATOR).page
    page.goto("/da-decidere")
    assert page.get_by_role("checkbox", name=re.compile("Scegli il messaggio")).count() == 2
    for box in page.get_by_role("checkbox", name=re.compile("Scegli il messaggio")).all():
        box.check()
    page.get_by_role("button", name="Segna gli scelti come non per noi").click()
    expect(page.locator("#avvisi")).to_contain_text("2 messaggi segnati come non per noi")
    assert row_of(office, waiting[1]).state == row_of(office, waiting[3]).state == MessageState.DECIDED
    page.get_by_role("button", name=re.compile("Annulla.*2 messaggi")).click()
    expect(page.locator("#avvisi")).to_contain_text("Annullato")
    assert row_of(office, waiting[1]).state == row_of(office, waiting[3]).state == MessageState.HELD


@pytest.mark.parametrize("which", [0, 2])
def test_no_other_message_can_be_slipped_into_the_bulk(
    http: Callable[..., httpx.Client], office: Office, waiting: list[int], which: int
) -> None:
    client = http(Role.OPERATOR)
    token = token_of(client.get("/da-decidere").text)
    chosen = [f"{key}.{row_of(office, key).generation}" for key in (waiting[1], waiting[which])]
    assert client.post("/da-decidere/non-per-noi", data={"csrf": token, "scelti": chosen}).status_code == 409
    assert {row_of(office, key).state for key in waiting} == {MessageState.HELD}


def test_possible_danger_that_is_settled_already_cannot_be_slipped_into_the_bulk_either(
    http: Callable[..., httpx.Client], office: Office, waiting: list[int]
) -> None:
    client = http(Role.OPERATOR)
    token = token_of(client.get("/da-decidere").text)
    data = {"csrf": token, "seen": "1", "nota": "Chiamata, sta bene"}
    assert client.post(f"/messaggi/{waiting[2]}/uscita/telefono", data=data).status_code == 303
    chosen = [f"{key}.1" for key in (waiting[1], waiting[2])]
    answer = client.post("/da-decidere/non-per-noi", data={"csrf": token, "scelti": chosen})
    assert answer.status_code == 409
    assert "Scelta non possibile" in answer.text
    assert "più veloce" not in answer.text
    assert row_of(office, waiting[1]).state == MessageState.HELD


def test_the_bulk_tells_truly_how_many_and_which_were_left(
    http: Callable[..., httpx.Client], office: Office, waiting: list[int]
) -> None:
    first, second = http(Role.OPERATOR), http(Role.RESPONSIBLE)
    chosen = [f"{key}.1" for key in (waiting[1], waiting[3], 99_999)]
    token = token_of(first.get("/da-decidere").text)
    first.post("/da-decidere/non-per-noi", data={"csrf": token, "scelti": chosen[:1]})
    token = token_of(second.get("/da-decidere").text)
    second.post("/da-decidere/non-per-noi", data={"csrf": token, "scelti": chosen})
    page = second.get("/da-decidere").text
    assert "1 messaggio segnato come non per noi." in page
    assert "Non segnato adesso: «Offerta gadget». Nel frattempo è già stato smistato da Anna Rossi" in unescape(page)
    assert "1 messaggio scelto: non risulta." in page
    assert row_of(office, waiting[3]).state == MessageState.DECIDED


@pytest.mark.parametrize("alone", [True, False])
def test_what_could_not_be_read_says_so_in_the_list_and_is_opened(
    http: Callable[..., httpx.Client], office: Office, waiting: list[int], alone: bool
) -> None:
    told = [{"code": "forse_non_per_noi", "params": {}}]
    told.append({"code": "difetti_gravi", "params": {"defects": "encrypted_or_signed_unread"}})
    with office.store.write("unread") as tx:
        mine = sa.update(decisions).where(decisions.c.message_id == waiting[1])
        assert tx.execute(mine.values(reasons=told)).rowcount == 1
    client = http(Role.OPERATOR)
    page = client.get("/da-decidere").text
    assert "è cifrato, o chiuso in una firma che non si apre" in page
    assert f'id="s{waiting[1]}"' not in page
    assert f'id="s{waiting[3]}"' in page
    chosen = [f"{key}.1" for key in ((waiting[1],) if alone else (waiting[1], waiting[3]))]
    client.post("/da-decidere/non-per-noi", data={"csrf": token_of(page), "scelti": chosen})
    assert row_of(office, waiting[1]).state == MessageState.HELD
    assert "Il servizio non ha potuto leggerlo bene" in client.get("/da-decidere").text


def test_nothing_chosen_and_nonsense_chosen_do_nothing(
    http: Callable[..., httpx.Client], office: Office, waiting: list[int]
) -> None:
    client = http(Role.OPERATOR)
    token = token_of(client.get("/da-decidere").text)
    for chosen in ([], ["x.y"], ["1"], ["99999.1"], ["²​.1"]):
        answer = client.post("/da-decidere/non-per-noi", data={"csrf": token, "scelti": chosen})
        assert (answer.status_code, answer.headers["Location"]) == (303, "/da-decidere#forse_non")
    assert {row_of(office, key).state for key in waiting} == {MessageState.HELD}


def test_danger_is_taken_in_charge_from_the_list(visit: Callable[..., Visit], waiting: list[int]) -> None:
    page = visit(Role.OPERATOR).page
    page.goto("/da-decidere")
    expect(page.get_by_text("Nessuno l'ha ancora preso in carico")).to_be_visible()
    page.get_by_role("button", name=re.compile("Presa in carico")).click()
    page.wait_for_url("**/messaggi/*")
    page.goto("/da-decidere")
    expect(page.get_by_text("Preso in carico da Anna Rossi, oggi alle 10:30")).to_be_visible()


def test_a_message_whose_answer_has_changed_is_marked_and_found_by_its_filter(
    http: Callable[..., httpx.Client], office: Office, waiting: list[int]
) -> None:
    values = {"destination": "crema", "project": "crema", "territory": "crema", "topic": "rete", "why": "eccezione"}
    with office.store.write("rescored") as tx:
        generation = row_of(office, waiting[0]).generation
        tx.execute(sa.insert(rescored).values(message_id=waiting[0], at=tx.now, generation=generation, **values))
    client = http(Role.OPERATOR)
    assert client.get("/da-decidere").text.count("Risposta nuova") == 1
    assert in_order(client.get("/da-decidere?cambiati=si").text) == [waiting[0]]
    assert "Risposta nuova" in client.get(f"/messaggi/{waiting[0]}").text


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("motivo=territorio_non_indicato", [0]),
        ("centro=oglio_po", [2]),
        ("centro=crema", []),
        ("carico=nessuno", [2, 0, 1, 3]),
        ("carico=io", []),
        ("gruppo=forse_non", [1, 3]),
    ],
)
def test_the_list_is_filtered(
    http: Callable[..., httpx.Client], waiting: list[int], query: str, left: list[int]
) -> None:
    page = http(Role.READER).get(f"/da-decidere?{query}").text
    assert in_order(page) == [waiting[place] for place in left]


@pytest.mark.parametrize(
    "query", ["gruppo=altro", "carico=chiunque", "centro=nessuno", "motivo=inventato", "dopo=-1", "dopo=x"]
)
def test_a_filter_that_does_not_exist_is_refused(http: Callable[..., httpx.Client], query: str) -> None:
    answer = http(Role.READER).get(f"/da-decidere?{query}")
    assert answer.status_code in (404, 422)
    assert "dopo" in query or "<h1>Filtro non riconosciuto</h1>" in answer.text


def test_a_filtered_heading_tells_how_many_are_shown_of_how_many(
    http: Callable[..., httpx.Client], waiting: list[int]
) -> None:
    client = http(Role.READER)
    whole, reason, centre, perhaps = (
        headings(client.get(f"/da-decidere?{query}").text)
        for query in ("", "motivo=territorio_non_indicato", "centro=oglio_po", "motivo=reclamo&gruppo=forse_non")
    )
    assert whole == ["Da leggere oggi: possibile pericolo (1)", "Da decidere (1)", "Forse non per noi (2)"]
    assert reason == ["Da decidere (1 su 1)"]
    assert centre == ["Da leggere oggi: possibile pericolo (1 su 1)", "Da decidere (0 su 1)"]
    assert perhaps == ["Forse non per noi (0 su 2)"]


def test_a_filtered_heading_counts_further_than_the_page(http: Callable[..., httpx.Client], office: Office) -> None:
    arrive(office, [a_mail("Quando siete aperti?", f"Orari {n}", f"f{n}@example.com") for n in range(30)])
    arrive(office, [a_mail("Vorrei fare un reclamo: nessuno mi ha richiamato.", "Reclamo", "z@example.com")])
    page = http(Role.READER).get("/da-decidere?motivo=territorio_non_indicato").text
    assert len(in_order(page)) == 25
    assert headings(page) == ["Da decidere (30 su 31)"]


def test_more_than_a_page_goes_on_by_key(http: Callable[..., httpx.Client], office: Office) -> None:
    keys = arrive(office, [a_mail("Quando siete aperti?", f"Orari {n}", f"f{n}@example.com") for n in range(30)])
    client = http(Role.READER)
    page = client.get("/da-decidere").text
    assert in_order(page) == keys[:25]
    (more,) = re.findall(r'href="(/da-decidere\?gruppo=decidere[^"]*)"', page)
    assert in_order(client.get(more.replace("&amp;", "&")).text) == keys[25:]


@pytest.mark.parametrize("width", WIDTHS)
def test_the_list_is_accessible_full_filtered_and_empty(
    visit: Callable[..., Visit], office: Office, waiting: list[int], width: int
) -> None:
    page = visit(Role.OPERATOR, width=width).page
    for path in ("/da-decidere", "/da-decidere?motivo=reclamo", "/da-decidere?gruppo=forse_non"):
        page.goto(path)
        axe(page)
        fits(page)


@pytest.mark.parametrize("javascript", [True, False])
def test_the_filter_works_with_and_without_javascript(
    visit: Callable[..., Visit], waiting: list[int], javascript: bool
) -> None:
    page = visit(Role.OPERATOR, javascript=javascript).page
    page.goto("/da-decidere")
    page.get_by_text("Filtra l'elenco").click()
    page.get_by_label("Perché aspetta").select_option("territorio_non_indicato")
    page.get_by_role("button", name="Filtra").click()
    expect(page.locator(".riga-oggetto")).to_have_count(1)
    expect(page.get_by_text("Filtra l'elenco (filtro attivo)")).to_be_visible()


# --------------------------------------------------------------------------- with a hundred thousand messages


def fill(store: Store, filed: int, held: int) -> None:
    """Rows as the service leaves them: most filed, some waiting of every kind."""
    box = a_mailbox(store, "generale")
    with store.write("fill") as tx:
        base: dict[str, Any] = {
            "mailbox_id": box.id,
            "uid_validity": 7,
            "location_uid_validity": 7,
            "size": 100,
            "listed_at": tx.now - timedelta(days=1),
            "due_at": tx.now,
            "generation": 1,
            "tries": 0,
            "resync": False,
            "file_step": "",
            "lease_epoch": 0,
        }
        rows = []
        for number in range(filed + held):
            waits = number >= filed
            rows.append(
                base
                | {
                    "uid": number + 1,
                    "location_uid": number + 1,
                    "state": (MessageState.QUARANTINED if number % 50 == 0 else MessageState.HELD)
                    if waits
                    else MessageState.FILED,
                    "urgent": waits and number % 20 == 1,
                    "hold_reason": ("forse_non_per_noi" if number % 3 == 0 else "fiducia_bassa") if waits else "",
                }
            )
        tx.execute(sa.insert(messages), rows)


def test_a_hundred_thousand_messages_cost_the_list_nothing(
    http: Callable[..., httpx.Client], office: Office, clock: FakeClock
) -> None:
    """Every query of the page by index; the page itself within the time that people take for at once."""
    fill(office.store, 95_000, 5_000)
    with office.store.read("statements") as tx:
        sizes = group_sizes(tx)
        assert sum(sizes.values()) == 5_000
        seen = []

        def listen(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
            seen.append((statement, parameters))

        sa.event.listen(tx.connection, "before_cursor_execute", listen)
        for group in Group:
            page = waiting_page(tx, group, Wanted(), after=96_000)
            assert (len(page.rows), page.more) == (25, True)
            next_waiting(tx, 97_000, group, 1)
        group_sizes(tx)
        sa.event.remove(tx.connection, "before_cursor_execute", listen)
        for statement, parameters in seen:
            plan = " ".join(
                str(row) for row in tx.connection.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters)
            )
            assert "SCAN messages" not in plan, plan
    client = http(Role.OPERATOR)
    client.get("/da-decidere")
    spent = []
    for path in ("/da-decidere", "/da-decidere?gruppo=decidere&dopo=97000", "/da-decidere?motivo=fiducia_bassa"):
        begun = time.perf_counter()
        assert client.get(path).status_code == 200
        spent.append(time.perf_counter() - begun)
    assert min(spent) < 0.15 * slowness(), spent


def test_a_family_that_was_asked_is_told_in_the_list_and_on_the_message(
    visit: Callable[..., Visit], office: Office, store: Store
) -> None:
    arrive(office, [FOR_NOBODY])
    with store.write("probe") as tx:
        note_probe(tx, "generale", "", "", return_path=True, plus=False)
    asked, other = arrive(office, [HELD, a_mail("Quando siete aperti?", "Aperture", "b@example.com")])
    page = visit(Role.OPERATOR).page
    page.goto(f"/messaggi/{asked}/uscita/comune")
    page.get_by_role("button", name="Conferma e chiedi").click()
    expect(page.locator("#avvisi")).to_contain_text("Chiediamo alla famiglia il suo comune.")
    words = "Comune chiesto da Anna Rossi, oggi alle 10:30: si aspetta la risposta della famiglia"
    page.goto(f"/messaggi/{asked}")
    expect(page.locator("#stato")).to_contain_text(words)
    axe(page)
    page.goto("/da-decidere?chiesto=si")
    expect(page.locator(".riga")).to_have_count(1)
    expect(page.locator(".riga")).to_contain_text(words)
    expect(page.get_by_label("Solo quelli con il comune chiesto alla famiglia")).to_be_checked()
    axe(page)
    page.get_by_role("button", name="Annulla").click()
    expect(page.locator("#avvisi")).to_contain_text("Annullato")
    page.goto("/da-decidere?chiesto=si")
    expect(page.locator(".riga")).to_have_count(0)
    page.goto(f"/messaggi/{other}")
    expect(page.locator("#stato")).not_to_contain_text("Comune chiesto")
