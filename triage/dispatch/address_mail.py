"""Composes the letter that asks whoever reads a project's address to answer. Pure; nothing of any family is in it.

A person sends it and a person is to answer, so it is no automatic message (RFC 3834): it is answered like any letter.
"""

from __future__ import annotations

from triage.dispatch.compose import Outgoing, Stamp
from triage.dispatch.fields import address_field, date_field, recipient_field, text_field, token_field
from triage.dispatch.links import confirmation_link
from triage.dispatch.mime import text_part
from triage.rules.types import Rules
from triage.seals import OWN_FIELD


def address_test_subject(code: str) -> str:
    """The letter's subject; most mail programs keep it in the answer."""
    return f"Per favore rispondete: verifica del vostro indirizzo [{code}]"


def address_test_text(rules: Rules, project: str, code: str) -> str:
    """The letter as the project reads it."""
    service = rules.service
    phone = [f"Per parlare con una persona: {service.phone}", ""] if service.phone else []
    return "\n".join(
        [
            "Buongiorno,",
            "",
            f"{service.name} inoltra le mail delle famiglie al centro che segue il loro territorio.",
            f"Per {rules.projects[project].centre} useremo questo indirizzo. Prima vogliamo essere sicuri",
            "che sia quello giusto e che qualcuno lo legga.",
            "",
            "Se è l'indirizzo giusto, rispondete a questa mail: basta «ok».",
            "Lasciate nella risposta questo codice:",
            "",
            f"    {code}",
            "",
            "Oppure aprite questo collegamento e inviate la mail già pronta:",
            confirmation_link(service.address, code),
            "",
            "Se invece non è l'indirizzo giusto, rispondete «no» e diteci quale indirizzo usare: legge una persona.",
            "",
            *phone,
            "Grazie,",
            service.name,
        ]
    )


def compose_address_test(forward_path: str, rules: Rules, stamp: Stamp, project: str, code: str) -> Outgoing:
    """The letter to one address of a project."""
    service = rules.service
    head = [
        address_field("From", service.sender_name, service.address),
        recipient_field(forward_path),
        date_field(stamp.now),
        token_field("Message-ID", stamp.rfc_message_id),
        text_field("Subject", address_test_subject(code)),
        token_field(OWN_FIELD, stamp.seal),
        b"MIME-Version: 1.0\r\n",
    ]
    # Its failure is to come back to us: that the address takes no mail is what we want to know.
    text = address_test_text(rules, project, code)
    return Outgoing(service.address, forward_path, b"".join(head) + text_part(text))
