"""Message-IDs of our form are found from their @; what is found is what a search of the whole text finds."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from triage.ids import case_code, cases_named, cases_typed, findable, own_ids, with_hyphen

WHOLE = re.compile(
    r"(?<![\w.+-])[0-9a-f]{32}@[A-Za-z0-9.-]{0,252}[A-Za-z0-9]"
    r"|(?<=<)[0-9a-f-]{16,70}@[a-z0-9.-]{0,30}amazonses\.com(?=>)"
    r"|(?<=<)[A-Za-z0-9+/=_.-]{1,120}@[A-Za-z0-9.-]{1,80}\.prod\.(?:outlook|exchangelabs)\.com(?=>)"
)
"""The same in one expression, which looks at every octet."""
OURS = "0123456789abcdef" * 2
PIECES = st.sampled_from(
    [
        *("<", ">", "@", ".", "-", "=", "/", " ", "\r\n", "x", "f", "é"),
        *(OURS, OURS[1:], f"a{OURS}", "e" * 65, "example.org", "eu.amazonses.com", "amazonses.com"),
        *("EUR01.prod.outlook.com", "a.prod.exchangelabs.com"),
    ]
)


@given(st.lists(PIECES, max_size=14).map("".join))
def test_an_id_is_found_from_its_at_sign_as_in_a_search_of_the_whole(text: str) -> None:
    expected = dict.fromkeys(findable(f"<{item}>") for item in dict.fromkeys(WHOLE.findall(text)[:20]))
    assert own_ids(b"", text) == tuple(expected)


def test_a_code_typed_without_its_hyphen_names_its_case() -> None:
    secret = b"s" * 32
    code = case_code(secret, 4711)
    assert cases_named(secret, with_hyphen(f" {code.replace('-', '').lower()} ")) == (4711,)
    for typed in (code, code.lower(), f"  {code} ", code.replace("-", ""), f" {code.replace('-', '').lower()} "):
        assert cases_typed(secret, typed) == (4711,)
    assert cases_typed(secret, "maria rossi") == ()
    assert with_hyphen("maria rossi") == "maria rossi"
    assert with_hyphen(code) == code
