"""The private Dovecot does what the tests of the service rely on."""

from __future__ import annotations

import smtplib
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError, LoginError

from tests.servers.authority import Authority
from tests.servers.dovecot import Dovecot, MailboxUser
from tests.servers.mail import make_mail
from tests.servers.smtp_sink import SmtpSink

StartDovecot = Callable[..., Dovecot]


def test_starts_in_well_under_a_second(start_dovecot: StartDovecot) -> None:
    began = time.monotonic()
    start_dovecot()

    assert time.monotonic() - began < 1.0


def test_messages_come_back_octet_for_octet(dovecot: Dovecot, mailbox_user: MailboxUser) -> None:
    latin = make_mail("perché così", charset="latin-1", transfer_encoding="8bit")
    unfinished = b"From: x@example.org\r\n\r\nno line end"

    first = dovecot.deliver(mailbox_user.name, latin)
    second = dovecot.deliver(mailbox_user.name, unfinished)

    assert dovecot.fetch(mailbox_user.name) == {first: latin, second: unfinished}


def test_date_and_flags_of_a_delivery_are_kept(dovecot: Dovecot, mailbox_user: MailboxUser) -> None:
    when = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    uid = dovecot.deliver(mailbox_user.name, make_mail(), when=when, flags=("\\Seen", "lavorato"))

    client = dovecot.client(mailbox_user.name)
    client.normalise_times = False
    client.select_folder("INBOX", readonly=True)

    assert client.fetch([uid], ["INTERNALDATE"])[uid][b"INTERNALDATE"] == when
    assert dovecot.flags(mailbox_user.name) == {uid: frozenset({"\\Seen", "lavorato"})}


def test_delivery_without_a_time_zone_is_refused(dovecot: Dovecot, mailbox_user: MailboxUser) -> None:
    with pytest.raises(ValueError, match="time zone"):
        dovecot.deliver(mailbox_user.name, make_mail(), when=datetime(2026, 1, 1))  # noqa: DTZ001


@pytest.mark.parametrize("storage", ["maildir", "mdbox"])
def test_thousands_are_delivered_in_order(start_dovecot: StartDovecot, storage: str) -> None:
    server = start_dovecot(storage=storage)
    user = server.add_user("ufficio").name
    messages = [b"Subject: %d\r\n\r\nx\r\n" % number for number in range(1500)]

    server.deliver_fast(user, messages)

    assert list(server.fetch(user).values()) == messages


def test_accounts_are_separate_and_a_new_one_works_at_once(dovecot: Dovecot, mailbox_user: MailboxUser) -> None:
    dovecot.deliver(mailbox_user.name, make_mail())
    other = dovecot.add_user("altro.ufficio@example.org")

    assert dovecot.uids(other.name) == ()
    assert dovecot.uids(mailbox_user.name) == (1,)


def test_wrong_password_is_refused_soon(dovecot: Dovecot, mailbox_user: MailboxUser) -> None:
    began = time.monotonic()
    with IMAPClient(dovecot.host, dovecot.port, ssl=False) as client, pytest.raises(LoginError):
        client.login(mailbox_user.name, "sbagliata")

    assert time.monotonic() - began < 1.2


def test_implicit_tls_is_verified(dovecot: Dovecot, mailbox_user: MailboxUser) -> None:
    context = dovecot.authority.client_context()

    with IMAPClient("127.0.0.1", dovecot.tls_port, ssl=True, ssl_context=context) as client:
        client.login(mailbox_user.name, mailbox_user.password)
        assert client.noop()


def test_starttls_is_verified(dovecot: Dovecot, mailbox_user: MailboxUser) -> None:
    with IMAPClient("127.0.0.1", dovecot.port, ssl=False) as client:
        assert client.has_capability("STARTTLS")
        client.starttls(dovecot.authority.client_context())
        client.login(mailbox_user.name, mailbox_user.password)
        assert isinstance(client._imap.sock, ssl.SSLSocket)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_client_that_does_not_trust_the_authority_refuses(dovecot: Dovecot) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        IMAPClient("127.0.0.1", dovecot.tls_port, ssl=True, ssl_context=ssl.create_default_context())


@pytest.mark.parametrize("login", ["oauth2_login", "oauthbearer_login"])
def test_valid_token_logs_in(dovecot: Dovecot, mailbox_user: MailboxUser, login: str) -> None:
    with IMAPClient(dovecot.host, dovecot.port, ssl=False) as client:
        getattr(client, login)(mailbox_user.name, dovecot.token(mailbox_user.name))
        client.select_folder("INBOX")


@pytest.mark.parametrize("login", ["oauth2_login", "oauthbearer_login"])
@pytest.mark.parametrize("fault", ["expired", "of another user", "forged"])
def test_bad_token_is_refused(dovecot: Dovecot, mailbox_user: MailboxUser, login: str, fault: str) -> None:
    token = {
        "expired": dovecot.token(mailbox_user.name, expires_in=-60),
        "of another user": dovecot.token("altro@example.org"),
        "forged": dovecot.token(mailbox_user.name)[:-8] + "AAAAAAAA",
    }[fault]

    with IMAPClient(dovecot.host, dovecot.port, ssl=False) as client, pytest.raises(LoginError):
        getattr(client, login)(mailbox_user.name, token)


def test_all_capabilities_are_announced_unless_hidden(dovecot: Dovecot, mailbox_user: MailboxUser) -> None:
    client = dovecot.client(mailbox_user.name)

    assert all(client.has_capability(name) for name in ("MOVE", "UIDPLUS", "CONDSTORE", "IDLE", "QRESYNC"))


def test_hidden_capabilities_are_not_announced(start_dovecot: StartDovecot) -> None:
    hidden = ("MOVE", "UIDPLUS", "CONDSTORE", "IDLE")
    server = start_dovecot(capability_without=hidden)
    client = server.client(server.add_user("ufficio").name)

    assert [name for name in hidden if client.has_capability(name)] == []
    assert client.has_capability("QRESYNC")


@pytest.mark.parametrize("folder", ["INBOX", "Lavorati"])
def test_rebuilt_maildir_folder_has_new_uidvalidity_and_new_uids(
    dovecot: Dovecot, mailbox_user: MailboxUser, folder: str
) -> None:
    user = mailbox_user.name
    colleague = dovecot.client(user)
    if folder != "INBOX":
        colleague.create_folder(folder)
    messages = {make_mail(subject=str(number)) for number in range(4)}
    for octets in sorted(messages):
        dovecot.deliver(user, octets, folder)
    colleague.select_folder(folder)
    colleague.delete_messages([1])
    colleague.expunge([1])
    left = set(dovecot.fetch(user, folder).values())
    before = dovecot.uid_validity(user, folder)

    after = dovecot.rebuild(user, folder)

    assert after > before
    assert dovecot.uid_validity(user, folder) == after
    assert dovecot.uids(user, folder) == (1, 2, 3)
    assert set(dovecot.fetch(user, folder).values()) == left


def test_rebuilt_mdbox_folder_has_new_uidvalidity_and_keeps_its_uids(start_dovecot: StartDovecot) -> None:
    server = start_dovecot(storage="mdbox")
    user = server.add_user("ufficio").name
    server.deliver_fast(user, [make_mail() for _ in range(3)])
    before, messages = server.uid_validity(user), server.fetch(user)

    assert server.rebuild(user) > before
    assert server.fetch(user) == messages


def test_a_second_rebuild_changes_uidvalidity_again(dovecot: Dovecot, mailbox_user: MailboxUser) -> None:
    dovecot.deliver(mailbox_user.name, make_mail())
    validities = [dovecot.uid_validity(mailbox_user.name)] + [dovecot.rebuild(mailbox_user.name) for _ in range(3)]

    assert validities == sorted(set(validities))


def test_folder_is_renamed(dovecot: Dovecot, mailbox_user: MailboxUser) -> None:
    dovecot.client(mailbox_user.name).create_folder("Lavorati")
    uid = dovecot.deliver(mailbox_user.name, make_mail(), "Lavorati")

    dovecot.rename_folder(mailbox_user.name, "Lavorati", "Archivio 2026")

    assert dovecot.folders(mailbox_user.name) == ("Archivio 2026", "INBOX")
    assert dovecot.uids(mailbox_user.name, "Archivio 2026") == (uid,)


def test_killed_connections_are_cut_and_others_stay(dovecot: Dovecot, mailbox_user: MailboxUser) -> None:
    other = dovecot.client(dovecot.add_user("collega").name)
    clients = [dovecot.client(mailbox_user.name) for _ in range(2)]

    assert dovecot.kill_connections(mailbox_user.name) == 2
    assert dovecot.kill_connections(mailbox_user.name) == 0

    for client in clients:
        with pytest.raises((IMAPClientError, OSError)):
            client.noop()
    assert other.noop()
    dovecot.close_clients("collega")


def test_mail_and_ports_survive_a_restart(start_dovecot: StartDovecot) -> None:
    server = start_dovecot()
    user = server.add_user("ufficio").name
    uid = server.deliver(user, make_mail())
    client, ports, validity = server.client(user), (server.port, server.tls_port), server.uid_validity(user)

    server.stop()
    with pytest.raises((IMAPClientError, OSError)):
        client.noop()
    with pytest.raises(ConnectionRefusedError):
        server.client(user)
    server.start()

    assert (server.port, server.tls_port) == ports
    assert (server.uids(user), server.uid_validity(user)) == ((uid,), validity)


def test_idle_tells_of_new_mail(dovecot: Dovecot, mailbox_user: MailboxUser) -> None:
    client = dovecot.client(mailbox_user.name)
    client.select_folder("INBOX")
    client.idle()

    dovecot.deliver(mailbox_user.name, make_mail())

    assert (1, b"EXISTS") in client.idle_check(timeout=5)
    client.idle_done()


def test_expired_and_misnamed_certificates_are_refused(
    authority: Authority, start_smtp_sink: Callable[..., SmtpSink]
) -> None:
    for certificate in (authority.issue(expired=True), authority.issue(["mail.example.org"])):
        sink = start_smtp_sink(tls=certificate.server_context(), implicit_tls=True)
        with pytest.raises(ssl.SSLCertVerificationError):
            smtplib.SMTP_SSL("127.0.0.1", sink.port, context=authority.client_context())
