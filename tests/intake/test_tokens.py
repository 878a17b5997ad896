"""Reading by OAuth from a real Dovecot that validates tokens itself, and servers that want to be left alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes import FakeClock, WatchedStore
from tests.intake.builders import FOLDER, LEASE, Intake, account_of, deliver, plan_of, running, until
from tests.servers.dovecot import Dovecot, MailboxUser
from tests.servers.mail import make_mail
from tests.servers.proxy import ImapProxy
from tests.servers.token_endpoint import TokenEndpoint
from tests.tokens.builders import by_consent, oauth_of
from triage.intake.connection import MailboxTroubleError, connect, disconnect
from triage.intake.reader import MailboxReader
from triage.intake.trouble import asked_pause, describe
from triage.oauth import OAuth
from triage.settings import Account, Login
from triage.signals import Heartbeats
from triage.tokens import Secrets, Tokens

Make = Callable[..., MailboxReader]


@pytest.fixture
def pace() -> list[float]:
    """The seconds of the tokens' own clock, in its one element."""
    return [1000.0]


@pytest.fixture
def tokens(tmp_path: Path, clock: FakeClock, pace: list[float]) -> Tokens:
    return Tokens(tmp_path / "var", clock, lambda: pace[0])


def by_token(user: MailboxUser, port: int, oauth: OAuth | None, login: Login = Login.XOAUTH2) -> Account:
    return account_of(user, port, oauth=oauth, login=login, secret="")


@pytest.fixture
def make_reader(store: WatchedStore) -> Make:
    """A reader as ``bootstrap`` makes one for an account that logs in by OAuth."""

    def make(account: Account, secrets: Secrets, name: str = "generale") -> MailboxReader:
        plan = plan_of(name, configured=frozenset({"generale", "crema"}))
        return MailboxReader(
            store, name, lambda: plan, lambda: account, "lettore", LEASE, lambda _: FOLDER, 60.0,
            Heartbeats(), lambda: None, secrets,
        )  # fmt: skip

    return make


# --------------------------------------------------------------------------- logging in


@pytest.mark.parametrize("login", [Login.XOAUTH2, Login.OAUTHBEARER])
@pytest.mark.parametrize("flow", ["client credentials", "refresh token"])
def test_a_mailbox_is_opened_with_a_token_of_the_token_server(
    dovecot: Dovecot, mailbox_user: MailboxUser, token_endpoint: TokenEndpoint, tokens: Tokens, login: Login, flow: str
) -> None:
    oauth = oauth_of(token_endpoint) if flow == "client credentials" else by_consent(token_endpoint)

    client = connect(by_token(mailbox_user, dovecot.port, oauth, login), tokens)

    assert client.select_folder("INBOX")[b"EXISTS"] == 0
    disconnect(client)
    assert [form["grant_type"] for form in token_endpoint.requests] == [flow.replace(" ", "_")]


def test_a_token_that_the_mailbox_server_no_longer_takes_is_exchanged_once(
    dovecot: Dovecot, mailbox_user: MailboxUser, token_endpoint: TokenEndpoint, tokens: Tokens, pace: list[float]
) -> None:
    """As after a changed password: the token had not ended, but the server refuses it."""
    account = by_token(mailbox_user, dovecot.port, oauth_of(token_endpoint))
    real, token_endpoint._make = token_endpoint._make, lambda _: dovecot.token(mailbox_user.name, -60)
    with pytest.raises(MailboxTroubleError) as caught:
        connect(account, tokens)
    assert caught.value.kind == "credentials"
    assert "TRIAGE_IMAP_OAUTH_SCOPE" in str(caught.value)
    assert len(token_endpoint.requests) == 1, "the next would have been refused, too"
    token_endpoint._make = real
    pace[0] += 100
    disconnect(connect(account, tokens))
    assert len(token_endpoint.requests) == 2


def test_a_connection_is_made_anew_before_its_token_ends(
    dovecot: Dovecot,
    mailbox_user: MailboxUser,
    token_endpoint: TokenEndpoint,
    clock: FakeClock,
    store: WatchedStore,
    tmp_path: Path,
    imap_proxy: ImapProxy,
    make_reader: Make,
) -> None:
    """Exchange cuts a connection whose token has ended; ours is left politely, and no incident is opened."""
    token_endpoint.lifetime = 1.2
    token_endpoint._make = lambda _: dovecot.token(mailbox_user.name, 3600)
    reader = make_reader(
        by_token(mailbox_user, imap_proxy.port, oauth_of(token_endpoint)), Tokens(tmp_path / "var", clock)
    )
    with running(reader):
        until(lambda: imap_proxy.connections_seen >= 1 and imap_proxy.count(rb"IDLE") >= 1)
        until(lambda: time.monotonic() > reader._good_until)
        reader.wake.set()
        until(lambda: imap_proxy.connections_seen >= 2)
    assert imap_proxy.count(rb"LOGOUT") >= 2
    assert len(token_endpoint.requests) >= 2
    assert "mailbox trouble" not in store.steps


# --------------------------------------------------------------------------- one mailbox's trouble


def test_f78_a_dead_token_stops_no_other_mailbox_and_is_one_incident_with_its_remedy(
    intake: Intake,
    dovecot: Dovecot,
    mailbox_user: MailboxUser,
    token_endpoint: TokenEndpoint,
    tokens: Tokens,
    make_reader: Make,
) -> None:
    other = dovecot.add_user(f"altro-{mailbox_user.name}")
    dead = by_consent(token_endpoint)
    alive = by_consent(token_endpoint)
    token_endpoint._refresh_tokens.discard(dead.refresh_token)
    token_endpoint._make = lambda lifetime: dovecot.token(other.name, lifetime)
    broken = make_reader(by_token(mailbox_user, dovecot.port, dead), tokens)
    working = make_reader(by_token(other, dovecot.port, alive), tokens, "crema")
    for _ in range(2):
        with pytest.raises(MailboxTroubleError) as caught:
            broken.work()
        broken.fail(caught.value)
        working.work()
    deliver(dovecot, other, [make_mail("Buongiorno\n")])
    assert working.work() == 2
    ((kind, subject, detail),) = intake.incidents()
    assert (kind, subject) == ("mailbox", "generale")
    assert "the refresh token no longer holds (400, invalid_grant)" in detail
    assert "TRIAGE_IMAP_OAUTH_REFRESH_TOKEN: README" in detail
    assert len(token_endpoint.requests) == 2
    working.close()


def test_a_mended_token_closes_the_incident(
    intake: Intake,
    dovecot: Dovecot,
    mailbox_user: MailboxUser,
    token_endpoint: TokenEndpoint,
    tokens: Tokens,
    make_reader: Make,
    pace: list[float],
) -> None:
    account = by_token(mailbox_user, dovecot.port, oauth_of(token_endpoint))
    reader = make_reader(account, tokens)
    token_endpoint.refuse("invalid_client", status=401)
    with pytest.raises(MailboxTroubleError) as caught:
        reader.work()
    reader.fail(caught.value)
    assert len(intake.incidents()) == 1
    token_endpoint.behave()
    pace[0] += 301
    reader.work()
    assert intake.incidents() == []
    reader.close()


# --------------------------------------------------------------------------- left alone


THROTTLED = b"NO Request is throttled. Suggested Backoff Time: 299961 milliseconds"
NOT_CONNECTED = b"BAD User is authenticated but not connected."


@pytest.mark.parametrize("command", [rb" LOGIN ", rb" SELECT ", rb" UID SEARCH", rb" UID FETCH"])
def test_f80_a_server_that_throttles_is_left_alone_for_as_long_as_it_asks(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, imap_proxy: ImapProxy, command: bytes
) -> None:
    """It says nothing about password, folder or message: nothing is blamed, nothing is given up."""
    reader = intake.reader(port=imap_proxy.port)
    reader.work()
    deliver(dovecot, mailbox_user, [make_mail("Buongiorno\n") for _ in range(3)])
    reader.close()
    imap_proxy.answer(command, THROTTLED, times=None)
    for _ in range(7):
        with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever it is, it must be understood
            reader.work()
        assert asked_pause(caught.value) == pytest.approx(299.961)
        reader.fail(caught.value)
        intake.clock.forward(timedelta(hours=1))
    ((_, _, detail),) = intake.incidents()
    assert detail.startswith("throttled: ")
    assert "asks us to wait 300 s" in detail
    imap_proxy.behave()
    reader.work()
    assert intake.states() == ["received"] * 3
    assert intake.incidents() == []


@pytest.mark.parametrize("command", [rb" LOGIN ", rb" SELECT ", rb" UID FETCH"])
def test_f81_authenticated_but_not_connected_passes_with_a_new_connection(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, imap_proxy: ImapProxy, command: bytes
) -> None:
    reader = intake.reader(port=imap_proxy.port)
    reader.work()
    deliver(dovecot, mailbox_user, [make_mail("Buongiorno\n")])
    reader.close()
    imap_proxy.answer(command, NOT_CONNECTED)
    with pytest.raises(Exception) as caught:  # noqa: PT011
        reader.work()
    assert describe(caught.value)[0] in ("connection", "unreachable")
    reader.fail(caught.value)
    seen = imap_proxy.connections_seen
    reader.work()
    assert imap_proxy.connections_seen == seen + 1
    assert intake.states() == ["received"]
    assert intake.incidents() == []


def test_f52_a_message_that_cannot_be_downloaded_is_tried_later_and_shown_at_last(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, imap_proxy: ImapProxy
) -> None:
    """Exchange says "Server Unavailable" of single messages for ever: the others are read all the same."""
    reader = intake.reader(port=imap_proxy.port)
    reader.work()
    first, *_ = deliver(dovecot, mailbox_user, [make_mail(f"Messaggio {number}\n") for number in range(3)])
    pattern = rb"UID FETCH (\d+,)*%d(,\d+)* \(BODY" % first
    imap_proxy.answer(pattern, b"NO Server Unavailable. 15", times=None)
    reader.work()
    assert intake.states() == ["listed", "received", "received"]
    for _ in range(4):
        intake.clock.forward(timedelta(minutes=10))
        reader.work()
    assert intake.states() == ["unreadable", "received", "received"]
    assert intake.rows()[0].hold_reason == "illeggibile"


def test_a_full_folder_is_no_reason_to_stop_reading(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, imap_proxy: ImapProxy
) -> None:
    reader = intake.reader(port=imap_proxy.port)
    reader.work()
    deliver(dovecot, mailbox_user, [make_mail("Buongiorno\n")])
    reader.work()
    intake.decide_as_done()
    imap_proxy.answer(rb"UID MOVE", b"NO [OVERQUOTA] Quota exceeded", times=None)
    reader.work()
    deliver(dovecot, mailbox_user, [make_mail("Buonasera\n")])
    reader.work()
    assert len(intake.rows()) == 2
    assert intake.incidents() == []


def test_f84_no_search_names_a_charset(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, imap_proxy: ImapProxy
) -> None:
    """Exchange refuses SEARCH CHARSET; Microsoft's IMAP has no use for any of ours either."""
    reader = intake.reader(port=imap_proxy.port)
    reader.work()
    deliver(dovecot, mailbox_user, [make_mail("perché\n", subject="Perché")])
    reader.request_reconciliation()
    reader.work()
    assert imap_proxy.count(rb"SEARCH") > 0
    assert imap_proxy.count(rb"SEARCH.*CHARSET") == 0


def test_account_without_oauth_still_has_its_password(dovecot: Dovecot, mailbox_user: MailboxUser) -> None:
    account = replace(account_of(mailbox_user, dovecot.port), oauth=None)
    disconnect(connect(account))
