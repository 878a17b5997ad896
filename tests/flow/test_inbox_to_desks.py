"""A whole inbox through the whole service: everything accounted for, and nothing done twice."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import UTC, datetime

import pytest

from tests.dispatch.builders import attached_original
from tests.flow.builders import Office
from triage.demo.load import demo_messages
from triage.once import run_once
from triage.record.decisions import decision_of
from triage.record.dispatches import dispatches_of
from triage.vocabulary import DispatchKind, DispatchState, MessageState

ACK = DispatchKind.ACKNOWLEDGEMENT
GENERAL = "pijss.retifamiglia@ats-valpadana.it"


def deliver_demo(office: Office) -> dict[str, bytes]:
    """The demo's inbox, delivered; octets by SHA-256 as the server keeps them."""
    for _, octets, when in demo_messages(datetime.now(UTC)):
        office.dovecot.deliver(office.user.name, octets, when=when)
    return {hashlib.sha256(octets).hexdigest(): octets for octets in office.folders()["INBOX"].values()}


def work_off(office: Office) -> None:
    service = office.build()
    assert run_once(service) == ()
    service.store.close()


@pytest.mark.slow
def test_every_message_of_a_varied_inbox_ends_where_it_belongs(office: Office) -> None:
    delivered = deliver_demo(office)
    count = len(office.folders()["INBOX"])
    assert count >= 30
    work_off(office)

    ledger = office.ledger()
    assert ledger.differences == ()
    assert ledger.counts["listed"] == ledger.counts["received"] == count
    assert ledger.counts["in_progress"] == 0
    rows = office.messages()
    states = Counter(row.state for row in rows)
    assert set(states) <= {MessageState.FILED, MessageState.HELD, MessageState.MATCHED}
    assert states[MessageState.FILED] >= 10
    assert states[MessageState.HELD] >= 10

    # Nothing is lost in the mailbox: every message is there once, held ones in the inbox.
    folders = office.folders()
    everywhere = Counter(hashlib.sha256(octets).hexdigest() for box in folders.values() for octets in box.values())
    assert everywhere.total() >= count
    assert all(everywhere[key] for key in delivered)
    store = office.open_record()
    with store.read("look") as tx:
        for row in rows:
            where = row.filed_folder or "INBOX"
            assert row.sha256 in {hashlib.sha256(octets).hexdigest() for octets in folders[where].values()}
            assert (where == "INBOX") == (row.state != MessageState.FILED)

        # Every forward holds its original byte for byte, and goes where the decision says.
        wanted: Counter[tuple[str, str]] = Counter()
        acknowledged: Counter[str] = Counter()
        for row in rows:
            decision = decision_of(tx, row.id, row.generation)
            sent = dispatches_of(tx, row.id)
            assert all(item.state != DispatchState.SUBMITTING for item in sent)
            for item in sent:
                if item.state == DispatchState.ACCEPTED and item.kind == DispatchKind.FORWARD:
                    assert decision is not None
                    assert item.forward_path == decision.forward_path
                    wanted[item.forward_path, row.sha256 or ""] += 1
                if item.state == DispatchState.ACCEPTED and item.kind == ACK:
                    acknowledged[item.forward_path] += 1
    store.close()
    found: Counter[tuple[str, str]] = Counter()
    answered: Counter[str] = Counter()
    for message in office.sink.messages:
        [path] = message.forward_paths
        if message.reverse_path == GENERAL:
            octets = attached_original(message.octets)
            assert octets in delivered.values()
            found[path, hashlib.sha256(octets).hexdigest()] += 1
        elif b"auto-replied" in message.octets:
            answered[path] += 1
    assert found == wanted
    assert max(found.values()) == 1
    assert answered == acknowledged
    forwards = sum(found.values())
    assert forwards >= 15
    assert len({path for path, _ in found}) >= 5, "every project got something"
    # Who wrote more than four hours ago and is still waiting for a person has heard from us, too.
    assert sum(answered.values()) >= forwards // 2

    # A folder an outcome, and only folders of ours were made.
    filed = {row.filed_folder for row in rows if row.filed_folder}
    assert len(filed) >= 6
    assert all(name.startswith("Smistati") for name in filed)


@pytest.mark.slow
def test_a_second_run_does_nothing_at_all(office: Office) -> None:
    deliver_demo(office)
    work_off(office)
    before, folders, changes = office.messages(), office.folders(), office.changes()
    flags = {name: office.dovecot.flags(office.user.name, name) for name in folders}
    office.sink.forget()
    connections = office.sink.connections_seen
    work_off(office)
    assert office.sink.transcript == ()
    assert office.sink.connections_seen == connections
    assert office.changes() == changes
    assert office.folders() == folders
    assert {name: office.dovecot.flags(office.user.name, name) for name in folders} == flags
    assert [(row.id, row.state, row.generation, row.hold_reason) for row in office.messages()] == [
        (row.id, row.state, row.generation, row.hold_reason) for row in before
    ]
