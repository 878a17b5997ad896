"""/regole: the rules in force as a readable page; below it the pages that try a message, other rules, an address,
that confirm comuni, and that list what settlements taught."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from triage.acts.people import Person
from triage.record.address_tests import newest_tests
from triage.record.identity import RULES
from triage.record.versions import steps
from triage.review import address_page, areas_page, replaying, taught, trying
from triage.review.guards import desk_of, may
from triage.review.rendering import render
from triage.review.rule_words import MODES, language_name
from triage.review.rulebook_view import MAILBOX_ROLES, rulebook_of

router = APIRouter()


@router.get("/regole")
def show(request: Request, _person: Annotated[Person, Depends(may("look"))]) -> Response:
    """What staff and the administrator have decided about the service, in words."""
    desk = desk_of(request)
    rules = desk.knowledge.in_force().rules
    with desk.store.read("rules") as tx:
        tests = newest_tests(tx)
        since = next((step.at for step in reversed(steps(tx, RULES)) if step.version == rules.version), None)
    return render(
        request,
        "rulebook.html",
        book=rulebook_of(rules, tests, since),
        modes=MODES,
        languages=[language_name(code) for code in rules.thresholds.languages],
        mailbox_roles=MAILBOX_ROLES,
    )


router.routes.extend(
    [
        *trying.router.routes,
        *replaying.router.routes,
        *taught.router.routes,
        *address_page.router.routes,
        *areas_page.router.routes,
    ]
)
