"""Composes what staff and projects are told by the service itself. Pure; in Italian; nothing of whom it is about.

Such a mail may be read on anybody's telephone: it holds numbers, codes and dates, and never a name, an address,
a place or a word of a message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from triage.articles import with_article
from triage.dispatch import texts
from triage.dispatch.compose import Outgoing, Stamp
from triage.dispatch.fields import address_field, date_field, recipient_field, text_field, token_field
from triage.dispatch.links import charge_link, hand_back_link
from triage.dispatch.mime import text_part
from triage.rules.types import Rules, Service
from triage.seals import OWN_FIELD


def compose_call(
    forward_path: str, rules: Rules, stamp: Stamp, message_id: int, received_at: datetime, sender: str = ""
) -> Outgoing:
    """Tells a contact once more that something must be read now."""
    received = received_at.astimezone(ZoneInfo(rules.service.timezone))
    text = "\n".join(
        [
            "C'è un messaggio che una persona deve leggere oggi, e nessuno lo ha ancora preso in carico.",
            "",
            f"Messaggio numero {message_id}, codice {stamp.case_code}, "
            f"ricevuto {with_article('il', texts.italian_date(received))}.",
            "",
            "Per riservatezza questa mail non dice di che cosa si tratta.",
            "Il messaggio si trova nella casella condivisa, tra quelli da decidere.",
            "",
            "L'avviso si ripete, e poi passa ad altre persone, finché qualcuno non segna il messaggio",
            "come preso in carico.",
        ]
    )
    return _mail(forward_path, rules, stamp, texts.NOTICE_SUBJECT, text, sender)


def compose_incidents(
    forward_path: str, rules: Rules, stamp: Stamp, incidents: Sequence[tuple[datetime, str]], sender: str = ""
) -> Outgoing:
    """Tells the administrator what is wrong with the service; ``incidents`` are (since when, what)."""
    zone = ZoneInfo(rules.service.timezone)
    lines = [
        f"- {with_article('dal', texts.italian_date(since.astimezone(zone)))}: {what}" for since, what in incidents
    ]
    count = len(incidents)
    head = "Il servizio di smistamento ha un problema:" if count == 1 else f"Il servizio ha {count} problemi:"
    text = "\n".join([head, "", *lines, "", "Lo stato di adesso: triage ledger"])
    return _mail(forward_path, rules, stamp, "Smistamento della posta: serve un controllo", text, sender)


def compose_ends(
    forward_path: str, rules: Rules, stamp: Stamp, ends: Sequence[tuple[datetime, datetime, str]], sender: str = ""
) -> Outgoing:
    """Tells the administrator which troubles of the service are over; ``ends`` are (since when, until when, what)."""
    zone = ZoneInfo(rules.service.timezone)
    lines = [
        f"- {with_article('dal', texts.italian_date(since.astimezone(zone)))} "
        f"{with_article('al', texts.italian_date(until.astimezone(zone)))}: {what}"
        for since, until, what in ends
    ]
    head = "Questo problema è finito:" if len(ends) == 1 else f"Questi {len(ends)} problemi sono finiti:"
    text = "\n".join([head, "", *lines, "", "Lo stato di adesso: triage ledger"])
    return _mail(forward_path, rules, stamp, "Smistamento della posta: problema finito", text, sender)


def compose_reminder(forward_path: str, rules: Rules, stamp: Stamp, forwarded_at: datetime) -> Outgoing:
    """Asks a project, once, whether it has a case in hand."""
    service = rules.service
    text = "\n".join(
        [
            "Buongiorno,",
            "",
            f"{with_article('il', _day(forwarded_at, service))} vi abbiamo inoltrato il messaggio di una famiglia, "
            f"codice {stamp.case_code}.",
            "Non ci risulta ancora preso in carico. Se ve ne state occupando, aprite il collegamento qui sotto",
            "e inviate la mail già pronta:",
            charge_link(service.address, stamp.case_code),
            "",
            "Se il messaggio non è per voi, rimandatecelo:",
            hand_back_link(service.address, stamp.case_code),
            "",
            "Per questo caso non vi scriveremo altri promemoria.",
            "",
            service.name,
        ]
    )
    return _mail(forward_path, rules, stamp, f"Promemoria: un caso da prendere in carico [{stamp.case_code}]", text)


def compose_digest(forward_path: str, rules: Rules, stamp: Stamp, cases: Sequence[tuple[str, datetime]]) -> Outgoing:
    """What a project has not taken in charge, once a week; ``cases`` are (code, forwarded when)."""
    lines = [f"  {code}   inoltrato {with_article('il', _day(at, rules.service))}" for code, at in cases]
    text = "\n".join(
        [
            "Buongiorno,",
            "",
            "questi casi, che vi abbiamo inoltrato, non ci risultano ancora presi in carico:",
            "",
            *lines,
            "",
            "Nella mail di ogni caso c'è un collegamento «Preso in carico»: basta inviare la mail già pronta.",
            "Se un caso non è per voi, usate l'altro collegamento della stessa mail.",
            "",
            rules.service.name,
        ]
    )
    return _mail(forward_path, rules, stamp, "Riepilogo della settimana: casi da prendere in carico", text)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the daily digest says: how many wait in each group, since when the oldest does, misroutes to be seen to."""

    danger: int
    to_decide: int
    perhaps_not: int
    aside: int
    oldest: datetime | None
    misroutes: int


def compose_waiting(forward_path: str, rules: Rules, stamp: Stamp, waiting: Waiting, page: str) -> Outgoing:
    """How much waits for a person; ``page`` is the address of the staff page, empty where nobody has said it."""
    counted = (
        (waiting.danger, "da leggere oggi: possibile pericolo", "da leggere oggi: possibile pericolo"),
        (waiting.to_decide, "da decidere", "da decidere"),
        (waiting.perhaps_not, "forse non per noi, da confermare", "forse non per noi, da confermare"),
        (waiting.aside, "da guardare nella casella di posta", "da guardare nella casella di posta"),
        (waiting.misroutes, "errore di smistamento da seguire", "errori di smistamento da seguire"),
    )
    lines = [f"- {number} {one if number == 1 else many}" for number, one, many in counted if number]
    oldest = (
        [f"Il più vecchio è arrivato {with_article('il', _day(waiting.oldest, rules.service))}.", ""]
        if waiting.oldest
        else []
    )
    where = [f"Per decidere: {page}/da-decidere"] if page else ["Si decide nella pagina dello smistamento della posta."]
    if page and waiting.misroutes:
        where.append(f"Registro degli errori: {page}/errori")
    text = "\n".join(["Buongiorno,", "", "aspettano una persona:", "", *lines, "", *oldest, *where])
    return _mail(forward_path, rules, stamp, "Smistamento della posta: che cosa aspetta oggi", text)


CANARY_SUBJECT = "Prova automatica del servizio di smistamento"


def compose_canary(forward_path: str, rules: Rules, stamp: Stamp) -> Outgoing:
    """The service's test message to one of its own mailboxes; from our address on the envelope, too, as a letter is."""
    text = (
        "Il servizio di smistamento della posta scrive a se stesso per provare che la posta arriva.\n"
        "Questo messaggio si cancella da solo appena è stato letto dal servizio: non serve fare nulla.\n"
    )
    return _mail(forward_path, rules, stamp, CANARY_SUBJECT, text, rules.service.address)


def webhook_body(event: str, service: Service, facts: Mapping[str, object]) -> dict[str, object]:
    """The JSON object of an HTTPS POST: what happened, in numbers and codes."""
    return {"event": event, "service": service.name, **facts}


def _mail(forward_path: str, rules: Rules, stamp: Stamp, subject: str, text: str, sender: str = "") -> Outgoing:
    """``sender``: another account's own address, from which the mail then leaves; else ours."""
    service = rules.service
    head = [
        address_field("From", service.sender_name, sender or service.address),
        recipient_field(forward_path),
        date_field(stamp.now),
        token_field("Message-ID", stamp.rfc_message_id),
        text_field("Subject", subject),
        token_field("Auto-Submitted", "auto-generated"),
        token_field("X-Auto-Response-Suppress", "All"),
        token_field(OWN_FIELD, f"{stamp.case_code} {stamp.seal}" if stamp.case_code else stamp.seal),
        b"MIME-Version: 1.0\r\n",
    ]
    return Outgoing(sender or service.notice_path, forward_path, b"".join(head) + text_part(text), notify_never=True)


def _day(moment: datetime, service: Service) -> str:
    return texts.italian_date(moment.astimezone(ZoneInfo(service.timezone))).partition(",")[0]
