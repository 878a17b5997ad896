"""A case as a conversation, and a misroute corrected: from the search to the mail that leaves, by keyboard alone."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.fakes import FakeClock
from tests.record.builders import PERMANENT, begin, end, lease_next
from tests.review.browser import WIDTHS, Visit, axe, fits, refused, unchecked
from tests.review.mail import a_mail, arrive, row_of
from tests.review.office import Office, shown_in, token_of
from tests.review.outbox import Outbox
from tests.servers.smtp_sink import SmtpSink
from triage.acts.people import Role
from triage.ids import case_code
from triage.record.identity import secret_of
from triage.review import whole
from triage.review.mail_text import readable
from triage.vocabulary import DispatchState

LUCIA = "lucia.bianchi@example.com"
TO_CREMA = a_mail(
    "Buongiorno, abito a Crema e sono incinta: vorrei informazioni sui corsi di accompagnamento alla nascita. Grazie.",
    "Corso di nascita",
    LUCIA,
    "Lucia Bianchi",
)
ANOTHER = a_mail(
    "Siamo una famiglia di Casalmaggiore, cerchiamo uno sportello per la mediazione familiare.",
    "Mediazione",
    "paolo.neri@example.com",
    "Paolo Neri",
)
CREMA, OGLIO_PO = "orientagiovani@comune.crema.cr.it", "info@consociale.it"


@pytest.fixture
def outbox(office: Office, smtp_sink: SmtpSink, clock: FakeClock) -> Iterator[Outbox]:
    made = Outbox(office, smtp_sink, clock)
    yield made
    made.close()


@pytest.fixture
def misroute(office: Office, outbox: Outbox) -> int:
    """A message that Crema's centre has, and whose family was told so."""
    # The mailbox must be there before it can be proved; its first message is another family's.
    arrive(office, [ANOTHER])
    outbox.prove_mailbox()
    (key,) = arrive(office, [TO_CREMA])
    sent = outbox.send() + outbox.send(after=timedelta(minutes=10))
    assert {to for to, _ in sent} >= {CREMA, LUCIA}
    assert row_of(office, key).state == "forwarded"
    return key


def code_of(office: Office, message_id: int) -> str:
    case = row_of(office, message_id).case_id
    assert case is not None
    with office.store.write("code") as tx:
        return case_code(secret_of(tx), case)


def choose(page: Page) -> None:
    """Fill in the form of a correction from its heading on, by keyboard alone."""
    for _ in range(9):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "comune":
            break
    page.keyboard.type("Viadana")
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Che cosa parte se confermi")).to_be_focused()


def test_a_misroute_is_corrected_by_keyboard_from_the_search_to_the_undo(
    visit: Callable[..., Visit], office: Office, outbox: Outbox, misroute: int
) -> None:
    page = visit(Role.OPERATOR).page
    code = code_of(office, misroute)
    page.goto("/smistati")
    page.keyboard.press("/")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type(LUCIA)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Messaggi trovati, dal più recente: 1 su 2.")).to_be_focused()
    assert page.url == f"{office.url}/smistati"
    assert page.locator(".riga").count() == 1
    page.keyboard.press("j")
    expect(page.get_by_role("heading", name=f"Caso {code}")).to_be_visible()
    page.keyboard.press("x")
    expect(page.get_by_role("heading", name="Correggi: a quale centro doveva andare")).to_be_focused()
    choose(page)
    mails = page.locator(".mail-pronte > li")
    assert mails.count() == 3
    for to, what in (
        (OGLIO_PO, "Il messaggio, al centro"),
        (CREMA, "Richiesta di cancellare"),
        (LUCIA, "Avviso del nuovo centro"),
    ):
        expect(mails.filter(has_text=to).filter(has_text=what)).to_have_count(1)
    page.keyboard.press("i")
    expect(page.get_by_role("button", name="Annulla")).to_be_visible()
    assert outbox.send(after=timedelta(minutes=1)) == []
    page.keyboard.press("z")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Annullato: non è partito niente.", exact=True)).to_be_visible()
    assert page.url == f"{office.url}/casi/{code}"
    assert outbox.send(after=timedelta(minutes=10)) == []


def test_what_was_shown_is_what_leaves_and_the_register_and_the_conversation_tell_it(
    visit: Callable[..., Visit], office: Office, outbox: Outbox, misroute: int
) -> None:
    page = visit(Role.OPERATOR).page
    code = code_of(office, misroute)
    page.goto(f"/casi/{code}/correggi/{misroute}")
    page.locator("h2[data-focus]").wait_for()
    choose(page)
    shown = {
        one.locator(".indirizzo").inner_text(): one.locator(".testo").text_content()
        for one in page.locator(".mail-pronte > li").all()
    }
    page.get_by_role("button", name="Conferma la correzione").click()
    expect(page.get_by_role("button", name="Annulla")).to_be_visible()
    sent = outbox.send(after=timedelta(minutes=3)) + outbox.send(after=timedelta(minutes=10))
    assert sorted(to for to, _ in sent) == sorted([OGLIO_PO, CREMA, LUCIA])
    assert outbox.send(after=timedelta(minutes=5)) == []
    body = outbox.newest_to(CREMA).get_body(("plain",))
    assert body is not None
    assert words(readable(body.get_content())) == words(shown[CREMA] or "")
    page.goto(f"/casi/{code}")
    story = page.locator(".storia").inner_text()
    happened = (
        *("Lucia Bianchi scrive", "Il servizio lo manda a Comune di Crema", "Partita: Il messaggio, al centro"),
        *("corretto, va a", "Nel registro degli errori", "Partita: Richiesta di cancellare"),
    )
    places = [story.index(one) for one in happened]
    assert places == sorted(places), story
    assert story.count("Partita: Avviso del nuovo centro") == 1
    keeper = visit(Role.RESPONSIBLE).page
    keeper.goto("/errori")
    keeper.get_by_role("link", name=code).click()
    keeper.get_by_role("button", name="Chiudi l'errore").click()
    expect(keeper.get_by_role("alert")).to_have_text("Prima annota che cosa ha fatto il centro con il messaggio.")
    keeper.get_by_label("cancellato, detto a voce").check()
    keeper.get_by_role("button", name="Annota la risposta").click()
    keeper.get_by_role("button", name="Chiudi l'errore").click()
    expect(keeper.get_by_text("Niente da seguire: ogni errore è chiuso.")).to_be_visible()
    keeper.goto("/errori?tutti=si")
    for secret in ("Lucia", "Corso di nascita", "incinta", LUCIA):
        assert secret not in keeper.content()
    with keeper.expect_download() as download:
        keeper.get_by_role("button", name="Scarica per il foglio di calcolo").click()
    text = download.value.path().read_text(encoding="utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(text), delimiter=";")
    assert (row["Caso"], row["Trovato da (ruolo)"], row["Motivo"]) == (code, "Operatore", "la zona era sbagliata")
    assert (row["Categorie di dati"], row["Risposta"]) == (
        "nome e dati anagrafici",
        "cancellato, detto a voce o in altro modo",
    )
    assert "Lucia" not in text


def test_who_answers_for_data_protection_sees_the_register_and_no_mail(
    visit: Callable[..., Visit], http: Callable[..., httpx.Client], office: Office, outbox: Outbox, misroute: int
) -> None:
    code = code_of(office, misroute)
    operator = visit(Role.OPERATOR).page
    operator.goto(f"/casi/{code}/correggi/{misroute}")
    operator.locator("h2[data-focus]").wait_for()
    choose(operator)
    operator.get_by_role("button", name="Conferma la correzione").click()
    expect(operator.get_by_role("button", name="Annulla")).to_be_visible()
    outbox.send(after=timedelta(minutes=10))

    watcher = visit(Role.DATA_PROTECTION)
    page, asked = watcher.page, list[str]()
    page.on("request", lambda request: asked.append(urlsplit(request.url).path))
    page.goto("/")
    assert page.url == f"{office.url}/errori"
    assert page.title().startswith("Errori di smistamento"), "how many wait is not theirs to see"
    axe(page)
    page.get_by_role("link", name=code).click()
    expect(page.get_by_role("heading", name=f"Errore, caso {code}")).to_be_visible()
    assert [one.strip() for one in page.locator("main a, main button").all_inner_texts()] == ["Errori di smistamento"]
    axe(page)
    page.get_by_role("link", name="Errori di smistamento").last.click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Scarica per il foglio di calcolo").click()
    assert code in download.value.path().read_text(encoding="utf-8-sig")
    assert "/eventi" not in asked

    client = http(Role.DATA_PROTECTION)
    token = token_of(client.get("/errori").text)
    number = re.findall(r'href="/errori/(\d+)"', client.get("/errori").text)[0]
    kept = f"/errori/{number}"
    before = client.get(kept).text
    of_the_mail = (f"/casi/{code}", f"/messaggi/{misroute}", f"/messaggi/{misroute}/originale.eml", "/smistati")
    for path in (*of_the_mail, "/da-decidere", "/eventi", "/andamento", "/persone"):
        assert client.get(path).status_code == 403, path
    for path in (f"{kept}/risposta", f"{kept}/chiudi", "/smistati/cerca", "/andamento/scarica/centri"):
        assert client.post(path, data={"csrf": token, "risposta": "voce"}).status_code == 403, path
    assert client.get(kept).text == before


def words(text: str) -> list[str]:
    return text.split()


def test_the_whole_correction_works_without_javascript(
    visit: Callable[..., Visit], office: Office, outbox: Outbox, misroute: int
) -> None:
    page = visit(Role.OPERATOR, javascript=False).page
    page.goto("/smistati")
    page.locator("summary", has_text="Cerca").click()
    page.get_by_label("Codice del caso").fill(f" {code_of(office, misroute).lower()} ")
    page.get_by_role("button", name="Cerca", exact=True).click()
    assert page.url == f"{office.url}/casi/{code_of(office, misroute)}"
    page.get_by_role("link", name="Correggi").click()
    page.get_by_label("Comune della famiglia").fill("viadana")
    page.get_by_label("la zona era sbagliata").check()
    page.get_by_role("button", name="Vedi che cosa parte").click()
    page.get_by_role("button", name="Conferma la correzione").click()
    page.get_by_role("button", name="Annulla").click()
    expect(page.get_by_text("Annullato: non è partito niente.", exact=True)).to_be_visible()
    assert outbox.send(after=timedelta(minutes=10)) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_every_state_of_the_case_and_the_register_is_accessible(
    visit: Callable[..., Visit], office: Office, misroute: int, width: int
) -> None:
    page = visit(Role.RESPONSIBLE, width=width).page
    code = code_of(office, misroute)

    def looked() -> None:
        axe(page)
        fits(page)

    for path in (f"/casi/{code}", f"/casi/{code}/unisci/{misroute}", f"/casi/{code}/separa/{misroute}"):
        page.goto(path)
        looked()
    page.goto(f"/casi/{code}/unisci/{misroute}")
    page.get_by_label("Codice dell'altro caso").fill("22-AAAAAAAA")
    page.get_by_role("button", name="Vedi il caso").click()
    refused(page.get_by_label("Codice dell'altro caso"), "Non c'è un caso con questo codice.")
    looked()
    page.goto(f"/casi/{code}/correggi/{misroute}")
    unchecked(page)
    page.get_by_role("button", name="Vedi che cosa parte").click()
    refused(page.get_by_label("la zona era sbagliata"), "Scegli perché", of=page.get_by_role("radiogroup"))
    looked()
    page.goto(f"/casi/{code}")
    unchecked(page)
    hold = page.get_by_role("button", name="Salva per la conferma di ricevuta")
    if hold.count():
        hold.click()
        refused(page.get_by_label("rimandala di 4 ore"), "Scegli che cosa fare", of=page.get_by_role("radiogroup"))
        looked()
    page.goto(f"/casi/{code}/correggi/{misroute}")
    looked()
    page.get_by_label("la zona era sbagliata").check()
    page.get_by_label("Comune della famiglia").fill("Atlantide")
    page.get_by_role("button", name="Vedi che cosa parte").click()
    expect(page.get_by_role("alert")).to_be_focused()
    looked()
    page.get_by_label("Comune della famiglia").fill("Viadana")
    page.get_by_label("salute").check()
    page.get_by_role("button", name="Vedi che cosa parte").click()
    looked()
    page.get_by_role("button", name="Conferma la correzione").click()
    expect(page.get_by_role("button", name="Annulla")).to_be_visible()
    looked()
    for path in ("/errori", "/errori?tutti=si", "/errori/1", "/smistati"):
        page.goto(path)
        looked()
    page.goto("/errori/1")
    page.get_by_role("button", name="Chiudi l'errore").click()
    refused(page.get_by_role("radio").first, "Prima annota", of=page.get_by_role("radiogroup"))
    looked()


def test_a_case_is_shown_only_under_its_own_code_and_a_message_only_under_its_case(
    http: Callable[..., httpx.Client], office: Office, outbox: Outbox, misroute: int
) -> None:
    client = http(Role.RESPONSIBLE)
    code = code_of(office, misroute)
    other = next(key for key in range(1, 10) if row_of(office, key).case_id != row_of(office, misroute).case_id)
    wrong = code[:-1] + ("A" if code[-1] != "A" else "B")
    token = token_of(client.get("/accessibilita").text)
    form = {"csrf": token, "seen": "1", "centro": "oglio_po", "perche": "zona"}
    assert client.get(f"/casi/{code}").status_code == 200
    assert client.get(f"/casi/{row_of(office, misroute).case_id}").headers["Location"] == f"/casi/{code}"
    for path in (f"/casi/{wrong}", "/casi/999", f"/casi/{code}/correggi/{other}", f"/casi/{code}/separa/{other}"):
        assert client.get(path).status_code == 404, path
    for path in ("correggi", "separa"):
        assert client.post(f"/casi/{code}/{path}/{other}", data=form).status_code == 404, path
    assert client.post(f"/casi/{code}/correggi/{other}/anteprima", data=form).status_code == 404
    assert outbox.send(after=timedelta(minutes=10)) == []


def test_whoever_only_looks_sees_the_case_and_changes_nothing(
    http: Callable[..., httpx.Client], office: Office, misroute: int
) -> None:
    client = http(Role.READER)
    code = code_of(office, misroute)
    page = client.get(f"/casi/{code}").text
    assert "Corso di nascita" in page
    assert "Correggi" not in page
    assert "Salva per la conferma" not in page
    form = {"csrf": token_of(page), "seen": "1", "centro": "oglio_po", "perche": "zona"}
    assert client.post(f"/casi/{code}/correggi/{misroute}", data=form).status_code == 403


def test_of_two_who_correct_one_message_the_second_is_told_who_was_faster(
    http: Callable[..., httpx.Client], office: Office, outbox: Outbox, misroute: int
) -> None:
    one, two = http(Role.OPERATOR), http(Role.RESPONSIBLE)
    path = f"/casi/{code_of(office, misroute)}/correggi/{misroute}"
    form = {"seen": str(row_of(office, misroute).generation), "perche": "zona"}
    form_of_one = form | {"csrf": token_of(one.get(path).text), "centro": "oglio_po"}
    shown = shown_in(one.post(f"{path}/anteprima", data=form_of_one).text)
    first = one.post(path, data=form_of_one | {"mostrato": shown})
    second = two.post(path, data=form | {"csrf": token_of(two.get(path).text), "centro": "mantova"})
    assert first.status_code == 303
    assert second.status_code == 422
    assert "Nel frattempo è già stato smistato da Anna Rossi" in second.text
    sent = {to for to, _ in outbox.send(after=timedelta(minutes=3))}
    assert sent == {OGLIO_PO, CREMA, LUCIA}


def test_a_correction_holds_for_what_was_shown(
    http: Callable[..., httpx.Client], office: Office, change_rules: Callable[[str, str], None], misroute: int
) -> None:
    client = http(Role.OPERATOR)
    path = f"/casi/{code_of(office, misroute)}/correggi/{misroute}"
    data = {"csrf": token_of(client.get(path).text), "seen": str(row_of(office, misroute).generation)}
    data |= {"centro": "oglio_po.default", "perche": "zona", "nota": "come detto"}
    page = client.post(f"{path}/anteprima", data=data).text
    change_rules(OGLIO_PO, "nuovo@consociale.it")
    answer = client.post(path, data=data | {"mostrato": shown_in(page)})
    assert (answer.status_code, row_of(office, misroute).state) == (422, "forwarded")
    assert "Nel frattempo è cambiato quello che partirebbe: controlla di nuovo." in answer.text
    assert "nuovo@consociale.it" in answer.text
    assert client.post(path, data=data | {"mostrato": shown_in(answer.text)}).status_code == 303


def test_a_refused_forward_is_told_with_the_servers_words(http: Callable[..., httpx.Client], office: Office) -> None:
    (key,) = arrive(office, [TO_CREMA])
    end(office.store, begin(office.store, lease_next(office.store)), PERMANENT, DispatchState.FAILED)
    page = http(Role.READER).get(f"/casi/{code_of(office, key)}").text
    assert "Non consegnata: Il messaggio, al centro (Comune di Crema)" in page
    assert "«No such user»" in page


def test_a_message_is_joined_to_a_case_and_parted_from_it_again(
    visit: Callable[..., Visit], office: Office, misroute: int
) -> None:
    (other,) = arrive(office, [ANOTHER])
    page = visit(Role.OPERATOR).page
    code = code_of(office, misroute)
    page.goto(f"/casi/{code_of(office, other)}/unisci/{other}")
    page.get_by_label("Codice dell'altro caso").fill(code)
    page.get_by_role("button", name="Vedi il caso").click()
    expect(page.get_by_text("«Corso di nascita»")).to_be_visible()
    expect(page.get_by_text("chi scrive questo messaggio non è chi ha scritto quel caso")).to_be_visible()
    axe(page)
    assert code_of(office, other) != code
    page.get_by_role("button", name="Unisci a questo caso").click()
    expect(page.get_by_text("Unito al caso.")).to_be_visible()
    assert code_of(office, other) == code
    page.goto(f"/casi/{code}/separa/{other}")
    page.get_by_role("button", name="Separa", exact=True).click()
    expect(page.get_by_text("Separato: ora è un caso a sé.")).to_be_visible()
    assert code_of(office, other) != code
    page.keyboard.press("z")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Annullato: non è partito niente.", exact=True)).to_be_visible()
    assert code_of(office, other) == code


def test_an_acknowledgement_is_held_back_and_let_go_from_its_case(
    visit: Callable[..., Visit], office: Office, outbox: Outbox
) -> None:
    arrive(office, [ANOTHER])
    outbox.prove_mailbox()
    (key,) = arrive(office, [TO_CREMA])
    page = visit(Role.OPERATOR).page
    page.goto(f"/casi/{code_of(office, key)}")
    page.get_by_label("non mandarla").check()
    page.get_by_role("button", name="Salva per la conferma di ricevuta").click()
    expect(page.get_by_text("La conferma di ricevuta di questo caso non parte.")).to_be_visible()
    expect(page.get_by_text("Fermata: non parte, da Anna Rossi.")).to_be_visible()
    assert LUCIA not in {to for to, _ in outbox.send(after=timedelta(hours=8))}


def test_an_acknowledgement_of_a_closed_message_is_not_told_as_due(
    http: Callable[..., httpx.Client], office: Office, outbox: Outbox
) -> None:
    arrive(office, [ANOTHER])
    outbox.prove_mailbox()
    (key,) = arrive(office, [a_mail("Vorrei sapere quando siete aperti. Grazie", "Orari", LUCIA)])
    page = f"/casi/{code_of(office, key)}"
    client = http(Role.OPERATOR)
    before = client.get(page).text
    assert "Deve partire: Conferma di ricevuta" in before
    data = {"csrf": token_of(before), "seen": str(row_of(office, key).generation), "nota": "Sentita per telefono"}
    assert client.post(f"/messaggi/{key}/uscita/telefono", data=data).status_code == 303
    after = client.get(page).text
    assert "Deve partire" not in after
    assert "è pronta e deve partire" not in after.lower()
    assert "Non partirà: Conferma di ricevuta" in after
    outbox.send(after=timedelta(days=1))
    later = http(Role.OPERATOR).get(page).text
    assert "Non è partita: Conferma di ricevuta" in later
    assert "Il messaggio è stato chiuso senza un centro." in later
    assert "cartella «" not in later


def test_a_cases_page_is_found_by_its_code_however_it_is_typed(
    http: Callable[..., httpx.Client], office: Office, misroute: int
) -> None:
    code, client = code_of(office, misroute), http(Role.OPERATOR)
    for typed in (code, code.lower(), code.replace("-", ""), f"%20{code.replace('-', '').lower()}%20"):
        page = client.get(f"/casi/{typed}")
        assert page.status_code == 200, typed
        assert f"/casi/{code}/correggi/{misroute}" in page.text
    assert client.get(f"/casi/{code}x").status_code == 404


def test_files_are_spoken_of_only_where_there_were_some(
    http: Callable[..., httpx.Client], office: Office, misroute: int
) -> None:
    page = http(Role.OPERATOR).get(f"/casi/{code_of(office, misroute)}").text
    assert f"Inviata a {CREMA}." in page
    assert "allegati" not in page


def test_what_stands_behind_a_large_file_is_on_the_cases_page(
    http: Callable[..., httpx.Client], office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = "--q\nContent-Type: image/jpeg\nContent-Disposition: attachment; filename={}.jpg\n\n"
    photos = "".join(photo.format(name) + ("y" * 76 + "\n") * 1500 for name in ("uno", "due"))
    text = "--q\nContent-Type: text/plain\n\nAbito a Crema, sono incinta: vorrei un corso.\n--q--\n"
    head = TO_CREMA.split(b"\n\n")[0].decode().splitlines()
    kept = [line for line in head if not line.lower().startswith("content-")]
    lines = "\n".join(kept)
    mail = f"{lines}\nContent-Type: multipart/mixed; boundary=q\n\n{photos}{text}".encode()
    (key,) = arrive(office, [mail])
    page = http(Role.OPERATOR).get(f"/casi/{code_of(office, key)}").text
    assert "vorrei un corso" in page
    assert "Con 2 allegati." in page
    monkeypatch.setattr(whole, "TOGETHER", 0)
    page = http(Role.OPERATOR).get(f"/casi/{code_of(office, key)}").text
    assert "Con almeno 1 allegato." in page
    assert "con tutto il resto" in page
