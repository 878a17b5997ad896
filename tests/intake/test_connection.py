"""Connecting: TLS is never given up, every way of logging in works or is refused with its remedy."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from imapclient import IMAPClient

from tests.intake.builders import Intake, account_of
from tests.servers.authority import Authority, Certificate
from tests.servers.dovecot import Dovecot, MailboxUser
from tests.servers.proxy import ImapProxy
from triage.intake.connection import MailboxTroubleError, connect, disconnect
from triage.intake.trouble import describe
from triage.settings import Account, Login, Security, load_settings


@pytest.fixture
def refused() -> Callable[[Account], MailboxTroubleError]:
    """The trouble of an account that must not connect; its text must hold no secret."""

    def run(account: Account) -> MailboxTroubleError:
        with pytest.raises(MailboxTroubleError) as caught:
            disconnect(connect(account))
        error = caught.value
        assert account.secret not in str(error)
        assert account.user not in str(error)
        assert error.__cause__ is None
        assert error.__suppress_context__, "a traceback would show the library's own words"
        return error

    return run


@contextmanager
def tls_port(certificate: Certificate) -> Iterator[int]:
    """A TLS server with this certificate that greets whoever accepts it, and notes nothing."""
    with ExitStack() as opened:
        listener = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
        listener.settimeout(10)
        opened.callback(Answering(listener, certificate.server_context()).close)
        yield listener.getsockname()[1]


class Answering:
    """Accepts one TLS connection in a thread, and greets."""

    def __init__(self, listener: socket.socket, context: ssl.SSLContext) -> None:
        self._listener, self._context = listener, context
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        try:
            plain, _ = self._listener.accept()
            plain.settimeout(10)
            with plain, self._context.wrap_socket(plain, server_side=True) as secured:
                secured.sendall(b"* OK greeting\r\n")
                secured.recv(1000)
        except OSError:
            return  # the client left, as it should

    def close(self) -> None:
        self._thread.join(15)


# --------------------------------------------------------------------------- TLS


def test_tls_is_what_happens_without_asking() -> None:
    environment = {"TRIAGE_IMAP_HOST": "imap.example.org", "TRIAGE_IMAP_USER": "u", "TRIAGE_IMAP_PASSWORD": "p"}
    smtp = {"TRIAGE_SMTP_HOST": "smtp.example.org", "TRIAGE_SMTP_USER": "u", "TRIAGE_SMTP_PASSWORD": "p"}

    account = load_settings(environment | smtp, "w").imap("generale")

    assert (account.security, account.port) == (Security.TLS, 993)


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_encrypted_connection_to_a_server_of_our_authority(
    dovecot: Dovecot, mailbox_user: MailboxUser, security: Security, host: str
) -> None:
    port = dovecot.tls_port if security is Security.TLS else dovecot.port
    ca_file = str(dovecot.authority.ca_path)

    client = connect(account_of(mailbox_user, port, security=security, ca_file=ca_file, host=host))

    assert isinstance(client.socket(), ssl.SSLSocket)
    assert _speaks_at_once(client)
    disconnect(client)


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_unknown_authority_is_refused(
    dovecot: Dovecot,
    mailbox_user: MailboxUser,
    security: Security,
    tmp_path: Path,
    refused: Callable[[Account], MailboxTroubleError],
) -> None:
    port = dovecot.tls_port if security is Security.TLS else dovecot.port
    for ca_file in ("", str(Authority(tmp_path).ca_path)):
        error = refused(account_of(mailbox_user, port, security=security, ca_file=ca_file))

        assert error.kind == "tls"
        assert "TRIAGE_IMAP_CA_FILE" in str(error)
        assert "CERTIFICATE_VERIFY_FAILED" in str(error)


@pytest.mark.parametrize(
    ("names", "expired"), [(["imap.example.org"], False), (["127.0.0.1"], True)], ids=["misnamed", "expired"]
)
def test_certificate_that_does_not_hold_is_refused(
    authority: Authority,
    mailbox_user: MailboxUser,
    names: list[str],
    expired: bool,
    refused: Callable[[Account], MailboxTroubleError],
) -> None:
    with tls_port(authority.issue(names, expired=expired)) as port:
        account = account_of(mailbox_user, port, security=Security.TLS, ca_file=str(authority.ca_path))
        error = refused(account)

    assert error.kind == "tls"
    assert "TRIAGE_IMAP_TLS" in str(error)


def test_server_without_starttls_is_told_no_password(
    dovecot: Dovecot,
    mailbox_user: MailboxUser,
    imap_proxy: ImapProxy,
    refused: Callable[[Account], MailboxTroubleError],
) -> None:
    imap_proxy.rewrite(lambda line: line.replace(b"STARTTLS ", b""))

    error = refused(account_of(mailbox_user, imap_proxy.port, security=Security.STARTTLS))

    assert error.kind == "tls"
    assert "TRIAGE_IMAP_TLS=tls" in str(error)
    assert imap_proxy.count(rb"LOGIN|AUTHENTICATE") == 0


def test_plain_server_where_tls_was_asked_for_is_refused(
    dovecot: Dovecot, mailbox_user: MailboxUser, refused: Callable[[Account], MailboxTroubleError]
) -> None:
    error = refused(account_of(mailbox_user, dovecot.port, security=Security.TLS))

    assert error.kind == "tls"
    assert "TRIAGE_IMAP_TLS" in str(error)


def test_plain_connection_only_when_asked_for(dovecot: Dovecot, mailbox_user: MailboxUser) -> None:
    client = connect(account_of(mailbox_user, dovecot.port, security=Security.PLAIN))

    assert not isinstance(client.socket(), ssl.SSLSocket)
    assert _speaks_at_once(client)
    disconnect(client)


def _speaks_at_once(client: IMAPClient) -> bool:
    """The end of a command does not wait until its beginning is acknowledged, which many servers put off."""
    return bool(client.socket().getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))


def test_missing_authority_file_is_named(
    dovecot: Dovecot, mailbox_user: MailboxUser, tmp_path: Path, refused: Callable[[Account], MailboxTroubleError]
) -> None:
    ca_file = str(tmp_path / "missing.pem")

    error = refused(account_of(mailbox_user, dovecot.tls_port, security=Security.TLS, ca_file=ca_file))

    assert error.kind == "tls"
    assert "TRIAGE_IMAP_CA_FILE" in str(error)


# --------------------------------------------------------------------------- logging in


@pytest.mark.parametrize("login", [Login.XOAUTH2, Login.OAUTHBEARER])
def test_bearer_token_opens_the_mailbox(dovecot: Dovecot, mailbox_user: MailboxUser, login: Login) -> None:
    client = connect(account_of(mailbox_user, dovecot.port, login=login, secret=dovecot.token(mailbox_user.name)))

    assert client.select_folder("INBOX")[b"EXISTS"] == 0
    disconnect(client)


@pytest.mark.parametrize("login", [Login.XOAUTH2, Login.OAUTHBEARER])
def test_expired_token_is_refused(
    dovecot: Dovecot, mailbox_user: MailboxUser, login: Login, refused: Callable[[Account], MailboxTroubleError]
) -> None:
    token = dovecot.token(mailbox_user.name, expires_in=-60)

    error = refused(account_of(mailbox_user, dovecot.port, login=login, secret=token))

    assert error.kind == "credentials"
    assert "TRIAGE_IMAP_PASSWORD (or the token)" in str(error)


def test_wrong_password_is_refused(
    dovecot: Dovecot, mailbox_user: MailboxUser, refused: Callable[[Account], MailboxTroubleError]
) -> None:
    error = refused(account_of(mailbox_user, dovecot.port, secret="sbagliata-segreta"))

    assert error.kind == "credentials"
    assert "TRIAGE_IMAP_USER" in str(error)
    assert "TRIAGE_IMAP_PASSWORD" in str(error)


def test_password_with_italian_letters(dovecot: Dovecot) -> None:
    """LOGIN takes ASCII only (RFC 3501 section 9, quoted strings); AUTHENTICATE PLAIN takes UTF-8 (RFC 4616)."""
    user = dovecot.add_user("perche@example.org", "perché-così")

    client = connect(account_of(user, dovecot.port))

    assert client.select_folder("INBOX")[b"EXISTS"] == 0
    disconnect(client)


def test_connection_lost_in_the_login_does_not_blame_the_password(
    mailbox_user: MailboxUser, imap_proxy: ImapProxy, refused: Callable[[Account], MailboxTroubleError]
) -> None:
    imap_proxy.cut(rb"^\S+ LOGIN")

    assert refused(account_of(mailbox_user, imap_proxy.port)).kind == "unreachable"


def test_server_that_is_not_there(mailbox_user: MailboxUser, refused: Callable[[Account], MailboxTroubleError]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    error = refused(account_of(mailbox_user, port))

    assert error.kind == "unreachable"
    assert "TRIAGE_IMAP_HOST" in str(error)


def test_name_that_is_no_host(mailbox_user: MailboxUser, refused: Callable[[Account], MailboxTroubleError]) -> None:
    account = account_of(mailbox_user, 143, host="imap..example.org")
    assert "Mend TRIAGE_IMAP_HOST" in str(refused(account))


def test_server_that_never_greets_ends_with_the_time_out(
    mailbox_user: MailboxUser, refused: Callable[[Account], MailboxTroubleError]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        account = account_of(mailbox_user, listener.getsockname()[1], timeout=0.2)

        assert refused(account).kind == "unreachable"


def test_refused_login_is_one_incident_without_secrets(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser
) -> None:
    wrong = MailboxUser(mailbox_user.name, "sbagliata-segreta")
    reader = intake.reader(user=wrong)
    for _ in range(3):
        with pytest.raises(MailboxTroubleError) as caught:
            reader.work()
        reader.fail(caught.value)

    ((kind, subject, detail),) = intake.incidents()
    assert (kind, subject) == ("mailbox", "generale")
    assert detail.startswith("credentials: ")
    assert "sbagliata" not in detail
    assert mailbox_user.name not in detail
    assert describe(caught.value)[0] == "credentials"
