"""A model comes into force by a person's act, for all workers, and goes back by one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.laid import lay_sqlite
from tests.learning.rivals import corrections, make_model
from tests.record.builders import START, MovedClock
from triage.knowledge import Knowledge
from triage.promotion import (
    Model,
    RefusedError,
    known_models,
    model_of_file,
    model_of_record,
    promote,
    roll_back,
)
from triage.record import Store
from triage.record.audit import history
from triage.record.identity import MODEL, current_version, import_version
from triage.record.tables import versions

ROOT = Path(__file__).parents[1]
RULES = ROOT / "routing_rules.yaml"
WEEK = timedelta(days=7)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    folder = tmp_path_factory.mktemp("models")
    more = corrections()
    return (
        make_model(folder / "one"),
        make_model(folder / "two", also=more),
        make_model(folder / "three", also=more[:1]),
    )


@pytest.fixture(scope="module")
def models(files: tuple[Path, Path, Path]) -> tuple[Model, Model, Model]:
    first, second, third = (model_of_file(path) for path in files)
    return first, second, third


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def store(tmp_path: Path, clock: MovedClock) -> Iterator[Store]:
    made = Store(lay_sqlite(tmp_path / "record.db"), clock)
    yield made
    made.close()


def act(store: Store, model: Model, *, why: str = "", anyway: bool = False, compared: int | None = None) -> str | None:
    with store.write("promote", "cli:maria") as tx:
        return promote(tx, model, why=why, anyway=anyway, compared=compared)


def back(store: Store) -> tuple[str, str]:
    with store.write("back", "cli:luca") as tx:
        return roll_back(tx, why="peggio")


def current(store: Store) -> str:
    with store.read("look") as tx:
        return current_version(tx, MODEL)


# --------------------------------------------------------------------------- by a person


def test_three_versions_forth_and_back(store: Store, clock: MovedClock, models: tuple[Model, Model, Model]) -> None:
    one, two, three = models
    assert act(store, one) == ""
    clock.forward(WEEK)
    assert act(store, two, why="più zone", compared=300) == one.version
    clock.forward(WEEK)
    assert act(store, three) == two.version
    assert act(store, three) is None
    assert back(store) == (three.version, two.version)
    assert back(store) == (two.version, one.version)
    with pytest.raises(RefusedError, match="nothing to go back to"):
        back(store)
    assert current(store) == one.version
    with store.read("look") as tx:
        rows = [(row["actor"], row["at"], row["params"]) for row in history(tx, "version", 0)]
    assert rows[1] == (
        "cli:maria",
        START + WEEK,
        {"version": two.version, "how": "promoted", "why": "più zone", "compared": 300},
    )
    assert rows[3] == (
        "cli:luca",
        START + 2 * WEEK,
        {"version": two.version, "how": "rolled_back", "why": "peggio"},
    )
    assert len(rows) == 5


def test_the_list_says_which_is_in_force_and_which_was_before(
    store: Store, clock: MovedClock, models: tuple[Model, Model, Model]
) -> None:
    for model in models:
        act(store, model)
        clock.forward(WEEK)
    with store.read("list") as tx:
        three, two, one = known_models(tx)
    assert [known.version for known in (one, two, three)] == [model.version for model in models]
    assert [known.in_force_since for known in (one, two, three)] == [None, None, START + 2 * WEEK]
    assert [known.previous for known in (one, two, three)] == [False, True, False]
    assert all(known.intact for known in (one, two, three))
    assert two.card is not None
    assert (two.card.messages, two.card.corrections) == (17, 3)
    assert two.card.headlines["topic"].n == 17


def test_a_second_promotion_within_a_week_needs_insistence(
    store: Store, clock: MovedClock, models: tuple[Model, Model, Model]
) -> None:
    act(store, models[0])
    clock.forward(WEEK - timedelta(seconds=1))
    with pytest.raises(RefusedError, match="less than 7 days"):
        act(store, models[1])
    assert current(store) == models[0].version
    act(store, models[1], anyway=True, why="il primo sbaglia")
    assert current(store) == models[1].version


def test_a_model_that_changed_while_it_was_compared_is_not_replaced(
    store: Store, models: tuple[Model, Model, Model]
) -> None:
    act(store, models[0])
    with store.write("promote") as tx, pytest.raises(RefusedError, match="Compare again"):
        promote(tx, models[1], anyway=True, instead_of=models[2].version)
    assert current(store) == models[0].version


# --------------------------------------------------------------------------- refused


def copy(path: Path, folder: Path, *, card: bytes | None) -> Path:
    folder.mkdir()
    (folder / "model.skops").write_bytes(path.read_bytes())
    if card is not None:
        (folder / "card.json").write_bytes(card)
    return folder / "model.skops"


def test_a_file_without_its_own_card_is_refused(store: Store, files: tuple[Path, Path, Path], tmp_path: Path) -> None:
    other = files[1].with_name("card.json").read_bytes()
    wrong = {
        "has no card": None,
        "has the card of another model": other,
        "has a card that cannot be read": b"{}",
    }
    for number, (words, card) in enumerate(wrong.items()):
        model = model_of_file(copy(files[0], tmp_path / str(number), card=card))
        assert model.card is None
        with pytest.raises(RefusedError, match=words):
            act(store, model, anyway=True, why="comunque")
    assert current(store) == ""
    with store.read("list") as tx:
        assert known_models(tx) == ()


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.skops").write_bytes(b"PK nothing")
    with pytest.raises(RefusedError, match="cannot be used"):
        model_of_file(tmp_path / "model.skops")
    with pytest.raises(RefusedError, match="cannot be read"):
        model_of_file(tmp_path / "none.skops")


def test_a_version_is_found_by_its_beginning_and_by_being_current(
    store: Store, models: tuple[Model, Model, Model]
) -> None:
    with store.read("look") as tx, pytest.raises(RefusedError, match="No model is in force"):
        model_of_record(tx, "current")
    act(store, models[0])
    with store.read("look") as tx:
        for name in (models[0].version, models[0].version[:5].upper(), "current"):
            assert model_of_record(tx, name).version == models[0].version
        for name in (models[0].version[:3], "zzzzzz"):
            with pytest.raises(RefusedError, match="no such version"):
                model_of_record(tx, name)


def test_a_version_without_a_card_in_the_record_is_refused_until_its_file_is_promoted(
    store: Store, models: tuple[Model, Model, Model]
) -> None:
    with store.write("import") as tx:
        import_version(tx, MODEL, models[0].octets, models[0].version)
        import_version(tx, MODEL, models[1].octets, models[1].version)
        found = model_of_record(tx, models[0].version)
        with pytest.raises(RefusedError, match="no card in the record"):
            promote(tx, found)
    act(store, models[0])
    assert current(store) == models[0].version
    with store.read("look") as tx:
        assert model_of_record(tx, "current").card is not None


def test_octets_that_have_changed_in_the_record_do_not_come_into_force(
    store: Store, clock: MovedClock, models: tuple[Model, Model, Model]
) -> None:
    act(store, models[0])
    clock.forward(WEEK)
    act(store, models[1])
    with store.write("tamper") as tx:
        tx.execute(sa.update(versions).where(versions.c.version == models[0].version).values(content=b"other"))
    with pytest.raises(RefusedError, match="octets have changed"):
        back(store)
    assert current(store) == models[1].version
    with store.read("list") as tx:
        assert [known.intact for known in known_models(tx)] == [True, False]


# --------------------------------------------------------------------------- workers and their files


def knowledge(store: Store, path: Path, *, adopt: bool = False) -> Knowledge:
    made = Knowledge(store, RULES, path, adopt=adopt)
    assert made.import_files() == ()
    return made


def decides(made: Knowledge) -> str:
    made._look_at = 0.0  # as if a second had passed
    return made.in_force().classifier.version


def test_every_worker_uses_what_was_promoted_and_rolled_back(
    store: Store, files: tuple[Path, Path, Path], models: tuple[Model, Model, Model]
) -> None:
    workers = [knowledge(store, files[0]) for _ in range(2)]
    assert {decides(worker) for worker in workers} == {models[0].version}
    act(store, models[1])
    assert {decides(worker) for worker in workers} == {models[1].version}
    back(store)
    assert {decides(worker) for worker in workers} == {models[0].version}


def test_a_start_with_an_older_file_does_not_undo_a_promotion(
    store: Store, files: tuple[Path, Path, Path], models: tuple[Model, Model, Model]
) -> None:
    knowledge(store, files[0])
    act(store, models[1])
    assert decides(knowledge(store, files[0])) == models[1].version
    assert decides(knowledge(store, files[0], adopt=True)) == models[0].version


def test_a_start_with_the_newer_file_does_not_undo_a_roll_back(
    store: Store, files: tuple[Path, Path, Path], models: tuple[Model, Model, Model]
) -> None:
    knowledge(store, files[0])
    act(store, models[1])
    back(store)
    assert decides(knowledge(store, files[1])) == models[0].version


def test_a_new_model_file_waits_for_a_person(
    store: Store,
    files: tuple[Path, Path, Path],
    models: tuple[Model, Model, Model],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A training that writes over the service's own file changes nothing yet, even while it runs."""
    path = copy(files[0], tmp_path / "m", card=files[0].with_name("card.json").read_bytes())
    running = knowledge(store, path)
    path.with_name("card.json").write_bytes(files[1].with_name("card.json").read_bytes())
    path.write_bytes(files[1].read_bytes())
    os.utime(path, ns=(10**18, 10**18))
    assert running.import_files() == ()
    assert decides(running) == models[0].version
    assert f"triage models promote {models[1].version}" in caplog.text
    with store.write("promote") as tx:
        promote(tx, model_of_record(tx, models[1].version))
    assert decides(running) == models[1].version


def test_a_current_model_that_this_program_cannot_read_gives_way_to_the_file(
    store: Store, files: tuple[Path, Path, Path], models: tuple[Model, Model, Model]
) -> None:
    """After an upgrade to a release with another format."""
    with store.write("import") as tx:
        import_version(tx, MODEL, b"an older format", "0123456789ab")
    assert decides(knowledge(store, files[0])) == models[0].version


def test_cards_of_another_model_are_not_kept_with_the_file(
    store: Store, files: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    other = json.loads(files[1].with_name("card.json").read_bytes())
    path = copy(files[0], tmp_path / "m", card=json.dumps(other).encode())
    knowledge(store, path)
    with store.read("list") as tx:
        (known,) = known_models(tx)
    assert known.card is None
