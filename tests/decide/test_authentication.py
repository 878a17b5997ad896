"""What the agency's own server says of a sender, and that nobody else is believed (RFC 8601)."""

from __future__ import annotations

import pytest

from tests.decide.builders import AUTHOR, message
from triage.decide.authentication import (
    MethodResult,
    has_aligned_dkim,
    has_dmarc_pass,
    has_spf_pass,
    is_authenticated,
    parse_results,
    results_of,
)
from triage.vocabulary import Address

OURS = "mx.agency.example"
FIELD = "Authentication-Results"
DMARC = f"{OURS}; dmarc=pass header.from=family.example"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"{OURS}; none", ()),
        (OURS, ()),
        (
            f"{OURS} 1; spf=pass smtp.mailfrom=anna@family.example",
            (MethodResult("spf", "pass", {"smtp.mailfrom": "anna@family.example"}),),
        ),
        (
            f"{OURS}; DKIM/1 = Pass (good (nested) \\) one) header.D=Family.Example header.i=@family.example;",
            (MethodResult("dkim", "pass", {"header.d": "family.example", "header.i": "@family.example"}),),
        ),
        (
            f'"{OURS}"; dkim=fail reason="a; dmarc=pass header.from=x" header.d="family.example"',
            (MethodResult("dkim", "fail", {"header.d": "family.example"}),),
        ),
        (
            f"{OURS};\r\n\tspf=softfail smtp.mailfrom=a.example;\r\n\tdmarc=none (p=none) header.from=b.example",
            (
                MethodResult("spf", "softfail", {"smtp.mailfrom": "a.example"}),
                MethodResult("dmarc", "none", {"header.from": "b.example"}),
            ),
        ),
    ],
    ids=["none", "alone", "version", "comments", "quoted", "folded"],
)
def test_a_field_is_read_as_the_rfc_writes_it(value: str, expected: tuple[MethodResult, ...]) -> None:
    assert parse_results(value) == (OURS, expected)


@pytest.mark.parametrize(
    "value", ["", ";", "spf=pass smtp.mailfrom=x.example; dmarc=pass", "a b c; spf=pass", "x" * 20_000]
)
def test_what_is_not_formed_like_one_says_nothing(value: str) -> None:
    """Microsoft 365 leaves the server's name out: then nobody says whose results they are."""
    assert parse_results(value) is None


@pytest.mark.parametrize(
    "value",
    [
        "mx.evil.example; dmarc=pass header.from=family.example",
        f"{OURS}.evil.example; dmarc=pass header.from=family.example",
        f"x.{OURS}; dmarc=pass header.from=family.example",
        f"(comment {OURS};) evil; dmarc=pass header.from=family.example",
    ],
)
def test_results_of_another_server_are_ignored(value: str) -> None:
    """RFC 8601 section 5: a sender may write any such field himself."""
    assert results_of(message((FIELD, value)), OURS) == ()
    assert not is_authenticated(message((FIELD, value)), OURS)


def test_without_a_name_of_our_own_nothing_is_believed() -> None:
    assert results_of(message((FIELD, DMARC)), "") == ()


def test_our_field_counts_whatever_its_capitals() -> None:
    assert has_dmarc_pass(message(("authentication-RESULTS", DMARC.replace(OURS, "MX.Agency.Example"))), OURS)


def test_a_forged_field_below_ours_changes_no_method_that_ours_has_told() -> None:
    failed = f"{OURS}; dmarc=fail header.from=family.example"
    assert not has_dmarc_pass(message((FIELD, failed), (FIELD, DMARC)), OURS)


def test_a_forged_field_below_the_next_received_field_is_not_read() -> None:
    """It was in the message before our server took it."""
    ours = f"{OURS}; spf=none smtp.mailfrom=family.example"
    received = ("Received", "from evil.example by mx.agency.example")
    assert not has_dmarc_pass(message((FIELD, ours), received, (FIELD, DMARC)), OURS)
    assert has_dmarc_pass(message(received, (FIELD, DMARC)), OURS)


def test_two_fields_of_our_server_add_up() -> None:
    dkim = f"{OURS}; dkim=pass header.d=family.example"
    received = message((FIELD, f"{OURS}; dmarc=none header.from=family.example"), (FIELD, dkim))
    assert [result.method for result in results_of(received, OURS)] == ["dmarc", "dkim"]


@pytest.mark.parametrize(
    ("results", "authenticated"),
    [
        ("dmarc=pass header.from=family.example", True),
        ("dmarc=pass header.from=other.example", False),
        ("dmarc=pass", False),
        ("dmarc=fail header.from=family.example", False),
        ("dkim=pass header.d=family.example", True),
        ("dkim=pass header.i=@family.example", True),
        ("dkim=fail header.d=family.example; dkim=pass header.d=family.example", True),
        ("dkim=pass header.d=newsletter.example", False),
        ("dkim=pass header.d=example", False),
        ("dkim=pass header.d=a.family.example", False),
        ("spf=pass smtp.mailfrom=anna@family.example", True),
        ("spf=pass smtp.mailfrom=bounce@newsletter.example", False),
        ("spf=softfail smtp.mailfrom=anna@family.example", False),
        ("iprev=pass policy.iprev=192.0.2.1; auth=pass smtp.auth=anna", False),
    ],
)
def test_an_author_is_proved_by_dmarc_or_by_the_domain_itself(results: str, authenticated: bool) -> None:
    assert is_authenticated(message((FIELD, f"{OURS}; {results}")), OURS) is authenticated


def test_a_signature_of_the_domain_above_the_authors_is_the_authors() -> None:
    field = (FIELD, f"{OURS}; dkim=pass header.d=family.example; spf=pass smtp.mailfrom=family.example")
    below = message(field, author="anna@mail.family.example")
    assert has_aligned_dkim(below, OURS)
    assert has_spf_pass(below, OURS, "mail.family.example")
    assert not has_aligned_dkim(message(field, author="anna@notfamily.example"), OURS)


def test_of_two_authors_nobody_knows_which_was_proved() -> None:
    field = (FIELD, DMARC)
    two = (Address("", AUTHOR), Address("", "boss@agency.example"))
    assert not is_authenticated(message(field, authors=two), OURS)
    assert not is_authenticated(message(field, ("From", AUTHOR), ("From", "x@evil.example")), OURS)
