"""TLS breaks on the way to the mailbox: nothing is said in clear, and each message is read once when all is well."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.intake.builders import Intake, account_of
from tests.servers.authority import Authority
from tests.servers.dovecot import Dovecot
from tests.servers.mail import make_mail
from tests.servers.tls_proxy import TlsFault, TlsProxy
from triage.intake.connection import MailboxTroubleError, connect, disconnect
from triage.settings import Account, Security

INJECTIONS = (TlsFault.INJECTED, TlsFault.INJECTED_BEFORE)
BREAKS = tuple(fault for fault in TlsFault if fault not in (TlsFault.NONE, *INJECTIONS))


@pytest.fixture(params=[Security.TLS, Security.STARTTLS])
def security(request: pytest.FixtureRequest) -> Security:
    return Security(request.param)


@pytest.fixture
def proxy(dovecot: Dovecot, security: Security) -> Iterator[TlsProxy]:
    implicit = security is Security.TLS
    with TlsProxy(dovecot.tls_port if implicit else dovecot.port, TlsFault.NONE, starttls=not implicit) as made:
        yield made


def account_through(proxy: TlsProxy, intake: Intake, authority: Authority, security: Security) -> Account:
    return account_of(intake.user, proxy.port, security=security, ca_file=str(authority.ca_path), timeout=2.0)


def nothing_in_clear(proxy: TlsProxy, intake: Intake) -> bool:
    words = ("LOGIN", "AUTHENTICATE", "SELECT", intake.user.name.upper(), intake.user.password.upper())
    return not any(word.encode() in proxy.heard.upper() for word in words)


@pytest.mark.parametrize("fault", BREAKS)
def test_a_handshake_that_breaks_is_a_connection_that_failed(
    intake: Intake, dovecot: Dovecot, proxy: TlsProxy, security: Security, fault: TlsFault
) -> None:
    if security is Security.TLS and fault is TlsFault.REFUSED:
        pytest.skip("there is no STARTTLS under implicit TLS")
    account = account_through(proxy, intake, dovecot.authority, security)
    reader = intake.reader(account=account)
    reader.work()
    dovecot.deliver(intake.user.name, make_mail("Buongiorno"))
    reader.close()
    proxy.fault = fault
    with pytest.raises(MailboxTroubleError) as caught:
        reader.work()
    reader.fail(caught.value)
    assert proxy.met
    assert caught.value.kind in ("tls", "unreachable")
    assert nothing_in_clear(proxy, intake)
    assert intake.states() == []
    assert [incident[0] for incident in intake.incidents()] == ["mailbox"]
    proxy.fault = TlsFault.NONE
    reader.work()
    reader.work()
    assert intake.states() == ["received"]
    assert nothing_in_clear(proxy, intake)


@pytest.mark.parametrize("security", [Security.STARTTLS], indirect=True)
@pytest.mark.parametrize("fault", INJECTIONS)
def test_plain_words_around_the_answer_to_starttls_are_not_the_servers(
    intake: Intake, dovecot: Dovecot, proxy: TlsProxy, security: Security, fault: TlsFault
) -> None:
    """What was offered is asked anew under TLS (RFC 3501 section 6.2.1), and answers given ahead are no answers."""
    proxy.fault = fault
    client = connect(account_through(proxy, intake, dovecot.authority, security))
    assert proxy.met
    assert client.has_capability("MOVE")
    assert client.select_folder("INBOX")[b"EXISTS"] == 0
    assert nothing_in_clear(proxy, intake)
    disconnect(client)
