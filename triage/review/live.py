"""Routes of /eventi: tells an open page how much waits, and which of its messages a colleague opened; numbers only.

What is bounded: how many pages are told at once, of one session and of all; how long one connection lasts (the browser
opens the next by itself). Each look is a short read of its own; however many pages are open, what waits is counted at
most every two seconds. A connection ends with its session, and its requests do not keep the session alive.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response, StreamingResponse
from starlette.concurrency import run_in_threadpool

from triage.acts.people import SETTLERS, Act, Person
from triage.acts.people import may as role_may
from triage.record import Store, StoreError
from triage.record.looking import open_before, others_before
from triage.record.people import person_numbered
from triage.record.sessions import session_of
from triage.record.waiting import Waiting, waiting_now
from triage.review.guards import cookie_name, desk_of, may

router = APIRouter()
MOST, MOST_OF_ONE = 100, 8
"""Connections at once: below what the server serves at all, so that pages are never kept out by them."""
LASTS = 600.0
EVERY = 5.0
TICK = 0.25
"""Seconds: a connection's life, between two looks, between two looks whether the page is to stop."""
SHARED = 2.0


class Lookout:
    """What waits, counted for all open pages together; and how many of them there are."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: Counter[str] = Counter()
        self._seen: Waiting | None = None
        self._until = 0.0
        self.closing = False
        """Set by whoever stops the page: every connection ends within a moment."""

    def enter(self, session: str) -> bool:
        """Take a place; ``False``: there is none."""
        with self._lock:
            if self._open.total() >= MOST or self._open[session] >= MOST_OF_ONE:
                return False
            self._open[session] += 1
            return True

    def leave(self, session: str) -> None:
        """Give the place back."""
        with self._lock:
            self._open[session] -= 1
            if self._open[session] <= 0:
                del self._open[session]

    def corrected(self, count: int) -> None:
        """A page has just counted ``count``: what was seen before it and says otherwise is told to nobody any more."""
        with self._lock:
            if self._seen is not None and self._seen.count != count:
                self._seen = None

    def look(self, store: Store, token: str) -> Waiting | None:
        """What waits now; ``None``: the session is over."""
        with store.read("what waits") as tx:
            session = session_of(tx, token)
            person = person_numbered(tx, session.person_id) if session is not None else None
            if session is None or session.step or person is None or person.disabled_at is not None:
                return None
            with self._lock:
                if self._seen is not None and time.monotonic() < self._until:
                    return self._seen
            # Never under the lock: a record that is slow keeps nobody else waiting.
            seen = waiting_now(tx)
        with self._lock:
            self._seen, self._until = seen, time.monotonic() + SHARED
        return seen


@router.get("/eventi")
async def events(request: Request, person: Annotated[Person, Depends(may(Act.LOOK))]) -> Response:
    """A stream of what waits. 204 (the browser does not ask again) where too many pages are open."""
    desk = desk_of(request)
    lookout: Lookout = request.app.state.lookout
    token = request.cookies.get(cookie_name(desk), "")
    if lookout.closing or not lookout.enter(token):
        return Response(status_code=204)
    return StreamingResponse(
        _stream(lookout, desk.store, token, person),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


def _opened_by_others(store: Store, person: Person) -> list[int]:
    """The messages that this person has before them, and a colleague who may decide as well."""
    if not role_may(person.role, Act.SETTLE):
        return []
    with store.read("who else has it open") as tx:
        own = open_before(tx, person)
        return sorted({one.message_id for one in others_before(tx, own, person, SETTLERS)})


async def _stream(lookout: Lookout, store: Store, token: str, person: Person) -> AsyncIterator[str]:
    try:
        yield f"retry: {int(EVERY * 1000)}\n\n"
        told: Waiting | None = None
        shown = list[int]()
        ends = time.monotonic() + LASTS
        while time.monotonic() < ends:
            now = await run_in_threadpool(lookout.look, store, token)
            if now is None:
                yield "event: fine\ndata: {}\n\n"
                return
            beside = await run_in_threadpool(_opened_by_others, store, person)
            # A line that says nothing shows whether the browser is still there.
            yield f"data: {json.dumps(asdict(now))}\n\n" if now != told else ":\n\n"
            told = now
            if beside != shown:
                shown = beside
                yield f"event: anche\ndata: {json.dumps({'messages': beside})}\n\n"
            pause = time.monotonic() + EVERY
            while time.monotonic() < pause:
                if lookout.closing:
                    return
                await asyncio.sleep(TICK)
    except StoreError:
        return  # the record is away; the browser asks again
    finally:
        lookout.leave(token)
