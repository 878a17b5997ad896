"""What staff write of a message stays beside the message: no log, no act, no audit row holds a word of it."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator

import httpx
import pytest
import sqlalchemy as sa

from tests.review.mail import HELD, a_mail, arrive, row_of
from tests.review.office import Office, shown_in, token_of
from triage.acts.people import Role
from triage.record.tables import metadata, settlements, staff_texts

NOTE, ANSWER = "Sentita la zia Ermenegilda", "Cara Ermenegilda, siamo aperti ogni mattina."
WORD = "Ermenegilda"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that would be written, at the finest level."""
    kept = io.StringIO()
    handler = logging.StreamHandler(kept)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield kept
    root.removeHandler(handler)
    root.setLevel(before)


def test_notes_and_answers_are_kept_in_their_own_columns_alone(
    http: Callable[..., httpx.Client], office: Office, log: io.StringIO
) -> None:
    one, other = arrive(office, [HELD, a_mail("Quando siete aperti?", "Orari", "b@example.com")])
    client = http(Role.OPERATOR)
    for key, exit, fields in ((one, "telefono", {"nota": NOTE}), (other, "rispondi", {"testo": ANSWER, "nota": NOTE})):
        token = token_of(client.get(f"/messaggi/{key}/uscita/{exit}").text)
        sent = {"csrf": token, "seen": str(row_of(office, key).generation), **fields}
        if exit == "rispondi":
            sent["mostrato"] = shown_in(client.post(f"/messaggi/{key}/uscita/{exit}/anteprima", data=sent).text)
        assert client.post(f"/messaggi/{key}/uscita/{exit}", data=sent).status_code == 303
    with office.store.read("look") as tx:
        rows = {
            table.name: [str(dict(row._mapping)) for row in tx.execute(sa.select(table))]
            for table in metadata.sorted_tables
        }
    holding = {name for name, found in rows.items() if any(WORD in row for row in found)}
    assert holding == {settlements.name, staff_texts.name}
    assert WORD not in log.getvalue()
