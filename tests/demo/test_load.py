"""The demo's inbox looks as if it had just arrived, and reaches the mailbox unchanged."""

from __future__ import annotations

import email.policy
import re
from datetime import UTC, datetime, timedelta, timezone
from email.parser import BytesHeaderParser
from pathlib import Path

import pytest
from imapclient import IMAPClient

from triage.demo.imap_server import EmbeddedImap
from triage.demo.load import NEWEST_AGE, append_all, demo_messages

INBOX = Path(__file__).resolve().parents[2] / "triage" / "demo" / "inbox"
NOW = datetime(2031, 7, 9, 1, 30, 15, 654321, tzinfo=timezone(timedelta(hours=2)))
DATE_TIME = re.compile(rb"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}")


def test_all_messages_arrived_within_the_last_six_hours_in_order_of_delivery() -> None:
    messages = demo_messages(NOW)
    dates = [date for _, _, date in messages]
    assert sorted(name for name, _, _ in messages) == sorted(path.name for path in INBOX.glob("*.eml"))
    assert dates == sorted(dates)
    assert NEWEST_AGE <= NOW - dates[-1] < NEWEST_AGE + timedelta(seconds=1)
    assert NOW - dates[0] < timedelta(hours=6)


def test_nothing_but_the_dates_of_date_and_received_fields_has_changed() -> None:
    for name, octets, _ in demo_messages(NOW):
        before_header, _, before_body = (INBOX / name).read_bytes().partition(b"\r\n\r\n")
        header, _, body = octets.partition(b"\r\n\r\n")
        assert body == before_body
        assert DATE_TIME.sub(b"DATE", header) == DATE_TIME.sub(b"DATE", before_header)
        assert len(header) == len(before_header)


def test_every_hop_and_the_date_field_are_moved_by_the_same_time() -> None:
    for name, octets, internal_date in demo_messages(NOW):
        fields = BytesHeaderParser(policy=email.policy.compat32).parsebytes(octets)
        found = [m[0] for value in fields.get_all("Received", []) for m in DATE_TIME.finditer(value.encode())]
        if DATE_TIME.fullmatch(str(fields["Date"]).encode()):
            found.append(str(fields["Date"]).encode())
        moments = [datetime.strptime(text.decode(), "%a, %d %b %Y %H:%M:%S %z") for text in found]
        assert moments, name
        assert moments[0] == internal_date
        assert max(moments) - min(moments) < timedelta(minutes=2), name


def test_the_same_moment_gives_the_same_octets_and_the_copy_stays_a_copy() -> None:
    first, second = demo_messages(NOW), demo_messages(NOW.astimezone(UTC))
    assert first == second
    octets = {name: octets for name, octets, _ in first}
    assert octets["01-crema-biscotti.eml"] == octets["59-doppione-dei-biscotti.eml"]


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        demo_messages(NOW.replace(tzinfo=None))


def test_the_mailbox_holds_the_messages_byte_for_byte_unread_and_dated() -> None:
    messages = demo_messages(NOW)
    with EmbeddedImap({"ufficio": "parola"}) as server:
        assert append_all(server.host, server.port, "ufficio", "parola", messages) == len(messages)
        with IMAPClient(server.host, server.port, ssl=False, timeout=10) as client:
            client.login("ufficio", "parola")
            client.normalise_times = False
            client.select_folder("INBOX", readonly=True)
            fetched = client.fetch(client.search("UNSEEN"), [b"BODY.PEEK[]", b"INTERNALDATE"])
    found = [(fetched[uid][b"BODY[]"], fetched[uid][b"INTERNALDATE"]) for uid in sorted(fetched)]
    assert found == [(octets, date) for _, octets, date in messages]
