"""TLS breaks on the way to the submission server: nothing is said in clear, no message is tried, lost or repeated."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.dispatch.builders import Desk, a_mail, submission, with_account
from tests.servers.authority import Authority
from tests.servers.smtp_sink import SmtpSink
from tests.servers.tls_proxy import TlsFault, TlsProxy
from triage.settings import Login, Security, Submission
from triage.vocabulary import MessageState

WORD = "parola-segreta"
OF_STARTTLS = (TlsFault.REFUSED, TlsFault.INJECTED, TlsFault.INJECTED_BEFORE)
BREAKS = tuple(fault for fault in TlsFault if fault not in (TlsFault.NONE, TlsFault.INJECTED, TlsFault.INJECTED_BEFORE))

Make = Callable[..., Desk]


@pytest.fixture(params=[True, False], ids=["implicit", "starttls"])
def implicit(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def sink(start_smtp_sink: Callable[..., SmtpSink], authority: Authority, implicit: bool) -> SmtpSink:
    return start_smtp_sink(
        tls=authority.issue().server_context(), implicit_tls=implicit, passwords={"ufficio@example.org": WORD}
    )


@pytest.fixture
def proxy(sink: SmtpSink, implicit: bool) -> Iterator[TlsProxy]:
    with TlsProxy(sink.port, TlsFault.NONE, starttls=not implicit) as made:
        yield made


def through(port: int, authority: Authority, implicit: bool) -> Submission:
    return with_account(
        submission(port),
        host="localhost",
        user="ufficio@example.org",
        secret=WORD,
        login=Login.PASSWORD,
        security=Security.TLS if implicit else Security.STARTTLS,
        ca_file=str(authority.ca_path),
        timeout=1.0,
    )


def nothing_in_clear(heard: bytes) -> bool:
    return not any(word in heard.upper() for word in (b"AUTH", b"MAIL FROM", b"RCPT", b"DATA\r\n", b"ANNA"))


@pytest.mark.parametrize("fault", BREAKS)
def test_a_handshake_that_breaks_is_a_connection_that_failed(
    make_desk: Make, sink: SmtpSink, proxy: TlsProxy, authority: Authority, implicit: bool, fault: TlsFault
) -> None:
    if implicit and fault in OF_STARTTLS:
        pytest.skip("there is no STARTTLS under implicit TLS")
    desk = make_desk(proxy.port)
    proxy.fault = fault
    [key] = desk.take_in(a_mail())
    desk.restage(through(proxy.port, authority, implicit))
    desk.send()
    assert proxy.met
    assert nothing_in_clear(proxy.heard)
    assert desk.attempts(desk.dispatch(key).id) == []
    assert desk.message(key).state == MessageState.DECIDED
    # A server that has no TLS now is the first time let be.
    assert desk.incidents() == ([] if fault is TlsFault.REFUSED else [("submission", 1)])
    assert [*sink.messages] == []
    proxy.fault = TlsFault.NONE
    desk.restage(through(proxy.port, authority, implicit))
    desk.send()
    assert desk.message(key).state == MessageState.FORWARDED
    assert desk.incidents() == []
    assert [message.tls for message in sink.messages] == [True, True]
    assert nothing_in_clear(proxy.heard)
    desk.hang_up()


@pytest.mark.parametrize("implicit", [False], indirect=True, ids=["starttls"])
def test_plain_words_behind_the_answer_to_starttls_are_not_the_servers(
    make_desk: Make, sink: SmtpSink, proxy: TlsProxy, authority: Authority, implicit: bool
) -> None:
    """Else somebody on the way could answer in the server's place, for what is said under TLS (RFC 3207)."""
    desk = make_desk(proxy.port)
    proxy.fault = TlsFault.INJECTED
    [key] = desk.take_in(a_mail())
    desk.restage(through(proxy.port, authority, implicit))
    desk.send()
    assert proxy.met
    assert desk.incidents() == []
    assert desk.message(key).state == MessageState.FORWARDED
    assert len(sink.messages) == 2
    assert nothing_in_clear(proxy.heard)
    desk.hang_up()


@pytest.mark.parametrize(("names", "expired"), [(["smtp.example.org"], False), (["localhost"], True)])
def test_a_certificate_that_does_not_hold_is_refused(
    make_desk: Make,
    start_smtp_sink: Callable[..., SmtpSink],
    authority: Authority,
    implicit: bool,
    names: list[str],
    expired: bool,
) -> None:
    """Of another name, or of yesterday."""
    sink = start_smtp_sink(tls=authority.issue(names, expired=expired).server_context(), implicit_tls=implicit)
    with TlsProxy(sink.port, TlsFault.NONE, starttls=not implicit) as proxy:
        desk = make_desk(proxy.port)
        [key] = desk.take_in(a_mail())
        desk.restage(through(proxy.port, authority, implicit))
        desk.send()
        assert nothing_in_clear(proxy.heard)
    assert desk.attempts(desk.dispatch(key).id) == []
    assert desk.incidents() == [("submission", 1)]
    assert [*sink.messages] == []
