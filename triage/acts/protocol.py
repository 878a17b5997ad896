"""What a person does about mail that must be registered: marks it, takes it out for the register, notes the number.

In and out as in ``triage.acts.settling``; each is an act on record. Sending, holding and filing go on as they are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from triage.acts.outcome import Outcome
from triage.acts.people import Person
from triage.decide.protocol import PERSON
from triage.record import Transaction
from triage.record.messages import get_message
from triage.record.protocol import note_exported, note_number, note_to_register
from triage.record.staff_acts import note_act
from triage.vocabulary import MessageState

_NUMBER = re.compile(r"[0-9A-Za-z][0-9A-Za-z ./_-]{0,63}")


def mark(tx: Transaction, person: Person, message_id: int) -> Outcome:
    """The message must be registered, whatever the rules say."""
    row = get_message(tx, message_id)
    if row is None or row.state == MessageState.ERASED or row.sha256 is None:
        return Outcome(False, "non_c_e", "Il contenuto di questo messaggio non è qui: non si può protocollare da qui.")
    if not note_to_register(tx, {message_id: PERSON}):
        return Outcome(False, "gia_segnato", "Questo messaggio è già segnato da protocollare.")
    note_act(tx, person, "protocol_marked", "message", message_id)
    return Outcome(True, "segnato", "Segnato da protocollare.")


def note_export(tx: Transaction, person: Person, message_ids: Sequence[int]) -> list[int]:
    """Originals and metadata are in files; the messages for which that is new."""
    fresh = note_exported(tx, message_ids, person.name)
    for key in fresh:
        note_act(tx, person, "protocol_exported", "message", key)
    return fresh


def give_number(tx: Transaction, person: Person, message_id: int, number: str) -> Outcome:
    """The register's number, as "2026/0012345"; a later word replaces the earlier one, and both are on record."""
    number = " ".join(number.split())
    if not _NUMBER.fullmatch(number):
        return Outcome(False, "numero", "Scrivi il numero come lo dà il protocollo, per esempio 2026/0012345.")
    if not note_number(tx, message_id, number, person.name):
        return Outcome(False, "non_segnato", "Questo messaggio non è segnato da protocollare.")
    note_act(tx, person, "protocol_numbered", "message", message_id, {"number": number})
    return Outcome(True, "numerato", f"Numero di protocollo annotato: {number}.")
