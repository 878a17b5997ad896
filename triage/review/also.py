"""*Inoltra anche a…*: a further centre for a message that one has: choose, see exactly what leaves, confirm.

Routes under /casi/{code}/anche/{message_id}. Nothing is written before the confirmation, and nothing leaves for two
minutes after it; the banner of the case takes it back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from triage.acts.also import also
from triage.acts.outcome import Outcome
from triage.acts.people import Act, Person
from triage.acts.preview import Further, preview
from triage.record import Transaction
from triage.record.decisions import decision_of
from triage.record.messages import get_message
from triage.review.case import act_on, case_page
from triage.review.confirming import OTHER, if_as_shown
from triage.review.correction import centres_of, of_case
from triage.review.desk import Desk
from triage.review.exit_forms import shown_before
from triage.review.guards import desk_of, may
from triage.review.proposals import Asked, choice_of
from triage.review.rendering import go
from triage.review.words import TOPICS_TO_CHOOSE

router = APIRouter()
Settling = Annotated[Person, Depends(may(Act.SETTLE))]
Seen = Annotated[int, Form()]
Code = Annotated[str, Form(max_length=130)]
Note = Annotated[str, Form(max_length=2000)]


@router.get("/casi/{code}/anche/{message_id}")
def ask(request: Request, code: str, message_id: int, person: Settling) -> Response:
    """To which centre it goes as well."""
    return _page(request, code, message_id, person)


@router.post("/casi/{code}/anche/{message_id}/anteprima")
def show_before(
    request: Request,
    code: str,
    message_id: int,
    person: Settling,
    seen: Seen,
    centro: Code = "",
    comune: Code = "",
    argomento: Code = "",
    nota: Note = "",
) -> Response:
    """Exactly what would leave, and to whom; nothing is written."""
    given = {"centro": centro, "comune": comune, "argomento": argomento, "nota": nota}
    return _shown(request, code, message_id, person, seen, given)


def _shown(
    request: Request, code: str, message_id: int, person: Person, seen: int, given: Mapping[str, str], wrong: str = ""
) -> Response:
    """The preview, or the form with what is missing. ``wrong``: why the last press did nothing."""
    desk = desk_of(request)
    rules = desk.knowledge.in_force().rules
    choice = _choice(desk, code, message_id, given)
    if isinstance(choice, str):
        return _page(request, code, message_id, person, 422, wrong=choice, given=given)
    with desk.store.read("preview of a further centre") as tx:
        planned = preview(tx, rules, desk.parsed, message_id, choice, seen=seen)
    if planned.refused is not None:
        return _page(request, code, message_id, person, 422, wrong=planned.refused.message_it, given=given)
    chosen = {"centro": f"{choice.choice.project}.{choice.choice.address_key}", "comune": choice.choice.comune}
    values = {"wrong": wrong, **shown_before(desk, planned)}
    status = 422 if wrong else 200
    return _page(
        request, code, message_id, person, status, panel="anche_anteprima", given={**given, **chosen}, **values
    )


@router.post("/casi/{code}/anche/{message_id}")
def carry_out(
    request: Request,
    code: str,
    message_id: int,
    person: Settling,
    seen: Seen,
    centro: Code,
    comune: Code = "",
    argomento: Code = "",
    nota: Note = "",
    mostrato: Code = "",
) -> Response:
    """Send it there as well, as it was shown (``mostrato``)."""
    desk = desk_of(request)
    rules = desk.knowledge.in_force().rules
    given = {"centro": centro, "comune": comune, "argomento": argomento, "nota": nota}
    chosen = _choice(desk, code, message_id, given)
    if isinstance(chosen, str):
        return _page(request, code, message_id, person, 422, wrong=chosen, given=given)
    choice = chosen.choice

    def act(tx: Transaction) -> Outcome:
        return also(tx, rules, desk.parsed, person, message_id, choice, seen=seen, note=nota)

    outcome = act_on(
        request, code, message_id, person, if_as_shown(desk, rules, message_id, chosen, seen, mostrato, act)
    )
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
    panel: str = "anche",
    given: Mapping[str, str] | None = None,
    **values: Any,
) -> Response:
    rules = desk_of(request).knowledge.in_force().rules
    return case_page(
        request,
        code,
        person,
        panel=panel,
        about=message_id,
        status=status,
        given=dict(given or {"centro": "", "comune": "", "argomento": "", "nota": ""}),
        centres=centres_of(rules),
        topics=TOPICS_TO_CHOOSE,
        **{"mails": (), "notes": (), **values},
    )


def _choice(desk: Desk, code: str, message_id: int, given: Mapping[str, str]) -> Further | str:
    """The whole choice, or what is missing."""
    rules = desk.knowledge.in_force().rules
    with desk.store.read("choice") as tx:
        of_case(tx, code, message_id)
        row = get_message(tx, message_id)
        decision = decision_of(tx, message_id, row.generation) if row is not None else None
    asked = Asked(given["centro"], given["comune"], "", given["argomento"])
    choice = choice_of(asked, rules, decision.topic if decision is not None else "")
    return choice if isinstance(choice, str) else Further(choice)
