"""Every message of the corpus is read as its case says, in bounded time and memory, and what we then send is safe."""

from __future__ import annotations

import hashlib
import time
import tracemalloc
from collections import Counter
from pathlib import Path

import pytest

from tests.corpus import writing
from tests.corpus.cases.making import Case
from tests.hostile.claims import ask_gate, check_acknowledgement, check_forward, decide_about, read
from tests.hostile.facts import differences
from triage.parse import parse

SECONDS = 2.0
TIMES = 4
FIXED = 2 << 20
"""Octets of memory beside those in proportion to the message: its text may cost more than the message weighs."""
MESSAGES = [(group, case) for group in writing.groups() for case in group.cases]
NAMES = [f"{group.name}/{case.name}" for group, case in MESSAGES]
OLDER = sorted((writing.FOLDER / "parse").glob("*.eml"))


def octets_of(group: writing.Group, case: Case) -> bytes:
    return group.path(case).read_bytes()


@pytest.mark.parametrize(("group", "case"), MESSAGES, ids=NAMES)
def test_message_is_read_as_its_case_says(group: writing.Group, case: Case) -> None:
    assert differences(case, octets_of(group, case)) == []


@pytest.mark.parametrize(("group", "case"), MESSAGES, ids=NAMES)
def test_message_costs_under_two_seconds_and_four_times_its_memory(group: writing.Group, case: Case) -> None:
    octets = octets_of(group, case)
    started = time.thread_time()
    parse(octets)
    assert time.thread_time() - started < SECONDS
    tracemalloc.start()
    try:
        parse(octets)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < TIMES * len(octets) + FIXED


@pytest.mark.parametrize("eight_bit", [False, True], ids=["7bit", "8bitmime"])
@pytest.mark.parametrize(("group", "case"), MESSAGES, ids=NAMES)
def test_forward_has_the_fields_we_meant_and_the_original_unchanged(
    group: writing.Group, case: Case, eight_bit: bool
) -> None:
    octets = octets_of(group, case)
    check_forward(octets, read(octets), eight_bit=eight_bit)


@pytest.mark.parametrize("path", OLDER, ids=lambda path: path.stem)
def test_older_messages_are_forwarded_as_safely(path: Path) -> None:
    octets = path.read_bytes()
    check_forward(octets, read(octets), eight_bit=True)


@pytest.mark.parametrize(("group", "case"), MESSAGES, ids=NAMES)
def test_acknowledgement_holds_what_we_meant_where_one_may_leave(group: writing.Group, case: Case) -> None:
    message = read(octets_of(group, case))
    verdict = ask_gate(message, decide_about(message))
    assert verdict.allowed == bool(verdict.forward_path) == (not case.against)
    if verdict.allowed:
        assert verdict.forward_path == message.reverse_path
        check_acknowledgement(message, verdict)


# --------------------------------------------------------------------------- the corpus itself


def test_there_are_three_hundred_messages_and_no_two_are_alike() -> None:
    assert len(MESSAGES) >= 300
    digests = Counter(hashlib.sha256(octets_of(group, case)).hexdigest() for group, case in MESSAGES)
    assert max(digests.values()) == 1


def test_files_are_those_that_the_cases_make_octet_by_octet() -> None:
    """Nobody, and no tool, has changed a line end."""
    assert [
        name for name, (group, case) in zip(NAMES, MESSAGES, strict=True) if octets_of(group, case) != case.octets
    ] == []
    written = {group.path(case) for group, case in MESSAGES}
    ours = {path for group in writing.groups() for path in (writing.FOLDER / group.name).glob("*")}
    assert ours == written


def test_readme_says_why_each_message_exists() -> None:
    assert writing.README.read_text("utf-8") == writing.readme()


def test_addresses_of_the_corpus_are_invented() -> None:
    """Reserved domains only: what is sent to by mistake reaches nobody (RFC 2606)."""
    allowed = (".example", ".test", ".localhost", ".invalid")
    foreign = {
        address.addr_spec
        for group, case in MESSAGES
        if (message := parse(octets_of(group, case)))
        for address in (message.author, *message.authors, *message.recipients, *message.reply_to)
        if "." in address.addr_spec.rpartition("@")[2] and not address.addr_spec.endswith(allowed)
    }
    assert {address for address in foreign if not address.endswith("]") and "fam" not in address} == set()
