"""Families over the whole way, from mail to SMTP: asked once, told once of a new centre, undone in time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from typing import Any

import sqlalchemy as sa

from tests.decide.builders import classification
from tests.dispatch.builders import (
    ANNA,
    NORD,
    RULES,
    SUD,
    Desk,
    a_mail,
    acknowledging,
    answered_in,
    classify_by_subject,
    forwards_in,
)
from tests.servers.smtp_session import AcceptedMessage
from tests.servers.smtp_sink import SmtpSink
from triage.ids import read_return_tag
from triage.record.decisions import decision_of
from triage.record.identity import secret_of
from triage.record.mailboxes import mailbox_row
from triage.record.messages import get_message
from triage.record.octets import read_octets
from triage.record.planned import OwnedPlan, PlannedDispatch, write_dispatches
from triage.record.tables import decisions, dispatches, messages
from triage.rules.types import Envelope, Rules, WebForm, WithoutReturnPath
from triage.settling import context_of
from triage.telling import plan_question, plan_reroute_notice
from triage.vocabulary import Classification, DispatchKind, DispatchState, InboundMessage, MessageState

Make = Callable[..., Desk]
ACK, QUESTION, REROUTE = DispatchKind.ACKNOWLEDGEMENT, DispatchKind.QUESTION, DispatchKind.REROUTE
NOWHERE = "Vorrei un consiglio\n"
OURS = "mx.agency.example"


def choose(message: InboundMessage) -> Classification:
    """As usual, but a message about "consiglio" names no place."""
    if "consiglio" in message.new_text:
        return classification(comune_scores={}, outside=0.0, unstated=1.0)
    return classify_by_subject(message)


PLACELESS = replace(
    RULES,
    rules=(
        replace(
            RULES.rules[3],
            name="senza luogo",
            when=replace(RULES.rules[3].when, topics=None, territories=frozenset({"non_indicato"})),
            then=replace(RULES.rules[3].then, code="territorio_non_indicato"),  # type: ignore[arg-type]
        ),
        *RULES.rules,
    ),
)
ASKING = acknowledging(PLACELESS, ask_comune=True)


def to(sink: SmtpSink, address: str = ANNA) -> list[tuple[str, str]]:
    """Subject and readable text of everything that an address got."""
    found = []
    for sent in sink.messages:
        if sent.forward_paths == (address,):
            message = message_from_bytes(sent.octets, policy=default)
            body = message.get_body(("plain",))
            assert body is not None
            found.append((str(message["Subject"]), str(body.get_content())))
    return found


def plan(desk: Desk, message_id: int, make: Callable[..., PlannedDispatch | None]) -> PlannedDispatch | None:
    """What staff's act does: plan in one transaction, and write the plan there."""
    with desk.store.write("staff", "cli:test") as tx:
        row = get_message(tx, message_id)
        assert row is not None
        assert row.case_id is not None
        decision = decision_of(tx, row.id, row.generation)
        assert decision is not None
        parsed = desk.parsed.parse(row.sha256 or "", read_octets(tx, [row.sha256 or ""])[row.sha256 or ""])
        context = context_of(row, parsed, desk.rules, mailbox_row(tx, "generale"))
        made = make(tx, desk.rules, secret_of(tx), row.case_id, parsed, decision, context)
        if made is not None:
            write_dispatches(tx, [OwnedPlan(row.id, row.generation, row.case_id, made)], {})
        return made


# ------------------------------------------------------------------ ask once


def test_the_acknowledgement_asks_at_once_where_only_the_place_is_missing(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, rules=ASKING, choose=choose)
    [key] = desk.take_in(a_mail(NOWHERE))
    desk.send()
    assert desk.outcome(key) == (MessageState.HELD, "territorio_non_indicato")
    [(subject, text)] = to(smtp_sink)
    assert subject.startswith("Auto: abbiamo ricevuto")
    assert "Ci dica in quale comune abita" in text
    desk.advance(hours=5)
    desk.send()
    assert len(to(smtp_sink)) == 1


def test_where_the_rules_do_not_ask_it_waits_as_ever_and_asks_nothing(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, rules=PLACELESS, choose=choose)
    desk.take_in(a_mail(NOWHERE))
    desk.send()
    assert to(smtp_sink) == []
    desk.advance(hours=4)
    desk.send()
    [(_, text)] = to(smtp_sink)
    assert "Ci dica" not in text


def test_it_asks_nothing_of_others(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, rules=ASKING, choose=choose)
    desk.take_in(a_mail(), a_mail("Reclamo\n", subject="reclamo"))
    desk.advance(hours=5)
    desk.send()
    assert len(to(smtp_sink)) == 2
    assert not any("Ci dica" in text for _, text in to(smtp_sink))


def test_the_question_is_left_out_when_the_place_was_found_meanwhile(make_desk: Make, smtp_sink: SmtpSink) -> None:
    """Ten minutes to undo: staff have decided before the question left."""
    desk = make_desk(smtp_sink.port, rules=acknowledging(ASKING, undo_minutes=10), choose=choose)
    [key] = desk.take_in(a_mail(NOWHERE))
    desk.knowledge.classifier = type(desk.knowledge.classifier)(classify_by_subject)
    desk.retry(key)
    desk.decide()
    desk.send()
    desk.advance(minutes=11)
    desk.send()
    assert forwards_in(smtp_sink) == [NORD]
    [(_, text)] = to(smtp_sink)
    assert "Ci dica" not in text
    assert "Centro Nord" in text


def test_staff_ask_once_with_a_mail_of_its_own(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, rules=PLACELESS, choose=choose)
    [key] = desk.take_in(a_mail(NOWHERE))
    assert plan(desk, key, plan_question) is not None
    assert plan(desk, key, plan_question) is None
    desk.send()
    [(subject, text)] = to(smtp_sink)
    assert subject.startswith("Auto: una domanda")
    assert "il comune in cui abita" in text
    assert plan(desk, key, plan_question) is None, "never twice, also after it has left"
    assert [row.state for row in desk.dispatches(key, QUESTION)] == [DispatchState.ACCEPTED]


def test_staff_do_not_ask_where_the_acknowledgement_has(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, rules=ASKING, choose=choose)
    [key] = desk.take_in(a_mail(NOWHERE))
    assert plan(desk, key, plan_question) is None, "it is about to ask"
    desk.send()
    assert plan(desk, key, plan_question) is None, "it has asked"


def test_the_acknowledgement_does_not_ask_where_staff_have(make_desk: Make, smtp_sink: SmtpSink) -> None:
    """The family writes again in the same case; nobody had been acknowledged yet."""
    desk = make_desk(smtp_sink.port, rules=acknowledging(PLACELESS, enabled=False), choose=choose)
    [first] = desk.take_in(a_mail(NOWHERE, message_id="<uno@family.example>"))
    assert plan(desk, first, plan_question) is not None
    desk.send()
    desk.rules = ASKING
    [second] = desk.take_in(
        a_mail(
            "Ancora un consiglio\n",
            message_id="<due@family.example>",
            headers=[("In-Reply-To", "<uno@family.example>")],
        )
    )
    assert desk.message(first).case_id == desk.message(second).case_id
    assert [row.asks for row in desk.dispatches(second, ACK)] == [None]
    desk.advance(hours=5)
    desk.send()
    assert sum("comune" in text for _, text in to(smtp_sink)) == 1


def test_a_question_that_was_planned_twice_at_once_is_one(make_desk: Make, smtp_sink: SmtpSink) -> None:
    """Whatever the code does, the record's index lets a case have one."""
    desk = make_desk(smtp_sink.port, rules=PLACELESS, choose=choose)
    [key] = desk.take_in(a_mail(NOWHERE))
    made = plan(desk, key, plan_question)
    assert made is not None
    row = desk.message(key)
    assert row.case_id is not None
    again = replace(made, rfc_message_id="<other@agency.example>")
    with desk.store.write("again") as tx:
        write_dispatches(tx, [OwnedPlan(row.id, row.generation, row.case_id, again)], {})
    assert len(desk.dispatches(key, QUESTION)) == 1


def test_a_question_is_dropped_when_the_message_was_settled(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, rules=PLACELESS, choose=choose)
    [key] = desk.take_in(a_mail(NOWHERE))
    plan(desk, key, plan_question)
    desk.knowledge.classifier = type(desk.knowledge.classifier)(classify_by_subject)
    desk.retry(key)
    desk.decide()
    desk.send()
    assert desk.dispatch(key, QUESTION).state == DispatchState.CANCELLED
    assert [subject.split("(")[0] for subject, _ in to(smtp_sink)] == ["Auto: abbiamo ricevuto il suo messaggio "]


def test_a_question_whose_outcome_is_unknown_is_not_sent_again(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, rules=PLACELESS, choose=choose)
    [key] = desk.take_in(a_mail(NOWHERE))
    plan(desk, key, plan_question)
    desk.abandon()
    desk.advance(minutes=10)
    desk.send()
    assert desk.dispatch(key, QUESTION).state == DispatchState.UNKNOWN
    assert to(smtp_sink) == []


# ------------------------------------------------------------------ a new centre


def send_elsewhere(desk: Desk, message_id: int) -> None:
    """A person moves an acknowledged case to the other project, and the family is to be told."""
    desk.knowledge.classifier = type(desk.knowledge.classifier)(
        lambda _message: classification(comune_scores={"Dossobuono": 0.97})
    )
    with desk.store.write("reopen") as tx:
        tx.execute(sa.update(messages).where(messages.c.id == message_id).values(state="received", tries=0))
    desk.decide()


def test_the_family_is_told_once_of_another_centre_after_its_250(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port)
    [key] = desk.take_in(a_mail())
    desk.send()
    assert plan(desk, key, plan_reroute_notice) is None, "it is where the family was told"
    send_elsewhere(desk, key)
    assert plan(desk, key, plan_reroute_notice) is not None
    smtp_sink.answer("rcpt", 451, times=1, when=lambda path: path == SUD)
    desk.send()
    assert len(to(smtp_sink)) == 1
    desk.advance(minutes=20)
    desk.send()
    (_, first), (subject, second) = to(smtp_sink)
    assert "Centro Nord" in first
    assert subject.startswith("Auto: il suo messaggio è in un altro centro")
    assert "Centro Sud" in second
    assert "Centro Nord" not in second
    plan(desk, key, plan_reroute_notice)
    desk.send()
    assert len(to(smtp_sink)) == 2, "each at most once a case"
    assert answered_in(smtp_sink) == [ANNA, ANNA]


def test_who_was_told_of_no_centre_is_told_of_no_other(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port)
    smtp_sink.answer("rcpt", 451, when=lambda path: path == NORD)
    [key] = desk.take_in(a_mail())
    desk.advance(hours=4)
    desk.send()
    assert "Centro" not in to(smtp_sink)[0][1]
    send_elsewhere(desk, key)
    assert plan(desk, key, plan_reroute_notice) is None


def test_an_acknowledgement_that_still_waits_names_the_new_centre_itself(make_desk: Make, smtp_sink: SmtpSink) -> None:
    """Undone in time: the family never hears of the wrong centre."""
    desk = make_desk(smtp_sink.port, rules=acknowledging(RULES, undo_minutes=10))
    [key] = desk.take_in(a_mail())
    desk.send()
    assert forwards_in(smtp_sink) == [NORD]
    desk.advance(minutes=9)
    desk.send()
    assert to(smtp_sink) == []
    send_elsewhere(desk, key)
    assert plan(desk, key, plan_reroute_notice) is None
    desk.send()
    desk.advance(minutes=10)
    desk.send()
    [(_, text)] = to(smtp_sink)
    assert "Centro Sud" in text
    assert "Centro Nord" not in text


def test_the_time_to_undo_ends_when_it_says(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, rules=acknowledging(RULES, undo_minutes=10))
    desk.take_in(a_mail())
    desk.send()
    desk.advance(minutes=10)
    desk.send()
    assert len(to(smtp_sink)) == 1


# ------------------------------------------------------------------ envelope and recipient on the wire


def sent_to_anna(sink: SmtpSink) -> AcceptedMessage:
    [sent] = [message for message in sink.messages if message.forward_paths == (ANNA,)]
    return sent


def test_f18_each_mail_has_a_return_address_that_nobody_else_can_make(make_desk: Make, smtp_sink: SmtpSink) -> None:
    """fixmystreet#85: failures come back to somewhere else; by its tag each finds its message."""
    desk = make_desk(smtp_sink.port, rules=acknowledging(RULES, envelope=Envelope.PLUS))
    desk.plus = True
    [key] = desk.take_in(a_mail())
    desk.send()
    local, _, domain = sent_to_anna(smtp_sink).reverse_path.partition("@")
    own, _, tag = local.partition("+")
    assert (own, domain) == ("famiglie", "agency.example")
    with desk.store.read("look") as tx:
        secret = secret_of(tx)
    assert read_return_tag(secret, tag) == desk.dispatch(key, ACK).id
    assert read_return_tag(secret, tag.upper()) == desk.dispatch(key, ACK).id
    assert read_return_tag(b"another", tag) is None


def test_without_proof_that_tags_arrive_the_null_path_is_used(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, rules=acknowledging(RULES, envelope=Envelope.PLUS))
    desk.take_in(a_mail())
    desk.send()
    assert sent_to_anna(smtp_sink).reverse_path == ""


def test_a_dedicated_address_is_used_where_the_rules_name_one(make_desk: Make, smtp_sink: SmtpSink) -> None:
    rules = acknowledging(RULES, envelope=Envelope.DEDICATED, dedicated_address="centri@agency.example")
    desk = make_desk(smtp_sink.port, rules=rules)
    desk.take_in(a_mail())
    desk.send()
    assert sent_to_anna(smtp_sink).reverse_path == "centri@agency.example"


def with_server(**changes: Any) -> Rules:
    rules = acknowledging(RULES, **changes)
    return replace(rules, service=replace(rules.service, authserv_id=OURS))


def test_where_nobody_has_proved_the_return_path_no_family_is_answered(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port)
    desk.return_path = False
    [key] = desk.take_in(a_mail())
    desk.advance(hours=5)
    desk.send()
    assert [message.forward_paths for message in smtp_sink.messages] == [(NORD,)]
    assert desk.dispatches(key, ACK) == []


def test_there_the_author_is_answered_where_dmarc_passes(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, rules=with_server(return_path=WithoutReturnPath.FROM_IF_DMARC_PASS))
    desk.return_path = False
    passed = ("Authentication-Results", f"{OURS}; dmarc=pass header.from=family.example")
    desk.take_in(a_mail(headers=[passed], return_path="forged@victim.example"), a_mail("Senza prova\n"))
    desk.send()
    assert answered_in(smtp_sink) == [ANNA]


def test_a_listed_form_is_answered_at_the_persons_address(make_desk: Make, smtp_sink: SmtpSink) -> None:
    forms = (WebForm("modulo@site.example", 1, "dkim"),)
    desk = make_desk(smtp_sink.port, rules=with_server(web_forms=forms))
    signed = ("Authentication-Results", f"{OURS}; dkim=pass header.d=site.example")
    form: dict[str, Any] = {"author": "modulo@site.example", "return_path": "www-data@site.example"}
    desk.take_in(
        a_mail("Dal modulo\n", headers=[("Reply-To", ANNA), signed], **form),
        a_mail("Modulo falso\n", headers=[("Reply-To", "vittima@victim.example")], **form),
    )
    desk.send()
    assert len(forwards_in(smtp_sink)) == 2
    assert answered_in(smtp_sink) == [ANNA]


def test_a_text_that_cannot_be_composed_holds_nothing_up(make_desk: Make, smtp_sink: SmtpSink) -> None:
    """The decision of an acknowledged message is gone from the rules: the usual text, no error."""
    desk = make_desk(smtp_sink.port, rules=acknowledging(RULES, undo_minutes=10))
    [key] = desk.take_in(a_mail())
    desk.send()
    desk.rules = replace(desk.rules, rules=desk.rules.rules[:1])
    desk.advance(minutes=10)
    desk.send()
    assert len(to(smtp_sink)) == 1
    with desk.store.read("look") as tx:
        kinds = tx.execute(sa.select(dispatches.c.kind, dispatches.c.state).order_by(dispatches.c.id)).all()
        assert tx.execute(sa.select(sa.func.count()).select_from(decisions)).scalar_one() == 1
    assert [tuple(row) for row in kinds] == [("forward", "accepted"), ("acknowledgement", "accepted")]
    assert desk.message(key).state == MessageState.FORWARDED
