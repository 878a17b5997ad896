"""Tokens over time: renewed ahead, exchanged after a refusal, refresh tokens kept; one account's trouble is its own."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers.token_endpoint import CLIENT_SECRET, TokenEndpoint
from tests.tokens.builders import Timed, account_with, by_consent, numbered, oauth_of
from triage.settings import Account
from triage.tokens import TokenTroubleError
from triage.tokens.kept import Kept, KeptTokens


def trouble(timed: Timed, account: Account) -> TokenTroubleError:
    with pytest.raises(TokenTroubleError) as caught:
        timed.tokens.secret_of(account)
    return caught.value


def kept_files(timed: Timed) -> list[Path]:
    return sorted((timed.folder / "tokens").glob("*.json"))


# --------------------------------------------------------------------------- access tokens


def test_a_password_or_fixed_token_asks_nobody(timed: Timed) -> None:
    account = account_with(None, secret="parola")

    assert timed.tokens.secret_of(account) == "parola"
    assert timed.tokens.another(account, "parola") is None
    assert timed.tokens.good_for(account) == float("inf")
    assert not timed.folder.exists()


def test_a_token_is_used_again_and_renewed_ahead_of_its_end(timed: Timed, endpoint: TokenEndpoint) -> None:
    account = account_with(oauth_of(endpoint))
    assert [timed.tokens.secret_of(account) for _ in range(3)] == ["accesso-1"] * 3
    timed.later(3600 - 301)
    assert timed.tokens.secret_of(account) == "accesso-1"
    timed.later(2)
    assert timed.tokens.secret_of(account) == "accesso-2"
    assert len(endpoint.requests) == 2


def test_a_short_token_is_renewed_after_most_of_its_life(timed: Timed, endpoint: TokenEndpoint) -> None:
    endpoint.lifetime = 60
    account = account_with(oauth_of(endpoint))
    timed.tokens.secret_of(account)
    timed.later(47)
    assert timed.tokens.secret_of(account) == "accesso-1"
    timed.later(2)
    assert timed.tokens.secret_of(account) == "accesso-2"


def test_connections_are_left_before_their_token_ends(timed: Timed, endpoint: TokenEndpoint) -> None:
    account = account_with(oauth_of(endpoint))
    timed.tokens.secret_of(account)
    assert timed.tokens.good_for(account) == 3600 - 60
    timed.later(3500)
    assert 0 < timed.tokens.good_for(account) < 100


def test_mailboxes_of_one_application_share_its_token(timed: Timed, endpoint: TokenEndpoint) -> None:
    oauth = oauth_of(endpoint)
    for name in ("uno@example.org", "due@example.org"):
        assert timed.tokens.secret_of(account_with(oauth, user=name)) == "accesso-1"
    assert len(endpoint.requests) == 1


def test_many_connections_at_once_ask_once(timed: Timed, endpoint: TokenEndpoint) -> None:
    account = account_with(oauth_of(endpoint))
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(timed.tokens.secret_of(account))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert found == ["accesso-1"] * 8
    assert len(endpoint.requests) == 1


def test_f77_a_renewal_that_fails_is_told_and_the_old_token_serves_to_its_end(
    timed: Timed, endpoint: TokenEndpoint, caplog: pytest.LogCaptureFixture
) -> None:
    account = account_with(oauth_of(endpoint))
    timed.tokens.secret_of(account)
    endpoint.refuse("temporarily_unavailable", status=503)
    timed.later(3600 - 200)

    assert timed.tokens.secret_of(account) == "accesso-1"
    assert [record.action for record in caplog.records if record.levelname == "WARNING"] == [  # type: ignore[attr-defined]
        "token_trouble"
    ]
    timed.later(201)
    assert trouble(timed, account).kind == "token_unreachable"
    endpoint.behave()
    timed.later(60)
    assert timed.tokens.secret_of(account) == "accesso-2"


def test_a_token_server_that_failed_is_not_asked_by_every_connection(timed: Timed, endpoint: TokenEndpoint) -> None:
    account = account_with(oauth_of(endpoint))
    endpoint.say(503, b"")
    for _ in range(10):
        assert trouble(timed, account).kind == "token_unreachable"
    assert len(endpoint.requests) == 1
    timed.later(6)
    trouble(timed, account)
    assert len(endpoint.requests) == 2


def test_f80_a_token_server_is_left_alone_for_as_long_as_it_asks(timed: Timed, endpoint: TokenEndpoint) -> None:
    account = account_with(oauth_of(endpoint))
    endpoint.say(429, b"", headers={"Retry-After": "900"}, times=1)
    assert trouble(timed, account).rest == 900
    timed.later(890)
    trouble(timed, account)
    assert len(endpoint.requests) == 1
    timed.later(11)
    assert timed.tokens.secret_of(account) == "accesso-1"


def test_a_refused_token_is_exchanged_unless_it_is_new(timed: Timed, endpoint: TokenEndpoint) -> None:
    account = account_with(oauth_of(endpoint))
    first = timed.tokens.secret_of(account)
    assert timed.tokens.another(account, first) is None, "the next would be refused, too"
    timed.later(61)
    assert timed.tokens.another(account, first) == "accesso-2"
    assert timed.tokens.another(account, first) == "accesso-2", "another connection has exchanged it already"
    assert len(endpoint.requests) == 2


def test_a_secret_mended_in_its_file_is_tried_at_once(timed: Timed, endpoint: TokenEndpoint) -> None:
    wrong = oauth_of(endpoint, client_secret="vecchio")
    assert trouble(timed, account_with(wrong)).kind == "token_refused"
    assert timed.tokens.secret_of(account_with(oauth_of(endpoint, client_secret=CLIENT_SECRET))) == "accesso-1"


# --------------------------------------------------------------------------- refresh tokens


def test_f75_a_replaced_refresh_token_is_on_the_disk_before_it_is_used(timed: Timed, endpoint: TokenEndpoint) -> None:
    """The server takes each refresh token once; a restart goes on with the newest."""
    endpoint.rotates = True
    account = account_with(by_consent(endpoint))
    for number in range(1, 6):
        timed.restart()
        assert timed.tokens.secret_of(account) == f"accesso-{number}"
    sent = [request["refresh_token"] for request in endpoint.requests]
    assert len(set(sent)) == 5
    (path,) = kept_files(timed)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert sent[-1] not in path.read_text()


def test_a_new_refresh_token_in_the_environment_goes_before_the_kept_one(timed: Timed, endpoint: TokenEndpoint) -> None:
    """Else a dead token that was kept could never be replaced by the administrator."""
    endpoint.rotates = True
    old = by_consent(endpoint)
    timed.tokens.secret_of(account_with(old))
    endpoint.revoke()
    timed.restart()
    assert trouble(timed, account_with(old)).kind == "token_refused"
    fresh = by_consent(endpoint)
    assert timed.tokens.secret_of(account_with(fresh)) == "accesso-2"
    assert endpoint.requests[-1]["refresh_token"] == fresh.refresh_token


def test_reading_and_sending_by_one_refresh_token_share_what_becomes_of_it(
    timed: Timed, endpoint: TokenEndpoint
) -> None:
    endpoint.rotates = True
    reading = by_consent(endpoint)
    sending = by_consent(endpoint, refresh_token=reading.refresh_token, prefix="TRIAGE_SMTP_OAUTH")
    for _ in range(3):
        timed.tokens.secret_of(account_with(reading))
        timed.tokens.secret_of(account_with(sending))
        timed.later(3600)
    assert len(endpoint.requests) == 6
    assert len(kept_files(timed)) == 1


def test_two_processes_that_renew_at_once_do_not_spoil_each_others_token(timed: Timed, endpoint: TokenEndpoint) -> None:
    endpoint.rotates = True
    account = account_with(by_consent(endpoint))
    others = [Timed(timed.folder) for _ in range(4)]
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda other=other: found.append(other.tokens.secret_of(account))) for other in others
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(found) == [f"accesso-{number}" for number in range(1, 5)]


@contextmanager
def unwritable(folder: Path) -> Iterator[None]:
    """A file where the folder should be: nothing can be written there, by root neither."""
    aside = folder.with_name("aside")
    if folder.exists():
        folder.rename(aside)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.touch()
    try:
        yield
    finally:
        folder.unlink()
        if aside.exists():
            aside.rename(folder)


def test_a_disk_that_cannot_be_written_is_found_before_the_server_ends_the_old_token(
    timed: Timed, endpoint: TokenEndpoint
) -> None:
    endpoint.rotates = True
    account = account_with(by_consent(endpoint))
    with unwritable(timed.folder / "tokens"):
        error = trouble(timed, account)
        assert (error.kind, error.passes) == ("token_file", False)
        assert "TRIAGE_STATE_DIR" in str(error)
        assert endpoint.requests == []
    timed.later(6)
    assert timed.tokens.secret_of(account) == "accesso-1"


def test_a_disk_that_fills_up_during_the_request_costs_no_refresh_token(timed: Timed, endpoint: TokenEndpoint) -> None:
    """The server knows only the new one by then: it is held until it can be written, and only then used."""
    endpoint.rotates = True
    account = account_with(by_consent(endpoint))
    folder = timed.folder / "tokens"
    with _full_from_now(endpoint, folder) as mend:
        assert trouble(timed, account).kind == "token_file"
        mend()
    timed.later(6)
    assert timed.tokens.secret_of(account) == "accesso-2"
    assert len({request["refresh_token"] for request in endpoint.requests}) == 2


def test_what_reading_could_not_write_is_what_sending_goes_on_with(timed: Timed, endpoint: TokenEndpoint) -> None:
    """Two accounts by one refresh token: the one on the disk is dead, and no person need mend that."""
    endpoint.rotates = True
    reading = by_consent(endpoint)
    sending = by_consent(endpoint, refresh_token=reading.refresh_token, prefix="TRIAGE_SMTP_OAUTH")
    with _full_from_now(endpoint, timed.folder / "tokens") as mend:
        assert trouble(timed, account_with(reading)).kind == "token_file"
        mend()
    assert timed.tokens.secret_of(account_with(sending)) == "accesso-2"
    timed.later(6)
    assert timed.tokens.secret_of(account_with(reading)) == "accesso-3"


def test_what_could_not_be_written_does_not_undo_what_another_process_was_given(
    timed: Timed, endpoint: TokenEndpoint
) -> None:
    """A server may take the old token once more (RFC 6749 section 6); what is on the disk by then is the newest."""
    endpoint.rotates = True
    oauth = by_consent(endpoint)
    with _full_from_now(endpoint, timed.folder / "tokens") as mend:
        assert trouble(timed, account_with(oauth)).kind == "token_file"
        mend()
    newer = by_consent(endpoint).refresh_token
    KeptTokens(timed.folder / "tokens").write(oauth, Kept(newer))
    timed.later(6)
    timed.tokens.secret_of(account_with(oauth))
    assert endpoint.requests[-1]["refresh_token"] == newer


def test_a_folder_that_knows_no_locks_is_told(
    timed: Timed, endpoint: TokenEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a network folder without a lock service: two processes could spoil each other's token."""

    def no_locks(_descriptor: int, _how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", no_locks)
    error = trouble(timed, account_with(by_consent(endpoint)))
    assert error.kind == "token_file"
    assert "TRIAGE_STATE_DIR" in str(error)
    assert endpoint.requests == []


@contextmanager
def _full_from_now(endpoint: TokenEndpoint, folder: Path) -> Iterator[Callable[[], None]]:
    """The folder goes away while the request is on its way; calling what is given brings it back."""
    aside = folder.with_name("aside")

    def fill() -> None:
        folder.rename(aside)
        folder.touch()

    def mend() -> None:
        folder.unlink()
        aside.rename(folder)

    endpoint.before_answer = fill
    yield mend
    endpoint.before_answer = lambda: None


def test_a_kept_file_that_is_damaged_is_told_and_the_old_token_is_not_tried(
    timed: Timed, endpoint: TokenEndpoint
) -> None:
    endpoint.rotates = True
    account = account_with(by_consent(endpoint))
    timed.tokens.secret_of(account)
    (path,) = kept_files(timed)
    for text in ("", "{}", "[]", '{"refresh_token": "x", "ends_at": "soon"}', "\x00"):
        path.write_text(text)
        timed.restart()
        error = trouble(timed, account)
        assert error.kind == "token_file"
        assert str(path) in str(error)
    assert len(endpoint.requests) == 1


def test_what_a_crash_left_half_written_is_of_no_consequence(timed: Timed, endpoint: TokenEndpoint) -> None:
    account = account_with(by_consent(endpoint))
    timed.tokens.secret_of(account)
    (path,) = kept_files(timed)
    half = path.with_suffix(f".{os.getpid()}.new")
    half.write_text('{"refresh_to')
    timed.restart()
    assert timed.tokens.secret_of(account) == "accesso-2"
    assert not half.exists()


# --------------------------------------------------------------------------- one account is not another


def test_f78_a_dead_token_touches_no_other_mailbox(
    timed: Timed, endpoint: TokenEndpoint, start_token_endpoint: Callable[..., TokenEndpoint]
) -> None:
    dead, alive = by_consent(endpoint), by_consent(endpoint)
    timed.tokens.secret_of(account_with(dead))
    timed.later(3600)
    endpoint.refuse("invalid_grant", times=1)
    assert trouble(timed, account_with(dead)).kind == "token_refused"
    assert timed.tokens.secret_of(account_with(alive)) == "accesso-2"


def test_f78_a_mailbox_that_refuses_the_applications_token_costs_the_others_nothing(
    timed: Timed, endpoint: TokenEndpoint
) -> None:
    """It may have lost its right alone; the token is good for the others until there is a new one."""
    oauth = oauth_of(endpoint)
    lost, other = (account_with(oauth, user=name) for name in ("uno@example.org", "due@example.org"))
    token = timed.tokens.secret_of(lost)
    timed.later(120)
    endpoint.say(503, b"", times=1)

    for _ in range(3):
        with pytest.raises(TokenTroubleError, match="has trouble of its own"):
            timed.tokens.another(lost, token)
        assert timed.tokens.secret_of(other) == token

    assert len(endpoint.requests) == 2, "nor is the token server asked by each refusal"
    timed.later(6)
    assert timed.tokens.another(lost, token) == "accesso-2"


def test_a_token_server_that_gives_the_refused_token_again_has_no_other(timed: Timed, endpoint: TokenEndpoint) -> None:
    account = account_with(oauth_of(endpoint))
    endpoint.say(200, {"access_token": "a", "expires_in": 3600})
    assert timed.tokens.secret_of(account) == "a"
    timed.later(120)
    assert timed.tokens.another(account, "a") is None


def test_f78_a_token_server_that_hangs_keeps_no_other_mailbox_waiting(
    timed: Timed, endpoint: TokenEndpoint, start_token_endpoint: Callable[..., TokenEndpoint]
) -> None:
    hanging = start_token_endpoint(numbered())
    came, goes_on = threading.Event(), threading.Event()

    def hold() -> None:
        came.set()
        goes_on.wait(10)

    hanging.before_answer = hold
    waiting = threading.Thread(target=timed.tokens.secret_of, args=(account_with(oauth_of(hanging)),))
    waiting.start()
    assert came.wait(10)
    assert timed.tokens.secret_of(account_with(oauth_of(endpoint))) == "accesso-1"
    goes_on.set()
    waiting.join(10)
    assert not waiting.is_alive()
