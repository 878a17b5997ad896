"""What a person does to a message is the label of its proposal; a switch reaches whoever asks for a mode."""

from __future__ import annotations

import pytest

from tests.checks.builders import proposed
from tests.review.office import DEMO_RULES, MODEL
from triage.acts.people import Person
from triage.audits import audit_of
from triage.knowledge import Knowledge
from triage.record import Store
from triage.record.modes import PERSON, set_switch
from triage.record.settlements import Exit, Said, add_settlement, end_settlement, settlement_numbered
from triage.rules import Rules
from triage.vocabulary import Mode

NOTHING, CREMA, MANTOVA = Said(), Said(project="crema"), Said(project="mantova")


def _settle(store: Store, person: Person, message_id: int, exit: Exit, said: Said = NOTHING) -> int:
    with store.write("settle", person.name) as tx:
        return add_settlement(tx, person, message_id, exit, 2, {}, said)


def _seen(store: Store) -> tuple[int, int]:
    """Checked, and of these wrong."""
    with store.read("look") as tx:
        audit = audit_of(tx, "crema", None)
    return audit.seen.checked, audit.wrong


@pytest.mark.parametrize(
    ("exit", "said", "wrong"),
    [
        (Exit.FORWARD, CREMA, 0),
        (Exit.FORWARD, MANTOVA, 1),
        (Exit.REPLY, Said(), 1),
        (Exit.QUESTION, Said(), 1),
        (Exit.NOT_FOR_US, Said(), 1),
    ],
)
def test_every_exit_says_whether_the_proposal_was_right(
    store: Store, rules: Rules, anna: Person, exit: Exit, said: Said, wrong: int
) -> None:
    (key,) = proposed(store, rules, 1)
    _settle(store, anna, key, exit, said)
    assert _seen(store) == (1, wrong)


def test_joining_messages_says_nothing_of_a_proposal(store: Store, rules: Rules, anna: Person) -> None:
    (key,) = proposed(store, rules, 1)
    _settle(store, anna, key, Exit.JOINED)
    assert _seen(store) == (0, 0)


def test_a_correction_is_the_last_word_and_its_undo_gives_the_first_back(
    store: Store, rules: Rules, anna: Person
) -> None:
    (key,) = proposed(store, rules, 1)
    _settle(store, anna, key, Exit.FORWARD, CREMA)
    second = _settle(store, anna, key, Exit.CORRECTION, MANTOVA)
    assert _seen(store) == (1, 1)
    with store.write("undo", "anna") as tx:
        row = settlement_numbered(tx, second)
        assert row is not None
        end_settlement(tx, anna, row)
    assert _seen(store) == (1, 0)


def test_whoever_asks_for_the_rules_in_force_gets_the_mode_of_the_page(store: Store) -> None:
    knowledge = Knowledge(store, DEMO_RULES, MODEL)
    assert knowledge.import_files() == ()
    assert knowledge.in_force().rules.projects["crema"].mode is Mode.AUTOMATIC
    with store.write("switch") as tx:
        set_switch(tx, "crema", Mode.PROPOSAL, Mode.AUTOMATIC, Mode.AUTOMATIC, PERSON)
    knowledge.look_again()
    now = knowledge.in_force()
    assert now.rules.projects["crema"].mode is Mode.PROPOSAL
    assert now.rules.projects["mantova"].mode is Mode.AUTOMATIC
    assert now.file_modes["crema"] is Mode.AUTOMATIC
