"""/regole/confronto: what other rules would make of the mail of the last days, and what is wrong with them.

Nothing is written, sent or put in force: the rules are those of a file on the machine. The newest messages are looked
at first, for at most some seconds; the command ``triage rules replay`` has all the time it wants.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from fastapi.responses import Response

from triage.acts.people import Person
from triage.decide import check_examples
from triage.explaining import uncapitalised, word_hold
from triage.knowledge import confirmed_in_record, known_places
from triage.replay import Fate, Replay, replay
from triage.review.desk import Desk
from triage.review.guards import RefusedError, desk_of, may
from triage.review.rendering import render
from triage.review.rule_words import finding_phrases
from triage.review.rulebook_view import SEVERITY, concerns_about
from triage.review.words import project_name
from triage.rules import Problem, Rules, RulesError, parse_rules
from triage.rules.conflicts import find_faults
from triage.rules.types import DEFAULT_ADDRESS
from triage.vocabulary import Action

router = APIRouter()
SECONDS = 20.0
"""How long one look may take."""
DAYS: Mapping[int, str] = {7: "7 giorni", 30: "30 giorni", 90: "90 giorni"}
MOST_SHOWN = 100
SOURCE = "il tuo file"
NO_TEXT = "Il file non è testo: salvalo come testo UTF-8 e riprova."
BUSY = "Qualcun altro sta facendo un confronto: riprova tra un minuto."

_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class Move:
    """How many messages would go from one place to another."""

    now: str
    then: str
    count: int


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of it, in words."""

    found: Replay
    moves: tuple[Move, ...]
    messages: tuple[tuple[int, object, str, str, str], ...]
    """Number, when received, where now, where then, by which rule."""
    faults: tuple[tuple[str, str, str, str], ...]
    """Rule, label, what is wrong, what to do."""
    concerns: tuple[str, ...]
    failing: tuple[Problem, ...]
    """Examples of these rules that they do not keep to."""
    same: bool


@router.get("/regole/confronto")
def ask(request: Request, _person: Annotated[Person, Depends(may("modes"))]) -> Response:
    """The rules in force to be changed, or a file to be chosen."""
    return _page(request)


@router.post("/regole/confronto")
def compare(
    request: Request,
    _person: Annotated[Person, Depends(may("modes"))],
    text: Annotated[str, Form(max_length=500_000)] = "",
    days: Annotated[int, Form()] = 30,
    file: Annotated[UploadFile | None, File()] = None,
) -> Response:
    """What these rules would have made of the last days' mail."""
    if days not in DAYS:
        raise RefusedError(422, "days")
    if file is not None and file.filename:
        try:
            text = file.file.read().decode("utf-8-sig")
        except UnicodeDecodeError:
            return _page(request, 422, text=text, days=days, wrong=NO_TEXT)
    text = text.replace("\r\n", "\n")
    try:
        rules = parse_rules(text, SOURCE, known_places())
    except RulesError as error:
        return _page(request, 422, text=text, days=days, problems=error.problems)
    if not _one_at_a_time.acquire(blocking=False):
        return _page(request, 409, text=text, days=days, wrong=BUSY)
    try:
        done = compared(desk_of(request), rules, days)
    finally:
        _one_at_a_time.release()
    return _page(request, text=text, days=days, done=done)


def _page(
    request: Request,
    status: int = 200,
    *,
    text: str = "",
    days: int = 30,
    wrong: str = "",
    problems: tuple[Problem, ...] = (),
    done: Compared | None = None,
) -> Response:
    text = text or desk_of(request).knowledge.in_force().rules.text
    return render(
        request,
        "replaying.html",
        status,
        text=text,
        days=days,
        choices=DAYS,
        wrong=wrong,
        problems=problems,
        done=done,
        most=MOST_SHOWN,
    )


def compared(desk: Desk, rules: Rules, days: int, seconds: float = SECONDS) -> Compared:
    """Both sets of rules over the last days' mail."""
    in_force = desk.knowledge.in_force()
    with desk.store.read("confirmed addresses") as tx:
        rules = confirmed_in_record(tx, rules)
        since = tx.now - timedelta(days=days)
    end = time.monotonic() + seconds
    found = replay(
        desk.store,
        in_force.rules,
        rules,
        in_force.classifier,
        desk.parsed,
        since,
        lambda _: time.monotonic() < end,
    )
    counts: dict[tuple[str, str], int] = {}
    for (now, then), count in found.moves.items():
        pair = _place(now, in_force.rules), _place(then, rules)
        counts[pair] = counts.get(pair, 0) + count
    moves = [Move(now, then, count) for (now, then), count in sorted(counts.items(), key=lambda item: -item[1])]
    return Compared(
        found=found,
        moves=tuple(moves),
        messages=tuple(
            (one.message_id, one.received_at, _fate(one.now, in_force.rules), _fate(one.then, rules), one.then.rule)
            for one in found.differences[:MOST_SHOWN]
        ),
        faults=tuple(
            (one.rule.name, SEVERITY.get(one.fault, "Mai usata"), *finding_phrases(one, rules))
            for one in find_faults(rules)
        ),
        concerns=tuple(concerns_about(rules)),
        failing=check_examples(rules),
        same=rules.version == in_force.rules.version,
    )


def _fate(fate: Fate, rules: Rules) -> str:
    if fate.action is Action.FORWARD:
        return _place(f"{fate.project}.{fate.address_key}", rules)
    if fate.action is Action.FILE:
        return _place(str(Action.FILE), rules)
    proposal = f", proposta {project_name(rules, fate.project)}" if fate.project else ""
    return f"{_place(f'hold:{fate.hold}', rules)}{proposal}"


def _place(code: str, rules: Rules) -> str:
    """A place of :func:`triage.replay.place_of` in words."""
    kind, _, hold = code.partition(":")
    if kind == "hold":
        return f"aspetta una persona ({uncapitalised(word_hold(hold))})"
    if code == Action.FILE:
        return "archiviato senza una persona"
    project, _, key = code.partition(".")
    name = project_name(rules, project)
    known = rules.projects.get(project)
    address = known.addresses.get(key) if known is not None else None
    return name if key == DEFAULT_ADDRESS or address is None else f"{name}, {address.to}"
