"""Correcting a message that went to the wrong centre: choose, see exactly what leaves, confirm.

Routes under /casi/{code}/correggi/{message_id}. Nothing is written before the confirmation, and nothing leaves for two
minutes after it; the banner of the case takes it back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from triage.acts.centres import NO_ERROR, WHYS, Choice
from triage.acts.correcting import correct, to_choose_from
from triage.acts.outcome import Outcome
from triage.acts.people import Act, Person
from triage.acts.preview import Correcting, preview
from triage.record import Transaction
from triage.record.decisions import decision_of
from triage.record.messages import get_message
from triage.record.misroutes import CATEGORIES
from triage.review.case import act_on, case_named, case_page
from triage.review.confirming import OTHER, if_as_shown
from triage.review.exit_forms import shown_before
from triage.review.guards import RefusedError, desk_of, may
from triage.review.proposals import Asked, choice_of
from triage.review.rendering import go
from triage.review.words import CATEGORY_NAMES, TOPICS_TO_CHOOSE, WHY_NAMES, project_name
from triage.rules import Rules
from triage.rules.types import DEFAULT_ADDRESS

router = APIRouter()
Correcting_ = Annotated[Person, Depends(may(Act.CORRECT))]
Seen = Annotated[int, Form()]
Code = Annotated[str, Form(max_length=130)]
Codes = Annotated[list[str], Form(max_length=20)]
NO_WHY = "Scegli perché va corretto."


@router.get("/casi/{code}/correggi/{message_id}")
def ask(request: Request, code: str, message_id: int, person: Correcting_) -> Response:
    """To which centre it should have gone."""
    return _page(request, code, message_id, person)


@router.post("/casi/{code}/correggi/{message_id}/anteprima")
def show_before(
    request: Request,
    code: str,
    message_id: int,
    person: Correcting_,
    seen: Seen,
    centro: Code = "",
    comune: Code = "",
    argomento: Code = "",
    perche: Code = "",
    sbagliato: Code = "",
    dati: Codes = [],  # noqa: B006 - FastAPI copies defaults
    nota: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Exactly what would leave, and to whom; nothing is written."""
    given = _given(centro, comune, argomento, perche, sbagliato, dati, nota)
    return _shown(request, code, message_id, person, seen, given)


def _shown(
    request: Request, code: str, message_id: int, person: Person, seen: int, given: Mapping[str, Any], wrong: str = ""
) -> Response:
    """The preview, or the form with what is missing. ``wrong``: why the last press did nothing."""
    desk = desk_of(request)
    rules = desk.knowledge.in_force().rules
    with desk.store.read("preview of a correction") as tx:
        of_case(tx, code, message_id)
        choice = _choice(tx, rules, message_id, given)
        if not isinstance(choice, str):
            chosen = Correcting(choice, given["perche"], given["sbagliato"])
            planned = preview(tx, rules, desk.parsed, message_id, chosen, seen=seen)
    if isinstance(choice, str):
        return _page(request, code, message_id, person, 422, wrong=choice, given=given)
    if planned.refused is not None:
        return _page(request, code, message_id, person, 422, wrong=planned.refused.message_it, given=given)
    return _page(
        request,
        code,
        message_id,
        person,
        422 if wrong else 200,
        panel="anteprima",
        wrong=wrong,
        given={**given, "centro": f"{choice.project}.{choice.address_key}", "comune": choice.comune},
        **shown_before(desk, planned),
        enters=given["perche"] not in NO_ERROR and any(one.kind == "recall" for one in planned.leaving),
    )


@router.post("/casi/{code}/correggi/{message_id}")
def carry_out(
    request: Request,
    code: str,
    message_id: int,
    person: Correcting_,
    seen: Seen,
    centro: Code,
    comune: Code = "",
    argomento: Code = "",
    perche: Code = "",
    sbagliato: Code = "",
    dati: Codes = [],  # noqa: B006 - FastAPI copies defaults
    nota: Annotated[str, Form(max_length=2000)] = "",
    togli: Annotated[str, Form(max_length=4)] = "",
    mostrato: Code = "",
) -> Response:
    """Correct it, as it was shown (``mostrato``)."""
    desk = desk_of(request)
    rules = desk.knowledge.in_force().rules
    given = _given(centro, comune, argomento, perche, sbagliato, dati, nota)
    with desk.store.read("choice") as tx:
        of_case(tx, code, message_id)
        choice = _choice(tx, rules, message_id, given)
    if isinstance(choice, str):
        return _page(request, code, message_id, person, 422, wrong=choice, given=given)

    def act(tx: Transaction) -> Outcome:
        return correct(
            tx,
            rules,
            desk.parsed,
            person,
            message_id,
            choice,
            perche,
            wrong=sbagliato,
            seen=seen,
            note=nota,
            categories=dati,
            forget=bool(togli),
        )

    checked = if_as_shown(desk, rules, message_id, Correcting(choice, perche, sbagliato), seen, mostrato, act)
    outcome = act_on(request, code, message_id, person, checked)
    if outcome.code == OTHER:
        return _shown(request, code, message_id, person, seen, given, outcome.message_it)
    if not outcome.ok:
        return _page(request, code, message_id, person, 422, wrong=outcome.message_it, given=given)
    return go(f"/casi/{code}")


def _page(
    request: Request,
    code: str,
    message_id: int,
    person: Person,
    status: int = 200,
    *,
    panel: str = "correggi",
    given: Mapping[str, Any] | None = None,
    **values: Any,
) -> Response:
    desk = desk_of(request)
    rules = desk.knowledge.in_force().rules
    chosen = _given("", "", "", "", "", [], "") | dict(given or {})
    with desk.store.read("centres that have it") as tx:
        having = {one: project_name(rules, one) for one in to_choose_from(tx, message_id)}
    return case_page(
        request,
        code,
        person,
        panel=panel,
        about=message_id,
        status=status,
        given=chosen,
        centres=centres_of(rules),
        topics=TOPICS_TO_CHOOSE,
        having=having,
        whys={why: WHY_NAMES[why] for why in WHYS},
        categories={one: CATEGORY_NAMES[one] for one in CATEGORIES},
        **{"mails": (), "notes": (), "wrong_rule": "", "digest": "", "enters": False, **values},
    )


def _given(
    centro: str, comune: str, argomento: str, perche: str, sbagliato: str, dati: list[str], nota: str
) -> dict[str, Any]:
    known = tuple(one for one in CATEGORIES if one in dati)
    texts = {"centro": centro, "comune": comune, "argomento": argomento, "perche": perche, "nota": nota}
    return texts | {"sbagliato": sbagliato, "dati": known}


def of_case(tx: Transaction, code: str, message_id: int) -> None:
    """Raises :class:`RefusedError` when the message does not belong to the case."""
    row = get_message(tx, message_id)
    if row is None or row.case_id is None or row.case_id != case_named(tx, code):
        raise RefusedError(404, "not_of_this_case")


def _choice(tx: Transaction, rules: Rules, message_id: int, given: Mapping[str, Any]) -> Choice | str:
    """The whole choice, or what is missing."""
    if given["perche"] not in WHYS:
        return NO_WHY
    row = get_message(tx, message_id)
    decision = decision_of(tx, message_id, row.generation) if row is not None else None
    asked = Asked(given["centro"], given["comune"], "", given["argomento"])
    return choice_of(asked, rules, decision.topic if decision is not None else "")


def centres_of(rules: Rules) -> dict[str, str]:
    """Every address of every project under its code, the families' own first."""
    return {
        f"{code}.{key}": project.name if key == DEFAULT_ADDRESS else f"{project.name}: {project.addresses[key].to}"
        for code, project in rules.projects.items()
        for key in sorted(project.addresses, key=lambda one: (one != DEFAULT_ADDRESS, one))
    }
