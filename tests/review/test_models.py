"""/modelli: cards and comparisons in words; a responsabile puts a model in force with a reason, and takes it back."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from tests.fakes import FakeClock
from tests.learning.rivals import corrections, make_model
from tests.record.builders import a_decision, a_mailbox, claim, receive, settle
from tests.review.browser import WIDTHS, Visit, axe, fits, refused, unchecked
from tests.review.office import MODEL as MODEL_FILE
from tests.review.office import Office, token_of
from triage.acts.people import Role
from triage.drifting import Change, drift, drifts
from triage.promotion import keep_model, model_of_file
from triage.record import Store
from triage.record.decisions import Settlement
from triage.record.identity import MODEL, current_version
from triage.record.model_papers import keep_comparison, keep_report, newest_report
from triage.record.staff_acts import acts_about, verify_acts
from triage.record.tables import messages
from triage.review.model_words import caution_words, percent
from triage.review.modelling import report_policy
from triage.vocabulary import MessageState

HTML = (
    "<!doctype html><html lang=it><head><meta charset=utf-8><title>Quanto sbaglia lo smistamento</title>"
    "<style>h1{color:#17324d}</style></head><body><h1>Quanto sbaglia lo smistamento</h1></body></html>"
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("models")
    return make_model(folder / "one"), make_model(folder / "two", also=corrections())


@pytest.fixture
def office(open_office: Callable[..., Office], files: tuple[Path, Path]) -> Office:
    """The first model is in force, the second waits."""
    made = open_office(model=files[0])
    with made.store.write("second model") as tx:
        keep_model(tx, model_of_file(files[1]))
    return made


@pytest.fixture
def versions(files: tuple[Path, Path]) -> tuple[str, str]:
    first, second = (model_of_file(path).version for path in files)
    return first, second


def figure(right: int, n: int) -> dict[str, Any]:
    return {"right": right, "n": n, "share": right / n, "low": 0.1, "high": 0.9}


def compared(store: Store, champion: str, challenger: str, verdict: str = "better", **changes: Any) -> None:
    """What ``triage models compare --keep`` leaves in the record."""
    pair = {
        "name": "territory",
        "hard": False,
        "n": 50,
        "both_right": 40,
        "only_champion": 1,
        "only_challenger": 8,
        "neither": 1,
        "p_value": 0.03,
        "outcome": "better",
        "champion": figure(41, 50),
        "challenger": figure(48, 50),
    }
    values = {
        "champion": champion,
        "challenger": challenger,
        "messages": 50,
        "writers": 12,
        "pairs": [pair],
        "verdict": verdict,
        "held_out": True,
        "cautions": [],
    }
    with store.write("compared") as tx:
        keep_comparison(tx, champion, challenger, values | changes)


def in_force(office: Office) -> str:
    with office.store.read("look") as tx:
        return current_version(tx, MODEL)


def paths(version: str) -> tuple[str, ...]:
    return "/modelli", f"/modelli/{version}", f"/modelli/{version}/in-vigore", "/modelli/cambiamenti"


@pytest.mark.parametrize("width", WIDTHS)
def test_the_pages_are_accessible_and_narrow_enough(
    visit: Callable[..., Visit], office: Office, versions: tuple[str, str], width: int
) -> None:
    compared(office.store, *versions)
    with office.store.write("report") as tx:
        keep_report(tx, versions[1], {"messages": 50, "writers": 12, "invented": True, "html": HTML})
    one = visit(Role.RESPONSIBLE, width=width)
    for path in paths(versions[1]):
        one.page.goto(path)
        axe(one.page)
        fits(one.page)


def test_the_card_is_told_in_words(visit: Callable[..., Visit], versions: tuple[str, str]) -> None:
    one = visit(Role.READER)
    one.page.goto("/modelli")
    assert "In vigore" in one.page.inner_text("section >> nth=0")
    one.page.get_by_role("link", name=f"Modello {versions[1]}").click()
    text = one.page.inner_text("main")
    assert "Non è in vigore." in text
    assert "Destinazione giusta" in text
    assert "Non è ancora stato confrontato." in text
    assert "(è quello caricato)" in text
    assert one.page.get_by_role("link", name="Metti in vigore").count() == 0, "only a responsabile may"


def test_a_responsabile_puts_a_better_model_in_force_and_goes_back(
    visit: Callable[..., Visit], office: Office, versions: tuple[str, str]
) -> None:
    compared(office.store, *versions)
    one = visit(Role.RESPONSIBLE, javascript=False)
    one.page.goto(f"/modelli/{versions[1]}")
    assert "È migliore, e in niente risulta peggiore." in one.page.inner_text("main")
    assert in_force(office) == versions[0], "opening pages changes nothing"
    one.page.click("text=Metti in vigore…")
    one.page.fill("#why", "più preciso sulle zone")
    one.page.click("button:has-text('Metti in vigore')")
    assert f"Da adesso decide il modello {versions[1]}." in one.page.inner_text("#avvisi")
    assert in_force(office) == versions[1]
    assert office.woken["decide"] == 1
    assert "«più preciso sulle zone»" in one.page.inner_text("main")
    one.page.click("text=Torna al modello di prima")
    one.page.fill("#why", "troppi errori")
    one.page.click(f"button:has-text('Torna al modello {versions[0]}')")
    assert in_force(office) == versions[0]
    with office.store.read("look") as tx:
        assert [row["act"] for row in acts_about(tx, "model", 0)] == ["model_promoted", "model_rolled_back"]
        assert verify_acts(tx) == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (None, "Non è stato confrontato con il modello in vigore."),
        ({"verdict": "unsafe"}, "peggiora in qualcosa che non deve peggiorare"),
        ({"held_out": False}, "non è una prova giusta"),
    ],
)
def test_what_stands_against_a_model_must_be_read_and_insisted_on(
    http: Callable[..., httpx.Client],
    office: Office,
    versions: tuple[str, str],
    changes: dict[str, Any] | None,
    said: str,
) -> None:
    if changes is not None:
        compared(office.store, *versions, **changes)
    client, path = http(Role.RESPONSIBLE), f"/modelli/{versions[1]}/in-vigore"
    page = client.get(path).text
    assert said in page
    form = {"csrf": token_of(page), "instead_of": versions[0], "why": "lo vuole il direttore"}
    assert (client.post(path, data=form).status_code, in_force(office)) == (422, versions[0])
    assert (client.post(path, data={**form, "why": " ", "sure": "true"}).status_code, in_force(office)) == (
        422,
        versions[0],
    )
    assert client.post(path, data={**form, "sure": "true"}).status_code == 303
    assert in_force(office) == versions[1]


def test_a_second_model_within_a_week_must_be_insisted_on(
    http: Callable[..., httpx.Client], office: Office, versions: tuple[str, str], clock: FakeClock
) -> None:
    client = http(Role.RESPONSIBLE)
    compared(office.store, *versions)
    compared(office.store, versions[1], versions[0])
    path = f"/modelli/{versions[1]}/in-vigore"
    form = {"csrf": token_of(client.get(path).text), "instead_of": versions[0], "why": "prova"}
    assert client.post(path, data=form).status_code == 303
    assert "da meno di una settimana" in client.get(f"/modelli/{versions[0]}/in-vigore").text
    clock.forward(timedelta(days=8))
    with office.store.write("still signed in") as tx:
        tx.connection.exec_driver_sql(
            "UPDATE sessions SET ends_at = '2030-01-01', seen_at = ?", (str(clock.now())[:26],)
        )
    assert "da meno di una settimana" not in client.get(f"/modelli/{versions[0]}/in-vigore").text


def test_whoever_saw_another_model_in_force_changes_nothing(
    http: Callable[..., httpx.Client], office: Office, versions: tuple[str, str]
) -> None:
    client, path = http(Role.RESPONSIBLE), f"/modelli/{versions[1]}/in-vigore"
    form = {"csrf": token_of(client.get(path).text), "instead_of": "altro", "why": "prova", "sure": "true"}
    answer = client.post(path, data=form, follow_redirects=True)
    assert "Non è stato fatto niente" in answer.text
    assert in_force(office) == versions[0]
    back = client.post("/modelli/indietro", data={"csrf": form["csrf"], "leave": versions[1], "why": "x"})
    assert (back.status_code, in_force(office)) == (303, versions[0])
    nothing = client.get("/modelli/indietro")
    assert nothing.status_code == 409, "there is no model before the first"
    assert "<h1>Non c&#39;è un modello di prima</h1>" in nothing.text
    assert "più veloce" not in nothing.text
    assert client.get(f"/modelli/{versions[0]}/in-vigore").status_code == 409, "it is in force already"
    assert client.get("/modelli/nessuno").status_code == 404


def test_others_promote_nothing(http: Callable[..., httpx.Client], office: Office, versions: tuple[str, str]) -> None:
    for role in (Role.READER, Role.OPERATOR):
        client = http(role)
        token = token_of(client.get("/modelli").text)
        assert client.get(f"/modelli/{versions[1]}/in-vigore").status_code == 403
        for path in (f"/modelli/{versions[1]}/in-vigore", "/modelli/indietro"):
            assert client.post(path, data={"csrf": token, "why": "x", "sure": "true"}).status_code == 403
    assert in_force(office) == versions[0]


def test_a_report_is_shown_as_it_is_and_can_do_nothing(
    visit: Callable[..., Visit], http: Callable[..., httpx.Client], office: Office, versions: tuple[str, str]
) -> None:
    hostile = HTML.replace("</body>", "<script>document.title='preso'</script><img src=https://example.org/x></body>")
    with office.store.write("report") as tx:
        keep_report(tx, versions[0], {"messages": 50, "writers": 12, "invented": True, "html": HTML})
    path = f"/modelli/{versions[0]}/rapporto"
    answer = http(Role.READER).get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert answer.text == HTML
    assert "unsafe" not in policy
    assert policy.endswith("frame-ancestors 'self'; sandbox")
    assert answer.headers["Cache-Control"] == "no-store"
    one = visit(Role.READER)
    one.page.goto(f"/modelli/{versions[0]}")
    one.page.locator("iframe").scroll_into_view_if_needed()
    frame = one.page.frame_locator("iframe")
    assert frame.locator("h1").inner_text() == "Quanto sbaglia lo smistamento"
    assert frame.locator("h1").evaluate("e => getComputedStyle(e).color") == "rgb(23, 50, 77)", "its style holds"
    assert "script-src" not in report_policy(hostile)
    assert "default-src 'none'" in report_policy(hostile)
    assert http(Role.READER).get(f"/modelli/{versions[1]}/rapporto").status_code == 404


def test_the_newest_report_counts_and_each_model_has_its_own(store: Store, clock: FakeClock) -> None:
    for number in (1, 2):
        clock.forward(timedelta(hours=1))
        with store.write("report") as tx:
            keep_report(tx, "abc", {"number": number})
    with store.read("look") as tx:
        newest = newest_report(tx, "abc")
        assert newest is not None
        assert newest.content == {"number": 2}
        assert newest_report(tx, "ab") is None


# --------------------------------------------------------------------------- drift


def test_a_mix_that_has_not_moved_is_no_change_and_one_that_has_is() -> None:
    same = drift("argomenti", {"ascolto": 500, "eventi": 500}, {"ascolto": 52, "eventi": 48})
    assert (same.change, same.index < 0.1) == (Change.NONE, True)
    moved = drift("argomenti", {"ascolto": 500, "eventi": 500}, {"ascolto": 95, "eventi": 5})
    assert moved.change is Change.MUCH
    assert moved.shares[0][0] in ("ascolto", "eventi")
    some = drift("lingue", {"it": 900, "en": 100}, {"it": 78, "en": 22})
    assert some.change is Change.SOME


def test_values_that_are_rare_count_together() -> None:
    found = drift("lingue", {"it": 999, "bn": 1}, {"it": 999, "uk": 1})
    assert [value for value, _, _ in found.shares] == ["altro", "it"] or len(found.shares) == 2
    assert found.change is Change.NONE


def test_changes_are_counted_from_the_decisions_of_persons_mail(
    store: Store, clock: FakeClock, visit: Callable[..., Visit]
) -> None:
    box = a_mailbox(store, "generale")
    receive(store, box, [b"Messaggio %d\r\n" % number for number in range(800)])
    rows = claim(store, limit=800)
    before, recent = rows[:400], rows[400:]
    for part, topic in ((before, "ascolto"), (recent, "eventi")):
        decided = [
            Settlement(row, a_decision(topic=topic, territory="crema"), MessageState.HELD, hold_reason="x")
            for row in part
        ]
        assert settle(store, decided) == 400
    with store.write("long ago") as tx:
        moved = messages.c.id.in_([row.id for row in before])
        tx.execute(sa.update(messages).where(moved).values(listed_at=tx.now - timedelta(days=60)))
    with store.read("drift") as tx:
        found = {one.name: one.change for one in drifts(tx).found}
    assert found == {"argomenti": Change.MUCH, "zone": Change.NONE, "lingue": Change.NONE, "fiducia": Change.NONE}
    one = visit(Role.READER)
    one.page.goto("/modelli/cambiamenti")
    axe(one.page)
    text = one.page.inner_text("main")
    assert "Argomenti: è cambiato molto." in text
    assert "Ascolto e colloqui" in text


def test_of_few_messages_nothing_is_said(visit: Callable[..., Visit]) -> None:
    one = visit(Role.READER)
    one.page.goto("/modelli/cambiamenti")
    assert "Non si può ancora dire" in one.page.inner_text("main")


def test_shares_are_written_as_italians_write_them() -> None:
    assert (percent(0.8698), percent(None), percent(0.0)) == ("87,0 %", "–", "0,0 %")


def test_large_numbers_of_the_card_are_written_as_in_italian(
    open_office: Callable[..., Office],
) -> None:
    shipped = open_office(model=MODEL_FILE)
    person = shipped.somebody(Role.READER)
    cookies = {"sessione": shipped.session(person)}
    page = httpx.get(f"{shipped.url}/modelli/{in_force(shipped)}", cookies=cookies, trust_env=False, timeout=60).text
    assert re.search(r"\d\.\d{3} su \d+\.\d{3}<", page)
    assert re.search(r"\d{4,} su |su \d{4,}<", page) is None


@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        (
            "the challenger has no card: whether it learnt from these messages is not known",
            "Questo modello non ha la sua scheda: non si sa se ha imparato da questi messaggi.",
        ),
        (
            "the champion learnt from a.jsonl, b.jsonl: its answers there are no test",
            "Il modello in vigore ha imparato anche da a.jsonl, b.jsonl: lì le sue risposte non dimostrano niente.",
        ),
        (
            "12 messages are not later than the last correction the challenger learnt (2026-11-02)",
            "Questo modello: 12 messaggi non sono più recenti dell'ultima correzione da cui ha imparato (2026-11-02).",
        ),
        ("something new", "something new"),
    ],
)
def test_why_a_comparison_is_no_fair_test_is_told_in_italian(kept: str, shown: str) -> None:
    assert caution_words(kept) == shown


def test_a_reason_is_asked_for_and_what_was_written_stays(
    visit: Callable[..., Visit], office: Office, versions: tuple[str, str]
) -> None:
    page = visit(Role.RESPONSIBLE, width=320).page
    page.goto(f"/modelli/{versions[1]}/in-vigore")
    unchecked(page)
    page.get_by_role("button", name="Metti in vigore").click()
    refused(page.get_by_label(re.compile("^Perché")), "Scrivi il motivo")
    axe(page)
    page.get_by_label(re.compile("^Perché")).fill("Riconosce meglio le zone.")
    unchecked(page)
    page.get_by_role("button", name="Metti in vigore").click()
    refused(page.get_by_role("checkbox"), "Segna che hai letto gli avvisi")
    expect(page.get_by_label(re.compile("^Perché"))).to_have_value("Riconosce meglio le zone.")
    axe(page)
    fits(page)
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Metti in vigore").click()
    expect(page.locator("#avvisi")).to_contain_text(f"Da adesso decide il modello {versions[1]}.")
    expect(page.locator("main")).to_contain_text("da Bruno Verdi: «Riconosce meglio le zone.»")
    page.get_by_role("link", name="Torna al modello di prima").click()
    unchecked(page)
    page.get_by_role("button", name=re.compile("^Torna al modello")).click()
    refused(page.get_by_label(re.compile("^Perché")), "Scrivi il motivo")
    axe(page)
    page.get_by_label(re.compile("^Perché")).fill("Sbaglia le zone.")
    page.get_by_role("button", name=re.compile("^Torna al modello")).click()
    expect(page.locator("#avvisi")).to_contain_text(f"È di nuovo in vigore il modello {versions[0]}")
