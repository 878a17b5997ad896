"""``triage export`` and ``triage erase`` as an administrator types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.classify.small_set import small_examples, write_examples
from tests.commands.conftest import Invoke, Record
from tests.duties.builders import ANNA, label, wait, write
from tests.record.builders import MovedClock
from triage.record import Store

REFERENCE = ("--reference", "prot. 7")


@pytest.fixture
def annas(record: Record) -> Store:
    """The prepared record with one letter of Anna's, done and labelled by a person."""
    store = Store(f"sqlite:///{record.path}", MovedClock())
    label(store, write(store, ANNA))
    return store


def test_a_copy_is_written_and_told(invoke: Invoke, annas: Store, tmp_path: Path) -> None:
    result = invoke("export", "Anna.Rossi+x@example.org", "--to", tmp_path / "c.zip", *REFERENCE, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads(result.stdout) == {
        "to": str(tmp_path / "c.zip"), "reference": "prot. 7", "with_others": False,
        "cases": 1, "messages": 1, "originals": 1, "others": 0, "gone": 0, "unread": [],
    }  # fmt: skip
    again = invoke("export", ANNA, "--to", tmp_path / "c.zip", *REFERENCE)
    assert (again.exit_code, "is there already" in again.stderr) == (1, True)
    said = invoke("export", ANNA, "--to", tmp_path / "c", *REFERENCE).stdout
    assert said.startswith("1 message(s) of this person in 1 case(s)")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("export", "nessuno@example.org", "--to", "c", *REFERENCE), 1, "No file was written."),
        (("export", "anna", "--to", "c", *REFERENCE), 1, "PERSON is an e-mail address"),
        (("export", ANNA, "--to", "c", "--reference", ANNA), 2, "no address and no name"),
        (("export", ANNA, "--to", "c"), 2, "--reference"),
        (("erase", "nessuno@example.org", "--yes", *REFERENCE), 1, "Nothing was erased."),
        (("erase", ANNA, "--yes"), 2, "--reference"),
        (("erase",), 2, "Name a PERSON"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is(
    invoke: Invoke, annas: Store, tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    words = [str(tmp_path / word) if word == "c" else word for word in arguments]
    result = invoke(*words)
    assert (result.exit_code, said in result.stderr) == (code, True)
    assert not (tmp_path / "c").exists()


def test_it_is_looked_at_asked_and_erased(invoke: Invoke, annas: Store) -> None:
    would = json.loads(invoke("erase", ANNA, "--dry-run", "--json").stdout)
    assert (would["erased"], would["messages"], would["labelled"], would["refused"]) == (False, 1, 1, [])
    refused = invoke("erase", ANNA, *REFERENCE, stdin=b"n\n")
    assert (refused.exit_code, refused.stdout.splitlines()[0].startswith("1 message(s)")) == (1, True)
    assert json.loads(invoke("erase", ANNA, "--dry-run", "--json").stdout)["messages"] == 1
    done = invoke("erase", ANNA, *REFERENCE, "--copies-kept", "30", stdin=b"y\n")
    assert done.exit_code == 0, done.stderr
    assert "Done: 1 message(s) and 1 sending(s), request prot. 7." in done.stdout
    assert "mailbox ufficio, folder Smistati: 1 original(s)" in done.stdout
    assert "oglio_po has 1 of them" in done.stdout
    assert "hold the data until" in done.stdout
    assert invoke("erase", ANNA, "--yes", *REFERENCE).exit_code == 1
    assert json.loads(invoke("ledger", "--json").stdout)["closes"]


def test_a_case_that_is_alive_stays_and_the_remedy_is_said(invoke: Invoke, annas: Store) -> None:
    wait(annas, ANNA)
    result = invoke("erase", ANNA, "--yes", *REFERENCE)
    assert result.exit_code == 1
    assert "waits or is on its way; settle it" in result.stdout
    assert "Done: 1 message(s)" in result.stdout
    told = json.loads(invoke("erase", ANNA, "--dry-run", "--json").stdout)
    assert [one["why"] for one in told["refused"]] == [["waiting"]]


def test_models_that_knew_are_named_trained_anew_and_removed(invoke: Invoke, annas: Store, tmp_path: Path) -> None:
    examples = write_examples(tmp_path / "examples", small_examples())
    one, two = tmp_path / "one", tmp_path / "two"
    assert invoke("train", "--settled", "--examples", examples, "--out", one).exit_code == 0
    assert invoke("models", "promote", one / "model.skops").exit_code == 0
    erased = json.loads(invoke("erase", ANNA, "--yes", *REFERENCE, "--json").stdout)
    (knew,) = erased["models_to_train_anew"]
    assert "TO BE TRAINED ANEW" in invoke("models", "list").stdout
    told = json.loads(invoke("erase", "--refit", two, "--examples", examples, "--json").stdout)["refit"]
    assert (told["in_force"], told["removed"]) == (knew, [])
    assert told["trained"] not in (None, knew)
    card = json.loads((two / "card.json").read_text(encoding="utf-8"))
    assert card["data"]["corrections"]["from_record"] == 0
    assert invoke("models", "promote", told["trained"], "--anyway", "--why", "cancellazione").exit_code == 0
    after = invoke("erase", "--refit", two, "--examples", examples)
    assert after.stdout == f"Model {knew} is gone from the record, with its card and reports.\n"
    known = [json.loads(line) for line in invoke("models", "list", "--json").stdout.splitlines()]
    assert [(model["version"], model["to_train_anew"]) for model in known] == [(told["trained"], False)]
    refused = invoke("models", "promote", one / "model.skops")
    assert (refused.exit_code, "was erased since: train anew" in refused.stderr) == (1, True)
