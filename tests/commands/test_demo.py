"""``triage demo``: what a newcomer sees first, with real servers on loopback and nothing set up."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from importlib.resources import files
from pathlib import Path

import httpx
import pytest
import yaml
from imapclient import IMAPClient

from triage.demo.letters import as_draft
from triage.demo.load import demo_messages
from triage.vocabulary import TOPICS

ROOT = Path(__file__).parent.parent.parent
PROJECTS = ("crema", "mantova", "ostiglia", "oglio_po", "alto_mantovano")
LINE = re.compile(r"^ *(\d+)  (\S.{21,22}) (\S+) +(\S+) +(conferma inviata|-) +(\S+\.eml)(?:  (.*))?$")


@dataclass(frozen=True, slots=True)
class Shown:
    """One line of the demo's output."""

    outcome: str
    destination: str
    topic: str
    acknowledged: bool
    name: str
    why: str


def environment() -> dict[str, str]:
    """As on a fresh machine: no setting of ours, no colours."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TRIAGE_")}


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What ``triage demo --once`` prints, started in a folder that has nothing to do with the project."""
    done = subprocess.run(
        [sys.executable, "-m", "triage", "demo", "--once"],
        cwd=tmp_path_factory.mktemp("elsewhere"),
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture(scope="module")
def lines(output: str) -> list[Shown]:
    """The lines, one a message."""
    return lines_of(output)


def lines_of(output: str) -> list[Shown]:
    return [
        Shown(m[2].strip(), m[3], m[4], m[5] != "-", m[6], m[7] or "")
        for m in map(LINE.match, output.splitlines())
        if m is not None
    ]


def test_each_message_has_its_line(output: str, lines: list[Shown]) -> None:
    count = int(re.findall(r"^(\d+) invented messages put into the inbox\.$", output, re.MULTILINE)[0])
    assert len(lines) == count == 68
    assert {line.topic for line in lines} <= {*TOPICS, "-"}


def test_the_ledger_closes_and_agrees_with_the_lines(output: str, lines: list[Shown]) -> None:
    (told,) = re.findall(
        r"^Registro: (\d+) in elenco = (\d+) ricevuti; (\d+) archiviati, (\d+) trattenuti, (\d+) in quarantena, "
        r"(\d+) in corso\.$",
        output,
        re.MULTILINE,
    )
    assert "Il registro quadra." in output.splitlines()
    listed, received, filed, held, quarantined, going = map(int, told)
    outcomes = Counter(line.outcome for line in lines)
    assert (listed, received, quarantined, going) == (68, 68, 0, 0)
    assert filed == outcomes["inoltrato e archiviato"] + outcomes["archiviato"]
    assert held == outcomes["trattenuto"]


def test_what_the_mail_server_took_is_what_the_lines_say(output: str, lines: list[Shown]) -> None:
    (taken,) = re.findall(r"^(\d+) messages were taken by the demo's SMTP server", output, re.MULTILINE)
    (told,) = re.findall(
        r"^Partiti: (\d+) inoltri, (\d+) conferme di ricevuta, (\d+) avvisi al reperibile\.$", output, re.MULTILINE
    )
    forwards, acknowledgements, notices = map(int, told)
    assert int(taken) == forwards + acknowledgements + notices
    assert forwards == sum(line.outcome == "inoltrato e archiviato" for line in lines)
    assert acknowledgements == sum(line.acknowledged for line in lines)
    assert 1 <= notices <= sum(line.why.startswith("Da leggere oggi.") for line in lines)


def test_nothing_automatic_or_unsure_of_its_author_is_acknowledged(lines: list[Shown]) -> None:
    assert not any(line.acknowledged for line in lines if line.destination == "nessuna")
    by_name = {line.name: line for line in lines}
    for name in ("12-mantova-modulo-sito.eml", "15-ostiglia-pec.eml", "29-alto_mantovano-convocazione-lista.eml"):
        assert not by_name[name].acknowledged, name


def test_every_kind_of_outcome_is_there_to_be_seen(lines: list[Shown]) -> None:
    outcomes = Counter(line.outcome for line in lines)
    assert outcomes["inoltrato e archiviato"] >= 10
    filed = {line.name for line in lines if line.outcome == "archiviato"}
    assert filed == {"49-fuori-ufficio.eml", "51-conferma-lettura.eml", "52-newsletter.eml"}, (
        "an absence, a receipt, a list"
    )


SHOWN = {
    "urgente": "Da leggere oggi.",
    "fiducia_bassa": "Il servizio non è abbastanza sicuro per inviarlo da solo: fiducia ",
    "altro_luogo": "Si nomina anche un altro luogo, che potrebbe essere quello che conta.",
    "lingua_da_verificare": "Lingua da verificare: ",
    "territorio_non_indicato": "Non si capisce di quale territorio si tratti.",
    "territorio_scoperto": "Il comune è nel territorio di ATS, ma nessuno dei centri lo segue.",
    "territorio_fuori": "Il luogo è fuori dal territorio dell'ATS.",
    "territorio_multiplo": "Ci sono più luoghi o più famiglie, e servono risposte diverse.",
    "reclamo": "È un reclamo o un ringraziamento: decide l'ufficio chi risponde.",
    "sperimentazione": "Riguarda il programma, non una famiglia: decide l'ufficio.",
    "altro_servizio": "È una richiesta per un altro ufficio.",
    "forse_non_per_noi": "Forse non è per noi: manca la prova, conferma una persona.",
    "da_noi": "Arriva da un nostro indirizzo.",
    "dal_progetto": "Arriva dal centro ",
    "troppi_passaggi": "È passato da troppi server (",
    "difetti_gravi": "Il messaggio è malformato e potrebbe essere stato letto male (",
    "ricevuta_pec_non_confermata": "Si presenta come ricevuta PEC, ma nulla lo conferma",
    "ricomparso": "Già visto: è ricomparso nella casella, non viene inviato di nuovo",
}
NOT_SHOWN = {
    # What the demo's own rules and servers, set up so that mail leaves, do not bring about.
    *("modo_ombra", "modo_proposta", "indirizzo_non_confermato", "indirizzo_non_attuale", "nessun_inoltro"),
    *("indirizzo_non_valido", "indirizzo_nostro", "inoltro_rifiutato", "inoltro_scaduto", "esito_ignoto"),
    *("allegato_infetto", "allegato_non_controllato", "originale_non_inviato"),
    *("smtputf8_non_offerto", "regola", "nessuna_regola", "posta_indesiderata"),
    # What only time, a colleague, an answer or a failure brings about.
    *("risposta_non_partita", "risposta_incerta", "ufficio_sconosciuto", "testo_mancante", "richiamo_risposto"),
    *("annullato_da_una_persona", "mai_deciso", "prova_indirizzo", "indirizzo_confermato"),
    "correzione_della_famiglia",
    *("risposta_a_noi", "avviso_su_nostro_invio", "spostato_da_un_collega", "stesso_messaggio"),
    *("stesso_messaggio_altri_ottetti", "vecchio_non_riconosciuto", "troppo_grande", "illeggibile"),
    *("arrivato_incompleto", "mai_piu_con_centro"),
    *("forse_gia_trattato", "gia_trattato"),
    *("precedente_al_servizio", "ottetti_alterati", "preso_in_carico", "destinazione_malata"),
    *("inoltro_respinto", "restituito", "restituzione", "centro_cambia_indirizzo", "segnalazione_su_nostro_invio"),
    *(
        "cambia_zona",
        "codice_di_altri",
        "forse_restituito",
        "restituzione_tardiva",
        "centro_richiamato",
        "piu_centri_nel_caso",
    ),
    # What hangs on how sure the model in force is, or on what it makes of a place that is somebody else's.
    "forse_pericolo",
    "luoghi_altrui",
    # What a mailbox or an account that is PEC brings about.
    *("ricevuta_pec_errore", "ricevuta_pec_sconosciuta", "ricevuta_pec_alterata"),
    *("pec_mittente_diverso", "pec_destinatari_diversi", "pec_troppo_grande"),
    *("tre_interruzioni", "lettura_fallita", "ottetti_mancanti", "errore_imprevisto"),
}


@pytest.mark.parametrize("code", SHOWN)
def test_a_message_is_held_for_each_reason_that_an_inbox_can_show(lines: list[Shown], code: str) -> None:
    """With whichever model: where a letter alone could be judged otherwise, there are several."""
    assert [line.name for line in lines if line.outcome == "trattenuto" and SHOWN[code] in line.why]


def test_every_reason_in_the_readme_is_shown_or_said_not_to_be() -> None:
    table = (ROOT / "README.md").read_text(encoding="utf-8").partition("### Why a message waits")[2]
    rows = [row.split("|")[1] for row in table.partition("## Limits")[0].splitlines() if row.startswith("| `")]
    assert set(re.findall(r"`(\w+)`", "\n".join(rows))) == SHOWN.keys() | NOT_SHOWN
    assert not SHOWN.keys() & NOT_SHOWN


def test_danger_is_surfaced_and_never_forwarded_by_itself(lines: list[Shown]) -> None:
    by_name = {line.name: line for line in lines}
    for name in ("44-sottovoce.eml", "45-non-torna.eml", "46-non-ce-la-faccio.eml"):
        assert (by_name[name].outcome, by_name[name].why) == ("trattenuto", "Da leggere oggi."), name


@pytest.mark.parametrize("project", PROJECTS)
def test_each_project_gets_mail(lines: list[Shown], project: str) -> None:
    assert [line.name for line in lines if line.outcome == "inoltrato e archiviato" and line.destination == project]


def test_what_is_forwarded_goes_where_a_person_would_send_it(lines: list[Shown]) -> None:
    expected = yaml.safe_load((files("triage.demo") / "inbox" / "expected.yaml").read_text(encoding="utf-8"))
    sent = [line for line in lines if line.outcome == "inoltrato e archiviato"]
    assert {line.name for line in sent if line.destination != expected[line.name]["destinazione"]} == set()


def test_it_goes_on_and_sorts_what_is_put_in_until_it_is_interrupted() -> None:
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "triage", "demo"],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        told = ""
        for line in process.stdout:
            told += line
            if "Ctrl-C" in line:
                break
        (page,) = re.findall(r"Pagina per il personale: (\S+) +nome: (\S+) +password: (\S+)", told)
        (mail,) = re.findall(r"Posta della demo: +(\S+)", told)
        (box,) = re.findall(r"IMAP 127\.0\.0\.1:(\d+) senza cifratura +nome: (\S+) +password: (\S+)", told)
        (subject,) = re.findall(r"Apri «([^»]+)», inoltralo", told)
        drafts = [(name, as_draft(octets)) for name, octets, _ in demo_messages(datetime.now(UTC))]
        names = {name for name, draft in drafts if draft is not None and draft.subject == subject}
        (why,) = [line.why for line in lines_of(told) if line.name in names]
        assert re.fullmatch(r"Il servizio non è abbastanza sicuro [^.]+\.", why), "no other reason, which would stand"
        put_in_and_wait_until_filed(*box)
        look_at_the_page(*page)
        see_what_arrived(mail)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()


def see_what_arrived(address: str) -> None:
    """A centre and a family have their mail; what is written there reaches the centre by itself."""
    with httpx.Client(base_url=address, headers={"Origin": address}, trust_env=False, timeout=30) as client:
        page = client.get("/").text
        assert "Comune di Crema" in page
        assert "Il messaggio originale, completo, è in allegato." in page
        form = client.get("/scrivi", params={"esempio": "01-crema-biscotti.eml"}).text
        given = {name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', form)}
        given["testo"] = unescape(re.findall(r"<textarea[^>]*>\n(.*?)</textarea>", form, re.DOTALL)[0])
        subject = given["oggetto"] = "ancora una domanda, Crema"
        assert client.post("/scrivi", data=given).status_code == 200
        until = time.monotonic() + 30
        while subject not in client.get("/").text:
            assert time.monotonic() < until, "the message was not forwarded"
            time.sleep(0.05)


def look_at_the_page(address: str, name: str, password: str) -> None:
    """The printed account opens the printed page, without a telephone."""
    with httpx.Client(base_url=address, headers={"Origin": address}, trust_env=False, timeout=30) as client:
        answer = client.post("/accedi", data={"name": name, "password": password}, follow_redirects=True)
        assert (answer.status_code, ">Da decidere</h1>" in answer.text) == (200, True)
        assert "Persone" in answer.text


def put_in_and_wait_until_filed(port: str, user: str, password: str) -> None:
    """A delivery report that the demo has not seen: proven automatic, so it leaves the inbox by itself."""
    (sheet,) = (octets for name, octets, _ in demo_messages(datetime.now(UTC)) if name == "52-newsletter.eml")
    with IMAPClient("127.0.0.1", int(port), ssl=False, timeout=20) as client:
        client.login(user, password)
        client.select_folder("INBOX")
        before = set(client.search())
        client.append("INBOX", sheet.replace(b"Message-ID: <", b"Message-ID: <another."), (), datetime.now(UTC))
        client.noop()
        (mine,) = set(client.search()) - before
        until = time.monotonic() + 30
        while mine in client.search():
            assert time.monotonic() < until, "the message still lies in the inbox"
            time.sleep(0.05)
            client.noop()
