"""The ledger closes on a record that is right, and each of its checks fails on one that is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta

import pytest

from tests.record.builders import (
    PERMANENT,
    MovedClock,
    a_mailbox,
    begin,
    claim,
    decided,
    end,
    filed_unsent,
    held,
    lease_next,
    list_uids,
    message,
    received,
    reception,
    rows_of,
    send_all,
    settle,
)
from triage.record import Store
from triage.record import ledger as ledger_module
from triage.record.filing import record_filed, record_presence
from triage.record.ledger import Ledger, compute_ledger
from triage.record.messages import Reception, change_state, record_receptions
from triage.record.settled_checks import checks_of_settlements
from triage.vocabulary import DispatchState, MessageState

Tamper = Callable[..., None]


@dataclass(frozen=True)
class Populated:
    """A record with a message in every place; each field is the id of one."""

    listed: int
    baseline: int
    vanished: int
    oversize: int
    unreadable: int
    received: int
    pending: int
    forwarded: int
    filed: int
    filed_unsent: int
    held: int
    quarantined: int
    refused: int


@pytest.fixture
def populated(store: Store) -> Populated:
    (filed, forwarded) = decided(store, 2)
    send_all(store)
    send_all(store)
    _file(store, filed)
    (refused,) = decided(store, 1, acknowledged=False)
    end(store, begin(store, lease_next(store)), PERMANENT, DispatchState.FAILED)
    _move(store, refused, MessageState.HELD)
    (pending,) = decided(store, 1, acknowledged=False)
    (unsent,) = received(store, 1)
    settle(store, [filed_unsent(row) for row in claim(store)])
    _file(store, unsent)
    (uncertain,) = received(store, 1)
    settle(store, [held(row) for row in claim(store)])
    (crashed,) = received(store, 1)
    _move(store, crashed, MessageState.QUARANTINED)
    (waiting,) = received(store, 1)
    mailbox = a_mailbox(store)
    listed, gone, large, unreadable = list_uids(store, mailbox, range(101, 105))
    (old,) = list_uids(store, mailbox, [105], state=MessageState.BASELINE)
    with store.write("before reception") as tx:
        record_presence(tx, [], [row for row in rows_of(store) if row.id == gone])
        record_receptions(
            tx,
            mailbox,
            [
                reception(large, b"Subject: allegati\r\n\r\n", MessageState.OVERSIZE),
                Reception(unreadable, MessageState.UNREADABLE, hold_reason="illeggibile"),
            ],
        )
    return Populated(
        listed=listed,
        baseline=old,
        vanished=gone,
        oversize=large,
        unreadable=unreadable,
        received=waiting,
        pending=pending,
        forwarded=forwarded,
        filed=filed,
        filed_unsent=unsent,
        held=uncertain,
        quarantined=crashed,
        refused=refused,
    )


def _move(store: Store, message_id: int, state: MessageState) -> None:
    row = message(store, message_id)
    with store.write("move") as tx:
        change_state(tx, row, state, "moved")


def _file(store: Store, message_id: int) -> None:
    row = message(store, message_id)
    with store.write("file") as tx:
        record_filed(tx, [row], "Smistati", "filed")


def _ledger(store: Store) -> Ledger:
    with store.read("ledger") as tx:
        return compute_ledger(tx)


# --------------------------------------------------------------------------- it closes


def test_the_ledger_of_an_empty_record_closes(store: Store) -> None:
    found = _ledger(store)
    assert found.closes
    assert set(found.counts.values()) == {0}


def test_the_ledger_counts_every_message_in_its_place_and_closes(store: Store, populated: Populated) -> None:
    found = _ledger(store)
    assert found.differences == ()
    assert found.counts == {
        "listed": 13,
        "received": 8,
        "awaiting": 1,
        "baseline": 1,
        "vanished": 1,
        "unreadable": 1,
        "oversize": 1,
        "closed": 0,
        "in_progress": 3,
        "held": 2,
        "quarantined": 1,
        "filed": 2,
        "matched": 0,
        "erased": 0,
        "forward_accepted": 2,
        "forward_failed": 1,
        "forward_pending": 1,
        "acknowledgement_accepted": 2,
    }


def test_the_ledger_is_one_look_while_others_write(
    store: Store, open_store: Callable[[], Store], populated: Populated
) -> None:
    """Each of its queries sees the same instant; else a busy hour would raise false alarms."""
    with store.read("ledger") as tx:
        before = compute_ledger(tx)
        received(open_store(), 3)
        assert compute_ledger(tx) == before
    assert _ledger(store).counts["received"] == before.counts["received"] + 3


# --------------------------------------------------------------------------- it can fail

PARTS = {
    "forward": "SELECT id FROM dispatches WHERE kind = 'forward' AND message_id = {id}",
    "receipt": "SELECT id FROM dispatches WHERE kind = 'acknowledgement' AND message_id = {id}",
    "last": "SELECT max(id) FROM audit WHERE subject = 'message' AND subject_id = {id}",
}
"""What belongs to a message: ``{filed_forward}`` in a statement below is the filed message's forward."""

EQUATIONS = {
    "a state before reception set by hand on a received message": (
        "received {received} != accounted for",
        "UPDATE messages SET state = 'listed' WHERE id = {received}",
    ),
    "a state after reception set by hand on a message never received": (
        "listed 13 != before reception",
        "UPDATE messages SET state = 'held' WHERE id = {listed}",
    ),
    "a state that nobody knows on a received message": (
        "received {received} != accounted for",
        "UPDATE messages SET state = 'lost' WHERE id = {held}",
    ),
    "a state that nobody knows on a listed message": (
        "listed 13 != before reception",
        "UPDATE messages SET state = 'lost' WHERE id = {listed}",
    ),
    "a time of reception taken away": (
        "listed 13 != before reception",
        "UPDATE messages SET received_at = NULL WHERE id = {held}",
    ),
}

CHECKS = [
    (
        "messages without a row of their listing",
        "DELETE FROM audit WHERE subject = 'message' AND event = 'listed' AND subject_id = {listed}",
    ),
    ("listings whose message is gone", "DELETE FROM messages WHERE id = {baseline}"),
    (
        "forwarded or filed messages without an accepted forward",
        "DELETE FROM attempts WHERE dispatch_id IN ({forwarded_forward})",
    ),
    (
        "forwarded or filed messages without an accepted forward",
        "UPDATE attempts SET outcome = 'permanent' WHERE dispatch_id IN ({filed_forward})",
    ),
    (
        "forwarded or filed messages without an accepted forward",
        "UPDATE dispatches SET state = 'failed' WHERE id IN ({filed_forward})",
    ),
    (
        "forwarded or filed messages without an accepted forward",
        "UPDATE decisions SET action = 'inoltra' WHERE message_id = {filed_unsent}",
    ),
    (
        "forwarded or filed messages without an accepted forward",
        "UPDATE messages SET state = 'filed' WHERE id = {held}",
    ),
    (
        "decided messages with nothing on its way",
        "UPDATE dispatches SET state = 'cancelled' WHERE id IN ({pending_forward})",
    ),
    (
        "decided messages with nothing on its way",
        "DELETE FROM dispatches WHERE id IN ({pending_forward})",
    ),
    (
        "decided messages with nothing on its way",
        "UPDATE dispatches SET generation = 2 WHERE id IN ({pending_forward})",
    ),
    ("messages of a generation that has no decision", "DELETE FROM decisions WHERE message_id = {held}"),
    ("messages of a generation that has no decision", "UPDATE messages SET generation = 2 WHERE id = {held}"),
    ("rows of mailboxes that do not exist", "DELETE FROM mailboxes"),
    (
        "received messages without octets",
        "DELETE FROM octets WHERE sha256 = (SELECT sha256 FROM messages WHERE id = {received})",
    ),
    ("received messages without octets", "UPDATE messages SET sha256 = NULL WHERE id = {quarantined}"),
    ("received messages without octets", "UPDATE messages SET sha256 = 'another' WHERE id = {filed}"),
    (
        "octets that are not whole",
        "DELETE FROM octet_chunks WHERE sha256 = (SELECT sha256 FROM messages WHERE id = {held})",
    ),
    (
        "octets that are not whole",
        "UPDATE octet_chunks SET data = substr(data, 1, 3) "
        "WHERE sha256 = (SELECT sha256 FROM messages WHERE id = {held})",
    ),
    (
        "accepted dispatches without an accepted attempt",
        "DELETE FROM attempts WHERE dispatch_id IN ({filed_receipt})",
    ),
    (
        "accepted dispatches without an accepted attempt",
        "UPDATE dispatches SET state = 'accepted' WHERE id IN ({refused_forward})",
    ),
    (
        "changes of dispatches that are gone",
        "UPDATE audit SET subject_id = 999999 WHERE subject = 'dispatch' AND subject_id IN ({filed_receipt})",
    ),
    (
        "dispatches of a generation that has no decision",
        "UPDATE dispatches SET generation = 9 WHERE id IN ({filed_receipt})",
    ),
    ("message rows whose last audit row names another state", "UPDATE messages SET state = 'held' WHERE id = {filed}"),
    (
        "message rows whose last audit row names another state",
        "DELETE FROM audit WHERE id = ({vanished_last})",
    ),
    (
        "message changes that do not go on from the one before",
        "DELETE FROM audit WHERE subject = 'message' AND event = 'received' AND subject_id = {held}",
    ),
    (
        "message changes that do not go on from the one before",
        "UPDATE audit SET from_state = 'held' WHERE subject = 'message' AND event = 'decided' AND subject_id = {filed}",
    ),
    (
        "dispatch rows whose last audit row names another state",
        "UPDATE dispatches SET state = 'cancelled' WHERE id IN ({filed_receipt})",
    ),
    (
        "dispatch rows whose last audit row names another state",
        "UPDATE dispatches SET state = 'submitting' WHERE id IN ({pending_forward})",
    ),
    (
        "dispatch rows whose last audit row names another state",
        "DELETE FROM audit WHERE subject = 'dispatch' AND subject_id IN ({filed_forward})",
    ),
    (
        "dispatch changes that do not go on from the one before",
        "DELETE FROM audit WHERE subject = 'dispatch' AND event = 'begun' AND subject_id IN ({filed_forward})",
    ),
]


def _filled(statement: str, populated: Populated) -> str:
    ids: dict[str, int] = asdict(populated)
    parts = {f"{name}_{part}": query.format(id=key) for name, key in ids.items() for part, query in PARTS.items()}
    return statement.format(**ids, **parts)


@pytest.mark.parametrize("name", EQUATIONS)
def test_an_equation_does_not_close_after(store: Store, populated: Populated, tamper: Tamper, name: str) -> None:
    expected, statement = EQUATIONS[name]
    tamper(_filled(statement, populated))
    found = _ledger(store)
    assert not found.closes
    start = expected.replace("{received}", str(found.counts["received"]))
    assert [text for text in found.differences if text.startswith(start)] != []


@pytest.mark.parametrize(
    ("check", "statement"), CHECKS, ids=[f"{number}-{check}" for number, (check, _) in enumerate(CHECKS)]
)
def test_the_ledger_finds(store: Store, populated: Populated, tamper: Tamper, check: str, statement: str) -> None:
    tamper(_filled(statement, populated))
    found = _ledger(store)
    assert not found.closes
    assert [text for text in found.differences if text.startswith(f"{check}: ")] != []


def test_a_change_that_the_flow_does_not_know_is_a_difference(
    store: Store, populated: Populated, tamper: Tamper
) -> None:
    tamper("UPDATE audit SET from_state = 'filed' WHERE from_state = 'listed' AND to_state = 'received'")
    texts = [text for text in _ledger(store).differences if "which the flow does not know" in text]
    assert [text.partition(":")[0] for text in texts] == [
        "changes from filed to received, which the flow does not know"
    ]


def test_every_check_of_the_ledger_is_shown_to_be_able_to_fail() -> None:
    # Those about people's acts are shown so in tests/acts/test_ledger.py.
    assert {check for check, _ in CHECKS} == set(ledger_module._checks()) - set(checks_of_settlements())


def test_a_difference_tells_how_many_rows_it_concerns(store: Store, populated: Populated, tamper: Tamper) -> None:
    tamper("DELETE FROM octets")
    text = next(text for text in _ledger(store).differences if text.startswith("received messages without octets"))
    assert text == "received messages without octets: 8"


def test_the_ledger_closes_again_when_what_was_tampered_with_is_put_right(
    store: Store, populated: Populated, tamper: Tamper
) -> None:
    tamper(_filled("UPDATE messages SET state = 'filed' WHERE id = {held}", populated))
    assert not _ledger(store).closes
    tamper(_filled("UPDATE messages SET state = 'held' WHERE id = {held}", populated))
    assert _ledger(store).closes


def test_a_superseded_forward_still_pending_leaves_the_ledger_closed(store: Store, clock: MovedClock) -> None:
    (key,) = decided(store, 1)
    _move(store, key, MessageState.RECEIVED)
    clock.forward(timedelta(minutes=1))
    settle(store, [held(row) for row in claim(store)])
    assert _ledger(store).differences == ()
