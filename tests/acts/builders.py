"""An office for the tests of acts: a desk of the dispatch tests, and the people who act on its messages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from typing import TypeVar

from tests.dispatch.builders import Desk
from tests.servers.smtp_sink import SmtpSink
from triage.acts.people import Person, Role
from triage.record import Transaction
from triage.record.ledger import compute_ledger
from triage.record.people import add_person
from triage.record.settlements import SettlementRow, settlements_of
from triage.record.staff_acts import verify_acts

Result = TypeVar("Result")


@dataclass
class Office:
    """``carla`` and ``bruno`` have accounts; both may settle."""

    desk: Desk
    carla: Person = field(init=False)
    bruno: Person = field(init=False)

    def __post_init__(self) -> None:
        self.carla = self.hire("carla", "Carla Neri", Role.RESPONSIBLE)
        self.bruno = self.hire("bruno", "Bruno Verdi", Role.OPERATOR)

    def hire(self, name: str, display: str, role: Role) -> Person:
        """Somebody with an account."""
        with self.desk.store.write("hired") as tx:
            number = add_person(tx, name, display, role, "x", given=False)
        return Person(number, name, display, role)

    def act(
        self, function: Callable[..., Result], *arguments: object, person: Person | None = None, **options: object
    ) -> Result:
        """One act of ``person`` (Carla) in a transaction of its own: ``function(tx, rules, parsed, person, ...)``."""
        who = person or self.carla
        with self.desk.store.write("act", who.name) as tx:
            return function(tx, self.desk.rules, self.desk.parsed, who, *arguments, **options)

    def act_unread(
        self, function: Callable[..., Result], *arguments: object, person: Person | None = None, **options: object
    ) -> Result:
        """The same for an act that need not read the message: ``function(tx, rules, person, ...)``."""
        who = person or self.carla
        with self.desk.store.write("act", who.name) as tx:
            return function(tx, self.desk.rules, who, *arguments, **options)

    def settlements(self, message_id: int) -> list[SettlementRow]:
        with self.desk.store.read("look") as tx:
            return settlements_of(tx, message_id)

    def assert_all_closes(self) -> None:
        """The ledger closes and nobody's act was tampered with."""
        with self.desk.store.read("ledger") as tx:
            assert compute_ledger(tx).differences == ()
            assert verify_acts(tx) == ()

    def look(self, function: Callable[[Transaction], Result]) -> Result:
        with self.desk.store.read("look") as tx:
            return function(tx)


@dataclass(frozen=True)
class Sent:
    """One mail as the SMTP sink got it."""

    to: str
    sender: str
    subject: str
    text: str
    fields: dict[str, str]


def sent(sink: SmtpSink) -> list[Sent]:
    """Everything that left, in order."""
    found = []
    for accepted in sink.messages:
        mail = message_from_bytes(accepted.octets, policy=default)
        body = mail.get_body(("plain",))
        text = body.get_content() if body is not None else ""
        (to,) = accepted.forward_paths
        found.append(
            Sent(
                to,
                str(mail["From"]),
                str(mail["Subject"]),
                text.replace("\r\n", "\n").strip(),
                {name.casefold(): str(value) for name, value in mail.items()},
            )
        )
    return found
