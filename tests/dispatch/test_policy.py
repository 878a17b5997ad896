"""What follows from an answer, the case code, and the start-up self-test."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dispatch.builders import START
from triage.dispatch.compose import FILES, ORIGINAL
from triage.dispatch.policy import concerns_account, consequence, that_fit
from triage.dispatch.selftest import verify_composition
from triage.ids import case_code, new_message_id, read_return_tag, return_tag
from triage.record.dispatches import DispatchRow
from triage.rules.acknowledgements import LONGEST_TAG
from triage.vocabulary import AttemptOutcome, DispatchKind, DispatchState, SubmissionResult

A, T, P, U = AttemptOutcome.ACCEPTED, AttemptOutcome.TRANSIENT, AttemptOutcome.PERMANENT, AttemptOutcome.UNKNOWN
PENDING, FAILED = DispatchState.PENDING, DispatchState.FAILED
FORWARD, ACK, NOTICE = DispatchKind.FORWARD, DispatchKind.ACKNOWLEDGEMENT, DispatchKind.NOTICE
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)

ROW = DispatchRow(
    id=1,
    message_id=1,
    generation=1,
    case_id=1,
    kind=FORWARD,
    project="nord",
    address_key="default",
    forward_path="nord@nord.example",
    rfc_message_id="<1@agency.example>",
    state=DispatchState.SUBMITTING,
    neutral=False,
    asks=None,
    created_at=START,
    due_at=START,
    attempts=0,
    unknowns=0,
    left_out=0,
    lease_epoch=1,
    message_state="decided",
    message_generation=1,
    mailbox_id=1,
    sha256=None,
    size=1,
    present_at=None,
    gone_at=None,
)

TABLE = [
    # kind, outcome, stage, attempts before, unknowns before, age -> state, pause, reason of holding
    (FORWARD, A, "data", 0, 0, 0 * DAY, DispatchState.ACCEPTED, 0, ""),
    (FORWARD, A, "data", 9, 2, 9 * DAY, DispatchState.ACCEPTED, 0, ""),
    (FORWARD, T, "rcpt", 0, 0, 0 * DAY, PENDING, 1, ""),
    (FORWARD, T, "rcpt", 1, 0, 1 * MINUTE, PENDING, 5, ""),
    (FORWARD, T, "rcpt", 2, 0, 6 * MINUTE, PENDING, 15, ""),
    (FORWARD, T, "rcpt", 4, 0, 51 * MINUTE, PENDING, 60, ""),
    # Late, because everything stood still: the pauses still begin with the shortest.
    (FORWARD, T, "rcpt", 0, 0, 2 * DAY, PENDING, 1, ""),
    # A person has just sent it again: neither the pauses nor the days of before count.
    (FORWARD, T, "rcpt", 50, 0, 0 * DAY, PENDING, 1, ""),
    (FORWARD, T, "rcpt", 50, 0, 5 * DAY, PENDING, 360, ""),
    (FORWARD, T, "rcpt", 50, 0, 5 * DAY + MINUTE, FAILED, 0, "inoltro_scaduto"),
    (FORWARD, T, "connect", 50, 0, 9 * DAY, PENDING, 1, ""),
    (FORWARD, P, "mail", 0, 0, 0 * DAY, FAILED, 0, "inoltro_rifiutato"),
    (FORWARD, U, "data", 0, 0, 0 * DAY, PENDING, 1, ""),
    (FORWARD, U, "data", 5, 1, 0 * DAY, PENDING, 1, ""),
    (FORWARD, U, "data", 5, 2, 0 * DAY, FAILED, 0, "esito_ignoto"),
    (ACK, T, "rcpt", 0, 0, 0 * DAY, PENDING, 1, ""),
    (ACK, T, "rcpt", 9, 0, 6 * DAY, FAILED, 0, ""),
    (ACK, P, "rcpt", 0, 0, 0 * DAY, FAILED, 0, ""),
    (ACK, U, "data", 0, 0, 0 * DAY, DispatchState.UNKNOWN, 0, ""),
    (NOTICE, T, "rcpt", 0, 0, 0 * DAY, PENDING, 1, ""),
    (NOTICE, U, "data", 0, 0, 0 * DAY, PENDING, 1, ""),
    (NOTICE, U, "data", 0, 2, 0 * DAY, FAILED, 0, ""),
    (NOTICE, P, "rcpt", 0, 0, 0 * DAY, FAILED, 0, ""),
]


@pytest.mark.parametrize(
    ("kind", "outcome", "stage", "attempts", "unknowns", "age", "state", "minutes", "reason"), TABLE
)
def test_what_follows_from_an_answer(
    kind: DispatchKind,
    outcome: AttemptOutcome,
    stage: str,
    attempts: int,
    unknowns: int,
    age: timedelta,
    state: DispatchState,
    minutes: int,
    reason: str,
) -> None:
    now = START + age
    row = replace(ROW, kind=kind, attempts=attempts, unknowns=unknowns)
    found = consequence(row, SubmissionResult(outcome, stage), now)
    assert (found.state, found.due_at - now, found.hold_reason) == (state, timedelta(minutes=minutes), reason)


ACCOUNTS = [
    # kind, stage, code, enhanced status, whether it is the account's trouble
    (FORWARD, "mail", 530, "5.7.0", True),
    (FORWARD, "rcpt", 530, "", True),
    (ACK, "mail", 535, "5.7.8", True),
    (FORWARD, "mail", 550, "5.7.1", True),
    (FORWARD, "mail", 550, "", True),
    (FORWARD, "mail", 553, "5.1.8", True),
    (FORWARD, "mail", 550, "5.1.1", False),
    (FORWARD, "mail", 552, "5.3.4", False),
    (FORWARD, "mail", 552, "", False),
    (FORWARD, "mail", 555, "5.5.4", False),
    (FORWARD, "rcpt", 550, "5.7.1", False),
    (FORWARD, "data", 554, "5.7.1", False),
    (ACK, "mail", 550, "5.7.1", False),
    (NOTICE, "mail", 550, "5.7.1", False),
]


@pytest.mark.parametrize(("kind", "stage", "code", "status", "expected"), ACCOUNTS)
def test_what_a_refusal_says_of_the_account(
    kind: DispatchKind, stage: str, code: int, status: str, expected: bool
) -> None:
    row = replace(ROW, kind=kind)
    result = SubmissionResult(P, stage, code, status)
    assert concerns_account(row, result) is expected
    assert (consequence(row, result, START, ORIGINAL).state is PENDING) is expected
    assert consequence(row, result, START + 6 * DAY, ORIGINAL).state is FAILED


def test_large_original_on_the_wire_keeps_neither_notice_nor_small_message_waiting() -> None:
    large, small, notice = (
        replace(ROW, size=40 << 20),
        replace(ROW, size=9000),
        replace(ROW, size=40 << 20, kind=NOTICE),
    )
    assert that_fit([large, large], [], 99, 16, 2) == [large]
    assert that_fit([large], [large], 99, 16, 2) == []
    assert that_fit([notice, large, small], [large], 99, 16, 2) == [notice, small]
    assert that_fit([notice, notice, small], [small] * 14, 99, 16, 2) == [notice, notice]
    assert that_fit([notice], [small] * 16, 99, 16, 2) == []
    assert that_fit([small] * 20, [], 3, 16, 2) == [small] * 3
    assert that_fit([small], [], 0, 16, 2) == []


# --------------------------------------------------------------------------- names that we give


SECRET = b"s" * 32


@given(st.integers(1, 2**62), st.integers(1, 2**62))
def test_a_return_tag_names_its_dispatch_and_no_other_can_be_made_from_it(number: int, other: int) -> None:
    tag = return_tag(SECRET, number)
    assert read_return_tag(SECRET, tag) == read_return_tag(SECRET, tag.upper()) == number
    assert read_return_tag(b"another secret", tag) is None
    assert len(tag) + 1 <= LONGEST_TAG
    if other != number:
        forged = return_tag(SECRET, other).split("-")[0] + "-" + tag.split("-")[1]
        assert read_return_tag(SECRET, forged) is None


@given(st.text(max_size=40))
def test_a_strangers_tag_is_none_of_ours(tag: str) -> None:
    assert read_return_tag(SECRET, tag) is None


@given(st.integers(min_value=1, max_value=10**12))
def test_case_code_is_short_and_can_be_read_aloud(case_id: int) -> None:
    code = case_code(SECRET, case_id)
    number, _, mark = code.partition("-")
    assert len(mark) == 8
    assert 2 <= len(number) <= 9
    assert not set(code) - set("23456789ABCDEFGHJKMNPQRSTUVWXYZ-")


def test_case_codes_differ_and_cannot_be_made_without_the_secret() -> None:
    codes = {case_code(SECRET, number) for number in range(1, 3000)}
    assert len(codes) == 2999
    assert case_code(SECRET, 7) == case_code(SECRET, 7)
    assert case_code(b"t" * 32, 7) != case_code(SECRET, 7)
    marks = {code.partition("-")[2] for code in codes}
    assert len(marks) == 2999, "the mark alone tells cases apart"


def test_message_ids_are_new_each_time_and_say_nothing() -> None:
    first, second = new_message_id("agency.example"), new_message_id("agency.example")
    assert first != second
    assert first.startswith("<")
    assert first.endswith("@agency.example>")


def test_self_test_passes_here_and_says_so() -> None:
    assert verify_composition().startswith("Self-test passed")


SIZES = [
    ("mail", 552, "5.3.4", True),
    ("mail", 552, "", True),
    ("data", 552, "", True),
    ("data", 554, "5.3.4", True),
    ("rcpt", 523, "5.2.3", True),
    ("rcpt", 552, "", False),  # RFC 5321 section 4.2.3: exceeded storage allocation
    ("rcpt", 552, "5.2.2", False),  # mailbox full
    ("data", 550, "5.7.1", False),
]


@pytest.mark.parametrize(("stage", "code", "status", "expected"), SIZES)
def test_which_refusals_are_for_the_size(stage: str, code: int, status: str, expected: bool) -> None:
    result = SubmissionResult(P, stage, code, status)
    found = consequence(ROW, result, START, 0)
    assert (found.state, found.left_out) == ((PENDING, FILES) if expected else (FAILED, 0))
    if expected:
        assert consequence(ROW, result, START, FILES).left_out == ORIGINAL
        assert consequence(ROW, result, START, ORIGINAL).state is FAILED
        assert consequence(replace(ROW, kind=DispatchKind.NOTICE), result, START).state is FAILED
