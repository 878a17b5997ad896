"""``take``, ``destinations``, ``cure``, and what ``held``, ``show``, ``retry`` and ``start`` say of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.commands.conftest import Invoke, Record
from tests.record.builders import MovedClock
from triage.record import Store, Transaction
from triage.record.breaker import Limits, judge, note_acknowledgement_returned
from triage.record.charge import charges_of, raise_alerts
from triage.record.destinations import all_destinations, note_destination_failure
from triage.record.staff_acts import acts_about, verify_acts

Act = Callable[[Callable[[Transaction], Any]], Any]


@pytest.fixture
def act(record: Record) -> Act:
    """Do something in the prepared record, as a worker would."""

    def do(what: Callable[[Transaction], Any]) -> Any:
        store = Store(f"sqlite:///{record.path}", MovedClock())
        try:
            with store.write("act") as tx:
                return what(tx)
        finally:
            store.close()

    return do


def test_taking_an_urgent_message_is_on_record_and_shown(invoke: Invoke, record: Record, act: Act) -> None:
    act(lambda tx: raise_alerts(tx, [record.urgent]))
    assert "nessuno lo ha ancora preso in carico" in invoke("held").stdout.splitlines()[0]
    result = invoke("take", record.urgent)
    assert (result.exit_code, result.stdout) == (0, f"Messaggio {record.urgent}: preso in carico.\n")
    charge = act(lambda tx: charges_of(tx, [record.urgent]))[record.urgent]
    assert charge.taken_by.startswith("cli")
    assert charge.due_at is None
    assert f"[preso in carico da {charge.taken_by} il " in invoke("held").stdout.splitlines()[0]
    assert [one["act"] for one in act(lambda tx: acts_about(tx, "message", record.urgent))] == ["take"]
    assert act(verify_acts) == ()
    shown = invoke("show", record.urgent).stdout
    assert f"Preso in carico da {charge.taken_by} il " in shown
    assert "taken_in_charge" in shown
    as_json = json.loads(invoke("show", record.urgent, "--json").stdout)
    assert as_json["in_charge"]["taken_by"] == charge.taken_by
    held = [json.loads(line) for line in invoke("held", "--json").stdout.splitlines()]
    assert [bool(entry["taken_at"]) for entry in held] == [True, False, False, False]


def test_who_comes_second_is_told_who_was_first(invoke: Invoke, record: Record) -> None:
    invoke("take", record.held)
    result = invoke("take", record.held)
    assert result.exit_code == 1
    assert f"Messaggio {record.held}: preso in carico da cli" in result.stderr


def test_only_what_waits_can_be_taken_in_charge(invoke: Invoke, record: Record) -> None:
    result = invoke("take", record.forwarded, 999, record.held)
    assert result.exit_code == 1
    assert f"Message {record.forwarded} does not wait for a person: forwarded." in result.stderr
    assert "Message 999 does not wait for a person: there is none." in result.stderr
    assert result.stdout == f"Messaggio {record.held}: preso in carico.\n"


def test_a_retry_takes_the_message_in_charge(invoke: Invoke, record: Record, act: Act) -> None:
    act(lambda tx: raise_alerts(tx, [record.urgent]))
    assert invoke("retry", record.urgent).exit_code == 0
    assert act(lambda tx: charges_of(tx, [record.urgent]))[record.urgent].taken_at is not None


def sicken(tx: Transaction) -> None:
    for address in ("orientagiovani@comune.crema.cr.it", "info@consociale.it", "ufficiodipiano@concast.it"):
        note_destination_failure(tx, "crema" if "crema" in address else "oglio_po", address, "5.2.2")


def test_the_addresses_are_listed_with_those_that_take_no_mail_and_why(
    invoke: Invoke, record: Record, act: Act
) -> None:
    assert record.path.exists()
    act(sicken)
    lines = invoke("destinations").stdout.splitlines()
    assert [line.split()[1] for line in lines if line.startswith("!")] == ["crema", "oglio_po", "oglio_po.piano"]
    assert "NON riceve, la casella è piena (dal " in lines[0]
    assert sum(": riceve" in line for line in lines) == len(lines) - 3
    found = [json.loads(line) for line in invoke("destinations", "--json").stdout.splitlines()]
    assert (found[0]["destination"], found[0]["state"], found[0]["why"]) == ("crema.default", "sick", "piena")


@pytest.mark.parametrize(("what", "left"), [("oglio_po", {"crema"}), ("oglio_po.piano", {"crema", "oglio_po"})])
def test_a_person_says_that_an_address_takes_mail_again(
    invoke: Invoke, record: Record, act: Act, what: str, left: set[str]
) -> None:
    assert record.path.exists()
    act(sicken)
    result = invoke("cure", what)
    assert (result.exit_code, result.stdout) == (0, f"{what}: mail is sent there again.\n")
    known = act(all_destinations)
    assert {item.project for item in known if item.state == "sick"} == left
    assert all(item.changed_by.startswith("cli") for item in known if item.state == "ok")
    again = invoke("cure", what)
    assert (again.exit_code, again.stdout) == (1, "")
    assert "was not known to be in trouble" in again.stderr


@pytest.mark.parametrize("what", ["nowhere", "crema.nowhere", "."])
def test_an_address_that_does_not_exist_cannot_be_cured(invoke: Invoke, record: Record, what: str) -> None:
    assert record.path.exists()
    result = invoke("cure", what)
    assert result.exit_code == 1
    assert f"There is no address {what}." in result.stderr


def test_start_lets_acknowledgements_leave_again_after_the_breaker(invoke: Invoke, record: Record, act: Act) -> None:
    assert record.path.exists()

    def trip(tx: Transaction) -> int:
        note_acknowledgement_returned(tx)
        return judge(tx, Limits(100, 1), 1)

    assert act(trip) == 0
    assert invoke("start").stdout == "Acknowledgements leave again: the breaker had stopped them.\n"
    assert invoke("start").stdout == "It was not stopped.\n"
