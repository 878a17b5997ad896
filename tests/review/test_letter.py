"""The page of one message: what is shown before it leaves, every way out, and undo; with and without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.fakes import FakeClock
from tests.record.builders import dispatches
from tests.review.browser import WIDTHS, Visit, axe, fits
from tests.review.mail import (
    DANGER,
    FOR_NOBODY,
    HELD,
    TWO_PLACES,
    a_mail,
    arrive,
    left_in_the_mailbox,
    message_of,
    row_of,
)
from tests.review.office import Office, Somebody, shown_in, token_of
from triage import reading
from triage.acts.people import Role
from triage.ids import case_code
from triage.record.corrections import open_for_correction
from triage.record.identity import known_secret
from triage.record.ledger import compute_ledger
from triage.record.messages import get_message
from triage.record.quarantine import quarantine
from triage.record.settlements import settlements_of
from triage.record.tables import exceptions, messages
from triage.review import heads, live, whole
from triage.vocabulary import DispatchState, InboundMessage, MessageState

EXITS = (
    "rispondi",
    "ufficio",
    "comune",
    "telefono",
    "altrove",
    "unisci",
    "separa",
    "ricevuta",
    "chiudi",
    "non_per_noi",
)


@pytest.fixture
def held(office: Office) -> list[int]:
    """Two families whose place is not known."""
    return arrive(office, [HELD, a_mail("Vorrei parlare con qualcuno di mio figlio.", "Figlio", "b@example.com")])


@pytest.fixture
def danger(office: Office) -> int:
    """A family that may be in danger."""
    return arrive(office, [DANGER])[0]


def exits_of(office: Office, message_id: int) -> list[str]:
    with office.store.read("look") as tx:
        return [row.exit for row in settlements_of(tx, message_id) if row.undone_at is None]


def settled_by_hand(page: Page, comune: str) -> None:
    """Choose a comune and look at what would leave."""
    if not page.get_by_label("Comune della famiglia").is_visible():
        page.get_by_text("Scegli tu comune").click()
    page.get_by_label("Comune della famiglia").fill(comune)
    page.get_by_role("button", name="Vedi che cosa parte").click()


# --------------------------------------------------------------------------- forwarding


@pytest.mark.parametrize("javascript", [True, False])
def test_what_leaves_is_shown_then_confirmed_then_the_next_one_opens(
    visit: Callable[..., Visit], office: Office, held: list[int], javascript: bool
) -> None:
    one = visit(Role.OPERATOR, javascript=javascript)
    page = one.page
    page.goto(f"/messaggi/{held[0]}")
    settled_by_hand(page, "viadana")
    expect(page.get_by_role("heading", name="Che cosa parte se confermi")).to_be_visible()
    expect(page.get_by_text("info@consociale.it").first).to_be_visible()
    expect(page.locator(".mail-che").first).to_contain_text("Azienda Speciale Consortile Oglio Po")
    assert dispatches(office.store, held[0]) == [], "looking plans nothing"
    page.get_by_role("button", name="Conferma e inoltra").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Figlio")
    expect(page.locator("#avvisi")).to_contain_text("Va a «Azienda Speciale Consortile Oglio Po»")
    assert exits_of(office, held[0]) == ["inoltro"]
    (forward,) = [one for one in dispatches(office.store, held[0]) if one.kind == "forward"]
    assert (forward.forward_path, forward.state) == ("info@consociale.it", DispatchState.PENDING)
    assert office.woken["dispatch"] == 1
    if javascript:
        expect(page.get_by_role("heading", level=1)).to_be_focused()


@pytest.mark.parametrize("javascript", [True, False])
def test_what_was_done_can_be_taken_back_for_two_minutes(
    visit: Callable[..., Visit], office: Office, held: list[int], javascript: bool
) -> None:
    one = visit(Role.OPERATOR, javascript=javascript)
    page = one.page
    page.goto(f"/messaggi/{held[0]}")
    settled_by_hand(page, "Viadana")
    page.get_by_role("button", name="Conferma e inoltra").click()
    banner = page.locator(".annulla")
    expect(banner).to_contain_text(
        "«Orari» di anna.rossi@example.com: inoltrato a Azienda Speciale Consortile Oglio Po. "
        "Puoi annullare fino alle 10:32"
    )
    expect(banner).to_contain_text("minut")
    banner.get_by_role("button", name="Annulla").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Orari")
    expect(page.locator("#avvisi")).to_contain_text("Annullato: non è partito niente.")
    assert row_of(office, held[0]).state == MessageState.HELD
    assert exits_of(office, held[0]) == []


def test_after_two_minutes_the_offer_is_gone_and_so_is_the_way(
    http: Callable[..., httpx.Client], office: Office, held: list[int], clock: FakeClock
) -> None:
    client = http(Role.OPERATOR)
    press(client, held[0], "chiudi", office, nota="risposto allo sportello")
    assert 'data-act="annulla"' in client.get("/da-decidere").text
    clock.forward(timedelta(minutes=1, seconds=59.5))
    assert 'data-act="annulla"' not in client.get("/da-decidere").text, "no offer of 0 seconds"
    clock.forward(timedelta(seconds=1.5))
    page = client.get("/da-decidere").text
    assert 'data-act="annulla"' not in page
    with office.store.read("look") as tx:
        (done,) = settlements_of(tx, held[0])
    client.post(f"/annulla/{done.id}", data={"csrf": token_of(page)})
    assert "troppo tardi" in client.get("/da-decidere").text.lower() or exits_of(office, held[0]) == ["chiuso"]
    assert exits_of(office, held[0]) == ["chiuso"]


LONG = "Informazioni sul bonus asilo nido e sui documenti da portare allo sportello"


def three_done(office: Office, http: Callable[..., httpx.Client], clock: FakeClock) -> tuple[Somebody, list[int]]:
    """Somebody has just settled three messages with long subjects, ten seconds apart; a fourth waits."""
    keys = arrive(
        office,
        [a_mail(f"Quando posso venire? {n}", f"{LONG} {n}", f"f{n}@example.com", "Maria Rossi") for n in range(4)],
    )
    person = office.somebody(Role.OPERATOR)
    client = http(person)
    for key in keys[:3]:
        press(client, key, "chiudi", office, nota="risposto")
        clock.forward(timedelta(seconds=10))
    return person, keys


@pytest.mark.parametrize("javascript", [True, False])
def test_what_can_be_taken_back_leaves_the_list_in_sight_on_a_narrow_page(
    visit: Callable[..., Visit],
    office: Office,
    http: Callable[..., httpx.Client],
    clock: FakeClock,
    javascript: bool,
) -> None:
    person, keys = three_done(office, http, clock)
    page = visit(person, width=320, javascript=javascript).page
    page.goto("/da-decidere")
    expect(page.locator(f'a[href="/messaggi/{keys[3]}"]').first).to_be_in_viewport()
    buttons = page.locator("#annulla").get_by_role("button")
    expect(buttons).to_have_count(1)
    if javascript:
        axe(page)
    page.locator("#annulla summary").focus()
    page.keyboard.press("Enter")
    expect(buttons).to_have_count(3)
    if javascript:
        axe(page)
    fits(page)
    buttons.last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{LONG} 0")
    assert [exits_of(office, key) for key in keys[:3]] == [[], ["chiuso"], ["chiuso"]]


def test_the_fold_with_earlier_acts_goes_when_none_of_them_can_be_taken_back(
    visit: Callable[..., Visit], office: Office, http: Callable[..., httpx.Client], clock: FakeClock
) -> None:
    person, _ = three_done(office, http, clock)
    page = visit(person).page
    page.clock.install()
    page.goto("/da-decidere")
    page.locator("#annulla summary").focus()
    page.clock.run_for(96_000)
    expect(page.locator("#annulla .annulla")).to_have_count(2)
    expect(page.locator("#annulla summary")).to_be_focused()
    page.clock.run_for(10_000)
    expect(page.locator("#annulla .annulla")).to_have_count(1)
    expect(page.locator("#annulla summary")).to_have_count(0)
    expect(page.locator("#contenuto")).to_be_focused()


def test_nobody_takes_back_what_another_did(http: Callable[..., httpx.Client], office: Office, held: list[int]) -> None:
    press(http(Role.OPERATOR), held[0], "chiudi", office, nota="fatto")
    other = http(Role.OPERATOR)
    page = other.get("/da-decidere").text
    assert 'data-act="annulla"' not in page
    with office.store.read("look") as tx:
        (done,) = settlements_of(tx, held[0])
    assert other.post(f"/annulla/{done.id}", data={"csrf": token_of(page)}).status_code == 404


def test_a_comune_that_does_not_exist_is_told_where_it_was_written(
    visit: Callable[..., Visit], held: list[int]
) -> None:
    one = visit(Role.OPERATOR)
    one.page.goto(f"/messaggi/{held[0]}")
    settled_by_hand(one.page, "Vattelapesca")
    expect(one.page.get_by_role("alert")).to_contain_text("non è nell'elenco")
    expect(one.page.get_by_role("alert")).to_be_focused()
    expect(one.page.get_by_label("Comune della famiglia")).to_have_value("Vattelapesca")
    axe(one.page)


def test_a_comune_without_a_centre_says_what_to_do(
    http: Callable[..., httpx.Client], office: Office, held: list[int]
) -> None:
    client = http(Role.OPERATOR)
    token = token_of(client.get(f"/messaggi/{held[0]}").text)
    data = {"csrf": token, "seen": row_of(office, held[0]).generation, "comune": "Cremona"}
    answer = client.post(f"/messaggi/{held[0]}/anteprima", data=data)
    assert answer.status_code == 422
    assert "Per Cremona non c&#39;è un centro" in answer.text


# --------------------------------------------------------------------------- the other exits


def press(client: httpx.Client, message_id: int, exit: str, office: Office, **values: str) -> httpx.Response:
    """Fill in the form of an exit and press its button."""
    page = client.get(f"/messaggi/{message_id}/uscita/{exit}").text
    data = {"csrf": token_of(page), "seen": str(row_of(office, message_id).generation), **values}
    if exit in ("rispondi", "ufficio"):
        page = client.post(f"/messaggi/{message_id}/uscita/{exit}/anteprima", data=data).text
    return client.post(f"/messaggi/{message_id}/uscita/{exit}", data={"mostrato": shown_in(page)} | data)


@pytest.mark.parametrize(
    ("exit", "values", "recorded"),
    [
        ("telefono", {"nota": "Sentita la madre, richiama lunedì"}, "telefono"),
        ("altrove", {"nota": "Risposto ieri"}, "risposta"),
        ("chiudi", {"nota": "Doppione"}, "chiuso"),
        ("non_per_noi", {}, "non_per_noi"),
        ("rispondi", {"testo": "Siamo aperti ogni mattina."}, "risposta"),
        ("ufficio", {"ufficio": "inps"}, "altro_ufficio"),
        ("comune", {}, "domanda"),
    ],
)
def test_every_exit_closes_or_asks_and_opens_the_next(
    http: Callable[..., httpx.Client], office: Office, held: list[int], exit: str, values: dict[str, str], recorded: str
) -> None:
    client = http(Role.OPERATOR)
    answer = press(client, held[0], exit, office, **values)
    if exit == "comune" and answer.status_code == 422:
        assert exits_of(office, held[0]) == []  # without proof of the Return-Path nobody is asked
        return
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/messaggi/{held[1]}")
    assert exits_of(office, held[0]) == [recorded]
    with office.store.read("ledger") as tx:
        assert compute_ledger(tx).differences == ()


@pytest.mark.parametrize("exit", ["chiudi", "altrove"])
@pytest.mark.parametrize("state", [MessageState.OVERSIZE, MessageState.UNREADABLE])
def test_what_stayed_in_the_mailbox_is_closed_with_a_note(
    http: Callable[..., httpx.Client], office: Office, state: MessageState, exit: str
) -> None:
    """Every message that waits has an exit, also one that could not be fetched."""
    key = left_in_the_mailbox(office, state)
    client = http(Role.OPERATOR)
    page = client.get(f"/messaggi/{key}").text
    assert "poi chiudilo qui con una nota" in page
    assert "Vedi che cosa parte" not in page
    answer = press(client, key, exit, office, nota="letto nella casella, risposto a voce")
    assert answer.status_code == 303
    assert row_of(office, key).state == MessageState.CLOSED
    closed = client.get(f"/messaggi/{key}").text
    assert "Lo ha chiuso <strong>Anna Rossi</strong>" in closed
    assert "letto nella casella, risposto a voce" in closed, "it is in no case: who comes later reads it here"
    found = client.get("/smistati").text
    assert f'href="/messaggi/{key}"' in found
    assert ", è rimasto nella casella</strong>, da Anna Rossi" in found
    assert client.post("/smistati/cerca", data=day_of_arrival(found)).status_code == 303
    assert f'href="/messaggi/{key}"' in client.get("/smistati").text, "by its day"
    with office.store.read("ledger") as tx:
        assert compute_ledger(tx).differences == ()


def day_of_arrival(page: str) -> dict[str, str]:
    return {"csrf": token_of(page), "dal": "2026-11-26", "al": "2026-11-26"}


def test_what_stopped_the_parser_is_found_again_once_closed_and_is_not_parsed(
    http: Callable[..., httpx.Client], office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    (key,) = arrive(office, [a_mail("Un messaggio che ferma chi lo legge.", "Veleno")])
    with office.store.write("as after three crashes") as tx:
        row = get_message(tx, key)
        assert row is not None
        quarantine(tx, open_for_correction(tx, row, {}), "parser_fermato")
    client = http(Role.OPERATOR)
    for module in (heads, whole, reading):
        monkeypatch.setattr(module, "parse", must_not_parse)
    assert press(client, key, "chiudi", office, nota="guardato nella casella").status_code == 303
    with office.store.read("code") as tx:
        code = case_code(known_secret(tx), row_of(office, key).case_id or 0)
    found = client.get("/smistati").text
    assert f'href="/casi/{code}#m{key}"' in found
    assert client.post("/smistati/cerca", data={"csrf": token_of(found), "parole": "veleno"}).status_code == 303
    assert client.get("/smistati").status_code == 200
    for page in (f"/messaggi/{key}", f"/casi/{code}"):
        said = client.get(page).text
        assert "Anna Rossi" in said
        assert "guardato nella casella" in said
        assert "Veleno" not in said


def must_not_parse(octets: bytes, **_: object) -> InboundMessage:
    raise AssertionError("parsed in the process of the page")


@pytest.mark.parametrize("exit", ["telefono", "altrove", "chiudi"])
def test_what_ends_without_a_mail_needs_a_note(
    http: Callable[..., httpx.Client], office: Office, held: list[int], exit: str
) -> None:
    answer = press(http(Role.OPERATOR), held[0], exit, office, nota="  ")
    assert answer.status_code == 422
    assert "Scrivi una nota" in answer.text
    assert row_of(office, held[0]).state == MessageState.HELD


def test_a_reply_is_shown_as_it_leaves_and_can_be_changed_before(
    visit: Callable[..., Visit], office: Office, held: list[int]
) -> None:
    one = visit(Role.OPERATOR)
    page = one.page
    page.goto(f"/messaggi/{held[0]}/uscita/rispondi")
    box = page.get_by_label("Risposta")
    expect(box).to_have_value(
        "Buongiorno,\n\ngrazie per averci scritto.\n\n[scrivi qui la risposta]\n\n"
        "Un cordiale saluto,\nAnna Rossi\nATS della Val Padana\n"
    )
    box.fill("Gentile famiglia,\nsiamo aperti ogni mattina.")
    page.get_by_role("button", name="Vedi come parte").click()
    expect(page.locator(".mail-pronte")).to_contain_text("siamo aperti ogni mattina.")
    expect(page.locator(".mail-pronte")).to_contain_text("anna.rossi@example.com")
    axe(page)
    page.get_by_role("button", name="Modifica il testo").click()
    expect(page.get_by_label("Risposta")).to_have_value("Gentile famiglia,\nsiamo aperti ogni mattina.")
    page.get_by_role("button", name="Vedi come parte").click()
    page.get_by_role("button", name="Conferma e invia").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Figlio")
    (mail,) = dispatches(office.store, held[0])
    assert (mail.kind, mail.forward_path) == ("reply", "anna.rossi@example.com")


def test_an_office_of_the_comune_that_is_named_is_chosen_already(
    http: Callable[..., httpx.Client], office: Office
) -> None:
    (key,) = arrive(office, [a_mail("Abito a Cremona, avete un gruppo per neogenitori?", "Gruppo", "c@example.com")])
    assert row_of(office, key).state == MessageState.HELD
    page = http(Role.OPERATOR).get(f"/messaggi/{key}/uscita/ufficio").text
    assert '<option value="centro_cremona" selected>' in page


def test_a_copy_names_the_message_that_it_repeats(http: Callable[..., httpx.Client], office: Office) -> None:
    first, copy = arrive(office, [HELD]) + arrive(office, [HELD])
    assert row_of(office, copy).same_as == first
    assert f'<a href="/messaggi/{first}">Apri quel messaggio</a>' in http(Role.OPERATOR).get(f"/messaggi/{copy}").text


def test_only_ways_out_that_are_open_are_offered(http: Callable[..., httpx.Client], office: Office) -> None:
    """What was held as soon as it reappeared belongs to no case: there is nothing to join, to part, or to put off."""
    first, copy = arrive(office, [HELD, FOR_NOBODY])
    with office.store.write("reappeared") as tx:
        tx.execute(messages.update().where(messages.c.id == copy).values(case_id=None))
    client = http(Role.OPERATOR)
    for exit in ("unisci", "separa", "ricevuta", "chiudi"):
        ways = [f"/messaggi/{key}/uscita/{exit}" in client.get(f"/messaggi/{key}").text for key in (first, copy)]
        assert ways == [True, exit == "chiudi"], exit


def test_what_became_of_a_message_stands_on_its_page(http: Callable[..., httpx.Client], office: Office) -> None:
    (key,) = arrive(office, [a_mail("Abito a Crema, quali laboratori ci sono?", "Laboratori", "c@example.com")])
    with office.store.write("filed") as tx:
        tx.execute(messages.update().values(state=MessageState.FILED))
    page = http(Role.OPERATOR).get(f"/messaggi/{key}").text
    assert "non aspetta più una persona: inoltrato a «Comune di Crema»." in page
    with office.store.write("not decided yet") as tx:
        tx.execute(messages.update().values(state=MessageState.RECEIVED))
    page = http(Role.OPERATOR).get(f"/messaggi/{key}").text
    assert "lo sta ancora valutando" in page
    assert "non aspetta più una persona" not in page


@pytest.mark.parametrize("javascript", [True, False])
def test_an_answer_that_nobody_has_written_does_not_leave(
    visit: Callable[..., Visit], office: Office, held: list[int], javascript: bool
) -> None:
    page = visit(Role.OPERATOR, javascript=javascript).page
    page.goto(f"/messaggi/{held[0]}/uscita/rispondi")
    page.get_by_role("button", name="Vedi come parte").click()
    expect(page.get_by_role("alert")).to_have_text(
        "C'è ancora una parte da completare, tra parentesi quadre: scrivi lì, o toglila."
    )
    box = page.get_by_label("Risposta")
    box.fill(box.input_value().replace("[scrivi qui la risposta]", ""))
    page.get_by_role("button", name="Vedi come parte").click()
    expect(page.get_by_role("alert")).to_contain_text("La risposta è ancora vuota")
    page.get_by_role("button", name="La richiamiamo").click()
    expect(box).to_have_value(re.compile("Preferiamo parlarne con lei a voce"))
    box.fill(box.input_value().replace("voce", "voce, con calma"))
    page.get_by_role("button", name="Vedi come parte").click()
    expect(page.get_by_role("alert")).to_contain_text("da completare")
    expect(box).to_have_value(re.compile("voce, con calma"))
    if javascript:
        axe(page)
    page.get_by_role("button", name="Orari e contatti").click()
    expect(box).to_have_value(re.compile("con calma.*aperti da lunedì a venerdì dalle 9:00 alle 12:30.*Un cord", re.S))
    assert dispatches(office.store, held[0]) == []


def test_no_way_sends_an_empty_answer(http: Callable[..., httpx.Client], office: Office, held: list[int]) -> None:
    client = http(Role.OPERATOR)
    frame = "Buongiorno,\r\n\r\ngrazie per averci scritto.\r\n\r\nUn cordiale saluto,\r\nAnna Rossi\r\n"
    for text in ("", frame, "[Scrivi qui x]"):
        assert press(client, held[0], "rispondi", office, testo=text).status_code == 422
    assert exits_of(office, held[0]) == []


def test_cases_are_joined_and_parted_and_the_message_still_waits(
    http: Callable[..., httpx.Client], office: Office, held: list[int]
) -> None:
    client = http(Role.OPERATOR)
    page = client.get(f"/messaggi/{held[1]}").text
    code = page.split(f'<a href="/casi/{row_of(office, held[1]).case_id}">')[1].split("<")[0]
    first = press(client, held[0], "unisci", office, caso=code, nota="Stessa madre")
    assert first.status_code == 200
    assert row_of(office, held[0]).case_id != row_of(office, held[1]).case_id, "first it is shown whose case it is"
    shown = re.findall(r'name="mostrato" value="([^"]+)"', first.text)[0]
    assert ">Stessa madre</textarea>" in first.text
    answer = press(client, held[0], "unisci", office, caso=code, mostrato=shown)
    assert answer.headers["Location"] == f"/messaggi/{held[0]}"
    assert row_of(office, held[0]).case_id == row_of(office, held[1]).case_id
    assert press(client, held[0], "unisci", office, caso="XXXX-XXXX").status_code == 422
    press(client, held[0], "separa", office)
    assert row_of(office, held[0]).case_id != row_of(office, held[1]).case_id
    assert row_of(office, held[0]).state == MessageState.HELD


@pytest.mark.parametrize(("wait", "told"), [("24", "rimandata"), ("mai", "non parte"), ("solita", "come al solito")])
def test_the_acknowledgement_of_a_case_is_put_off_or_not_wanted(
    http: Callable[..., httpx.Client], office: Office, held: list[int], wait: str, told: str
) -> None:
    client = http(Role.OPERATOR)
    answer = press(client, held[0], "ricevuta", office, attesa=wait)
    assert answer.headers["Location"] == f"/messaggi/{held[0]}"
    assert told in client.get(f"/messaggi/{held[0]}").text


def test_a_choice_that_the_page_never_offered_changes_nothing(
    http: Callable[..., httpx.Client], office: Office, held: list[int]
) -> None:
    client = http(Role.OPERATOR)
    press(client, held[0], "ricevuta", office, attesa="mai")
    assert press(client, held[0], "ricevuta", office, attesa="48").status_code == 404
    form = client.get(f"/messaggi/{held[0]}/uscita/ricevuta").text
    assert re.findall(r'name="attesa" value="(\w+)" checked', form) == ["mai"]


# --------------------------------------------------------------------------- two people


def test_of_two_people_the_second_sees_who_has_it_open_and_who_was_first(
    visit: Callable[..., Visit], office: Office, held: list[int]
) -> None:
    anna, bruno = visit(Role.OPERATOR), visit(Role.RESPONSIBLE)
    anna.page.goto(f"/messaggi/{held[0]}")
    bruno.page.goto("/da-decidere")
    expect(bruno.page.get_by_text("Lo ha aperto Anna Rossi")).to_be_visible()
    bruno.page.goto(f"/messaggi/{held[0]}")
    expect(bruno.page.locator("#stato")).to_contain_text("Lo ha aperto anche Anna Rossi")
    axe(bruno.page)
    settled_by_hand(bruno.page, "Viadana")
    anna.page.goto(f"/messaggi/{held[0]}/uscita/chiudi")
    anna.page.get_by_label("Nota").fill("sentita al telefono")
    anna.page.get_by_role("button", name="Chiudi senza inviare").click()
    expect(anna.page.get_by_role("heading", level=1)).to_have_text("Figlio")
    bruno.page.get_by_role("button", name="Conferma e inoltra").click()
    expect(bruno.page.locator("#avvisi")).to_contain_text("Anna Rossi")
    assert exits_of(office, held[0]) == ["chiuso"]
    assert dispatches(office.store, held[0]) == []


def test_the_first_is_told_at_once_when_a_colleague_opens_the_same_message(
    visit: Callable[..., Visit], http: Callable[..., httpx.Client], held: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without losing what they write, and not of who may only look."""
    monkeypatch.setattr(live, "EVERY", 0.2)
    anna = visit(Role.OPERATOR).page
    anna.goto(f"/messaggi/{held[0]}/uscita/chiudi")
    anna.get_by_label("Nota").fill("sentita al telefono")
    http(Role.READER).get(f"/messaggi/{held[0]}")
    http(Role.RESPONSIBLE).get(f"/messaggi/{held[1]}")
    anna.wait_for_timeout(1000)
    assert "Lo ha aperto anche" not in anna.content()
    http(Role.RESPONSIBLE).get(f"/messaggi/{held[0]}")
    expect(anna.locator("#stato")).to_contain_text("Lo ha aperto anche Bruno Verdi")
    expect(anna.locator("#novita")).to_have_text("Un collega ha aperto questo messaggio.")
    expect(anna.get_by_label("Nota")).to_have_value("sentita al telefono")
    axe(anna)


def test_the_first_reads_of_the_second_without_javascript_too(
    http: Callable[..., httpx.Client], held: list[int]
) -> None:
    anna = http(Role.OPERATOR)
    assert "aperto anche" not in anna.get(f"/messaggi/{held[0]}").text
    http(Role.RESPONSIBLE).get(f"/messaggi/{held[0]}")
    assert "Lo ha aperto anche <strong>Bruno Verdi</strong>" in anna.get(f"/messaggi/{held[0]}").text


def test_who_only_looks_has_nothing_open_and_no_buttons(http: Callable[..., httpx.Client], held: list[int]) -> None:
    reader = http(Role.READER).get(f"/messaggi/{held[0]}").text
    assert "Conferma" not in reader
    assert "/uscita/" not in reader
    assert "/prendi" not in reader
    assert "Lo ha aperto" not in http(Role.OPERATOR).get("/da-decidere").text


def test_possible_danger_is_taken_in_charge_once(http: Callable[..., httpx.Client], danger: int) -> None:
    anna, bruno = http(Role.OPERATOR), http(Role.RESPONSIBLE)
    page = anna.get(f"/messaggi/{danger}").text
    assert "Da leggere oggi: possibile pericolo" in page
    anna.post(f"/messaggi/{danger}/prendi", data={"csrf": token_of(page)})
    seen = bruno.get(f"/messaggi/{danger}").text
    assert "Preso in carico <strong>da Anna Rossi</strong>, oggi alle 10:30" in seen
    bruno.post(f"/messaggi/{danger}/prendi", data={"csrf": token_of(seen)})
    assert "già in carico" in bruno.get("/da-decidere").text


def test_after_an_act_danger_that_nobody_has_in_charge_goes_before_everything(
    http: Callable[..., httpx.Client], office: Office, held: list[int], danger: int
) -> None:
    client = http(Role.OPERATOR)
    assert press(client, held[0], "chiudi", office, nota="fatto").headers["Location"] == f"/messaggi/{danger}"
    token = token_of(client.get(f"/messaggi/{danger}").text)
    client.post(f"/messaggi/{danger}/prendi", data={"csrf": token})
    (third,) = arrive(office, [a_mail("Quando siete aperti?", "Terzo", "c@example.com")])
    assert press(client, held[1], "chiudi", office, nota="fatto").headers["Location"] == f"/messaggi/{third}"


# --------------------------------------------------------------------------- how it looks and is worked


def test_marks_say_in_words_what_they_mean(visit: Callable[..., Visit], office: Office) -> None:
    (key,) = arrive(office, [DANGER])
    one = visit(Role.OPERATOR)
    one.page.goto(f"/messaggi/{key}")
    text = one.page.locator(".lettera-testo .testo").first.inner_text()
    assert "Viadana (dove abita)" in text
    assert "inizio di un possibile pericolo: " in (one.page.locator(".lettera-testo .testo").first.text_content() or "")
    assert "%" not in one.page.locator("#contenuto").inner_text(), "danger comes without a number"


@pytest.mark.parametrize("width", WIDTHS)
def test_every_state_of_the_page_is_accessible(
    visit: Callable[..., Visit], office: Office, held: list[int], danger: int, width: int
) -> None:
    (two,) = arrive(office, [TWO_PLACES])
    page = visit(Role.RESPONSIBLE, width=width).page
    for path in (f"/messaggi/{held[0]}", f"/messaggi/{danger}", f"/messaggi/{two}"):
        page.goto(path)
        axe(page)
        fits(page)
    for exit in EXITS:
        page.goto(f"/messaggi/{held[1]}/uscita/{exit}")
        axe(page)
        fits(page)
    page.goto(f"/messaggi/{held[0]}")
    settled_by_hand(page, "Crema")
    expect(page.get_by_role("button", name="Conferma e inoltra")).to_be_visible()
    axe(page)
    fits(page)
    page.get_by_role("button", name="Conferma e inoltra").click()
    expect(page.locator(".annulla")).to_be_visible()
    axe(page)
    fits(page)
    page.goto(f"/messaggi/{held[0]}")
    axe(page)
    fits(page)


def test_the_whole_job_by_keyboard_alone(visit: Callable[..., Visit], office: Office) -> None:
    """From the list to the last message, without a mouse: proposals by their keys, Tab and Enter for the rest."""
    danger, place, advert = arrive(office, [DANGER, HELD, FOR_NOBODY])
    assert [row_of(office, key).state for key in (danger, place, advert)] == [MessageState.HELD] * 3
    page = visit(Role.OPERATOR).page
    heading = page.get_by_role("heading", level=1)
    page.goto("/da-decidere")
    expect(heading).to_be_focused()
    page.keyboard.press("j")
    expect(heading).to_have_text("Aiuto")
    expect(heading).to_be_focused()
    page.keyboard.press("p")
    expect(page.locator("#stato")).to_contain_text("Preso in carico da te")
    page.keyboard.press("1")
    expect(page.get_by_role("heading", name="Che cosa parte se confermi")).to_be_focused()
    page.keyboard.press("i")
    expect(heading).to_have_text("Orari")
    expect(heading).to_be_focused()
    page.keyboard.press("t")
    expect(page.get_by_role("heading", name="Presa in carico per telefono")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Nota")).to_be_focused()
    page.keyboard.type("Chiamata la famiglia")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(heading).to_have_text("Offerta gadget")
    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="Non è per noi")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(heading).to_have_text("Da decidere")
    expect(page.get_by_text("Niente da decidere: è tutto fatto.")).to_be_visible()
    expect(heading).to_be_focused()
    page.keyboard.press("z")
    expect(page.locator(".annulla").get_by_role("button", name="Offerta gadget")).to_be_focused()
    assert exits_of(office, advert) == ["non_per_noi"], "one stray key takes nothing back"
    page.keyboard.press("Enter")
    expect(heading).to_have_text("Offerta gadget")
    assert [exits_of(office, key) for key in (danger, place, advert)] == [["inoltro"], ["telefono"], []]


def test_new_words_come_with_the_focus_so_that_no_key_falls_in_between(
    visit: Callable[..., Visit], held: list[int]
) -> None:
    """What is pressed as soon as the words are there goes where the focus will be, not to what is about to lose it."""
    page = visit(Role.OPERATOR).page
    page.goto("/da-decidere")
    # An observer runs right after the task that put the words there, before any timer and any key.
    page.evaluate(
        "new MutationObserver((_, one) => { const heading = document.querySelector('h1');"
        " if (!heading.textContent.includes('Orari')) return;"
        " one.disconnect(); window.focusedThen = document.activeElement === heading; })"
        ".observe(document.body, {childList: true, subtree: true})"
    )
    page.keyboard.press("j")
    expect(page.get_by_role("heading", level=1)).to_have_text("Orari")
    assert page.evaluate("window.focusedThen") is True


def test_the_keys_are_listed_and_the_dialog_gives_the_focus_back(visit: Callable[..., Visit], held: list[int]) -> None:
    page = visit(Role.OPERATOR).page
    page.goto(f"/messaggi/{held[0]}")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Tasti di questa pagina")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_text("rispondiamo noi")).to_be_visible()
    axe(page)
    page.keyboard.press("t")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("heading", name="Presa in carico per telefono")).to_have_count(0)


def test_whoever_turned_the_keys_off_is_not_surprised_by_them(visit: Callable[..., Visit], held: list[int]) -> None:
    page = visit(Role.OPERATOR).page
    page.goto("/profilo")
    page.get_by_label("Usa i tasti").uncheck()
    page.get_by_role("button", name="Salva i tasti").click()
    page.goto(f"/messaggi/{held[0]}")
    assert page.locator("kbd").count() == 0
    page.keyboard.press("t")
    page.keyboard.press("n")
    expect(page.get_by_role("heading", level=1)).to_have_text("Orari")
    assert page.url.endswith(f"/messaggi/{held[0]}")


def test_without_the_network_the_page_says_so(visit: Callable[..., Visit], held: list[int]) -> None:
    one = visit(Role.OPERATOR)
    one.page.goto(f"/messaggi/{held[0]}")
    # Sure from the first request on; a browser that is told to be offline lets one through now and then.
    one.page.route("**/*", lambda route: route.abort())
    one.page.keyboard.press("t")
    expect(one.page.locator("#avvisi")).to_contain_text("non raggiunge il servizio")
    one.page.unroute("**/*")


# --------------------------------------------------------------------------- teaching


def forward_form(client: httpx.Client, office: Office, message_id: int, **values: str) -> httpx.Response:
    token = token_of(client.get(f"/messaggi/{message_id}").text)
    data = {"csrf": token, "seen": str(row_of(office, message_id).generation), "comune": "Viadana", "centro": ""}
    shown = client.post(f"/messaggi/{message_id}/anteprima", data=data).text
    return client.post(f"/messaggi/{message_id}/inoltra", data=data | {"mostrato": shown_in(shown)} | values)


def test_a_forward_teaches_the_next_ones_of_this_sender(
    http: Callable[..., httpx.Client], office: Office, held: list[int]
) -> None:
    answer = forward_form(http(Role.RESPONSIBLE), office, held[0], insegna="mittente")
    assert answer.status_code == 303
    with office.store.read("look") as tx:
        (done,) = settlements_of(tx, held[0])
        (lesson,) = tx.execute(exceptions.select()).all()
    assert (done.teaches, lesson.kind, lesson.project) == ("simili", "mittente", "oglio_po")


def test_what_cannot_be_learnt_is_not_done_either_and_says_why(
    http: Callable[..., httpx.Client], office: Office, held: list[int]
) -> None:
    answer = forward_form(http(Role.RESPONSIBLE), office, held[0], insegna="frase", frase="mai scritto da nessuno")
    assert answer.status_code == 422
    assert "Conferma e inoltra" in answer.text
    assert 'role="alert"' in answer.text
    assert 'value="mai scritto da nessuno"' in answer.text
    assert row_of(office, held[0]).state == MessageState.HELD
    assert exits_of(office, held[0]) == []


def test_an_operator_settles_and_does_not_teach(
    http: Callable[..., httpx.Client], office: Office, held: list[int]
) -> None:
    client = http(Role.OPERATOR)
    assert forward_form(client, office, held[0], insegna="mittente").status_code == 422
    assert exits_of(office, held[0]) == []
    assert forward_form(client, office, held[0]).status_code == 303


def test_never_again_from_this_sender(http: Callable[..., httpx.Client], office: Office) -> None:
    (key,) = arrive(office, [FOR_NOBODY])
    client = http(Role.RESPONSIBLE)
    assert "Mai più da questo mittente" in client.get(f"/messaggi/{key}/uscita/non_per_noi").text
    assert press(client, key, "non_per_noi", office, insegna="mai").status_code == 303
    with office.store.read("look") as tx:
        assert [row.kind for row in tx.execute(exceptions.select())] == ["mai"]


def test_a_number_that_no_record_can_hold_is_no_message(http: Callable[..., httpx.Client]) -> None:
    client = http(Role.OPERATOR)
    assert client.get("/messaggi/99999999999999999999").status_code == 404


def test_every_address_that_an_answer_would_go_to_is_shown(http: Callable[..., httpx.Client], office: Office) -> None:
    mail = message_of("Buongiorno, quando siete aperti?", "Orari", "anna.rossi@example.com", "")
    mail["Reply-To"] = "anna.rossi@example.com, Cugino <altro@example.net>"
    (key,) = arrive(office, [mail.as_bytes()])
    page = http(Role.OPERATOR).get(f"/messaggi/{key}").text
    shown = page.split("<dt>Risposta a</dt>")[1].split("</div>")[0]
    assert re.findall(r"[\w.]+@[\w.]+", shown) == ["anna.rossi@example.com", "altro@example.net"]


def test_whose_case_it_is_is_shown_before_a_message_is_joined_to_it(
    http: Callable[..., httpx.Client], office: Office
) -> None:
    """With a warning only where another person wrote it; what is danger does not end there without a note."""
    mine, more, other, cry = arrive(
        office,
        [
            a_mail("Quando siete aperti?", "Orari", "lia.verdi@example.com", "Lia Verdi"),
            a_mail("Dimenticavo: anche il sabato?", "Ancora orari", "lia.verdi@example.com", "Lia Verdi"),
            a_mail("Che corsi avete?", "Corsi", "ugo.blu@example.com", "Ugo Blu"),
            DANGER,
        ],
    )
    client = http(Role.OPERATOR)
    code = (
        client.get(f"/messaggi/{mine}").text.split(f'<a href="/casi/{row_of(office, mine).case_id}">')[1].split("<")[0]
    )
    warning = "chi scrive questo messaggio non è chi ha scritto quel caso"
    for number, strange in ((more, False), (other, True)):
        page = press(client, number, "unisci", office, caso=code).text
        assert "Lia Verdi &lt;lia.verdi@example.com&gt;" in page
        assert "«<bdi>Orari</bdi>», oggi alle" in page
        assert (warning in page) is strange
    page = press(client, cry, "unisci", office, caso=code, finito="si").text
    shown = re.findall(r'name="mostrato" value="([^"]+)"', page)[0]
    refused_it = press(client, cry, "unisci", office, caso=code, finito="si", mostrato=shown)
    assert refused_it.status_code == 422
    assert "Qui può esserci un pericolo: scrivi una nota" in refused_it.text
    assert row_of(office, cry).state == MessageState.HELD
    done = press(client, cry, "unisci", office, caso=code, finito="si", mostrato=shown, nota="È la stessa signora")
    assert done.status_code == 303
