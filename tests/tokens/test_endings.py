"""What ends is told two weeks before, on record, and no longer once it was made anew."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tests.fakes import FakeClock
from tests.servers.token_endpoint import TokenEndpoint
from tests.tokens.builders import Timed, account_with, by_consent, oauth_of
from triage.oauth import OAuth
from triage.record import Store
from triage.record.incidents import open_incidents
from triage.settings import load_settings
from triage.tokens import Tokens
from triage.tokens.endings import endings
from triage.tokens.kept import Kept
from triage.tokens.watch import note_endings

NOW = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)


def oauth(**changes: object) -> OAuth:
    given = {"client_secret": "s", "scope": "x", "refresh_token": "", "ends_on": None} | changes
    return OAuth("TRIAGE_IMAP_OAUTH", "https://login.example.org/t", "c", ca_file="", timeout=5.0, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ends_on", "said"),
    [
        (date(2027, 3, 16), ""),
        (date(2027, 3, 15), "the client secret ends on 2027-03-15. Make a new one and put it in"),
        (date(2027, 3, 2), "the client secret ends on 2027-03-02."),
        (date(2027, 2, 28), "the client secret ended on 2027-02-28."),
        (None, ""),
    ],
)
def test_a_client_secret_is_told_of_fourteen_days_ahead(ends_on: date | None, said: str) -> None:
    found = " ".join(endings(oauth(ends_on=ends_on), Kept(""), NOW))
    assert found.startswith(said)
    assert bool(found) == bool(said)
    assert not found or "TRIAGE_IMAP_OAUTH_CLIENT_SECRET and its day in TRIAGE_IMAP_OAUTH_ENDS" in found


def test_the_day_is_that_of_the_refresh_token_where_there_is_no_secret() -> None:
    public = oauth(client_secret="", refresh_token="a", ends_on=date(2027, 3, 5))
    (said,) = endings(public, Kept("a"), NOW)
    assert "the refresh token ends on 2027-03-05" in said
    assert "TRIAGE_IMAP_OAUTH_REFRESH_TOKEN" in said
    assert endings(public, Kept("b"), NOW) == (), "the server has given another since"


def test_both_may_end() -> None:
    both = oauth(refresh_token="a", ends_on=date(2027, 3, 5))
    assert len(endings(both, Kept("b", datetime(2027, 3, 3, tzinfo=UTC)), NOW)) == 2


def test_the_end_of_a_refresh_token_is_known_from_the_servers_answers(timed: Timed, endpoint: TokenEndpoint) -> None:
    endpoint.refresh_lifetime = 20 * 86_400
    account = account_with(by_consent(endpoint))
    timed.tokens.secret_of(account)
    assert timed.tokens.endings(account) == ()
    timed.restart()
    timed.later(7 * 86_400)
    (said,) = timed.tokens.endings(account)
    assert "the refresh token ends on" in said
    endpoint.rotates = True
    timed.tokens.secret_of(account)
    assert timed.tokens.endings(account) == ()


def test_a_kept_file_that_cannot_be_read_is_told_as_well(timed: Timed, endpoint: TokenEndpoint) -> None:
    account = account_with(by_consent(endpoint))
    timed.tokens.secret_of(account)
    (path,) = (timed.folder / "tokens").glob("*.json")
    path.write_text("?")
    (said,) = timed.tokens.endings(account)
    assert "cannot be read" in said


def test_nobody_is_asked_for_it(timed: Timed, endpoint: TokenEndpoint) -> None:
    timed.tokens.endings(account_with(oauth_of(endpoint)))
    timed.tokens.endings(account_with(by_consent(endpoint)))
    assert timed.tokens.endings(account_with(None)) == ()
    assert endpoint.requests == []


def test_f75_f27_an_ending_secret_is_an_incident_until_it_was_made_anew(store_url: str, tmp_path: Path) -> None:
    clock = FakeClock(NOW)
    store = Store(store_url, clock)
    tokens = Tokens(tmp_path, clock)
    environment = {
        "TRIAGE_IMAP_HOST": "imap.example.org",
        "TRIAGE_IMAP_USER": "ufficio",
        "TRIAGE_IMAP_LOGIN": "xoauth2",
        "TRIAGE_IMAP_OAUTH_TOKEN_URL": "https://login.example.org/t",
        "TRIAGE_IMAP_OAUTH_CLIENT_ID": "c",
        "TRIAGE_IMAP_OAUTH_CLIENT_SECRET": "s",
        "TRIAGE_IMAP_OAUTH_SCOPE": "x",
        "TRIAGE_IMAP_OAUTH_ENDS": "2027-03-10",
        "TRIAGE_IMAP_OAUTH_ENDS__CREMA": "2027-09-01",
        "TRIAGE_SMTP_HOST": "smtp.example.org",
        "TRIAGE_SMTP_LOGIN": "none",
    }
    mailboxes = ("generale", "crema")

    def noted(changes: dict[str, str]) -> list[tuple[str, str, str, int]]:
        note_endings(store, tokens, load_settings(environment | changes, "w"), mailboxes)
        with store.read("look") as tx:
            return [(row["kind"], row["subject"], row["detail"], row["times"]) for row in open_incidents(tx)]

    sentence = (
        "mailbox generale: the client secret ends on 2027-03-10. Make a new one and put it in "
        "TRIAGE_IMAP_OAUTH_CLIENT_SECRET and its day in TRIAGE_IMAP_OAUTH_ENDS."
    )
    for _ in range(3):
        assert noted({}) == [("secret_ends", "generale", sentence, 1)]
    gone = {"TRIAGE_IMAP_OAUTH_CLIENT_SECRET__GENERALE_FILE": str(tmp_path / "missing")}
    assert [subject for _, subject, _, _ in noted(gone)] == ["generale"], "nothing is known: what was told stays"
    assert noted({"TRIAGE_IMAP_OAUTH_ENDS": "2028-03-10"}) == []
    store.close()
