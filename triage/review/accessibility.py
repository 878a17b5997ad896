"""The first page, which leads to what waits, and the accessibility statement, which anybody may read."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from triage.review.guards import SignedIn
from triage.review.rendering import first_page, go, render

router = APIRouter()


@router.get("/")
def first(person: SignedIn) -> Response:
    """What people come for: for most of them, what waits."""
    return go(first_page(person))


@router.get("/accessibilita")
def statement(request: Request) -> Response:
    """The accessibility statement."""
    return render(request, "accessibility.html")
