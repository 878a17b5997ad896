"""The invariants where numbers are void: after a colleague's acts and a rebuilt mailbox, told by octets alone.

A colleague may take a letter out of the inbox at any moment; what is then hers is the service's no
more. All else holds as ever: each letter is forwarded at most once to a recipient unless an outcome
was unknown, acknowledged at most once, held or filed or hers, and never lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from tests.crash.harness import Case
from tests.crash.inbox import End, Letter
from tests.crash.invariants import (
    Findings,
    Scene,
    check_answers,
    check_moves_of,
    check_record,
    check_stored,
    check_wire,
    check_words,
    look,
)
from triage.record.octets import digest
from triage.vocabulary import DispatchState, MessageState

OVER = frozenset(
    {MessageState.FILED, MessageState.HELD, MessageState.VANISHED, MessageState.BASELINE, MessageState.MATCHED}
)
"""States in which nothing more happens by itself."""
EXPUNGED = 1
"""Letters that a colleague may remove for good in one run."""


def check_by_octets(case: Case, letters: Mapping[int, Letter]) -> Findings:
    """Everything that must hold whatever a colleague did."""
    found = Findings()
    store = case.open_store()
    with store.read("invariants") as tx:
        scene = look(tx, case.dovecot, case.spool, case.user, case.webhook.bodies)
        check_record(tx, store, found)
        check_words(tx, case.said, found)
    store.close()
    check_stored(scene, found)
    check_moves_of(scene, found)
    check_wire(scene, found)
    # Of two with the same octets, the one that is forwarded.
    by_digest = {digest(letter.octets): letter for letter in sorted(letters.values(), key=lambda one: one.to)}
    of_row = {row["id"]: by_digest.get(row["sha256"]) for row in scene.rows}
    check_answers(scene, lambda message: of_row[message] or next(iter(letters.values())), found)
    _check_rows(scene, found)
    _check_letters(scene, letters, found)
    return found


def _check_rows(scene: Scene, found: Findings) -> None:
    for row in scene.rows:
        if row["state"] not in OVER:
            found.lose(f"message {row['id']} stays {row['state']}")
        sends = [send for send in scene.sends if send["message_id"] == row["id"] and send["kind"] == "forward"]
        if (
            row["state"] == MessageState.FILED
            and sends
            and not any(s["state"] == DispatchState.ACCEPTED for s in sends)
        ):
            found.blame(f"message {row['id']} is filed without an accepted forward")


def _check_letters(scene: Scene, letters: Mapping[int, Letter], found: Findings) -> None:
    """Each letter still lies on the server (but for those expunged), or has left for its centre; none went twice."""
    there: Counter[str] = sum(scene.folders.values(), Counter())
    missing = 0
    for key in {digest(letter.octets) for letter in letters.values()}:
        known = [row for row in scene.rows if row["sha256"] == key]
        missing += not there[key]
        if not there[key] and not known:
            continue  # expunged before it was read: counted above
        in_inbox = scene.folders.get("INBOX", Counter())[key]
        waits = [row for row in known if row["state"] == MessageState.HELD]
        is_old = any(letter.end is End.BASELINE and digest(letter.octets) == key for letter in letters.values())
        if in_inbox and not is_old and not waits:
            found.lose(f"a letter lies in the inbox and nobody is told of it (messages {[row['id'] for row in known]})")
    if missing > EXPUNGED:
        found.lose(f"{missing} letters are no longer on the server")
