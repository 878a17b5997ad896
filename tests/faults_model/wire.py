"""The model SMTP server behind the dispatch stage's pool: it answers as told, and remembers what it took.

A connection is handed to the stage where a real one would be; what it says is what :class:`Connection` makes of a
server's answer. One that is told :data:`SAID_NOTHING` breaks after DATA: whether it took the message only it knows.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from tests.faults_model.fate import Fate
from triage.clock import Clock
from triage.dispatch.compose import Outgoing
from triage.dispatch.forwards import Offer
from triage.dispatch.pool import Pool
from triage.dispatch.submit import Connection
from triage.settings import Submission
from triage.vocabulary import AttemptOutcome, SubmissionResult

_CODE = re.compile(rb"\(?\[?([0-9A-Z]{2,13}-[0-9A-Z]{8})\]?")


@dataclass(frozen=True, slots=True)
class _Said:
    result: SubmissionResult
    taken: bool


class Answer(Enum):
    """What the server does with one message."""

    OK = _Said(SubmissionResult(AttemptOutcome.ACCEPTED, "data", 250, "2.0.0", "2.0.0 taken"), taken=True)
    GREY = _Said(SubmissionResult(AttemptOutcome.TRANSIENT, "rcpt", 450, "4.2.0", "4.2.0 later"), taken=False)
    BUSY = _Said(SubmissionResult(AttemptOutcome.TRANSIENT, "data", 451, "4.3.0", "4.3.0 busy"), taken=False)
    CUT = _Said(SubmissionResult(AttemptOutcome.TRANSIENT, "rcpt", text="SMTPServerDisconnected"), taken=False)
    NOBODY = _Said(SubmissionResult(AttemptOutcome.PERMANENT, "rcpt", 550, "5.1.1", "5.1.1 unknown"), taken=False)
    REFUSED = _Said(SubmissionResult(AttemptOutcome.PERMANENT, "data", 554, "5.6.0", "5.6.0 content"), taken=False)
    TAKEN_IN_SILENCE = _Said(SubmissionResult(AttemptOutcome.UNKNOWN, "data", text="SMTPTimeoutError"), taken=True)
    LOST_IN_SILENCE = _Said(SubmissionResult(AttemptOutcome.UNKNOWN, "data", text="SMTPTimeoutError"), taken=False)


SAID_NOTHING = (Answer.TAKEN_IN_SILENCE, Answer.LOST_IN_SILENCE)


@dataclass(frozen=True, slots=True)
class Handed:
    """One message that was given to the server."""

    rfc_message_id: str
    to: str
    octets: bytes
    answer: Answer
    worker: str
    at: datetime

    @property
    def taken(self) -> bool:
        return self.answer.value.taken

    @property
    def code(self) -> str:
        """The case code in its subject."""
        found = _CODE.search(re.search(rb"^Subject:(.*(?:\r\n[ \t].*)*)", self.octets, re.MULTILINE)[1])  # type: ignore[index]
        return found[1].decode("ascii") if found else ""


class ModelSmtp:
    """The server. ``told`` are the answers to the next messages; what comes after them is accepted."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.told: deque[Answer] = deque()
        self.handed: list[Handed] = []
        self.before: Callable[[str, str, str], None] = lambda _worker, _message_id, _to: None

    def take(self, worker: str, outgoing: Outgoing) -> SubmissionResult:
        """Deal with one message."""
        found = re.search(rb"^Message-ID: *(<[^>\r\n]+>)", outgoing.octets, re.MULTILINE)
        assert found is not None
        name = found[1].decode("ascii")
        self.before(worker, name, outgoing.forward_path)
        answer = self.told.popleft() if self.told else Answer.OK
        octets = outgoing.octets
        self.handed.append(Handed(name, outgoing.forward_path, octets, answer, worker, self._clock.now()))
        return answer.value.result


class ModelPool(Pool):
    """The connections of one worker to the model server."""

    def __init__(self, submission: Submission, smtp: ModelSmtp, worker: str, fate: Fate) -> None:
        super().__init__(submission)
        self._connection = ModelConnection(submission, smtp, worker, fate)
        self._fate = fate
        self.offer = Offer(eight_bit=True, utf8=True)

    async def ensure(self) -> None:
        """It is always there."""

    @asynccontextmanager
    async def connection(self, *, urgent: bool = False) -> AsyncIterator[Connection]:
        """A connection at once, ``urgent`` or not; a worker may die or stand still before it has one."""
        del urgent
        self._fate.reach()
        yield self._connection


class ModelConnection(Connection):
    """One connection that never closes."""

    def __init__(self, submission: Submission, smtp: ModelSmtp, worker: str, fate: Fate) -> None:
        super().__init__(submission)
        self._smtp = smtp
        self._worker = worker
        self._fate = fate

    async def submit(self, outgoing: Outgoing) -> SubmissionResult:
        """Hand it over; the worker may die or stand still once the server has it."""
        result = self._smtp.take(self._worker, outgoing)
        self._fate.reach()
        return result
