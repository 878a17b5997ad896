"""Faults of the SMTP server and of the way to it: cut, reset, silent, garbled at each step; every refusal at each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tests.faults.bench import Cell, Run
from tests.servers.smtp_script import Step, make_reply

STEPS: tuple[Step, ...] = (
    "banner",
    "ehlo",
    "auth",
    "mail",
    "rcpt",
    "data_command",
    "data_dot",
    "after_data_dot",
    "quit",
)
OFTEN: dict[Step, int] = dict.fromkeys(("mail", "rcpt", "data_command", "mid_data", "data_dot", "after_data_dot"), 11)
"""How often a step comes in an undisturbed run: for nine dispatches and two reports. All others come at least twice."""
ORDINARY: dict[Step, bytes] = {
    "banner": b"220 sink.example.org ESMTP\r\n",
    "ehlo": make_reply(250, "sink.example.org\nPIPELINING\n8BITMIME\nSMTPUTF8\nDSN\nAUTH PLAIN LOGIN"),
    "auth": b"235 2.7.0 authenticated\r\n",
    "mail": b"250 2.1.0 ok\r\n",
    "rcpt": b"250 2.1.5 ok\r\n",
    "data_command": b"354 end with a dot\r\n",
    "after_data_dot": b"250 2.0.0 accepted\r\n",
    "quit": b"221 2.0.0 bye\r\n",
}
SILENCE = 30.0
"""Seconds of silence: far longer than the service waits here."""
BODY = {"the first octet": 1, "half": 1500}
"""Places within a body; the whole of it is ``data_dot``."""

GARBLED: dict[str, bytes] = {
    "no words": b"\x00\xff\xfe\x1b[2J\r\n",
    "a number that means nothing": b"999 what\r\n",
    "an empty line": b"\r\n",
    "an endless line": b"250 " + b"x" * 1_200_000,
    "an endless answer": b"250-and more\r\n" * 50_000,
    "two numbers in one answer": b"250-first\r\n451 second\r\n",
    "refused in octets that are no text": b"451 4.3.0 perch\xe9 \xc3\x28 no\r\n",
}
"""Answers that no server may give."""
ENDLESS = b"250-" + b"x" * 600
"""A minute of octets: far longer than an answer may take here."""
TAKEN = b"250 2.0.0 gi\xe0 preso \xc3\x28\r\n"
"""A good answer whose text is in no known charset."""

TRANSIENT = (421, 431, 450, 451, 452, 454, 455, 471)
PERMANENT = (500, 501, 502, 503, 504, 521, 523, 530, 535, 541, 550, 551, 552, 553, 554, 555, 556)
WORDS = {
    421: "4.3.2 closing, try again later",
    450: "4.2.1 mailbox busy, greylisted",
    451: "4.7.1 try again later",
    452: "4.2.2 mailbox full",
    530: "5.7.0 authentication required",
    535: "5.7.8 credentials invalid",
    550: "5.1.1 no such mailbox",
    552: "5.3.4 message too big",
    553: "5.1.3 no such name",
    554: "5.7.1 refused by policy",
}


def network() -> list[Cell]:
    """Cut, reset, silent, trickling, garbled: at each step of the dialogue and in the body."""
    found = []
    made: dict[str, Callable[[Run, int], None]]
    for step in STEPS:
        made = {
            "cut": partial(_drop, step=step),
            "reset": partial(_drop, step=step, reset=True),
            "silent": partial(_stall, step=step),
            "trickling without an end": partial(_raw, step=step, octets=ENDLESS, hang_up=True, pace=0.1),
            "half an answer, cut": partial(_raw, step=step, octets=b"2", hang_up=True),
            "half an answer, reset": partial(_raw, step=step, octets=b"25", hang_up=True, reset=True),
        }
        if step in ORDINARY:
            # A body whose reply is 250 must have been recorded: else the server itself would lose it.
            made["the answer, then cut"] = partial(_raw, step=step, octets=ORDINARY[step], hang_up=True)
            made["the answer, then reset"] = partial(_raw, step=step, octets=ORDINARY[step], hang_up=True, reset=True)
        if step not in ("data_dot", "after_data_dot"):
            for name, octets in GARBLED.items():
                made[name] = partial(_raw, step=step, octets=octets)
        if step == "after_data_dot":
            # A server that has taken a message and says that it has not breaks its word: nobody can know.
            made["taken, in octets that are no text"] = partial(_raw, step=step, octets=TAKEN)
            for name in (
                "no words",
                "a number that means nothing",
                "an empty line",
                "an endless line",
                "an endless answer",
            ):
                made[name] = partial(_raw, step=step, octets=GARBLED[name])
        else:
            bye = make_reply(421, "4.3.2 bye")
            made["421 octet by octet"] = partial(_raw, step=step, octets=bye, hang_up=True, pace=0.005)
        found += [
            Cell(f"{step} {name}", partial(_spoil, step=step, fault=fault), login=True) for name, fault in made.items()
        ]
    for name, place in BODY.items():
        made = {
            "cut": partial(_drop, step="mid_data", after_octets=place),
            "reset": partial(_drop, step="mid_data", reset=True, after_octets=place),
            "refused": partial(
                _raw, step="mid_data", octets=make_reply(451, "4.3.0 no"), hang_up=True, after_octets=place
            ),
        }
        found += [
            Cell(f"body {word} at {name}", partial(_spoil, step="mid_data", fault=fault), login=True)
            for word, fault in made.items()
        ]
    return found


def answers() -> list[Cell]:
    """Every refusal at every command: once in a run, and always until the server is mended."""
    found = []
    for step in (*STEPS[:-2], "quit"):
        for code in TRANSIENT + PERMANENT:
            for times in (1, None):
                found.append(
                    Cell(
                        f"{code} at {step} {'once' if times else 'always'}",
                        partial(_spoil, step=step, fault=partial(_refuse, step=step, code=code, times=times)),
                        refusals=code >= 500,
                        login=True,
                    )
                )
    return found


def _spoil(run: Run, *, step: Step, fault: Callable[[Run, int], None]) -> None:
    fault(run, run.dice.randrange(OFTEN.get(step, 1)))
    run.first()
    run.hit = run.case.sink.met > 0


def _raw(
    run: Run,
    skip: int,
    *,
    step: Step,
    octets: bytes,
    hang_up: bool = False,
    reset: bool = False,
    pace: float = 0.0,
    after_octets: int = 1,
) -> None:
    run.case.sink.raw(
        step, octets, hang_up=hang_up, reset=reset, pace=pace, after_octets=after_octets, times=1, skip=skip
    )


def _drop(run: Run, skip: int, *, step: Step, reset: bool = False, after_octets: int = 1) -> None:
    run.case.sink.drop(step, reset=reset, after_octets=after_octets, times=1, skip=skip)


def _stall(run: Run, skip: int, *, step: Step) -> None:
    run.case.sink.stall(step, SILENCE, times=1, skip=skip)


def _refuse(run: Run, skip: int, *, step: Step, code: int, times: int | None) -> None:
    run.case.sink.answer(step, code, WORDS.get(code, f"{code // 100}.0.0 no"), times=times, skip=skip)
