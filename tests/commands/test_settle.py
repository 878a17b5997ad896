"""``triage ask`` and ``triage correct`` as staff type them."""

from __future__ import annotations

import json
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from tests.commands.conftest import Invoke, Record
from tests.decide.builders import classification
from tests.dispatch.builders import a_mail
from tests.fakes import ChosenClassifier, ChosenKnowledge, FakeClock
from triage.decider import Decider
from triage.ids import case_code
from triage.knowledge import known_places
from triage.reading import ParsedMessages
from triage.record import Store
from triage.record.dispatches import dispatches_of
from triage.record.identity import known_secret
from triage.record.mailboxes import known_mailboxes, mailbox_row, note_probe
from triage.record.messages import Reception, get_message, list_messages, record_receptions
from triage.record.octets import digest
from triage.rules import load_rules
from triage.vocabulary import Classification, InboundMessage, ListedMessage, MessageState

OURS = "pijss.retifamiglia@ats-valpadana.it"


def choose(message: InboundMessage) -> Classification:
    """A complaint from Viadana, or a message that names no place."""
    if "reclamo" in message.subject:
        return classification(comune_scores={"Viadana": 0.97}, topic="reclamo")
    return classification(comune_scores={}, unstated=1.0, outside=0.0)


@pytest.fixture
def waiting(environment: dict[str, str], record: Record) -> tuple[int, int]:
    """Numbers of two more messages, decided by the environment's own rules: one lacks its place, one complains."""
    store = Store(f"sqlite:///{record.path}", FakeClock())
    rules = load_rules(Path(environment["TRIAGE_RULES"]), known_places())
    contents = [a_mail(subject=subject, to=OURS) for subject in ("nessun luogo", "reclamo")]
    with store.write("prepare") as tx:
        box = mailbox_row(tx, known_mailboxes(tx)[0].name)
        note_probe(tx, box.name, "", "", return_path=True, plus=False)
        listed = [ListedMessage(500 + number, len(octets), tx.now) for number, octets in enumerate(contents)]
        list_messages(tx, box, listed, state=MessageState.LISTED, last_uid=501)
    keys = [record.oversize + 1, record.oversize + 2]
    with store.write("receive") as tx:
        box = mailbox_row(tx, known_mailboxes(tx)[0].name)
        record_receptions(
            tx,
            box,
            [
                Reception(key, MessageState.RECEIVED, octets, digest(octets))
                for key, octets in zip(keys, contents, strict=True)
            ],
        )
    knowledge = ChosenKnowledge(rules, ChosenClassifier(choose)).as_knowledge()
    Decider(store, knowledge, ParsedMessages(), "w", timedelta(minutes=1), lambda: None).work()
    with store.read("look") as tx:
        rows = [get_message(tx, key) for key in keys]
        assert [row.hold_reason for row in rows if row is not None] == ["territorio_non_indicato", "reclamo"]
    store.close()
    return keys[0], keys[1]


def kinds(record: Record, key: int) -> list[tuple[str, str]]:
    store = Store(f"sqlite:///{record.path}", FakeClock())
    with store.read("look") as tx:
        found = [(str(row.kind), row.forward_path) for row in dispatches_of(tx, key)]
    store.close()
    return found


def code_of(record: Record, key: int) -> str:
    store = Store(f"sqlite:///{record.path}", FakeClock())
    with store.read("look") as tx:
        row = get_message(tx, key)
        assert row is not None
        code = case_code(known_secret(tx), row.case_id or 0)
    store.close()
    return code


@pytest.mark.parametrize("by_code", [False, True], ids=["by number", "by code"])
def test_staff_ask_for_the_comune_once(invoke: Invoke, record: Record, waiting: tuple[int, int], by_code: bool) -> None:
    key = waiting[0]
    name = code_of(record, key) if by_code else str(key)
    result = invoke("ask", name)
    assert (result.exit_code, result.stderr) == (0, "")
    assert (
        result.stdout == f"Messaggio {key}: chiediamo alla famiglia il suo comune. Il messaggio aspetta la risposta.\n"
    )
    assert ("question", "anna.rossi@family.example") in kinds(record, key)
    again = invoke("ask", name)
    assert (again.exit_code, again.stdout) == (1, "")
    assert "non si chiede due volte" in again.stderr
    assert [kind for kind, _ in kinds(record, key)].count("question") == 1
    last = json.loads(invoke("show", key, "--json").stdout)["history"][-1]
    assert (last["event"], last["actor"].partition(":")[0]) == ("settled", "cli")


def test_of_several_the_ones_that_cannot_be_asked_are_named_and_the_rest_is_done(
    invoke: Invoke, record: Record, waiting: tuple[int, int]
) -> None:
    key, complaint = waiting
    result = invoke("ask", record.forwarded, complaint, 4711, "23-ABCDEFGH", key)
    assert result.exit_code == 1
    assert (
        result.stdout == f"Messaggio {key}: chiediamo alla famiglia il suo comune. Il messaggio aspetta la risposta.\n"
    )
    lines = result.stderr.splitlines()
    assert lines[0] == f"Messaggio {record.forwarded}: non fatto, è già stato inviato a un centro."
    assert lines[1].startswith(f"Messaggio {complaint}: non fatto, ")
    assert lines[2:] == [
        "Non c'è un messaggio 4711. «triage held» elenca quelli che aspettano.",
        "Non c'è un messaggio 23-ABCDEFGH. «triage held» elenca quelli che aspettano.",
    ]


def test_a_case_in_which_nothing_lacks_its_place_is_said_to_be_so(
    invoke: Invoke, record: Record, waiting: tuple[int, int]
) -> None:
    code = code_of(record, waiting[1])
    result = invoke("ask", code)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"Nel caso {code} nessun messaggio lo richiede. «triage held» elenca quelli che aspettano.\n"
    )


def test_staff_send_a_message_to_the_centre_that_they_choose(
    invoke: Invoke, record: Record, waiting: tuple[int, int]
) -> None:
    complaint = waiting[1]
    result = invoke("correct", complaint, "oglio_po.piano", "--why", "altro")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        f"Messaggio {complaint}: va a «Azienda Speciale Consortile Oglio Po». "
        "La conferma di ricevuta alla famiglia dirà che lo ha questo centro.\n"
    )
    assert ("forward", "ufficiodipiano@concast.it") in kinds(record, complaint)
    shown = json.loads(invoke("show", complaint, "--json").stdout)
    assert shown["message"]["state"] == "decided"
    (act,) = [event for event in shown["history"] if event["event"] == "corrected"]
    assert act["params"] == {"from": "", "to": "oglio_po", "why": "altro", "had_it": False}
    assert "una persona ha scelto a quale centro inviarlo" in invoke("show", complaint).stdout
    assert invoke("ledger").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("correct", "1", "crema"), "Missing option '--why'"),
        (("correct", "1", "crema", "--why", "perché sì"), "is not one of 'zona', 'pieno', 'tema', 'altro'"),
    ],
)
def test_nobody_corrects_without_a_reason(
    invoke: Invoke, record: Record, arguments: tuple[str, ...], said: str
) -> None:
    result = invoke(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    with sqlite3.connect(record.path) as database:
        assert database.execute("SELECT count(*) FROM audit WHERE event = 'corrected'").fetchone() == (0,)
    database.close()


def test_a_wrong_centre_or_a_message_that_cannot_be_sent_is_a_clear_sentence(
    invoke: Invoke, record: Record, waiting: tuple[int, int]
) -> None:
    complaint = waiting[1]
    found = [
        invoke("correct", complaint, "cremona", "--why", "zona"),
        invoke("correct", record.quarantined, "crema", "--why", "zona"),
        invoke("correct", 4711, "crema", "--why", "zona"),
    ]
    assert [(result.exit_code, result.stdout) for result in found] == [(1, "")] * 3
    assert [result.stderr.strip() for result in found] == [
        f"Messaggio {complaint}: non fatto, non c'è un centro con questo nome. «triage destinations» li elenca.",
        f"Messaggio {record.quarantined}: non fatto, non è stato possibile leggerlo: guardalo nella casella, "
        "poi chiudilo con una nota. Prima provate «triage retry».",
        "Non c'è un messaggio 4711. «triage held» elenca quelli che aspettano.",
    ]


def test_while_the_service_is_stopped_staff_are_told_that_it_waits(
    invoke: Invoke, record: Record, waiting: tuple[int, int]
) -> None:
    invoke("stop")
    assert invoke("ask", waiting[0]).stdout.endswith("Il servizio è fermo: parte dopo «triage start».\n")
    assert record.path.exists()


def test_a_message_is_closed_with_a_note_and_nothing_is_sent(
    invoke: Invoke, record: Record, waiting: tuple[int, int]
) -> None:
    complaint = waiting[1]
    assert invoke("settle", complaint, "--note", " ").stderr.endswith("che cosa è stato fatto, o perché si chiude.\n")
    result = invoke("settle", complaint, record.oversize, 4711, "--note", "sentita per telefono")
    assert result.stdout == (
        f"Messaggio {complaint}: chiuso: alla famiglia non parte niente.\n"
        f"Messaggio {record.oversize}: chiuso: alla famiglia non parte niente.\n"
    )
    assert (result.exit_code, "Non c'è un messaggio 4711" in result.stderr) == (1, True)
    shown = json.loads(invoke("show", complaint, "--json").stdout)
    assert shown["message"]["state"] == "decided"
    assert ("forward", "ufficiodipiano@concast.it") not in kinds(record, complaint)
    assert invoke("ledger").exit_code == 0


def test_staff_send_a_message_to_one_centre_more(invoke: Invoke, record: Record, waiting: tuple[int, int]) -> None:
    """The one that is about to get it gets it all the same; a correction says which of them was wrong."""
    complaint = waiting[1]
    assert invoke("also", complaint, "crema").stderr.startswith(f"Messaggio {complaint}: non fatto, aspetta ancora")
    assert invoke("correct", complaint, "oglio_po.piano", "--why", "altro").exit_code == 0
    result = invoke("also", complaint, "crema", "--note", "due famiglie")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"Messaggio {complaint}: va anche a «")
    assert "«Azienda Speciale Consortile Oglio Po» lo riceve lo stesso." in result.stdout
    assert [kind for kind, _ in kinds(record, complaint)].count("forward") == 2
    assert "lo ha già" in invoke("also", complaint, "crema").stderr
    assert "--from" in invoke("correct", complaint, "mantova", "--why", "zona").stderr
    assert invoke("correct", complaint, "mantova", "--why", "zona", "--from", "crema").exit_code == 0
    assert invoke("ledger").exit_code == 0
