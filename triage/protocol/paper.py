"""The metadata of one message as a document that was received: plain values for a JSON file and a line of a table.

Enters what the record knows of it and its octets, leaves names and values in Italian. Pure. The fields follow DPR
445/2000, article 53 (what the register holds of each document) and annex 5 of AgID's guidelines on electronic documents
(2021): identity and hash, flow, sender, recipients, subject, attachments each with its own hash.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from triage.parse import parse
from triage.parse.files import read_files
from triage.pec.seen import as_seen
from triage.pec.trust import Anchors
from triage.vocabulary import Address, CertifiedMail, InboundMessage

_MOST = 100 << 20
"""Octets of an attachment whose hash is taken; larger ones are named without."""
HEADS = (
    *("Messaggio", "File", "Impronta SHA-256", "Arrivato nella casella", "Ora certificata (PEC)", "Mittente"),
    *("Destinatari", "Oggetto", "Identificativo PEC", "Message-ID", "Allegati", "Impronte degli allegati"),
    *("Perché va protocollato", "Numero di protocollo"),
)
WHY = {"pec": "posta certificata", "regola": "regola di ATS", "persona": "indicato da una persona"}


@dataclass(frozen=True, slots=True)
class Filed:
    """What the record knows of a message beside its octets. ``declared``: it came to a mailbox that is PEC."""

    message_id: int
    mailbox: str
    mailbox_address: str
    declared: bool
    arrived_at: datetime | None
    received_at: datetime | None
    why: str
    number: str = ""


def metadata_of(filed: Filed, octets: bytes, anchors: Anchors = ()) -> dict[str, Any]:
    """The whole metadata file of one message."""
    outer = parse(octets)
    seen = as_seen(outer, declared=filed.declared, anchors=anchors)
    files = _attachments(outer, octets)
    return {
        "versione": 1,
        "identificativo": f"messaggio-{filed.message_id}",
        "impronta": _hash(octets),
        "formato": "message/rfc822",
        "dimensione": len(octets),
        "modalita_di_formazione": "acquisizione per via telematica",
        "tipologia_documentale": "messaggio PEC" if _is_envelope(seen) else "messaggio di posta elettronica",
        "tipologia_di_flusso": "in entrata",
        "motivo": WHY.get(filed.why, filed.why),
        "casella": {"nome": filed.mailbox, "indirizzo": filed.mailbox_address},
        "arrivato_nella_casella": _moment(filed.arrived_at),
        "ricevuto_dal_servizio": _moment(filed.received_at),
        "data_dichiarata": _moment(seen.date),
        "oggetto": seen.subject,
        "mittente": _person(seen.author),
        "destinatari": [_person(one) for one in seen.recipients],
        "message_id": seen.message_id,
        "pec": _certified(outer, seen.certified) if seen.certified is not None else None,
        "numero_allegati": len(files),
        "allegati": files,
        # The letters speak of children, families and health (GDPR, article 9).
        "riservato": True,
        "registrazione": {"numero": filed.number or None},
    }


def line_of(paper: dict[str, Any], name: str) -> tuple[str, ...]:
    """The same as cells of the table, under :data:`HEADS`; ``name``: where the original lies."""
    pec = paper["pec"] or {}
    files = paper["allegati"]
    return (
        paper["identificativo"].removeprefix("messaggio-"),
        name,
        paper["impronta"]["valore"],
        paper["arrivato_nella_casella"] or "",
        pec.get("ora_certificata") or "",
        _named(paper["mittente"]),
        ", ".join(_named(one) for one in paper["destinatari"]),
        paper["oggetto"],
        pec.get("identificativo", ""),
        paper["message_id"],
        ", ".join(one["nome"] for one in files),
        ", ".join((one["impronta"] or {}).get("valore", "") for one in files),
        paper["motivo"],
        paper["registrazione"]["numero"] or "",
    )


def _attachments(outer: InboundMessage, octets: bytes) -> list[dict[str, Any]]:
    read = {file.number: file.octets for file in read_files(octets, lambda _: True, _MOST)}
    return [
        {
            "nome": one.file_name,
            "tipo": one.content_type,
            "dimensione": one.size,
            # None: empty, damaged on the way, or too large; the original holds it.
            "impronta": _hash(read[number]) if number in read else None,
        }
        for number, one in enumerate(outer.attachments)
    ]


def _certified(outer: InboundMessage, certified: CertifiedMail) -> dict[str, Any]:
    data = certified.data
    return {
        "tipo": str(certified.kind),
        "attendibile": certified.trusted,
        "firma_del_gestore": str(certified.signature),
        "gestore_riconosciuto": certified.recognised,
        "gestore": data.provider if data is not None else "",
        "identificativo": data.identifier if data is not None else "",
        "ora_certificata": _moment(data.time) if data is not None else None,
        "riferimento_message_id": certified.reference,
        "message_id_della_busta": outer.message_id,
        "mittente_della_busta": _person(outer.author),
    }


def _is_envelope(seen: InboundMessage) -> bool:
    return seen.certified is not None and seen.certified.trusted


def _hash(octets: bytes) -> dict[str, str]:
    return {"algoritmo": "SHA-256", "valore": hashlib.sha256(octets).hexdigest()}


def _person(address: Address) -> dict[str, str]:
    return {"nome": address.display_name, "indirizzo": address.addr_spec}


def _named(person: dict[str, str]) -> str:
    return f"{person['nome']} <{person['indirizzo']}>" if person["nome"] else person["indirizzo"]


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None
