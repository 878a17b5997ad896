"""Submitting by OAuth, and answers of servers that slow us down or deny our own address for a moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.dispatch.builders import NORD, Desk, Tried, a_mail, account, from_family, submission
from tests.servers.smtp_sink import SmtpSink
from tests.servers.token_endpoint import TokenEndpoint
from tests.tokens.builders import by_consent, oauth_of
from triage.dispatch.prepare import Preparer
from triage.dispatch.stage import DispatchStage
from triage.oauth import OAuth
from triage.settings import Login
from triage.tokens import Tokens
from triage.vocabulary import DispatchState, MessageState

Make = Callable[..., Desk]
USER = "ufficio@example.org"
DENIED = "5.2.252 SendAsDenied; ufficio@example.org not allowed to send as famiglie@agency.example"


class House:
    """A token server and an SMTP server that takes the tokens it gave, until it is told otherwise."""

    def __init__(self, start_sink: Callable[..., SmtpSink], start_endpoint: Callable[..., TokenEndpoint]) -> None:
        self.good: set[str] = set()
        self.made = 0
        self.endpoint = start_endpoint(self._make)
        self.sink = start_sink(takes_token=lambda user, token: user == USER and token in self.good)

    def _make(self, _lifetime: float) -> str:
        self.made += 1
        token = f"accesso-{self.made}"
        self.good.add(token)
        return token

    def use(self, desk: Desk, oauth: OAuth, folder: Path, pace: Callable[[], float], login: Login) -> None:
        """Let the desk submit here."""
        to = submission(self.sink.port)
        own = account(self.sink.port, user=USER, login=login, oauth=oauth)
        desk.hang_up()
        desk.stage = DispatchStage(
            desk.store,
            Preparer(desk.store, desk.knowledge.as_knowledge(), desk.parsed, None),
            type(to)(own, to.connections, to.per_minute, to.per_connection, to.per_day, to.data_timeout),
            "sender",
            desk.lease,
            lambda: None,
            lambda: None,
            secrets=Tokens(folder, desk.clock, pace),
        )
        desk._connected = True


@pytest.fixture
def house(start_smtp_sink: Callable[..., SmtpSink], start_token_endpoint: Callable[..., TokenEndpoint]) -> House:
    return House(start_smtp_sink, start_token_endpoint)


# --------------------------------------------------------------------------- logging in


@pytest.mark.parametrize("login", [Login.XOAUTH2, Login.OAUTHBEARER])
@pytest.mark.parametrize("flow", ["client credentials", "refresh token"])
def test_mail_is_submitted_with_a_token_of_the_token_server(
    make_desk: Make, house: House, tmp_path: Path, login: Login, flow: str
) -> None:
    desk = make_desk(house.sink.port)
    oauth = oauth_of(house.endpoint) if flow == "client credentials" else by_consent(house.endpoint)
    house.use(desk, oauth, tmp_path / "var", lambda: 1000.0, login)
    [key] = desk.take_in(a_mail())
    desk.send()
    assert desk.message(key).state == MessageState.FORWARDED
    assert {message.user for message in house.sink.messages} == {USER}
    assert len(house.endpoint.requests) == 1


def test_a_dead_token_holds_no_mail_and_is_one_incident_with_its_remedy(
    make_desk: Make, house: House, tmp_path: Path
) -> None:
    now = [1000.0]
    desk = make_desk(house.sink.port)
    oauth = by_consent(house.endpoint, prefix="TRIAGE_SMTP_OAUTH")
    house.use(desk, oauth, tmp_path / "var", lambda: now[0], Login.XOAUTH2)
    house.endpoint.revoke()
    [key] = desk.take_in(a_mail())
    for _ in range(2):
        desk.send()
        desk.stage.account.paused_until = 0.0
    assert desk.attempts(desk.dispatch(key).id) == []
    assert desk.incidents() == [("submission", 2)]
    assert "the refresh token no longer holds" in desk.stage.trouble
    assert "TRIAGE_SMTP_OAUTH_REFRESH_TOKEN" in desk.stage.trouble
    assert "Nothing is lost" in desk.stage.trouble
    house.endpoint._refresh_tokens.add(oauth.refresh_token)
    now[0] += 301
    desk.send()
    assert desk.message(key).state == MessageState.FORWARDED
    assert desk.incidents() == []


def test_a_token_that_the_server_no_longer_takes_is_exchanged_without_an_incident(
    make_desk: Make, house: House, tmp_path: Path
) -> None:
    now = [1000.0]
    desk = make_desk(house.sink.port, per_connection=1)
    house.use(desk, oauth_of(house.endpoint), tmp_path / "var", lambda: now[0], Login.OAUTHBEARER)
    desk.take_in(from_family(1))
    desk.send()
    desk.stage._loop.run_until_complete(desk.stage._pool.close())
    house.good.clear()
    now[0] += 120
    [key] = desk.take_in(from_family(2))
    desk.send()
    assert desk.message(key).state == MessageState.FORWARDED
    assert len(house.endpoint.requests) == 2
    assert desk.incidents() == []


def test_a_login_that_fails_for_the_moment_blames_no_secret(make_desk: Make, house: House, tmp_path: Path) -> None:
    desk = make_desk(house.sink.port)
    house.use(desk, oauth_of(house.endpoint), tmp_path / "var", lambda: 1000.0, Login.XOAUTH2)
    house.sink.answer("auth", 454, "4.7.0 Temporary authentication failure", times=1)
    [key] = desk.take_in(a_mail())
    desk.send()
    assert "asks us to wait 60 s" in desk.stage.trouble
    assert "TRIAGE_SMTP_USER" not in desk.stage.trouble
    assert desk.incidents() == [], "once may happen"
    desk.stage.account.paused_until = 0.0
    desk.send()
    assert desk.message(key).state == MessageState.FORWARDED


def test_a_token_server_that_hangs_stops_no_loop(make_desk: Make, house: House, tmp_path: Path) -> None:
    """What waits for a token waits in a thread of its own: the dispatch loop goes on showing signs of life."""
    desk = make_desk(house.sink.port)
    house.use(desk, oauth_of(house.endpoint), tmp_path / "var", lambda: 1000.0, Login.XOAUTH2)
    beats = []
    desk.stage._beat = lambda: beats.append(1)
    goes_on = threading.Event()

    def hold() -> None:
        goes_on.wait(10)

    house.endpoint.before_answer = hold
    [key] = desk.take_in(a_mail())
    worker = threading.Thread(target=desk.stage.work)
    worker.start()
    deadline = threading.Event()
    while len(beats) < 3 and not deadline.wait(0.02):
        assert worker.is_alive()
    goes_on.set()
    worker.join(10)
    assert desk.message(key).state == MessageState.FORWARDED


@pytest.mark.parametrize(
    ("code", "text"), [(535, "5.7.3 Authentication unsuccessful"), (530, "5.7.57 Client not authenticated")]
)
def test_a_token_that_ends_amid_a_connection_is_followed_by_a_new_login(
    make_desk: Make, house: House, tmp_path: Path, code: int, text: str
) -> None:
    """The connection that the server no longer knows would be refused again and again."""
    desk = make_desk(house.sink.port, connections=1)
    house.use(desk, oauth_of(house.endpoint), tmp_path / "var", lambda: 1000.0, Login.XOAUTH2)
    desk.take_in(from_family(1))
    desk.send()
    before = house.sink.connections_seen
    house.sink.answer("mail", code, text, times=1)
    [key] = desk.take_in(from_family(2))
    desk.send()
    assert desk.message(key).state == MessageState.DECIDED
    desk.stage.account.paused_until = 0.0
    desk.advance(minutes=2)
    desk.send()
    assert desk.message(key).state == MessageState.FORWARDED
    assert house.sink.connections_seen == before + 1
    assert desk.incidents() == []
    desk.assert_ledger_closes()


# --------------------------------------------------------------------------- slowed down


@pytest.mark.parametrize(
    ("code", "text", "seconds"),
    [
        (421, "4.7.0 Try again later", 60),
        (432, "4.3.2 Concurrent connections limit exceeded", 60),
        (451, "4.7.500 Server busy. Please try again later", 60),
        (451, "4.7.0 Request is throttled. Suggested Backoff Time: 200000 milliseconds", 200),
    ],
)
@pytest.mark.parametrize("step", ["mail", "data_dot"])
def test_f80_a_server_that_slows_us_down_is_left_alone_and_no_message_is_blamed(
    make_desk: Make, smtp_sink: SmtpSink, step: str, code: int, text: str, seconds: float
) -> None:
    desk = make_desk(smtp_sink.port, connections=1)
    smtp_sink.answer(step, code, text)  # type: ignore[arg-type]
    keys = desk.take_in(*(from_family(number) for number in range(30)))
    desk.send()
    tried = sum(desk.dispatch(key).attempts for key in keys)
    assert tried <= 16, "nothing more was begun while the server wants to be left alone"
    assert desk.stage.account.rests
    assert desk.incidents() == [], "once is routine"
    assert desk.send() == 0
    desk.stage.account.paused_until = 0.0
    desk.advance(seconds=seconds + 1)
    desk.send()
    assert desk.incidents() == [("submission", 1)]
    assert sum(desk.dispatch(key).attempts for key in keys) == tried + 1, "one alone"
    smtp_sink.clear_script()
    desk.stage.account.paused_until = 0.0
    desk.advance(seconds=seconds + 1)
    desk.send()
    assert {desk.message(key).state for key in keys} == {MessageState.FORWARDED}
    assert desk.incidents() == []
    desk.assert_ledger_closes()


def test_a_greylisted_recipient_slows_nobody_else(desk: Desk, smtp_sink: SmtpSink) -> None:
    smtp_sink.answer("rcpt", 451, "4.7.1 Greylisting in action", times=1, when=lambda path: path == NORD)
    first, second = desk.take_in(from_family(1), from_family(2))
    desk.send()
    assert not desk.stage.account.rests
    assert {desk.message(key).state for key in (first, second)} == {MessageState.DECIDED, MessageState.FORWARDED}


# --------------------------------------------------------------------------- our own address


@pytest.mark.parametrize("step", ["mail", "data_dot"])
def test_f79_send_as_denied_at_random_passes_without_an_alarm(make_desk: Make, smtp_sink: SmtpSink, step: str) -> None:
    desk = make_desk(smtp_sink.port)
    smtp_sink.answer(step, 554, DENIED, times=1)  # type: ignore[arg-type]
    [key] = desk.take_in(a_mail())
    desk.send()
    assert desk.dispatch(key).state == DispatchState.PENDING
    assert desk.incidents() == []
    desk.stage.account.paused_until = 0.0
    desk.advance(minutes=2)
    desk.send()
    assert desk.message(key).state == MessageState.FORWARDED
    assert desk.tried(key) == [Tried("permanent", step.removesuffix("_dot"), 554), Tried("accepted", "data", 250)]
    desk.assert_ledger_closes()


def test_f79_send_as_denied_that_lasts_is_an_alarm_and_holds_nothing(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port)
    smtp_sink.answer("data_dot", 554, DENIED)
    keys = desk.take_in(*(from_family(number) for number in range(5)))
    for _ in range(3):
        desk.send()
        desk.stage.account.paused_until = 0.0
        desk.advance(minutes=2)
    assert desk.incidents() == [("submission", 2)]
    assert "may send as the address of 'service'" in desk.stage.trouble
    assert {desk.outcome(key) for key in keys} == {(MessageState.DECIDED, "")}
    smtp_sink.clear_script()
    desk.send()
    assert {desk.message(key).state for key in keys} == {MessageState.FORWARDED}
    assert desk.incidents() == []


def test_f79_an_acknowledgement_that_is_denied_is_tried_again_and_stops_no_forward(
    desk: Desk, smtp_sink: SmtpSink
) -> None:
    smtp_sink.answer("data_dot", 554, DENIED, times=1, when=lambda path: path != NORD)
    [key] = desk.take_in(a_mail())
    desk.send()
    assert desk.states(key) == [("forward", "accepted"), ("acknowledgement", "pending")]
    assert not desk.stage.account.rests
    desk.advance(minutes=2)
    desk.send()
    assert desk.states(key) == [("forward", "accepted"), ("acknowledgement", "accepted")]
