"""What the agency's own server says of a sender, and that nobody else is believed (RFC 8601)."""

from __future__ import annotations

import pytest

from tests.decide.builders import AUTHOR, message
from triage.decide.authentication import (
    LONGEST_FIELD,
    MethodResult,
    has_aligned_dkim,
    has_dmarc_pass,
    has_spf_pass,
    is_authenticated,
    is_doubted,
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


RECEIVED = ("Received", "from evil.example by mx.agency.example")
FAILED = (FIELD, f"{OURS}; dmarc=fail header.from=family.example")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ([RECEIVED, (FIELD, DMARC)], []),
        ([RECEIVED, FAILED, (FIELD, DMARC)], ["fail"]),
        ([RECEIVED, (FIELD, DMARC), FAILED], ["fail"]),
        ([RECEIVED, RECEIVED, FAILED], []),
        ([RECEIVED, RECEIVED, (FIELD, DMARC)], []),
        ([(FIELD, f"{OURS}; none"), RECEIVED, (FIELD, DMARC)], []),
        ([(FIELD, DMARC), RECEIVED, FAILED], ["pass"]),
        ([(FIELD, DMARC), FAILED, RECEIVED], ["fail"]),
        ([(FIELD, DMARC), (FIELD, f"{OURS}; dmarc=none"), RECEIVED], ["none"]),
    ],
)
def test_a_pass_counts_only_above_the_topmost_received_field(fields: list[tuple[str, str]], said: list[str]) -> None:
    """Where our server writes none, what stands below its Received field is the sender's; of several the worst."""
    assert [result.result for result in results_of(message(*fields), OURS)] == said


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ([RECEIVED, (FIELD, DMARC)], ["pass"]),
        ([RECEIVED, (FIELD, f"{OURS}; spf=none"), (FIELD, DMARC)], ["none"]),
        ([RECEIVED, FAILED, (FIELD, DMARC)], ["fail"]),
        ([RECEIVED, (FIELD, DMARC), FAILED], ["fail"]),
        ([RECEIVED, RECEIVED, (FIELD, DMARC)], []),
        ([RECEIVED, (FIELD, f"{FAILED[1]}; x=" + "a" * LONGEST_FIELD), (FIELD, DMARC)], []),
        ([RECEIVED, (FIELD, "mx agency example; dmarc=fail"), (FIELD, DMARC)], []),
        ([RECEIVED, (FIELD, f"{OURS} (a(b\\); dmarc=fail"), (FIELD, DMARC)], []),
        ([RECEIVED, (FIELD, "mx.elsewhere.example; none"), (FIELD, DMARC)], []),
        ([RECEIVED, (FIELD, "mx.elsewhere.example; dmarc=pass header.from=family.example"), RECEIVED], []),
        ([(FIELD, f"{OURS}; none"), RECEIVED, (FIELD, DMARC)], []),
        ([(FIELD, DMARC), RECEIVED, FAILED], ["pass"]),
    ],
)
def test_where_our_server_writes_below_its_received_field_its_first_field_there_counts(
    fields: list[tuple[str, str]], said: list[str]
) -> None:
    """Only that one, and nothing below an outside Received field."""
    assert [result.result for result in results_of(message(*fields), OURS, below=True)] == said


def test_each_proof_knows_where_the_server_writes() -> None:
    below = message(
        RECEIVED, (FIELD, f"{DMARC}; dkim=pass header.d=family.example; spf=pass smtp.mailfrom=family.example")
    )
    for proves in (has_dmarc_pass, has_aligned_dkim, is_authenticated):
        assert (proves(below, OURS), proves(below, OURS, below=True)) == (False, True)
    assert has_spf_pass(below, OURS, "family.example", below=True)
    stranger = message(RECEIVED, (FIELD, f"{OURS}; dkim=pass header.d=evil.example"))
    assert is_doubted(stranger, OURS, below=True)


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


@pytest.mark.parametrize(
    ("results", "doubted"),
    [
        ("none", False),
        ("iprev=fail policy.iprev=192.0.2.1", False),
        ("dmarc=pass header.from=family.example; spf=fail smtp.mailfrom=list.example", False),
        ("dmarc=none; spf=pass smtp.mailfrom=family.example", False),
        ("dmarc=fail header.from=family.example; dkim=pass header.d=family.example", True),
        ("dmarc=fail", True),
        ("spf=fail smtp.mailfrom=family.example", True),
        ("dmarc=none; spf=pass smtp.mailfrom=evil.example; dkim=pass header.d=evil.example", True),
    ],
)
def test_an_author_is_doubted_whom_our_server_looked_at_and_did_not_recognise(results: str, doubted: bool) -> None:
    received = message((FIELD, f"{OURS}; {results}"))
    assert is_doubted(received, OURS) is doubted
    assert not is_doubted(received, ""), "nobody is believed, so nobody is doubted"


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
