"""A person gets a copy of their data: the person's own as it is, others' only as listed, readable by nobody else."""

from __future__ import annotations

import json
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.duties.builders import ANNA, BRUNO, CLERK, dossier, label, letter, write
from tests.learning.builders import SHIPPED
from tests.record.builders import a_mailbox, claim, message, receive
from triage.duties.exporting import export
from triage.duties.finding import find
from triage.duties.leaflet import Counts
from triage.parse.isolated import ParserCrash
from triage.reading import ParsedMessages
from triage.record import Store
from triage.record.people_tables import staff_acts
from triage.record.quarantine import quarantine
from triage.record.tables import octets, person_requests
from triage.vocabulary import InboundMessage

TEXT = "Buongiorno, la nonna sta male.\n"


def told(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "dati.json").read_text(encoding="utf-8"))
    return found


def copy(store: Store, to: Path, *, with_others: bool = False) -> Counts:
    found = dossier(store, ANNA)
    return export(store, found, to, CLERK, address=ANNA, reference="RPD-7", with_others=with_others)


@pytest.fixture
def shared(store: Store) -> tuple[int, int]:
    """A case in which Anna wrote, with a note and an answer, and Bruno wrote as well."""
    mine = write(store, ANNA, octets=letter(ANNA, TEXT))
    label(store, mine, note="chiamare lunedì", text="Gentile Anna, la aspettiamo.")
    theirs = write(store, BRUNO, case_id=message(store, mine).case_id)
    return mine, theirs


def test_a_folder_holds_the_originals_what_is_known_and_what_it_means(
    store: Store, tmp_path: Path, shared: tuple[int, int]
) -> None:
    mine, theirs = shared
    counts = copy(store, tmp_path / "copia")
    assert counts == Counts(cases=1, messages=1, originals=1, others=1, gone=0)
    folder = tmp_path / "copia"
    original = folder / "originali" / f"{mine:06}.eml"
    assert original.read_bytes() == letter_of(store, mine)
    data = told(folder)
    (case,) = data["casi"]
    own, other = case["messaggi"]
    assert own["originale"] == f"originali/{mine:06}.eml"
    assert [one["nota"] for one in own["decisioni_di_persone"]] == ["chiamare lunedì"]
    assert [one["testo"] for one in own["testi_scritti_dal_personale"]] == ["Gentile Anna, la aspettiamo."]
    assert {(one["tipo"], one["a"]) for one in own["invii"]} == {
        ("forward", "oglio-po@example.org"),
        ("acknowledgement", ANNA),
    }
    assert own["decisioni"][0]["motivi"]
    assert other == {
        "numero": theirs,
        "che_cosa": "di_un_altra_persona",
        "arrivato_il": other["arrivato_il"],
        "originale": None,
        "originale_assente": "di_un_altra_persona",
        "inviati_a_lei": [],
    }
    assert data["addestramento"]["messaggi_con_etichetta"] == 1
    assert BRUNO not in (folder / "dati.json").read_text(encoding="utf-8")
    assert "articolo 15, paragrafo 4" in (folder / "leggimi.txt").read_text(encoding="utf-8")


def letter_of(store: Store, number: int) -> bytes:
    from triage.record.octets import read_octets

    digest = message(store, number).sha256 or ""
    with store.read("look") as tx:
        return read_octets(tx, [digest])[digest]


def test_others_are_given_out_only_when_somebody_says_so(store: Store, tmp_path: Path, shared: tuple[int, int]) -> None:
    counts = copy(store, tmp_path / "copia", with_others=True)
    assert (counts.originals, counts.others) == (2, 0)
    assert (tmp_path / "copia" / "originali" / f"{shared[1]:06}.eml").exists()
    with store.read("look") as tx:
        (act,) = tx.execute(sa.select(staff_acts.c.act, staff_acts.c.params).where(staff_acts.c.act == "export_person"))
    assert act.params == {"reference": "RPD-7", "messages": 1, "originals": 2, "with_others": True}


def test_only_its_owner_can_read_it_and_nothing_is_written_over(
    store: Store, tmp_path: Path, shared: tuple[int, int]
) -> None:
    copy(store, tmp_path / "copia")
    copy(store, tmp_path / "copia.zip")
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*") if "copia" in str(path)}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    with zipfile.ZipFile(tmp_path / "copia.zip") as archive:
        assert sorted(archive.namelist()) == ["dati.json", "leggimi.txt", f"originali/{shared[0]:06}.eml"]
    for name in ("copia", "copia.zip"):
        with pytest.raises(FileExistsError):
            copy(store, tmp_path / name)
    assert not list(tmp_path.glob(".*.part"))


def test_what_was_cut_off_leaves_nothing_and_is_made_anew(
    store: Store, tmp_path: Path, shared: tuple[int, int]
) -> None:
    def stop(_done: int) -> None:
        raise KeyboardInterrupt

    found = dossier(store, ANNA)
    with pytest.raises(KeyboardInterrupt):
        export(store, found, tmp_path / "copia", CLERK, address=ANNA, reference="RPD-7", progress=stop)
    assert list(tmp_path.glob("*copia*")) == []
    left = tmp_path / ".copia.part"
    left.mkdir()
    (left / "dati.json").write_text("{", encoding="utf-8")
    copy(store, tmp_path / "copia")
    assert told(tmp_path / "copia")["riferimento"] == "RPD-7"


def test_what_is_kept_no_longer_is_said(store: Store, tmp_path: Path, shared: tuple[int, int]) -> None:
    with store.write("purged") as tx:
        tx.execute(octets.delete())
    assert copy(store, tmp_path / "copia").gone == 1
    assert "non c'è più il testo" in (tmp_path / "copia" / "leggimi.txt").read_text(encoding="utf-8")
    with store.read("look") as tx:
        assert tx.execute(sa.select(person_requests.c.person_key)).scalars().all() == [""]


def test_a_message_that_stopped_the_parser_is_looked_into_apart_and_told_where_that_fails(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(store, ANNA)
    (aside,) = receive(store, a_mailbox(store), [letter(ANNA, "Un altro testo.\n")])
    (row,) = claim(store)
    with store.write("put aside") as tx:
        quarantine(tx, row, "lettura_fallita")
    here = ParsedMessages()
    monkeypatch.setattr(here, "parse", lambda *_: pytest.fail("parsed in this process"))
    found = find(store, SHIPPED, here, ANNA)
    assert aside in {item.row.id for item in found.items()}
    assert found.unread == ()

    def crash(_octets: bytes) -> InboundMessage:
        raise ParserCrash("signal 11")

    monkeypatch.setattr("triage.duties.finding.parse_isolated", crash)
    found = find(store, SHIPPED, here, ANNA)
    assert (aside in {item.row.id for item in found.items()}, found.unread) == (False, (aside,))
