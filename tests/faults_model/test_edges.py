"""The model mailbox says what a real server says: the same conversation with both, compared word by word."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import cast

import pytest
from imapclient import IMAPClient

from tests.faults_model.fate import Fate
from tests.faults_model.letters import Kind, Letter, write
from tests.faults_model.mailbox import ModelAccount
from tests.servers.dovecot import Dovecot, MailboxUser
from triage.intake.mailbox import ImapMailbox

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
LETTERS: tuple[Letter, ...] = tuple(
    write(number, kind, NOW) for number, kind in enumerate((Kind.NORTH, Kind.LARGE) * 3)
)


def model() -> IMAPClient:
    account = ModelAccount(moves=True)
    for letter in LETTERS:
        account.deliver(letter, NOW)
    return account.connect(Fate())


def conversation(client: IMAPClient) -> list[object]:
    """What the service's own mailbox makes of one server; UIDVALIDITY is each server's own."""
    said: list[object] = []
    mailbox = ImapMailbox(client, "INBOX")
    selected = mailbox.select()
    said.append((selected.uid_next, selected.exists))
    mailbox.refresh()
    said.append(list(mailbox.uids_from(2, selected.uid_next)))
    said.append(list(mailbox.uids_from(9, selected.uid_next)))
    said.append(sorted(mailbox.uids_since(NOW)))
    for identify in (False, True):
        sizes = mailbox.sizes([1, 2, 99], identify=identify)
        said.append({uid: (item.size, item.internal_date, item.message_id) for uid, item in sizes.items()})
    said.append({uid: item.octets for uid, item in mailbox.octets([1, 2, 99], 900).items()})
    said.append((mailbox.header_section(2, 4096), mailbox.header_section(99, 4096)))
    folder = mailbox.path(["Smistati", "Nord"])
    mailbox.ensure_folder(mailbox.path(["Smistati"]))
    mailbox.ensure_folder(folder)
    mailbox.move([1], folder)
    mailbox.copy([2], folder)
    mailbox.remove([2])
    mailbox.move([99], folder)
    said.append((mailbox.present([1, 2, 3]), mailbox.present_undeleted([2, 3, 4])))
    client.rename_folder(folder, mailbox.path(["Smistati", "Sud"]))
    listed = client.list_folders("", mailbox.path(["Smistati", "*"]))
    said.append(sorted(str(name).replace(delimiter.decode("ascii"), " ") for _, delimiter, name in listed))
    client.delete_folder(mailbox.path(["Smistati", "Sud"]))
    said.append(client.folder_exists(folder))
    return said


def test_the_model_mailbox_says_what_a_real_server_says(dovecot: Dovecot, mailbox_user: MailboxUser) -> None:
    with dovecot.client(mailbox_user.name) as client:
        for letter in LETTERS:
            client.append("INBOX", letter.octets, msg_time=NOW)
        client.normalise_times = False
        real = conversation(client)
    assert conversation(model()) == real


@pytest.mark.parametrize("moves", [True, False])
def test_a_cut_connection_is_an_abort_and_stays_cut(moves: bool) -> None:
    account = ModelAccount(moves=moves)
    mailbox = ImapMailbox(account.connect(Fate()), "INBOX")
    account.cut = 1
    mailbox.select()
    for attempt in cast(tuple[Callable[[], object], ...], (mailbox.refresh, mailbox.select)):
        with pytest.raises(Exception, match="EOF"):
            attempt()
    assert mailbox.has_move is moves
