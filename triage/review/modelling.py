"""/modelli: which models there are, what each can do, which one decides; put in force and taken back by a responsabile.

A person reads what stands against it, says so and gives a reason; nothing is promoted by opening a page. Reports are
pages of their own with a policy of their own: no script, no form, nothing from anywhere.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response

from triage.acts.people import Person
from triage.drifting import FEWEST, drifts
from triage.promotion import Known, known_models, model_of_record, promote, roll_back
from triage.promotion import RefusedError as NotDoneError
from triage.record.identity import MODEL, current_version
from triage.record.model_papers import newest_comparison, newest_report
from triage.record.people import all_people
from triage.record.staff_acts import note_act
from triage.record.store import Transaction
from triage.record.versions import line, steps
from triage.review.guards import RefusedError, desk_of, may
from triage.review.model_view import against, card_of, comparison_view, figures_of
from triage.review.model_words import CHANGES, DRIFT_NAMES, HOW, drift_value, percent
from triage.review.rendering import go, render, tell
from triage.review.rule_words import language_name

router = APIRouter()
Reader = Annotated[Person, Depends(may("look"))]
Promoter = Annotated[Person, Depends(may("promote"))]
CHANGED = (
    "Non è stato fatto niente: nel frattempo è cambiato qualcosa, o il file del modello non è più intatto. Guarda "
    "com'è adesso e riprova."
)
NOTHING_BEFORE = "Prima di questo modello non ce n'era un altro: non c'è niente a cui tornare."
NO_REASON = "Scrivi il motivo: resta nel registro."
NOT_SURE = "Segna che hai letto gli avvisi, oppure torna indietro."
LONGEST_WHY = 300
_sums: dict[str, str] = {}
"""Hashes of models that were looked at already, for the list; one model's own page looks anew."""


@router.get("/modelli")
def show(request: Request, _person: Reader) -> Response:
    """Every model, the one in force first."""
    with desk_of(request).store.read("models") as tx:
        found = known_models(tx, _sums)
        names = {one.name: one.display for one in all_people(tx)}
    ordered = sorted(found, key=lambda one: (one.in_force_since is None, not one.previous))
    return render(request, "models.html", models=ordered, names=names, how=HOW, percent=percent)


@router.get("/modelli/cambiamenti")
def show_changes(request: Request, _person: Reader) -> Response:
    """Whether the mail has changed since."""
    desk = desk_of(request)
    rules = desk.knowledge.in_force().rules
    with desk.store.read("drift") as tx:
        found = drifts(tx)
    return render(
        request,
        "model_drift.html",
        drifts=found,
        fewest=FEWEST,
        changes=CHANGES,
        names=DRIFT_NAMES,
        percent=percent,
        value=lambda drift, value: drift_value(drift, value, rules),
    )


@router.get("/modelli/indietro")
def ask_back(request: Request, _person: Promoter) -> Response:
    """What going back would do."""
    return _ask_back(request)


@router.post("/modelli/indietro")
def go_back(
    request: Request,
    person: Promoter,
    leave: Annotated[str, Form(max_length=64)] = "",
    why: Annotated[str, Form(max_length=LONGEST_WHY)] = "",
) -> Response:
    """The model before the one in force decides again; ``leave`` is the one that the person saw in force."""
    if not why.strip():
        return _ask_back(request, 422, NO_REASON)
    desk = desk_of(request)
    try:
        with desk.store.write("roll model back", person.name) as tx:
            if current_version(tx, MODEL) != leave:
                raise NotDoneError("another model is in force")
            left, entered = roll_back(tx, why=why.strip())
            note_act(tx, person, "model_rolled_back", "model", params={"from": left, "to": entered})
    except NotDoneError:
        tell(request, CHANGED, "warning")
        return go("/modelli")
    tell(request, f"È di nuovo in vigore il modello {entered}, al posto di {left}.")
    return go("/modelli")


@router.get("/modelli/{version}")
def show_one(request: Request, version: str, _person: Reader) -> Response:
    """One model: its card, its report, how it compares with the model in force."""
    with desk_of(request).store.read("model") as tx:
        known, in_force = _known(tx, version), current_version(tx, MODEL)
        report = newest_report(tx, version)
        compared = comparison_view(newest_comparison(tx, in_force, version)) if version != in_force else None
        found = against(tx, known, in_force)
        names = {one.name: one.display for one in all_people(tx)}
    card = card_of(known)
    return render(
        request,
        "model.html",
        known=known,
        names=names,
        card=card,
        figures=figures_of(card),
        report=report,
        compared=compared,
        forbidden=found.forbidden,
        how=HOW,
        language_name=language_name,
    )


@router.get("/modelli/{version}/rapporto")
def show_report(request: Request, version: str, _person: Reader) -> Response:
    """The report of the last evaluation, as it was written; it can only be read."""
    with desk_of(request).store.read("report") as tx:
        report = newest_report(tx, _known(tx, version).version)
    if report is None:
        raise RefusedError(404, "no_report")
    page = str(report.content["html"])
    return HTMLResponse(page, headers={"Content-Security-Policy": report_policy(page)})


def report_policy(page: str) -> str:
    """Only the style sheets that stand in the page itself, by their hash; no script, no frame, no request."""
    sheets = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    allowed = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()}'" for sheet in sheets
    )
    return (
        f"default-src 'none'; style-src {allowed or chr(39) + 'none' + chr(39)}; form-action 'none'; base-uri 'none'; "
        "frame-ancestors 'self'; sandbox"
    )


@router.get("/modelli/{version}/in-vigore")
def ask_promote(request: Request, version: str, _person: Promoter) -> Response:
    """What stands for and against it, before it is done."""
    return _ask_promote(request, version)


@router.post("/modelli/{version}/in-vigore")
def put_in_force(
    request: Request,
    version: str,
    person: Promoter,
    instead_of: Annotated[str, Form(max_length=64)] = "",
    why: Annotated[str, Form(max_length=LONGEST_WHY)] = "",
    sure: Annotated[bool, Form()] = False,
) -> Response:
    """This model decides from now on; ``instead_of`` is the one that the person saw in force."""
    if not why.strip():
        return _ask_promote(request, version, 422, NO_REASON, why.strip())
    desk = desk_of(request)
    with desk.store.read("model") as tx:
        found = against(tx, _known(tx, version), current_version(tx, MODEL))
    if found.forbidden:
        raise RefusedError(409, "not_promotable", found.forbidden, "Questo modello non può entrare in vigore")
    if found.reasons and not sure:
        return _ask_promote(request, version, 422, NOT_SURE, why.strip())
    try:
        with desk.store.write("promote model", person.name) as tx:
            before = promote(
                tx,
                model_of_record(tx, version),
                why=why.strip(),
                anyway=sure,
                instead_of=instead_of,
                compared=found.compared.messages if found.compared is not None else None,
            )
            note_act(
                tx, person, "model_promoted", "model", params={"from": before or "", "to": version, "anyway": sure}
            )
    except NotDoneError:
        tell(request, CHANGED, "warning")
        return go(f"/modelli/{version}")
    desk.decide_wake()
    tell(request, f"Da adesso decide il modello {version}.")
    return go("/modelli")


def _known(tx: Transaction, version: str) -> Known:
    known = next((one for one in known_models(tx) if one.version == version), None)
    if known is None:
        raise RefusedError(404, "no_such_model")
    return known


def _ask_promote(request: Request, version: str, status: int = 200, wrong: str = "", why: str = "") -> Response:
    with desk_of(request).store.read("model") as tx:
        known, in_force = _known(tx, version), current_version(tx, MODEL)
        found = against(tx, known, in_force)
    if found.forbidden:
        raise RefusedError(409, "not_promotable", found.forbidden, "Questo modello non può entrare in vigore")
    values = {"known": known, "in_force": in_force, "against": found, "wrong": wrong, "why": why}
    return render(request, "model_promote.html", status, **values)


def _ask_back(request: Request, status: int = 200, wrong: str = "") -> Response:
    with desk_of(request).store.read("model") as tx:
        found = line(steps(tx, MODEL))
    if len(found) < 2:
        raise RefusedError(409, "nothing_before", NOTHING_BEFORE, "Non c'è un modello di prima")
    return render(request, "model_back.html", status, leaves=found[-1], enters=found[-2], wrong=wrong)
