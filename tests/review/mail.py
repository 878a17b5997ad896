"""Mail for the pages' tests: it arrives in the general mailbox, and the service itself decides about it.

All persons and addresses are invented.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from email.message import EmailMessage

from tests.record.builders import a_mailbox, reception
from tests.review.office import Office
from triage.decider import Decider
from triage.record.messages import MessageRow, Reception, get_message, list_messages, record_receptions
from triage.record.tables import messages
from triage.vocabulary import ListedMessage, MessageState

GENERAL = "pijss.retifamiglia@ats-valpadana.it"


def a_mail(text: str, subject: str = "Informazioni", sender: str = "anna.rossi@example.com", name: str = "") -> bytes:
    """A plain mail from a family."""
    return message_of(text, subject, sender, name).as_bytes()


def message_of(text: str, subject: str, sender: str, name: str = "") -> EmailMessage:
    """A mail that a test may add to."""
    mail = EmailMessage()
    mail["From"] = f'"{name}" <{sender}>' if name else sender
    mail["To"] = GENERAL
    mail["Subject"] = subject
    mail["Date"] = "Thu, 26 Nov 2026 08:00:00 +0100"
    mail["Message-ID"] = f"<{abs(hash((text, subject, sender)))}@example.com>"
    mail["Return-Path"] = f"<{sender}>"
    mail.set_content(text)
    return mail


def arrive(office: Office, contents: Sequence[bytes]) -> list[int]:
    """Receive these octets and let the service decide; the messages' numbers."""
    store = office.store
    box = a_mailbox(store, "generale")
    with store.write("list") as tx:
        last = tx.execute(messages.select().with_only_columns(messages.c.uid).order_by(messages.c.uid.desc())).scalar()
        first = (last or 0) + 1
        listed = [
            ListedMessage(first + place, len(octets), tx.now - timedelta(minutes=5))
            for place, octets in enumerate(contents)
        ]
        list_messages(tx, box, listed, state=MessageState.LISTED, last_uid=first + len(contents) - 1)
        keys = list(
            tx.execute(messages.select().with_only_columns(messages.c.id).where(messages.c.uid >= first)).scalars()
        )
        keys.sort()
        record_receptions(tx, box, [reception(key, octets) for key, octets in zip(keys, contents, strict=True)])
    decide_all(office)
    return keys


def left_in_the_mailbox(office: Office, state: MessageState) -> int:
    """A message that was listed and could not be read; its number."""
    box = a_mailbox(office.store, "generale")
    with office.store.write("list") as tx:
        list_messages(tx, box, [ListedMessage(77, 1 << 30, tx.now)], state=MessageState.LISTED, last_uid=77)
        key = int(
            tx.execute(messages.select().with_only_columns(messages.c.id).where(messages.c.uid == 77)).scalar_one()
        )
        record_receptions(tx, box, [Reception(key, state, hold_reason="troppo_grande")])
    return key


def decide_all(office: Office) -> None:
    """Let the service work off what it has received."""
    decider = Decider(
        store=office.store,
        knowledge=office.knowledge,
        parsed=office.desk.parsed,
        worker="decider-1",
        lease=timedelta(minutes=5),
        on_decided=lambda: None,
    )
    while decider.work():
        pass


def row_of(office: Office, message_id: int) -> MessageRow:
    """One message as it stands."""
    with office.store.read("look") as tx:
        row = get_message(tx, message_id)
    assert row is not None
    return row


HELD = a_mail("Buongiorno, vorrei sapere quando siete aperti. Grazie, Anna Rossi", "Orari")
"""Lacks its place: always held."""
DANGER = a_mail(
    "Mio marito mi picchia davanti ai bambini e ho paura di tornare a casa. Abitiamo a Viadana. Aiutatemi.",
    "Aiuto",
    "paura@example.com",
)
FOR_NOBODY = a_mail(
    "Gentile cliente, scopri le nostre penne personalizzate: sconto del 30% sui gadget aziendali fino a domenica.",
    "Offerta gadget",
    "vendite@example.net",
)
TWO_PLACES = a_mail(
    "Abitiamo a Crema, ma i nonni stanno a Mantova e anche per loro cerchiamo un corso sulla genitorialità.",
    "Corso genitori",
    "due.posti@example.com",
    "Bruna Due",
)
