"""``triage models``: which models there are, how two compare, and which one decides."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.classify.small_set import write_examples
from tests.commands.conftest import Invoke
from tests.laid import lay_sqlite
from tests.learning.rivals import corrections, make_model, placed_examples
from triage.cards import read_card
from triage.clock import SystemClock
from triage.knowledge import Knowledge
from triage.promotion import known_models
from triage.record import Store
from triage.record.audit import history
from triage.record.identity import MODEL, current_version
from triage.record.model_papers import newest_comparison, newest_report


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("models")
    return make_model(folder / "one"), make_model(folder / "two", also=corrections())


@pytest.fixture
def database(environment: dict[str, str]) -> Path:
    """An empty record with its tables."""
    path = Path(environment["TRIAGE_STATE_DIR"]) / "triage.db"
    path.parent.mkdir()
    lay_sqlite(path)
    return path


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """Messages that no model has learnt from, labelled later than all corrections."""
    rows = [{**one, "id": f"n-{one['id']}", "date": "2026-11-20"} for one in placed_examples()]
    return write_examples(tmp_path / "fresh", rows)


def version(path: Path) -> str:
    return read_card(path.with_name("card.json").read_bytes()).sha256[:12]


def current(database: Path) -> str:
    store = Store(f"sqlite:///{database}", SystemClock())
    with store.read("look") as tx:
        found = current_version(tx, MODEL)
    store.close()
    return found


def started(database: Path, environment: dict[str, str], model: Path) -> None:
    """What a first start of the service does with its files."""
    store = Store(f"sqlite:///{database}", SystemClock())
    assert Knowledge(store, Path(environment["TRIAGE_RULES"]), model).import_files() == ()
    store.close()


# --------------------------------------------------------------------------- list


def test_an_empty_record_says_where_the_first_model_comes_from(invoke: Invoke, database: Path) -> None:
    assert database.exists()
    result = invoke("models", "list")
    assert result.exit_code == 0
    assert "TRIAGE_MODEL" in result.stdout


def test_the_list_shows_version_hash_figures_and_what_is_in_force(
    invoke: Invoke, database: Path, environment: dict[str, str], files: tuple[Path, Path]
) -> None:
    started(database, environment, files[0])
    assert invoke("models", "promote", files[1], "--why", "più zone").exit_code == 0
    shown = invoke("models", "list").stdout
    one, two = version(files[0]), version(files[1])
    assert f"{two}  imported" in shown
    assert "IN FORCE since" in shown
    assert "promoted on" in shown
    assert ": più zone" in shown
    assert "learnt from 17 messages, 3 of them settled by persons" in shown
    assert "topic " in shown
    told = [json.loads(line) for line in invoke("models", "list", "--json").stdout.splitlines()]
    by_version = {row["version"]: row for row in told}
    assert set(by_version) == {one, two}
    assert (by_version[two]["in_force"], by_version[two]["previous"]) == (True, False)
    assert (by_version[one]["in_force"], by_version[one]["previous"]) == (False, True)
    assert by_version[one]["last"]["how"] == "imported"
    assert by_version[two]["sha256"].startswith(two)
    assert by_version[two]["figures"]["topic"]["n"] == 17


# --------------------------------------------------------------------------- promote, roll back


def test_promote_and_roll_back_are_on_record_with_who_and_why(
    invoke: Invoke, database: Path, environment: dict[str, str], files: tuple[Path, Path]
) -> None:
    started(database, environment, files[0])
    promoted = invoke("models", "promote", files[1], "--why", "più zone")
    assert (promoted.exit_code, current(database)) == (0, version(files[1]))
    assert f"instead of {version(files[0])}" in promoted.stdout
    assert "not compared" in promoted.stdout
    again = invoke("models", "promote", version(files[1])[:6])
    assert again.exit_code == 0
    assert "already" in again.stdout
    undone = invoke("models", "rollback", "--json")
    assert json.loads(undone.stdout) == {"version": version(files[0]), "before": version(files[1]), "changed": True}
    assert current(database) == version(files[0])
    further = invoke("models", "rollback")
    assert (further.exit_code, further.stdout) == (1, "")
    assert "nothing to go back to" in further.stderr
    store = Store(f"sqlite:///{database}", SystemClock())
    with store.read("look") as tx:
        rows = [row for row in history(tx, "version", 0) if row["event"] == "model_current"]
    store.close()
    assert [row["params"].get("how") for row in rows] == [None, "promoted", "rolled_back"]
    assert rows[1]["params"]["why"] == "più zone"
    assert all(row["actor"].startswith("cli") for row in rows[1:])


def test_a_file_without_a_card_is_refused(
    invoke: Invoke, database: Path, files: tuple[Path, Path], tmp_path: Path
) -> None:
    alone = tmp_path / "alone" / "model.skops"
    alone.parent.mkdir()
    alone.write_bytes(files[0].read_bytes())
    result = invoke("models", "promote", alone)
    assert (result.exit_code, result.stdout, current(database)) == (1, "", "")
    assert "card.json must stand beside it" in result.stderr
    alone.with_name("card.json").write_bytes(files[1].with_name("card.json").read_bytes())
    result = invoke("models", "promote", alone)
    assert (result.exit_code, current(database)) == (1, "")
    assert "the card of another model" in result.stderr


@pytest.mark.parametrize("name", ["feedbeef", "nothing/here.skops"])
def test_a_model_that_is_nowhere_is_one_sentence(invoke: Invoke, database: Path, name: str) -> None:
    result = invoke("models", "promote", name)
    assert (result.exit_code, result.stdout, current(database)) == (1, "", "")
    assert name in result.stderr


def test_insisting_needs_a_reason(invoke: Invoke, files: tuple[Path, Path]) -> None:
    result = invoke("models", "promote", files[0], "--anyway", "--why", "  ")
    assert result.exit_code == 2
    assert "--why" in result.stderr


# --------------------------------------------------------------------------- compare


def test_two_files_are_compared_without_a_record(invoke: Invoke, files: tuple[Path, Path], fresh: Path) -> None:
    shown = invoke("models", "compare", files[0], files[1], fresh)
    assert shown.exit_code == 0, shown.stderr
    assert f"Champion {version(files[0])}, challenger {version(files[1])}: 14 messages of 4 writers" in shown.stdout
    assert "right destination" in shown.stdout
    assert "Caution" not in shown.stdout
    told = json.loads(invoke("models", "compare", files[0], files[1], fresh, "--json").stdout)
    assert {pair["name"] for pair in told["pairs"]} >= {"topic", "forwarded_wrong", "filed_persons"}
    for pair in told["pairs"]:
        assert pair["both_right"] + pair["only_champion"] + pair["only_challenger"] + pair["neither"] == pair["n"]
    assert told["sentence"] in shown.stdout


def test_messages_that_taught_one_of_them_are_called_no_test(
    invoke: Invoke, files: tuple[Path, Path], database: Path, environment: dict[str, str]
) -> None:
    started(database, environment, files[0])
    learnt = files[0].parent / "examples"
    shown = invoke("models", "compare", "current", files[1], learnt)
    assert shown.exit_code == 0
    assert "Caution: the champion learnt from batch_t.jsonl" in shown.stdout
    refused = invoke("models", "promote", files[1], "--on", learnt)
    assert (refused.exit_code, current(database)) == (1, version(files[0]))
    assert "no fair test" in refused.stderr


def test_a_fair_comparison_is_shown_and_kept_with_the_promotion(
    invoke: Invoke, files: tuple[Path, Path], database: Path, environment: dict[str, str], fresh: Path
) -> None:
    started(database, environment, files[0])
    told = json.loads(invoke("models", "promote", files[1], "--on", fresh, "--json").stdout)
    assert (told["before"], told["comparison"]["champion"]) == (version(files[0]), version(files[0]))
    store = Store(f"sqlite:///{database}", SystemClock())
    with store.read("look") as tx:
        assert history(tx, "version", 0)[-1]["params"]["compared"] == 14
    store.close()


def test_a_challenger_that_answers_machines_needs_insistence(
    invoke: Invoke, database: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    """The champion knows a shop's offers for machine mail; the challenger was taught to answer them."""
    offer = {**placed_examples()[7], "batch": "offerte", "text": "Scarpe scontate, spedizione gratuita, compra subito."}
    offers = [{**offer, "id": f"o-{n}", "writer": f"w{n % 4 + 1}", "situation": f"offerta-{n}"} for n in range(8)]
    champion = make_model(tmp_path / "champion", of=[*placed_examples(), *offers])
    started(database, environment, champion)
    mistaken = [{**one, "automatico": False, "argomento": "laboratori", "destinazione": "operatori"} for one in offers]
    challenger = make_model(tmp_path / "challenger", of=[*placed_examples(), *mistaken])
    on = write_examples(tmp_path / "offers", [{**offer, "id": "n-1"}])
    refused = invoke("models", "promote", challenger, "--on", on)
    assert (refused.exit_code, current(database)) == (1, version(champion))
    assert "worse at what must not get worse (machines acknowledged)" in refused.stdout
    assert "--anyway" in refused.stderr
    done = invoke("models", "promote", challenger, "--on", on, "--anyway", "--why", "prova in ombra")
    assert (done.exit_code, current(database)) == (0, version(challenger))


# --------------------------------------------------------------------------- kept for the page


def test_a_comparison_is_kept_with_its_challenger_for_whoever_decides(
    invoke: Invoke, database: Path, environment: dict[str, str], files: tuple[Path, Path], fresh: Path
) -> None:
    started(database, environment, files[0])
    rules = ("--rules", environment["TRIAGE_RULES"])
    result = invoke("models", "compare", "current", files[1], fresh, *rules, "--keep", "--json")
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    store = Store(f"sqlite:///{database}", SystemClock())
    with store.read("look") as tx:
        kept = newest_comparison(tx, version(files[0]), version(files[1]))
        assert [one.version for one in known_models(tx)].count(version(files[1])) == 1
    store.close()
    assert kept is not None
    assert (kept.content["verdict"], kept.content["messages"]) == (told["verdict"], told["messages"])
    assert current(database) == version(files[0]), "to keep is not to promote"


def test_a_challenger_without_its_card_is_not_kept(
    invoke: Invoke, database: Path, environment: dict[str, str], files: tuple[Path, Path], fresh: Path, tmp_path: Path
) -> None:
    started(database, environment, files[0])
    alone = tmp_path / "alone" / "model.skops"
    alone.parent.mkdir()
    alone.write_bytes(files[1].read_bytes())
    result = invoke("models", "compare", "current", alone, fresh, "--rules", environment["TRIAGE_RULES"], "--keep")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "cannot be kept" in result.stderr


def test_an_evaluation_is_kept_for_the_page_if_the_model_is_in_the_record(
    invoke: Invoke, database: Path, environment: dict[str, str], files: tuple[Path, Path], fresh: Path, tmp_path: Path
) -> None:
    started(database, environment, files[0])
    options = ("--rules", environment["TRIAGE_RULES"], "--out", tmp_path / "out", "--keep")
    assert invoke("evaluate", fresh, "--model", files[0], *options).exit_code == 0
    store = Store(f"sqlite:///{database}", SystemClock())
    with store.read("look") as tx:
        report = newest_report(tx, version(files[0]))
    store.close()
    assert report is not None
    assert report.content["html"] == (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    other = invoke("evaluate", fresh, "--model", files[1], *options)
    assert (other.exit_code, "is not in the record" in other.stderr) == (1, True)
