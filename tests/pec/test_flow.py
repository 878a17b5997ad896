"""Certified mail through the whole service: a record, real octets, a real SMTP server."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.decide.builders import classification
from tests.dispatch.builders import (
    NORD,
    RULES,
    SUD,
    Desk,
    a_mail,
    acknowledgements_in,
    acknowledging,
    attached_original,
    classify_by_subject,
    forwards_in,
)
from tests.pec.builders import OUR_ID, authority, opaque, sample, sealed
from tests.servers.smtp_sink import SmtpSink
from triage.classify.automatic import judge_automatic
from triage.ids import case_code
from triage.parse import parse
from triage.parse.isolated import parse_isolated
from triage.pec.seen import as_seen
from triage.pec.trust import read_anchors
from triage.reading import ParsedMessages
from triage.record.claims import claim_received
from triage.record.identity import known_secret
from triage.record.receipts import receipts_about
from triage.record.tables import dispatches
from triage.rules.types import Rules
from triage.vocabulary import Action, Classification, DispatchKind, InboundMessage, MessageState, Mode

PEC_BOX: Rules = replace(RULES, mailboxes={name: replace(box, pec=True) for name, box in RULES.mailboxes.items()})
ANSWERING = acknowledging(PEC_BOX, pec=True)
PROGRESS = (
    "receipt-accettazione",
    "receipt-presa-in-carico",
    "receipt-consegna-completa",
    "receipt-consegna-sintetica",
)
FAILURES = (
    "receipt-non-accettazione",
    "receipt-errore-altro",
    "receipt-errore-no-dest",
    "receipt-virus",
    "receipt-broken-xml",
    "receipt-data-says-worse",
)


@pytest.fixture
def pec_desk(make_desk: Callable[..., Desk], smtp_sink: SmtpSink) -> Desk:
    """A desk whose mailbox is declared to be PEC."""
    return make_desk(smtp_sink.port, rules=PEC_BOX)


def text_of(octets: bytes) -> str:
    """The readable part of a forward."""
    return parse(octets).new_text.partition("Oggetto:")[0]


def case_code_of(desk: Desk, key: int) -> str:
    """The code that stands in the mails of a message's case."""
    with desk.store.read("secret") as tx:
        return case_code(known_secret(tx), desk.message(key).case_id or 0)


def having_sent(desk: Desk) -> int:
    """Forward one message, under the Message-ID that the samples' receipts are about; its number."""
    (key,) = desk.take_in(a_mail())
    desk.send()
    assert desk.outcome(key)[0] == MessageState.FORWARDED
    with desk.store.write("rename") as tx:
        forward = dispatches.c.kind == DispatchKind.FORWARD
        tx.execute(sa.update(dispatches).where(dispatches.c.message_id == key, forward).values(rfc_message_id=OUR_ID))
    return key


# --------------------------------------------------------------------------- envelopes


def test_f70_a_persons_certified_mail_is_decided_by_their_words_and_the_whole_envelope_is_forwarded(
    make_desk: Callable[..., Desk], smtp_sink: SmtpSink
) -> None:
    judged: list[InboundMessage] = []

    def choose(message: InboundMessage) -> Classification:
        judged.append(message)
        return classify_by_subject(message)

    desk = make_desk(smtp_sink.port, rules=PEC_BOX, choose=choose)
    octets = sealed("envelope-x-pkcs7-sha1")
    (key,) = desk.take_in(octets)
    desk.send()
    assert [(m.author.addr_spec, m.subject, m.new_text.splitlines()[1]) for m in judged] == [
        ("anna.rossi@pec.example", "Richiesta colloquio", "abitiamo ad Altavilla e alleghiamo il modulo.")
    ]
    (sent,) = smtp_sink.messages
    assert attached_original(sent.octets) == octets
    forward = parse(sent.octets)
    assert forward.author.display_name == "Anna Rossi tramite Reti Famiglia ATS"
    assert [address.addr_spec for address in forward.reply_to] == ["anna.rossi@pec.example"]
    assert forward.subject.endswith("] Richiesta colloquio")
    lines = forward.new_text.splitlines()
    assert "Posta certificata:  messaggio di posta certificata" in lines
    assert "Firma del gestore:  intatta" in lines
    assert "Data e ora certificate: 25/11/2026, ore 10:22:00" in lines
    assert "  - modulo.pdf (28 byte)" in lines
    assert [reason.code for reason in desk.decision(key).reasons][-2:] == ["pec", "da_protocollare"]
    desk.assert_ledger_closes()


def test_an_envelope_whose_signature_was_altered_is_forwarded_and_says_so(pec_desk: Desk, smtp_sink: SmtpSink) -> None:
    octets = sealed("envelope-x-pkcs7-sha1").replace(b"alleghiamo il modulo", b"alleghiamo un modulo")
    pec_desk.take_in(octets)
    pec_desk.send()
    (sent,) = smtp_sink.messages
    assert attached_original(sent.octets) == octets
    assert "Firma del gestore:  alterata" in text_of(sent.octets)


def test_no_sample_is_ever_called_valid_or_forwarded_in_part(pec_desk: Desk, smtp_sink: SmtpSink) -> None:
    names = ("envelope-pkcs7-sha256-base64", "envelope-protocol-office", "anomaly-family")
    originals = [sealed(name) for name in names]
    pec_desk.take_in(*originals)
    pec_desk.send()
    assert sorted(attached_original(sent.octets) for sent in smtp_sink.messages) == sorted(originals)
    assert all("valid" not in text_of(sent.octets).casefold() for sent in smtp_sink.messages)


def test_certified_mail_is_acknowledged_only_where_the_administrator_wants_it(
    make_desk: Callable[..., Desk], smtp_sink: SmtpSink
) -> None:
    desk = make_desk(smtp_sink.port, rules=PEC_BOX)
    desk.take_in(sealed("envelope-x-pkcs7-sha1"))
    desk.advance(hours=5)
    desk.send()
    assert [path for sent in smtp_sink.messages for path in sent.forward_paths] == [NORD]
    desk.rules = ANSWERING
    desk.take_in(sealed("envelope-protocol-office"))
    desk.send()
    desk.advance(hours=5)
    desk.send()
    paths = [path for sent in smtp_sink.messages for path in sent.forward_paths]
    assert paths == [NORD, NORD, "protocollo@pec.comune-altavilla.example"]


def test_an_envelope_around_an_automatic_reply_gets_no_acknowledgement(
    make_desk: Callable[..., Desk], smtp_sink: SmtpSink
) -> None:
    desk = make_desk(smtp_sink.port, rules=ANSWERING)
    (key,) = desk.take_in(sealed("envelope-inner-absence"))
    assert DispatchKind.ACKNOWLEDGEMENT not in {kind for kind, _ in desk.states(key)}


def test_the_same_certified_mail_for_two_mailboxes_is_forwarded_once(pec_desk: Desk, smtp_sink: SmtpSink) -> None:
    octets = sealed("envelope-x-pkcs7-sha1")
    pec_desk.take_in(octets)
    pec_desk.take_in(octets.replace(b"Message-ID: <opec1.", b"Message-ID: <opec2."))
    pec_desk.send()
    assert forwards_in(smtp_sink) == [NORD]


# --------------------------------------------------------------------------- receipts


@pytest.mark.parametrize("name", PROGRESS)
def test_a_receipt_about_our_mail_is_filed_beside_it(pec_desk: Desk, smtp_sink: SmtpSink, name: str) -> None:
    first = having_sent(pec_desk)
    count = len(smtp_sink.messages)
    (key,) = pec_desk.take_in(sealed(name))
    pec_desk.send()
    row = pec_desk.message(key)
    assert (row.state, row.file_step, row.case_id) == (MessageState.DECIDED, "ready", pec_desk.message(first).case_id)
    assert pec_desk.decision(key).action is Action.FILE
    with pec_desk.store.read("look") as tx:
        ((number, params),) = receipts_about(tx, first, pec_desk.message(first).case_id)
    assert (number, params["message"], params["code"]) == (key, first, "ricevuta_pec")
    assert len(smtp_sink.messages) == count, "nothing leaves because of a receipt"
    assert pec_desk.incidents() == []
    pec_desk.assert_ledger_closes()


@pytest.mark.parametrize("name", FAILURES)
def test_a_receipt_that_says_that_a_forward_did_not_arrive_opens_its_message_again(
    pec_desk: Desk, smtp_sink: SmtpSink, name: str
) -> None:
    first = having_sent(pec_desk)
    count = len(smtp_sink.messages)
    (key,) = pec_desk.take_in(sealed(name))
    pec_desk.send()
    assert pec_desk.outcome(first) == (MessageState.HELD, "inoltro_respinto")
    assert pec_desk.incidents() == [("forward_returned", 1)]
    assert pec_desk.message(key).state == MessageState.DECIDED
    assert pec_desk.message(key).case_id == pec_desk.message(first).case_id
    assert [reason.params["message"] for reason in pec_desk.decision(key).reasons if "message" in reason.params] == [
        first
    ]
    assert len(smtp_sink.messages) == count
    pec_desk.assert_ledger_closes()


def test_a_receipt_may_name_our_mail_as_the_server_that_took_it_does(pec_desk: Desk) -> None:
    (first,) = pec_desk.take_in(a_mail())
    pec_desk.send()
    with pec_desk.store.write("given") as tx:
        tx.execute(sa.update(dispatches).where(dispatches.c.message_id == first).values(given_message_id=OUR_ID))
    pec_desk.take_in(sealed("receipt-errore-altro"))
    assert pec_desk.outcome(first) == (MessageState.HELD, "inoltro_respinto")


def test_a_receipt_that_says_not_yet_alarms_and_waits_and_the_forward_is_left_alone(pec_desk: Desk) -> None:
    first = having_sent(pec_desk)
    (key,) = pec_desk.take_in(sealed("receipt-preavviso"))
    assert pec_desk.outcome(key) == (MessageState.HELD, "ricevuta_pec_errore")
    assert pec_desk.decision(key).reasons[0].params["message"] == first
    assert pec_desk.incidents() == [("pec_failure", 1)]
    assert pec_desk.outcome(first)[0] == MessageState.FORWARDED


def test_an_altered_receipt_of_failure_opens_nothing_again(pec_desk: Desk) -> None:
    first = having_sent(pec_desk)
    octets = sealed("receipt-errore-altro").replace(b"Avviso di mancata consegna", b"Avviso  di mancata consegna")
    (key,) = pec_desk.take_in(octets)
    assert pec_desk.outcome(key) == (MessageState.HELD, "ricevuta_pec_alterata")
    assert pec_desk.outcome(first)[0] == MessageState.FORWARDED


def test_the_alarm_ends_when_somebody_has_the_receipt_in_hand(pec_desk: Desk) -> None:
    having_sent(pec_desk)
    (key,) = pec_desk.take_in(sealed("receipt-preavviso"))
    pec_desk.take_away(key)
    assert pec_desk.incidents() == []


def test_a_failure_that_is_about_nothing_on_record_alarms_all_the_same(pec_desk: Desk) -> None:
    (key,) = pec_desk.take_in(sealed("receipt-errore-no-dest"))
    assert pec_desk.outcome(key) == (MessageState.HELD, "ricevuta_pec_errore")
    assert pec_desk.incidents() == [("pec_failure", 1)]


@pytest.mark.parametrize("name", ["receipt-of-a-colleague", "receipt-accettazione"])
def test_a_receipt_about_nothing_that_we_know_waits_for_a_person(pec_desk: Desk, name: str) -> None:
    (key,) = pec_desk.take_in(sealed(name))
    assert pec_desk.outcome(key) == (MessageState.HELD, "ricevuta_pec_sconosciuta")


def test_a_receipt_about_a_mail_that_came_by_here_is_filed_beside_it(pec_desk: Desk) -> None:
    (first,) = pec_desk.take_in(a_mail(message_id=OUR_ID))
    (key,) = pec_desk.take_in(sealed("receipt-accettazione"))
    assert pec_desk.message(key).case_id == pec_desk.message(first).case_id
    assert pec_desk.decision(key).action is Action.FILE


def test_a_receipt_whose_signature_was_altered_waits_for_a_person(pec_desk: Desk) -> None:
    having_sent(pec_desk)
    altered = sealed("receipt-accettazione").replace(b"Ricevuta di accettazione", b"Ricevuta  di accettazione")
    (key,) = pec_desk.take_in(altered)
    assert pec_desk.outcome(key) == (MessageState.HELD, "ricevuta_pec_alterata")


def test_the_words_of_a_receipt_are_no_request_however_they_read(
    make_desk: Callable[..., Desk], smtp_sink: SmtpSink
) -> None:
    def frightened(message: InboundMessage) -> Classification:
        in_danger = message.subject != "Orari"
        return classification(urgent=in_danger, alert=in_danger, topic="ascolto")

    desk = make_desk(smtp_sink.port, rules=ANSWERING, choose=frightened)
    having_sent(desk)
    count = len(smtp_sink.messages)
    keys = desk.take_in(*(sealed(name) for name in (*PROGRESS, *FAILURES)))
    desk.advance(hours=5)
    desk.send()
    assert len(smtp_sink.messages) == count
    assert all(desk.states(key) == [] and not desk.decision(key).urgent for key in keys)


def test_in_ombra_a_receipt_waits_like_everything_else(pec_desk: Desk) -> None:
    having_sent(pec_desk)
    pec_desk.rules = replace(PEC_BOX, service=replace(PEC_BOX.service, mode=Mode.SHADOW))
    (key,) = pec_desk.take_in(sealed("receipt-accettazione"))
    assert pec_desk.outcome(key) == (MessageState.HELD, "modo_ombra")


def test_f71_receipts_of_every_shape_stop_nothing_and_nothing_is_sent_in_their_place(
    pec_desk: Desk, smtp_sink: SmtpSink
) -> None:
    having_sent(pec_desk)
    receipts = [opaque("receipt-accettazione"), *(sealed(name) for name in (*PROGRESS, *FAILURES))]
    keys = pec_desk.take_in(*receipts, a_mail(subject="Sud", message_id="<poi@family.example>"))
    pec_desk.send()
    assert forwards_in(smtp_sink) == [NORD, SUD]
    assert pec_desk.decision(keys[0]).action is Action.FILE
    pec_desk.assert_ledger_closes()


# --------------------------------------------------------------------------- forged


@pytest.mark.parametrize("name", ["forged-receipt", "receipt-accettazione", "receipt-consegna-completa"])
def test_in_an_ordinary_mailbox_a_receipt_is_not_filed_unseen(desk: Desk, smtp_sink: SmtpSink, name: str) -> None:
    having_sent(desk)
    count = len(smtp_sink.messages)
    (key,) = desk.take_in(sealed(name))
    desk.advance(hours=5)
    desk.send()
    assert desk.outcome(key) == (MessageState.HELD, "ricevuta_pec_non_confermata")
    assert len([path for path in acknowledgements_in(smtp_sink) if path.startswith("falsa")]) == 0
    assert len(smtp_sink.messages) - count <= 1, "at most the family's acknowledgement of before"


def test_in_an_ordinary_mailbox_a_recognised_providers_receipt_is_filed(desk: Desk, smtp_sink: SmtpSink) -> None:
    desk.parsed = ParsedMessages(read_anchors(authority().pem))
    desk.use_decider()
    first = having_sent(desk)
    (key,) = desk.take_in(sealed("receipt-accettazione"))
    assert desk.decision(key).action is Action.FILE
    assert desk.message(key).case_id == desk.message(first).case_id


def test_in_an_ordinary_mailbox_a_forged_envelope_is_the_strangers_own_mail(desk: Desk, smtp_sink: SmtpSink) -> None:
    (key,) = desk.take_in(sample("forged-envelope"))
    desk.advance(hours=5)
    desk.send()
    (sent,) = [item for item in smtp_sink.messages if NORD in item.forward_paths]
    assert "tramite" in parse(sent.octets).author.display_name
    assert "Anna" not in parse(sent.octets).author.display_name
    assert "si presenta come messaggio di posta certificata, ma nulla lo conferma" in text_of(sent.octets)
    assert desk.states(key) == [("forward", "accepted")]


def test_a_persons_mail_about_a_missed_delivery_is_a_persons_mail(pec_desk: Desk, smtp_sink: SmtpSink) -> None:
    pec_desk.take_in(sample("person-mancata-consegna"), sample("person-quotes-receipt"), sample("person-forwards-pec"))
    pec_desk.send()
    assert forwards_in(smtp_sink) == [NORD] * 3
    assert all("Posta certificata:" not in text_of(sent.octets) for sent in smtp_sink.messages)


# --------------------------------------------------------------------------- anomalies


def test_an_anomaly_is_the_familys_ordinary_mail_with_a_label(
    make_desk: Callable[..., Desk], smtp_sink: SmtpSink
) -> None:
    desk = make_desk(smtp_sink.port, rules=ANSWERING)
    octets = sealed("anomaly-family")
    (key,) = desk.take_in(octets)
    desk.send()
    desk.advance(hours=5)
    desk.send()
    assert [sent.forward_paths for sent in smtp_sink.messages] == [(NORD,), ("bruno.bianchi@family.example",)]
    forward = parse(smtp_sink.messages[0].octets)
    assert [address.addr_spec for address in forward.reply_to] == ["bruno.bianchi@family.example"]
    assert "(non certificata)" in forward.new_text
    assert attached_original(smtp_sink.messages[0].octets) == octets
    assert desk.decision(key).reasons[-1].params["kind"] == "anomalia"


def test_an_anomaly_around_bulk_mail_is_answered_nowhere_and_least_of_all_at_the_provider(
    make_desk: Callable[..., Desk], smtp_sink: SmtpSink
) -> None:
    desk = make_desk(smtp_sink.port, rules=ANSWERING)
    keys = desk.take_in(sealed("anomaly-newsletter"), sealed("anomaly-forged-receipt"))
    desk.advance(hours=5)
    desk.send()
    assert {kind for key in keys for kind, _ in desk.states(key)} == {"forward"}
    assert {path for sent in smtp_sink.messages for path in sent.forward_paths} == {NORD}


def test_an_anomaly_around_a_bounce_of_our_own_mail_is_that_bounce(pec_desk: Desk) -> None:
    first = having_sent(pec_desk)
    (key,) = pec_desk.take_in(sealed("anomaly-bounce"))
    assert pec_desk.outcome(first) == (MessageState.HELD, "inoltro_respinto")
    assert pec_desk.incidents() == [("forward_returned", 1)]
    decision = pec_desk.decision(key)
    assert (decision.action, decision.reasons[0].code, decision.reasons[0].params["status"]) == (
        Action.FILE,
        "tornato",
        "5.1.1",
    )


@pytest.mark.parametrize("octets", [sample("anomaly-bounce"), sealed("anomaly-bounce")], ids=["unsigned", "signed"])
def test_a_bounce_in_an_anomaly_opens_its_forward_also_where_no_mailbox_is_pec(
    make_desk: Callable[..., Desk], smtp_sink: SmtpSink, octets: bytes
) -> None:
    """The envelope is believed in nothing, and the report inside is like any other: a person reads it."""
    assert not judge_automatic(as_seen(parse(octets), declared=False, anchors=())).proved
    desk = make_desk(smtp_sink.port, choose=lambda it: replace(classify_by_subject(it), automatic_proved=False))
    first = having_sent(desk)
    (key,) = desk.take_in(octets)
    assert desk.outcome(first) == (MessageState.HELD, "inoltro_respinto")
    assert desk.incidents() == [("forward_returned", 1)]
    assert desk.outcome(key) == (MessageState.HELD, "avviso_su_nostro_invio")
    desk.assert_ledger_closes()


def test_what_was_there_when_a_worker_died_is_read_apart_and_seen_alike(pec_desk: Desk, smtp_sink: SmtpSink) -> None:
    pec_desk.receive(sealed("envelope-x-pkcs7-sha1"))
    with pec_desk.store.write("claimed") as tx:
        assert len(claim_received(tx, "dead worker", 10, pec_desk.lease, 1 << 20)) == 1
    pec_desk.advance(pec_desk.lease + timedelta(seconds=1))
    apart: list[bytes] = []

    def parse_apart(octets: bytes) -> InboundMessage:
        apart.append(octets)
        return parse_isolated(octets)

    pec_desk.use_decider(parse_apart)
    pec_desk.decide()
    pec_desk.send()
    (sent,) = smtp_sink.messages
    assert len(apart) == 1
    assert [address.addr_spec for address in parse(sent.octets).reply_to] == ["anna.rossi@pec.example"]


def test_a_receipt_of_a_kind_that_nobody_knows_yet_is_no_request(pec_desk: Desk, smtp_sink: SmtpSink) -> None:
    octets = sealed("receipt-accettazione", change=(b"X-Ricevuta: accettazione", b"X-Ricevuta: lettura"))
    (key,) = pec_desk.take_in(octets)
    pec_desk.advance(hours=5)
    pec_desk.send()
    assert pec_desk.outcome(key) == (MessageState.HELD, "ricevuta_pec_non_confermata")
    assert smtp_sink.messages == ()


def test_an_envelope_without_the_persons_message_waits_whatever_the_provider_writes_around_it(
    pec_desk: Desk, smtp_sink: SmtpSink
) -> None:
    (key,) = pec_desk.take_in(sealed("envelope-without-postacert"))
    pec_desk.send()
    assert pec_desk.outcome(key) == (MessageState.HELD, "difetti_gravi")
    assert smtp_sink.messages == ()


def envelope_of(author: str, account: str, subject: str, text: str) -> bytes:
    """A transport envelope that its provider has certified for ``account``, whoever stands in From."""
    octets = sample("envelope-x-pkcs7-sha1").replace(b"anna.rossi@pec.example", account.encode())
    octets = octets.replace(b"Subject: Richiesta colloquio", f"Subject: {subject}".encode(), 1)
    head, mark, rest = octets.partition(b'filename="postacert.eml"')
    rest = re.sub(rb"From: [^\r]*", f"From: <{author}>".encode(), rest, count=1)
    rest = re.sub(rb"Subject: [^\r]*", f"Subject: {subject}".encode(), rest, count=1)
    rest = rest.replace(b"abitiamo ad Altavilla e alleghiamo il modulo.", text.encode())
    assert mark
    return head + mark + rest


@pytest.mark.parametrize(("account", "reason"), [(NORD, "restituzione"), ("falso@pec.example", "codice_di_altri")])
def test_certified_mail_hands_back_only_from_the_account_that_is_certified(
    pec_desk: Desk, account: str, reason: str
) -> None:
    first = having_sent(pec_desk)
    code = case_code_of(pec_desk, first)
    octets = envelope_of(NORD, account, f"Non =?utf-8?q?=C3=A8?= per noi [{code}]", f"Codice: {code}")
    (key,) = pec_desk.take_in(octets)
    assert pec_desk.outcome(key) == (MessageState.HELD, reason)
    expected = (MessageState.HELD, "restituito") if account == NORD else (MessageState.FORWARDED, "")
    assert pec_desk.outcome(first) == expected
