"""A record with forwards in the draw, made by the functions that the service itself uses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.record.builders import a_decision, a_mailbox, claim, forward_of, held, planned, receive, rows_of
from triage.record import Store
from triage.record.decisions import Settlement, record_decisions
from triage.record.identity import secret_of
from triage.record.messages import MessageRow
from triage.record.samples import note_draw, progress_of
from triage.rules import Rules
from triage.sampling import draw
from triage.vocabulary import Action, Decision, DispatchKind, Reason

LETTER = (
    "From: Anna Rossi <anna.rossi@example.com>\r\nTo: ufficio@example.org\r\nSubject: Corso per genitori\r\n"
    "Date: Thu, 26 Nov 2026 08:00:00 +0000\r\nMessage-ID: <{number}@example.com>\r\n"
    "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    "Buongiorno, abito a Crema e vorrei sapere se ci sono ancora posti nel corso per neogenitori.\r\n"
    "Grazie, Anna ({number})\r\n"
)
PROPOSED = Reason("modo_proposta", {"project": "crema"})


def letters(first: int, count: int) -> list[bytes]:
    """So many letters, each of its own."""
    return [LETTER.format(number=number).encode() for number in range(first, first + count)]


def forwarded(store: Store, rules: Rules, count: int, project: str = "crema", confidence: float = 0.99) -> list[int]:
    """That many automatic forwards of a project, with their part in the draw; the messages' ids."""
    return _decided(store, rules, count, lambda row: _forward(row, project, confidence))


def proposed(store: Store, rules: Rules, count: int, project: str = "crema") -> list[int]:
    """That many messages that wait for a person's yes alone."""
    decision = replace(_forward_decision(project, 0.99), action=Action.HOLD, reasons=(PROPOSED,))
    return _decided(store, rules, count, lambda row: replace(held(row, "modo_proposta"), decision=decision))


def _decided(store: Store, rules: Rules, count: int, settle: Callable[[MessageRow], Settlement]) -> list[int]:
    box = a_mailbox(store, "generale")
    keys = receive(store, box, letters(1 + len(rows_of(store)), count))
    for _ in range(0, count, 100):
        rows = claim(store)
        with store.write("decide") as tx:
            settlements = [settle(row) for row in rows]
            record_decisions(tx, settlements)
            again = [row.id for row in rows if row.generation]
            note_draw(tx, draw(secret_of(tx), rules, progress_of(tx), settlements), again)
    return keys


def _forward_decision(project: str, confidence: float) -> Decision:
    return a_decision(
        destination=project,
        territory=project,
        project=project,
        confidence=confidence,
        forward_path=f"{project}@example.org",
    )


def _forward(row: MessageRow, project: str, confidence: float) -> Settlement:
    plan = replace(planned(DispatchKind.FORWARD, f"{project}@example.org"), project=project)
    return replace(forward_of(row), decision=_forward_decision(project, confidence), dispatches=(plan,))
