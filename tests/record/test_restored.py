"""What a restored record learns of mail that was filed after the backup."""

from __future__ import annotations

from tests.record.builders import received, rows_of
from triage.record import Store
from triage.record.ledger import compute_ledger
from triage.record.mailboxes import known_mailboxes
from triage.record.restored import record_filed_elsewhere
from triage.vocabulary import MessageState


def test_two_copies_in_our_folders_end_what_waits_once(store: Store) -> None:
    """A crash between COPY and its note leaves two; the row changes once, and the ledger closes."""
    [key] = received(store, 1)
    [row] = [one for one in rows_of(store) if one.id == key]
    with store.write("found") as tx:
        box = next(one for one in known_mailboxes(tx) if one.id == row.mailbox_id)
        record_filed_elsewhere(tx, box, "Smistati/Nord", 9, [(1, row.sha256 or "", None), (2, row.sha256 or "", None)])
    with store.read("ledger") as tx:
        assert compute_ledger(tx).differences == ()
    assert [one.state for one in rows_of(store)] == [MessageState.HELD]
