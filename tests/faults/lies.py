"""A mailbox server that answers in good form and says what is not so: octets that lack, UIDs left out or made up."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tests.faults.bench import Cell, Run, letters_of

FETCH = rb"UID FETCH .*BODY.PEEK\[\]"
SEARCH = rb"UID SEARCH UID \d+:\*"


def _header(octets: bytes) -> bytes:
    return octets.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"


GIVEN: dict[str, Callable[[bytes], bytes]] = {
    "an empty literal": lambda _octets: b"",
    "one octet": lambda octets: octets[:1],
    "the header section only": _header,
    "half of each": lambda octets: octets[: len(octets) // 2],
    "each 18 octets shorter": lambda octets: octets[:-18],
}
"""What comes for all letters, once and twice: at once when asked again, too. Then what is seen to be cut is held."""
NAMED = {
    "the middle left out": "2 3 9",
    "the beginning left out": "9",
    "the end left out": "2 3",
    "every second left out": "3 5 7 9",
    "all left out": "",
    "a UID made up": "2 3 5000",
    "a UID made up alone": "5000",
    "a UID after which none is possible": "4294967295",
    "a UID beyond 32 bits": "2 99999999999",
}


def lies() -> list[Cell]:
    """Every lie, told once; that of lacking octets also to whoever asks a second time."""
    told = [
        Cell(f"UID FETCH gives {name}{', twice' if times > 1 else ''}", partial(_give, change=change, times=times))
        for name, change in GIVEN.items()
        for times in (1, 2)
        # A little that is missing twice is the letter: sizes are often stated by guess.
        if not (times > 1 and "18" in name)
    ]
    return told + [Cell(f"UID SEARCH with {name}", partial(_name, uids=uids)) for name, uids in NAMED.items()]


def _give(run: Run, *, change: Callable[[bytes], bytes], times: int) -> None:
    said = []
    for uid, letter in letters_of(run.case).items():
        given = change(letter.octets)
        said.append(b"* %d FETCH (UID %d BODY[]<0> {%d}\r\n%b)\r\n" % (uid, uid, len(given), given))
    run.proxy.answer(FETCH, b"".join(said) + b"OK done", times=times)
    run.first()
    run.hit = not run.proxy.unused


def _name(run: Run, *, uids: str) -> None:
    run.proxy.answer(SEARCH, f"* SEARCH {uids}".rstrip().encode() + b"\r\nOK done")
    run.first()
    run.hit = not run.proxy.unused
