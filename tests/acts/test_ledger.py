"""The ledger's equations about people's acts close, and can fail: each fault is noticed by its own name."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from tests.acts.builders import Office
from tests.acts.test_settling import file_due, held
from tests.acts.test_undoing import forwarded, take_back
from tests.servers.smtp_sink import SmtpSink
from triage.acts.answering import reply
from triage.acts.centres import Choice
from triage.acts.correcting import correct
from triage.acts.settling import close, forward
from triage.record.ledger import compute_ledger
from triage.record.settled_checks import checks_of_settlements


@pytest.fixture
def worked(office: Office, smtp_sink: SmtpSink) -> Office:
    """One message each: sent (and filed), closed, answered, corrected, undone."""
    desk = office.desk
    keys = [held(office, author=f"f{n}@family.example", return_path=f"f{n}@family.example") for n in range(4)]
    office.act(forward, keys[0], Choice("sud"))
    office.act_unread(close, keys[1], "nota")
    office.act(reply, keys[2], "Testo")
    take_back(office, office.act(forward, keys[3], Choice("sud")))
    office.act(correct, forwarded(desk), Choice("sud"), "zona")
    desk.advance(minutes=2)
    desk.send()
    file_due(office)
    office.assert_all_closes()
    return office


FAULTS = [
    ("DELETE FROM settlements WHERE exit = 'chiuso'", "messages whose settlements are not those of the audit: 1"),
    (
        "UPDATE settlements SET message_id = 1 WHERE exit = 'chiuso'",
        "messages whose settlements are not those of the audit: 2",
    ),
    (
        "UPDATE settlements SET undone_at = at WHERE exit = 'chiuso'",
        "messages whose undone settlements are not those of the audit: 1",
    ),
    ("DELETE FROM staff_acts WHERE act = 'settle'", "settlements that the sealed record does not know as they are"),
    (
        "UPDATE settlements SET generation = 9 WHERE exit = 'chiuso'",
        "settlements of a generation that has no decision: 1",
    ),
    (
        "UPDATE messages SET state = 'quarantined' WHERE id IN (SELECT message_id FROM settlements "
        "WHERE exit = 'chiuso')",
        "messages that a person ended and that are still under way: 1",
    ),
    (
        "UPDATE messages SET state = 'quarantined' WHERE id IN (SELECT message_id FROM settlements "
        "WHERE exit = 'inoltro' AND undone_at IS NULL)",
        "messages that a person sent on and that are nowhere: 1",
    ),
    (
        "UPDATE dispatches SET state = 'failed' WHERE kind = 'reply'",
        "messages filed as answered whose answer has not left: 1",
    ),
    (
        "UPDATE misroutes SET recall_dispatch_id = NULL",
        "recalls that the register of misroutes does not know: 1",
    ),
]


@pytest.mark.parametrize(("harm", "noticed"), FAULTS)
def test_each_fault_is_noticed(worked: Office, store_url: str, harm: str, noticed: str) -> None:
    engine = sa.create_engine(store_url)
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
        connection.execute(sa.text(harm))
    engine.dispose()
    found = worked.look(lambda tx: compute_ledger(tx).differences)
    assert any(one.startswith(noticed) for one in found), found


def test_an_undone_act_counts_as_one(office: Office, make_office: Callable[..., Office]) -> None:
    key = held(office)
    for _ in range(3):
        take_back(office, office.act(forward, key, Choice("sud")))
    assert len(office.settlements(key)) == 3
    office.assert_all_closes()


def test_every_equation_is_shown_to_be_able_to_fail() -> None:
    elsewhere = {"messages sent to a further centre without a forward to it"}  # tests/acts/test_also.py
    named = {noticed.partition(":")[0] for _, noticed in FAULTS}
    assert named | elsewhere == set(checks_of_settlements())
