"""/andamento: how much comes in, how fast it goes on, what waits, and whether everything works; never per worker."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from markupsafe import Markup

from triage.acts.people import Act, Person
from triage.pictures import Series, bars, lines
from triage.record.destinations import SICK, Destination, all_destinations
from triage.record.figures import forward_times, held_times, states, volumes, waiting
from triage.record.incidents import open_incidents
from triage.record.ledger import AFTER_RECEPTION, BEFORE_RECEPTION, compute_ledger
from triage.record.mailboxes import MailboxRow, known_mailboxes
from triage.record.staff_acts import note_act, verify_acts
from triage.record.store import Transaction
from triage.review.check_words import percent
from triage.review.guards import RefusedError, desk_of, may
from triage.review.rendering import go, remember, render, session_data, tell
from triage.review.trend_tables import UNFINISHED, Counted, Trends, coverage, quantile, trends_of, weeks_until
from triage.review.trend_words import INCIDENT_NAMES, LEDGER_NAMES, SICK_NAMES
from triage.rules.types import Rules
from triage.spreadsheets import to_csv

router = APIRouter()
Looking = Annotated[Person, Depends(may(Act.LOOK))]
Exporting = Annotated[Person, Depends(may(Act.EXPORT))]

AGES = (timedelta(days=1), timedelta(days=3), timedelta(days=7))
QUIET = timedelta(minutes=30)
"""A mailbox that was not read for so long is not well."""
TAMPERED = "Il registro delle operazioni fatte dalle persone è stato modificato da fuori."
FILES = {
    "centri": ("Settimana", "Messaggi per settimana e centro"),
    "modi": ("Settimana", "Messaggi per settimana e modo"),
    "argomenti": ("Argomento", "Messaggi per argomento"),
    "lingue": ("Lingua", "Messaggi per lingua"),
}
"""What can be saved as a spreadsheet: the head of its first column, and what it is called."""


@dataclass(frozen=True, slots=True)
class _Spans:
    """Typical and slow times of one way."""

    name: str
    typical: timedelta | None
    slow: timedelta | None
    number: int


@router.get("/andamento")
def show(request: Request, _person: Looking) -> Response:
    """All numbers on one page."""
    desk = desk_of(request)
    rules = desk.knowledge.in_force().rules
    with desk.store.read("trends") as tx:
        trends = _trends(tx, rules)
        spans = _spans(tx)
        waits = waiting(tx, AGES)
        counts = states(tx)
        sick = [one for one in all_destinations(tx) if one.state == SICK]
        boxes = [box for box in known_mailboxes(tx) if box.name in rules.mailboxes]
        troubles = [
            (row["opened_at"], INCIDENT_NAMES.get(row["kind"], INCIDENT_NAMES[""])) for row in open_incidents(tx)
        ]
        now = tx.now
    return render(
        request,
        "trends.html",
        trends=trends,
        shares=coverage(trends.ways.table),
        # Whatever text is in them was escaped where they were drawn.
        pictures={name: Markup(svg) for name, svg in _pictures(trends).items()},  # noqa: S704
        spans=spans,
        waits=waits,
        ages=[f"da più di {days.days} {'giorno' if days.days == 1 else 'giorni'}" for days in AGES],
        ledger=_ledger(counts),
        tampered=TAMPERED,
        ledger_result=session_data(request).get("ledger"),
        sick=[_sick(rules, one) for one in sick],
        boxes=[(box, _health(box, now)) for box in boxes],
        troubles=troubles,
        files=FILES,
        percent=percent,
    )


@router.post("/andamento/scarica/{name}")
def save(request: Request, name: str, person: Exporting) -> Response:
    """One of the tables as a spreadsheet: what the page shows of whole weeks, and nothing that it hides."""
    if name not in FILES:
        raise RefusedError(404, "no_such_table")
    desk = desk_of(request)
    with desk.store.read("trends") as tx:
        trends = _trends(tx, desk.knowledge.in_force().rules, whole=True)
        stamp = f"{tx.now:%Y-%m-%d}"
    counted: Counted = {
        "centri": trends.centres,
        "modi": trends.ways,
        "argomenti": trends.topics,
        "lingue": trends.languages,
    }[name]
    with desk.store.write("export", person.name) as tx:
        note_act(tx, person, "figures_exported", "figures", 0, {"table": name})
    return Response(
        _as_csv(FILES[name][0], counted),
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="andamento-{name}-{stamp}.csv"',
            "Cache-Control": "no-store",
        },
    )


@router.post("/andamento/registro")
def check_ledger(request: Request, _person: Exporting) -> Response:
    """Count every message and follow the seals of people's acts, which takes a while in a large record."""
    desk = desk_of(request)
    with desk.store.read("ledger", long=True) as tx:
        found = compute_ledger(tx)
        broken = verify_acts(tx)
        at = tx.now.isoformat()
    remember(
        request,
        ledger={
            "at": at,
            "closes": found.closes,
            "acts_whole": not broken,
            "differences": [*found.differences[:20], *broken[:20]],
        },
    )
    if not found.closes:
        tell(request, "Il registro non quadra: avvisa subito chi gestisce il servizio.", "danger")
    if broken:
        tell(request, f"{TAMPERED} Avvisa subito chi gestisce il servizio.", "danger")
    if found.closes and not broken:
        tell(
            request, "Il registro quadra: ogni messaggio è al suo posto, e nessuno ha toccato quello delle operazioni."
        )
    return go("/andamento#registro")


# --------------------------------------------------------------------------- gathering


def _trends(tx: Transaction, rules: Rules, *, whole: bool = False) -> Trends:
    """From the first week that had any mail."""
    weeks = [(begin, end) for begin, end in weeks_until(tx.now) if not whole or end <= tx.now]
    counted = [volumes(tx, begin, end) for begin, end in weeks]
    first = next((at for at, volume in enumerate(counted) if volume), len(weeks) - 1)
    return trends_of(rules, weeks[first:], counted[first:], tx.now)


def _spans(tx: Transaction) -> list[_Spans]:
    alone, decided = forward_times(tx)
    ways = (
        ("Dall'arrivo all'inoltro, se parte da solo", alone),
        ("Dall'arrivo all'inoltro, se decide una persona", decided),
        ("Dall'arrivo alla decisione di una persona", held_times(tx)),
    )
    return [_Spans(name, quantile(spans, 0.5), quantile(spans, 0.9), len(spans)) for name, spans in ways]


def _ledger(counts: dict[str, int]) -> list[tuple[str, int, bool]]:
    """Each group with its count; the last of a pair says whether it is a sum of those below it."""
    after = {name: sum(counts.get(state, 0) for state in group) for name, group in AFTER_RECEPTION.items()}
    before = {name: counts.get(state, 0) for name, state in BEFORE_RECEPTION.items()}
    rows = [("listed", sum(before.values()) + sum(after.values()), True)]
    rows += [(name, count, False) for name, count in before.items()]
    rows.append(("received", sum(after.values()), True))
    rows += [(name, count, False) for name, count in after.items()]
    return [(LEDGER_NAMES.get(name, name), count, is_sum) for name, count, is_sum in rows]


def _sick(rules: Rules, one: Destination) -> tuple[str, str, Any]:
    project = rules.projects.get(one.project)
    return (project.name if project is not None else one.project, SICK_NAMES.get(one.why, one.why), one)


def _health(box: MailboxRow, now: Any) -> str:
    """One sentence; empty: all is well."""
    if box.refused_at is not None:
        return "La legge un'altra installazione del servizio: qui è ferma."
    if box.last_read_at is None:
        return "Non è ancora stata letta."
    return "" if now - box.last_read_at <= QUIET else "Non viene letta da troppo tempo."


def _pictures(trends: Trends) -> dict[str, str]:
    table, names = trends.centres.table, trends.centres.rows
    ticks = [
        (float(at), name.removeprefix("dal ").removesuffix(UNFINISHED))
        for at, name in enumerate(names)
        if at % 3 == 0 or at == len(names) - 1
    ]
    weekly = [("in tutto", table.rows), ("inoltrati da soli", tuple(row[0] for row in trends.ways.table.cells))]
    shares = coverage(trends.ways.table)
    return {
        "weeks": lines(
            "settimane",
            "Messaggi per settimana",
            "Una linea per tutti i messaggi e una per quelli inoltrati da soli. I numeri sono nella tabella accanto.",
            [Series(name, tuple((float(at), count) for at, count in enumerate(counts))) for name, counts in weekly],
            ticks=ticks,
        ),
        "coverage": lines(
            "copertura",
            "Quota inoltrata da sola, per settimana",
            "Dei messaggi destinati a un centro, quanti sono partiti senza una persona. I numeri sono nella tabella.",
            [Series("inoltrati da soli", tuple((float(at), share) for at, share in enumerate(shares)))],
            ticks=ticks,
            top=1.0,
            number=percent,
        ),
        "centres": _bars("centri", "Messaggi per centro", trends.centres.columns, table.columns),
        "topics": _bars("argomenti", "Messaggi per argomento", trends.topics.rows, trends.topics.table.rows),
        "languages": _bars("lingue", "Messaggi per lingua", trends.languages.rows, trends.languages.table.rows),
    }


def _bars(name: str, title: str, labels: tuple[str, ...], counts: tuple[int | None, ...]) -> str:
    return bars(
        name, title, "Una barra per riga; i numeri sono nella tabella accanto.", list(zip(labels, counts, strict=True))
    )


def _as_csv(first: str, counted: Counted) -> bytes:
    table, one_column = counted.table, len(counted.columns) == 1
    heads = [first, *counted.columns, *([] if one_column else ["Totale"])]
    rows: list[list[str | int]] = []
    for name, cells, total in zip(counted.rows, table.cells, table.rows, strict=True):
        rows.append([name, *map(_cell, cells), *([] if one_column else [_cell(total)])])
    rows.append(["Totale", *map(_cell, table.columns), *([] if one_column else [_cell(table.total)])])
    return to_csv(heads, rows)


def _cell(count: int | None) -> str | int:
    return "non mostrato" if count is None else count
