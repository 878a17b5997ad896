"""Whatever stands in an envelope, reading it never raises, and broken parts cost what whole ones cost."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cost import without_others_garbage
from tests.pec.builders import NAMES, OUR_ID, sealed
from tests.pec.test_samples import seen
from triage.parse import parse
from triage.parse.pec_data import read_daticert
from triage.parse.wire import from_json, to_json
from triage.pec.receipts import report_of

SAMPLES = [sealed(name) for name in NAMES]
WORDS = [b"<postacert tipo='accettazione' errore='nessuno'>", b"<msgid>", b"</msgid>", b"&lt;", b"&", b"<!DOCTYPE a>"]
WORDS += [
    b"<data zona='+9999'>",
    b"<giorno>31/02/0000</giorno>",
    b"<ora>99:99:99</ora>",
    b"</postacert>",
    b"\0",
    b"\xff",
]
WORDS += [b"<?xml version='1.0' encoding='utf-16'?>", b"<?xml version='1.0' encoding='x'?>", b"<![CDATA[", b"<a>" * 50]


@given(st.one_of(st.binary(max_size=300), st.lists(st.sampled_from(WORDS), max_size=12).map(b"".join)))
def test_no_octets_in_the_place_of_the_certified_data_raise(octets: bytes) -> None:
    read_daticert(octets)


@settings(max_examples=200)
@given(st.sampled_from(SAMPLES), st.data())
def test_no_damage_to_an_envelope_raises_or_loses_the_message(octets: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(octets)))
    cut = data.draw(st.integers(0, 40))
    put = data.draw(st.binary(max_size=6))
    message = parse(octets[:place] + put + octets[place + cut :])
    assert "parser_failed" not in {defect.code for defect in message.defects}
    assert from_json(to_json(message)) == message


@pytest.mark.parametrize(
    "octets",
    [
        b"<a>" * 80_000,
        b"<postacert " + b"a='b' " * 40_000 + b">",
        b"<msgid>" * 30_000,
        b"&" * 250_000,
        b"<data " * 40_000,
    ],
    ids=["nested", "attributes", "openings", "ampersands", "data"],
)
def test_hostile_certified_data_cost_no_more_than_their_length(octets: bytes) -> None:
    with without_others_garbage():
        started = time.thread_time()
        read_daticert(octets)
        read_daticert(b"<postacert tipo='x'>" + octets)
        assert time.thread_time() - started < 1.0


def test_envelopes_wrapped_in_one_another_are_opened_a_few_times_only() -> None:
    octets = b"From: a@family.example\r\nSubject: dentro\r\n\r\nParole.\r\n"
    for _ in range(40):
        octets = (
            b"From: posta-certificata@pec.gestore-uno.example\r\nX-Trasporto: posta-certificata\r\nSubject: busta\r\n"
            b"Content-Type: message/rfc822\r\n\r\n" + octets
        )
    assert seen(octets).subject == "busta"


@pytest.mark.parametrize(
    ("field", "ids"),
    [
        ("X-Riferimento-Message-ID: <a@x.example> <b@x.example>", ("<a@x.example>", OUR_ID)),
        ("X-Riferimento-Message-ID:", (OUR_ID,)),
        ("X-Riferimento-Message-ID: a@x.example", ("<a@x.example>", OUR_ID)),
        ("x-riferimento-message-id:\r\n " + OUR_ID, (OUR_ID,)),
    ],
)
def test_a_reference_is_read_however_it_is_written(field: str, ids: tuple[str, ...]) -> None:
    octets = sealed("receipt-accettazione").replace(f"X-Riferimento-Message-ID: {OUR_ID}".encode(), field.encode(), 1)
    report = report_of(seen(octets))
    assert report is not None
    assert report.message_ids == ids
