"""Which addresses may be written to, and which are the same mailbox."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.rules.addresses import AddressError, CheckedAddress, check_address, matches_pattern, same_mailbox


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mario@Example.ORG", CheckedAddress("Mario@example.org", "Mario", "example.org", False)),
        ("a+b@x.example.org", CheckedAddress("a+b@x.example.org", "a+b", "x.example.org", False)),
        ('"mario"@example.org', CheckedAddress("mario@example.org", "mario", "example.org", False)),
        ("perché@example.org", CheckedAddress("perché@example.org", "perché", "example.org", True)),
        ("a@münchen.example", CheckedAddress("a@xn--mnchen-3ya.example", "a", "xn--mnchen-3ya.example", False)),
    ],
)
def test_a_plain_address_may_be_used(text: str, expected: CheckedAddress) -> None:
    assert check_address(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mario",
        "@example.org",
        "mario@",
        "mario@localhost",
        "mario@192.0.2.1",
        "mario@[192.0.2.1]",
        "<mario@example.org>",
        "Mario <mario@example.org>",
        "mario@example.org, anna@example.org",
        "mario@example.org;anna@example.org",
        "mario@example.org\r\nRCPT TO:<anna@example.org>",
        "mario@example.org\x00",
        "mario\u200b@example.org",
        "mario\u202e@example.org",
        "mario rossi@example.org",
        '"mario rossi"@example.org',
        "mario..rossi@example.org",
        ".mario@example.org",
        "mario@@example.org",
        "mario@-example.org",
        "mario@exam_ple.org",
        "mario@example..org",
        "mario@straße.example",
        "m" * 65 + "@example.org",
        "mario@" + "a" * 64 + ".org",
        "mario@" + "a." * 130 + "org",
    ],
)
def test_anything_else_may_not(text: str) -> None:
    with pytest.raises(AddressError) as caught:
        check_address(text)
    assert "mario" not in str(caught.value)


@given(st.text(max_size=80))
def test_a_checked_address_is_one_word_that_stays_checked(text: str) -> None:
    try:
        checked = check_address(text)
    except AddressError:
        return
    assert check_address(checked.addr_spec) == checked
    assert checked.addr_spec.count("@") == 1
    assert not set(checked.addr_spec) & set(' \t\r\n<>,;:\\"()[]\x00')
    assert checked.needs_smtputf8 or checked.addr_spec.isascii()


@pytest.mark.parametrize(
    "form",
    [
        "info@nord.example",
        "INFO@Nord.Example",
        "info+tag@nord.example",
        "info@nord.example.",
        "info@mail.nord.example",
        '"info"@nord.example',
        " <info@nord.example> ",
        "prvs=0123abcd=info@nord.example",
        "SRS0=Hh7=T5=nord.example=info@forwarder.example",
        "srs1=Hh7=other.example==Hh7=T5=nord.example=info@forwarder.example",
        "ｉｎｆｏ@nord.example",
        "info (ufficio)@nord.example",
        "info(ufficio)@(qui)nord.example",
        r'"in\fo"@nord.example',
        "info. @nord.example",
        "info @ nord.example",
        "info%nord.example@relay.example",
        "nord.example!info@relay.example",
        "other.example!nord.example!info",
    ],
)
def test_every_form_of_an_address_is_known(form: str) -> None:
    assert same_mailbox(form, "info@nord.example")
    assert matches_pattern(form, "@nord.example")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("centro.famiglie@gmail.com", "CentroFamiglie+modulo@GoogleMail.com", True),
        ("c.e.n.t.r.o@googlemail.com", "centro@gmail.com", True),
        ("centro@pm.me", "cen.tro@protonmail.com", True),
        ("centro.famiglie@example.org", "centrofamiglie@example.org", False),
        ("centro@gmail.com", "centro@gmail.example", False),
        ("centro@sub.gmail.com", "c.entro@sub.gmail.com", False),
        ("...@gmail.com", "x@gmail.com", False),
    ],
)
def test_dots_are_ignored_where_the_provider_ignores_them_and_nowhere_else(one: str, other: str, same: bool) -> None:
    assert same_mailbox(one, other) is same
    assert same_mailbox(other, one) is same


@pytest.mark.parametrize("other", ["", "info", "info@", "info@sud.example", "xinfo@nord.example", "info@xnord.example"])
def test_another_address_is_another(other: str) -> None:
    assert not same_mailbox(other, "info@nord.example")


def test_a_domain_is_the_same_in_both_spellings() -> None:
    assert matches_pattern("a@MÜNCHEN.example", "@xn--mnchen-3ya.example")
    assert not matches_pattern("a@xnord.example", "@nord.example")


@given(st.text(max_size=400), st.text(max_size=400))
def test_comparing_never_fails(first: str, second: str) -> None:
    assert same_mailbox(first, second) in (True, False)
    assert matches_pattern(first, "@" + second) in (True, False)


def test_a_provider_of_two_names_is_one_pattern() -> None:
    assert matches_pattern("lia@googlemail.com", "@googlemail.com")
    assert matches_pattern("lia@gmail.com", "@googlemail.com")
    assert not matches_pattern("lia@gmail.com.example.org", "@googlemail.com")
