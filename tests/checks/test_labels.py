"""What persons settled or judged becomes examples to learn from: the last word, and no more than they said."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.checks.builders import forwarded, proposed
from triage.acts.people import Person
from triage.classify.examples import Settled
from triage.labels import Passed, settled_examples
from triage.reading import ParsedMessages
from triage.record import Store
from triage.record.samples import GONE, Label, label_sample, take_to_label
from triage.record.settlements import Exit, Said, add_settlement, end_settlement, settlement_numbered
from triage.record.tables import messages, octet_chunks, octets
from triage.rules import Rules

NOTHING = Said()
SAID = Said(territory="mantova", comune="Roncoferraro", topic="laboratori", project="mantova")


def examples(store: Store, rules: Rules) -> list[Settled]:
    return list(settled_examples(store, rules, ParsedMessages(), Passed()))


def settle(
    store: Store, person: Person, key: int, exit: Exit, said: Said = NOTHING, *, undo: timedelta | None = None
) -> int:
    with store.write("settle", person.name) as tx:
        return add_settlement(tx, person, key, exit, 2, {}, said, tx.now + undo if undo is not None else None)


def told(found: list[Settled]) -> list[tuple[str, str, str]]:
    return [(one.topic, one.comune, one.territory) for one in found]


def test_what_was_sent_on_teaches_its_topic_and_the_place_that_was_named(
    store: Store, rules: Rules, anna: Person
) -> None:
    first, second = proposed(store, rules, 2)
    settle(store, anna, first, Exit.FORWARD, SAID)
    settle(store, anna, second, Exit.FORWARD, Said(territory="crema", topic="eventi", project="crema"))
    with store.write("as decided") as tx:
        tx.execute(messages.update().values(author_key="keyed hash"))
    found = examples(store, rules)
    assert told(found) == [("laboratori", "Roncoferraro", ""), ("eventi", "", "")], "no place was named: none is taught"
    assert "abito a Crema" in found[0].message.new_text
    assert [one.writer for one in found] == ["keyed hash"] * 2, "who wrote is nobody's business"


@pytest.mark.parametrize("exit", [Exit.REPLY, Exit.REFERRAL, Exit.PHONE, Exit.CLOSED])
def test_what_a_person_only_ended_teaches_nothing_and_takes_back_what_was_said_before(
    store: Store, rules: Rules, anna: Person, exit: Exit
) -> None:
    (key,) = proposed(store, rules, 1)
    settle(store, anna, key, Exit.FORWARD, SAID)
    settle(store, anna, key, exit)
    assert examples(store, rules) == []


@pytest.mark.parametrize("exit", [Exit.QUESTION, Exit.JOINED, Exit.SPLIT, Exit.ALSO])
def test_what_says_nothing_of_the_message_leaves_its_label(
    store: Store, rules: Rules, anna: Person, exit: Exit
) -> None:
    (key,) = proposed(store, rules, 1)
    settle(store, anna, key, Exit.FORWARD, SAID)
    settle(store, anna, key, exit)
    assert told(examples(store, rules)) == [("laboratori", "Roncoferraro", "")]


def test_not_for_us_teaches_its_topic_alone(store: Store, rules: Rules, anna: Person) -> None:
    (key,) = proposed(store, rules, 1)
    settle(store, anna, key, Exit.NOT_FOR_US)
    assert told(examples(store, rules)) == [("non_pertinente", "", "")]


def test_the_last_word_counts_once_it_cannot_be_taken_back(store: Store, rules: Rules, anna: Person) -> None:
    first, second = proposed(store, rules, 2)
    settle(store, anna, first, Exit.FORWARD, SAID)
    settle(store, anna, first, Exit.CORRECTION, Said(comune="Crema", topic="ascolto", project="crema"))
    settle(store, anna, second, Exit.FORWARD, SAID, undo=timedelta(minutes=2))
    assert told(examples(store, rules)) == [("ascolto", "Crema", "")], "the second may still be undone"
    undone = settle(store, anna, first, Exit.CORRECTION, SAID)
    with store.write("undo", anna.name) as tx:
        row = settlement_numbered(tx, undone)
        assert row is not None
        end_settlement(tx, anna, row)
    assert told(examples(store, rules)) == [("ascolto", "Crema", "")], "what was undone was never said"


def check(store: Store, person: Person, label: Label) -> None:
    with store.write("check", person.name) as tx:
        sample = take_to_label(tx, person.id or 0)
        assert sample is not None
        assert label_sample(tx, sample, person.id, label) is not None


def test_a_blind_check_teaches_all_that_it_says_until_a_settlement_says_more(
    store: Store, rules: Rules, anna: Person
) -> None:
    (first,) = forwarded(store, rules, 1)
    forwarded(store, rules, 1, "mantova")  # the first of each project is drawn for certain, the second by lot
    check(store, anna, Label("crema", "crema", "Crema", "genitorialita"))
    assert told(examples(store, rules)) == [("genitorialita", "Crema", "crema")]
    check(store, anna, Label(GONE))
    assert len(examples(store, rules)) == 1, "what nobody can judge teaches nothing"
    settle(store, anna, first, Exit.CORRECTION, SAID)
    assert told(examples(store, rules)) == [("laboratori", "Roncoferraro", "")]


def test_more_than_a_page_is_read_to_its_end_and_what_is_no_longer_kept_is_counted(
    store: Store, rules: Rules, anna: Person
) -> None:
    keys = proposed(store, rules, 120)
    for number, key in enumerate(keys):
        settle(store, anna, key, Exit.FORWARD, Said(topic="ascolto" if number % 2 else "eventi", project="crema"))
    found = examples(store, rules)
    assert [one.topic for one in found] == ["eventi", "ascolto"] * 60
    with store.write("purged") as tx:
        tx.execute(octet_chunks.delete())
        tx.execute(octets.delete())
    passed = Passed()
    assert list(settled_examples(store, rules, ParsedMessages(), passed)) == []
    assert passed.without_content == 120
