"""The service's own test messages: when one is sent, when one is missed, and how one that arrives is known.

The record and the rules of this moment enter; a notice that is planned, an incident (``canary``), or a message that is
taken out of the flow leave. Each goes the way of a family's letter as far as that can be had without one: through the
submission server, delivery, the mailbox, listing, fetching and reading; then it is removed from the mailbox.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from triage.decide import against_any_notice
from triage.ids import new_message_id
from triage.record import Transaction
from triage.record.canaries import (
    Canary,
    forget_canaries,
    give_up,
    left_at,
    newest_canaries,
    note_arrived,
    plan_canary,
    unseen_canaries,
)
from triage.record.identity import is_stopped, secret_of
from triage.record.incidents import close_incident, open_incident, open_incidents
from triage.record.mailboxes import MailboxRow, known_mailboxes
from triage.record.messages import MessageRow
from triage.record.staff_notices import Channel, NoticeKind, PlannedNotice
from triage.rules.types import MailboxRole, Rules
from triage.seals import OWN_FIELD, holds
from triage.vocabulary import InboundMessage

KIND = "canary"
LATE = timedelta(minutes=20)
"""So long may one be under way: mail servers that are well deliver to their own mailboxes within a minute."""
EXPLAINED = frozenset({"notice_channel", "submission"})
"""Incidents that say already why nothing comes back, whichever mailbox it is."""
_MOST_FIELDS = 20


def watch_canaries(tx: Transaction, rules: Rules) -> int:
    """Miss what is late, and plan what is due; how many were planned.

    Where none is to be sent (the rules name no time, *ombra*, everything is stopped) nobody waits for any.
    """
    newest = newest_canaries(tx)
    if not rules.service.canary_minutes or against_any_notice(rules) or is_stopped(tx):
        _leave_off(tx, newest.values())
        return 0
    boxes = [box for box in known_mailboxes(tx) if _is_watched(box, rules)]
    planned = 0
    for box in boxes:
        last = newest.get(box.id)
        if last is not None and last.is_awaited and not _miss_if_late(tx, box, last):
            continue
        every = timedelta(minutes=rules.service.canary_minutes)
        if last is None or tx.now - last.planned_at >= every:
            planned += plan_canary(tx, box, _notice(tx, box, rules))
    if planned:
        forget_canaries(tx)
    return planned


def take_canaries(tx: Transaction, pairs: Sequence[tuple[MessageRow, InboundMessage]]) -> set[int]:
    """Those of these claimed messages that are test messages of ours, by row; nothing else is to be done about them."""
    sealed = [(row, message) for row, message in pairs if not row.generation and message.header(OWN_FIELD)]
    awaited = unseen_canaries(tx) if sealed else []
    if not awaited:
        return set()
    secret, names = secret_of(tx), {box.id: box.name for box in known_mailboxes(tx)}
    taken: set[int] = set()
    for row, message in sealed:
        values = message.header(OWN_FIELD)[:_MOST_FIELDS]
        canary = next((c for c in awaited if any(holds(secret, value, [c.rfc_message_id]) for value in values)), None)
        if canary is not None:
            awaited.remove(canary)
            note_arrived(tx, canary, row)
            taken.add(row.id)
            if row.mailbox_id == canary.mailbox_id:
                close_incident(tx, KIND, names[row.mailbox_id])
    return taken


def _leave_off(tx: Transaction, newest: Iterable[Canary]) -> None:
    give_up(tx, [one for one in newest if one.is_awaited])
    for row in open_incidents(tx):
        if row["kind"] == KIND:
            close_incident(tx, KIND, row["subject"])


def _is_watched(box: MailboxRow, rules: Rules) -> bool:
    """An inbox of ordinary mail that is ours: each message to certified mail would bring back two receipts."""
    mailbox = rules.mailboxes.get(box.name)
    return mailbox is not None and mailbox.role is MailboxRole.INBOX and not mailbox.pec and box.refused_at is None


def _miss_if_late(tx: Transaction, box: MailboxRow, canary: Canary) -> bool:
    """Whether it was given up; told unless another incident says why."""
    left = left_at(tx, canary)
    since = left or canary.planned_at
    if tx.now - since < LATE:
        return False
    give_up(tx, [canary])
    known = open_incidents(tx)
    if not any(row["kind"] in EXPLAINED or (row["kind"], row["subject"]) == ("mailbox", box.name) for row in known):
        minutes = int((tx.now - since).total_seconds() / 60)
        open_incident(tx, KIND, box.name, _words(box.name, canary, minutes, has_left=left is not None))
    return True


def _words(name: str, canary: Canary, minutes: int, *, has_left: bool) -> str:
    which = f"mailbox {name}: the service's own test message"
    if canary.message_id is not None:
        return f"{which} lay in another watched folder (junk?): families' mail may go there, too."
    if has_left:
        return (
            f"{which} was sent and has not come back for {minutes} minutes. "
            "Write to the address from outside; look for a full mailbox, a rule that moves mail, the junk folder."
        )
    return f"{which} has not left for {minutes} minutes. 'triage status' says what waits."


def _notice(tx: Transaction, box: MailboxRow, rules: Rules) -> PlannedNotice:
    # Of workers that plan in the same minute one does.
    subject, to = f"{box.id} {tx.now:%Y%m%d%H%M}", rules.mailboxes[box.name].address
    name = new_message_id(rules.service.address.rpartition("@")[2])
    return PlannedNotice(NoticeKind.CANARY, subject, 0, Channel.MAIL, to, name)
