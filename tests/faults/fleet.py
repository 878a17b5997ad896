"""Four workers on eight mailboxes, killed, stopped past their lease, woken and begun anew at the dice's word.

A :class:`Storm` is one such time with one seed; afterwards all workers run undisturbed until nothing is left to do,
and everything that must hold is asked of the record, all mailboxes and the SMTP server's spool.
"""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from tests.crash.harness import bring_forward, is_at_rest
from tests.crash.inbox import CREMA, MANTOVA, End, Letter
from tests.crash.invariants import (
    Findings,
    Row,
    Scene,
    check_answers,
    check_moves_of,
    check_record,
    check_stored,
    check_wire,
    check_words,
    look,
)
from tests.crash.notices import begin_troubles, end_leases, go_on_with_troubles, let_an_hour_pass
from tests.fleet.harness import House, until
from tests.servers.mail import make_mail
from triage.dispatch.notice_stage import LEASE as NOTICE_LEASE
from triage.record.octets import digest
from triage.record.tables import audit, dispatches, messages
from triage.vocabulary import DispatchState, MessageState

WORKERS = ("uno", "due", "tre", "quattro")
BOXES = tuple(f"sportello{number}" for number in range(1, 9))
LEASE = 4.0
"""Seconds. With two a busy machine loses leases that nobody slept past, and then only repeats what it did."""
PAUSES = (1.2 * LEASE, 2.5 * LEASE)
"""Seconds for which a worker is stopped: always past its lease."""
_KINDS: tuple[tuple[str, End, str], ...] = (
    ("abito a Crema e vorrei sapere che orari fate il sabato. Grazie.", End.FORWARDED, CREMA),
    ("abito a Mantova e vorrei sapere che orari fate il sabato. Grazie.", End.FORWARDED, MANTOVA),
    ("abito a Crema e vorrei sapere come iscrivermi al gruppo per genitori.", End.FORWARDED, CREMA),
    ("vorrei sapere che orari fate il sabato. Grazie.", End.HELD, ""),
)
_MOVING = (MessageState.LISTED, MessageState.RECEIVED, MessageState.DECIDED, MessageState.FORWARDED)
_OVER = frozenset({MessageState.FILED, MessageState.HELD, MessageState.MATCHED, MessageState.QUARANTINED})
_SEEN = {"esito_ignoto": "held, outcome unknown", "tre_interruzioni": "quarantined, three workers died"}
"""Put before a person because of the storm itself: nobody knows whether a forward arrived, and it was sent twice more;
or the message was in hand each time when three workers were killed, and might be what killed them."""


_NO_DIGITS = str.maketrans("0123456789", "bcdfghjklm")
STILL = 60.0
"""Seconds in which nothing at all happens, after which what is left is stuck."""
LONGEST = 180.0
"""Seconds until everything must be done: workers of the nursery live for five minutes."""


def letter(number: int, dice: random.Random) -> Letter:
    """A letter like no other; its words are of the dice's choice."""
    body, end, to = dice.choice(_KINDS)
    # In letters: 118 and 112 are telephone numbers that the service knows, 26013 is a place.
    # Seven of them: two or three may be a short form ("cc") that the danger head looks at twice.
    mark = f"{number:07d}".translate(_NO_DIGITS)
    author = f"canarino-mittente.f{number}@example.com"
    octets = make_mail(
        f"Buongiorno,\n{body}\ncanarino-corpo {mark}\n",
        subject=f"canarino-oggetto {mark}",
        author=f"Anna Esempio <{author}>",
        message_id=f"<fleet.{number}@example.com>",
        date=datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1),
        return_path=author,
    )
    return Letter(octets, end, to, acknowledged=bool(to))


@dataclass(slots=True)
class Storm:
    """One time of it. ``done`` counts what the dice did; ``letters``: what was delivered to whom."""

    house: House
    seed: int
    dice: random.Random = field(init=False)
    done: Counter[str] = field(default_factory=Counter)
    letters: list[tuple[str, Letter]] = field(default_factory=list)
    _asleep: dict[str, float] = field(default_factory=dict)
    _born: int = 0

    def __post_init__(self) -> None:
        self.dice = random.Random(f"fleet {self.seed}")  # noqa: S311 - replayed, not secret

    def blow(self, seconds: float) -> None:
        """Mail comes all the time, and every second or so something happens to a worker."""
        begin_troubles(self.house.store)
        self._fill()
        ends, strikes = time.monotonic() + seconds, time.monotonic() + 2
        while time.monotonic() < ends:
            self._wake_sleepers()
            self._deliver()
            if time.monotonic() > strikes:
                self._strike()
                self.done["trouble"] += 1
                go_on_with_troubles(self.house.store, self.done["trouble"])
                strikes = time.monotonic() + self.dice.uniform(0.2, 1.5)
            time.sleep(self.dice.uniform(0.2, 0.8))
        for name in list(self._asleep):
            self._wake(name)
        self._fill()

    def _deliver(self) -> None:
        one = letter(len(self.letters), self.dice)
        # Now and then the family has written to two mailboxes at once: one forward, one acknowledgement.
        for name in self.dice.sample(BOXES, 2 if self.dice.random() < 0.1 else 1):
            self.house.dovecot.deliver(self.house.users[name], one.octets)
            self.letters.append((name, one))

    def _strike(self) -> None:
        awake = [name for name in self.house.running if name not in self._asleep]
        act = self.dice.choice(("kill", "stop", "start", "start"))
        if act == "start" or not awake:
            self._begin()
            return
        name = self.dice.choice(awake)
        if act == "kill":
            self.house.kill(name)
        else:
            self.house.send(name, signal.SIGSTOP)
            self._asleep[name] = time.monotonic() + self.dice.uniform(*PAUSES)
        self.done[act] += 1

    def _wake_sleepers(self) -> None:
        for name in [name for name, until_when in self._asleep.items() if time.monotonic() > until_when]:
            self._wake(name)

    def _wake(self, name: str) -> None:
        del self._asleep[name]
        if self.dice.random() < 0.2:  # it never wakes
            self.house.kill(name)
            self.done["kill"] += 1
        else:
            self.house.send(name, signal.SIGCONT)

    def _begin(self) -> None:
        """One that was killed comes back: under its own name, or under one that nobody knows, as on another machine."""
        if len(self.house.running) < len(WORKERS):
            missing = [name for name in WORKERS if name not in self.house.running]
            self._born += 1
            name = self.dice.choice([*missing, f"nuovo{self._born}"])
            self.house.start(name)
            self.done["start"] += 1

    def _fill(self) -> None:
        while len(self.house.running) < len(WORKERS):
            self._begin()

    # ---------------------------------------------------------------- afterwards

    def settle(self) -> Findings:
        """Undisturbed, all is done; then every promise is looked at."""
        found = Findings()
        try:
            self._wait_until_done()
            until(lambda: sorted(self.house.reads().values()) == [2, 2, 2, 2], "each reads its part", 10 * LEASE)
        except AssertionError as error:
            found.stuck += 1
            found.blame(f"{error}; {self._left()}")
        codes = self.house.end()
        if set(codes.values()) != {0}:
            found.blame(f"the workers ended with {codes}")
        # Which of them looks next for what is to be told is minutes away: another one does, an hour later.
        let_an_hour_pass(self.house.store)
        self.house.look_once()
        self.check(found)
        return found

    def _wait_until_done(self) -> None:
        """As long as anything happens, until all is over; a busy machine may take its time."""
        ends, last, changed = time.monotonic() + LONGEST, 0, time.monotonic()
        while not self._is_done():
            with self.house.store.read("what happened") as tx:
                happened = int(tx.execute(sa.select(sa.func.max(audit.c.id))).scalar() or 0)
            if happened != last:
                last, changed = happened, time.monotonic()
            now = time.monotonic()
            assert now < changed + STILL, f"nothing has happened for {STILL:.0f} s"
            assert now < ends, f"not everything was brought to its end within {LONGEST:.0f} s"
            time.sleep(0.5)

    def _is_done(self) -> bool:
        bring_forward(self.house.store)
        with self.house.store.write("pauses of messages pass") as tx:
            # What a server refused, or another worker had in hand, is tried again after minutes.
            late = tx.now + timedelta(seconds=10)
            tx.execute(
                sa.update(messages).where(messages.c.due_at > late, messages.c.state.in_(_MOVING)).values(due_at=tx.now)
            )
            # And the leases of notices that workers took with them.
            end_leases(tx, NOTICE_LEASE - timedelta(seconds=20))
            rows = tx.execute(sa.select(sa.func.count()).select_from(messages)).scalar_one()
        return rows >= len(self.letters) and is_at_rest(self.house.store)

    def _left(self) -> dict[str, int]:
        """What there is in which state, and what is still to leave."""
        with self.house.store.read("left") as tx:
            found = Counter(tx.execute(sa.select(messages.c.state)).scalars())
            query = sa.select(dispatches.c.kind, dispatches.c.state, messages.c.state).join_from(
                dispatches, messages, dispatches.c.message_id == messages.c.id
            )
            leaving = dispatches.c.state.in_((DispatchState.PENDING, DispatchState.SUBMITTING))
            found.update(" ".join(row) for row in tx.execute(query.where(leaving)))
            return dict(found)

    def check(self, found: Findings) -> None:
        """Every promise, once nothing is left to do; changes nothing."""
        house = self.house
        with house.store.read("invariants") as tx:
            posted = house.webhook.bodies
            scene = _whole(look(tx, house.dovecot, house.spool, user, posted) for user in house.users.values())
            self.done["notices"] = len(scene.notices)
            check_record(tx, house.store, found)
            check_words(tx, house.said, found)
        check_stored(scene, found)
        check_moves_of(scene, found)
        check_wire(scene, found)
        by_digest = {digest(one.octets): one for _, one in self.letters}
        of_row = {row["id"]: row["sha256"] for row in scene.rows}
        check_answers(scene, lambda message: by_digest[of_row[message]], found)
        self._check_letters(scene, found)

    def _check_letters(self, scene: Scene, found: Findings) -> None:
        wanted = Counter(digest(one.octets) for _, one in self.letters)
        there: Counter[str] = sum(scene.folders.values(), Counter())
        for key, count in wanted.items():
            rows = [row for row in scene.rows if row["sha256"] == key]
            states = [f"{row['state']} {row['hold_reason']}".strip() for row in rows]
            if len(rows) != count:
                found.lose(f"{len(rows)} rows for {count} appearances of a letter: {states}")
            if there[key] > count and all(row["state"] == MessageState.FILED for row in rows):
                # A worker that slept within MOVE and one that moved the same message meanwhile: MOVE copies first.
                self.done["twice in its folder"] += 1
            elif there[key] != count:
                found.lose(f"a letter lies {there[key]} times on the server, delivered {count} times: {states}")
            if not all(row["state"] in _OVER for row in rows):
                found.lose(f"a letter ended as {states}")
        for key in wanted:
            self._check_end(scene, key, [row for row in scene.rows if row["sha256"] == key], found)

    def _check_end(self, scene: Scene, key: str, rows: list[Row], found: Findings) -> None:
        one = next(one for _, one in self.letters if digest(one.octets) == key)
        ids = {row["id"] for row in rows}
        forwards = [send for send in scene.sends if send["message_id"] in ids and send["kind"] == "forward"]
        went = [send for send in forwards if send["state"] == DispatchState.ACCEPTED]
        doubtful = [row for row in rows if row["hold_reason"] in _SEEN]
        self.done.update(_SEEN[row["hold_reason"]] for row in doubtful)
        if one.end is End.HELD and forwards:
            found.blame(f"a letter that waits for a person was forwarded: messages {sorted(ids)}")
        if one.end is End.FORWARDED and len(went) != 1 and not doubtful:
            states = [f"{row['state']} {row['hold_reason']}".strip() for row in rows]
            sends = [(send["state"], send["unknowns"]) for send in forwards]
            found.lose(f"a letter has {len(went)} accepted forwards: messages {sorted(ids)}, {states}, {sends}")


def _whole(scenes: Iterator[Scene]) -> Scene:
    """One scene of all mailboxes; the record and the spool are the same in each."""
    found = list(scenes)
    folders: dict[str, Counter[str]] = {}
    for scene in found:
        for name, folder in scene.folders.items():
            folders[name] = folders.get(name, Counter()) + folder
    return replace(found[0], folders=folders)


def line(storms: list[tuple[Storm, Findings]], seconds: float) -> str:
    """The published line."""
    done: Counter[str] = sum((storm.done for storm, _ in storms), Counter())
    found = [findings for _, findings in storms]
    return (
        f"fleet of {len(WORKERS)} workers on {len(BOXES)} mailboxes: {len(storms)} x {seconds:.0f} s, "
        f"{sum(len(storm.letters) for storm, _ in storms)} letters, "
        f"{done['kill']} killed, {done['stop']} stopped past the lease, {done['start']} begun, "
        f"lost: {sum(one.lost for one in found)}, "
        f"repeated forwards with unknown outcome: {sum(one.repeated_forwards for one in found)} "
        f"(held then: {done['held, outcome unknown']}), "
        f"quarantined after three kills: {done['quarantined, three workers died']}, "
        f"filed twice: {done['twice in its folder']}, "
        f"repeated acknowledgements: {sum(one.repeated_acknowledgements for one in found)}, "
        f"notices: {done['notices']}, repeated with unknown outcome: {sum(one.repeated_notices for one in found)}, "
        f"stuck: {sum(one.stuck for one in found)}"
    )
