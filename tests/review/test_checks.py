"""/controlli: the blind answer, what it says afterwards, who may switch, and what nobody may ask."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
import sqlalchemy as sa

from tests.checks.builders import forwarded, proposed
from tests.review.browser import WIDTHS, Visit, axe, fits
from tests.review.office import Office, token_of
from triage.acts.people import LADDER, Role
from triage.record import Store
from triage.record.people_tables import staff_acts
from triage.record.samples import Label, label_by_settlement
from triage.record.tables import octet_chunks, octets, samples
from triage.vocabulary import Mode

ANSWER = {"comune": "crema", "territory": "", "topic": "genitorialita", "destination": "crema"}


@pytest.fixture
def drawn(store: Store, office: Office) -> list[int]:
    """Messages that were drawn, oldest first: the samples' ids."""
    forwarded(store, office.knowledge.in_force().rules, 12)
    with store.read("drawn") as tx:
        query = sa.select(samples.c.id).where(samples.c.chosen).order_by(samples.c.id)
        return list(tx.execute(query).scalars())


def _mode(office: Office, project: str = "crema") -> Mode:
    office.knowledge.look_again()
    return office.knowledge.in_force().rules.projects[project].mode


def _post(client: httpx.Client, path: str, **values: str) -> httpx.Response:
    return client.post(path, data={"csrf": token_of(client.get("/controlli").text), **values})


@pytest.mark.parametrize(("width", "javascript"), [(1280, True), (320, True), (1280, False)])
def test_whoever_checks_answers_first_and_sees_the_decision_after_that(
    visit: Callable[..., Visit], drawn: list[int], width: int, javascript: bool
) -> None:
    one = visit(Role.OPERATOR, width=width, javascript=javascript)
    page = one.page
    page.goto("/controlli")
    page.get_by_role("button", name="Controlla il prossimo").click()
    assert page.get_by_role("heading", level=1).inner_text() == "A chi va questo messaggio?"
    assert "vorrei sapere se ci sono ancora posti" in page.get_by_role("main").inner_text()
    assert "Il servizio" not in page.get_by_role("main").inner_text()
    page.get_by_label("Comune").fill("crema")
    page.get_by_label("Argomento").select_option("genitorialita")
    page.get_by_label("Va a").select_option("mantova")
    page.get_by_role("button", name="Conferma la risposta").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Avete deciso in modo diverso"
    row = page.get_by_role("row").filter(has_text="Va a").inner_text()
    assert "Comune di Mantova" in row
    assert "Comune di Crema" in row
    assert page.get_by_role("link", name="Apri il caso per correggere l'inoltro").is_visible()
    if javascript:
        assert page.evaluate("document.activeElement.tagName") == "H1"


def test_the_whole_check_by_keyboard(visit: Callable[..., Visit], drawn: list[int]) -> None:
    page = visit(Role.OPERATOR).page
    page.goto("/controlli")
    page.get_by_role("button", name="Controlla il prossimo").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Comune").wait_for()
    for _ in range(20):
        if page.evaluate("document.activeElement.id") == "comune":
            break
        page.keyboard.press("Tab")
    page.keyboard.type("Crema")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("Sostegno")
    page.keyboard.press("Tab")
    page.keyboard.type("Comune di Crema")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("L'inoltro era giusto").wait_for()


@pytest.mark.parametrize("width", WIDTHS)
def test_every_state_of_a_check_is_accessible(visit: Callable[..., Visit], drawn: list[int], width: int) -> None:
    page = visit(Role.RESPONSIBLE, width=width).page
    page.goto("/controlli")
    axe(page)
    fits(page)
    page.get_by_role("button", name="Controlla il prossimo").click()
    axe(page)
    page.get_by_role("button", name="Conferma la risposta").click()
    assert page.get_by_role("alert").inner_text() == "Scegli la zona."
    axe(page)
    fits(page)
    page.get_by_label("Comune").fill("Crema")
    page.get_by_label("Argomento").select_option("eventi")
    page.get_by_label("Va a").select_option("crema")
    page.get_by_role("button", name="Conferma la risposta").click()
    page.get_by_text("Avete deciso nello stesso modo").wait_for()
    axe(page)
    fits(page)


def test_an_answer_stands_and_is_on_record_without_content(
    http: Callable[..., httpx.Client], drawn: list[int], store: Store
) -> None:
    client = http(Role.OPERATOR)
    assert _post(client, f"/controlli/{drawn[0]}", **ANSWER).status_code == 303
    _post(client, f"/controlli/{drawn[0]}", **{**ANSWER, "destination": "mantova"})
    assert "ha già risposto" in client.get(f"/controlli/{drawn[0]}").text
    with store.read("look") as tx:
        row = tx.execute(sa.select(samples).where(samples.c.id == drawn[0])).mappings().one()
        acts = list(tx.execute(sa.select(staff_acts).where(staff_acts.c.act == "sample_labelled")).mappings())
    assert (row["right"], row["destination"], row["territory"], row["comune"]) == (True, "crema", "crema", "Crema")
    assert [act["params"] for act in acts] == [{"right": True}]


def test_a_colleagues_check_is_announced(http: Callable[..., httpx.Client], drawn: list[int]) -> None:
    taken = _post(http(Role.OPERATOR), "/controlli/prossimo").headers["location"]
    assert "sta già rispondendo" in http(Role.OPERATOR).get(taken).text


def test_what_was_checked_out_of_turn_is_not_called_unchecked(
    http: Callable[..., httpx.Client], drawn: list[int]
) -> None:
    """Somebody has opened the first that was drawn and does not answer; a colleague answers all others."""
    first = _post(http(Role.OPERATOR), "/controlli/prossimo").headers["location"]
    client = http(Role.OPERATOR)
    for number in drawn[1:]:
        _post(client, f"/controlli/{number}", **ANSWER)
    page = client.get("/controlli").text
    many = len(drawn) - 1
    assert f"{many} messaggi sono già controllati, ma non contano ancora: prima serve una risposta" in page
    assert page.count(f"({many} altri non contano ancora: ne manca uno estratto prima)") == 2, "the centre's, and all"
    assert "Nessun messaggio è ancora stato controllato" not in page
    assert _post(client, "/controlli/prossimo").headers["location"] == "/controlli"
    assert "è aperto davanti a un&#39;altra persona" in client.get("/controlli").text
    _post(client, first, **ANSWER)
    page = client.get("/controlli").text
    assert "ancora: " not in page
    assert f"Misurato su {len(drawn)} messaggi" in page


def test_only_drawn_forwards_have_a_page(http: Callable[..., httpx.Client], store: Store, office: Office) -> None:
    proposed(store, office.knowledge.in_force().rules, 1)
    client = http(Role.OPERATOR)
    assert client.get("/controlli/1").status_code == 404
    assert client.get("/controlli/999").status_code == 404
    assert _post(client, "/controlli/999", **ANSWER).status_code == 404


def test_what_can_still_be_read_must_be_judged_and_what_cannot_counts_as_wrong(
    http: Callable[..., httpx.Client], drawn: list[int], store: Store
) -> None:
    client = http(Role.OPERATOR)
    path = f"/controlli/{drawn[0]}"
    assert _post(client, f"{path}/non-giudicabile").status_code == 409
    with store.write("retention") as tx:
        tx.execute(sa.delete(octet_chunks))
        tx.execute(sa.delete(octets))
    assert "è già stato cancellato" in client.get(path).text
    assert _post(client, f"{path}/non-giudicabile").status_code == 303
    assert "per prudenza conta come sbagliato" in client.get(path).text


def test_the_promise_and_the_audit_in_words(http: Callable[..., httpx.Client], store: Store, office: Office) -> None:
    client = http(Role.READER)
    before = client.get("/controlli").text
    assert "Nessun messaggio è ancora stato controllato" in before
    assert "messaggi inventati" in before
    keys = proposed(store, office.knowledge.in_force().rules, 60)
    with store.write("settle") as tx:
        for key in keys:
            label_by_settlement(tx, key, None, Label("crema"))
    after = client.get("/controlli").text
    assert (
        "Misurato su 60 messaggi veri, fino al 26 novembre 2026: con fiducia del 95 % gli inoltri sbagliati sono al più"
        in after
    )


def test_a_responsible_switches_and_the_switch_holds_for_the_next_message(
    visit: Callable[..., Visit], store: Store, office: Office
) -> None:
    page = visit(Role.RESPONSIBLE).page
    page.goto("/controlli")
    page.get_by_role("button", name="Riporta in proposta: Comune di Crema").click()
    page.get_by_text("da adesso ogni messaggio aspetta il sì di una persona").wait_for()
    assert _mode(office) is Mode.PROPOSAL
    assert page.get_by_role("button", name="Passa in automatico: Comune di Crema").count() == 0
    keys = proposed(store, office.knowledge.in_force().rules, 120)
    with store.write("settle") as tx:
        for key in keys:
            label_by_settlement(tx, key, None, Label("crema"))
    page.reload()
    axe(page)
    page.get_by_role("button", name="Passa in automatico: Comune di Crema").click()
    page.get_by_text("da adesso i messaggi sicuri partono da soli").wait_for()
    assert _mode(office) is Mode.AUTOMATIC


def test_raising_without_proof_is_refused_whoever_asks(http: Callable[..., httpx.Client], office: Office) -> None:
    client = http(Role.ADMINISTRATOR)
    assert _post(client, "/controlli/modi/crema/proposta").status_code == 303
    assert _post(client, "/controlli/modi/crema/automatico").status_code == 303
    assert "non tutte le condizioni sono soddisfatte" in client.get("/controlli").text
    assert _mode(office) is Mode.PROPOSAL
    assert _post(client, "/controlli/modi/altrove/proposta").status_code == 404


@pytest.mark.parametrize(
    ("path", "least"),
    [
        ("/controlli/prossimo", Role.OPERATOR),
        ("/controlli/1", Role.OPERATOR),
        ("/controlli/1/non-giudicabile", Role.OPERATOR),
        ("/controlli/modi/crema/automatico", Role.RESPONSIBLE),
        ("/controlli/modi/crema/proposta", Role.RESPONSIBLE),
    ],
)
def test_who_may_what(http: Callable[..., httpx.Client], path: str, least: Role) -> None:
    allowed = LADDER[LADDER.index(least) :]
    for role in Role:
        status = _post(http(role), path).status_code
        assert (status == 403) is (role not in allowed), role


def test_errors_beyond_the_promise_are_told_at_once(
    http: Callable[..., httpx.Client], store: Store, office: Office
) -> None:
    forwarded(store, office.knowledge.in_force().rules, 40)
    client = http(Role.OPERATOR)
    for _ in range(15):
        path = _post(client, "/controlli/prossimo").headers["location"]
        _post(client, path, **{**ANSWER, "destination": "mantova"})
        if _mode(office) is Mode.PROPOSAL:
            break
    assert "di nuovo in proposta" in client.get(path).text
    assert "Riportato in proposta dal servizio" in client.get("/controlli").text
