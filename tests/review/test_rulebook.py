"""/regole and its pages: readable, honest about what is wrong, and trying anything leaves no trace."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from tests.fakes import FakeClock
from tests.record.builders import a_mailbox, receive
from tests.review.browser import WIDTHS, Visit, axe, fits
from tests.review.office import DEMO_RULES, Office, token_of
from tests.rules.builders import line_of
from tests.servers.mail import make_mail
from triage.acts.people import Role
from triage.acts.words import TOLD
from triage.decider import Decider
from triage.knowledge import known_places
from triage.record.address_tests import TestState
from triage.record.address_tests import tests_of as history_of
from triage.record.staff_acts import acts_about
from triage.review.family_words import FAMILY_TOLD
from triage.review.replaying import compared
from triage.review.rule_words import condition_phrases, finding_phrases, kind_phrase, one_of, step_phrase
from triage.review.rulebook_view import addresses_of, rulebook_of
from triage.rules import Rules, parse_rules
from triage.rules.conflicts import find_faults
from triage.rules.reach import Kind

DEMO = DEMO_RULES.read_text(encoding="utf-8")
PATHS = ("/regole", "/regole/prova", "/regole/confronto", "/regole/indirizzi/oglio_po/piano")
AT_ODDS = (
    "  - name: laboratori a Crema\n    when: {argomento: [laboratori, rete]}\n    then: {forward: crema}\n"
    "  - name: bandi di Mantova\n    when: {territorio: mantova}\n    then: {forward: mantova}\n"
    "  - name: di nuovo i reclami\n    when: {argomento: reclamo, lingua: it}\n    then: {hold: regola}\n"
    "  - name: in romeno\n    when: {lingua: ro}\n    then: {forward: territorio}\n"
)
WITH_FAULTS = DEMO.replace("  - name: al progetto del territorio\n", AT_ODDS + "  - name: al progetto del territorio\n")


def ruled(text: str) -> Rules:
    return parse_rules(text, "prova.yaml", known_places())


# --------------------------------------------------------------------------- words


def test_rules_are_read_as_plain_sentences() -> None:
    rules = ruled(DEMO)
    named = {rule.name: rule for rule in rules.rules}
    assert condition_phrases(named["enti verso l'ufficio di piano"].when, rules) == (
        "la zona è «Azienda Speciale Consortile Oglio Po»",
        "l'argomento è «Lavoro di rete tra enti»",
    )
    assert step_phrase(named["enti verso l'ufficio di piano"].then, rules) == (
        "va al centro «Azienda Speciale Consortile Oglio Po», all'indirizzo ufficiodipiano@concast.it"
    )
    assert step_phrase(named["al progetto del territorio"].then, rules) == "va al centro della sua zona"
    assert one_of(["a", "b", "c"]) == "a, b o c"


def test_each_fault_is_told_in_italian_with_what_to_do() -> None:
    rules = ruled(WITH_FAULTS)
    first, other = line_of(WITH_FAULTS, "- name: reclami"), line_of(WITH_FAULTS, "laboratori a Crema")
    told = {finding.rule.name: " ".join(finding_phrases(finding, rules)) for finding in find_faults(rules)}
    assert told["di nuovo i reclami"] == (
        f"Questa regola non viene mai usata: prima c'è «reclami» (riga {first}), che prende tutti i suoi messaggi e fa "
        "un'altra cosa. Spostala più in alto o cancellala."
    )
    assert told["bandi di Mantova"].startswith(
        f"Questa regola e «laboratori a Crema» (riga {other}) vogliono alcuni degli stessi messaggi e li mandano in "
        "posti diversi: vince quella che viene prima. Per esempio: zona «Comune di Mantova», argomento «"
    )
    assert (
        "Questa regola non ha effetto: i messaggi in queste lingue aspettano sempre una persona." in told["in romeno"]
    )
    book = rulebook_of(rules, {}, None)
    assert [view.name for view in book.faulty] == ["bandi di Mantova", "di nuovo i reclami", "in romeno"]


def test_what_no_rule_foresees_is_shown_by_an_example() -> None:
    short = ruled(DEMO[: DEMO.index("  - name: al progetto del territorio")] + DEMO[DEMO.index("\nthresholds:") :])
    assert "argomento «" in rulebook_of(short, {}, None).without_rule
    assert rulebook_of(ruled(DEMO), {}, None).without_rule == ""


def test_comuni_that_ats_has_not_confirmed_are_counted_and_marked() -> None:
    confirmed, unsure = (
        rulebook_of(ruled(text), {}, None).projects[0] for text in (DEMO, DEMO.replace("      confirmed: true\n", ""))
    )
    assert (confirmed.unconfirmed, unsure.unconfirmed) == (
        0,
        sum(mark for group in unsure.places for _, mark in group.comuni),
    )
    assert unsure.unconfirmed > 0
    assert unsure.count == 48


def test_a_message_is_described_with_everything_that_is_special_about_it() -> None:
    rules = ruled(DEMO)
    kind = Kind("crema", "rete", "ro", True, True, "generale", "@scuola.example", "bando")
    assert kind_phrase(kind, rules) == (
        "zona «Comune di Crema», argomento «Lavoro di rete tra enti», in romeno, con un possibile pericolo, "
        "spedito da un programma, scrive qualcuno di scuola.example, oggetto «bando»"
    )


# --------------------------------------------------------------------------- pages


@pytest.mark.parametrize("width", WIDTHS)
def test_the_pages_are_accessible_and_narrow_enough(visit: Callable[..., Visit], width: int) -> None:
    one = visit(Role.ADMINISTRATOR, width=width)
    for path in PATHS:
        one.page.goto(path)
        axe(one.page)
        fits(one.page)


def test_a_page_with_faults_is_accessible_and_names_each(
    store: object, visit: Callable[..., Visit], office: Office, tmp_path: Path
) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(WITH_FAULTS.replace("confirmed: true}", "confirmed: false}"), encoding="utf-8")
    office.knowledge._rules_path = file
    assert office.knowledge.import_files() == ()
    one = visit(Role.READER)
    one.page.goto("/regole")
    axe(one.page)
    text = one.page.inner_text("main")
    assert "In conflitto: regola 13, «bandi di Mantova»." in text
    assert "Mai usata: regola 14, «di nuovo i reclami»." in text
    assert "Senza effetto: regola 15, «in romeno»." in text
    assert "6 indirizzi non sono confermati" in text
    assert "è in automatico, ma nessuno ha confermato" in text


@pytest.mark.parametrize("javascript", [True, False], ids=["with script", "without"])
def test_a_pasted_message_is_judged_and_nothing_of_it_is_kept(
    visit: Callable[..., Visit], office: Office, javascript: bool
) -> None:
    with office.store.read("before") as tx:
        before = tx.connection.exec_driver_sql("SELECT count(*) FROM octets").scalar()
    one = visit(Role.READER, javascript=javascript)
    one.page.goto("/regole/prova")
    one.page.fill("#subject", "Laboratori per bambini")
    one.page.fill("#text", "Buongiorno, abito a Viadana con due bambini. Ci sono laboratori? Grazie, Anna")
    one.page.click("text=Che cosa succederebbe?")
    shown = one.page.inner_text("main")
    assert "Azienda Speciale Consortile Oglio Po" in shown
    assert "Viadana (dove abita)" in shown, "the place's role stands in the text"
    assert f"«al progetto del territorio», riga {line_of(DEMO, 'al progetto del territorio')}: va bene" in shown
    assert one.page.inner_text("h2#esito") == "Che cosa succederebbe"
    if javascript:
        axe(one.page)
        assert one.page.evaluate("document.activeElement.id") == "esito"
    with office.store.read("after") as tx:
        assert tx.connection.exec_driver_sql("SELECT count(*) FROM octets").scalar() == before
        assert tx.connection.exec_driver_sql("SELECT count(*) FROM messages").scalar() == 0


def test_danger_is_said_without_a_number(visit: Callable[..., Visit]) -> None:
    one = visit(Role.OPERATOR)
    one.page.goto("/regole/prova")
    one.page.fill("#text", "Abito a Viadana. Mio marito mi picchia e ho paura per i bambini.")
    one.page.click("text=Che cosa succederebbe?")
    assert "Da leggere oggi: possibile pericolo" in one.page.inner_text("main")
    assert "probabilità" not in one.page.inner_text(".esito")
    axe(one.page)


def test_an_uploaded_message_counts_and_one_that_cannot_be_read_is_told(
    http: Callable[..., httpx.Client], visit: Callable[..., Visit], tmp_path: Path
) -> None:
    file = tmp_path / "prova.eml"
    file.write_bytes(make_mail("Siamo di Castel Goffredo, cerchiamo un incontro per genitori.\n"))
    one = visit(Role.READER)
    one.page.goto("/regole/prova")
    one.page.set_input_files("#file", file)
    one.page.click("text=Che cosa succederebbe?")
    assert "CSA Cooperativa Servizi Assistenziali" in one.page.inner_text("main")
    client = http(Role.READER)
    token = token_of(client.get("/regole/prova").text)
    empty = client.post("/regole/prova", data={"csrf": token})
    assert (empty.status_code, "Scrivi o incolla un messaggio" in empty.text) == (422, True)
    wrong = client.post("/regole/prova", data={"csrf": token, "text": "ciao", "author": "nessuno"})
    assert (wrong.status_code, "non è valido" in wrong.text) == (422, True)
    hostile = client.post(
        "/regole/prova",
        data={"csrf": token},
        files={"file": ("x.eml", b"\0\xff" * 5000 + b"<script>alert(1)</script>")},
    )
    assert hostile.status_code == 200
    assert "<script>alert" not in hostile.text


# --------------------------------------------------------------------------- other rules


def decided(office: Office, *contents: bytes) -> list[int]:
    """Messages in the record, decided by the rules in force and the real model."""
    keys = receive(office.store, a_mailbox(office.store, "generale"), contents)
    Decider(office.store, office.knowledge, office.desk.parsed, "d", timedelta(minutes=1), lambda: None).work()
    return keys


LETTER = make_mail("Buongiorno,\nabito a Viadana con due bambini. Ci sono laboratori?\nGrazie\n", subject="Laboratori")


def test_other_rules_are_compared_on_the_mail_that_has_come(
    visit: Callable[..., Visit], office: Office, clock: FakeClock
) -> None:
    clock.forward(timedelta())
    [key] = decided(office, LETTER)
    one = visit(Role.RESPONSIBLE)
    one.page.goto("/regole/confronto")
    text = one.page.input_value("#text")
    assert text == DEMO, "what stands there first are the rules in force, letter for letter"
    one.page.fill("#text", text.replace("then: {forward: territorio}", "then: {forward: crema}"))
    one.page.click("button:has-text('Confronta')")
    shown = one.page.inner_text("main")
    assert "1 messaggio andrebbe altrove" in shown
    assert one.page.get_by_role("cell", name="Comune di Crema").first.is_visible()
    one.page.click("text=Uno per uno")
    assert one.page.get_by_role("link", name=f"Messaggio {key}").get_attribute("href") == f"/messaggi/{key}"
    assert "Qualche esempio scritto nelle regole dà un altro risultato" in shown
    axe(one.page)
    with office.store.read("look") as tx:
        assert tx.connection.exec_driver_sql("SELECT count(*) FROM decisions").scalar() == 1


def test_rules_with_mistakes_are_refused_with_their_lines(http: Callable[..., httpx.Client]) -> None:
    client = http(Role.RESPONSIBLE)
    token = token_of(client.get("/regole/confronto").text)
    wrong = client.post("/regole/confronto", data={"csrf": token, "text": DEMO.replace("role: inbox", "role: innbox")})
    assert wrong.status_code == 422
    line = next(number for number, text in enumerate(DEMO.splitlines(), start=1) if "role: inbox" in text)
    assert f"Riga {line}:" in wrong.text
    binary = client.post("/regole/confronto", data={"csrf": token}, files={"file": ("r.yaml", b"\xff\xfe")})
    assert (binary.status_code, "non è testo" in binary.text) == (422, True)
    assert client.post("/regole/confronto", data={"csrf": token, "text": DEMO, "days": "5000"}).status_code == 422


def test_a_look_that_takes_too_long_ends_and_says_so(office: Office) -> None:
    decided(office, *(make_mail(f"Messaggio {n} da Viadana.\n") for n in range(101)))
    done = compared(office.desk, office.knowledge.in_force().rules, 30, seconds=-1)
    assert (done.found.complete, done.same) == (False, True)


# --------------------------------------------------------------------------- addresses


def test_an_administrator_sends_the_test_mail_and_takes_it_back(visit: Callable[..., Visit], office: Office) -> None:
    one = visit(Role.ADMINISTRATOR, javascript=False)
    one.page.goto("/regole")
    one.page.get_by_role("link", name="ufficiodipiano@concast.it").click()
    assert "rispondete a questa mail" in one.page.inner_text("pre")
    one.page.click("text=Manda la mail di prova")
    assert "parte tra due minuti" in one.page.inner_text("#avvisi")
    with office.store.read("look") as tx:
        [test] = history_of(tx, "oglio_po", "piano")
        assert [row["act"] for row in acts_about(tx, "address_test", test.id)] == ["address_tested"]
    assert test.code not in one.page.content(), "only whoever reads the address may know it"
    one.page.click("text=Annulla la mail di prova")
    assert "Annullata" in one.page.inner_text("#avvisi")
    assert "annullata prima di partire" in one.page.inner_text("table")
    with office.store.read("look") as tx:
        assert history_of(tx, "oglio_po", "piano")[0].state == TestState.CANCELLED


def test_the_test_mail_s_link_is_told_in_words(http: Callable[..., httpx.Client]) -> None:
    page = http(Role.ADMINISTRATOR).get("/regole/indirizzi/oglio_po/piano").text
    assert "mailto:" not in page
    assert (
        "apre una mail già pronta per pijss.retifamiglia@ats-valpadana.it, con l&#39;oggetto «Confermo [PROVA-" in page
    )


def test_others_read_of_an_address_and_only_an_administrator_writes_to_it(http: Callable[..., httpx.Client]) -> None:
    for role in (Role.READER, Role.OPERATOR, Role.RESPONSIBLE):
        client = http(role)
        page = client.get("/regole/indirizzi/crema/default")
        assert (page.status_code, "Manda la mail di prova" in page.text) == (200, False)
        for act in ("prova", "annulla", "togli"):
            refused = client.post(f"/regole/indirizzi/crema/default/{act}", data={"csrf": token_of(page.text)})
            assert refused.status_code == 403
    client = http(Role.ADMINISTRATOR)
    token = token_of(client.get("/regole/indirizzi/crema/default").text)
    assert client.get("/regole/indirizzi/crema/altro").status_code == 404
    assert client.post("/regole/indirizzi/nessuno/default/prova", data={"csrf": token}).status_code == 404
    again = client.post("/regole/indirizzi/crema/default/togli", data={"csrf": token}, follow_redirects=True)
    assert "non è stato confermato con una mail di prova" in again.text


def test_an_address_is_used_by_the_rules_of_its_own_centre() -> None:
    """Two centres may call an address the same."""
    text = DEMO.replace(
        "    addresses:\n      default: {to: orientagiovani@comune.crema.cr.it, confirmed: true}\n",
        "    addresses:\n      default: {to: orientagiovani@comune.crema.cr.it, confirmed: true}\n"
        "      piano: {to: piano@comune.crema.cr.it, confirmed: true}\n",
    )
    rules = ruled(text)
    uses = {one.to: one.use for one in addresses_of(rules.projects["crema"], {}, rules)}
    assert uses["piano@comune.crema.cr.it"] == "non usato da nessuna regola (crema.piano)"
    other = {one.key: one.use for one in addresses_of(rules.projects["oglio_po"], {}, rules)}
    assert other["piano"] == "regola «enti verso l'ufficio di piano»"


def test_what_a_family_was_told_of_a_correction_has_words_for_each_case() -> None:
    assert FAMILY_TOLD.keys() == TOLD.keys()
