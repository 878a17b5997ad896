"""What families get, in the record: one of a kind a case, one question, and what a probe has proved of a mailbox."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.record.builders import (
    START,
    MovedClock,
    a_mailbox,
    acknowledgement,
    claim,
    dispatches,
    forward_of,
    held,
    message,
    received,
    send_all,
    settle,
)
from triage.record import Store
from triage.record.audit import history
from triage.record.decisions import was_told_a_centre
from triage.record.dispatches import forwarded_at
from triage.record.mailboxes import mailbox_row, note_probe
from triage.record.planned import OwnedPlan, PlannedDispatch, may_still_be_asked, write_dispatches
from triage.record.tables import ONE_A_CASE
from triage.record.tables import dispatches as table
from triage.vocabulary import TO_FAMILIES, DispatchKind, DispatchState

LATER = START + timedelta(hours=4)


def of_kind(kind: DispatchKind, number: int = 1, **changes: object) -> PlannedDispatch:
    made = replace(acknowledgement(due_at=START), kind=kind, rfc_message_id=f"<{kind}{number}@agency.example>")
    return replace(made, **changes)  # type: ignore[arg-type]


def write(store: Store, message_id: int, *plans: PlannedDispatch) -> None:
    row = message(store, message_id)
    assert row.case_id is not None
    with store.write("plan") as tx:
        write_dispatches(tx, [OwnedPlan(row.id, row.generation, row.case_id, plan) for plan in plans], {})


def a_held_message(store: Store) -> int:
    (key,) = received(store, 1)
    settle(store, [held(claim(store)[0])])
    return key


def free(store: Store, message_id: int) -> bool:
    row = message(store, message_id)
    assert row.case_id is not None
    with store.write("look") as tx:
        return row.case_id in may_still_be_asked(tx, [row.case_id])


def test_the_index_speaks_of_exactly_the_kinds_that_families_get() -> None:
    kinds = ", ".join(repr(str(kind)) for kind in sorted(TO_FAMILIES))
    assert f"kind IN ({kinds}) AND withdrawn IS NULL" == ONE_A_CASE


@pytest.mark.parametrize("kind", sorted(TO_FAMILIES))
def test_a_case_has_one_of_each_kind_whatever_is_planned(store: Store, clock: MovedClock, kind: DispatchKind) -> None:
    key = a_held_message(store)
    write(store, key, of_kind(kind, 1))
    write(store, key, of_kind(kind, 2), of_kind(kind, 3))
    assert [(row.kind, row.rfc_message_id) for row in dispatches(store, key)] == [(kind, f"<{kind}1@agency.example>")]


def test_one_of_every_kind_may_stand_beside_the_others(store: Store, clock: MovedClock) -> None:
    key = a_held_message(store)
    write(store, key, *(of_kind(kind) for kind in sorted(TO_FAMILIES)))
    assert sorted(row.kind for row in dispatches(store, key)) == sorted(TO_FAMILIES)


def test_an_acknowledgement_that_asks_is_the_cases_one_question(store: Store, clock: MovedClock) -> None:
    key = a_held_message(store)
    assert free(store, key)
    write(store, key, of_kind(DispatchKind.ACKNOWLEDGEMENT, asks=True))
    assert not free(store, key)
    with store.write("cancelled") as tx:
        tx.execute(sa.update(table).values(state=DispatchState.CANCELLED))
    assert free(store, key), "it never left, and never will"


def test_an_acknowledgement_does_not_ask_where_a_question_is_on_its_way(store: Store, clock: MovedClock) -> None:
    key = a_held_message(store)
    write(store, key, of_kind(DispatchKind.QUESTION))
    write(store, key, of_kind(DispatchKind.ACKNOWLEDGEMENT, asks=True))
    assert [(row.kind, bool(row.asks)) for row in dispatches(store, key)] == [
        (DispatchKind.QUESTION, False),
        (DispatchKind.ACKNOWLEDGEMENT, False),
    ]


def test_a_forwards_250_makes_the_acknowledgement_name_that_forwards_centre(store: Store, clock: MovedClock) -> None:
    (key,) = received(store, 1)
    row = claim(store)[0]
    forward = forward_of(row, acknowledged=False)
    settle(store, [forward])
    project = forward.dispatches[0].project
    write(store, key, of_kind(DispatchKind.ACKNOWLEDGEMENT, project="another", neutral=True, due_at=LATER))
    send_all(store)
    (sent,) = [item for item in dispatches(store, key) if item.kind == DispatchKind.ACKNOWLEDGEMENT]
    assert (sent.project, sent.neutral) == (project, False)
    case_id = message(store, key).case_id
    assert case_id is not None
    with store.read("look") as tx:
        assert forwarded_at(tx, [key, 999]).keys() == {key}
        assert not was_told_a_centre(tx, case_id, besides="another"), "it has not left yet"
    send_all(store)
    with store.read("look") as tx:
        assert was_told_a_centre(tx, case_id, besides="another")
        assert not was_told_a_centre(tx, case_id, besides=project)


def test_what_a_probe_proves_belongs_to_one_account_and_folder(store: Store, clock: MovedClock) -> None:
    with store.write("probed") as tx:
        note_probe(tx, "ufficio", "u@imap.example", "INBOX", return_path=True, plus=True)
        row = mailbox_row(tx, "ufficio")
        note_probe(tx, "ufficio", "u@imap.example", "INBOX", return_path=False, plus=None)
        later = mailbox_row(tx, "ufficio")
        note_probe(tx, "ufficio", "other@imap.example", "INBOX", return_path=True, plus=None)
        other = mailbox_row(tx, "ufficio")
        assert [item["event"] for item in history(tx, "mailbox", row.id)] == ["probed"] * 3
    assert (row.writes_return_path, row.takes_plus_tags) == (True, True)
    assert (later.writes_return_path, later.takes_plus_tags) == (False, True), "not tried is not refuted"
    assert (other.writes_return_path, other.takes_plus_tags) == (True, False), "another account: nothing known of tags"
    read = a_mailbox(store)
    assert not replace(read, account="third@imap.example", folder="INBOX").writes_return_path
