"""/regole/imparate: what settlements taught is listed in plain words, and ended by whoever may teach."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta

import httpx
import pytest
from playwright.sync_api import expect

from tests.fakes import FakeClock
from tests.review.browser import WIDTHS, Visit, axe, fits
from tests.review.mail import FOR_NOBODY, a_mail, arrive, row_of
from tests.review.office import Office, shown_in, token_of
from tests.review.outbox import Outbox
from tests.servers.smtp_sink import SmtpSink
from triage.acts.people import Role
from triage.record.exceptions import live_exceptions
from triage.record.staff_acts import acts_about, verify_acts
from triage.vocabulary import MessageState

PATH = "/regole/imparate"
CERAMICS = a_mail("Buongiorno, fate ancora il laboratorio?", "Laboratorio", "anna.rossi@example.com", "Anna Rossi")


@pytest.fixture
def taught(office: Office, http: Callable[..., httpx.Client]) -> list[int]:
    """Two messages that taught: Anna's next ones go to the centre, a seller's are filed."""
    client = http(Role.RESPONSIBLE)
    keys = arrive(office, [CERAMICS, FOR_NOBODY])
    token = token_of(client.get(f"/messaggi/{keys[0]}").text)
    for key, path, more in (
        (keys[0], "inoltra", {"comune": "Viadana", "insegna": "mittente"}),
        (keys[1], "uscita/non_per_noi", {"insegna": "mai"}),
    ):
        data = {"csrf": token, "seen": str(row_of(office, key).generation)} | more
        if path == "inoltra":
            data["mostrato"] = shown_in(client.post(f"/messaggi/{key}/anteprima", data=data).text)
        assert client.post(f"/messaggi/{key}/{path}", data=data).status_code == 303
    return keys


def live(office: Office) -> list[int]:
    with office.store.read("look") as tx:
        return [one.id for one in live_exceptions(tx)]


@pytest.mark.parametrize("javascript", [True, False])
def test_each_taught_rule_is_told_and_ended_by_keyboard(
    visit: Callable[..., Visit], office: Office, taught: list[int], javascript: bool
) -> None:
    never, sender = live(office)
    one = visit(Role.RESPONSIBLE, javascript=javascript)
    page = one.page
    page.goto(f"/messaggi/{taught[0]}")
    page.get_by_role("link", name="Guarda o togli la regola").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Regole imparate dai messaggi")
    rule = page.locator(f"#r{sender}")
    centre = "«Azienda Speciale Consortile Oglio Po»"
    expect(rule).to_contain_text(f"I messaggi di «Anna Rossi», se parlano della zona di {centre}")
    expect(rule).to_contain_text(f"vanno a {centre}.")
    expect(rule).to_contain_text("Insegnata da Bruno Verdi oggi alle 10:30, con il caso")
    expect(rule).to_contain_text("Scadenza: 24 febbraio 2027")
    expect(rule).to_contain_text("Non è ancora stata usata.")
    expect(page.locator(f"#r{never}")).to_contain_text("I messaggi di «v…@example.net» si archiviano")
    rule.get_by_role("link", name="Togli").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Vuoi togliere questa regola?")
    assert live(office) == [never, sender], "asking ends nothing"
    page.get_by_role("button", name="Togli la regola").press("Enter")
    expect(page.locator("#avvisi")).to_contain_text("Regola tolta")
    assert live(office) == [never]
    page.get_by_text("1 regola che non vale più").press("Enter")
    expect(page.locator("main")).to_contain_text("tolta oggi alle 10:30 da Bruno Verdi; usata 0 volte")
    with office.store.read("look") as tx:
        assert [act["act"] for act in acts_about(tx, "exception", sender)] == ["teach", "forget"]
        assert verify_acts(tx) == ()
    page.goto(f"/messaggi/{taught[0]}")
    expect(page.get_by_role("link", name="Guarda o togli la regola")).to_have_count(0)


def test_whoever_ends_a_rule_sees_what_it_has_filed_and_takes_it_up(
    visit: Callable[..., Visit], office: Office, taught: list[int], clock: FakeClock
) -> None:
    never = live(office)[0]
    clock.forward(timedelta(minutes=3))
    text = "Ecco il nuovo catalogo di sedie e scrivanie per il vostro ufficio, prezzi riservati alle amministrazioni."
    (filed,) = arrive(office, [a_mail(text, "Catalogo arredi", "vendite@example.net")])
    assert row_of(office, filed).state == MessageState.DECIDED
    page = visit(Role.RESPONSIBLE).page
    page.goto(f"{PATH}/{never}")
    expect(page.get_by_role("heading", name="Che cosa ha archiviato: 1 messaggio")).to_be_visible()
    axe(page)
    page.get_by_role("button", name="Togli la regola").click()
    expect(page.locator("#avvisi")).to_contain_text("1 messaggio archiviato dalla regola")
    page.get_by_role("link", name="Catalogo arredi").click()
    expect(page.get_by_role("heading", name="Correggi: a quale centro doveva andare")).to_be_visible()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_pages_are_accessible(visit: Callable[..., Visit], office: Office, taught: list[int], width: int) -> None:
    one = visit(Role.RESPONSIBLE, width=width)
    for path in (PATH, f"{PATH}/{live(office)[0]}", f"/messaggi/{taught[0]}"):
        one.page.goto(path)
        axe(one.page)
        fits(one.page)


def test_only_whoever_may_teach_ends_one_and_only_from_the_page(
    http: Callable[..., httpx.Client], office: Office, taught: list[int]
) -> None:
    number = live(office)[0]
    operator, responsible = http(Role.OPERATOR), http(Role.RESPONSIBLE)
    shown = operator.get(PATH).text
    assert ("si archiviano" in shown, "Togli" in shown) == (True, False)
    token = token_of(shown)
    assert operator.get(f"{PATH}/{number}").status_code == 403
    assert operator.post(f"{PATH}/{number}/togli", data={"csrf": token}).status_code == 403
    assert responsible.post(f"{PATH}/{number}/togli", data={"csrf": "x"}).status_code == 403
    assert number in live(office)
    assert responsible.get(f"{PATH}/99").status_code == 404
    token = token_of(responsible.get(PATH).text)
    assert responsible.post(f"{PATH}/99/togli", data={"csrf": token}).status_code == 404
    for _ in range(2):
        assert responsible.post(f"{PATH}/{number}/togli", data={"csrf": token}).status_code == 303
    assert "Questa regola non vale già più." in responsible.get(PATH).text


def test_correcting_offers_to_end_the_rule_and_does_unless_told_otherwise(
    visit: Callable[..., Visit], office: Office, taught: list[int], smtp_sink: SmtpSink, clock: FakeClock
) -> None:
    sender = live(office)[1]
    clock.forward(timedelta(minutes=3))  # a rule acts once its settlement cannot be undone
    (again,) = arrive(office, [a_mail("Sempre per il laboratorio.", "Di nuovo", "anna.rossi@example.com")])
    with closing(Outbox(office, smtp_sink, clock)) as outbox:
        outbox.send(after=timedelta(minutes=3))
    assert row_of(office, again).state == "forwarded"
    page = visit(Role.OPERATOR).page
    page.goto(f"/messaggi/{again}")
    expect(page.get_by_role("link", name="Guarda la regola")).to_be_visible()
    page.get_by_role("link", name="Guarda il caso").click()
    page.get_by_role("link", name="Correggi").click()
    page.get_by_label("Comune della famiglia").fill("Crema")
    page.get_by_label("la zona era sbagliata").check()
    page.get_by_role("button", name="Vedi che cosa parte").click()
    box = page.get_by_label("Togli questa regola")
    expect(box).to_be_checked()
    expect(page.locator("main")).to_contain_text("I messaggi di questo mittente, se parlano")
    axe(page)
    page.get_by_role("button", name="Conferma la correzione").click()
    expect(page.locator("#avvisi")).to_contain_text("La regola imparata che lo aveva mandato lì non vale più.")
    assert sender not in live(office)
    page.get_by_role("button", name="Annulla").click()
    expect(page.locator("#avvisi")).to_contain_text("Annullato")
    assert sender in live(office), "what is undone is undone whole"
