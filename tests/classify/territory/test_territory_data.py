"""The data files are complete, agree with each other, and know no project."""

from __future__ import annotations

from importlib.resources import files

import pytest

from triage.classify.territory import ambiti, comuni, load_gazetteer
from triage.classify.territory.spelling import normal
from triage.classify.territory.tables import COLUMNS, cells, parse, rows

# The five project codes and the special answers, and words of the lead bodies' addresses.
PROJECT_CODES = {
    "crema",
    "mantova",
    "ostiglia",
    "oglio_po",
    "alto_mantovano",
    "scoperto",
    "fuori_ats",
    "multiplo",
    "non_indicato",
    "suzzara",
    "cremona",
}
PROJECT_WORDS = (
    "oglio_po",
    "alto_mantovano",
    "@ats",
    "@comune",
    ".it",
    "csa-coop",
    "cooperativa servizi assistenziali",
    "azienda speciale consortile",
    "asp destra",
    "aspdestra",
    "concast",
)


@pytest.mark.parametrize("name", sorted(COLUMNS))
def test_no_cell_is_a_project_code_and_none_names_a_project_or_its_address(name: str) -> None:
    assert not {"project", "progetto", "destination", "territorio"} & set(COLUMNS[name])
    for row in rows(name):
        for value in row.values():
            for cell in cells(value):
                assert cell not in PROJECT_CODES
                assert not any(word in cell.lower() for word in PROJECT_WORDS)


def test_every_file_in_the_folder_is_declared_and_none_is_missing() -> None:
    there = {entry.name for entry in files("triage.classify.territory").joinpath("data").iterdir()}
    assert there == set(COLUMNS) | {"README.md"}


def test_the_two_provinces_have_113_and_64_comuni_with_codes_as_text() -> None:
    provinces = [comune.province for comune in comuni().values()]
    assert (provinces.count("CR"), provinces.count("MN")) == (113, 64)
    for comune in comuni().values():
        assert comune.cap.isdigit()
        assert len(comune.cap) == 5
        assert comune.istat_code.startswith({"CR": "019", "MN": "020"}[comune.province])
        assert comune.phone_prefix.startswith("0")


def test_the_ambiti_divide_the_comuni() -> None:
    sizes = {ambito: len(names) for ambito, names in ambiti().items()}
    assert sizes == {
        "Cremasco": 48,
        "Cremonese": 48,
        "Oglio Po (Casalasco)": 17,
        "Oglio Po (Viadanese)": 10,
        "Mantova": 14,
        "Asola": 12,
        "Guidizzolo": 9,
        "Ostiglia (Destra Secchia)": 13,
        "Suzzara": 6,
    }


def test_a_hamlet_of_two_comuni_means_both() -> None:
    names = load_gazetteer().names
    assert set(names["gabbiana"].comuni) == {"Castellucchio", "Marcaria"}
    assert set(names["quattrocase"].comuni) == {"Casalmaggiore", "Poggio Rusco"}


def test_every_alias_is_found_by_its_name() -> None:
    names = load_gazetteer().names
    lost = [
        row["name"]
        for row in rows("aliases.csv")
        if row["comune"] not in names[normal(row["name"])].comuni and names[normal(row["name"])].kind != "comune"
    ]
    assert lost == []


@pytest.mark.parametrize("text", ["", "cap,comune,project\n", "cap,comune\n26013,Crema\n26013\n"])
def test_a_file_that_is_not_as_documented_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match=r"former_caps\.csv"):
        parse("former_caps.csv", text)
