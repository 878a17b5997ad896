"""Sending a message to a centre from its page: first exactly what would leave, then the press that does it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from triage.acts.outcome import Outcome
from triage.acts.people import Person
from triage.acts.preview import preview
from triage.acts.settling import forward
from triage.record import Transaction
from triage.record.decisions import decision_of
from triage.record.messages import get_message
from triage.review.confirming import if_as_shown
from triage.review.exit_forms import shown_before
from triage.review.exits import Note, Seen, Settling, settle
from triage.review.guards import RefusedError, desk_of
from triage.review.lessons import and_teach, lesson_of
from triage.review.letter import letter_page
from triage.review.proposals import Asked, choice_of

router = APIRouter()
Code = Annotated[str, Form(max_length=130)]


@router.post("/messaggi/{message_id}/anteprima")
def show_before(
    request: Request,
    message_id: int,
    person: Settling,
    seen: Seen,
    centro: Code = "",
    comune: Code = "",
    zona: Code = "",
    argomento: Code = "",
) -> Response:
    """Exactly what would leave, and to whom; nothing is written."""
    return _shown(
        request, message_id, person, seen, {"centro": centro, "comune": comune, "zona": zona, "argomento": argomento}
    )


def _shown(
    request: Request, message_id: int, person: Person, seen: int, given: Mapping[str, str], wrong: str = ""
) -> Response:
    """The preview; or the proposals with what is missing. ``wrong``: why the last press did nothing."""
    desk = desk_of(request)
    rules = desk.knowledge.in_force().rules
    with desk.store.read("preview") as tx:
        choice = choice_of(_asked(given), rules, _topic(tx, message_id))
        if isinstance(choice, str):
            values = {"refused": choice}
        else:
            values = shown_before(desk, preview(tx, rules, desk.parsed, message_id, choice, seen=seen))
    refused = str(values.pop("refused", ""))
    if isinstance(choice, str) or refused:
        return letter_page(request, message_id, person, status=422, wrong=refused, given=given)
    return letter_page(
        request,
        message_id,
        person,
        panel="inoltra",
        status=422 if wrong else 200,
        wrong=wrong,
        given={**given, "centro": f"{choice.project}.{choice.address_key}", "comune": choice.comune},
        heading="Che cosa parte se confermi",
        **values,
    )


@router.post("/messaggi/{message_id}/inoltra")
def send_on(
    request: Request,
    message_id: int,
    person: Settling,
    seen: Seen,
    centro: Code = "",
    comune: Code = "",
    zona: Code = "",
    argomento: Code = "",
    nota: Note = "",
    insegna: Code = "solo",
    frase: Annotated[str, Form(max_length=400)] = "",
    togli: Annotated[str, Form(max_length=4)] = "",
    mostrato: Code = "",
) -> Response:
    """Forward, as it was shown (``mostrato``); and keep what it teaches, or do neither."""
    desk = desk_of(request)
    rules = desk.knowledge.in_force().rules
    given = {"centro": centro, "comune": comune, "zona": zona, "argomento": argomento, "nota": nota, "frase": frase}
    with desk.store.read("topic") as tx:
        choice = choice_of(_asked(given), rules, _topic(tx, message_id))
    if isinstance(choice, str):
        return letter_page(request, message_id, person, status=422, wrong=choice, given=given)
    lesson = lesson_of(insegna if insegna != "mai" else "solo", frase)

    def act(tx: Transaction) -> Outcome:
        teaches = "simili" if lesson is not None else "solo"
        return forward(
            tx,
            rules,
            desk.parsed,
            person,
            message_id,
            choice,
            seen=seen,
            note=nota,
            teaches=teaches,
            forget=bool(togli),
        )

    checked = if_as_shown(desk, rules, message_id, choice, seen, mostrato, act)
    return settle(
        request,
        person,
        message_id,
        and_teach(desk, person, message_id, checked, lesson),
        again=lambda wrong: _shown(
            request, message_id, person, seen, given | {"insegna": insegna, "togli": togli}, wrong
        ),
    )


def _asked(given: Mapping[str, str]) -> Asked:
    return Asked(given["centro"], given["comune"], given["zona"], given["argomento"])


def _topic(tx: Transaction, message_id: int) -> str:
    row = get_message(tx, message_id)
    if row is None:
        raise RefusedError(404, "no_such_message")
    decision = decision_of(tx, row.id, row.generation)
    return decision.topic if decision is not None else ""
