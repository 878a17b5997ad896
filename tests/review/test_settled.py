"""Smistati: what is done, searched by what is known of it; nothing about a family stands in an address."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from tests.fakes import FakeClock
from tests.record.builders import send_all
from tests.review.browser import WIDTHS, Visit, axe, fits
from tests.review.mail import FOR_NOBODY, HELD, a_mail, arrive, row_of
from tests.review.office import Office, token_of
from triage.acts.people import Person, Role
from triage.acts.settling import close
from triage.ids import case_code
from triage.keeping import purge
from triage.record.filing import record_filed
from triage.record.identity import secret_of
from triage.record.tables import messages, samples
from triage.review import finding, whole
from triage.review.finding import Search, find, folded, search_of
from triage.rules import Rules
from triage.rules.retention import RetentionRules
from triage.vocabulary import MessageState

VIADANA = a_mail(
    "Vivo a Viadana con mio figlio di tre anni e cerco un incontro sulla genitorialità. Perché? È l'età dei capricci.",
    "Genitorialità",
    "anna.rossi@example.com",
    "Anna Rossi",
)
CREMA = a_mail(
    "Buongiorno, abito a Crema e sono incinta: vorrei informazioni sui corsi di accompagnamento alla nascita. Grazie.",
    "Corso di nascita",
    "lucia.bianchi@example.com",
    "Lucia Bianchi",
)


@pytest.fixture
def done(office: Office) -> list[int]:
    """Two messages that went to their centres, and two that wait."""
    keys = arrive(office, [VIADANA, CREMA, HELD, FOR_NOBODY])
    assert send_all(office.store) >= 2
    return keys


def found(page_text: str) -> list[str]:
    return [name for name in ("Genitorialità", "Corso di nascita", "Orari") if f"<bdi>{name}</bdi>" in page_text]


def search(client: httpx.Client, **fields: str) -> httpx.Response:
    token = token_of(client.get("/accessibilita").text)
    return client.post("/smistati/cerca", data={"csrf": token, **fields}, follow_redirects=True)


def test_what_waits_is_not_among_what_is_done(http: Callable[..., httpx.Client], done: list[int]) -> None:
    page = http(Role.READER).get("/smistati").text
    assert found(page) == ["Genitorialità", "Corso di nascita"]
    assert page.index("Corso di nascita") < page.index("Genitorialità")
    assert "Inoltrato a «Comune di Crema»" in page


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"persona": "LUCIA.bianchi@example.com"}, ["Corso di nascita"]),
        ({"persona": "lucia bianchi"}, ["Corso di nascita"]),
        ({"persona": "bianchi rossi"}, []),
        ({"comune": "viadana"}, ["Genitorialità"]),
        ({"centro": "crema"}, ["Corso di nascita"]),
        ({"centro": "crema", "comune": "Viadana"}, []),
        ({"parole": "perche eta genitorialita"}, ["Genitorialità"]),
        ({"parole": "orari"}, []),
        ({"dal": "2026-11-26", "al": "26/11/2026"}, ["Genitorialità", "Corso di nascita"]),
        ({"al": "2026-11-25"}, []),
        ({"dal": "2026-11-27"}, []),
    ],
)
def test_each_field_finds_what_it_says(
    http: Callable[..., httpx.Client], done: list[int], fields: dict[str, str], expected: list[str]
) -> None:
    answer = search(http(Role.READER), **fields)
    assert answer.status_code == 200
    assert answer.url.path == "/smistati"
    assert not answer.url.query
    assert found(answer.text) == expected


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"codice": "22-AAAAAAAA"}, "Non c&#39;è un caso con questo codice"),
        ({"comune": "Atlantide"}, "Questo comune non è nell&#39;elenco"),
        ({"centro": "nessuno"}, "Questo centro non c&#39;è"),
        ({"argomento": "niente"}, "Questo argomento non esiste"),
        ({"dal": "ieri"}, "Scrivi i giorni come"),
        ({"dal": "2026-11-27", "al": "2026-11-26"}, "Il primo giorno viene dopo"),
        ({"parole": "a b c d e f g h i"}, "Troppe parole"),
    ],
)
def test_a_mistake_is_told_in_words_and_what_was_filled_in_stays(
    http: Callable[..., httpx.Client], done: list[int], fields: dict[str, str], said: str
) -> None:
    answer = search(http(Role.READER), **fields)
    assert answer.status_code == 422
    assert said in answer.text


def test_what_is_found_is_counted_and_so_is_everything(
    http: Callable[..., httpx.Client], done: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = http(Role.READER)
    assert "Messaggi trovati, dal più recente: 1 su 2." in " ".join(search(client, centro="crema").text.split())
    assert "Nessun messaggio trovato su 2." in " ".join(search(client, al="2026-11-25").text.split())
    monkeypatch.setattr(finding, "MOST_COUNTED", 1)
    assert "trovati, dal più recente: 1 su più di 1." in " ".join(search(client, centro="crema").text.split())


def test_a_search_is_kept_until_it_is_taken_away_and_each_person_has_their_own(
    http: Callable[..., httpx.Client], done: list[int]
) -> None:
    one, two = http(Role.OPERATOR), http(Role.READER)
    search(one, parole="nascita")
    assert found(one.get("/smistati").text) == ["Corso di nascita"]
    assert len(found(two.get("/smistati").text)) == 2
    token = token_of(one.get("/smistati").text)
    assert len(found(one.post("/smistati/tutti", data={"csrf": token}, follow_redirects=True).text)) == 2


def test_a_search_by_words_reads_so_many_messages_at_a_time_and_says_so(
    http: Callable[..., httpx.Client], office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = a_mail("Abito a Viadana e cerco un incontro sulla genitorialità. Parola rara: quisquilia.", "Vecchia")
    many = [a_mail(f"Abito a Viadana, cerco un incontro sulla genitorialità, numero {n}.", f"N {n}") for n in range(6)]
    arrive(office, [old, *many])
    send_all(office.store)
    monkeypatch.setattr(finding, "MOST_READ", 4)
    monkeypatch.setattr(finding, "AT_ONCE", 2)
    client = http(Role.READER)
    first = search(client, parole="quisquilia").text
    assert "0 messaggi trovati tra i 4 messaggi aperti" in " ".join(first.split())
    assert "Ce ne sono di più vecchi, non ancora guardati." in first
    before = first.split("/smistati?prima=")[1].split('"')[0]
    assert "<bdi>Vecchia</bdi>" in client.get(f"/smistati?prima={before}").text


def closed_by_anna(office: Office, key: int) -> None:
    """What is longer than the models read waits for a person."""
    anna = Person(None, "anna", "Anna Rossi", Role.OPERATOR)
    with office.store.write("closed by a person", "anna") as tx:
        assert close(tx, office.knowledge.in_force().rules, anna, key, "letto").ok


def long_mail(subject: str, *, end: str) -> bytes:
    """A family's mail whose last words stand far behind the first 64 KiB."""
    start = "Abito a Viadana e cerco un incontro sulla genitorialità.\n"
    return a_mail(f"{start * 2400}\n{end}\n", subject)


def test_a_word_far_down_in_a_long_message_is_found(http: Callable[..., httpx.Client], office: Office) -> None:
    (key,) = arrive(office, [long_mail("Lunga", end="La parola rara: quisquilia.")])
    closed_by_anna(office, key)
    assert row_of(office, key).size > 1 << 16
    page = search(http(Role.READER), parole="quisquilia").text
    assert "<bdi>Lunga</bdi>" in page
    assert "si è letto solo l'inizio" not in page


def test_messages_too_large_to_be_read_to_their_end_are_named(
    http: Callable[..., httpx.Client], office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the parser itself stops: 200,000 characters of text."""
    endless = a_mail(
        "Abito a Viadana, cerco un incontro sulla genitorialità.\n" + "parole e parole. " * 13_000, "Senza fine"
    )
    keys = arrive(office, [long_mail("Lunga", end="La parola rara: quisquilia."), endless, VIADANA])
    send_all(office.store)
    for key in keys[:2]:
        closed_by_anna(office, key)
    monkeypatch.setattr(whole, "WHOLE", 100_000)
    page = " ".join(search(http(Role.READER), parole="quisquilia").text.split())
    assert "0 messaggi trovati tra i 3 messaggi aperti" in page
    assert "Di 2 messaggi molto lunghi si è letto solo l'inizio: le parole possono essere più avanti" in page
    assert [f'href="/messaggi/{key}"' in page for key in keys] == [True, True, False]
    monkeypatch.undo()
    page = " ".join(search(http(Role.READER), parole="quisquilia").text.split())
    assert "Di 1 messaggio molto lungo si è letto solo l'inizio" in page, "the parser's own bound"
    assert f'href="/messaggi/{keys[1]}"' in page


def test_pages_go_on_with_the_older_ones(
    http: Callable[..., httpx.Client], office: Office, done: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "SIZE", 1)
    client = http(Role.READER)
    first = client.get("/smistati").text
    assert found(first) == ["Corso di nascita"]
    before = first.split("/smistati?prima=")[1].split('"')[0]
    second = client.get(f"/smistati?prima={before}").text
    assert found(second) == ["Genitorialità"]
    assert "Continua con i più vecchi" not in second


def test_letters_with_and_without_accents_are_the_same() -> None:
    assert folded("Perché È così") == folded("PERCHE E COSI")


def test_what_the_rules_no_longer_know_is_not_searched(office: Office) -> None:
    rules: Rules = office.knowledge.in_force().rules
    assert search_of({"centro": "sciolto"}, rules) == "Questo centro non c'è nelle regole."
    assert find(office.desk, Search(persona="nessuno@example.com"), 0).rows == ()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_search_is_accessible_open_and_closed(visit: Callable[..., Visit], done: list[int], width: int) -> None:
    page = visit(Role.OPERATOR, width=width).page
    page.goto("/smistati")
    axe(page)
    fits(page)
    page.keyboard.press("/")
    expect(page.get_by_label("Codice del caso")).to_be_visible()
    axe(page)
    fits(page)
    page.get_by_label("Parole").fill("nascita")
    page.get_by_role("button", name="Cerca", exact=True).click()
    expect(page.get_by_text("1 messaggio trovato tra i 2 messaggi aperti")).to_be_focused()
    axe(page)
    fits(page)
    page.get_by_label("Comune").fill("Atlantide")
    page.get_by_role("button", name="Cerca", exact=True).click()
    expect(page.get_by_role("alert")).to_be_focused()
    axe(page)
    fits(page)


def test_what_was_erased_is_found_without_its_words(
    office: Office, visit: Callable[..., Visit], http: Callable[..., httpx.Client], clock: FakeClock, done: list[int]
) -> None:
    with office.store.write("file") as tx:
        rows = [row_of(office, key) for key in done[:2]]
        record_filed(tx, rows, "Smistati", "filed")
        tx.execute(samples.update().values(labelled_at=tx.now))  # what waits to be judged would stay
    clock.forward(timedelta(days=400))
    assert purge(office.store, RetentionRules()) is not None
    assert {row_of(office, key).state for key in done[:2]} == {MessageState.ERASED}
    client = http(Role.OPERATOR)
    page = client.get("/smistati").text
    assert found(page) == []
    assert "Inoltrato a «Comune di Crema»" in page, "what became of it stays"
    assert page.count("testo e mittente cancellati") == 2
    answer = client.get(f"/messaggi/{done[0]}")
    assert (answer.status_code, "Testo cancellato" in answer.text) == (404, True)
    assert "Errore" not in answer.text, "it is gone as it should be"
    case = client.get(re.findall(r'href="(/casi/\d+)"', answer.text)[0], follow_redirects=True)
    assert "sconosciuto" not in case.text
    assert "Conferma di ricevuta alla famiglia" not in case.text, "nobody can be written to any more"
    assert client.get(f"/messaggi/{done[0]}/originale.eml").status_code == 404
    one = visit(Role.OPERATOR)
    one.page.goto("/smistati")
    axe(one.page)
    one.page.locator("a.riga-oggetto").first.click()
    expect(one.page.get_by_text("Il testo non c'è più: è scaduto il tempo di conservazione")).to_be_visible()
    axe(one.page)


@pytest.mark.parametrize("closed", [False, True])
def test_what_stopped_the_parser_is_parsed_by_no_page_not_even_once_it_is_closed(
    http: Callable[..., httpx.Client], office: Office, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, closed: bool
) -> None:
    (poison,) = arrive(office, [HELD])
    with office.store.write("aside") as tx:
        tx.execute(
            sa.update(messages)
            .where(messages.c.id == poison)
            .values(state=MessageState.QUARANTINED, hold_reason="lettura_fallita", tries=3)
        )
    client = http(Role.OPERATOR)
    if closed:
        page = client.get(f"/messaggi/{poison}/uscita/chiudi").text
        seen = re.findall(r'name="seen" value="(\d+)"', page)[0]
        data = {"csrf": token_of(page), "seen": seen, "nota": "guardato nella casella"}
        assert client.post(f"/messaggi/{poison}/uscita/chiudi", data=data).status_code == 303
        clock.forward(timedelta(minutes=3))
    for where in ("triage.review.heads", "triage.review.whole", "triage.reading"):
        monkeypatch.setattr(f"{where}.parse", lambda *_, **__: pytest.fail("parsed in the page's process"))
    case = row_of(office, poison).case_id
    assert case is not None
    with office.store.read("code") as tx:
        code = case_code(secret_of(tx), case)
    for path in ("/da-decidere", "/smistati", f"/messaggi/{poison}", f"/casi/{code}", f"/messaggi/{poison}/originale"):
        page = client.get(path).text
        assert "orari" not in page.casefold().replace("orario", ""), path
        if path == f"/messaggi/{poison}":
            assert all(f"<dt>{label}</dt>" in page for label in ("Arrivato", "Casella", "Grandezza")), "where to look"
            assert ("poi chiudilo qui" in page) != closed
    assert search(client, parole="orari").status_code == 200
