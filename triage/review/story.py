"""A case as a conversation: everything that happened, in order, in plain Italian.

In: the case's record, the mails' heads, the rules, how people are called. Out: :class:`Event` values, oldest first;
those that are still to come stand last. Pure: nothing is read here, and nothing is decided.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from triage.acts.actors import by_whom, capital, who
from triage.explaining import uncapitalised, word_hold
from triage.record.case_story import CaseRecord, Decided
from triage.record.messages import MessageRow
from triage.record.settlements import Exit, SettlementRow
from triage.review.heads import Head
from triage.review.sent_words import Try, came_back_words, notice_words, sent_words, will_not_leave
from triage.review.words import MISROUTE_ANSWERS, act_name, count_of, exit_name, project_name, topic_name
from triage.rules import Rules
from triage.vocabulary import TO_FAMILIES, Action, DispatchState, MessageState

NOT_TOLD = ("open_message", "open_markup", "download_file", "download_original", "settle", "undo")
"""Acts that are on record and no part of the conversation: looks, and what stands here in another form."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, or is to happen (``waits``).

    ``what`` is a sentence, ``lines`` say more; ``text`` are words that a person wrote. ``letter``: the message that is
    shown here. ``grave``: something did not go as it should. ``about``: the message's number, 0 for the case.
    """

    at: datetime
    what: str
    icon: str
    lines: tuple[str, ...] = ()
    text: str = ""
    letter: MessageRow | None = None
    tries: tuple[Try, ...] = ()
    grave: bool = False
    waits: bool = False
    about: int = 0
    order: int = 0


def story_of(case: CaseRecord, heads: Mapping[int, Head], rules: Rules, names: Mapping[str, str]) -> list[Event]:
    """Every event, in order; of what happened at the same instant the cause stands first."""
    events = [
        *_letters(case, heads, rules),
        *_decisions(case, rules),
        *_acts(case, rules, names),
        *_mails(case, heads, rules, names),
        *_returns(case, rules),
        *_register(case, rules),
    ]
    return sorted(events, key=lambda one: (one.waits, one.at, one.order))


def _letters(case: CaseRecord, heads: Mapping[int, Head], rules: Rules) -> Iterator[Event]:
    for row in case.rows:
        head = heads.get(row.id, Head())
        centre = rules.project_of_address(head.address) if head.address else ""
        who = project_name(rules, centre) if centre else head.name or head.address or "Un mittente sconosciuto"
        about = f": «{head.subject}»" if head.subject else ""
        lines = []
        if head.files:
            at_least = "" if head.whole else "almeno "
            lines.append(f"Con {at_least}{count_of(head.files, 'allegato', 'allegati')}.")
        if row.state in (MessageState.HELD, MessageState.QUARANTINED):
            lines.append(f"Adesso aspetta una persona: {uncapitalised(word_hold(row.hold_reason))}.")
        at = row.internal_date or row.received_at or row.listed_at
        what = (
            f"{who} scrive{about}" if row.state != MessageState.ERASED else "Un messaggio: testo e mittente cancellati"
        )
        yield Event(at, what, "mail-open", tuple(lines), letter=row, about=row.id, order=0)


def _decisions(case: CaseRecord, rules: Rules) -> Iterator[Event]:
    """What the service decided by itself; what people decided stands among their acts."""
    by_people = {(act.message_id, act.generation) for act in case.settled}
    taken_back = {(act.message_id, act.undone_at) for act in case.settled}
    for one in case.decided:
        if (one.message_id, one.generation) in by_people or (one.message_id, one.decided_at) in taken_back:
            continue
        topic = f"Argomento: {topic_name(one.topic)}."
        yield Event(one.decided_at, _decided(one, rules), "settings", (topic,), about=one.message_id, order=1)


def _decided(one: Decided, rules: Rules) -> str:
    if one.action == Action.FORWARD:
        return f"Il servizio lo manda a {project_name(rules, one.project)}"
    if one.action == Action.FILE:
        return "Il servizio lo archivia: nessuno deve riceverlo"
    guess = f"; penserebbe a {project_name(rules, one.project)}" if one.project in rules.projects else ""
    return f"Il servizio lo lascia a una persona{guess}"


def _acts(case: CaseRecord, rules: Rules, names: Mapping[str, str]) -> Iterator[Event]:
    for act in case.settled:
        actor = capital(who(act.actor, names))
        lines = [f"Nota: {act.note}"] if act.note else []
        if act.undone_at is not None:
            lines.append("Poi annullato: non è partito niente.")
        written = case.texts.get((act.message_id, act.generation))
        text = written.text if written is not None else ""
        office = rules.offices.get(written.office) if written is not None else None
        if office is not None:
            lines.append(f"Ufficio indicato: {office.name}.")
        what = f"{actor}: {_did(act, rules)}"
        yield Event(act.at, what, "user", tuple(lines), text, about=act.message_id, order=2)
        if act.undone_at is not None:
            back = f"{actor}: annullato «{exit_name(act.exit)}»"
            yield Event(act.undone_at, back, "user", about=act.message_id, order=2)
    for row in case.acts:
        actor = capital(who(row["actor"], names))
        code = str(row["params"].get("code", "")) if row["act"] == "acknowledgement" else row["act"]
        about = row["subject_id"] if row["subject"] == "message" else 0
        yield Event(row["at"], f"{actor}: {act_name(code)}", "user", about=about, order=2)


_VERBS = {Exit.FORWARD: "inoltrato a", Exit.CORRECTION: "corretto, va a", Exit.ALSO: "inoltrato anche a"}


def _did(act: SettlementRow, rules: Rules) -> str:
    if act.exit in _VERBS:
        verb = _VERBS[Exit(act.exit)]
        place = f", comune {act.comune}" if act.comune else ""
        return f"{verb} {project_name(rules, act.project)}{place}"
    return exit_name(act.exit)


def _mails(case: CaseRecord, heads: Mapping[int, Head], rules: Rules, names: Mapping[str, str]) -> Iterator[Event]:
    closed = closed_without_centre(case)
    for one in case.sent:
        files = heads.get(one.message_id, Head()).files
        told = sent_words(one, case.tries.get(one.id, ()), case.unsent.get(one.id, ""), rules, files)
        lines = told.lines
        if one.state == DispatchState.PENDING and one.kind in TO_FAMILIES and one.message_id in closed:
            told = will_not_leave(told)
            yield Event(told.at, told.what, told.icon, told.lines, about=one.message_id, order=4)
            continue
        if told.waits and case.hold is not None and one.kind == "acknowledgement":
            lines = (*lines, f"Trattenuta {by_whom(case.hold.by, names)}.")
        yield Event(
            told.at,
            told.what,
            told.icon,
            lines,
            tries=told.tries,
            grave=told.grave,
            waits=told.waits,
            about=one.message_id,
            order=4,
        )
    for row in case.notices:
        what, at, grave = notice_words(row, rules)
        yield Event(at, what, "horn", grave=grave, about=row["message_id"] or 0, order=4)


def closed_without_centre(case: CaseRecord) -> frozenset[int]:
    """Messages that are done and go to no centre: what their families were to get about a centre does not leave."""
    now = {(row.id, row.generation) for row in case.rows}
    done = (one for one in case.decided if (one.message_id, one.generation) in now and one.action == Action.FILE)
    return frozenset(one.message_id for one in done)


def _returns(case: CaseRecord, rules: Rules) -> Iterator[Event]:
    sent = {one.id: one for one in case.sent}
    for row in case.came_back:
        what, grave = came_back_words(row, sent.get(row["dispatch_id"]), rules)
        yield Event(row["recorded_at"], what, "restore", grave=grave, about=row["about_message_id"], order=5)
    for project, at in case.charges.items():
        if not any(row["kind"] == "taken" and row["recorded_at"] == at for row in case.came_back):
            yield Event(at, f"{project_name(rules, project)} lo ha preso in carico", "check-circle", order=5)
    for row in case.moves:
        reason = str(row["params"].get("reason", ""))
        if reason and reason != "corretto":
            what = f"Torna a una persona: {uncapitalised(word_hold(reason))}"
            yield Event(row["at"], what, "warning-circle", grave=True, about=row["subject_id"], order=6)


def _register(case: CaseRecord, rules: Rules) -> Iterator[Event]:
    for one in case.misroutes:
        if one.withdrawn_at is not None:
            continue
        wrong, right = project_name(rules, one.wrong_project), project_name(rules, one.right_project)
        what = f"Nel registro degli errori: era andato a {wrong}, il centro giusto è {right}"
        yield Event(one.found_at, what, "bookmark", about=one.message_id, order=3)
        if one.recall_answered_at is not None:
            answer = MISROUTE_ANSWERS.get(one.recall_answer, one.recall_answer)
            what = f"{wrong}, sulla richiesta di cancellare: {answer}"
            yield Event(one.recall_answered_at, what, "restore", about=one.message_id, order=6)
        if one.closed_at is not None:
            yield Event(one.closed_at, "Errore chiuso nel registro", "bookmark", about=one.message_id, order=7)
