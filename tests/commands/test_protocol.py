"""``triage protocol``: what the rules mark is exported byte for byte, once, with its metadata."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import sqlite3
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from tests.commands.conftest import Invoke
from tests.laid import lay_sqlite
from tests.pec.builders import sealed
from tests.record.builders import a_mailbox, receive
from tests.servers.mail import AttachedFile, make_mail
from triage.clock import SystemClock
from triage.decider import Decider
from triage.knowledge import Knowledge
from triage.reading import ParsedMessages
from triage.record import Store
from triage.record.staff_acts import verify_acts

FORMULA = '=HYPERLINK("http://example.org") diffida'
NOTICE = make_mail(
    "Con la presente si diffida.\n",
    subject=FORMULA,
    author="Studio Esempio <studio@example.org>",
    attachments=[AttachedFile("atto.pdf", b"%PDF-1.4 prova\n", "application/pdf")],
)
ORDINARY = make_mail("Buongiorno,\nabito a Viadana. Ci sono laboratori?\n", subject="Laboratori")
PEC = sealed("envelope-x-pkcs7-sha1")
RECEIPT = sealed("receipt-consegna-completa")


@pytest.fixture
def keys(environment: dict[str, str]) -> list[int]:
    """A notice, an ordinary letter, a certified one and a receipt, decided; their numbers."""
    rules = Path(environment["TRIAGE_RULES"])
    text = rules.read_text(encoding="utf-8").replace("    role: inbox", "    role: inbox\n    pec: true", 1)
    rules.write_text(text + "\nprotocol:\n  when: [{oggetto_contiene: diffida}]\n", encoding="utf-8")
    path = Path(environment["TRIAGE_STATE_DIR"]) / "triage.db"
    path.parent.mkdir()
    store = Store(lay_sqlite(path), SystemClock())
    found = _arrive(environment, store, [NOTICE, ORDINARY, PEC, RECEIPT])
    store.close()
    return found


def _arrive(environment: dict[str, str], store: Store, contents: list[bytes]) -> list[int]:
    knowledge = Knowledge(store, Path(environment["TRIAGE_RULES"]), Path(environment["TRIAGE_MODEL"]))
    assert knowledge.import_files() == ()
    found = receive(store, a_mailbox(store, "generale"), contents)
    decider = Decider(store, knowledge, ParsedMessages(), "d", timedelta(minutes=1), lambda: None)
    while decider.work():
        pass
    return found


def test_certified_mail_and_what_a_rule_names_wait_and_nothing_else(invoke: Invoke, keys: list[int]) -> None:
    told = json.loads(invoke("protocol", "list", "--json").stdout)
    assert [(one["message_id"], one["why"]) for one in told["messages"]] == [(keys[0], "regola"), (keys[2], "pec")]
    assert told["waiting"] == 2
    shown = invoke("protocol", "list").stdout.splitlines()
    assert shown == [f"message {keys[0]}: waits (regola)", f"message {keys[2]}: waits (pec)", "2 wait to be exported."]


def test_originals_metadata_and_a_table_are_written_once(
    invoke: Invoke, keys: list[int], tmp_path: Path, environment: dict[str, str]
) -> None:
    folder = tmp_path / "protocollo"
    first = json.loads(invoke("protocol", "export", "--to", folder, "--json").stdout)
    assert (first["exported"], first["missing"]) == ([keys[0], keys[2]], [])
    notice, certified = folder / f"{keys[0]:09}", folder / f"{keys[2]:09}"
    assert (notice / "originale.eml").read_bytes() == NOTICE
    assert (certified / "originale.eml").read_bytes() == PEC
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    paper = json.loads((notice / "metadati.json").read_text(encoding="utf-8"))
    assert paper["impronta"] == {"algoritmo": "SHA-256", "valore": hashlib.sha256(NOTICE).hexdigest()}
    assert (paper["oggetto"], paper["mittente"]) == (
        FORMULA,
        {"nome": "Studio Esempio", "indirizzo": "studio@example.org"},
    )
    assert (paper["tipologia_di_flusso"], paper["motivo"], paper["pec"]) == ("in entrata", "regola di ATS", None)
    attached = hashlib.sha256(b"%PDF-1.4 prova\n").hexdigest()
    assert paper["allegati"] == [
        {
            "nome": "atto.pdf",
            "tipo": "application/pdf",
            "dimensione": 15,
            "impronta": {"algoritmo": "SHA-256", "valore": attached},
        }
    ]
    pec = json.loads((certified / "metadati.json").read_text(encoding="utf-8"))
    assert pec["pec"]["identificativo"] == "opec210.20261125102200.01.aruba"
    assert pec["pec"]["ora_certificata"].startswith("2026-11-25T")
    assert (pec["pec"]["attendibile"], pec["tipologia_documentale"]) == (True, "messaggio PEC")
    (table,) = first["tables"]
    rows = list(csv.reader(io.StringIO(Path(table).read_text(encoding="utf-8-sig")), delimiter=";"))
    assert [row[0] for row in rows] == ["Messaggio", str(keys[0]), str(keys[2])]
    assert rows[1][7] == f"'{FORMULA}", "no cell is taken for a formula"
    assert rows[1][1] == f"{keys[0]:09}/originale.eml"
    again = json.loads(invoke("protocol", "export", "--to", folder, "--json").stdout)
    assert (again["exported"], again["tables"]) == ([], [])
    store = Store(f"sqlite:///{Path(environment['TRIAGE_STATE_DIR']) / 'triage.db'}", SystemClock())
    with store.read("acts") as tx:
        assert verify_acts(tx) == ()
    (late,) = _arrive(environment, store, [make_mail("Altra.\n", subject="Seconda diffida")])
    store.close()
    more = json.loads(invoke("protocol", "export", "--to", folder, "--json").stdout)
    assert more["exported"] == [late]


def test_after_a_crash_before_the_mark_the_same_files_are_written_again(
    invoke: Invoke, keys: list[int], tmp_path: Path, environment: dict[str, str]
) -> None:
    folder = tmp_path / "protocollo"
    invoke("protocol", "export", "--to", folder)
    with sqlite3.connect(Path(environment["TRIAGE_STATE_DIR"]) / "triage.db") as connection:
        connection.execute("UPDATE protocol_entries SET exported_at = NULL, exported_by = NULL")
    again = invoke("protocol", "export", "--to", folder)
    assert (again.exit_code, again.stdout.splitlines()[0]) == (0, f"2 messages exported to {folder}.")


def test_a_file_with_another_content_is_not_replaced_and_the_message_goes_on_waiting(
    invoke: Invoke, keys: list[int], tmp_path: Path
) -> None:
    strange = tmp_path / f"{keys[0]:09}" / "originale.eml"
    strange.parent.mkdir()
    strange.write_bytes(b"altro")
    refused = invoke("protocol", "export", "--to", tmp_path)
    assert (refused.exit_code, strange.read_bytes()) == (1, b"altro")
    assert "holds something else" in refused.stderr
    assert json.loads(invoke("protocol", "list", "--json").stdout)["waiting"] == 2


def test_a_number_is_noted_and_a_message_is_marked_by_hand(invoke: Invoke, keys: list[int]) -> None:
    assert invoke("protocol", "number", keys[0], "2026/0012345").exit_code == 0
    assert invoke("protocol", "number", keys[1], "2026/1").exit_code == 1, "nobody has marked it"
    assert invoke("protocol", "number", keys[0], "=1+1").exit_code == 1
    assert invoke("protocol", "add", keys[1]).exit_code == 0
    twice = invoke("protocol", "add", keys[1], 999_999)
    assert (twice.exit_code, len(twice.stderr.splitlines())) == (1, 2)
    told = json.loads(invoke("protocol", "list", "--all", "--json").stdout)
    assert [(one["message_id"], one["why"], one["number"]) for one in told["messages"]] == [
        (keys[2], "pec", None),
        (keys[1], "persona", None),
        (keys[0], "regola", "2026/0012345"),
    ]


def test_a_wrong_day_ends_with_2(invoke: Invoke, keys: list[int], tmp_path: Path) -> None:
    refused = invoke("protocol", "export", "--to", tmp_path, "--since", "ieri")
    assert (refused.exit_code, "2026-11-20" in refused.stderr) == (2, True)
    future = json.loads(invoke("protocol", "export", "--to", tmp_path, "--since", "2999-01-01", "--json").stdout)
    assert future["exported"] == []
