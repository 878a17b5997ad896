"""What the file ``dati.json`` of an export holds: plain values under Italian names, documented in docs/privacy.md.

In: a dossier and the record. Out: one mapping, no octets. Of other persons' messages only that they are there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from triage.duties.finding import OF_PERSON, CaseOf, Dossier, Item, Part
from triage.explaining import sentence, word_reason
from triage.ids import case_code
from triage.record import Transaction
from triage.record.exceptions import Taught
from triage.record.given_out import (
    Rows,
    came_back_about,
    checked_about,
    decided_about,
    registered_about,
    sent_about,
    sent_in_case,
    settled_about,
    texts_about,
)
from triage.record.identity import secret_if_known
from triage.record.mailboxes import known_mailboxes
from triage.record.of_person import labels_on, octets_kept
from triage.vocabulary import Reason

FORMAT = 1
PARTS: Mapping[Part, str] = {
    Part.WROTE: "scritto_da_lei",
    Part.FORM: "modulo_o_risposta_a_lei",
    Part.PASSED_ON: "suo_messaggio_inoltrato_da_altri",
    Part.REPORT: "di_un_centro_o_di_un_server",
    Part.OTHER: "di_un_altra_persona",
}
NO_LONGER, OF_ANOTHER, NEVER_READ = "non_piu_conservato", "di_un_altra_persona", "mai_letto"
"""Why there is no original."""


def contents(tx: Transaction, dossier: Dossier, address: str, reference: str, *, with_others: bool) -> dict[str, Any]:
    """All that is told; ``originale`` names the file beside it that holds the octets."""
    teller = _Teller(tx, dossier, with_others)
    own = [item.row.id for item in dossier.items() if item.part in OF_PERSON]
    labels = labels_on(tx, own)
    return {
        "versione": FORMAT,
        "creato_il": _when(tx.now),
        "riferimento": reference,
        "indirizzo": address,
        "casi": [teller.case(case) for case in dossier.cases],
        "regole_imparate": [_taught(one) for one in dossier.taught],
        "addestramento": {
            "messaggi_con_etichetta": labels.count,
            "dal": labels.first.isoformat() if labels.first else None,
            "al": labels.last.isoformat() if labels.last else None,
        },
    }


def original_of(item: Item, *, with_others: bool) -> str:
    """The name of the file with the octets of a message; empty: they are not given out."""
    given = item.part in (Part.WROTE, Part.FORM) or with_others
    return f"originali/{item.row.id:06}.eml" if given and item.row.sha256 else ""


class _Teller:
    """Tells cases and messages of one dossier."""

    def __init__(self, tx: Transaction, dossier: Dossier, with_others: bool) -> None:
        self._tx, self._key, self._with_others = tx, dossier.key, with_others
        self._secret = secret_if_known(tx)
        self._boxes = {box.id: box.name for box in known_mailboxes(tx)}
        self._kept = octets_kept(tx, [item.row for item in dossier.items()])

    def case(self, case: CaseOf) -> dict[str, Any]:
        numbers = {item.row.id for item in case.items}
        found = {
            "codice": case_code(self._secret, case.id) if case.id is not None else None,
            "messaggi": [self.message(item) for item in case.items],
        }
        if case.id is not None:
            beside = [row for row in sent_in_case(self._tx, case.id) if row["message_id"] not in numbers]
            found["altri_invii"] = self._sent(beside)
            found["registro_errori_di_invio"] = [_plain(row) for row in registered_about(self._tx, case.id)]
        return found

    def message(self, item: Item) -> dict[str, Any]:
        row = item.row
        found: dict[str, Any] = {
            "numero": row.id,
            "che_cosa": PARTS[item.part],
            "casella": self._boxes[row.mailbox_id],
            "cartella": row.filed_folder,
            "arrivato_il": _when(row.internal_date or row.listed_at),
            "stato": row.state,
            "dimensione": row.size,
            "sha256": row.sha256,
            **self._original(item),
        }
        if item.part is Part.OTHER and not self._with_others:
            # Of another person only that it is there, and what we sent to the person because of it.
            own = [one for one in sent_about(self._tx, row.id) if one["recipient_key"] == self._key]
            return {name: found[name] for name in _OF_OTHERS} | {"inviati_a_lei": self._sent(own)}
        return found | self._about(row.id)

    def _about(self, number: int) -> dict[str, Any]:
        tx = self._tx
        return {
            "decisioni": [_decision(row) for row in decided_about(tx, number)],
            "decisioni_di_persone": [_plain(row) for row in settled_about(tx, number)],
            "testi_scritti_dal_personale": [_plain(row) for row in texts_about(tx, number)],
            "controlli": [_plain(row) for row in checked_about(tx, number)],
            "invii": self._sent(sent_about(tx, number)),
            "tornato_indietro": [_plain(row) for row in came_back_about(tx, number)],
        }

    def _original(self, item: Item) -> dict[str, Any]:
        name = original_of(item, with_others=self._with_others)
        if name and item.row.sha256 in self._kept:
            return {"originale": name, "originale_assente": None}
        gone = NO_LONGER if item.row.sha256 not in self._kept else OF_ANOTHER
        return {"originale": None, "originale_assente": NEVER_READ if item.row.sha256 is None else gone}

    def _sent(self, rows: Rows) -> list[dict[str, Any]]:
        found = []
        for row in rows:
            # Where another family was written to is that family's matter.
            told = row["recipient_key"] == self._key or row["kind"] in _TO_OFFICES or self._with_others
            shown = {name: value for name, value in row.items() if name not in ("recipient_key", "message_id")}
            found.append(_plain(shown | {"forward_path": row["forward_path"] if told else None}))
        return found


_OF_OTHERS = ("numero", "che_cosa", "arrivato_il", "originale", "originale_assente")
_TO_OFFICES = frozenset({"forward", "recall"})


def _decision(row: Mapping[str, Any]) -> dict[str, Any]:
    reasons = [Reason(str(one["code"]), one.get("params") or {}) for one in row["reasons"]]
    worded = list(dict.fromkeys(sentence(word_reason(reason)) for reason in reasons))
    return _plain({**row, "reasons": worded})


def _taught(one: Taught) -> dict[str, Any]:
    return {
        "tipo": one.kind,
        "frase": one.phrase,
        "comune": one.comune,
        "argomento": one.topic,
        "centro": one.project,
        "dal": _when(one.created_at),
        "fino_al": _when(one.ended_at or one.expires_at),
        "usata_volte": one.uses,
    }


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with its columns' Italian names and its instants as text."""
    return {
        NAMES.get(name, name): _when(value) if isinstance(value, datetime) else value for name, value in row.items()
    }


NAMES: Mapping[str, str] = {
    "generation": "versione",
    "action": "azione",
    "destination": "destinazione",
    "territory": "territorio",
    "topic": "argomento",
    "urgent": "urgente",
    "language": "lingua",
    "automatic": "automatico",
    "confidence": "fiducia",
    "project": "centro",
    "reasons": "motivi",
    "rules_version": "versione_regole",
    "model_version": "versione_modello",
    "decided_at": "quando",
    "at": "quando",
    "exit": "che_cosa",
    "note": "nota",
    "teaches": "insegna",
    "undone_at": "annullata_il",
    "text": "testo",
    "office": "ufficio",
    "drawn_at": "estratto_il",
    "chosen": "estratto",
    "labelled_at": "controllato_il",
    "right": "giusto",
    "id": "invio",
    "kind": "tipo",
    "rfc_message_id": "message_id",
    "forward_path": "a",
    "state": "stato",
    "created_at": "deciso_il",
    "ended_at": "concluso_il",
    "attempts": "tentativi",
    "status": "codice",
    "recorded_at": "quando",
    "found_at": "scoperto_il",
    "wrong_project": "centro_sbagliato",
    "right_project": "centro_giusto",
    "categories": "categorie_di_dati",
    "recall_answer": "risposta_alla_richiesta_di_cancellare",
    "recall_answered_at": "risposta_il",
    "family_told": "famiglia_avvisata",
    "closed_at": "chiuso_il",
    "withdrawn_at": "ritirato_il",
}
"""Columns of the record under the names that an export gives them."""


def _when(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
