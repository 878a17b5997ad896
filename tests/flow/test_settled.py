"""What people settle, through the whole service: mail leaves where they say, and the mailbox is tidy afterwards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from tests.acts.builders import sent
from tests.flow.builders import Office
from tests.servers.mail import make_mail
from triage.acts.answering import reply
from triage.acts.centres import Choice
from triage.acts.outcome import Outcome
from triage.acts.people import Person, Role
from triage.acts.settling import close, forward, not_for_us
from triage.bootstrap import Service
from triage.once import run_once
from triage.record import Transaction
from triage.record.messages import messages_in
from triage.vocabulary import MessageState

CARLA = Person(None, "cli:carla", "Carla", Role.RESPONSIBLE)
AT_ONCE = timedelta()
GENERAL = "pijss.retifamiglia@ats-valpadana.it"


def act(service: Service, do: Callable[[Transaction], Outcome]) -> None:
    with service.store.write("act", CARLA.name) as tx:
        outcome = do(tx)
    assert outcome.ok, outcome.message_it


def test_each_exit_leads_out_of_the_inbox(office: Office) -> None:
    """Four messages that name no place: one goes to Crema, one is answered, one closed, one is for nobody here."""
    for number in range(4):
        address = f"famiglia{number}@family.example"
        octets = make_mail(
            f"Buongiorno, vorrei sapere che cosa fate ({number}).\n",
            subject=f"Una domanda {number}",
            author=address,
            to=GENERAL,
            return_path=address,
        )
        office.dovecot.deliver(office.user.name, octets)
    service = office.build()
    try:
        assert run_once(service) == ()
        with service.store.read("look") as tx:
            held = messages_in(tx, [MessageState.HELD])
        assert len(held) == 4
        first, second, third, fourth = (row.id for row in held)
        rules, parsed = service.knowledge.in_force().rules, service.parsed
        choice = Choice("crema", comune="Crema", topic="orientamento")
        act(service, lambda tx: forward(tx, rules, parsed, CARLA, first, choice, undo=AT_ONCE))
        act(service, lambda tx: reply(tx, rules, parsed, CARLA, second, "Venga lunedì alle 9.", undo=AT_ONCE))
        act(service, lambda tx: close(tx, rules, CARLA, third, "sentita per telefono", undo=AT_ONCE))
        act(service, lambda tx: not_for_us(tx, rules, CARLA, {fourth: None}, undo=AT_ONCE)[0])
        office.sink.forget()
    finally:
        service.store.close()
    again = office.build()
    try:
        assert run_once(again) == ()
        with again.store.read("look") as tx:
            assert messages_in(tx, [MessageState.HELD]) == []
            assert len(messages_in(tx, [MessageState.FILED])) == 4
    finally:
        again.store.close()
    folders = rules.service.folders
    lying = {name: len(box) for name, box in office.folders().items() if box}
    by_end = {name.rpartition("/")[2].rpartition(".")[2]: count for name, count in lying.items()}
    assert by_end == {rules.projects["crema"].centre: 1, folders.settled: 2, folders.not_for_us: 1}
    mails = [(mail.to, mail.subject.partition(" ")[0]) for mail in sent(office.sink)]
    assert sorted(to for to, _ in mails if "family" not in to) == ["orientagiovani@comune.crema.cr.it"]
    assert ("famiglia1@family.example", "Risposta") in mails
    assert {to for to, _ in mails if "family" in to} <= {"famiglia0@family.example", "famiglia1@family.example"}
    assert office.ledger().differences == ()
