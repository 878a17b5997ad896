"""Erasing what the record holds of one person (GDPR art. 17): looked at first, then case by case, each as a whole.

In: a dossier. Out: what would go, or went, and what does not and why. The rules are those of retention: nothing goes
that waits, is under way, or is needed by a legal hold, the register of misroutes or the blind check (art. 17(3)).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from triage.duties.finding import CaseOf, Dossier, Part
from triage.record import Store, Transaction
from triage.record.audit import Param
from triage.record.forgetting import Forgotten, forget_case, forget_messages, forget_taught, parts
from triage.record.mailboxes import known_mailboxes
from triage.record.messages import MessageRow, messages_by_id
from triage.record.of_person import Against, against, labels_on, octets_kept, projects_that_have, sent_to
from triage.record.person_requests import ERASE, RequestRow, add_to_request, begin_request, end_request, is_under_way
from triage.record.staff_acts import Actor, note_act
from triage.vocabulary import MessageState

BEGUN, DONE = "erase_person_begun", "erase_person"
"""The acts on record."""
PAUSE = 0.02
"""Seconds that the record is left to others after each step."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A case of which nothing is erased now."""

    case: CaseOf
    why: tuple[Against, ...]


@dataclass(slots=True)
class Plan:
    """What an erasure takes. ``octets``: their number; ``of_others``: messages of other persons, which stay."""

    free: list[CaseOf] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    messages: int = 0
    octets: int = 0
    sendings: int = 0
    labelled: int = 0
    taught: int = 0
    of_others: int = 0
    places: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How many originals lie in which mailbox and folder: there, nothing is deleted."""
    projects: Counter[str] = field(default_factory=Counter)
    """How many messages each project got: they are to be told (art. 19)."""

    @property
    def kept(self) -> int:
        """How many messages of the person stay for now."""
        return sum(len(one.case.of_person()) for one in self.refused)

    begun: bool = False
    """A request of this person was cut off, and has to be ended at the least."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing of this person, and nothing to be ended."""
        return not (self.free or self.refused or self.taught or self.begun)


def plan_erasure(store: Store, dossier: Dossier) -> Plan:
    """What would go and what would not; changes nothing."""
    plan = Plan()
    for case in dossier.cases:
        with store.read("plan an erasure") as tx:
            why = against(tx, [item.row for item in case.items], case.id)
            if why:
                plan.refused.append(Refused(case, tuple(why)))
            else:
                _add(tx, plan, case, dossier.key)
    plan.taught = sum(bool(one.sender_key or one.phrase) for one in dossier.taught)
    with store.read("plan an erasure") as tx:
        plan.begun = is_under_way(tx, ERASE, dossier.key)
    return plan


def _add(tx: Transaction, plan: Plan, case: CaseOf, key: str) -> None:
    rows = [item.row for item in case.goes()]
    numbers = [row.id for row in rows]
    plan.free.append(case)
    plan.messages += len(rows)
    plan.octets += sum(octets_kept(tx, rows).values())
    plan.sendings += len(sent_to(tx, key, numbers, case.id))
    plan.labelled += labels_on(tx, numbers).count
    plan.of_others += sum(item.part is Part.OTHER for item in case.items)
    names = {box.id: box.name for box in known_mailboxes(tx)}
    for row in rows:
        if row.state not in (MessageState.VANISHED, MessageState.BASELINE):
            plan.places[names[row.mailbox_id], row.filed_folder or "INBOX"] += 1
    plan.projects.update(projects_that_have(tx, numbers))


@dataclass(slots=True)
class _Work:
    """One request while it is carried out."""

    store: Store
    key: str
    person: Actor
    number: int
    stopped: Callable[[], bool]

    def case(self, case: CaseOf) -> tuple[Against, ...]:
        """Erase of a case what goes; what speaks against it now, if anything does since it was looked at."""
        for part in parts([item.row for item in case.goes()]):
            if self.stopped():
                return ()
            with self.store.write("erase a person", self.person.name) as tx:
                why = against(tx, _as_they_are(tx, [item.row for item in case.items]), case.id)
                if why:
                    return tuple(why)
                done = forget_messages(tx, self.key, _as_they_are(tx, part))
                self._count(tx, done)
            if done.messages < len(part):
                return (Against.WAITING,)  # opened again in this very instant
            time.sleep(PAUSE)
        if case.id is not None and not self.stopped():
            with self.store.write("erase a person", self.person.name) as tx:
                self._count(tx, forget_case(tx, self.key, case.id))
        return ()

    def _count(self, tx: Transaction, done: Forgotten) -> None:
        add_to_request(tx, self.number, done.messages, done.octets, done.sendings, done.labels)


def erase(
    store: Store,
    dossier: Dossier,
    plan: Plan,
    person: Actor,
    reference: str,
    stopped: Callable[[], bool] = lambda: False,
) -> RequestRow:
    """Carry out a plan. Cut off at any time, the same request goes on with the next call, and counts on.

    Cases that came alive since they were planned are moved to ``plan.refused``.
    """
    with store.write("erasure begun", person.name) as tx:
        request = begin_request(tx, ERASE, dossier.key, reference)
        counts = {"messages": plan.messages, "kept": plan.kept}
        note_act(tx, person, BEGUN, "request", request.id, {"reference": request.reference, **counts})
    work = _Work(store, dossier.key, person, request.id, stopped)
    for case in tuple(plan.free):
        why = work.case(case)
        if why:
            plan.free.remove(case)
            plan.refused.append(Refused(case, why))
    if stopped():
        return request
    return _end(store, dossier.key, plan, person, request)


def _end(store: Store, key: str, plan: Plan, person: Actor, request: RequestRow) -> RequestRow:
    with store.write("erasure ended", person.name) as tx:
        # Of a sender whose mail waits still, what was taught holds until that mail has gone.
        taught = 0 if plan.refused else forget_taught(tx, key)
        ended = end_request(tx, request.id, plan.kept)
        counts = {"messages": ended.messages, "sendings": ended.sendings, "labelled": ended.labelled}
        params: dict[str, Param] = {"reference": ended.reference, **counts, "taught": taught, "kept": ended.kept}
        note_act(tx, person, DONE, "request", ended.id, params)
    return ended


def _as_they_are(tx: Transaction, rows: Sequence[MessageRow]) -> list[MessageRow]:
    now = messages_by_id(tx, [row.id for row in rows])
    return [now[row.id] for row in rows]
