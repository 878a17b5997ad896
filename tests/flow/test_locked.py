"""The whole service on a locked record: the same mail leaves, and none of it can be read on the disk."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.utils import getaddresses
from pathlib import Path

import pytest

from tests.flow.builders import Office
from triage.basis import settings_from, store_of
from triage.bootstrap import build_service
from triage.demo.load import demo_messages
from triage.keyfile import new_key, written
from triage.once import run_once
from triage.record.ledger import compute_ledger


def words_of(octets: bytes) -> set[bytes]:
    """Author's address, subject, and a line of the text of one letter."""
    letter = message_from_bytes(octets)
    found = {address.encode() for _, address in getaddresses([str(letter["From"])]) if address}
    found.add(str(letter["Subject"]).encode())
    found |= set(re.findall(rb"(?m)^[A-Z][ -~]{30,}$", octets.partition(b"\r\n\r\n")[2])[:2])
    return {word for word in found if len(word) > 12 and b"ats-valpadana" not in word}


@pytest.mark.slow
def test_mail_is_sorted_as_ever_and_nothing_of_it_lies_on_the_disk(office: Office, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(written([new_key()]), encoding="utf-8")
    letters = [octets for _, octets, _ in demo_messages(datetime.now(UTC))]
    for octets in letters:
        office.dovecot.deliver(office.user.name, octets)
    settings = settings_from({**office.environment, "TRIAGE_KEY_FILE": str(path)})
    service = build_service(settings)
    assert run_once(service) == ()
    service.store.close()

    store = store_of(settings)
    with store.read("look") as tx:
        ledger = compute_ledger(tx)
    store.close()
    assert ledger.differences == ()
    assert ledger.counts["filed"] >= 10
    assert len(office.sink.messages) >= 20
    on_disk = b"".join(file.read_bytes() for file in office.state.glob("triage.db*"))
    # Centres' addresses stand in the rules, which are kept as they are.
    rules = Path(office.environment["TRIAGE_RULES"]).read_bytes()
    wanted = {word for word in set().union(*map(words_of, letters)) if word not in rules}
    assert len(wanted) > 60
    assert {word for word in wanted if word in on_disk} == set()
    # They are what the letters say: whoever has the key sends them on.
    sent = b"".join(message.octets for message in office.sink.messages)
    assert len({word for word in wanted if word in sent}) > 20
