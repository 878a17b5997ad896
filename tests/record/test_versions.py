"""Which versions the record holds, which was in force when, and what a step back brings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from tests.record.builders import START, MovedClock
from triage.record import Store
from triage.record.identity import MODEL, RULES, current_version, import_version, keep_version, version_content
from triage.record.versions import CARD, How, Step, hold_current, keep_card, line, put_in_force, steps, stored_versions


def test_a_version_that_is_kept_is_not_in_force(store: Store, clock: MovedClock) -> None:
    with store.write("import", "maria") as tx:
        import_version(tx, MODEL, b"one", "m1")
    clock.forward(timedelta(hours=1))
    with store.write("keep", "maria") as tx:
        keep_version(tx, MODEL, b"two", "m2")
        keep_version(tx, RULES, b"rules", "r1")
    with store.read("look") as tx:
        assert current_version(tx, MODEL) == "m1"
        assert [(one.version, one.imported_at) for one in stored_versions(tx, MODEL)] == [
            ("m2", START + timedelta(hours=1)),
            ("m1", START),
        ]
        assert [step.version for step in steps(tx, MODEL)] == ["m1"]


def test_the_card_that_came_with_a_model_stands(store: Store) -> None:
    with store.write("card") as tx:
        keep_card(tx, "m1", b"first")
        keep_card(tx, "m1", b"second")
        assert version_content(tx, CARD, "m1") == b"first"
        assert current_version(tx, CARD) == ""


def test_each_step_says_who_when_how_and_why(store: Store, clock: MovedClock, open_store: Callable[[], Store]) -> None:
    with store.write("import", "triage") as tx:
        import_version(tx, MODEL, b"one", "m1")
    clock.forward(timedelta(days=1))
    with store.write("promote", "cli:maria") as tx:
        hold_current(tx, MODEL)
        put_in_force(tx, MODEL, "m2", How.PROMOTED, why="più zone", compared=300)
    with store.write("back", "cli:luca") as tx:
        put_in_force(tx, MODEL, "m1", How.ROLLED_BACK, why="troppi falsi allarmi")
    day = START + timedelta(days=1)
    with open_store().read("look") as tx:
        assert current_version(tx, MODEL) == "m1"
        assert steps(tx, MODEL) == (
            Step(START, "triage", "m1", How.IMPORTED, ""),
            Step(day, "cli:maria", "m2", How.PROMOTED, "più zone"),
            Step(day, "cli:luca", "m1", How.ROLLED_BACK, "troppi falsi allarmi"),
        )


def taken(*words: str) -> tuple[str, ...]:
    """The line after promotions ("m1") and roll-backs ("<m1")."""
    return line(
        Step(START, "maria", word.removeprefix("<"), How.ROLLED_BACK if word[0] == "<" else How.PROMOTED, "")
        for word in words
    )


def test_steps_back_go_back_and_never_in_a_circle() -> None:
    assert taken() == ()
    assert taken("m1", "m2", "m3") == ("m1", "m2", "m3")
    assert taken("m1", "m2", "m3", "<m2") == ("m1", "m2")
    assert taken("m1", "m2", "m3", "<m2", "<m1") == ("m1",)
    assert taken("m1", "m2", "<m1", "m3") == ("m1", "m3")
    assert taken("m1", "m2", "<m1", "m2", "<m1") == ("m1",)
    assert taken("m1", "m1", "m2", "m1") == ("m1", "m2", "m1")
