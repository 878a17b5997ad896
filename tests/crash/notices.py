"""Staff notices and incidents in the fault matrix: what is there to be told, how time passes for it, what must hold.

Every start that knows its mailbox has two troubles: one is open and was not told yet, one was told and is over, and
its end was not told. Their reports leave by mail and by a webhook while the fault does its work.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from tests.crash.inbox import CANARIES
from tests.servers.smtp_session import AcceptedMessage
from triage.record import Store, Transaction
from triage.record.audit import Change, write_changes
from triage.record.incidents import close_incident, open_incident
from triage.record.staff_notices import Channel, NoticeKind, PlannedNotice, plan_notices, span_of
from triage.record.tables import audit, in_charge, incidents, staff_notices
from triage.record.told_incidents import note_told
from triage.vocabulary import DispatchKind, DispatchState

if TYPE_CHECKING:
    from tests.crash.invariants import Findings, Scene

ADMIN = "sistemi@example.org"
OPEN, OVER = "prova aperta", "prova finita"
"""Kinds of trouble that nothing but a test begins or ends."""
BEFORE = "<prima@example.org>"
"""The report of the trouble that was told before any run."""
HOUR = timedelta(hours=1)
LATELY = timedelta(minutes=30)
"""What a run itself began is younger, what was there when it began is older: an hour passes before each run."""
EVENTS = {
    NoticeKind.URGENT: "urgent_message",
    NoticeKind.INCIDENTS: "incidents",
    NoticeKind.OVER: "incidents_over",
}

Row = sa.RowMapping
Posted = Sequence[Mapping[str, Any]]


# --------------------------------------------------------------------------- what there is to be told


def go_on_with_troubles(store: Store, number: int) -> None:
    """Another trouble begins, those that were told are over, and an hour passes for both."""
    with store.write("troubles go on") as tx:
        open_incident(tx, OPEN, f"numero {number}", f"trouble number {number}")
        told = sa.select(incidents.c.subject).where(incidents.c.kind == OPEN, incidents.c.told_at.is_not(None))
        for subject in set(tx.execute(told.where(incidents.c.closed_at.is_(None))).scalars()):
            close_incident(tx, OPEN, subject)
    let_an_hour_pass(store, leases=False)


def begin_troubles(store: Store) -> None:
    """Two troubles as of two hours ago: one still open and untold, one told and over."""
    with store.write("troubles") as tx:
        open_incident(tx, OVER, "prima", "a trouble that was told before")
        number = tx.execute(sa.select(sa.func.max(incidents.c.id))).scalar_one()
        before = PlannedNotice(
            NoticeKind.INCIDENTS, f"{number}-{number}", 0, Channel.MAIL, ADMIN, rfc_message_id=BEFORE
        )
        plan_notices(tx, [before])
        tx.execute(
            sa.update(staff_notices)
            .where(staff_notices.c.rfc_message_id == BEFORE)
            .values(state=DispatchState.ACCEPTED, ended_at=tx.now, attempts=1, code=250)
        )
        key = tx.execute(sa.select(sa.func.max(staff_notices.c.id))).scalar_one()
        write_changes(tx, [Change("notice", key, "ended", DispatchState.SUBMITTING, DispatchState.ACCEPTED)])
        note_told(tx, number, number, tx.now)
        close_incident(tx, OVER, "prima")
        open_incident(tx, OPEN, "adesso", "a trouble that nobody was told of")
    for _ in range(2):
        let_an_hour_pass(store)


def let_an_hour_pass(store: Store, *, leases: bool = True) -> None:
    """For notices and incidents alone: every pause is over, calls and reports are due, and leases have run out.

    ``leases`` False: they stay, for workers that live.
    """
    with store.write("an hour passes") as tx:
        for table, columns in (
            (incidents, ("opened_at", "last_seen_at", "closed_at", "told_at")),
            (staff_notices, ("created_at", "ended_at")),
            (in_charge, ("due_at", "base_at")),
        ):
            _move(tx, table, columns)
        bring_notices_forward(tx)
        if leases:
            end_leases(tx, HOUR)


def bring_notices_forward(tx: Transaction) -> None:
    """Every pause before another try is over."""
    past = tx.now - timedelta(seconds=1)
    waits = staff_notices.c.state.in_((DispatchState.PENDING, DispatchState.SUBMITTING))
    tx.execute(sa.update(staff_notices).where(waits, staff_notices.c.due_at > past).values(due_at=past))


def end_leases(tx: Transaction, left: timedelta) -> None:
    """Leases that have only so long left have run out."""
    past = tx.now - timedelta(seconds=1)
    soon = staff_notices.c.lease_until.between(past, tx.now + left)
    tx.execute(sa.update(staff_notices).where(soon).values(lease_until=past))


def _move(tx: Transaction, table: sa.Table, columns: Sequence[str]) -> None:
    (key,) = table.primary_key
    for row in tx.execute(sa.select(key, *(table.c[name] for name in columns))).mappings().all():
        values = {name: row[name] - HOUR for name in columns if row[name] is not None}
        if values:
            tx.execute(sa.update(table).where(key == row[key.name]).values(values))


def any_notice_left(tx: Transaction) -> bool:
    """Whether a notice is still to leave."""
    waits = staff_notices.c.state.in_((DispatchState.PENDING, DispatchState.SUBMITTING))
    return tx.execute(sa.select(staff_notices.c.id).where(waits).limit(1)).first() is not None


def read_notices(tx: Transaction) -> tuple[tuple[Row, ...], tuple[Row, ...], dict[int, int]]:
    """Every notice, every incident, and how many ends of each notice were written down."""
    ends = sa.select(audit.c.subject_id, sa.func.count()).where(audit.c.subject == "notice", audit.c.event == "ended")
    return (
        tuple(tx.execute(sa.select(staff_notices).order_by(staff_notices.c.id)).mappings()),
        tuple(tx.execute(sa.select(incidents).order_by(incidents.c.id)).mappings()),
        {int(number): count for number, count in tx.execute(ends.group_by(audit.c.subject_id))},
    )


# --------------------------------------------------------------------------- what must hold


def check_notices(scene: Scene, mails: Mapping[str, Sequence[AcceptedMessage]], found: Findings) -> None:
    """Every notice has its end and left as often as it was tried; every trouble and its end were told once.

    ``mails``: what the SMTP server took, by Message-ID.
    """
    for row in scene.notices:
        _check_state(scene, row, found)
        if row["channel"] != Channel.WEBHOOK and row["rfc_message_id"] != BEFORE:
            _check_mails(row, mails.get(row["rfc_message_id"], ()), found)
    _check_posts(scene, found)
    for trouble in scene.troubles:
        _check_told(scene, trouble, found)
        _check_end_told(scene, trouble, found)
    _check_privacy(scene, mails, found)


def _check_state(scene: Scene, row: Row, found: Findings) -> None:
    """Accepted, refused with a trace of it, or planned again."""
    name = f"notice {row['id']} ({row['kind']} by {row['channel']})"
    if row["state"] in (DispatchState.PENDING, DispatchState.SUBMITTING):
        if row["state"] == DispatchState.SUBMITTING or row["lease_until"] is not None or row["due_at"] <= scene.now:
            found.lose(f"{name} stays {row['state']}")
        return
    if scene.ends_written.get(row["id"], 0) != 1 or row["ended_at"] is None or row["lease_until"] is not None:
        found.blame(f"{name} is {row['state']}, and its end is written {scene.ends_written.get(row['id'], 0)} times")
    if row["state"] != DispatchState.ACCEPTED and not row["reason"]:
        found.blame(f"{name} is {row['state']} and nobody can see why")


def _check_mails(row: Row, mails: Sequence[AcceptedMessage], found: Findings) -> None:
    """How often a notice arrived: as often as it was tried, at most; at least once if that is what counts."""
    if any(sent.forward_paths != (row["recipient"],) for sent in mails):
        found.blame(f"notice {row['id']} went to somebody else")
    _count(f"notice {row['id']}", len(mails), int(row["state"] == DispatchState.ACCEPTED), row["attempts"], found)


def _check_posts(scene: Scene, found: Findings) -> None:
    """The same for the webhook, by kind: what is posted has no number of its own."""
    for kind, event in EVENTS.items():
        rows = [row for row in scene.notices if row["channel"] == Channel.WEBHOOK and row["kind"] == kind]
        accepted = sum(row["state"] == DispatchState.ACCEPTED for row in rows)
        posts = sum(body["event"] == event for body in scene.posted)
        _count(f"posts of {kind}", posts, accepted, sum(row["attempts"] for row in rows), found)


def _count(name: str, times: int, accepted: int, attempts: int, found: Findings) -> None:
    if times < accepted:
        found.lose(f"{name}: {accepted} count as accepted, {times} arrived")
    if times > attempts:
        found.blame(f"{name}: left {times} times and was tried {attempts} times")
    found.repeated_notices += max(0, times - max(1, accepted))


def _check_told(scene: Scene, trouble: Row, found: Findings) -> None:
    number, name = trouble["id"], f"incident {trouble['id']} ({trouble['kind']})"
    reports = [row for row in scene.notices if row["kind"] == NoticeKind.INCIDENTS and _spans(row, number)]
    _once(name, reports, found)
    if trouble["told_at"] is None:
        if trouble["closed_at"] is None and trouble["opened_at"] < scene.now - LATELY:
            found.lose(f"{name} is open, and nobody was told")
        return
    same = [
        one["id"]
        for one in scene.troubles
        if (one["kind"], one["subject"]) == (trouble["kind"], trouble["subject"]) and one["id"] <= number
    ]
    if not any(
        row["kind"] == NoticeKind.INCIDENTS and row["attempts"] and any(_spans(row, key) for key in same)
        for row in scene.notices
    ):
        found.blame(f"{name} counts as told, and no report of it was sent")


def _check_end_told(scene: Scene, trouble: Row, found: Findings) -> None:
    name = f"the end of incident {trouble['id']} ({trouble['kind']})"
    if not trouble["over_report"]:
        is_owed = trouble["over_report"] is None and trouble["told_at"] is not None
        if is_owed and trouble["closed_at"] is not None and trouble["closed_at"] < scene.now - LATELY:
            found.lose(f"{name} was not told")
        return
    number = str(trouble["over_report"])
    reports = [
        row for row in scene.notices if row["kind"] == NoticeKind.OVER and row["subject"].partition(".")[0] == number
    ]
    if not reports or trouble["told_at"] is None or trouble["closed_at"] is None:
        found.blame(f"{name} is in {len(reports)} reports, told {trouble['told_at']}, over {trouble['closed_at']}")
    _once(name, reports, found)


def _once(name: str, reports: Sequence[Row], found: Findings) -> None:
    """Each channel and recipient took at most one of these reports."""
    taken = Counter((row["channel"], row["recipient"]) for row in reports if row["state"] == DispatchState.ACCEPTED)
    for (channel, _), count in taken.items():
        if count > 1:
            found.blame(f"{name} was told {count} times by {channel}")


def _spans(row: Row, number: int) -> bool:
    low, high = span_of(row["subject"])
    return low <= number <= high


def _check_privacy(scene: Scene, mails: Mapping[str, Sequence[AcceptedMessage]], found: Findings) -> None:
    """Nothing of a person's stands in what staff and projects are told."""
    first = {row["rfc_message_id"] for row in scene.sends if row["kind"] == DispatchKind.NOTICE}
    names = first | {row["rfc_message_id"] for row in scene.notices}
    words = [_words_of(sent.octets) for name in names for sent in mails.get(name, ())]
    words += [json.dumps(body, ensure_ascii=False) for body in scene.posted]
    if any(canary in text for canary in CANARIES for text in words):
        found.blame("a notice holds something of a person's")


def _words_of(octets: bytes) -> str:
    mail = message_from_bytes(octets, policy=policy.default)
    texts = [str(part.get_content()) for part in mail.walk() if part.get_content_maintype() == "text"]
    return "\n".join([*(str(value) for value in mail.values()), *texts])
