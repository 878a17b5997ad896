"""A certified mailbox on a real mailbox server: the person's request leaves whole, receipts are filed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import sqlalchemy as sa

from tests.dispatch.builders import attached_original
from tests.flow.builders import Office
from tests.pec.builders import OUR_ID, provider, sample, seal
from tests.pec.test_samples import seen
from triage.once import run_once
from triage.record.tables import dispatches
from triage.vocabulary import MessageState, SignatureState

OURS = b"pijss.retifamiglia@ats-valpadana.it"


def work_off(office: Office) -> None:
    service = office.build()
    assert run_once(service) == ()
    service.store.close()


def declare(office: Office) -> None:
    path = office.state / "routing_rules.yaml"
    assert office.environment["TRIAGE_RULES"] == str(path)
    text = path.read_text(encoding="utf-8")
    assert "    role: inbox\n" in text
    path.write_text(text.replace("    role: inbox\n", "    role: inbox\n    pec: true\n", 1), encoding="utf-8")


def in_viadana(name: str) -> bytes:
    """A sample whose family asks from a place that the shipped rules know."""
    octets = sample(name).replace(b"famiglie@agency.example", OURS)
    words = "abito a Viadana, quali attività fate per i bambini? Vorrei gli orari dello sportello.".encode()
    octets = octets.replace(b"abitiamo ad Altavilla e alleghiamo il modulo.", words)
    return seal(dated_now(octets), provider())


def dated_now(octets: bytes) -> bytes:
    """Mail that is older than the service's first look is left alone."""
    now = format_datetime(datetime.now(UTC) + timedelta(seconds=1)).encode()
    return re.sub(rb"Wed, 25 Nov 2026 [0-9:]{8} \+0100", now, octets)


@pytest.mark.slow
def test_envelope_and_receipts_go_their_ways_from_a_real_mailbox(office: Office) -> None:
    declare(office)
    envelope = in_viadana("envelope-x-pkcs7-sha1")
    office.dovecot.deliver(office.user.name, envelope)
    work_off(office)
    (sent,) = [item for item in office.sink.messages if b"tramite" in item.octets]
    (row,) = office.messages()
    assert row.state == MessageState.FILED
    original = attached_original(sent.octets)
    certified = seen(original).certified
    assert certified is not None
    assert certified.signature is SignatureState.INTACT, "what the centre gets is what the provider signed"
    stored = [octets for box in office.folders().values() for octets in box.values()]
    assert original in stored

    store = office.open_record()
    with store.write("rename") as tx:
        tx.execute(sa.update(dispatches).where(dispatches.c.kind == "forward").values(rfc_message_id=OUR_ID))
    store.close()
    before = len(office.sink.messages)
    for name in ("receipt-accettazione", "receipt-consegna-completa", "receipt-errore-altro"):
        office.dovecot.deliver(office.user.name, seal(dated_now(sample(name)), provider()))
    work_off(office)
    assert len(office.sink.messages) == before
    accepted, delivered, failed = office.messages()[1:]
    assert {item.state for item in (accepted, delivered, failed)} == {MessageState.FILED}
    assert {item.filed_folder for item in (accepted, delivered, failed)} == {"Smistati.Automatici"}
    again = office.messages()[0]
    assert (again.state, again.hold_reason) == (MessageState.HELD, "inoltro_respinto")
    assert {item.case_id for item in (accepted, delivered, failed)} == {row.case_id}
    assert len(office.folders()["INBOX"]) == 0
    ledger = office.ledger()
    assert ledger.differences == ()
