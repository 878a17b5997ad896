"""Whom an automatic answer must not be sent to: each case of Pigeonhole's vacation, of RFC 3834 and beyond, by name.

Each is a whole message, read by the parser and put to the gate, so that neither can miss what the other relies on.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.corpus.cases.making import ANNA, CRLF, OURS, TEXT, file, mail, multi, part
from tests.decide.builders import NOW, RULES, classification, context, history
from triage.decide import GateVerdict, decide, may_acknowledge
from triage.parse import parse


def ask(octets: bytes, **before: Any) -> GateVerdict:
    message = parse(octets)
    decision = decide(message, classification(), RULES, context())
    return may_acknowledge(message, decision, RULES, history(**before), NOW, context())


def with_field(field: str, **head: str | None) -> bytes:
    return mail(TEXT + CRLF, field, head={name.replace("_", "-"): value for name, value in head.items()})


def from_address(address: str) -> bytes:
    return mail(head={"From": f"<{address}>", "Return-Path": f"<{address}>"})


ROBOTS = (
    "autoreply@else.example",
    "auto-reply@else.example",
    "autoresponder@else.example",
    "automailer@else.example",
    "risposta-automatica@else.example",
    "nessuna-risposta@else.example",
    "newsletter@else.example",
    "www-data@else.example",
    "cron@else.example",
    "anonymous@else.example",
    "noreplay@else.example",
    "X-Auto-Submitted: auto-replied",
    "X-AutoReply-Domain: else.example",
    "X-Loop: yes",
    "X-OTRS-Loop: yes",
    "X-RT-Ticket: agency #1",
    "X-POST-MessageClass: 9; Autoresponder",
    "Delivered-To: Autoresponder",
    "X-MS-Exchange-Generated-Message-Source: Mailbox Rules Agent",
    "Preference: auto_reply",
    "X-AutoReply-From: x@else.example",
    "X-Precedence: bulk",
    "X-Mailer: vacation 1.2",
)

PIGEONHOLE = {
    "reply to the null path": (mail(head={"Return-Path": "<>"}), "percorso_nullo"),
    "no return path at all": (mail(head={"Return-Path": None}), "percorso_assente"),
    "reply to own address": (from_address(OURS), "indirizzo_nostro"),
    "reply to an alternative own address": (from_address("centri@agency.example"), "indirizzo_nostro"),
    "reply to own address in other letters": (from_address("FAMIGLIE@Agency.EXAMPLE"), "indirizzo_nostro"),
    "mailing list: List-Id": (with_field("List-Id: <genitori.lists.example>"), "lista"),
    "mailing list: List-Owner": (with_field("List-Owner: <mailto:x@lists.example>"), "lista"),
    "mailing list: List-Subscribe": (with_field("List-Subscribe: <mailto:x@lists.example>"), "lista"),
    "mailing list: List-Post": (with_field("List-Post: NO"), "lista"),
    "mailing list: List-Unsubscribe": (with_field("List-Unsubscribe: <mailto:x@lists.example>"), "lista"),
    "mailing list: List-Help": (with_field("List-Help: <mailto:x@lists.example>"), "lista"),
    "mailing list: List-Archive": (with_field("List-Archive: <https://lists.example/>"), "lista"),
    "automatic reply: auto-replied": (with_field("Auto-Submitted: auto-replied"), "auto_submitted"),
    "automatic reply: auto-generated": (with_field("Auto-Submitted: auto-generated"), "auto_submitted"),
    "automatic reply: auto-notified": (with_field("Auto-Submitted: auto-notified"), "auto_submitted"),
    "automatic reply: the second of two fields": (
        with_field("Auto-Submitted: no\r\nAuto-Submitted: auto-replied"),
        "auto_submitted",
    ),
    "precedence: junk": (with_field("Precedence: junk"), "precedenza"),
    "precedence: bulk": (with_field("Precedence: bulk"), "precedenza"),
    "precedence: list": (with_field("Precedence: list"), "precedenza"),
    "precedence: the second of two fields": (
        with_field("Precedence: first-class\r\nPrecedence: bulk"),
        "precedenza",
    ),
    "suppressed: OOF": (with_field("X-Auto-Response-Suppress: OOF"), "risposte_soppresse"),
    "suppressed: AutoReply": (with_field("X-Auto-Response-Suppress: AutoReply"), "risposte_soppresse"),
    "suppressed: All": (with_field("X-Auto-Response-Suppress: All"), "risposte_soppresse"),
    "suppressed: one of several": (with_field("X-Auto-Response-Suppress: DR, RN, OOF"), "risposte_soppresse"),
    "system address: MAILER-DAEMON": (from_address("MAILER-DAEMON@else.example"), "percorso_di_sistema"),
    "system address: LISTSERV": (from_address("LISTSERV@lists.example"), "percorso_di_sistema"),
    "system address: majordomo": (from_address("majordomo@lists.example"), "percorso_di_sistema"),
    "system address: begins with MAILER-DAEMON": (from_address("Mailer-Daemon2@else.example"), "percorso_di_sistema"),
    "system address: begins with LISTSERV": (from_address("listserv1@lists.example"), "percorso_di_sistema"),
    "system address: begins with majordomo": (from_address("Majordomo2@lists.example"), "percorso_di_sistema"),
    "system address: -request": (from_address("genitori-request@lists.example"), "percorso_di_sistema"),
    "system address: owner-": (from_address("owner-genitori@lists.example"), "percorso_di_sistema"),
    "implicit delivery: neither To nor Cc": (mail(head={"To": None}), "non_indirizzata_a_noi"),
    "implicit delivery: only others": (mail(head={"To": "<bruno@family.example>"}), "non_indirizzata_a_noi"),
    "implicit delivery: undisclosed recipients": (
        mail(head={"To": "undisclosed-recipients:;"}),
        "non_indirizzata_a_noi",
    ),
}
"""What Dovecot's vacation discards, in the order in which it looks (RFC 5230 sections 4.2, 4.5, 4.6)."""

RFC_3834 = {
    "section 2, a keyword with a comment": (with_field("Auto-Submitted: auto-replied (vacation)"), "auto_submitted"),
    "section 5.1, a keyword with parameters": (
        with_field('Auto-Submitted: auto-notified; owner-email="x@else.example"'),
        "auto_submitted",
    ),
    "section 5.1, a keyword that is not known": (with_field("Auto-Submitted: auto-altro"), "auto_submitted"),
    "section 5.1, an empty field": (with_field("Auto-Submitted:"), "auto_submitted"),
    "section 2, any List field": (with_field("List-Qualcosa: x"), "lista"),
    "section 4, a Return-Path that is no address": (mail(head={"Return-Path": "<anna>"}), "indirizzo_non_valido"),
    "section 4, two that differ": (with_field("Return-Path: <bruno@else.example>"), "percorso_multiplo"),
    "section 4, Reply-To is not a way out": (
        with_field(f"Reply-To: <{ANNA}>", Return_Path="<>"),
        "percorso_nullo",
    ),
    "section 4, From is not a way out": (mail(head={"Return-Path": None, "From": f"<{ANNA}>"}), "percorso_assente"),
}

BEYOND = {
    "no-reply in English": (from_address("no-reply@else.example"), "percorso_di_sistema"),
    "no-reply in Italian": (from_address("non-rispondere@else.example"), "percorso_di_sistema"),
    "no-reply in German": (from_address("nicht-antworten@else.example"), "percorso_di_sistema"),
    "no-reply in French": (from_address("ne-pas-repondre@else.example"), "percorso_di_sistema"),
    "no-reply in Spanish": (from_address("no-responder@else.example"), "percorso_di_sistema"),
    "no-reply in Romanian": (from_address("nu-raspundeti@else.example"), "percorso_di_sistema"),
    "no-reply with a tag": (from_address("noreply+42@else.example"), "percorso_di_sistema"),
    "a postmaster": (from_address("postmaster@else.example"), "percorso_di_sistema"),
    "a project": (from_address("nord@nord.example"), "percorso_di_progetto"),
    "a project's colleague": (from_address("chiunque@nord.example"), "percorso_di_progetto"),
    "a delivery report": (
        multi(part("x"), part("Action: failed\r\n", "message/delivery-status"), kind="report"),
        "rapporto",
    ),
    "a receipt of reading": (
        multi(part("x"), part("Disposition: x\r\n", "message/disposition-notification"), kind="report"),
        "rapporto",
    ),
    "a complaint (ARF)": (
        multi(part("x"), part("Feedback-Type: abuse\r\n", "message/feedback-report"), kind="report"),
        "rapporto",
    ),
    "a DMARC report": (
        multi(
            part("x"), file("r.xml.gz"), Subject="Report Domain: agency.example Submitter: mail.example Report-ID: <1>"
        ),
        "rapporto",
    ),
    "a TLS report": (with_field("TLS-Report-Domain: agency.example"), "rapporto"),
    "a PEC receipt": (with_field("X-Ricevuta: avvenuta-consegna"), "pec"),
    "a PEC anomaly": (with_field("X-Trasporto: errore"), "pec"),
    "a calendar's answer": (
        multi(part("x"), part("BEGIN:VCALENDAR\r\n", "text/calendar; method=REPLY"), kind="alternative"),
        "calendario",
    ),
    "a path made for one recipient (VERP)": (
        mail(head={"Return-Path": "<lista-famiglie=agency.example@lists.example>"}),
        "percorso_riscritto",
    ),
    "a path rewritten by a forwarder (SRS)": (
        mail(head={"Return-Path": "<SRS0=Hh=T5=family.example=anna@forwarder.example>"}),
        "percorso_riscritto",
    ),
    "a sign behind more fields than are read": (
        with_field("X-Nota: 1\r\n" * 1_200 + "Auto-Submitted: auto-replied"),
        "testata_non_letta",
    ),
    "a sign behind more octets than are read": (
        with_field("X-Nota: " + "a" * 300_000 + "\r\nAuto-Submitted: auto-replied"),
        "testata_non_letta",
    ),
    "an older autoresponder's own field": (with_field("X-Autoreply: yes"), "risponditore"),
}
"""Standards page, 'Beyond the RFC'."""

CASES = {
    f"{source}: {name}": case
    for source, cases in (("Pigeonhole", PIGEONHOLE), ("RFC 3834", RFC_3834), ("beyond", BEYOND))
    for name, case in cases.items()
}


@pytest.mark.parametrize("name", CASES)
def test_is_not_answered(name: str) -> None:
    octets, code = CASES[name]
    verdict = ask(octets)
    assert (verdict.allowed, verdict.forward_path) == (False, "")
    assert code in {reason.code for reason in verdict.reasons}


def test_pigeonhole_the_same_sender_twice_within_seven_days() -> None:
    assert not ask(mail(), last_in_thread=NOW - timedelta(days=7) + timedelta(minutes=1)).allowed
    assert ask(mail(), last_in_thread=NOW - timedelta(days=7)).allowed


@pytest.mark.parametrize("field", ["To", "Cc", "Resent-To", "Resent-Cc"])
def test_pigeonhole_a_person_who_names_us_is_answered(field: str) -> None:
    octets = mail(TEXT + CRLF, f"{field}: <{OURS}>", head={"To": None})
    assert ask(octets).forward_path == ANNA


@pytest.mark.parametrize("robot", ROBOTS)
def test_robots_that_do_not_say_auto_submitted_are_not_answered(robot: str) -> None:
    """Names and fields met in the wild, beside those of Pigeonhole's list."""
    octets = from_address(robot) if robot.endswith("@else.example") else with_field(robot)
    assert not ask(octets).allowed


@pytest.mark.parametrize("person", ["autolavaggio@family.example", "nessun.dorma@family.example"])
def test_names_that_only_begin_like_a_robots_are_answered(person: str) -> None:
    assert ask(from_address(person)).forward_path == person


@pytest.mark.parametrize(
    "field", ["Auto-Submitted: no", "Precedence: first-class", "X-Auto-Response-Suppress: DR, NDR"]
)
def test_fields_that_only_look_like_a_robots_stop_nothing(field: str) -> None:
    assert ask(with_field(field)).allowed
