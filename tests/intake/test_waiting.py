"""The loop: IDLE as a hint, polling as the net, time-outs, back-off, and a clean stop."""

from __future__ import annotations

import math
import select
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack

import pytest
from imapclient.exceptions import IMAPClientError

from tests.intake.builders import Intake, running, until
from tests.servers.authority import Authority
from tests.servers.dovecot import Dovecot, MailboxUser
from tests.servers.mail import make_mail
from tests.servers.proxy import ImapProxy
from triage.intake.connection import connect, disconnect
from triage.intake.mailbox import ImapMailbox
from triage.intake.trouble import LONGEST_PAUSE, pause_after
from triage.settings import Account, Login, Security
from triage.signals import Wakeup

QUICK = 3.0
"""Seconds in which something must happen that would otherwise wait for the next poll (60 s)."""


def idles(proxy: ImapProxy) -> int:
    return proxy.count(rb"^IDLE$")


def test_new_mail_is_seen_at_once(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, imap_proxy: ImapProxy
) -> None:
    with running(intake.reader(port=imap_proxy.port)):
        until(lambda: idles(imap_proxy))
        for count in (1, 2, 3):
            dovecot.deliver(mailbox_user.name, make_mail())
            until(lambda count=count: intake.states() == ["received"] * count, QUICK)  # type: ignore[misc]
    assert intake.received.is_set()


def test_mail_told_in_another_commands_answer_is_not_missed(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser
) -> None:
    """The server tells of new mail once; if that is in a FETCH's answer, IDLE will be silent."""
    wake = Wakeup()
    with intake.imap() as imap:
        imap.forget_notices()
        dovecot.deliver(mailbox_user.name, make_mail())
        imap.refresh()  # any command: its answer holds EXISTS

        begun = time.monotonic()
        imap.wait(20, wake.fileno())

        assert time.monotonic() - begun < QUICK
    wake.close()


@pytest.mark.parametrize("secured", [False, True], ids=["plain", "tls"])
def test_mail_told_in_the_same_breath_as_the_continuation_is_not_missed(
    intake: Intake, imap_proxy: ImapProxy, mailbox_user: MailboxUser, authority: Authority, secured: bool
) -> None:
    """One segment holds ``+ idling`` and ``* 1 EXISTS``: the second line then lies in our own buffer."""
    wake = Wakeup()
    with ExitStack() as opened:
        port = opened.enter_context(TlsFront(imap_proxy.port, authority)).port if secured else imap_proxy.port
        imap_proxy.rewrite(lambda line: line + b"\r\n* 1 EXISTS" if line == b"+ idling" else None)
        client = connect(
            Account(
                host="127.0.0.1",
                port=port,
                user=mailbox_user.name,
                secret=mailbox_user.password,
                security=Security.TLS if secured else Security.PLAIN,
                login=Login.PASSWORD,
                ca_file=str(authority.ca_path),
                timeout=10,
            )
        )
        imap = ImapMailbox(client, "INBOX")
        imap.select()
        imap.forget_notices()

        begun = time.monotonic()
        imap.wait(20, wake.fileno())

        assert time.monotonic() - begun < QUICK
        disconnect(client)
    wake.close()


class TlsFront:
    """TLS in front of a plain port: what the proxy says in one write arrives in one record."""

    def __init__(self, port: int, authority: Authority) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(10)
        self._context = authority.issue().server_context()
        self._thread = threading.Thread(target=self._serve)
        self.port = self._listener.getsockname()[1]

    def __enter__(self) -> TlsFront:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self._thread.join(15)

    def _serve(self) -> None:
        plain, _ = self._listener.accept()
        server = socket.create_connection(("127.0.0.1", self._target))
        with server, self._context.wrap_socket(plain, server_side=True) as client:
            while True:
                ready, _, _ = select.select([client, server], [], [], 10)
                source, sink = (client, server) if client in ready else (server, client)
                octets = source.recv(65536)
                if not octets:
                    return
                sink.sendall(octets)


def test_idle_is_renewed(intake: Intake, imap_proxy: ImapProxy) -> None:
    with running(intake.reader(port=imap_proxy.port, idle_seconds=0.05)):
        until(lambda: idles(imap_proxy) >= 4)
    assert imap_proxy.connections_seen == 1
    assert imap_proxy.count(rb"^DONE$") >= 3


def test_server_without_idle_is_polled(
    intake: Intake, mailbox_user: MailboxUser, imap_proxy: ImapProxy, dovecot: Dovecot
) -> None:
    imap_proxy.rewrite(lambda line: line.replace(b" IDLE", b""))
    with running(intake.reader(port=imap_proxy.port, poll_seconds=0.05)):
        until(lambda: "baselined" in intake.store.steps)
        dovecot.deliver(mailbox_user.name, make_mail())
        until(lambda: intake.states() == ["received"], QUICK)
    assert idles(imap_proxy) == 0


def test_wake_up_ends_the_wait(intake: Intake, imap_proxy: ImapProxy) -> None:
    """Something is to be filed: the reader looks at once, also in the middle of IDLE."""
    reader = intake.reader(port=imap_proxy.port)
    with running(reader):
        until(lambda: idles(imap_proxy) == 1)
        reader.wake.set()
        until(lambda: idles(imap_proxy) == 2, QUICK)


def test_stop_ends_the_loop_in_idle_and_gives_the_mailbox_back(intake: Intake, imap_proxy: ImapProxy) -> None:
    with running(intake.reader(port=imap_proxy.port)):
        until(lambda: idles(imap_proxy))
        begun = time.monotonic()
    assert time.monotonic() - begun < QUICK
    assert imap_proxy.count(rb"^LOGOUT") == 1

    intake.reader(worker="lettore-2").work()

    assert intake.mailbox().lease_owner == "lettore-2"


def test_stop_ends_the_loop_in_a_pause(intake: Intake, imap_proxy: ImapProxy) -> None:
    imap_proxy.stop()
    with running(intake.reader(port=imap_proxy.port)):
        until(intake.incidents)
        begun = time.monotonic()
    assert time.monotonic() - begun < QUICK


# --------------------------------------------------------------------------- trouble


def test_black_hole_ends_with_the_time_out_and_a_fresh_connection(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, imap_proxy: ImapProxy
) -> None:
    intake.reader().work()
    dovecot.deliver(mailbox_user.name, make_mail())
    imap_proxy.stall(rb"FETCH", math.inf)
    with running(intake.reader(port=imap_proxy.port, timeout=0.3)):
        until(intake.incidents)
        ((kind, _, detail),) = intake.incidents()
        assert (kind, detail.split(":")[0]) == ("mailbox", "timeout")
        until(lambda: intake.states() == ["received"])
    assert imap_proxy.connections_seen == 2
    assert intake.incidents() == []


def test_black_hole_in_idle_is_noticed(intake: Intake, imap_proxy: ImapProxy) -> None:
    """The route died without a word: DONE is never answered."""
    imap_proxy.stall(rb"OK Idle completed", math.inf)
    with running(intake.reader(port=imap_proxy.port, timeout=0.3, idle_seconds=0.05)):
        until(lambda: imap_proxy.connections_seen == 2)
        until(lambda: intake.incidents_ever() == 1 and not intake.incidents())


@pytest.mark.parametrize(
    "command",
    ["LIST", "SELECT", "CREATE", "UID SEARCH", r"UID FETCH \S+ \(RFC822", r"UID FETCH \S+ \(BODY", "NOOP", "UID MOVE"],
)
def test_bye_at_any_command_costs_a_pass_and_no_mail(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, imap_proxy: ImapProxy, command: str
) -> None:
    dovecot.deliver(mailbox_user.name, make_mail())
    imap_proxy.answer(rf"^\S+ {command}".encode(), b"* BYE [UNAVAILABLE] maintenance\r\nNO [UNAVAILABLE] maintenance")
    reader = intake.reader(port=imap_proxy.port)
    kinds = []
    for number in range(5):
        try:
            reader.work()
        except IMAPClientError as error:
            reader.fail(error)
            kinds += [detail.split(":")[0] for _, _, detail in intake.incidents()]
        if number == 1:
            dovecot.deliver(mailbox_user.name, make_mail())
        intake.decide_as_done()

    assert kinds == ["connection"]
    assert intake.states() == ["baseline", "filed"]
    assert imap_proxy.connections_seen == 2
    assert intake.incidents() == []


def test_bye_in_idle_leads_to_a_fresh_connection(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, imap_proxy: ImapProxy
) -> None:
    imap_proxy.rewrite(once(b"+ idling", b"+ idling\r\n* BYE Disconnected for inactivity."))
    imap_proxy.cut(rb"^DONE")
    with running(intake.reader(port=imap_proxy.port)):
        until(lambda: imap_proxy.connections_seen == 2)
        dovecot.deliver(mailbox_user.name, make_mail())
        until(lambda: intake.states() == ["received"])
    assert intake.incidents() == []


def once(line: bytes, instead: bytes) -> Callable[[bytes], bytes | None]:
    """A rewriting that happens the first time only."""
    left = [instead]
    return lambda said: left.pop() if said == line and left else None


def test_pauses_grow_are_jittered_and_stay_within_five_minutes() -> None:
    for failures, most in [(1, 2.0), (2, 4.0), (5, 32.0), (8, 256.0), (9, LONGEST_PAUSE), (10_000, LONGEST_PAUSE)]:
        pauses = {pause_after(failures) for _ in range(200)}
        assert most / 2 <= min(pauses) < max(pauses) <= most
        assert len(pauses) > 100, "every mailbox would knock in the same second"


def test_server_that_is_down_is_not_hammered(
    intake: Intake, dovecot: Dovecot, start_imap_proxy: Callable[[int], ImapProxy]
) -> None:
    proxy = start_imap_proxy(1)  # it accepts, and closes: nobody is behind it
    begun = time.monotonic()
    with running(intake.reader(port=proxy.port)):
        until(lambda: proxy.connections_seen == 2)
        assert 0.9 < time.monotonic() - begun < 4
    assert proxy.connections_seen == 2
    assert [kind for kind, _, _ in intake.incidents()] == ["mailbox"]
