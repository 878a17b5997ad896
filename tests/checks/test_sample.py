"""Who is drawn, what a label does, and when labels count; on each engine."""

from __future__ import annotations

import statistics
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.checks.builders import forwarded, proposed
from tests.record.builders import MovedClock, claim, held, received, settle
from triage.acts import sampling
from triage.acts.people import Person, Role
from triage.audits import audit_of, audit_of_all
from triage.record import Store
from triage.record.modes import switches
from triage.record.people import add_person
from triage.record.samples import (
    KEPT_FOR,
    Label,
    Progress,
    SampleRow,
    count_to_label,
    label_by_settlement,
    note_draw,
    sample_row,
    unlabel_settlement,
)
from triage.record.tables import samples
from triage.rules import Rules
from triage.sampling import FIRST, LEAST, MOST_WAITING, floor_of, lot, probability_of
from triage.vocabulary import Mode

RIGHT = Label("crema", "crema", "Crema", "genitorialita")
WRONG = Label("mantova", "mantova", "Mantova", "genitorialita")
NO_MODES: dict[str, Mode] = {}


def _rows(store: Store) -> list[sa.RowMapping]:
    with store.read("look") as tx:
        return list(tx.execute(sa.select(samples).order_by(samples.c.id)).mappings())


def _answer(store: Store, rules: Rules, person: Person, label: Label = RIGHT) -> sampling.Labelled:
    with store.write("answer", person.name) as tx:
        taken = sampling.take_next(tx, person)
        assert taken is not None
        return sampling.answer(tx, rules, NO_MODES, person, taken, label)


# --------------------------------------------------------------------------- the draw


def test_every_automatic_forward_is_in_the_draw_with_its_probability(store: Store, rules: Rules) -> None:
    forwarded(store, rules, 120, confidence=0.95)
    rows = _rows(store)
    assert len(rows) == 120
    assert all(0 < row["floor"] <= row["probability"] <= 1 for row in rows)
    assert rows[0]["floor"] == 1.0
    assert rows[-1]["floor"] < 0.5
    assert 0 < sum(row["chosen"] for row in rows) < 120


def test_held_mail_is_in_no_draw_but_a_proposal_always_is(store: Store, rules: Rules) -> None:
    proposed(store, rules, 3)
    rows = _rows(store)
    assert [(row["kind"], row["chosen"], row["probability"]) for row in rows] == [("proposta", True, 1.0)] * 3


def test_less_is_drawn_of_a_project_that_has_many_and_never_less_than_the_least() -> None:
    assert floor_of(Progress()) == 1.0
    assert floor_of(Progress(drawn=FIRST)) == 0.5
    assert floor_of(Progress(drawn=100_000)) == LEAST
    assert floor_of(Progress(drawn=MOST_WAITING, waiting=MOST_WAITING)) == LEAST


def test_what_the_service_was_less_sure_of_is_drawn_more_often() -> None:
    assert probability_of(0.1, 0.99, 0.03) == 0.1
    assert probability_of(0.1, 0.88, 0.03) == pytest.approx(0.2)
    assert probability_of(0.1, 0.0, 0.01) == pytest.approx(0.4)
    assert probability_of(0.9, 0.0, 0.01) == 1.0


def test_lots_are_even_and_another_secret_draws_others() -> None:
    lots = [lot(b"secret", number) for number in range(4_000)]
    assert abs(statistics.fmean(lots) - 0.5) < 0.02
    assert abs(sum(one < 0.05 for one in lots) / 4_000 - 0.05) < 0.012
    assert lot(b"other", 1) != lots[1]


def test_a_proposal_that_is_decided_anew_leaves_the_draw(store: Store, rules: Rules) -> None:
    keys = proposed(store, rules, 1)
    with store.write("again") as tx:
        note_draw(tx, [], keys)
    assert _rows(store) == []


# --------------------------------------------------------------------------- labels


def test_a_label_is_kept_once_and_compared_with_the_decision(store: Store, rules: Rules, anna: Person) -> None:
    forwarded(store, rules, 8)
    assert _answer(store, rules, anna).right
    second = _answer(store, rules, anna, WRONG)
    assert (second.ok, second.right) == (True, False)
    with store.write("again", "anna") as tx:
        again = sampling.answer(tx, rules, NO_MODES, anna, _rows(store)[0]["id"], WRONG)
    assert (again.ok, again.code) == (False, "answered")


def test_two_people_get_two_messages_and_an_abandoned_one_comes_back(
    store: Store, rules: Rules, anna: Person, clock: MovedClock
) -> None:
    forwarded(store, rules, 8)
    with store.write("take") as tx:
        first, second = sampling.take_next(tx, anna), sampling.take_next(tx, anna)
        assert first == second
    with store.write("bruno") as tx:
        bruno = Person(add_person(tx, "bruno", "Bruno", Role.OPERATOR, "x"), "bruno", "Bruno", Role.OPERATOR)
        other = sampling.take_next(tx, bruno)
    assert other is not None
    assert other != first
    clock.forward(KEPT_FOR + timedelta(seconds=1))
    with store.write("take") as tx:
        assert sampling.take_next(tx, bruno) == first


def test_an_answer_that_names_nothing_known_is_not_kept(store: Store, rules: Rules, anna: Person) -> None:
    forwarded(store, rules, 1)
    for label in (
        Label("altrove", "crema", "", "eventi"),
        Label("crema", "nessun-luogo", "", "eventi"),
        Label("crema", "crema", "", "calcio"),
        Label("crema", "crema", "Roma", "eventi"),
    ):
        done = _answer(store, rules, anna, label)
        assert (done.ok, done.code) == (False, "invalid")
        assert done.message_it
    with store.read("look") as tx:
        assert count_to_label(tx) == 1


def test_a_settlement_labels_its_proposal_and_its_undo_takes_it_back(store: Store, rules: Rules) -> None:
    first, second = proposed(store, rules, 2)
    with store.write("settle") as tx:
        assert label_by_settlement(tx, first, None, Label("crema")) is True
        assert label_by_settlement(tx, second, None, Label("operatore")) is False
    with store.read("look") as tx:
        assert audit_of(tx, "crema", None).wrong == 1
    with store.write("undo") as tx:
        unlabel_settlement(tx, second)
    with store.read("look") as tx:
        assert audit_of(tx, "crema", None).wrong == 0
        assert audit_of(tx, "crema", None).seen.checked == 1


def test_a_correction_labels_no_forward_that_was_not_drawn(store: Store, rules: Rules) -> None:
    """Corrections come to light by chance: counting them would make the sample unfair."""
    forwarded(store, rules, 150)
    missed = next(row for row in _rows(store) if not row["chosen"])
    with store.write("correct") as tx:
        assert label_by_settlement(tx, missed["message_id"], None, WRONG) is None
    assert sample(store, missed["id"]).right is None


def sample(store: Store, key: int) -> SampleRow:
    with store.read("look") as tx:
        found = sample_row(tx, key)
    assert found is not None
    return found


# --------------------------------------------------------------------------- what counts


def test_labels_count_up_to_the_first_that_is_missing(store: Store, rules: Rules, anna: Person) -> None:
    keys = proposed(store, rules, 4)
    with store.write("settle") as tx:
        for key in (keys[0], keys[1], keys[3]):
            label_by_settlement(tx, key, None, Label("crema"))
    with store.read("look") as tx:
        audit = audit_of(tx, "crema", None)
    assert (audit.seen.forwards, audit.seen.checked, audit.beyond) == (2, 2, 1)


def test_projects_are_counted_apart_and_together(store: Store, rules: Rules) -> None:
    crema, mantova = proposed(store, rules, 60), proposed(store, rules, 50, "mantova")
    with store.write("settle") as tx:
        for key in crema:
            label_by_settlement(tx, key, None, Label("crema"))
        for key in mantova:
            label_by_settlement(tx, key, None, Label("mantova" if key != mantova[0] else "operatore"))
    with store.read("look") as tx:
        one, other = audit_of(tx, "crema", None), audit_of(tx, "mantova", None)
        both = audit_of_all(tx, ["crema", "mantova"], {})
    assert (one.wrong, other.wrong, both.wrong) == (0, 1, 1)
    assert (one.seen.checked, other.seen.checked, both.seen.checked) == (60, 50, 110)
    assert one.most < both.most < other.most


# --------------------------------------------------------------------------- drift


def test_more_errors_than_promised_bring_a_project_back_to_proposta(store: Store, rules: Rules, anna: Person) -> None:
    forwarded(store, rules, 25)
    done = [_answer(store, rules, anna, WRONG) for _ in range(8)]
    assert any(one.lowered for one in done)
    with store.read("look") as tx:
        switch = switches(tx)["crema"]
    assert (switch.mode, switch.reason_code) == (Mode.PROPOSAL, "deriva")
    assert switch.drift_at is not None
    assert "mantova" not in switches_of(store)


def test_after_drift_what_was_measured_before_counts_no_more(
    store: Store, rules: Rules, anna: Person, clock: MovedClock
) -> None:
    forwarded(store, rules, 25)
    while not _answer(store, rules, anna, WRONG).lowered:
        pass
    with store.read("look") as tx:
        assert audit_of(tx, "crema", switches(tx)["crema"]).seen.checked == 0
    clock.forward(timedelta(hours=1))
    (key,) = proposed(store, rules, 1)
    with store.write("settle") as tx:
        label_by_settlement(tx, key, None, Label("crema"))
    with store.read("look") as tx:
        audit = audit_of(tx, "crema", switches(tx)["crema"])
    assert (audit.seen.checked, audit.wrong) == (1, 0)


def switches_of(store: Store) -> set[str]:
    with store.read("look") as tx:
        return set(switches(tx))


def test_a_held_message_and_its_state_are_no_matter_of_the_draw(store: Store, rules: Rules) -> None:
    received(store, 1)
    settle(store, [held(row) for row in claim(store)])
    assert _rows(store) == []
