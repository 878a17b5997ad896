"""The IMAP proxy is invisible until told otherwise; then it does exactly that, and counts right."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator

import pytest
from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

from tests.servers.dovecot import Dovecot, MailboxUser
from tests.servers.mail import make_mail
from tests.servers.proxy import ImapProxy

_LOST = (IMAPClientError, OSError)


@pytest.fixture
def client(imap_proxy: ImapProxy, mailbox_user: MailboxUser) -> Iterator[IMAPClient]:
    """Logged in through the proxy, inbox selected, counts at zero."""
    client = IMAPClient("127.0.0.1", imap_proxy.port, ssl=False, timeout=5)
    client.login(mailbox_user.name, mailbox_user.password)
    client.select_folder("INBOX")
    client.capabilities()  # imapclient asks for them once, before the first search
    imap_proxy.reset_counts()
    yield client
    try:
        client.shutdown()
    except OSError:
        return


def test_messages_pass_octet_for_octet(
    client: IMAPClient, dovecot: Dovecot, mailbox_user: MailboxUser, imap_proxy: ImapProxy
) -> None:
    tricky = make_mail("* 1 FETCH (RFC822.SIZE 1)\n) {12}\nA1 OK\n" * 3000)
    uids = [dovecot.deliver(mailbox_user.name, tricky) for _ in range(3)]
    client.noop()  # else the selected folder stays as the client saw it
    imap_proxy.rewrite(lambda line: line.replace(b"RFC822.SIZE 1)", b"RFC822.SIZE 2)"))

    fetched = client.fetch(uids, ["BODY.PEEK[]"])

    assert [fetched[uid][b"BODY[]"] for uid in uids] == [tricky] * 3


def test_literals_of_the_client_pass(client: IMAPClient, dovecot: Dovecot, mailbox_user: MailboxUser) -> None:
    octets = make_mail("A1 LOGOUT\n" * 1000)
    client.append("INBOX", octets)
    client.multiappend("INBOX", [octets, octets])

    assert list(dovecot.fetch(mailbox_user.name).values()) == [octets] * 3


def test_server_can_lie_about_sizes(
    client: IMAPClient, dovecot: Dovecot, mailbox_user: MailboxUser, imap_proxy: ImapProxy
) -> None:
    uid = dovecot.deliver(mailbox_user.name, make_mail())
    client.noop()  # else the selected folder stays as the client saw it
    imap_proxy.rewrite(lambda line: re.sub(rb"RFC822\.SIZE \d+", b"RFC822.SIZE 7", line))

    assert client.fetch([uid], ["RFC822.SIZE"])[uid][b"RFC822.SIZE"] == 7


def test_command_is_refused_once_and_never_reaches_the_server(
    client: IMAPClient, dovecot: Dovecot, mailbox_user: MailboxUser, imap_proxy: ImapProxy
) -> None:
    uid = dovecot.deliver(mailbox_user.name, make_mail())
    client.noop()  # else the selected folder stays as the client saw it
    imap_proxy.answer(rb"^\S+ UID STORE", b"* BAD warning\r\nNO [SERVERBUG] sorry")

    with pytest.raises(IMAPClientError, match="SERVERBUG"):
        client.add_flags([uid], ["\\Seen"])
    assert dovecot.flags(mailbox_user.name) == {uid: frozenset()}
    client.add_flags([uid], ["\\Seen"])
    assert dovecot.flags(mailbox_user.name) == {uid: frozenset({"\\Seen"})}


def test_third_command_is_cut_before_it_is_carried_out(
    client: IMAPClient, dovecot: Dovecot, mailbox_user: MailboxUser, imap_proxy: ImapProxy
) -> None:
    uids = [dovecot.deliver(mailbox_user.name, make_mail()) for _ in range(3)]
    client.noop()  # else the selected folder stays as the client saw it
    imap_proxy.cut(rb"UID STORE", skip=2)
    client.add_flags(uids[:1], ["\\Seen"])
    client.add_flags(uids[1:2], ["\\Seen"])

    with pytest.raises(_LOST):
        client.add_flags(uids[2:], ["\\Seen"])
    assert [bool(flags) for flags in dovecot.flags(mailbox_user.name).values()] == [True, True, False]


@pytest.mark.parametrize("reset", [False, True])
def test_command_is_carried_out_and_its_answer_lost(
    client: IMAPClient, dovecot: Dovecot, mailbox_user: MailboxUser, imap_proxy: ImapProxy, reset: bool
) -> None:
    client.create_folder("Lavorati")
    uid = dovecot.deliver(mailbox_user.name, make_mail())
    client.noop()  # else the selected folder stays as the client saw it
    imap_proxy.cut(rb"UID MOVE", where="after", reset=reset)

    with pytest.raises(_LOST):
        client.move([uid], "Lavorati")
    assert dovecot.uids(mailbox_user.name) == ()
    assert len(dovecot.uids(mailbox_user.name, "Lavorati")) == 1


@pytest.mark.parametrize(("where", "octets"), [("before", 0), ("within", 10), ("within", 1000), ("after", 0)])
def test_answer_is_cut(
    client: IMAPClient,
    dovecot: Dovecot,
    mailbox_user: MailboxUser,
    imap_proxy: ImapProxy,
    where: str,
    octets: int,
) -> None:
    """Before, within the line, within the literal, and before the literal."""
    uid = dovecot.deliver(mailbox_user.name, make_mail("x" * 5000))
    client.noop()  # else the selected folder stays as the client saw it
    if where == "within":
        imap_proxy.cut(rb"BODY\[\] \{", side="server", where="within", octets=octets)
    else:
        imap_proxy.cut(rb"BODY\[\] \{", side="server", where="after" if where == "after" else "before")

    with pytest.raises(_LOST):
        client.fetch([uid], ["BODY.PEEK[]"])


def test_stalled_answer_comes_late(client: IMAPClient, imap_proxy: ImapProxy) -> None:
    imap_proxy.stall(rb"OK NOOP", 0.2)
    began = time.monotonic()
    client.noop()

    assert 0.2 <= time.monotonic() - began < 4


def test_black_hole_runs_into_the_clients_timeout(imap_proxy: ImapProxy, mailbox_user: MailboxUser) -> None:
    client = IMAPClient("127.0.0.1", imap_proxy.port, ssl=False, timeout=0.2)
    client.login(mailbox_user.name, mailbox_user.password)
    imap_proxy.stall(b"", math.inf)

    with pytest.raises(TimeoutError):
        client.noop()
    client.shutdown()


def test_greeting_can_be_withheld(imap_proxy: ImapProxy) -> None:
    imap_proxy.cut(rb"^\* OK", side="server")
    with pytest.raises(_LOST):
        IMAPClient("127.0.0.1", imap_proxy.port, ssl=False, timeout=5)
    IMAPClient("127.0.0.1", imap_proxy.port, ssl=False, timeout=5).shutdown()


def test_commands_and_round_trips_are_counted(
    client: IMAPClient, dovecot: Dovecot, mailbox_user: MailboxUser, imap_proxy: ImapProxy
) -> None:
    client.noop()
    client.search(["UID", "1:*"])
    client.idle()
    dovecot.deliver(mailbox_user.name, make_mail())
    assert client.idle_check(timeout=5)
    client.idle_done()

    assert imap_proxy.round_trips == 4
    assert [command.text for command in imap_proxy.commands] == ["NOOP", "UID SEARCH UID 1:*", "IDLE", "DONE"]
    assert imap_proxy.count(rb"^uid search") == 1
    assert imap_proxy.connections_seen == 0


def test_connections_are_told_apart(imap_proxy: ImapProxy) -> None:
    for _ in range(2):
        with IMAPClient("127.0.0.1", imap_proxy.port, ssl=False, timeout=5):
            pass

    assert imap_proxy.connections_seen == 2
    assert [(command.connection, command.text) for command in imap_proxy.commands] == [
        (1, "CAPABILITY"),
        (1, "LOGOUT"),
        (2, "CAPABILITY"),
        (2, "LOGOUT"),
    ]


def test_all_connections_are_cut_and_new_ones_welcome(
    client: IMAPClient, imap_proxy: ImapProxy, mailbox_user: MailboxUser
) -> None:
    imap_proxy.cut_all()
    with pytest.raises(_LOST):
        client.noop()

    with IMAPClient("127.0.0.1", imap_proxy.port, ssl=False, timeout=5) as other:
        other.login(mailbox_user.name, mailbox_user.password)


def test_stopped_proxy_refuses_and_starts_again_on_its_port(imap_proxy: ImapProxy) -> None:
    imap_proxy.stop()
    with pytest.raises(ConnectionRefusedError):
        IMAPClient("127.0.0.1", imap_proxy.port, ssl=False, timeout=5)
    imap_proxy.start()
    IMAPClient("127.0.0.1", imap_proxy.port, ssl=False, timeout=5).shutdown()


def test_proxy_of_a_dead_server_hangs_up(start_imap_proxy: Callable[[int], ImapProxy]) -> None:
    proxy = start_imap_proxy(1)
    with pytest.raises(_LOST):
        IMAPClient("127.0.0.1", proxy.port, ssl=False, timeout=5)


def test_behaving_again(client: IMAPClient, imap_proxy: ImapProxy) -> None:
    imap_proxy.answer(rb"NOOP", b"NO never", times=None)
    imap_proxy.behave()

    assert client.noop()
