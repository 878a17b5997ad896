"""Pages from templates: what stands on every page, the filters, and short messages that survive a redirect."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from markupsafe import Markup

from triage.acts.actors import by_whom, capital, who
from triage.acts.people import Act, Person
from triage.acts.people import may as role_may
from triage.explaining import sentence, word_hold, word_reason
from triage.record.identity import is_stopped
from triage.record.sessions import keep_data
from triage.record.waiting import count_waiting
from triage.review import times, words
from triage.review.files import size_words
from triage.review.guards import desk_of, person_of, row_or_none, session_or_none
from triage.review.keys import keys_of, keys_on
from triage.review.mail_text import readable

HERE = Path(__file__).parent
STATIC = HERE / "static"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the menu, shown to those whose role is allowed the act."""

    path: str
    name: str
    act: Act = Act.LOOK


MENU = (
    Entry("/da-decidere", "Da decidere"),
    Entry("/smistati", "Smistati"),
    Entry("/errori", "Errori di smistamento", Act.REGISTER),
    Entry("/controlli", "Controlli a campione"),
    Entry("/andamento", "Andamento"),
    Entry("/regole", "Regole"),
    Entry("/modelli", "Modelli"),
    Entry("/operazioni", "Operazioni", Act.ACTS),
    Entry("/persone", "Persone", Act.PEOPLE),
)


@lru_cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "topic_name": words.topic_name,
        "role_name": words.role_name,
        "reason_text": word_reason,
        "hold_text": word_hold,
        "count_of": words.count_of,
        "thousands": words.thousands,
        "exit_name": words.exit_name,
        "mail_name": lambda kind: words.MAIL_NAMES.get(kind, kind),
        "sentence": sentence,
        "capital": capital,
        "readable_mail": readable,
        "likely_word": words.likely_word,
        "protocol_why": words.protocol_why,
        "place_role": lambda role: words.ROLES_OF_PLACES.get(role, role),
        "day": times.day,
        "clock_time": times.clock_time,
        "lasted": times.lasted,
        "grandezza": size_words,
    }
    environment.globals |= {"static": static_url, "icon": icon, "SERVICE": words.SERVICE, "DANGER": words.DANGER}
    environment.globals |= {"TURNED_DOWN": words.TURNED_DOWN}
    environment.globals |= {"who": who, "by_whom": by_whom}
    return environment


def icon(name: str, classes: str = "icon icon-sm") -> Markup:
    """An icon of the set that came with Bootstrap Italia; it says nothing to a screen reader: text stands beside it."""
    return Markup('<svg class="{}" aria-hidden="true" focusable="false"><use href="{}#it-{}"></use></svg>').format(
        classes, static_url("vendor/sprites.svg"), name
    )


@lru_cache
def static_url(name: str) -> str:
    """A file's address, which changes with its content."""
    return f"/static/{name}?v={hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"


def render(request: Request, template: str, status_code: int = 200, **values: Any) -> Response:
    """A page. Templates find ``person`` (``None`` before the sign-in), ``may``, ``rules`` and what the caller gives."""
    page = _environment().get_template(template).render(**_of_every_page(request), **values)
    return HTMLResponse(page, status_code)


def go(path: str) -> Response:
    """Show another page after a change: the browser asks for it anew, and reloading repeats nothing."""
    return RedirectResponse(path, 303)


def first_page(person: Person) -> str:
    """What a person comes for: the first entry of their menu."""
    return next(entry.path for entry in MENU if role_may(person.role, entry.act))


def tell(request: Request, text: str, level: str = "success") -> None:
    """A short message on the next page; ``level``: success, info, warning, danger. Its text names the outcome too."""
    told = [*session_data(request).get("told", []), {"text": text, "level": level}]
    remember(request, told=told[-5:])


def session_data(request: Request) -> Mapping[str, Any]:
    """What the session remembers from page to page, such as the last search."""
    session = session_or_none(request)
    return session.data if session is not None else {}


def remember(request: Request, **values: Any) -> None:
    """Keep small values (JSON) in the session under their names; they never stand in an address."""
    if (session := session_or_none(request)) is not None:
        with desk_of(request).store.write("session data") as tx:
            request.state.session = keep_data(tx, session, values)


def _of_every_page(request: Request) -> dict[str, Any]:
    desk, session, row = desk_of(request), session_or_none(request), row_or_none(request)
    person: Person | None = None
    settings: Mapping[str, Any] = {}
    if session is not None and row is not None and not session.step:
        person, settings = person_of(row), row.settings
    with desk.store.read("page") as tx:
        now, stopped = tx.now, is_stopped(tx)
        waiting = count_waiting(tx) if person is not None and role_may(person.role, Act.LOOK) else 0
    if person is not None and role_may(person.role, Act.LOOK):
        request.app.state.lookout.corrected(waiting)
    rules = desk.knowledge.in_force().rules
    return {
        "request": request,
        "path": request.url.path,
        "now": now,
        "person": person,
        "session": session,
        "csrf": session.csrf if session is not None else "",
        "may": lambda act: person is not None and role_may(person.role, act),
        "menu": [entry for entry in MENU if person is not None and role_may(person.role, entry.act)],
        "waiting": waiting,
        "stopped": stopped,
        "told": _take_told(request),
        "keys_on": keys_on(settings),
        "keys": keys_of(settings),
        "rules": rules,
        "when": lambda moment: times.when(moment, now),
        "project_name": lambda code: words.project_name(rules, code),
        "territory_name": lambda code: words.territory_name(rules, code),
    }


def _take_told(request: Request) -> list[Mapping[str, str]]:
    """Messages for this page; they are shown once."""
    told: list[Mapping[str, str]] = list(session_data(request).get("told", []))
    if told:
        remember(request, told=[])
    return told
