"""What one notice says at the moment when it leaves, and whether it may still leave: the gate is asked anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from triage.decide import against_any_notice, may_notify, may_tell_project, may_test_address, may_test_mailbox
from triage.dispatch.address_mail import compose_address_test
from triage.dispatch.compose import Outgoing, Stamp
from triage.dispatch.staff_mail import (
    Waiting,
    compose_call,
    compose_canary,
    compose_digest,
    compose_ends,
    compose_incidents,
    compose_reminder,
    compose_waiting,
    webhook_body,
)
from triage.ids import case_code
from triage.knowledge import Knowledge
from triage.record import Transaction
from triage.record.address_tests import named_tests
from triage.record.canaries import is_awaited
from triage.record.charge import charges_of
from triage.record.destinations import sick_addresses
from triage.record.filing import AT_REST
from triage.record.identity import known_secret
from triage.record.mailboxes import known_mailboxes
from triage.record.messages import get_message
from triage.record.open_cases import open_cases
from triage.record.register import count_open
from triage.record.staff_notices import Channel, NoticeKind, NoticeRow, span_of
from triage.record.told_incidents import Incident, incidents_between, over_in
from triage.record.waiting import waits_longest
from triage.record.waiting_list import Group, group_sizes
from triage.rules.types import Rules
from triage.seals import seal

REFUSED_MAILBOX = timedelta(minutes=5)
"""How soon it is looked again whether another instance's marker has gone from the mailbox."""
UNREAD_TOO_LONG = timedelta(minutes=5)
"""A mailbox that cannot be read for so long keeps no notice back."""
LOOK_AGAIN = timedelta(seconds=10)
OF_DIGEST = timedelta(days=90)
MOST_LINES = 200
Facts = dict[str, str | int | Sequence[str] | Sequence[Mapping[str, str]]]


@dataclass(frozen=True, slots=True)
class Content:
    """A mail or the object of a POST; or why there is none (``refusal``), or for how long to wait."""

    outgoing: Outgoing | None = None
    body: Mapping[str, object] = field(default_factory=dict)
    refusal: str = ""
    wait: timedelta | None = None
    at: datetime | None = None
    """The instant whose incidents it tells."""


class NoticeWriter:
    """Writes notices; ``sender`` is the address of the second account, ``since`` the start of this process."""

    def __init__(self, knowledge: Knowledge, sender: str, since: datetime, page: str = "") -> None:
        """``page``: under which address people open the staff page."""
        self._since = since
        self._page = page
        self._knowledge = knowledge
        self._sender = sender

    def write(self, tx: Transaction, row: NoticeRow) -> Content:
        """What the notice is to say now."""
        rules = self._knowledge.in_force().rules
        refusal = _against(tx, row, rules)
        if refusal:
            return Content(refusal=refusal)
        wait = self._waits_for_reader(tx, row, rules)
        if wait is not None:
            return Content(wait=wait)
        if row.kind == NoticeKind.URGENT:
            return self._call(tx, row, rules)
        if row.kind == NoticeKind.INCIDENTS:
            return self._incidents(tx, row, rules)
        if row.kind == NoticeKind.OVER:
            return self._over(tx, row, rules)
        if row.kind == NoticeKind.ADDRESS_TEST:
            return self._address_test(tx, row, rules)
        if row.kind == NoticeKind.WAITING:
            return self._waiting(tx, row, rules)
        if row.kind == NoticeKind.CANARY:
            return self._canary(tx, row, rules)
        return self._for_project(tx, row, rules)

    def _waits_for_reader(self, tx: Transaction, row: NoticeRow, rules: Rules) -> timedelta | None:
        """This record may be a restored or forgotten copy, whose mail another instance deals with: the reader knows."""
        message = get_message(tx, row.message_id) if row.message_id is not None else None
        boxes = [box for box in known_mailboxes(tx) if message is None or box.id == message.mailbox_id]
        if boxes and all(box.refused_at is not None for box in boxes):
            return REFUSED_MAILBOX
        fresh = any(box.last_read_at is not None and box.last_read_at >= self._since for box in boxes)
        watched = any(box.name in rules.mailboxes for box in boxes)
        return None if fresh or not watched or tx.now - self._since > UNREAD_TOO_LONG else LOOK_AGAIN

    def _call(self, tx: Transaction, row: NoticeRow, rules: Rules) -> Content:
        message = get_message(tx, row.message_id or 0)
        charge = charges_of(tx, [row.message_id or 0]).get(row.message_id or 0)
        if message is None or message.state not in AT_REST or message.gone_at is not None:
            return Content(refusal="non_aspetta")
        if charge is None or charge.taken_at is not None:
            return Content(refusal="presa_in_carico")
        received = message.internal_date or message.received_at or tx.now
        stamp = _stamp(tx, row, message.case_id)
        if row.channel == Channel.WEBHOOK:
            facts = Facts(message=message.id, code=stamp.case_code, received_at=_iso(received), step=row.step)
            return Content(body=webhook_body("urgent_message", rules.service, facts))
        return Content(compose_call(row.recipient, rules, stamp, message.id, received, self._sender_of(row)))

    def _incidents(self, tx: Transaction, row: NoticeRow, rules: Rules) -> Content:
        found = incidents_between(tx, *span_of(row.subject))
        if not found:
            return Content(refusal="risolto")  # over before anybody was told (failure F33)
        if row.channel == Channel.WEBHOOK:
            return Content(body=webhook_body("incidents", rules.service, _facts(found)), at=tx.now)
        lines = [(incident.opened_at, incident.detail) for incident in found[:MOST_LINES]]
        stamp = _stamp(tx, row, None)
        return Content(compose_incidents(row.recipient, rules, stamp, lines, self._sender_of(row)), at=tx.now)

    def _over(self, tx: Transaction, row: NoticeRow, rules: Rules) -> Content:
        found = over_in(tx, int(row.subject.partition(".")[0]))
        if row.channel == Channel.WEBHOOK:
            return Content(body=webhook_body("incidents_over", rules.service, _facts(found)))
        lines = [(one.opened_at, one.closed_at or tx.now, one.detail) for one in found[:MOST_LINES]]
        stamp = _stamp(tx, row, None)
        return Content(compose_ends(row.recipient, rules, stamp, lines, self._sender_of(row)))

    def _waiting(self, tx: Transaction, row: NoticeRow, rules: Rules) -> Content:
        sizes = group_sizes(tx)
        if not any(sizes.values()):
            return Content(refusal="non_aspetta")
        waiting = Waiting(
            sizes[Group.DANGER],
            sizes[Group.DECIDE],
            sizes[Group.PERHAPS_NOT],
            sizes[Group.ASIDE],
            waits_longest(tx),
            count_open(tx),
        )
        return Content(compose_waiting(row.recipient, rules, _stamp(tx, row, None), waiting, self._page))

    def _for_project(self, tx: Transaction, row: NoticeRow, rules: Rules) -> Content:
        cases = open_cases(tx, row.project, tx.now - OF_DIGEST)
        if row.kind == NoticeKind.DIGEST:
            secret = known_secret(tx)
            lines = [(case_code(secret, case.case_id), case.forwarded_at) for case in cases[:MOST_LINES]]
            stamp = _stamp(tx, row, None)
            return Content(compose_digest(row.recipient, rules, stamp, lines)) if lines else Content(refusal="risolto")
        case = next((case for case in cases if case.case_id == row.case_id), None)
        if case is None:
            return Content(refusal="presa_in_carico")
        return Content(compose_reminder(row.recipient, rules, _stamp(tx, row, case.case_id), case.forwarded_at))

    def _address_test(self, tx: Transaction, row: NoticeRow, rules: Rules) -> Content:
        test = next(iter(named_tests(tx, (), [row.rfc_message_id])), None)
        if test is None:
            return Content(refusal="non_aspetta")
        return Content(compose_address_test(row.recipient, rules, _stamp(tx, row, None), row.project, test.code))

    def _canary(self, tx: Transaction, row: NoticeRow, rules: Rules) -> Content:
        if not is_awaited(tx, row.rfc_message_id):
            # Missed meanwhile: a channel that can be reached again does not send all those of the time before.
            return Content(refusal="non_aspetta")
        return Content(compose_canary(row.recipient, rules, _stamp(tx, row, None)))

    def _sender_of(self, row: NoticeRow) -> str:
        return self._sender if row.channel == Channel.ALARM else ""


def _facts(found: Sequence[Incident]) -> Facts:
    """Incidents as a program reads them; a subject that is an address is left out."""
    told = [
        {
            "code": one.kind,
            "subject": "" if "@" in one.subject else one.subject,
            "since": _iso(one.opened_at),
            **({"until": _iso(one.closed_at)} if one.closed_at is not None else {}),
        }
        for one in found[:MOST_LINES]
    ]
    return Facts(count=len(found), kinds=sorted({one.kind for one in found}), incidents=told)


def _against(tx: Transaction, row: NoticeRow, rules: Rules) -> str:
    """The gate's reason against it; empty: it may leave."""
    if row.channel == Channel.WEBHOOK:
        return next(iter(against_any_notice(rules)), "")
    if row.kind in (NoticeKind.URGENT, NoticeKind.INCIDENTS, NoticeKind.OVER, NoticeKind.WAITING):
        verdict = may_notify(row.recipient, rules)
    elif row.kind == NoticeKind.ADDRESS_TEST:
        verdict = may_test_address(row.project, row.recipient, rules)
    elif row.kind == NoticeKind.CANARY:
        verdict = may_test_mailbox(row.recipient, rules)
    else:
        verdict = may_tell_project(row.project, row.recipient, rules, sick_addresses(tx))
    if verdict.needs_smtputf8:
        return "smtputf8_non_offerto"
    return verdict.reasons[0].code if verdict.reasons else ""


def _stamp(tx: Transaction, row: NoticeRow, case_id: int | None) -> Stamp:
    secret = known_secret(tx)
    code = case_code(secret, case_id) if case_id is not None else ""
    return Stamp(row.rfc_message_id, code, seal(secret, row.rfc_message_id), tx.now)


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
