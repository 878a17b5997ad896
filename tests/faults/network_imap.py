"""Faults between the service and its mailbox server, at each IMAP command that a run speaks."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from functools import partial

from tests.crash.harness import is_at_rest
from tests.faults.bench import Cell, Run
from tests.faults.lies import lies

COMMANDS = (
    "CAPABILITY",
    "LOGIN",
    "SELECT",
    "LIST",
    "RENAME",
    "UID SEARCH",
    "UID FETCH .*RFC822.SIZE",
    "UID FETCH .*BODY.PEEK",
    "NOOP",
    "CREATE",
    "SUBSCRIBE",
    "UID MOVE",
    "LOGOUT",
)
WITHOUT_MOVE = ("UID COPY", "UID STORE", "UID EXPUNGE")
WAITING = ("IDLE", "DONE")
SEVERAL = {"LIST": 6, "UID SEARCH": 3, "NOOP": 2, "CREATE": 3, "SUBSCRIBE": 3, "UID MOVE": 3, "UID COPY": 3}
"""Commands that come so often in an undisturbed run."""
GREETING = rb"^\* OK \[CAPABILITY"
IN_LITERAL = 900
"""Octets of the answer to FETCH after which its first literals have begun."""

Fault = Callable[[Run, bytes, int], None]

ENDLESS = b"* OK " + b"x" * 600
"""A minute of octets: far longer than any exchange may take here."""

NOISE: dict[str, bytes] = {
    "octets that are no words": b"* \x00\x00\xff\xfe\xc3\x28 \x1b[2J\r\n",
    "a wrong tag": b"ZZZZ99 OK done\r\n",
    "BYE": b"* BYE going down\r\n",
    "an endless line": b"* OK " + b"x" * 1_200_000,
    "an endless literal": b"* 1 FETCH (UID 2 BODY[] {999999999999}\r\nabc",
    "a literal of gigabytes": b"* 1 FETCH (UID 2 BODY[] {2147483648}\r\nabc",
    "a flood": b"* 5 RECENT\r\n" * 20_000,
    "a flood without measure": b"* 5 RECENT\r\n" * 250_000,
    "an alarm": b"* OK [ALERT] the disk is nearly full\r\n",
    "a lone CR": b"* OK half\rline\n",
}


def faults(*, literal: bool = False) -> dict[str, Fault]:
    """Every way in which one command can go wrong."""
    places = {"after 0 octets": 0, "after 3 octets": 3} | ({"in a literal": IN_LITERAL} if literal else {})
    made: dict[str, Fault] = {
        "cut before": lambda run, what, skip: run.proxy.cut(what, skip=skip),
        "reset before": lambda run, what, skip: run.proxy.cut(what, skip=skip, reset=True),
        "cut after": lambda run, what, skip: run.proxy.cut(what, skip=skip, where="after"),
        "reset after": lambda run, what, skip: run.proxy.cut(what, skip=skip, where="after", reset=True),
        "half a command": lambda run, what, skip: run.proxy.cut(what, skip=skip, where="within", octets=7),
        "stalled": lambda run, what, skip: run.proxy.stall(what, math.inf, side="client", skip=skip),
        "trickling": lambda run, what, skip: run.proxy.trickle(what, 0.0, skip=skip),
        "trickling without an end": lambda run, what, skip: run.proxy.disturb(what, ENDLESS, pace=0.1, skip=skip),
    }
    for place, octets in places.items():
        made[f"answer cut {place}"] = partial(_break, octets=octets)
        made[f"answer reset {place}"] = partial(_break, octets=octets, reset=True)
        made[f"silent {place}"] = partial(_break, octets=octets, holds=True)
    for name, noise in NOISE.items():
        made[f"{name} before the answer"] = partial(_disturb, noise=noise)
        made[f"{name} for an answer"] = partial(_disturb, noise=noise, instead=True)
    for word in ("NO", "BAD"):
        made[f"{word} once"] = partial(_answer, reply=f"{word} [SERVERBUG] not now".encode())
    made["NO, try later"] = partial(_answer, reply=b"NO [UNAVAILABLE] temporary failure")
    made["NO, in use"] = partial(_answer, reply=b"NO [INUSE] mailbox is locked")
    return made


def _break(run: Run, what: bytes, skip: int, *, octets: int, reset: bool = False, holds: bool = False) -> None:
    run.proxy.break_answer(what, octets, reset=reset, holds=holds, skip=skip)


def _disturb(run: Run, what: bytes, skip: int, *, noise: bytes, instead: bool = False) -> None:
    run.proxy.disturb(what, noise, instead=instead, skip=skip)


def _answer(run: Run, what: bytes, skip: int, *, reply: bytes) -> None:
    run.proxy.answer(what, reply, skip=skip)


def cells() -> list[Cell]:
    """The whole matrix of the mailbox's network."""
    found = [
        Cell(f"{command} {name}", partial(_spoil, command=command, fault=fault))
        for command in COMMANDS
        for name, fault in faults(literal="BODY" in command).items()
    ]
    found += [
        Cell(f"{command} {name}", partial(_spoil, command=command, fault=fault), "without MOVE", copies_move=False)
        for command in WITHOUT_MOVE
        for name, fault in faults().items()
    ]
    found += [
        Cell(f"{command} {name}", partial(_spoil_waiting, command=command, fault=fault))
        for command in WAITING
        for name, fault in faults().items()
        if not (command == "DONE" and name.startswith(("NO", "BAD", "half")))
    ]
    return found + _greetings() + lies()


def _spoil(run: Run, *, command: str, fault: Fault) -> None:
    fault(run, pattern(command), run.dice.randrange(SEVERAL.get(command, 1)))
    run.first()
    run.hit = not run.proxy.unused


def pattern(command: str) -> bytes:
    start = rb"^(?:[A-Z]+\d+ )?"
    return start + command.encode() if "." in command else start + re.escape(command).encode() + rb"(?: |$)"


def _spoil_waiting(run: Run, *, command: str, fault: Fault) -> None:
    """IDLE and DONE are spoken by a worker that stays."""
    fault(run, pattern(command), run.dice.randrange(3))
    pid = run.start("worker")
    store = run.case.open_store()
    try:
        limit = time.monotonic() + 25
        while time.monotonic() < limit and not (not run.proxy.unused and is_at_rest(store)):
            time.sleep(0.05)
    finally:
        store.close()
        run.case.end(pid)
    code = run.nursery.wait(pid)
    if code != 0:
        run.findings.blame(f"the worker ended with {code} when it was told to")
    run.hit = not run.proxy.unused


def _greetings() -> list[Cell]:
    made: dict[str, Callable[[Run], None]] = {
        "cut before": lambda run: run.proxy.cut(GREETING, side="server"),
        "reset before": lambda run: run.proxy.cut(GREETING, side="server", reset=True),
        "cut within": lambda run: run.proxy.cut(GREETING, side="server", where="within", octets=4),
        "reset within": lambda run: run.proxy.cut(GREETING, side="server", where="within", octets=4, reset=True),
        "cut after": lambda run: run.proxy.cut(GREETING, side="server", where="after"),
        "stalled": lambda run: run.proxy.stall(GREETING, math.inf),
        "BYE": lambda run: run.proxy.rewrite(_greet(b"* BYE too many connections")),
        "no words": lambda run: run.proxy.rewrite(_greet(b"\x00\xff\xfe")),
        "another protocol": lambda run: run.proxy.rewrite(_greet(b"220 smtp.example.org ESMTP")),
        "an endless line": lambda run: run.proxy.rewrite(_greet(b"* OK " + b"x" * 1_200_000)),
        "refused": lambda run: run.proxy.stop(),
    }

    def spoil(run: Run, arrange: Callable[[Run], None]) -> None:
        arrange(run)
        run.first()
        run.hit = not run.proxy.unused
        run.proxy.start()

    return [Cell(f"greeting {name}", partial(spoil, arrange=arrange)) for name, arrange in made.items()]


def _greet(line: bytes) -> Callable[[bytes], bytes | None]:
    return lambda said: line if re.match(GREETING, said) else None
