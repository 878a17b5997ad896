"""A record with mail of invented persons, written with its public functions."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from tests.learning.builders import SHIPPED
from tests.record.builders import (
    a_mailbox,
    acknowledgement,
    claim,
    forward_of,
    held,
    message,
    planned,
    receive,
    send_all,
    settle,
)
from tests.servers.mail import make_mail
from triage.acts.people import Person, Role
from triage.conversations import recipient_keys
from triage.duties.erasing import Plan, erase, plan_erasure
from triage.duties.finding import Dossier, find
from triage.reading import ParsedMessages
from triage.record import Store
from triage.record.filing import record_filed
from triage.record.identity import secret_of
from triage.record.person_requests import RequestRow
from triage.record.settlements import Exit, Said, StaffText, add_settlement, keep_text
from triage.vocabulary import MessageState

ANNA, BRUNO = "anna.rossi@example.org", "bruno.verdi@example.org"
CLERK = Person(None, "cli:prova", "cli:prova", Role.ADMINISTRATOR)


def key_of(store: Store, address: str) -> str:
    with store.write("secret") as tx:
        return recipient_keys(secret_of(tx), address)[0]


def letter(author: str, text: str = "Buongiorno, vorrei un incontro.\n", **more: str) -> bytes:
    return make_mail(text, author=author, **more)  # type: ignore[arg-type]


def wait(store: Store, author: str, case_id: int | None = None, octets: bytes = b"") -> int:
    """A decided message of this author that waits for a person."""
    (number,) = receive(store, a_mailbox(store), [octets or letter(author)])
    (row,) = claim(store)
    settle(store, [replace(held(row), author_key=key_of(store, author), case_id=case_id)])
    return number


def write(store: Store, author: str, *, case_id: int | None = None, octets: bytes = b"", later: bool = False) -> int:
    """A message of this author, forwarded, acknowledged to the author and filed; ``later``: not acknowledged yet."""
    (number,) = receive(store, a_mailbox(store), [octets or letter(author)])
    (row,) = claim(store)
    key = key_of(store, author)
    # One acknowledgement a case: a second letter of it gets none.
    reply = (
        ()
        if case_id is not None
        else (replace(acknowledgement(row.due_at + timedelta(hours=4), author), recipient_key=key),)
    )
    plan = replace(forward_of(row, case_id=case_id), author_key=key, dispatches=(planned(), *reply))
    settle(store, [plan])
    send_all(store)  # the forward; what the author gets follows it
    while not later and send_all(store):
        pass
    with store.write("file") as tx:
        record_filed(tx, [message(store, number)], "Smistati", "filed")
    return number


def label(store: Store, number: int, *, note: str = "", text: str = "", undo: timedelta | None = None) -> None:
    """A person corrects a message: a label to learn from, with a note and perhaps words to the family."""
    with store.write("settle", "cli:prova") as tx:
        until = tx.now + undo if undo is not None else None
        said = Said(comune="Crema", topic="laboratori", project="crema", note=note)
        add_settlement(tx, CLERK, number, Exit.CORRECTION, 1, {}, said, until)
        if text:
            keep_text(tx, number, 1, StaffText(text))


def dossier(store: Store, address: str, *, inside: bool = False) -> Dossier:
    return find(store, SHIPPED, ParsedMessages(), address, inside=inside)


def planned_for(store: Store, address: str, *, inside: bool = False) -> tuple[Dossier, Plan]:
    found = dossier(store, address, inside=inside)
    return found, plan_erasure(store, found)


def erased(store: Store, address: str, *, inside: bool = False) -> tuple[Plan, RequestRow]:
    found, plan = planned_for(store, address, inside=inside)
    return plan, erase(store, found, plan, CLERK, "RPD-7")


def states(store: Store, *numbers: int) -> list[str]:
    return [str(message(store, number).state) for number in numbers]


ERASED, FILED = str(MessageState.ERASED), str(MessageState.FILED)
