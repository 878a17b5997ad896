"""What a certified mail's receipt is about is found among what was sent and what came by, on each engine."""

from __future__ import annotations

from dataclasses import replace

from tests.record.builders import a_decision, claim, decided, dispatches, held, message, received, settle
from triage.record import Store
from triage.record.identity import keyed_hash, secret_of
from triage.record.receipts import Sent, receipts_about, sent_mail
from triage.vocabulary import Action, Reason

KNOWN = "<came.by@nord.example>"


def test_a_message_id_leads_to_our_dispatch_or_to_mail_on_record_and_to_nothing_else(store: Store) -> None:
    (first,) = decided(store)
    (second,) = received(store, 1)
    (row,) = claim(store)
    with store.write("secret") as tx:
        secret = secret_of(tx)
    settle(store, [replace(held(row), message_id_key=keyed_hash(secret, "message-id", KNOWN))])
    ours = dispatches(store, first)[0]
    wanted = [ours.rfc_message_id, KNOWN, "<unknown@nord.example>", KNOWN]
    with store.read("look") as tx:
        assert sent_mail(tx, secret, wanted) == {
            ours.rfc_message_id: Sent(first, ours.case_id),
            KNOWN: Sent(second, message(store, second).case_id or 0),
        }
        assert sent_mail(tx, secret, []) == {}


def test_receipts_are_found_beside_the_message_that_they_name_and_beside_no_other_of_its_case(store: Store) -> None:
    (first,) = decided(store)
    case = message(store, first).case_id
    receipt, other = received(store, 2)
    for row, about in zip(claim(store), (first, 999), strict=True):
        reason = Reason("ricevuta_pec", {"kind": "accettazione", "error": "", "message": about})
        settlement = held(row)
        decision = a_decision(Action.HOLD, reasons=(reason,))
        settle(store, [replace(settlement, decision=decision, case_id=case)])
    with store.read("look") as tx:
        params = {"code": "ricevuta_pec", "kind": "accettazione", "error": "", "message": first}
        assert receipts_about(tx, first, case) == [(receipt, params)]
        assert receipts_about(tx, other, None) == []
