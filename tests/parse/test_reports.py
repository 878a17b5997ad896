"""What comes back about mail that was sent: with form, and in words only."""

from __future__ import annotations

import pytest

from triage.parse import parse
from triage.vocabulary import Report, ReportedRecipient, ReportKind

OURS = "<0123456789abcdef0123456789abcdef@ats.example.org>"


HEADERS_ONLY = f"Content-Type: text/rfc822-headers\n\nFrom: ATS <ufficio@ats.example.org>\nMessage-ID: {OURS}"


def dsn(status_part: str, returned: str = HEADERS_ONLY) -> bytes:
    text = f"""From: Mail Delivery System <MAILER-DAEMON@mx.example.org>
To: ufficio@ats.example.org
Subject: Undelivered Mail Returned to Sender
Return-Path: <>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b

Il messaggio non e' arrivato.

--b
Content-Type: message/delivery-status

{status_part}
--b
{returned}

--b--
"""
    return text.replace("\n", "\r\n").encode()


POSTFIX = """Reporting-MTA: dns; mx.example.org
X-Postfix-Queue-ID: 4F3B1C0D2E
Arrival-Date: Wed, 25 Nov 2026 09:12:00 +0100 (CET)

Final-Recipient: rfc822; centro@nord.example.com
Original-Recipient: rfc822;centro@nord.example.com
Action: failed
Status: 5.1.1
Remote-MTA: dns; mail.nord.example.com
Diagnostic-Code: smtp; 550 5.1.1 <centro@nord.example.com>: Recipient
    address rejected: User unknown
"""


def test_postfix_names_recipient_action_status_and_our_message() -> None:
    assert parse(dsn(POSTFIX)).report == Report(
        ReportKind.DELIVERY,
        (ReportedRecipient("centro@nord.example.com", "failed", "5.1.1"),),
        (OURS,),
        structured=True,
    )


def test_several_recipients_have_their_own_fate() -> None:
    more = POSTFIX + "\nFinal-Recipient: rfc822; altro@nord.example.com\nAction: delayed\nStatus: 4.4.1\n"
    report = parse(dsn(more)).report
    assert report is not None
    assert [(one.address, one.action, one.status) for one in report.recipients] == [
        ("centro@nord.example.com", "failed", "5.1.1"),
        ("altro@nord.example.com", "delayed", "4.4.1"),
    ]


def test_status_is_taken_from_the_diagnostic_where_the_field_is_missing() -> None:
    """Some Exchange servers write ``Status:`` empty."""
    exchange = "Reporting-MTA: dns;x\n\nFinal-Recipient: rfc822;a@nord.example.com\nAction: failed\n"
    report = parse(dsn(exchange + "Diagnostic-Code: smtp;550 5.7.520 Access denied\n")).report
    assert report is not None
    assert report.recipients == (ReportedRecipient("a@nord.example.com", "failed", "5.7.520"),)


def test_our_message_returned_whole_is_named_too() -> None:
    head = f"From: ATS <ufficio@ats.example.org>\nMessage-ID: {OURS}\nSubject: [AB-1] ciao"
    whole = f"Content-Type: message/rfc822\n\n{head}\n\ntesto"
    report = parse(dsn(POSTFIX, whole)).report
    assert report is not None
    assert report.message_ids == (OURS,)


def test_a_returned_message_that_holds_a_report_is_not_read_for_it() -> None:
    """A bounce of a forward whose original was itself a bounce is about the forward."""
    inner = (
        dsn("Reporting-MTA: dns;x\n\nFinal-Recipient: rfc822;inner@example.com\nAction: failed\n")
        .decode()
        .replace("\r\n", "\n")
    )
    report = parse(dsn(POSTFIX, f"Content-Type: message/rfc822\n\nMessage-ID: {OURS}\n{inner}")).report
    assert report is not None
    assert [one.address for one in report.recipients] == ["centro@nord.example.com"]


@pytest.mark.parametrize(
    ("fields", "action"),
    [
        ("Disposition: manual-action/MDN-sent-manually; displayed", "displayed"),
        ("Disposition: automatic-action/MDN-sent-automatically; deleted/error", "deleted"),
        ("", ""),
    ],
)
def test_disposition_notification(fields: str, action: str) -> None:
    octets = (
        dsn("")
        .replace(b"delivery-status", b"disposition-notification")
        .replace(
            b"message/disposition-notification\r\n\r\n",
            (
                "message/disposition-notification\r\n\r\nFinal-Recipient: rfc822;centro@nord.example.com\r\n"
                f"Original-Message-ID: {OURS}\r\n{fields}\r\n"
            ).encode(),
        )
    )
    report = parse(octets).report
    assert report is not None
    assert (report.kind, report.recipients, report.message_ids) == (
        ReportKind.DISPOSITION,
        (ReportedRecipient("centro@nord.example.com", action, ""),),
        (OURS,),
    )


def test_complaint() -> None:
    octets = dsn("Feedback-Type: abuse\nVersion: 1\n").replace(b"delivery-status", b"feedback-report")
    report = parse(octets).report
    assert report is not None
    assert (report.kind, report.message_ids) == (ReportKind.FEEDBACK, (OURS,))


QMAIL = """Hi. This is the qmail-send program at mx.example.org.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<centro@nord.example.com>:
192.0.2.7 does not like recipient.
Remote host said: 550 5.1.1 unknown user
Giving up on 192.0.2.7."""

EXIM_DELAY = """This message was created automatically by mail delivery software.
A message that you sent has not yet been delivered to one or more of its
recipients after more than 24 hours on the queue on mx.example.org.

The address to which the message has not yet been delivered is:
  centro@nord.example.com

No action is required on your part. Delivery attempts will continue for some time."""

ARUBA = """Spiacenti, non e' stato possibile consegnare il messaggio a uno o piu' destinatari.

  centro@nord.example.com
    casella piena (552 5.2.2)"""


@pytest.mark.parametrize(
    ("text", "action", "status"), [(QMAIL, "failed", "5.1.1"), (EXIM_DELAY, "delayed", ""), (ARUBA, "failed", "5.2.2")]
)
def test_bounces_in_words_only(text: str, action: str, status: str) -> None:
    octets = f"From: MAILER-DAEMON@mx.example.org\r\nReturn-Path: <>\r\nSubject: failure notice\r\n\r\n{text}\r\n"
    report = parse(octets.encode()).report
    assert report is not None
    assert report.recipients[0] == ReportedRecipient("centro@nord.example.com", action, status)
    assert not report.structured


@pytest.mark.parametrize(
    "letter",
    ["Arrivo sempre in ritardo.", "My son's speech is delayed."],
    ids=["late", "delayed"],
)
@pytest.mark.parametrize("before", ["\n--- Below this line is a copy of the message.\n\n", "\n"], ids=["marked", "not"])
def test_what_a_bounce_quotes_makes_no_delay_of_a_failure(letter: str, before: str) -> None:
    """A delay is only noted and filed; the failure would be lost."""
    octets = f"From: MAILER-DAEMON@mx.example.org\r\nReturn-Path: <>\r\n\r\n{ARUBA}\n{before}{letter}\r\n"
    report = parse(octets.encode()).report
    assert report is not None
    assert {one.action for one in report.recipients} == {"failed"}


def test_exim_names_who_failed_in_its_header_section() -> None:
    octets = (
        b"From: Mail Delivery System <Mailer-Daemon@mx.example.org>\r\n"
        b"X-Failed-Recipients: centro@nord.example.com\r\n\r\nx\r\n"
    )
    report = parse(octets).report
    assert report is not None
    assert report.recipients == (ReportedRecipient("centro@nord.example.com", "failed", ""),)


@pytest.mark.parametrize(
    "octets",
    [
        b"From: anna@example.org\r\nReturn-Path: <anna@example.org>\r\nSubject: Avviso di mancata consegna\r\n\r\n"
        b"Non consegnato: 550 5.1.1\r\n",
        b"From: anna@example.org\r\nReturn-Path: <>\r\nAuto-Submitted: auto-replied\r\n\r\n"
        b"Sono in ferie, non posso: 550 errori\r\n",
        b"From: MAILER-DAEMON@example.org\r\nReturn-Path: <>\r\n\r\nBuongiorno, quando aprite?\r\n",
        b"From: MAILER-DAEMON@example.org\r\nReturn-Path: <>\r\n\r\nTorna: telefono 0372 405 118.\r\n",
    ],
    ids=["a person", "an absence", "a daemon that says nothing", "a telephone number"],
)
def test_what_is_no_report(octets: bytes) -> None:
    assert parse(octets).report is None


@pytest.mark.parametrize(
    "junk", ["", ":::\n\n:", "Action", "Final-Recipient: rfc822;" + "a" * 5000, "Action: failed\n" * 3000]
)
def test_malformed_reports_are_read_as_far_as_they_go(junk: str) -> None:
    report = parse(dsn(junk)).report
    assert report is not None
    assert report.kind is ReportKind.DELIVERY
