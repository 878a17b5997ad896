"""What servers send back: delivery reports of common servers, receipts of reading, complaints, domain reports."""

from __future__ import annotations

from typing import Any

from tests.corpus.cases.making import ANNA, OURS, Case, file, lines, mail, multi, part

GROUP = "reports"
TITLE = "Delivery reports, receipts of reading, complaints, domain reports"
_OURS = f"Return-Path: <>\r\nMessage-ID: <f00d@agency.example>\r\nFrom: {OURS}\r\nTo: {ANNA}\r\nSubject: Auto: abbiamo ricevuto il suo messaggio (2A-23456789)\r\nAuto-Submitted: auto-replied\r\n\r\nBuongiorno.\r\n"
_REASON = "550 5.1.1 User unknown"
_NULL: dict[str, Any] = {"Return-Path": "<>"}


def cases() -> list[Case]:
    """In the order of the README."""
    return [*_structured(), *_unstructured(), *_odd(), *_receipts(), *_complaints()]


def _dsn(
    name: str,
    why: str,
    *,
    sender: str,
    shown: str,
    subject: str,
    text: str,
    action: str = "failed",
    status: str = "5.1.1",
    returned: str = "message/rfc822",
    path: str = "<>",
    **facts: Any,
) -> Case:
    status_part = lines(
        f"Reporting-MTA: dns; mx.else.example\nOriginal-Envelope-Id: f00d\n\nFinal-Recipient: rfc822; {ANNA}\nAction: {action}\nStatus: {status}\nDiagnostic-Code: smtp; {_REASON}"
    )
    parts = [part(lines(text)), part(status_part, "message/delivery-status")]
    if returned:
        parts.append(part(_OURS if returned == "message/rfc822" else _OURS.partition("\r\n\r\n")[0], returned))
    head = {
        "Return-Path": path,
        "From": f"{shown} <{sender}>" if shown else sender,
        "Subject": subject,
        "Auto-Submitted": "auto-replied",
    }
    octets = multi(
        *parts,
        kind="report",
        params="report-type=delivery-status; ",
        **{n.replace("-", "_"): v for n, v in head.items()},
    )
    attachments = ("",) + (
        ()
        if not returned
        else ("Auto_ abbiamo ricevuto il suo messaggio (2A-23456789).eml",)
        if returned == "message/rfc822"
        else ("",)
    )
    kept: dict[str, Any] = {
        "author": sender,
        "author_name": shown,
        "subject": subject,
        "text": (text.splitlines()[0],),
        "without": ("Buongiorno.",),
        "attachments": attachments,
        "automatic": True,
        "proved": True,
        "against": ("rapporto", "percorso_nullo", "auto_submitted"),
        **facts,
    }
    return Case(f"dsn-{name}", why, octets, **kept)


def _structured() -> list[Case]:
    return [
        _dsn(
            "postfix",
            "Postfix: refused for good",
            sender="MAILER-DAEMON@mx.else.example",
            shown="Mail Delivery System",
            subject="Undelivered Mail Returned to Sender",
            text="This is the mail system at host mx.else.example.\n\nI'm sorry to have to inform you that your message could not be delivered.",
        ),
        _dsn(
            "postfix-delayed",
            "Postfix: delayed, nothing is lost yet",
            sender="MAILER-DAEMON@mx.else.example",
            shown="Mail Delivery System",
            subject="Delayed Mail (still being retried)",
            text="THIS IS A WARNING ONLY. YOU DO NOT NEED TO RESEND YOUR MESSAGE.",
            action="delayed",
            status="4.4.1",
            returned="text/rfc822-headers",
        ),
        _dsn(
            "postfix-success",
            "Postfix: delivered, on request",
            sender="MAILER-DAEMON@mx.else.example",
            shown="Mail Delivery System",
            subject="Successful Mail Delivery Report",
            text="Your message was successfully delivered to the destination(s) listed below.",
            action="delivered",
            status="2.0.0",
            returned="text/rfc822-headers",
        ),
        _dsn(
            "sendmail",
            "sendmail",
            sender="MAILER-DAEMON@mx.else.example",
            shown="Mail Delivery Subsystem",
            subject="Returned mail: see transcript for details",
            text="The original message was received at Mon, 4 May 2026 10:22:00 +0200",
            returned="text/rfc822-headers",
        ),
        _dsn(
            "exim",
            "Exim since 4.88",
            sender="Mailer-Daemon@mx.else.example",
            shown="Mail Delivery System",
            subject="Mail delivery failed: returning message to sender",
            text="This message was created automatically by mail delivery software.",
        ),
        _dsn(
            "exchange",
            "Exchange's report in Italian, whose subject quotes ours",
            sender="postmaster@else.example",
            shown="Microsoft Outlook",
            subject="Non recapitabile: Auto: abbiamo ricevuto il suo messaggio",
            text="Recapito non riuscito per i seguenti destinatari o gruppi:",
        ),
        _dsn(
            "microsoft-365",
            "Microsoft 365 in Italian",
            sender="MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@else.example",
            shown="Microsoft Outlook",
            subject="Non recapitabile: Auto: abbiamo ricevuto il suo messaggio",
            text="Non è stato possibile recapitare il messaggio ad anna.rossi@family.example.",
            returned="text/rfc822-headers",
        ),
        _dsn(
            "gmail",
            "Gmail in Italian",
            sender="mailer-daemon@googlemail.example",
            shown="Mail Delivery Subsystem",
            subject="Delivery Status Notification (Failure)",
            text="** Indirizzo non trovato **\n\nIl tuo messaggio non è stato consegnato",
        ),
        _dsn(
            "gmail-full",
            "Gmail: the mailbox is full",
            sender="mailer-daemon@googlemail.example",
            shown="Mail Delivery Subsystem",
            subject="Delivery Status Notification (Failure)",
            text="** Posta in arrivo del destinatario piena **",
            status="5.2.2",
        ),
        _dsn(
            "yahoo",
            "Yahoo",
            sender="MAILER-DAEMON@yahoo.example",
            shown="",
            subject="Failure Notice",
            text="Sorry, we were unable to deliver your message to the following address.",
        ),
        _dsn(
            "icloud",
            "iCloud",
            sender="MAILER-DAEMON@icloud.example",
            shown="Mail Delivery System",
            subject="Undelivered Mail Returned to Sender",
            text="This is the mail system at host icloud.example.",
        ),
        _dsn(
            "zimbra",
            "Zimbra's report, which is its Postfix's",
            sender="MAILER-DAEMON@zimbra.else.example",
            shown="Mail Delivery System",
            subject="Messaggio non recapitato",
            text="Questo è il sistema di posta dell'host zimbra.else.example.",
        ),
        _dsn(
            "domino",
            "HCL Domino",
            sender="postmaster@domino.else.example",
            shown="",
            subject="DELIVERY FAILURE: User anna.rossi not listed in Domino Directory",
            text="Your message\n\nwas not delivered to:",
        ),
        _dsn(
            "groupwise",
            "GroupWise",
            sender="Mailer-Daemon@gw.else.example",
            shown="",
            subject="Message status - undeliverable",
            text="The message that you sent was undeliverable to the following:",
        ),
        _dsn(
            "relayed",
            "relayed to a server that sends no reports",
            sender="MAILER-DAEMON@mx.else.example",
            shown="",
            subject="Mail relayed",
            text="Your message was relayed.",
            action="relayed",
            status="2.0.0",
            returned="",
        ),
        _dsn(
            "expanded",
            "expanded by a list",
            sender="MAILER-DAEMON@mx.else.example",
            shown="",
            subject="Mail expanded",
            text="Your message was delivered to a list.",
            action="expanded",
            status="2.0.0",
            returned="",
        ),
        _dsn(
            "utf-8",
            "a report in UTF-8 (RFC 6533)",
            sender="postmaster@else.example",
            shown="",
            subject="Perché non è arrivata",
            text="Indirizzo perché@family.example sconosciuto",
            returned="message/global-headers",
        ),
        _dsn(
            "path-not-null",
            "a report whose Return-Path is not null: a report all the same",
            sender="postmaster@else.example",
            shown="",
            subject="Undeliverable",
            text="Could not be delivered.",
            path="<postmaster@else.example>",
            against=("rapporto", "auto_submitted", "percorso_di_sistema"),
        ),
        _dsn(
            "two-per-field",
            "status 5.7.1: refused by policy",
            sender="postmaster@else.example",
            shown="",
            subject="Undeliverable",
            text="550 5.7.1 refused by policy",
            status="5.7.1",
        ),
    ]


def _plain(
    name: str,
    why: str,
    sender: str,
    subject: str,
    text: str,
    *more: str,
    path: str = "<>",
    shown: str = "",
    **facts: Any,
) -> Case:
    octets = mail(
        lines(text),
        *more,
        head={"Return-Path": path, "From": f"{shown} <{sender}>" if shown else sender, "Subject": subject},
    )
    kept: dict[str, Any] = {
        "author": sender,
        "author_name": shown,
        "subject": subject,
        "text": (text.splitlines()[0],),
        "automatic": True,
        "proved": True,
        "against": ("percorso_nullo", "mittente_di_sistema"),
        **facts,
    }
    return Case(f"bounce-{name}", why, octets, **kept)


def _unstructured() -> list[Case]:
    copy = f"\n--- Below this line is a copy of the message.\n\n{_OURS}".replace("\r\n", "\n")
    return [
        _plain(
            "qmail",
            "qmail: text only, in the form of its author's QSBMF",
            "MAILER-DAEMON@mx.else.example",
            "failure notice",
            f"Hi. This is the qmail-send program at mx.else.example.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n\n<{ANNA}>:\nSorry, no mailbox here by that name. (#5.1.1)\n{copy}",
        ),
        _plain(
            "exim-old",
            "Exim before 4.88: text and X-Failed-Recipients",
            "Mailer-Daemon@mx.else.example",
            "Mail delivery failed: returning message to sender",
            f"This message was created automatically by mail delivery software.\n\n  {ANNA}\n    {_REASON}",
            f"X-Failed-Recipients: {ANNA}",
            "Auto-Submitted: auto-replied",
            shown="Mail Delivery System",
        ),
        _plain(
            "aruba",
            "Aruba: text only",
            "MAILER-DAEMON@aruba.example",
            "failure notice",
            f"Hi. This is the deliver program at aruba.example.\nI'm afraid I wasn't able to deliver your message.\n\n<{ANNA}>:\nUtente sconosciuto",
        ),
        _plain(
            "libero",
            "Libero: Italian text only",
            "postmaster@libero.example",
            "Mancato recapito",
            f"Il messaggio non è stato recapitato a <{ANNA}>: casella piena.",
            shown="Postmaster",
        ),
        _plain(
            "tiscali",
            "Tiscali: a warning that a mailbox is full",
            "MAILER-DAEMON@tiscali.example",
            "Casella piena",
            f"La casella {ANNA} ha superato lo spazio disponibile.",
        ),
        _plain(
            "courier",
            "Courier",
            "MAILER-DAEMON@courier.else.example",
            "NOTICE: mail delivery status.",
            f"This is a delivery status notification.\n\n<{ANNA}>: 550 User unknown.",
        ),
        _plain(
            "mdaemon",
            "MDaemon",
            "MDaemon@else.example",
            "Permanent Delivery Failure",
            f"Failed address: {ANNA}\n\n--- Session Transcript ---\n{_REASON}",
            "X-MDDSN-Message: Yes",
            proved=False,
        ),
        _plain(
            "hmailserver",
            "hMailServer",
            "mailer-daemon@hm.else.example",
            "Message undeliverable: Informazioni",
            f"Your message did not reach some or all of the intended recipients.\n\n{ANNA}\n{_REASON}",
        ),
        _plain(
            "lotus",
            "an old Notes gateway",
            "Postmaster@notes.else.example",
            "Report di mancata consegna",
            "Rapporto di mancata consegna: utente non presente nella rubrica.",
        ),
        _plain(
            "antispam-appliance",
            "an appliance that refuses by policy",
            "postmaster@gate.else.example",
            "Message blocked",
            "Il messaggio è stato bloccato dai criteri di sicurezza.",
            shown="Email Gateway",
        ),
        _plain(
            "virus-notice",
            "a scanner tells a forged sender of a virus",
            "antivirus@gate.else.example",
            "Virus found in your message",
            "Un virus è stato trovato nel suo messaggio.",
            shown="Antivirus",
            proved=False,
            against=("percorso_nullo",),
        ),
        _plain(
            "without-null-path",
            "a bounce with neither null path nor fields: only the daemon's name tells",
            "MAILER-DAEMON@else.example",
            "Undeliverable mail",
            f"User unknown: {ANNA}",
            path="<MAILER-DAEMON@else.example>",
            against=("mittente_di_sistema", "percorso_di_sistema"),
            proved=False,
        ),
        _plain(
            "forwarded-by-a-person",
            "a person forwards a bounce: not answered, but never filed unseen",
            ANNA,
            "I: Undelivered Mail",
            "Che cosa vuol dire?\n\nDa: MAILER-DAEMON\nInviato: lunedì\nA: Anna\nOggetto: Undelivered Mail\n\nUser unknown",
            path=f"<{ANNA}>",
            shown="Anna Rossi",
            proved=False,
            is_forward=True,
            against=("automatica",),
        ),
    ]


def _odd() -> list[Case]:
    return [
        Case(
            "dsn-loop",
            "a report about a report: nothing answers it (F4)",
            multi(
                part("Non recapitato"),
                part("Reporting-MTA: dns; x\r\n", "message/delivery-status"),
                part(
                    mail("x", head={"From": "MAILER-DAEMON@else.example", "Subject": "Undelivered"}), "message/rfc822"
                ),
                kind="report",
                params="report-type=delivery-status; ",
                Return_Path="<>",
                From="MAILER-DAEMON@else.example",
            ),
            author="MAILER-DAEMON@else.example",
            author_name="",
            text=("Non recapitato",),
            attachments=("", "Undelivered.eml"),
            automatic=True,
            proved=True,
            against=("percorso_nullo", "rapporto"),
        ),
        Case(
            "dsn-broken",
            "a report without its status part",
            mail(
                "--b1\r\n\r\nUser unknown\r\n--b1--\r\n",
                head={**_NULL, "From": "MAILER-DAEMON@else.example"},
                kind="multipart/report; report-type=delivery-status; boundary=b1",
            ),
            author="MAILER-DAEMON@else.example",
            author_name="",
            text=("User unknown",),
            automatic=True,
            proved=True,
            against=("percorso_nullo", "rapporto"),
        ),
        Case(
            "dsn-type-missing",
            "multipart/report without its type",
            mail(
                "--b1\r\n\r\nUser unknown\r\n--b1--\r\n",
                head={**_NULL, "From": "MAILER-DAEMON@else.example"},
                kind="multipart/report; boundary=b1",
            ),
            author="MAILER-DAEMON@else.example",
            author_name="",
            text=("User unknown",),
            automatic=True,
            proved=True,
            against=("percorso_nullo", "rapporto"),
        ),
        Case(
            "null-path-alone",
            "an ordinary letter with a null path: never answered (RFC 5321 section 4.5.5)",
            mail(head=_NULL),
            automatic=True,
            proved=False,  # a server may have lost a family's path: a person reads it
            against=("percorso_nullo",),
        ),
    ]


def _receipts() -> list[Case]:
    def mdn(name: str, why: str, subject: str, disposition: str, text: str, path: str = "<>", **facts: Any) -> Case:
        fields = lines(
            f"Reporting-UA: posta; Programma 1.0\nFinal-Recipient: rfc822; {ANNA}\nOriginal-Message-ID: <f00d@agency.example>\nDisposition: {disposition}"
        )
        octets = multi(
            part(lines(text)),
            part(fields, "message/disposition-notification"),
            kind="report",
            params="report-type=disposition-notification; ",
            Return_Path=path,
            Subject=subject,
        )
        kept: dict[str, Any] = {
            "text": (text,),
            "subject": subject,
            "attachments": ("",),
            "automatic": True,
            "proved": True,
            "against": ("rapporto",),
            **facts,
        }
        return Case(f"mdn-{name}", why, octets, **kept)

    return [
        mdn(
            "outlook-read",
            "Outlook: Letto:",
            "Letto: Informazioni",
            "manual-action/MDN-sent-manually; displayed",
            "Il messaggio è stato letto.",
        ),
        mdn(
            "outlook-deleted",
            "Outlook: deleted unread",
            "Non letto: Informazioni",
            "automatic-action/MDN-sent-automatically; deleted",
            "Il messaggio è stato eliminato senza essere letto.",
        ),
        mdn(
            "thunderbird",
            "Thunderbird: Ricevuta di ritorno",
            "Ricevuta di ritorno (visualizzato) - Informazioni",
            "manual-action/MDN-sent-manually; displayed",
            "Questa è una ricevuta di ritorno.",
        ),
        mdn(
            "with-a-path",
            "a receipt whose Return-Path is the reader's: no answer all the same (RFC 8098 section 2.1)",
            "Letto: Informazioni",
            "manual-action/MDN-sent-manually; displayed",
            "Letto.",
            path=f"<{ANNA}>",
        ),
        Case(
            "mdn-unstructured",
            "a receipt as mere text, as phones send",
            mail(
                lines("Il messaggio a Sportello con oggetto Informazioni è stato letto il 4 maggio 2026."),
                head={"Subject": "Letto: Informazioni"},
            ),
            subject="Letto: Informazioni",
            text=("è stato letto",),
            automatic=True,
            against=("automatica",),
        ),
    ]


def _complaints() -> list[Case]:
    def report(name: str, why: str, kind: str, report_type: str, sender: str, subject: str, **facts: Any) -> Case:
        octets = multi(
            part("Segnalazione automatica."),
            part("Feedback-Type: abuse\r\nVersion: 1\r\nUser-Agent: X/1\r\n", kind),
            part(_OURS, "message/rfc822"),
            kind="report",
            params=f"report-type={report_type}; ",
            Return_Path=f"<{sender}>",
            From=sender,
            Subject=subject,
        )
        kept: dict[str, Any] = {
            "author": sender,
            "author_name": "",
            "subject": subject,
            "text": ("Segnalazione automatica.",),
            "attachments": ("", "Auto_ abbiamo ricevuto il suo messaggio (2A-23456789).eml"),
            "automatic": True,
            "proved": True,
            "against": ("rapporto",),
            **facts,
        }
        return Case(name, why, octets, **kept)

    return [
        report(
            "arf-abuse",
            "a complaint in ARF (RFC 5965)",
            "message/feedback-report",
            "feedback-report",
            "fbl@provider.example",
            "complaint about message",
        ),
        report(
            "arf-dmarc-failure",
            "a DMARC failure report (RFC 9991)",
            "message/feedback-report",
            "feedback-report",
            "ruf@provider.example",
            "FW: Informazioni",
        ),
        Case(
            "dmarc-aggregate",
            "a DMARC aggregate report (RFC 9990)",
            multi(
                part("Rapporto DMARC."),
                file("provider.example!agency.example!1!2.xml.gz", b"\x1f\x8b", "application/gzip"),
                Return_Path="<noreply-dmarc@provider.example>",
                From="noreply-dmarc@provider.example",
                Subject="Report Domain: agency.example Submitter: provider.example Report-ID: <1>",
            ),
            author="noreply-dmarc@provider.example",
            author_name="",
            subject="Report Domain: agency.example Submitter: provider.example Report-ID: <1>",
            text=("Rapporto DMARC.",),
            attachments=("provider.example!agency.example!1!2.xml.gz",),
            against=("rapporto", "mittente_di_sistema"),
        ),
        Case(
            "tls-report",
            "a TLS report (RFC 8460)",
            multi(
                part("Rapporto TLS."),
                file("r.json.gz", b"\x1f\x8b", "application/tlsrpt+gzip"),
                kind="report",
                params="report-type=tlsrpt; ",
                From="tlsrpt@provider.example",
                Return_Path="<tlsrpt@provider.example>",
                TLS_Report_Domain="agency.example",
                TLS_Report_Submitter="provider.example",
            ),
            author="tlsrpt@provider.example",
            author_name="",
            text=("Rapporto TLS.",),
            attachments=("r.json.gz",),
            automatic=True,
            proved=True,
            against=("rapporto",),
        ),
        Case(
            "abuse-desk",
            "a provider's abuse desk writes by hand",
            mail(
                "Abbiamo ricevuto una segnalazione.",
                head={
                    "From": "Abuse <abuse@provider.example>",
                    "Return-Path": "<abuse@provider.example>",
                    "Subject": "Segnalazione",
                },
            ),
            author="abuse@provider.example",
            author_name="Abuse",
            subject="Segnalazione",
            text=("segnalazione",),
            against=("mittente_di_sistema", "percorso_di_sistema"),
        ),
    ]
