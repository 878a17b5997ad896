"""What a client finds at the demo's IMAP server (pymap), one fact a test."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientError, LoginError

from triage.demo.imap_server import EmbeddedImap

USER, PASSWORD = "ufficio", "parola"
MESSAGE = b"From: anna@example.org\r\nSubject: prova\r\n\r\nprima riga\r\n.\r\nultima riga senza a capo"
DATE = datetime(2026, 3, 4, 15, 16, 17, tzinfo=timezone(timedelta(hours=1)))


@pytest.fixture
def server() -> Iterator[EmbeddedImap]:
    with EmbeddedImap({USER: PASSWORD, "altra": "seconda"}) as running:
        yield running


@pytest.fixture
def client(server: EmbeddedImap) -> Iterator[Any]:
    with connect(server) as connected:
        connected.login(USER, PASSWORD)
        yield connected


def connect(server: EmbeddedImap) -> Any:
    return IMAPClient(server.host, server.port, ssl=False, timeout=SocketTimeout(connect=5, read=5))


def append(client: Any, octets: bytes = MESSAGE, folder: str = "INBOX") -> int:
    """The new message's UID, from APPENDUID."""
    answer = client.append(folder, octets, (), DATE)
    match = re.search(rb"APPENDUID \d+ (\d+)", answer)
    assert match
    return int(match[1])


def body(client: Any, uid: int, item: bytes = b"BODY[]") -> bytes:
    request = item.replace(b"BODY[", b"BODY.PEEK[")
    fetched: bytes = client.fetch([uid], [request])[uid][b"BODY[]"]
    return fetched


# --------------------------------------------------------------------------- start, stop, login


def test_it_listens_on_loopback_and_starts_in_well_under_a_second() -> None:
    server = EmbeddedImap({USER: PASSWORD})
    begin = time.monotonic()
    with server:
        assert time.monotonic() - begin < 2
        assert server.host == "127.0.0.1"
        assert server.port > 1023


def test_its_port_is_unknown_before_start_and_after_stop() -> None:
    server = EmbeddedImap({USER: PASSWORD})
    with pytest.raises(RuntimeError, match="not running"):
        _ = server.port
    server.start()
    port = server.port
    server.stop()
    with pytest.raises(RuntimeError, match="not running"):
        _ = server.port
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)


def test_it_cannot_be_started_twice_at_once_and_stop_twice_is_harmless(server: EmbeddedImap) -> None:
    with pytest.raises(RuntimeError, match="already running"):
        server.start()
    server.stop()
    server.stop()


def test_a_stop_ends_its_thread_even_while_a_client_idles(server: EmbeddedImap) -> None:
    client = connect(server)
    client.login(USER, PASSWORD)
    client.select_folder("INBOX")
    client.idle()
    server.stop()
    client.shutdown()
    assert not [thread for thread in threading.enumerate() if thread.name == "EmbeddedImap"]


def test_a_restarted_server_has_forgotten_the_mail_and_has_another_uidvalidity(server: EmbeddedImap) -> None:
    with connect(server) as client:
        client.login(USER, PASSWORD)
        append(client)
        before = client.select_folder("INBOX")[b"UIDVALIDITY"]
    server.stop()
    server.start()
    with connect(server) as client:
        client.login(USER, PASSWORD)
        selected = client.select_folder("INBOX")
    assert selected[b"EXISTS"] == 0
    assert selected[b"UIDVALIDITY"] != before


def test_login_without_tls_works_and_a_wrong_password_or_name_is_refused_at_once(server: EmbeddedImap) -> None:
    with connect(server) as client:
        begin = time.monotonic()
        for name, password in ((USER, "sbagliata"), ("nessuno", PASSWORD)):
            with pytest.raises(LoginError):
                client.login(name, password)
        assert time.monotonic() - begin < 1
        client.login(USER, PASSWORD)


def test_each_user_has_mailboxes_of_their_own(server: EmbeddedImap, client: Any) -> None:
    append(client)
    with connect(server) as other:
        other.login("altra", "seconda")
        assert other.select_folder("INBOX")[b"EXISTS"] == 0


def test_cut_connections_fail_for_the_client_and_the_mail_stays(server: EmbeddedImap, client: Any) -> None:
    append(client)
    client.select_folder("INBOX")
    server.drop_connections()
    with pytest.raises((IMAPClientError, OSError)):
        client.noop()
    client.shutdown()
    with connect(server) as again:
        again.login(USER, PASSWORD)
        assert again.select_folder("INBOX")[b"EXISTS"] == 1


def test_answers_do_not_wait_for_a_delayed_acknowledgement(client: Any) -> None:
    """At about 43 ms an answer, these hundred would take over four seconds."""
    client.select_folder("INBOX")
    begin = time.monotonic()
    for _ in range(50):
        append(client)
        client.search(["UID", "1:*"])
    assert time.monotonic() - begin < 2


def test_an_answer_is_never_sent_in_fragments_of_a_line(server: EmbeddedImap, client: Any) -> None:
    """imapclient's ``idle_check`` gives a connection up when it reads half a line."""
    for _ in range(20):
        append(client)
    with socket.create_connection((server.host, server.port), timeout=5) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pieces = [link.recv(2**16)]
        for command in (b"a LOGIN %b %b" % (USER.encode(), PASSWORD.encode()), b"b SELECT INBOX", b"c FETCH 1:* FLAGS"):
            link.sendall(command + b"\r\n")
            while not re.search(rb"^" + command[:1] + rb" OK", pieces[-1], re.MULTILINE):
                pieces.append(link.recv(2**16))
    assert [piece for piece in pieces if not piece.endswith(b"\r\n")] == []


# --------------------------------------------------------------------------- capabilities


def test_it_offers_what_the_service_needs_and_not_what_dovecot_adds(client: Any) -> None:
    offered = {name.decode() for name in client.capabilities()}
    assert {"IMAP4REV1", "IDLE", "MOVE", "UIDPLUS", "LITERAL+"} <= offered
    assert not offered & {"NAMESPACE", "SPECIAL-USE", "CONDSTORE", "QRESYNC", "ENABLE", "STARTTLS", "LOGINDISABLED"}


def test_a_custom_keyword_is_accepted_and_silently_dropped(client: Any) -> None:
    uid = append(client)
    selected = client.select_folder("INBOX")
    assert b"\\*" not in selected[b"PERMANENTFLAGS"]
    client.add_flags([uid], [b"\\Seen", b"$Smistato"])
    flags = client.get_flags([uid])[uid]
    assert b"\\Seen" in flags
    assert b"$Smistato" not in flags


# --------------------------------------------------------------------------- octets


def test_a_message_comes_back_byte_for_byte_and_stays_unread(client: Any) -> None:
    uid = append(client)
    client.select_folder("INBOX")
    assert body(client, uid) == MESSAGE
    assert b"\\Seen" not in client.get_flags([uid])[uid]


def test_imapclient_itself_turns_bare_line_ends_into_crlf_when_it_appends(client: Any) -> None:
    """imaplib's doing: whoever wants other octets in the mailbox must speak APPEND by hand."""
    uid = append(client, b"Subject: x\n\ncorpo\n")
    client.select_folder("INBOX")
    assert body(client, uid) == b"Subject: x\r\n\r\ncorpo\r\n"


def test_the_server_keeps_even_octets_that_are_no_mail_at_all(server: EmbeddedImap, client: Any) -> None:
    odd = b"nessuna intestazione \x00\xff\xfe\r solo CR\n solo LF"
    with socket.create_connection((server.host, server.port), timeout=5) as link, link.makefile("rwb") as lines:
        lines.readline()
        lines.write(b"a LOGIN %b %b\r\n" % (USER.encode(), PASSWORD.encode()))
        lines.write(b"b APPEND INBOX {%d+}\r\n%b\r\n" % (len(odd), odd))
        lines.flush()
        answers = [lines.readline(), lines.readline()]
    assert b"b OK" in answers[-1]
    client.select_folder("INBOX")
    (uid,) = client.search("ALL")
    assert body(client, uid) == odd
    assert client.fetch([uid], [b"RFC822.SIZE"])[uid][b"RFC822.SIZE"] == len(odd)


@pytest.mark.parametrize(
    ("partial", "expected"),
    [
        (b"<0.10>", MESSAGE[:10]),
        (b"<10.10>", MESSAGE[10:20]),
        (b"<0.100000>", MESSAGE),
        (b"<100000.10>", b""),
    ],
)
def test_a_partial_fetch_answers_under_its_origin_and_may_be_short(
    client: Any, partial: bytes, expected: bytes
) -> None:
    """Asked as ``BODY.PEEK[]<0.10>``, answered as ``BODY[]<0>``; past the end it is empty, no error."""
    uid = append(client)
    client.select_folder("INBOX")
    fetched = client.fetch([uid], [b"BODY.PEEK[]" + partial])[uid]
    origin = partial.split(b".")[0] + b">"
    assert fetched[b"BODY[]" + origin] == expected
    assert b"BODY[]" not in fetched


def test_the_internal_date_is_the_appended_one_with_its_zone(client: Any) -> None:
    uid = append(client)
    client.select_folder("INBOX")
    client.normalise_times = False
    assert client.fetch([uid], [b"INTERNALDATE"])[uid][b"INTERNALDATE"] == DATE


def test_without_a_date_the_internal_date_is_the_time_of_the_append(client: Any) -> None:
    client.append("INBOX", MESSAGE)
    client.select_folder("INBOX")
    client.normalise_times = False
    (uid,) = client.search("ALL")
    found = client.fetch([uid], [b"INTERNALDATE"])[uid][b"INTERNALDATE"]
    assert abs((datetime.now(UTC) - found).total_seconds()) < 60


def test_asking_for_an_envelope_with_an_unreadable_date_ends_the_connection(client: Any) -> None:
    """pymap fails on it; BODY.PEEK[], RFC822.SIZE, INTERNALDATE and FLAGS are safe."""
    uid = append(client, b"Date: 25/11/2026 8.25\r\n\r\ncorpo")
    client.select_folder("INBOX")
    assert body(client, uid)
    with pytest.raises((IMAPClientError, OSError)):
        client.fetch([uid], [b"ENVELOPE"])
    client.shutdown()


# --------------------------------------------------------------------------- UIDs and folders


def test_uids_begin_at_101_and_rise_by_one(client: Any) -> None:
    assert [append(client), append(client)] == [101, 102]


def test_a_uid_range_with_a_star_names_the_last_message_even_below_its_start(client: Any) -> None:
    last = [append(client) for _ in range(3)][-1]
    client.select_folder("INBOX")
    assert client.search(["UID", f"{last}:*"]) == [last]
    assert client.search(["UID", f"{last + 1}:*"]) == [last]
    assert client.search(["UID", "1:*"]) == [last - 2, last - 1, last]


def test_a_uid_range_with_a_star_finds_nothing_in_an_empty_mailbox(client: Any) -> None:
    client.select_folder("INBOX")
    assert client.search(["UID", "1:*"]) == []


def test_fetching_a_vanished_uid_is_ok_without_data(client: Any) -> None:
    append(client)
    client.select_folder("INBOX")
    assert client.fetch([999], [b"BODY.PEEK[]"]) == {}


def test_folders_are_divided_by_a_slash_and_a_parent_may_exist_in_name_only(client: Any) -> None:
    client.create_folder("Smistati/Inoltrati")
    assert client.list_folders() == [
        ((b"\\HasNoChildren",), b"/", "INBOX"),
        ((b"\\Noselect", b"\\HasChildren"), b"/", "Smistati"),
        ((b"\\HasNoChildren",), b"/", "Smistati/Inoltrati"),
    ]


def test_list_patterns_keep_to_a_level_or_cross_levels(client: Any) -> None:
    client.create_folder("Smistati/Non per noi")
    names = {
        pattern: [name for _, _, name in client.list_folders("", pattern)] for pattern in ("%", "Smistati/*", "S*")
    }
    assert names == {
        "%": ["INBOX", "Smistati"],
        "Smistati/*": ["Smistati/Non per noi"],
        "S*": ["Smistati", "Smistati/Non per noi"],
    }
    assert client.list_folders("", "") == [((b"\\Noselect",), b"/", "")]


def test_accents_in_folder_names_survive(client: Any) -> None:
    client.create_folder("Attività")
    assert client.folder_exists("Attività")


def test_creating_a_folder_twice_is_refused(client: Any) -> None:
    client.create_folder("Smistati")
    with pytest.raises(IMAPClientError, match="ALREADYEXISTS"):
        client.create_folder("Smistati")


def test_renaming_takes_the_children_along_and_keeps_their_uids(client: Any) -> None:
    client.create_folder("Smistati/Inoltrati")
    uid = append(client, folder="Smistati/Inoltrati")
    before = client.folder_status("Smistati/Inoltrati", ["UIDVALIDITY"])
    client.rename_folder("Smistati", "Archivio")
    assert [name for _, _, name in client.list_folders("", "A*")] == ["Archivio", "Archivio/Inoltrati"]
    assert client.folder_status("Archivio/Inoltrati", ["UIDVALIDITY"]) == before
    client.select_folder("Archivio/Inoltrati")
    assert client.search("ALL") == [uid]


def test_a_folder_made_anew_has_another_uidvalidity(client: Any) -> None:
    client.create_folder("Smistati")
    before = client.folder_status("Smistati", ["UIDVALIDITY"])
    client.delete_folder("Smistati")
    client.create_folder("Smistati")
    assert client.folder_status("Smistati", ["UIDVALIDITY"]) != before


def test_uidvalidity_is_the_same_for_every_session(server: EmbeddedImap, client: Any) -> None:
    with connect(server) as other:
        other.login(USER, PASSWORD)
        assert other.select_folder("INBOX")[b"UIDVALIDITY"] == client.select_folder("INBOX")[b"UIDVALIDITY"]


# --------------------------------------------------------------------------- moving and idling


def test_a_move_leaves_the_rest_and_says_the_new_uids(client: Any) -> None:
    """imapclient's ``move`` returns nothing: COPYUID waits in the untagged responses."""
    uids = [append(client) for _ in range(3)]
    client.create_folder("Smistati")
    client.select_folder("INBOX")
    assert client.move(uids[:2], "Smistati") is None
    assert client.search("ALL") == uids[2:]
    _, (copy_uid,) = client._imap.response("COPYUID")
    assert copy_uid.endswith(b"101:102 101:102")
    client.select_folder("Smistati")
    assert [body(client, uid) for uid in client.search("ALL")] == [MESSAGE, MESSAGE]


def test_a_move_to_a_missing_folder_is_refused_and_moves_nothing(client: Any) -> None:
    uid = append(client)
    client.select_folder("INBOX")
    with pytest.raises(IMAPClientError, match="TRYCREATE"):
        client.move([uid], "Manca")
    assert client.search("ALL") == [uid]


def test_moving_a_message_that_is_gone_says_ok_without_new_uids(client: Any) -> None:
    client.create_folder("Smistati")
    client.select_folder("INBOX")
    client.move([999], "Smistati")
    assert client.folder_status("Smistati", ["MESSAGES"])[b"MESSAGES"] == 0


def test_uid_expunge_takes_only_the_named_messages(client: Any) -> None:
    mine, theirs = append(client), append(client)
    client.select_folder("INBOX")
    client.delete_messages([mine, theirs])
    client.uid_expunge([mine])
    assert client.search("ALL") == [theirs]


def test_idle_tells_of_a_new_message(server: EmbeddedImap, client: Any) -> None:
    client.select_folder("INBOX")
    client.idle()
    with connect(server) as other:
        other.login(USER, PASSWORD)
        append(other)
    seen = client.idle_check(timeout=5)
    client.idle_done()
    assert (1, b"EXISTS") in seen


def test_idle_tells_at_once_of_what_came_between_the_last_command_and_it(server: EmbeddedImap, client: Any) -> None:
    """Spoken by hand: imapclient reads such news into its buffer with the "+", and ``idle_check`` then
    looks at the socket only. A client must search once more after entering IDLE.
    """
    with socket.create_connection((server.host, server.port), timeout=5) as link, link.makefile("rwb") as lines:

        def say(command: bytes, until: bytes) -> None:
            lines.write(command + b"\r\n")
            lines.flush()
            while not lines.readline().startswith(until):
                pass

        lines.readline()
        say(b"a LOGIN %b %b" % (USER.encode(), PASSWORD.encode()), b"a OK")
        say(b"b SELECT INBOX", b"b OK")
        append(client)
        say(b"c IDLE", b"+")
        assert lines.readline() == b"* 1 EXISTS\r\n"


def test_idle_tells_of_a_message_that_a_colleague_moved_away(server: EmbeddedImap, client: Any) -> None:
    uid = append(client)
    client.create_folder("Smistati")
    client.select_folder("INBOX")
    client.idle()
    with connect(server) as other:
        other.login(USER, PASSWORD)
        other.select_folder("INBOX")
        other.move([uid], "Smistati")
    seen: list[Any] = []
    deadline = time.monotonic() + 5
    while (1, b"EXPUNGE") not in seen and time.monotonic() < deadline:
        seen += client.idle_check(timeout=1)
    client.idle_done()
    assert (1, b"EXPUNGE") in seen
    assert client.search("ALL") == []
