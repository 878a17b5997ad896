"""The page /da-decidere: what waits for a person, and "non è per noi" for several at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response

from triage.acts.people import Act, Person
from triage.acts.settling import not_for_us
from triage.decide.marked import unread_reasons
from triage.explaining import sentence, word_reason
from triage.record import LostLeaseError
from triage.record.asked import Question
from triage.record.charge import Charge
from triage.record.mailboxes import known_mailboxes
from triage.record.messages import MessageRow, messages_by_id
from triage.record.openings import Opening
from triage.record.people import all_people
from triage.record.waiting_list import Group, WaitingPage, Wanted, group_of, group_sizes, waiting_page
from triage.review import words
from triage.review.guards import RefusedError, desk_of, may
from triage.review.heads import Head, heads_of
from triage.review.rendering import go, render, tell
from triage.review.undoing import undoables
from triage.vocabulary import Decision, MessageState

router = APIRouter()

SIZE = 25
"""Rows of a group on one page."""
MOST_AT_ONCE = 100
ONLY_PERHAPS = "Tutti insieme si segnano solo i messaggi di «Forse non per noi»: gli altri si aprono uno per uno."
NO_FILTER = "L'elenco non si può filtrare così: torna a «Da decidere» e scegli tra le voci di «Filtra l'elenco»."
REASONS: Mapping[str, str] = {
    "fiducia_bassa": "non è abbastanza sicuro",
    "forse_pericolo": "forse un pericolo detto sottovoce",
    "territorio_non_indicato": "manca il comune",
    "territorio_multiplo": "più zone insieme",
    "territorio_scoperto": "comune senza un centro",
    "territorio_fuori": "fuori dal territorio",
    "altro_servizio": "per un altro servizio",
    "reclamo": "reclamo o ringraziamento",
    "sperimentazione": "sul programma",
    "lingua_da_verificare": "lingua da verificare",
    "mai_piu_con_centro": "mittente da «mai più», ma è per un centro",
    "modo_proposta": "il centro chiede una conferma",
    "risposta_a_noi": "risponde a una nostra mail",
    "restituito": "rimandato da un centro",
    "inoltro_rifiutato": "il centro l'ha rifiutato",
    "inoltro_respinto": "tornato indietro",
    "allegato_infetto": "programma dannoso",
}
"""Reasons that can be asked for, in short; any other is only shown."""


@dataclass(frozen=True, slots=True)
class Line:
    """One message in the list."""

    row: MessageRow
    head: Head
    decision: Decision | None
    charge: Charge | None
    opening: Opening | None
    changed: bool
    question: Question | None
    to_register: bool
    unread: tuple[str, ...]
    """Why what was read of it may not be what was written, where that is not what holds it; it is opened."""


@dataclass(frozen=True, slots=True)
class Section:
    """A group with its lines; ``kept``: how many of ``size`` the filter leaves, ``None`` without one.

    ``last``: after which message it goes on, 0 where it does not.
    """

    group: Group
    title: str
    tells: str
    size: int
    kept: int | None
    lines: tuple[Line, ...]
    last: int


@router.get("/da-decidere")
def show(
    request: Request,
    person: Annotated[Person, Depends(may(Act.LOOK))],
    gruppo: Annotated[str, Query(max_length=16)] = "",
    dopo: Annotated[int, Query(ge=0, le=1 << 62)] = 0,
    motivo: Annotated[str, Query(max_length=40)] = "",
    centro: Annotated[str, Query(max_length=64)] = "",
    carico: Annotated[str, Query(max_length=16)] = "",
    cambiati: Annotated[str, Query(max_length=4)] = "",
    chiesto: Annotated[str, Query(max_length=4)] = "",
    protocollo: Annotated[str, Query(max_length=4)] = "",
) -> Response:
    """The messages that wait for a person, in groups."""
    desk = desk_of(request)
    rules = desk.knowledge.in_force().rules
    known = gruppo in ("", *Group) and carico in ("", "nessuno", "io") and motivo in ("", *REASONS)
    if not known or (centro and centro not in rules.projects):
        raise RefusedError(404, "no_such_filter", NO_FILTER, "Filtro non riconosciuto")
    wanted = Wanted(
        motivo, centro, person.name if carico == "io" else carico, bool(cambiati), bool(chiesto), bool(protocollo)
    )
    groups = [Group(gruppo)] if gruppo else list(Group)
    with desk.store.read("waiting") as tx:
        sizes = group_sizes(tx)
        pages = {one: waiting_page(tx, one, wanted, after=dopo if gruppo else 0, size=SIZE) for one in groups}
        boxes = {box.id: box.name for box in known_mailboxes(tx)}
        rows = [row for page in pages.values() for row in page.rows]
        heads = heads_of(tx, desk.parsed, rules, boxes, rows)
        undo = undoables(desk, tx, person)
        names = {one.name: one.display for one in all_people(tx)}
    sections = [_section(one, page, sizes[one], heads) for one, page in pages.items()]
    asked = {"motivo": motivo, "centro": centro, "carico": carico, "cambiati": cambiati, "chiesto": chiesto}
    asked |= {"protocollo": protocollo}
    return render(
        request,
        "queue.html",
        sections=[one for one in sections if one.lines or one.group is Group.DECIDE or gruppo],
        reasons=REASONS,
        projects={code: project.name for code, project in rules.projects.items()},
        asked=asked,
        filtered=wanted.anything,
        only=gruppo,
        after=dopo,
        undo=undo,
        names=names,
        query="&".join(f"{name}={value}" for name, value in asked.items() if value),
    )


def _section(group: Group, page: WaitingPage, size: int, heads: Mapping[int, Head]) -> Section:
    lines = tuple(
        Line(
            row,
            heads.get(row.id, Head()),
            page.decisions.get(row.id),
            page.charges.get(row.id),
            page.openings.get(row.id),
            row.id in page.changed,
            page.questions.get(row.id),
            row.id in page.to_register,
            _unread(page.decisions.get(row.id), row.hold_reason),
        )
        for row in page.rows
    )
    title, tells = words.GROUPS[group]
    return Section(group, title, tells, size, page.kept, lines, page.rows[-1].id if page.more else 0)


def _unread(decision: Decision | None, known: str) -> tuple[str, ...]:
    found = unread_reasons(decision) if decision is not None else ()
    return tuple(sentence(word_reason(one)) for one in found if one.code != known)


@router.post("/da-decidere/non-per-noi")
def not_for_us_together(
    request: Request,
    person: Annotated[Person, Depends(may(Act.SETTLE))],
    scelti: Annotated[list[str], Form(max_length=MOST_AT_ONCE)] = [],  # noqa: B006 - FastAPI copies defaults
) -> Response:
    """*Non è per noi* for the messages that were ticked; each value is ``number.generation`` as the list showed it."""
    desk = desk_of(request)
    chosen = dict(filter(None, map(_pair, scelti)))
    if not chosen:
        tell(request, "Non hai scelto nessun messaggio: metti la spunta accanto a quelli che non sono per noi.", "info")
        return go("/da-decidere#forse_non")
    rules = desk.knowledge.in_force().rules
    try:
        with desk.store.write("settle", person.name) as tx:
            found = messages_by_id(tx, list(chosen))
            if not all(_may_be_chosen(row) for row in found.values()):
                raise RefusedError(409, "not_perhaps", ONLY_PERHAPS, "Scelta non possibile")
            outcomes = not_for_us(tx, rules, person, {key: chosen[key] for key in found}, in_bulk=True)
    except LostLeaseError:
        raise RefusedError(409, "changed") from None
    done = [one for one in outcomes if one.ok]
    desk.file_wake()
    if done:
        tell(request, f"{words.count_of(len(done), 'messaggio segnato', 'messaggi segnati')} come non per noi.")
    left = [(key, one.message_it) for key, one in zip(found, outcomes, strict=True) if not one.ok]
    with desk.store.read("left alone") as tx:
        boxes = {box.id: box.name for box in known_mailboxes(tx)} if left else {}
        heads = heads_of(tx, desk.parsed, rules, boxes, [found[key] for key, _ in left])
    for key, why in left:
        subject = heads.get(key, Head()).subject.strip()[:80]
        tell(request, f"Non segnato adesso: {f'«{subject}»' if subject else f'messaggio {key}'}. {why}", "warning")
    if missing := len(chosen) - len(found):
        tell(request, f"{words.count_of(missing, 'messaggio scelto', 'messaggi scelti')}: non risulta.", "warning")
    return go("/da-decidere#forse_non")


def _may_be_chosen(row: MessageRow) -> bool:
    """Whether the list could have offered it; possible danger never, nor once it is settled."""
    return not row.urgent and (row.state != MessageState.HELD or group_of(row) is Group.PERHAPS_NOT)


def _pair(value: str) -> tuple[int, int] | None:
    number, _, generation = value.partition(".")
    digits = number.isascii() and number.isdigit() and generation.isascii() and generation.isdigit()
    return (int(number), int(generation)) if digits and len(value) < 30 else None
