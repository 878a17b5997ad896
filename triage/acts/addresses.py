"""The test mail that confirms a project's address: sent, taken back before it leaves, its confirmation withdrawn."""

from __future__ import annotations

from datetime import datetime, timedelta

from triage.acts.accounts import Changed
from triage.decide import may_test_address
from triage.ids import new_message_id
from triage.record.address_tests import TestState, ask_test, cancel_test, tests_of, withdraw
from triage.record.staff_acts import Actor, note_act
from triage.record.staff_notices import Channel, NoticeKind, PlannedNotice, plan_notices
from triage.record.store import Transaction
from triage.rules.types import Rules

UNDO = timedelta(minutes=2)
"""How long the mail can be taken back."""
APART = timedelta(hours=1)
"""Between two test mails to one address: an office is not to be pestered."""

_REFUSED = {
    "modo_ombra": "Questo centro è in modo «ombra»: non parte niente, neppure la mail di prova. Mettilo prima in "
    "«proposta» nel file delle regole.",
    "indirizzo_non_attuale": "Questo indirizzo non è più nelle regole: riapri la pagina.",
}
_UNUSABLE = "A questo indirizzo non si può scrivere: controllalo nel file delle regole."
GONE = Changed(False, "address", "Questo indirizzo non c'è nelle regole.")


def send_test(tx: Transaction, rules: Rules, person: Actor, project: str, address_key: str) -> Changed:
    """Send the test mail, after the time in which it can be taken back."""
    known = rules.projects.get(project)
    address = known.addresses.get(address_key) if known is not None else None
    if address is None:
        return GONE
    verdict = may_test_address(project, address.to, rules)
    if not verdict.allowed:
        return Changed(False, verdict.reasons[0].code, _REFUSED.get(verdict.reasons[0].code, _UNUSABLE))
    if any(_is_fresh(tx, one.asked_at, one.state) for one in tests_of(tx, project, address_key)):
        return Changed(False, "again", "Una mail di prova è già partita da meno di un'ora: aspetta la risposta.")
    name = new_message_id(rules.service.address.rpartition("@")[2])
    test = ask_test(tx, project, address_key, address.to, name)
    plan = PlannedNotice(
        NoticeKind.ADDRESS_TEST,
        f"address {test.id}",
        0,
        Channel.MAIL,
        address.to,
        name,
        project=project,
        due_at=tx.now + UNDO,
    )
    plan_notices(tx, [plan])
    note_act(tx, person, "address_tested", "address_test", test.id, {"project": project, "address_key": address_key})
    return Changed(
        True, "sent", f"La mail di prova a {address.to} parte tra due minuti. Fino ad allora puoi annullarla."
    )


def cancel(tx: Transaction, person: Actor, project: str, address_key: str) -> Changed:
    """Take back the test mail that has not left yet."""
    newest = next((one for one in tests_of(tx, project, address_key) if one.state == TestState.ASKED), None)
    if newest is None or not cancel_test(tx, newest.id):
        return Changed(False, "late", "Troppo tardi: la mail di prova è già partita.")
    note_act(tx, person, "address_test_cancelled", "address_test", newest.id, {"project": project})
    return Changed(True, "cancelled", "Annullata: la mail di prova non parte.")


def unconfirm(tx: Transaction, person: Actor, rules: Rules, project: str, address_key: str) -> Changed:
    """The answer does not count: nothing leaves for this address by itself any more."""
    known = rules.projects.get(project)
    address = known.addresses.get(address_key) if known is not None else None
    if address is None:
        return GONE
    answered = [one for one in tests_of(tx, project, address_key) if one.address == address.to]
    done = [one for one in answered if withdraw(tx, one.id)]
    if not done:
        return Changed(False, "not_confirmed", "Questo indirizzo non è stato confermato con una mail di prova.")
    note_act(tx, person, "address_unconfirmed", "address_test", done[0].id, {"project": project})
    return Changed(
        True, "withdrawn", f"{address.to} non è più confermato: in automatico non parte niente verso di lui."
    )


def _is_fresh(tx: Transaction, asked_at: datetime, state: str) -> bool:
    return state == TestState.ASKED and tx.now - asked_at < APART
