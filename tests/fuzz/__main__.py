"""``python -m tests.fuzz [libFuzzer options] [folders]``: octets made by coverage are read, forwarded and answered.

Each input is one message. It is a finding when reading raises, a claim of ``tests.hostile.claims``
does not hold, or one input takes more than two seconds of the processor. Needs the extra ``fuzz``.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterable
from typing import cast

import atheris

with atheris.instrument_imports(
    include=["triage.parse", "triage.dispatch", "triage.decide", "triage.hand_backs", "triage.rules.addresses"]
):
    from tests.hostile.claims import check_all

SECONDS = 2.0


class TooSlowError(AssertionError):
    """One input took longer than any message may."""


def try_one(octets: bytes) -> None:
    """One input of the fuzzer."""
    started = time.thread_time()
    check_all(octets)
    if time.thread_time() - started > SECONDS:
        raise TooSlowError(f"{time.thread_time() - started:.1f} s for {len(octets)} octets")


def main(options: Iterable[str]) -> None:
    """Run libFuzzer with its own options; it ends at a finding, or when its runs or its time are used up."""
    logging.disable(logging.CRITICAL)
    # By the first word libFuzzer starts itself again when it merges.
    cast(Callable[..., None], atheris.Setup)([f"{sys.executable} -m tests.fuzz", *options], try_one)
    cast(Callable[[], None], atheris.Fuzz)()


if __name__ == "__main__":
    main(sys.argv[1:])
