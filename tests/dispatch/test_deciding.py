"""The decide stage on a real record: poison and crashes, twins, threads, modes, notices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from email import message_from_bytes
from email.policy import default

import pytest

from tests.decide.builders import classification
from tests.dispatch.builders import (
    ANNA,
    NORD,
    ON_CALL,
    RULES,
    Desk,
    a_mail,
    acknowledgements_in,
    change_project,
    forwards_in,
    from_family,
    readdress,
)
from tests.servers.smtp_sink import SmtpSink
from triage.parse.isolated import ParserCrash, parse_isolated
from triage.record.claims import claim_received
from triage.rules.types import MailboxRole
from triage.vocabulary import DispatchKind, InboundMessage, MessageState, Mode

Make = Callable[..., Desk]


def die_while_deciding(desk: Desk) -> None:
    """A worker claims what is due and ends without a result; its lease runs out."""
    with desk.store.write("claimed") as tx:
        claim_received(tx, "dead worker", 100, desk.lease, 1 << 30)
    desk.advance(desk.lease)


# --------------------------------------------------------------------------- poison


def test_message_that_the_classifier_fails_on_is_quarantined_alone(desk: Desk) -> None:
    keys = desk.take_in(from_family(1), from_family(2, subject="veleno"), from_family(3))
    assert [desk.outcome(key) for key in keys] == [
        (MessageState.DECIDED, ""),
        (MessageState.QUARANTINED, "errore_imprevisto"),
        (MessageState.DECIDED, ""),
    ]
    desk.assert_ledger_closes()


def test_record_in_trouble_quarantines_nothing(desk: Desk) -> None:
    """A full disk is no fault of the messages: they are decided once it has room again."""
    desk.store.fail("decided", times=30)
    keys = desk.receive(from_family(1), from_family(2))
    for _ in range(12):
        desk.decide()
        desk.advance(seconds=30)
    assert [(desk.message(key).state, desk.message(key).tries) for key in keys] == [(MessageState.DECIDED, 0)] * 2
    desk.assert_ledger_closes()


def test_message_that_the_record_always_refuses_is_quarantined_in_the_end(desk: Desk) -> None:
    """And each pass ends: nothing is tried again without a rest."""
    [key] = desk.receive(from_family(1))
    desk.store.fail("decided", times=1000)
    for _ in range(40):
        desk.decide()
        desk.advance(seconds=30)
    for _ in range(4):
        desk.decide()
        desk.advance(desk.lease)
    assert desk.outcome(key) == (MessageState.QUARANTINED, "tre_interruzioni")


def test_after_a_crash_messages_come_back_one_by_one(desk: Desk) -> None:
    keys = desk.receive(from_family(1), from_family(2), from_family(3))
    die_while_deciding(desk)
    assert [desk.message(key).tries for key in keys] == [1, 1, 1]
    [fresh] = desk.receive(from_family(4))
    assert desk.decider.work() == 1, "fresh mail goes before suspects"
    assert desk.message(fresh).state == MessageState.DECIDED
    assert desk.decider.work() == 1
    desk.decide()
    assert {desk.message(key).state for key in keys} == {MessageState.DECIDED}


def test_third_crash_quarantines_that_message_and_keeps_its_octets(desk: Desk) -> None:
    octets = from_family(1)
    [key] = desk.receive(octets)
    for _ in range(3):
        die_while_deciding(desk)
    desk.decide()
    assert desk.outcome(key) == (MessageState.QUARANTINED, "tre_interruzioni")
    assert desk.message(key).tries == 4
    desk.assert_ledger_closes()
    desk.retry(key)
    desk.decide()
    assert desk.message(key).state == MessageState.DECIDED


@pytest.mark.parametrize("deaths", [1, 2])
def test_suspects_are_parsed_in_a_subprocess(desk: Desk, deaths: int) -> None:
    parsed: list[int] = []

    def parse_apart(octets: bytes) -> InboundMessage:
        parsed.append(len(octets))
        return parse_isolated(octets)

    octets = from_family(1)
    [key] = desk.receive(octets)
    for _ in range(deaths):
        die_while_deciding(desk)
    desk.use_decider(parse_apart)
    desk.decide()
    assert parsed == [len(octets)]
    assert desk.message(key).state == MessageState.DECIDED


def test_message_that_brings_its_subprocess_down_is_quarantined(desk: Desk) -> None:
    def crash(octets: bytes) -> InboundMessage:
        if b"famiglia 1" in octets:
            raise ParserCrash("signal 11")
        return parse_isolated(octets)

    desk.use_decider(crash)
    suspect, other = desk.receive(from_family(1), from_family(2))
    die_while_deciding(desk)
    desk.decide()
    assert desk.message(suspect).state == MessageState.RECEIVED
    assert desk.message(other).state == MessageState.DECIDED
    desk.advance(desk.lease)
    desk.decide()
    assert desk.outcome(suspect) == (MessageState.QUARANTINED, "lettura_fallita")
    desk.assert_ledger_closes()


# --------------------------------------------------------------------------- twins


def test_twin_in_another_mailbox_is_matched_one_forward_one_answer(make_desk: Make, smtp_sink: SmtpSink) -> None:
    boxes = {
        "generale": RULES.mailboxes["generale"],
        "sportello": replace(RULES.mailboxes["generale"], name="sportello"),
    }
    desk = make_desk(smtp_sink.port, rules=replace(RULES, mailboxes=boxes))
    mail = a_mail(message_id="<uno@family.example>")
    other = mail.replace(b"Return-Path", b"Received: by other.example; Wed, 25 Nov 2026 09:00:00 +0000\r\nReturn-Path")
    [first] = desk.take_in(mail)
    [second] = desk.take_in(other, mailbox="sportello")
    desk.send()
    desk.advance(hours=5)
    desk.send()
    assert desk.message(first).state == MessageState.FORWARDED
    assert desk.message(second).state == MessageState.MATCHED
    assert desk.message(second).same_as == first
    assert desk.message(second).case_id == desk.message(first).case_id
    assert (forwards_in(smtp_sink), acknowledgements_in(smtp_sink)) == ([NORD], [ANNA])
    desk.assert_ledger_closes()


def test_twins_of_one_batch_share_a_case_also_with_what_follows(make_desk: Make, smtp_sink: SmtpSink) -> None:
    boxes = {
        "generale": RULES.mailboxes["generale"],
        "sportello": replace(RULES.mailboxes["generale"], name="sportello"),
    }
    desk = make_desk(smtp_sink.port, rules=replace(RULES, mailboxes=boxes))
    mail = a_mail(message_id="<uno@family.example>")
    [first] = desk.receive(mail)
    [second] = desk.receive(b"X-Copy: 1\r\n" + mail, mailbox="sportello")
    desk.decide()
    desk.send()
    assert (desk.message(second).state, desk.message(second).same_as) == (MessageState.MATCHED, first)
    assert desk.message(second).case_id == desk.message(first).case_id
    desk.take_in(a_mail("E poi?\n", headers=[("References", "<uno@family.example>")]))
    desk.send()
    assert forwards_in(smtp_sink) == [NORD, NORD]
    assert acknowledgements_in(smtp_sink) == [ANNA]
    desk.assert_ledger_closes()


def test_twin_in_the_same_mailbox_is_held_and_shown(desk: Desk, smtp_sink: SmtpSink) -> None:
    mail = a_mail(message_id="<uno@family.example>")
    [first] = desk.take_in(mail)
    [second] = desk.take_in(b"X-Delivered: twice\r\n" + mail)
    desk.send()
    desk.advance(hours=5)
    desk.send()
    assert desk.outcome(second) == (MessageState.HELD, "ricomparso")
    assert desk.message(second).same_as == first
    assert (forwards_in(smtp_sink), acknowledgements_in(smtp_sink)) == ([NORD], [ANNA])


def test_message_id_used_again_with_another_body_is_another_message(desk: Desk, smtp_sink: SmtpSink) -> None:
    """Broken mail programs and web forms give every message the same Message-ID."""
    keys = desk.take_in(
        a_mail("Che orari fate?\n", message_id="<form@family.example>"),
        a_mail("Mio figlio piange sempre.\n", message_id="<form@family.example>"),
        from_family(3, message_id="<form@family.example>"),
    )
    desk.send()
    assert [desk.message(key).state for key in keys] == [MessageState.FORWARDED] * 3
    assert forwards_in(smtp_sink) == [NORD] * 3
    assert len({desk.message(key).case_id for key in keys}) == 3


def test_messages_without_message_id_are_not_taken_for_one(desk: Desk, smtp_sink: SmtpSink) -> None:
    desk.take_in(a_mail(message_id=None), b"X-Other: 1\r\n" + a_mail(message_id=None))
    desk.send()
    assert forwards_in(smtp_sink) == [NORD, NORD]


def test_copy_of_a_held_message_is_not_sent_instead(desk: Desk, smtp_sink: SmtpSink) -> None:
    mail = a_mail(subject="reclamo", message_id="<uno@family.example>")
    first, second = desk.take_in(mail, b"X-Delivered: twice\r\n" + mail)
    desk.send()
    assert [desk.outcome(key)[1] for key in (first, second)] == ["reclamo", "ricomparso"]
    assert forwards_in(smtp_sink) == []


@pytest.fixture
def two_folders(make_desk: Make, smtp_sink: SmtpSink) -> Desk:
    """An inbox whose junk folder is watched too."""
    inbox = RULES.mailboxes["generale"]
    junk = replace(inbox, name="indesiderata", role=MailboxRole.JUNK)
    return make_desk(smtp_sink.port, rules=replace(RULES, mailboxes={"generale": inbox, "indesiderata": junk}))


@pytest.mark.parametrize("message_id", ["<uno@family.example>", None])
@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("inbox_first", [True, False])
def test_letter_that_lies_in_the_junk_folder_too_is_forwarded(
    two_folders: Desk, smtp_sink: SmtpSink, message_id: str | None, at_once: bool, inbox_first: bool
) -> None:
    """In whatever order the two are read, and whether or not they come before the decider together."""
    desk, mail = two_folders, a_mail(message_id=message_id)
    keys = {}
    for mailbox in ("generale", "indesiderata") if inbox_first else ("indesiderata", "generale"):
        [keys[mailbox]] = desk.receive(mail, mailbox=mailbox)
        if not at_once:
            desk.decide()
            desk.send()
    desk.decide()
    desk.send()

    assert desk.message(keys["generale"]).state == MessageState.FORWARDED
    assert desk.message(keys["indesiderata"]).state == MessageState.MATCHED
    assert desk.message(keys["indesiderata"]).same_as == keys["generale"]
    assert (forwards_in(smtp_sink), acknowledgements_in(smtp_sink)) == ([NORD], [ANNA])
    assert desk.message(keys["generale"]).case_id == desk.message(keys["indesiderata"]).case_id
    desk.assert_ledger_closes()


def test_mail_in_the_junk_folder_is_not_acknowledged(two_folders: Desk, smtp_sink: SmtpSink) -> None:
    two_folders.take_in(a_mail(), mailbox="indesiderata")
    two_folders.advance(hours=5)
    two_folders.send()
    assert smtp_sink.messages == ()


def test_letter_that_a_colleague_drags_to_another_inbox_goes_on_there(make_desk: Make, smtp_sink: SmtpSink) -> None:
    """Where it was held it is no more; as long as it still lies there, one of the two waits for a person."""
    inbox = RULES.mailboxes["generale"]
    boxes = {"generale": inbox, "sportello": replace(inbox, name="sportello")}
    desk = make_desk(smtp_sink.port, rules=change_project(replace(RULES, mailboxes=boxes), "nord", mode=Mode.PROPOSAL))
    mail = a_mail(message_id="<uno@family.example>")
    [first] = desk.take_in(mail)
    [second] = desk.take_in(mail, mailbox="sportello")
    assert desk.message(second).state == MessageState.MATCHED
    desk.take_away(first)
    [third] = desk.take_in(mail, mailbox="sportello")
    assert [desk.outcome(key) for key in (first, third)] == [
        (MessageState.MATCHED, ""),
        (MessageState.HELD, "modo_proposta"),
    ]
    desk.rules = replace(RULES, mailboxes=boxes)
    desk.retry(third)
    desk.decide()
    desk.send()
    assert forwards_in(smtp_sink) == [NORD]
    desk.assert_ledger_closes()


def test_person_may_send_the_appearance_instead_of_the_one_that_a_colleague_took(
    desk: Desk, smtp_sink: SmtpSink
) -> None:
    mail = a_mail(message_id="<uno@family.example>")
    [first] = desk.take_in(mail)
    desk.take_away(first)
    desk.send()
    assert desk.outcome(first) == (MessageState.HELD, "spostato_da_un_collega")
    [second] = desk.take_in(mail)
    assert desk.outcome(second) == (MessageState.HELD, "ricomparso")

    desk.retry(second)
    desk.decide()
    desk.send()
    assert [desk.outcome(key)[0] for key in (first, second)] == [MessageState.MATCHED, MessageState.FORWARDED]
    assert (forwards_in(smtp_sink), acknowledgements_in(smtp_sink)) == ([NORD], [ANNA])
    desk.assert_ledger_closes()


def test_person_may_send_what_a_colleague_took_although_it_is_still_away(desk: Desk, smtp_sink: SmtpSink) -> None:
    [key] = desk.take_in(a_mail())
    desk.take_away(key)
    desk.send()
    desk.retry(key)
    assert desk.message(key).gone_at is None
    desk.decide()
    desk.take_away(key)  # the next look finds it away again
    desk.send()
    assert desk.message(key).state == MessageState.FORWARDED
    assert forwards_in(smtp_sink) == [NORD]


def test_retry_of_an_appearance_does_not_send_a_second_time(desk: Desk, smtp_sink: SmtpSink) -> None:
    mail = a_mail(message_id="<uno@family.example>")
    [first] = desk.take_in(mail)
    [second] = desk.take_in(b"X-Delivered: twice\r\n" + mail)
    desk.retry(second)
    desk.decide()
    desk.send()
    assert desk.outcome(second) == (MessageState.HELD, "ricomparso")
    assert desk.message(second).same_as == first
    assert forwards_in(smtp_sink) == [NORD]


# --------------------------------------------------------------------------- threads


def reply_to_ours(desk: Desk, key: int, kind: DispatchKind, author: str, **options: object) -> bytes:
    ours = desk.dispatch(key, kind).rfc_message_id
    return a_mail(
        "Risposta.\n", author=author, return_path=author, headers=[("In-Reply-To", ours), ("References", ours)]
    )


def report_about(rfc_message_id: str) -> bytes:
    """What a server sends back when it could not deliver (RFC 3464), its header section quoted."""
    return (
        b"Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example.net\r\nTo: pijss.retifamiglia@ats-valpadana.it\r\n"
        b"Subject: Undelivered Mail Returned to Sender\r\nMessage-ID: <report@mx.example.net>\r\n"
        b"Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: text/plain\r\n\r\nnot delivered\r\n"
        b"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.net\r\n\r\n"
        b"Final-Recipient: rfc822; nobody@example.net\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        b"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: " + rfc_message_id.encode() + b"\r\n--b--\r\n"
    )


@pytest.mark.parametrize("ours", [True, False])
def test_report_about_our_own_forward_opens_its_message_again(desk: Desk, smtp_sink: SmtpSink, ours: bool) -> None:
    """Only filed, it would hide that a family's letter never arrived; a failure that matches nothing is read."""
    [key] = desk.take_in(a_mail())
    desk.send()
    quoted = desk.dispatch(key).rfc_message_id if ours else "<0123456789abcdef0123456789abcdef@elsewhere.example>"
    [report] = desk.take_in(report_about(quoted))
    desk.send()
    assert desk.message(report).state == (MessageState.DECIDED if ours else MessageState.HELD)
    expected = (MessageState.HELD, "inoltro_respinto") if ours else (MessageState.FORWARDED, "")
    assert desk.outcome(key) == expected
    assert len(acknowledgements_in(smtp_sink)) <= 1


def test_family_that_answers_our_acknowledgement_is_read_by_a_person(desk: Desk, smtp_sink: SmtpSink) -> None:
    """The acknowledgement says: answer this mail if you prefer a person."""
    [key] = desk.take_in(a_mail())
    desk.send()
    [answer] = desk.take_in(reply_to_ours(desk, key, DispatchKind.ACKNOWLEDGEMENT, ANNA))
    desk.advance(hours=5)
    desk.send()
    assert desk.outcome(answer) == (MessageState.HELD, "risposta_a_noi")
    assert desk.message(answer).case_id == desk.message(key).case_id
    assert (forwards_in(smtp_sink), acknowledgements_in(smtp_sink)) == ([NORD], [ANNA])


def test_project_that_answers_our_forward_is_read_by_a_person(desk: Desk, smtp_sink: SmtpSink) -> None:
    [key] = desk.take_in(a_mail())
    desk.send()
    smtp_sink.forget()
    [answer] = desk.take_in(reply_to_ours(desk, key, DispatchKind.FORWARD, NORD))
    desk.advance(hours=5)
    desk.send()
    assert desk.message(answer).state == MessageState.HELD
    assert desk.message(answer).case_id == desk.message(key).case_id
    assert smtp_sink.messages == (), "nobody is answered, nothing is forwarded back"


def test_stranger_who_quotes_our_message_id_joins_nothing(desk: Desk, smtp_sink: SmtpSink) -> None:
    [key] = desk.take_in(a_mail(message_id="<uno@family.example>"))
    desk.send()
    strangers = [
        reply_to_ours(desk, key, DispatchKind.FORWARD, "mallory@elsewhere.example"),
        reply_to_ours(desk, key, DispatchKind.ACKNOWLEDGEMENT, "mallory@elsewhere.example"),
        a_mail(
            "Sono io.\n",
            author="mallory@elsewhere.example",
            return_path="mallory@elsewhere.example",
            headers=[("In-Reply-To", "<uno@family.example>")],
        ),
    ]
    keys = desk.take_in(*strangers)
    assert desk.message(key).case_id not in {desk.message(other).case_id for other in keys}
    assert {desk.message(other).state for other in keys} == {MessageState.DECIDED}


def test_our_own_mail_that_comes_back_is_held(desk: Desk, smtp_sink: SmtpSink) -> None:
    desk.take_in(a_mail())
    desk.send()
    for sent in smtp_sink.messages:
        returned = b"Return-Path: <mallory@elsewhere.example>\r\n" + sent.octets
        [key] = desk.take_in(returned)
        assert desk.message(key).state == MessageState.HELD
        assert "da_noi" in [reason.code for reason in desk.decision(key).reasons]
        assert desk.dispatches(key) == []


def test_own_header_field_holds_the_message_only_when_we_made_it(desk: Desk, smtp_sink: SmtpSink) -> None:
    [forged] = desk.take_in(a_mail(headers=[("x-reti-smistamento", "2A-22222222 0")]))
    desk.send()
    assert desk.outcome(forged)[0] == MessageState.FORWARDED
    sent = message_from_bytes(smtp_sink.messages[0].octets)
    field = ("x-reti-smistamento", sent["X-Reti-Smistamento"])
    [key] = desk.take_in(from_family(1, message_id=sent["Message-ID"], headers=[field]))
    assert desk.outcome(key) == (MessageState.HELD, "da_noi")
    assert desk.dispatches(key) == []


# --------------------------------------------------------------------------- modes and confirmations


@pytest.mark.parametrize(
    ("mode", "outcome", "kinds"),
    [
        (Mode.SHADOW, ("held", "modo_ombra"), []),
        (Mode.PROPOSAL, ("held", "modo_proposta"), ["acknowledgement"]),
        (Mode.AUTOMATIC, ("decided", ""), ["forward", "acknowledgement"]),
    ],
    ids=["ombra", "proposta", "automatico"],
)
def test_mode_of_a_project(
    make_desk: Make, smtp_sink: SmtpSink, mode: Mode, outcome: tuple[str, str], kinds: list[str]
) -> None:
    desk = make_desk(smtp_sink.port, rules=change_project(RULES, "nord", mode=mode))
    [key] = desk.take_in(a_mail())
    assert desk.outcome(key) == outcome
    assert [row.kind for row in desk.dispatches(key)] == kinds
    assert desk.decision(key).destination == "nord"


def test_unconfirmed_address_is_held(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, rules=readdress(RULES, "nord", confirmed=False))
    [key] = desk.take_in(a_mail())
    assert desk.outcome(key) == (MessageState.HELD, "indirizzo_non_confermato")
    assert [row.kind for row in desk.dispatches(key)] == ["acknowledgement"]


def test_every_message_has_a_decision_that_names_its_versions(desk: Desk) -> None:
    for key in desk.take_in(a_mail(), a_mail(subject="reclamo", message_id="<2@example.org>")):
        decision = desk.decision(key)
        assert decision.rules_version == RULES.version
        assert decision.model_version == "m1"
        assert [rule.name for rule in decision.rules_tried][:1] == ["urgenti"]


# --------------------------------------------------------------------------- urgent


CANARY = "Pericolosissimo Zanzibar 3471234567"


def test_notice_to_the_person_on_call_holds_nothing_of_the_message(desk: Desk, smtp_sink: SmtpSink) -> None:
    desk.take_in(a_mail(f"{CANARY}\n", subject=f"pericolo {CANARY}", author=f"{CANARY} <{ANNA}>"))
    desk.send()
    [sent] = smtp_sink.messages
    assert sent.forward_paths == (ON_CALL,)
    assert sent.reverse_path == ""
    notice = message_from_bytes(sent.octets, policy=default)
    text = notice.get_content()
    for word in (*CANARY.split(), "Rossi", ANNA, "pericolo", "Altavilla", "orientamento", "Centro Nord"):
        assert word.casefold() not in text.casefold()
        assert word.casefold() not in str(notice).casefold()
    assert notice["Subject"] == "Da leggere oggi: un messaggio aspetta"
    assert notice["Auto-Submitted"] == "auto-generated"
    assert notice["In-Reply-To"] is None
    assert "Messaggio numero 1, codice" in text


def test_only_the_rarer_signal_wakes_the_person_on_call(desk: Desk, smtp_sink: SmtpSink) -> None:
    urgent, alert = desk.take_in(from_family(1, subject="oggi"), from_family(2, subject="pericolo"))
    desk.send()
    assert [desk.outcome(key) for key in (urgent, alert)] == [(MessageState.HELD, "urgente")] * 2
    assert [m.forward_paths for m in smtp_sink.messages] == [(ON_CALL,)]
    assert [desk.message(key).urgent for key in (urgent, alert)] == [True, True]


def test_urgent_and_forwarded_at_once_leaves_without_a_word_of_urgency(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, rules=change_project(RULES, "nord", urgent_forward_now=True))
    [key] = desk.take_in(a_mail(subject="oggi"))
    desk.send()
    assert desk.outcome(key) == (MessageState.HELD, "urgente")
    [sent] = smtp_sink.messages
    readable = message_from_bytes(sent.octets, policy=default).get_body()
    assert readable is not None
    assert "urgen" not in readable.get_content().casefold()


def test_batch_order_is_kept_and_decided_once(desk: Desk) -> None:
    calls: list[int] = []

    def choose(message: InboundMessage) -> object:
        calls.append(1)
        return classification()

    desk.knowledge.classifier.choose = choose
    desk.take_in(*(from_family(number) for number in range(150)))
    assert len(calls) == 150
    assert desk.decided == 2, "two batches, two wake-ups"
