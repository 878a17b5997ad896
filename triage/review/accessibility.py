"""The first page, which leads to what waits, and the accessibility statement, which anybody may read."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from triage.review.guards import SignedIn
from triage.review.rendering import go, render

router = APIRouter()


@router.get("/")
def first(_person: SignedIn) -> Response:
    """What waits is what people come for."""
    return go("/da-decidere")


@router.get("/accessibilita")
def statement(request: Request) -> Response:
    """The accessibility statement."""
    return render(request, "accessibility.html")
