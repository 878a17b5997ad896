"""What the forms of the ways out begin with, and whom a page's reader is told to write to."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import expect

from tests.review.browser import Visit, axe, refused, unchecked
from tests.review.mail import DANGER, FOR_NOBODY, HELD, a_mail, arrive, row_of
from tests.review.office import Office, token_of
from triage.acts.people import Role
from triage.acts.preview import ALL_STOPPED
from triage.record.decisions import decision_of
from triage.record.mailboxes import note_probe
from triage.record.tables import decisions, dispatches
from triage.vocabulary import DispatchKind, MessageState, Reason


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


@pytest.mark.parametrize("javascript", [True, False])
def test_an_answer_that_was_taken_back_is_there_again_to_be_mended(
    visit: Callable[..., Visit], office: Office, javascript: bool
) -> None:
    (key,) = arrive(office, [a_mail("Buongiorno, abbiamo due bambini: quali laboratori ci sono?")])
    page = visit(Role.OPERATOR, javascript=javascript).page
    page.goto(f"/messaggi/{key}/uscita/rispondi")
    page.get_by_label("Risposta").fill("Siamo aperti ogni matina.")
    page.get_by_role("button", name="Vedi come parte").click()
    page.get_by_label("Nota").fill("Chiedere a Crema")
    page.get_by_role("button", name="Conferma e invia").click()
    page.locator(".annulla").get_by_role("button", name="Annulla").click()
    expect(page.locator("#avvisi")).to_contain_text("Annullato")
    page.goto(f"/messaggi/{key}/uscita/rispondi")
    expect(page.get_by_label("Risposta")).to_have_value("Siamo aperti ogni matina.")
    page.get_by_role("button", name="Vedi come parte").click()
    expect(page.get_by_label("Nota")).to_have_value("Chiedere a Crema")


@pytest.mark.parametrize(
    ("exit", "values", "there_again"),
    [
        ("telefono", {"nota": "Sentita la madre, richiama lunedì"}, ">Sentita la madre, richiama lunedì</textarea>"),
        ("ufficio", {"ufficio": "inps", "testo": "Portate l&#39;ISEE"}, ">Portate l&amp;#39;ISEE</textarea>"),
        ("ufficio", {"ufficio": "inps", "testo": ""}, '<option value="inps" selected'),
    ],
)
def test_what_was_taken_back_is_there_again_for_its_writer_alone(
    http: Callable[..., httpx.Client], office: Office, exit: str, values: dict[str, str], there_again: str
) -> None:
    (key,) = arrive(office, [a_mail("Buongiorno, abbiamo due bambini: quali laboratori ci sono?")])
    client, path = http(Role.OPERATOR), f"/messaggi/{key}/uscita/{exit}"
    page = client.get(path).text
    assert there_again not in page
    data = {"csrf": token_of(page), "seen": re.findall(r'name="seen" value="(\d+)"', page)[0], **values}
    if exit == "ufficio":
        shown = re.findall(r'name="mostrato" value="(\w+)"', client.post(f"{path}/anteprima", data=data).text)
        data["mostrato"] = shown[0]
    assert client.post(path, data=data).status_code == 303
    number = re.findall(r'action="/annulla/(\d+)"', client.get("/da-decidere").text)[0]
    client.post(f"/annulla/{number}", data={"csrf": data["csrf"]})
    assert there_again in client.get(path).text
    assert there_again not in http(Role.RESPONSIBLE).get(path).text


def test_the_note_of_a_forward_that_was_taken_back_is_there_again(visit: Callable[..., Visit], office: Office) -> None:
    (key,) = arrive(office, [a_mail("Buongiorno, abbiamo due bambini: quali laboratori ci sono?")])
    page = visit(Role.OPERATOR).page
    for step in ("written", "there again"):
        page.goto(f"/messaggi/{key}")
        page.get_by_label("Comune della famiglia").fill("Crema")
        page.get_by_role("button", name="Vedi che cosa parte").click()
        if step == "written":
            page.get_by_label("Nota").fill("La madre preferisce la mattina")
            page.get_by_role("button", name="Conferma e inoltra").click()
            page.locator(".annulla").get_by_role("button", name="Annulla").click()
            expect(page.locator("#avvisi")).to_contain_text("Annullato")
    expect(page.get_by_label("Nota")).to_have_value("La madre preferisce la mattina")


def test_a_link_of_a_mail_is_told_in_words_before_it_leaves(http: Callable[..., httpx.Client], office: Office) -> None:
    (key,) = arrive(office, [a_mail("Buongiorno, abbiamo due bambini: quali laboratori ci sono?")])
    client = http(Role.OPERATOR)
    data = {"csrf": token_of(client.get(f"/messaggi/{key}").text), "seen": "1", "comune": "Crema"}
    shown = client.post(f"/messaggi/{key}/anteprima", data=data).text
    assert "mailto:" not in shown
    assert (
        "apre una mail già pronta per pijss.retifamiglia@ats-valpadana.it, con l&#39;oggetto «Non è per noi [" in shown
    )


@pytest.mark.parametrize("javascript", [True, False])
def test_possible_danger_is_not_put_away_without_a_note(
    visit: Callable[..., Visit], office: Office, javascript: bool
) -> None:
    """Not by the key either: the form warns, asks for the note, and keeps what was typed."""
    (key,) = arrive(office, [DANGER])
    page = visit(Role.OPERATOR, javascript=javascript).page
    page.goto(f"/messaggi/{key}")
    if javascript:
        page.keyboard.press("n")
    else:
        page.get_by_role("link", name="Non è per noi").click()
    expect(page.get_by_text("in questo messaggio qualcuno può essere in pericolo")).to_be_visible()
    if javascript:
        axe(page)
    unchecked(page)
    page.get_by_label("Nota").fill("  ")
    page.get_by_role("button", name="Conferma: non è per noi").click()
    refused(page.get_by_label("Nota"), "Qui può esserci un pericolo: scrivi una nota")
    assert row_of(office, key).state == MessageState.HELD
    page.get_by_label("Nota").fill("Letto: è la trama di un film")
    page.get_by_role("button", name="Conferma: non è per noi").click()
    expect(page.locator("#avvisi")).to_contain_text("Segnato come non per noi")
    assert row_of(office, key).state == MessageState.DECIDED


def test_a_whisper_of_danger_asks_for_a_note_and_keeps_what_was_chosen(
    http: Callable[..., httpx.Client], office: Office
) -> None:
    """Not to be read today, but a person was told that danger cannot be excluded."""
    (key, ordinary) = arrive(
        office, [FOR_NOBODY, FOR_NOBODY.replace(b"vendite@", b"offerte@").replace(b"penne", b"tazze")]
    )
    told = Reason("pericolo_non_escluso", {"probability": 0.35})
    with office.store.write("a whisper") as tx:
        decision = decision_of(tx, key, 1)
        assert decision is not None
        mine = (decisions.c.message_id == key) & (decisions.c.generation == 1)
        reasons = [{"code": one.code, "params": dict(one.params)} for one in (*decision.reasons, told)]
        assert tx.execute(decisions.update().where(mine).values(reasons=reasons)).rowcount == 1
    client = http(Role.RESPONSIBLE)
    for number, asked in ((key, True), (ordinary, False)):
        path = f"/messaggi/{number}/uscita/non_per_noi"
        page = client.get(path).text
        assert ("Nota per i colleghi (facoltativa)" in page) is not asked
        answer = client.post(path, data={"csrf": token_of(page), "seen": "1", "insegna": "mai"})
        assert answer.status_code == (422 if asked else 303)
        assert ('value="mai" checked' in answer.text) is asked


def asked_where_the_mailbox_is_proved(office: Office) -> int:
    """A family that may be written to, and lacks its place; its message's number."""
    arrive(office, [FOR_NOBODY])
    with office.store.write("probe") as tx:
        note_probe(tx, "generale", "", "", return_path=True, plus=False)
    return arrive(office, [HELD])[0]


@pytest.mark.parametrize("wait", ["24", "mai"])
def test_an_acknowledgement_that_was_put_off_is_shown_as_put_off(
    http: Callable[..., httpx.Client], office: Office, wait: str
) -> None:
    key = asked_where_the_mailbox_is_proved(office)
    client, path = http(Role.OPERATOR), f"/messaggi/{key}/uscita/ricevuta"
    data = {"csrf": token_of(client.get(path).text), "seen": "1", "comune": "Crema"}
    put_off = "ma non prima di domani alle 10:30: è stata rimandata"
    assert put_off not in client.post(f"/messaggi/{key}/anteprima", data=data).text
    assert client.post(path, data=data | {"attesa": wait}).status_code == 303
    assert (put_off in client.post(f"/messaggi/{key}/anteprima", data=data).text) is (wait == "24")


def test_while_everything_is_stopped_no_preview_promises_a_moment_alone(
    http: Callable[..., httpx.Client], office: Office
) -> None:
    key = asked_where_the_mailbox_is_proved(office)
    client, boss = http(Role.OPERATOR), http(Role.RESPONSIBLE)
    data = {"csrf": token_of(client.get(f"/messaggi/{key}").text), "seen": "1", "comune": "Crema"}
    assert ALL_STOPPED not in client.post(f"/messaggi/{key}/anteprima", data=data).text
    boss.post("/fermo/ferma", data={"csrf": token_of(boss.get("/fermo").text)})
    for path in (f"/messaggi/{key}/anteprima", f"/messaggi/{key}/uscita/rispondi/anteprima"):
        assert ALL_STOPPED in client.post(path, data=data | {"testo": "Buongiorno, la chiamiamo."}).text
    assert ALL_STOPPED in client.get(f"/messaggi/{key}/uscita/comune").text


def test_an_acknowledgement_that_has_left_is_told_before_anything_is_chosen(
    http: Callable[..., httpx.Client], office: Office
) -> None:
    key = asked_where_the_mailbox_is_proved(office)
    client, path = http(Role.OPERATOR), f"/messaggi/{key}/uscita/ricevuta"
    assert "è già partita" not in client.get(path).text
    with office.store.write("it leaves") as tx:
        mine = (dispatches.c.message_id == key) & (dispatches.c.kind == DispatchKind.ACKNOWLEDGEMENT)
        assert tx.execute(dispatches.update().where(mine).values(state="accepted", ended_at=tx.now)).rowcount == 1
    page = client.get(path).text
    assert "è già partita" in page
    assert 'name="attesa"' not in page


def test_a_centre_s_further_address_is_shown_and_not_its_key(http: Callable[..., httpx.Client], office: Office) -> None:
    (key,) = arrive(office, [HELD])
    page = http(Role.OPERATOR).get(f"/messaggi/{key}").text
    assert "Azienda Speciale Consortile Oglio Po: ufficiodipiano@concast.it</option>" in page
    assert ": piano<" not in page
