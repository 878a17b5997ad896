"""Absence notices, ticket systems, mailing lists, newsletters: what answers or is sent by itself."""

from __future__ import annotations

from typing import Any

from tests.corpus.cases.making import ANNA, CRLF, TEXT, Case, lines, mail, multi, part

GROUP = "robots"
TITLE = "Absence notices, ticket systems, lists and newsletters"
_ABSENT = "Sono assente dall'ufficio fino al 15 maggio e leggerò la posta al mio ritorno."


def cases() -> list[Case]:
    """In the order of the README."""
    return [*_absences(), *_tickets(), *_lists(), *_bulk()]


def _absence(
    name: str, why: str, subject: str, *more: str, text: str = _ABSENT, path: str = f"<{ANNA}>", **facts: Any
) -> Case:
    kept: dict[str, Any] = {
        "text": (text.splitlines()[0],),
        "subject": subject,
        "automatic": True,
        "proved": True,
        **facts,
    }
    return Case(
        f"absence-{name}", why, mail(lines(text), *more, head={"Subject": subject, "Return-Path": path}), **kept
    )


def _absences() -> list[Case]:
    said: dict[str, Any] = {"against": ("auto_submitted",)}
    return [
        _absence(
            "rfc-3834",
            "as RFC 3834 asks: null path, Auto-Submitted, In-Reply-To",
            "Auto: Informazioni",
            "Auto-Submitted: auto-replied",
            "In-Reply-To: <f00d@agency.example>",
            path="<>",
            against=("auto_submitted", "percorso_nullo"),
        ),
        _absence(
            "outlook",
            "Exchange's absence in Italian, marked auto-generated",
            "Risposta automatica: Informazioni",
            "Auto-Submitted: auto-generated",
            "X-Auto-Response-Suppress: All",
            "X-MS-Exchange-Inbox-Rules-Loop: anna.rossi@family.example",
            path="<>",
            against=("auto_submitted", "risposte_soppresse", "percorso_nullo"),
        ),
        _absence(
            "outlook-outside",
            "Exchange to people outside",
            "Fuori sede: Informazioni",
            "X-Auto-Response-Suppress: All",
            path="<>",
            against=("risposte_soppresse", "percorso_nullo"),
        ),
        _absence(
            "gmail",
            "Gmail's vacation notice",
            "Vacanza Re: Informazioni",
            "Auto-Submitted: auto-replied",
            "Precedence: bulk",
            "X-Autoreply: yes",
            path="<>",
            against=("auto_submitted", "precedenza", "risponditore", "percorso_nullo"),
        ),
        _absence(
            "pigeonhole",
            "Dovecot's vacation",
            "Auto: Informazioni",
            "Auto-Submitted: auto-replied (vacation)",
            "X-Sieve: Pigeonhole Sieve 0.5",
            "Precedence: bulk",
            path="<>",
            against=("auto_submitted", "precedenza", "percorso_nullo"),
        ),
        _absence(
            "sieve-generated",
            "auto-generated instead of auto-replied",
            "Assenza",
            'Auto-Submitted: auto-generated; owner-email="x@else.example"',
            against=("auto_submitted",),
            proved=False,
        ),
        _absence(
            "cpanel",
            "cPanel's autoresponder",
            "Autoreply: Informazioni",
            "X-Autorespond: Informazioni",
            "X-Loop: anna.rossi@family.example",
            "Precedence: auto_reply",
            against=("precedenza", "risponditore"),
        ),
        _absence(
            "aruba",
            "Aruba's autoresponder: only Precedence",
            "Risposta automatica",
            "Precedence: bulk",
            against=("precedenza",),
        ),
        _absence(
            "postfix-vacation",
            "vacation(1)",
            "away from my mail",
            "Precedence: junk",
            "Auto-Submitted: auto-replied",
            against=("precedenza", "auto_submitted"),
        ),
        _absence(
            "domino",
            "Domino's agent",
            "Anna Rossi è fuori ufficio",
            "X-MIMETrack: Serialize by Router",
            "Auto-Submitted: auto-generated",
            **said,
            proved=False,
        ),
        _absence(
            "groupwise",
            "GroupWise's rule",
            "Informazioni (assente)",
            "X-FC-MachineGenerated: true",
            against=("automatica",),
        ),
        _absence(
            "zimbra",
            "Zimbra's absence, which answers under our own subject",
            "Re: Informazioni",
            "Auto-Submitted: auto-replied (zimbra; vacation)",
            "Precedence: bulk",
            against=("auto_submitted", "precedenza"),
        ),
        _absence("uppercase-field", "a field in capitals", "Assenza", "AUTO-SUBMITTED: AUTO-REPLIED", **said),
        _absence(
            "two-fields",
            "no, and then auto-replied: one is enough",
            "Assenza",
            "Auto-Submitted: no",
            "Auto-Submitted: auto-replied",
            **said,
        ),
        _absence(
            "unknown-keyword",
            "a keyword that nobody knows: not 'no'",
            "Assenza",
            "Auto-Submitted: auto-qualcosa",
            **said,
        ),
        _absence(
            "text-only",
            "no field at all: only the text tells, so it is not filed unseen",
            "Risposta automatica: Informazioni",
            proved=False,
            against=("automatica",),
        ),
        _absence(
            "english-text-only",
            "the same in English",
            "Out of Office: Informazioni",
            text="I am out of the office until 15 May and will answer on my return.",
            proved=False,
            against=("automatica",),
        ),
        _absence(
            "address-changed",
            "'this address has changed', by a robot",
            "Indirizzo cambiato",
            "Auto-Submitted: auto-replied",
            text="Questo indirizzo non è più attivo: scrivete a nuova@family.example.",
            **said,
        ),
        _absence(
            "mailbox-closed",
            "'this mailbox is no longer read', by a robot (fixmystreet 5791)",
            "Casella non presidiata",
            "Auto-Submitted: auto-replied",
            text="Questa casella non è più letta.",
            **said,
        ),
        _absence(
            "challenge",
            "a service that wants senders to prove that they are people",
            "Conferma il tuo indirizzo",
            "Auto-Submitted: auto-generated",
            text="Per consegnare il messaggio apri il collegamento.",
            **said,
            proved=False,
        ),
    ]


def _tickets() -> list[Case]:
    def ticket(
        name: str,
        why: str,
        subject: str,
        text: str,
        *more: str,
        sender: str = "assistenza@else.example",
        **facts: Any,
    ) -> Case:
        head = {"From": f"Assistenza <{sender}>", "Return-Path": f"<{sender}>", "Subject": subject}
        kept: dict[str, Any] = {
            "author": sender,
            "author_name": "Assistenza",
            "subject": subject,
            "text": (text,),
            "automatic": True,
            "proved": True,
            **facts,
        }
        return Case(f"ticket-{name}", why, mail(lines(text), *more, head=head), **kept)

    return [
        ticket(
            "otrs",
            "OTRS opens a ticket for our mail",
            "[Ticket#2026050410000001] Informazioni",
            "Grazie per la sua richiesta.",
            "Auto-Submitted: auto-generated",
            "Precedence: bulk",
            "X-Powered-By: OTRS",
            against=("auto_submitted", "precedenza"),
        ),
        ticket(
            "zammad",
            "Zammad",
            "[Ticket#42] Informazioni",
            "Abbiamo ricevuto la sua richiesta.",
            "Auto-Submitted: auto-replied",
            "X-Loop: yes",
            "Precedence: bulk",
            "X-Auto-Response-Suppress: All",
            against=("auto_submitted", "precedenza", "risposte_soppresse"),
        ),
        ticket(
            "rt",
            "Request Tracker",
            "[rt.else.example #42] AutoReply: Informazioni",
            "La sua richiesta è stata registrata.",
            "RT-Ticket: rt.else.example #42",
            "Auto-Submitted: auto-replied",
            "Precedence: bulk",
            against=("auto_submitted", "precedenza"),
        ),
        ticket(
            "freshdesk",
            "a service in the cloud",
            "Richiesta ricevuta - 42",
            "La sua richiesta numero 42 è stata ricevuta.",
            "Auto-Submitted: auto-generated",
            "X-Auto-Response-Suppress: DR, RN, OOF, AutoReply",
            proved=False,
            against=("auto_submitted", "risposte_soppresse"),
        ),
        ticket(
            "protocollo",
            "a protocol office's automatic number",
            "Protocollo n. 4242/2026",
            "Il suo messaggio è stato protocollato con il numero 4242.",
            "Auto-Submitted: auto-replied",
            against=("auto_submitted",),
        ),
        ticket(
            "no-field",
            "a system that marks nothing, from no-reply",
            "Richiesta ricevuta",
            "Questa è una risposta automatica, non rispondere a questa mail.",
            sender="no-reply@else.example",
            proved=False,
            against=("mittente_di_sistema", "percorso_di_sistema"),
        ),
    ]


def _list(name: str, why: str, *more: str, head: dict[str, str] | None = None, **facts: Any) -> Case:
    kept: dict[str, Any] = {"automatic": True, "proved": True, "against": ("lista",), **facts}
    return Case(f"list-{name}", why, mail(TEXT + CRLF, *more, head=head), **kept)


def _lists() -> list[Case]:
    return [
        _list(
            "mailman-2",
            "Mailman 2",
            "List-Id: Genitori <genitori.lists.example>",
            "X-BeenThere: genitori@lists.example",
            "X-Mailman-Version: 2.1.39",
            "Precedence: list",
            "Errors-To: genitori-bounces@lists.example",
            head={"Return-Path": "<genitori-bounces@lists.example>"},
            against=("lista", "precedenza", "percorso_di_sistema"),
        ),
        _list(
            "mailman-3",
            "Mailman 3",
            "List-Id: <genitori.lists.example>",
            "Archived-At: <https://lists.example/1>",
            "List-Post: <mailto:genitori@lists.example>",
        ),
        _list(
            "google-groups",
            "a group of Google",
            "List-ID: <genitori.groups.example>",
            "X-Google-Group-Id: 42",
            "Mailing-list: list genitori@groups.example; contact genitori+owners@groups.example",
            "List-Unsubscribe: <mailto:x@groups.example>",
        ),
        _list(
            "sympa",
            "Sympa",
            "X-Loop: genitori@lists.example",
            "X-Sequence: 42",
            "List-Id: <genitori.lists.example>",
            "Precedence: list",
            against=("lista", "precedenza"),
        ),
        _list(
            "ezmlm",
            "ezmlm",
            "Mailing-List: contact genitori-help@lists.example; run by ezmlm",
            "Delivered-To: mailing list genitori@lists.example",
            automatic=False,
            proved=False,
        ),
        _list(
            "listserv",
            "LISTSERV",
            "List-Help: <mailto:LISTSERV@lists.example>",
            head={"Return-Path": "<owner-genitori@lists.example>"},
            against=("lista", "percorso_di_sistema"),
        ),
        _list(
            "majordomo",
            "majordomo: only a Sender and a Precedence",
            "Sender: owner-genitori@lists.example",
            "Precedence: bulk",
            against=("precedenza", "mittente_di_sistema"),
        ),
        _list("precedence-only", "a list that says only Precedence: list", "Precedence: list", against=("precedenza",)),
        _list(
            "x-mailing-list",
            "X-Mailing-List alone",
            "X-Mailing-List: <genitori@lists.example>",
            automatic=False,
            proved=False,
        ),
        _list(
            "moderation",
            "a list asks its owner to moderate",
            "X-List-Administrivia: yes",
            "List-Id: <genitori.lists.example>",
            "Precedence: bulk",
            against=("lista", "precedenza"),
        ),
        _list(
            "confirmation",
            "a list asks to confirm a subscription that somebody forged",
            "Precedence: bulk",
            "X-List-Administrivia: yes",
            head={
                "From": "genitori-request@lists.example",
                "Return-Path": "<genitori-bounces@lists.example>",
                "Subject": "confirm 4242",
            },
            author="genitori-request@lists.example",
            author_name="",
            subject="confirm 4242",
            against=("precedenza", "mittente_di_sistema", "percorso_di_sistema"),
        ),
        _list(
            "convocation",
            "a list that convokes a project's table: forwarded, not acknowledged (guide, section 6)",
            "List-Id: Tavolo <tavolo.lists.example>",
            head={"Subject": "Convocazione del tavolo"},
            subject="Convocazione del tavolo",
        ),
    ]


def _bulk() -> list[Case]:
    def bulk(
        name: str, why: str, *more: str, sender: str = "novita@shop.example", path: str = "", **facts: Any
    ) -> Case:
        head = {"From": f"Negozio <{sender}>", "Return-Path": path or f"<{sender}>", "Subject": "Offerte di maggio"}
        kept: dict[str, Any] = {
            "author": sender,
            "author_name": "Negozio",
            "subject": "Offerte di maggio",
            "text": ("Solo per oggi",),
            "automatic": True,
            "proved": True,
            **facts,
        }
        return Case(f"bulk-{name}", why, mail("Solo per oggi: sconti.\r\n", *more, head=head), **kept)

    return [
        bulk(
            "newsletter",
            "a newsletter with one-click unsubscription (RFC 8058): never called",
            "List-Unsubscribe: <https://shop.example/u>",
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
            against=("lista",),
        ),
        bulk(
            "verp",
            "made for each recipient",
            "List-Unsubscribe: <mailto:u@shop.example>",
            path="<bounces+42-abcd-famiglie=agency.example@esp.example>",
            against=("lista", "percorso_riscritto"),
        ),
        bulk("feedback-id", "Feedback-ID and nothing else", "Feedback-ID: 1:2:3:esp", automatic=False, proved=False),
        bulk(
            "parcel",
            "a parcel's notice without any mark (freescout 3670)",
            sender="tracking-noreply@parcel.example",
            automatic=False,
            proved=False,
            against=("mittente_di_sistema", "percorso_di_sistema"),
        ),
        bulk(
            "precedence-quoted",
            "Precedence in quotes, with a comment",
            'Precedence: "bulk" (newsletter)',
            automatic=False,
            proved=False,
            against=("precedenza",),
        ),
        Case(
            "bulk-monitoring",
            "a monitoring system's alarm",
            mail(
                "CRITICAL: disco pieno\r\n",
                "Auto-Submitted: auto-generated",
                "X-Priority: 1",
                head={
                    "From": "root <root@srv1.example>",
                    "Return-Path": "<root@srv1.example>",
                    "Subject": "** PROBLEM ** srv1",
                },
            ),
            author="root@srv1.example",
            author_name="root",
            subject="** PROBLEM ** srv1",
            text=("CRITICAL",),
            automatic=True,
            proved=False,
            against=("auto_submitted", "mittente_di_sistema"),
        ),
        Case(
            "bulk-cron",
            "cron's mail",
            mail(
                "riga\r\n",
                "X-Cron-Env: <SHELL=/bin/sh>",
                "Auto-Submitted: auto-generated",
                head={
                    "From": "Cron Daemon <root@srv1.example>",
                    "Return-Path": "<root@srv1.example>",
                    "Subject": "Cron <root@srv1> /x",
                },
            ),
            author="root@srv1.example",
            author_name="Cron Daemon",
            subject="Cron <root@srv1> /x",
            text=("riga",),
            automatic=True,
            proved=False,
            against=("auto_submitted", "mittente_di_sistema"),
        ),
        Case(
            "bulk-social",
            "a network's notice",
            multi(
                part("Anna ha commentato il tuo post."),
                kind="mixed",
                From="Rete <notification@social.example>",
                Return_Path="<notification@social.example>",
                Subject="Nuovo commento",
            ),
            author="notification@social.example",
            author_name="Rete",
            subject="Nuovo commento",
            text=("ha commentato",),
        ),
    ]
