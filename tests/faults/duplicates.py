"""Mail that comes twice, in every way that mail comes twice, while the worker is killed at a crash point.

Same octets: one forward, the second appearance is shown to a person. Anything else is a message of
its own, whatever its Message-ID says, because a Message-ID identifies nothing alone.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import partial

import sqlalchemy as sa

from tests.crash.harness import is_at_rest, let_time_pass
from tests.crash.inbox import CREMA, WRITTEN, End, Letter
from tests.faults.bench import Cell, Run
from tests.servers.mail import make_mail
from triage.record.octets import digest
from triage.record.tables import dispatches, messages
from triage.vocabulary import DispatchKind, MessageState

POINTS = ("after commit listed", "after commit received", "after commit dispatch", "smtp accepted", "imap moved")
ASKS = "Buongiorno,\nabito a Crema e vorrei sapere che orari fate il sabato. Grazie.\ncanarino-corpo"


def _mail(number: int, body: str = ASKS, message_id: str | None = "") -> bytes:
    address = f"canarino-mittente.{number}@example.com"
    return make_mail(
        f"{body}\n",
        subject="canarino-oggetto",
        author=f"Anna Esempio <{address}>",
        return_path=address,
        message_id=message_id,
        date=WRITTEN + timedelta(minutes=1),
    )


def pairs() -> dict[str, tuple[bytes, bytes]]:
    """Two deliveries each, by what they have in common."""
    other = ASKS.replace("il sabato", "la domenica")
    same = _mail(40, message_id="<doppio.1@example.com>")
    return {
        "the same octets": (same, same),
        "one Message-ID, two bodies": (
            _mail(41, message_id="<doppio.2@example.com>"),
            _mail(41, other, "<doppio.2@example.com>"),
        ),
        "one Message-ID, two authors": (
            _mail(42, message_id="<doppio.3@example.com>"),
            _mail(43, message_id="<doppio.3@example.com>"),
        ),
        "no Message-ID, two bodies": (_mail(44, message_id=None), _mail(44, other, None)),
        "one body, two Message-IDs": (
            _mail(45, message_id="<doppio.4@example.com>"),
            _mail(45, message_id="<doppio.5@example.com>"),
        ),
    }


def cells() -> list[Cell]:
    """Every pair, with a kill at every point."""
    return [
        Cell(f"{name}, killed {point}", partial(_spoil, pair=pair, point=point), touched=True)
        for name, pair in pairs().items()
        for point in POINTS
    ]


def _spoil(run: Run, *, pair: tuple[bytes, bytes], point: str) -> None:
    case = run.case
    for octets in pair:
        uid = case.dovecot.deliver(case.user, octets)
        run.more[uid] = Letter(octets, End.FORWARDED, CREMA, acknowledged=True)
    code = run.once({"TRIAGE_CRASH_AT": point})
    run.hit = code != 0
    store = case.open_store()
    for _ in range(4):
        let_time_pass(store)
        if run.once() == 0 and is_at_rest(store):
            break
    query = (
        sa.select(messages.c.sha256)
        .join_from(dispatches, messages, dispatches.c.message_id == messages.c.id)
        .where(dispatches.c.kind == DispatchKind.FORWARD)
    )
    with store.read("forwards") as tx:
        forwards = Counter(tx.execute(query).scalars())
        found = tx.execute(sa.select(messages.c.sha256, messages.c.state)).all()
    rows = Counter(key for key, _ in found)
    held = Counter(key for key, state in found if state == MessageState.HELD)
    store.close()
    for octets, count in Counter(pair).items():
        if rows[digest(octets)] != count:
            run.findings.lose(f"{count} deliveries have {rows[digest(octets)]} rows")
        made, waiting = forwards[digest(octets)], held[digest(octets)]
        if made > 1 or made + waiting != count:
            run.findings.blame(f"{count} deliveries of the same octets made {made} forwards, {waiting} are held")
