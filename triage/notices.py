"""Plans what staff and projects are told beside the first urgent notice: further calls, incidents, reminders, digests.

Everything follows from the record and the rules of this moment, and every plan is a row with a key of its own: it
may be asked as often as one likes, by as many workers, and after any restart. Nothing is sent here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from triage.decide import against_any_notice
from triage.ids import new_message_id
from triage.record import Transaction
from triage.record.charge import Charge, due_alerts, end_alert, next_step
from triage.record.filing import AT_REST
from triage.record.messages import get_message
from triage.record.open_cases import open_cases
from triage.record.staff_notices import (
    Channel,
    NoticeKind,
    PlannedNotice,
    known_subjects,
    newest_notice,
    plan_notices,
    reaches_nobody,
    span_of,
)
from triage.record.told_incidents import carry_on, incidents_between, next_over_report
from triage.record.waiting import count_waiting
from triage.rules.holidays import is_closed
from triage.rules.types import DEFAULT_ADDRESS, Project, Rules, UrgentRules

GRACE = timedelta(minutes=2)
"""Trouble that is over so soon is told to nobody: false alarms teach people to look away (failure F33)."""
APART = timedelta(minutes=10)
"""Between two reports of incidents: what comes in between is told together (failure F4)."""
TELL_AGAIN = timedelta(hours=1)
"""After a report that every channel has refused, the same is told once more: addresses are mended, servers get well."""
OPENS = 8
"""The hour, local time, from which projects are reminded on working days."""
DIGEST_WITHIN = timedelta(hours=2)
"""A service that starts late in the day does not send the morning's digest any more."""
REMEMBERED = timedelta(days=30)
"""Of cases older than this nobody is reminded; they stay in the digest for three times as long."""
MOST = 50


@dataclass(frozen=True, slots=True)
class SecondChannels:
    """Ways beside the account of everything else."""

    alarm: bool = False
    webhook: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One step of an alert: so long after it was raised, this contact (from 0), by this channel."""

    after: timedelta
    channel: Channel
    recipient: str
    contact: int


def calls_for(urgent: UrgentRules, channels: SecondChannels) -> tuple[Call, ...]:
    """Every step of an alert in order. The first is the notice that leaves with the decision.

    Each contact is told again after the pauses. With the last of them the next contact is told as well, and the
    second channels: whoever has not answered by then is not waited for.
    """
    pauses = [timedelta(minutes=minutes) for minutes in urgent.repeat_minutes]
    whole = sum(pauses, timedelta())
    calls: list[Call] = []
    for number, contact in enumerate(urgent.on_call):
        begin = whole * number
        ends = [begin + sum(pauses[:count], timedelta()) for count in range(len(pauses) + 1)]
        calls += [Call(at, Channel.MAIL, contact, number) for at in ends]
        following = urgent.on_call[number + 1] if number + 1 < len(urgent.on_call) else contact
        if channels.alarm:
            calls.append(Call(begin + whole, Channel.ALARM, following, number + 1))
        if channels.webhook:
            calls.append(Call(begin + whole, Channel.WEBHOOK, "", number + 1))
    if not urgent.on_call and channels.webhook:
        calls = [Call(sum(pauses[:count], timedelta()), Channel.WEBHOOK, "", 0) for count in range(len(pauses) + 1)]
    return tuple(sorted(calls, key=lambda call: call.after))


def plan_calls(tx: Transaction, rules: Rules, channels: SecondChannels) -> int:
    """The steps of alerts that are due now; how many alerts were looked at."""
    charges = due_alerts(tx, MOST)
    calls = calls_for(rules.urgent, channels)
    for charge in charges:
        over = _over(tx, rules, charge)
        if over:
            end_alert(tx, charge.message_id, over)
        else:
            _plan_steps(tx, rules, charge, calls)
    return len(charges)


def _over(tx: Transaction, rules: Rules, charge: Charge) -> str:
    """Why nobody need be called although nobody has taken the message in charge; empty: somebody must."""
    message = get_message(tx, charge.message_id)
    if message is None or message.state not in AT_REST:
        return "non_aspetta"
    if message.gone_at is not None:
        return "spostato_da_un_collega"
    return next(iter(against_any_notice(rules)), "")


def _plan_steps(tx: Transaction, rules: Rules, charge: Charge, calls: Sequence[Call]) -> None:
    step, base = charge.step, charge.base_at or tx.now
    if charge.refused and calls:
        # Whoever cannot be reached is not called again: the next contact's time begins now.
        step = min(max(step, 1), len(calls))
        later = [n for n in range(step, len(calls)) if calls[n].contact > calls[step - 1].contact]
        if later:
            step, base = later[0], tx.now - calls[later[0]].after
    due: dict[tuple[str, str], PlannedNotice] = {}
    while step < len(calls) and base + calls[step].after <= tx.now:
        call = calls[step]
        if call.after or call.channel is not Channel.MAIL:
            # After a pause of the service several steps may be due: each contact is called once for them.
            due[call.channel, call.recipient] = _planned(
                rules, NoticeKind.URGENT, str(charge.message_id), step, call.channel, call.recipient, charge.message_id
            )
        step += 1
    plan_notices(tx, list(due.values()))
    # Step len(calls) is the end of the last pause: by then somebody should have answered.
    ends = calls[-1].after + timedelta(minutes=rules.urgent.repeat_minutes[-1]) if calls else timedelta()
    if step < len(calls):
        next_step(tx, charge, step, base, base + calls[step].after)
    else:
        next_step(tx, charge, step, base, base + ends if tx.now < base + ends else None)


def plan_incidents(tx: Transaction, rules: Rules, channels: SecondChannels) -> int:
    """One report of the troubles that were not told yet, by the second channel where there is one (failure F32).

    What a report that was refused was about is not told yet either.
    """
    carry_on(tx)
    newest = newest_notice(tx, NoticeKind.INCIDENTS)
    if against_any_notice(rules) or (newest is not None and tx.now - newest.created_at < APART):
        return 0
    low, high = span_of(newest.subject) if newest is not None else (1, 0)
    refused = newest if newest is not None and reaches_nobody(tx, newest) else None
    begin = low if refused is not None else high + 1
    untold = incidents_between(tx, begin)
    if not untold or tx.now - untold[0].opened_at < GRACE:
        return 0
    if refused is None or untold[-1].id > high:
        return _plan_report(tx, rules, channels, NoticeKind.INCIDENTS, f"{begin}-{untold[-1].id}")
    if tx.now - refused.created_at < TELL_AGAIN:
        return 0
    # The same report under a subject of its own: one subject is told once.
    return _plan_report(tx, rules, channels, NoticeKind.INCIDENTS, f"{begin}-{high}.{refused.id}")


def plan_ends(tx: Transaction, rules: Rules, channels: SecondChannels) -> int:
    """One report of the troubles that were told and are over, by the same ways."""
    newest = newest_notice(tx, NoticeKind.OVER)
    if against_any_notice(rules) or (newest is not None and tx.now - newest.created_at < APART):
        return 0
    report = next_over_report(tx)
    if report:
        return _plan_report(tx, rules, channels, NoticeKind.OVER, str(report))
    if newest is None or tx.now - newest.created_at < TELL_AGAIN or not reaches_nobody(tx, newest):
        return 0
    number = newest.subject.partition(".")[0]
    return _plan_report(tx, rules, channels, NoticeKind.OVER, f"{number}.{newest.id}")


def _plan_report(tx: Transaction, rules: Rules, channels: SecondChannels, kind: NoticeKind, subject: str) -> int:
    by = Channel.ALARM if channels.alarm else Channel.MAIL
    ways = [(by, address) for address in rules.alarms] + ([(Channel.WEBHOOK, "")] if channels.webhook else [])
    return plan_notices(tx, [_planned(rules, kind, subject, step, *way) for step, way in enumerate(ways)])


def plan_for_projects(tx: Transaction, rules: Rules) -> int:
    """Reminders and digests that are due this morning; only for projects that take cases in charge by the link."""
    local = tx.now.astimezone(ZoneInfo(rules.service.timezone))
    if local.hour < OPENS or not is_working_day(rules, local.date()):
        return 0
    return sum(
        _plan_reminders(tx, rules, project, local) + _plan_digest(tx, rules, project, local)
        for project in rules.projects.values()
        if project.takes_charge
    )


def _plan_reminders(tx: Transaction, rules: Rules, project: Project, local: datetime) -> int:
    if not project.remind_after_days:
        return 0
    cases = {f"{case.case_id} {project.code}": case for case in open_cases(tx, project.code, tx.now - REMEMBERED)}
    known = known_subjects(tx, NoticeKind.REMINDER, list(cases))
    late = [
        subject
        for subject, case in cases.items()
        if subject not in known and working_days(rules, case.forwarded_at, local) >= project.remind_after_days
    ]
    to = project.addresses[DEFAULT_ADDRESS].to
    plans = [
        _planned(
            rules,
            NoticeKind.REMINDER,
            subject,
            0,
            Channel.MAIL,
            to,
            case_id=cases[subject].case_id,
            project=project.code,
        )
        for subject in late[:MOST]
    ]
    return plan_notices(tx, plans)


def _plan_digest(tx: Transaction, rules: Rules, project: Project, local: datetime) -> int:
    monday = local.date() - timedelta(days=local.weekday())
    earlier = (monday + timedelta(days=number) for number in range(local.weekday()))
    if not project.weekly_digest or any(is_working_day(rules, day) for day in earlier):
        return 0
    year, week, _ = local.isocalendar()
    subject = f"{project.code} {year}-W{week:02}"
    if known_subjects(tx, NoticeKind.DIGEST, [subject]) or not open_cases(tx, project.code, tx.now - 3 * REMEMBERED):
        return 0
    to = project.addresses[DEFAULT_ADDRESS].to
    return plan_notices(tx, [_planned(rules, NoticeKind.DIGEST, subject, 0, Channel.MAIL, to, project=project.code)])


def plan_daily_digest(tx: Transaction, rules: Rules) -> int:
    """What waits this morning, to those whom the rules name; none where nothing waits, or the hour is long past."""
    digest = rules.daily_digest
    local = tx.now.astimezone(ZoneInfo(rules.service.timezone))
    begins = datetime.combine(local.date(), digest.at, local.tzinfo)
    if not digest.to or not begins <= local < begins + DIGEST_WITHIN or not is_working_day(rules, local.date()):
        return 0
    subject = f"{local:%Y-%m-%d}"
    if against_any_notice(rules) or known_subjects(tx, NoticeKind.WAITING, [subject]) or not count_waiting(tx):
        return 0
    return plan_notices(
        tx,
        [_planned(rules, NoticeKind.WAITING, subject, step, Channel.MAIL, to) for step, to in enumerate(digest.to)],
    )


def is_working_day(rules: Rules, day: date) -> bool:
    """Whether the offices work on a day: by the opening hours, Monday to Friday while there are none."""
    weekdays = {span.weekday for span in rules.service.opening_hours} or set(range(5))
    return day.weekday() in weekdays and not is_closed(day, rules.service.closed_days)


def working_days(rules: Rules, since: datetime, local: datetime) -> int:
    """Working days that have begun after the day of ``since``, today included."""
    day, days = since.astimezone(local.tzinfo).date(), 0
    while day < local.date():
        day += timedelta(days=1)
        days += is_working_day(rules, day)
    return days


def _planned(
    rules: Rules,
    kind: NoticeKind,
    subject: str,
    step: int,
    channel: Channel,
    recipient: str,
    message_id: int | None = None,
    case_id: int | None = None,
    project: str = "",
) -> PlannedNotice:
    name = new_message_id(rules.service.address.rpartition("@")[2])
    return PlannedNotice(kind, subject, step, channel, recipient, name, message_id, case_id, project)
