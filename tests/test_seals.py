"""Our own header field proves that a message was made here, or it proves nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.ids import case_code
from triage.seals import case_of_field, holds, seal

SECRET = b"s" * 32
ID = "<0123456789abcdef0123456789abcdef@agency.example>"


def test_a_seal_holds_for_the_message_id_that_it_was_made_over() -> None:
    field = f"{case_code(SECRET, 17)} {seal(SECRET, ID)}"
    assert holds(SECRET, field, ["<other@agency.example>", ID])
    assert not holds(SECRET, field, ["<other@agency.example>"])
    assert not holds(SECRET, field, [])
    assert not holds(b"another secret", field, [ID])


@pytest.mark.parametrize("case_id", [1, 2, 29, 30, 31, 12_345, 2**40])
def test_the_case_is_read_from_a_genuine_code_only(case_id: int) -> None:
    code = case_code(SECRET, case_id)
    assert case_of_field(SECRET, f"{code} anything") == case_id
    assert case_of_field(b"another secret", f"{code} anything") is None
    assert case_of_field(SECRET, f"{code[:-1]}2 x") in (None, case_id)


@given(st.text(max_size=200))
def test_whatever_a_field_holds_it_is_read(text: str) -> None:
    assert case_of_field(SECRET, text) is None
    assert not holds(SECRET, text, [ID, text])
