"""What a person does to the register of misroutes: writes down what the wrong centre answered, closes the row.

In and out as in ``triage.acts.settling``. A row that was closed, or whose correction was undone, stays as it is.
"""

from __future__ import annotations

from triage.acts.outcome import Outcome
from triage.acts.people import Person
from triage.record import Transaction
from triage.record.misroutes import BY_VOICE, DELETED, Misroute, answer_misroute, close_misroute, misroute_numbered
from triage.record.staff_acts import note_act

REFUSED = "no"
ANSWERS = (DELETED, BY_VOICE, REFUSED)
"""What staff may write down: deleted, in writing; deleted, by voice; not deleted."""


def write_answer(tx: Transaction, person: Person, number: int, answer: str) -> Outcome:
    """What the centre answered, by whatever way."""
    row = _open_row(tx, number)
    if isinstance(row, Outcome):
        return row
    if answer not in ANSWERS:
        return Outcome(False, "risposta_sconosciuta", "Scegli che cosa ha risposto il centro.")
    answer_misroute(tx, row, answer)
    note_act(tx, person, "misroute_answer", "misroute", number, {"answer": answer})
    return Outcome(True, "annotata", "Risposta annotata nel registro.")


def close_entry(tx: Transaction, person: Person, number: int) -> Outcome:
    """Nothing is left to do about it; only once it is known what the centre did with the mail."""
    row = _open_row(tx, number)
    if isinstance(row, Outcome):
        return row
    if row.recall_answer not in ANSWERS:
        return Outcome(False, "manca_risposta", "Prima annota che cosa ha fatto il centro con il messaggio.")
    close_misroute(tx, row)
    note_act(tx, person, "misroute_closed", "misroute", number, {"answer": row.recall_answer})
    return Outcome(True, "chiuso", "Errore chiuso: resta nel registro.")


def _open_row(tx: Transaction, number: int) -> Misroute | Outcome:
    row = misroute_numbered(tx, number)
    if row is None:
        return Outcome(False, "non_c_e", "Questa riga del registro non c'è.")
    if row.closed_at is not None:
        return Outcome(False, "gia_chiuso", "Questa riga del registro è già chiusa.")
    return row
