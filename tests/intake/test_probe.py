"""The message that the service sends to itself is found by its own Message-ID and taken away; nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from imapclient import DELETED

from tests.servers.dovecot import Dovecot
from triage.dispatch.probe import compose_probe
from triage.ids import probe_subject
from triage.intake.connection import connect, disconnect
from triage.intake.mailbox import ImapMailbox
from triage.intake.probe import find_and_remove
from triage.settings import Account, Login, Security

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
WANTED = "<0123456789abcdef@example.org>"
OTHERS = [
    b"Message-ID: <0123456789abcdef@example.org.invalid>\r\n\r\nsimile\r\n",
    b"Message-ID: <a@example.org>\r\nSubject: <0123456789abcdef@example.org>\r\n\r\naltro\r\n",
]


def look(server: Dovecot, user: str, password: str, seconds: float = 0.0) -> bool | None:
    client = connect(Account(server.host, server.port, user, password, Security.PLAIN, Login.PASSWORD, "", 10.0))
    try:
        imap = ImapMailbox(client, "INBOX")
        imap.select()
        found = find_and_remove(imap, WANTED, seconds)
    finally:
        disconnect(client)
    return found.removed if found is not None else None


def test_only_the_message_with_exactly_that_id_is_removed(start_dovecot: Callable[..., Dovecot]) -> None:
    server = start_dovecot()
    user = server.add_user("prova@example.org")
    for octets in OTHERS:
        server.deliver(user.name, octets)
    assert look(server, user.name, user.password) is None
    before = server.fetch(user.name)
    server.deliver(user.name, f"Message-ID: {WANTED}\r\n\r\nprova\r\n".encode(), flags=["\\Flagged"])
    assert look(server, user.name, user.password) is True
    assert server.fetch(user.name) == before
    assert DELETED.decode() not in {flag for flags in server.flags(user.name).values() for flag in flags}


def test_a_message_whose_id_a_server_replaced_is_known_by_its_subject(start_dovecot: Callable[..., Dovecot]) -> None:
    """As Microsoft 365 and others do: else the check would say that it never arrived, and leave it lying there."""
    server = start_dovecot()
    user = server.add_user("prova@example.org")
    for octets in OTHERS:
        server.deliver(user.name, octets)
    before = server.fetch(user.name)
    changed = compose_probe("a@example.org", "prova@example.org", "<x@server.example>", NOW)
    octets = changed.octets.replace(probe_subject("<x@server.example>").encode(), probe_subject(WANTED).encode())
    server.deliver(user.name, octets)
    assert look(server, user.name, user.password) is True
    assert server.fetch(user.name) == before


def test_where_single_messages_cannot_be_expunged_it_stays_marked_and_nothing_is_expunged(
    start_dovecot: Callable[..., Dovecot],
) -> None:
    server = start_dovecot(capability_without=("UIDPLUS",))
    user = server.add_user("prova@example.org")
    server.deliver(user.name, OTHERS[0], flags=[DELETED])  # a colleague's
    uid = server.deliver(user.name, f"Message-ID: {WANTED}\r\n\r\nprova\r\n".encode())
    assert look(server, user.name, user.password) is False
    assert len(server.uids(user.name)) == 2
    assert DELETED.decode() in server.flags(user.name)[uid]
