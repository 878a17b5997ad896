"""A few labelled messages by four invented writers: enough to train on, too few to be any good."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_TEXTS: tuple[tuple[str, str, str, str, bool, bool], ...] = (
    ("w1", "orari", "Che orari fate il sabato?", "orientamento", False, False),
    ("w1", "sonno", "Mia figlia di due anni non dorme e non so come fare.", "genitorialita", False, False),
    ("w1", "botte", "Mio marito mi picchia, ieri sera di nuovo davanti ai bambini.", "ascolto", True, False),
    ("w1", "argilla", "Vorrei iscrivere Pietro al laboratorio di argilla.", "laboratori", False, False),
    ("w2", "orari-2", "Dove siete e quando aprite?", "orientamento", False, False),
    ("w2", "serata", "Mi segnate alla serata sul cyberbullismo?", "eventi", False, False),
    ("w2", "fuga", "Mio figlio non è tornato a casa da ieri notte.", "ascolto", True, False),
    ("w2", "sconto", "Ricevi questa e-mail perché sei iscritto. Annulla l'iscrizione.", "non_pertinente", False, True),
    ("w3", "bonus", "A che punto è la mia domanda di bonus nido?", "altro_servizio", False, False),
    ("w3", "ritardo", "È la terza mail che scrivo e nessuno mi ha risposto.", "reclamo", False, False),
    ("w3", "nucleo", "Si invia il nucleo in oggetto per un percorso condiviso.", "rete", False, False),
    ("w4", "spese", "La rendicontazione delle spese va caricata entro il 30?", "sperimentazione", False, False),
    ("w4", "capricci", "Mio figlio morde i compagni, a chi chiedo un consiglio?", "genitorialita", False, False),
    ("w4", "fuori", "Sono fuori ufficio, per urgenze scrivere alla segreteria.", "non_pertinente", False, True),
)


def small_examples() -> list[dict[str, Any]]:
    """The examples as objects with the fields of the training files."""
    return [
        {
            "id": f"t-{number:03}",
            "writer": writer,
            "situation": situation,
            "batch": "t",
            "from_name": "",
            "subject": "",
            "text": text,
            "quoted": "",
            "signature": "",
            "headers": {},
            "argomento": topic,
            "urgente": urgent,
            "lingua": "it",
            "automatico": automatic,
        }
        for number, (writer, situation, text, topic, urgent, automatic) in enumerate(_TEXTS)
    ]


def write_examples(folder: Path, examples: list[dict[str, Any]]) -> Path:
    """Write them as one file of JSON lines and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(example, ensure_ascii=False) + "\n" for example in examples)
    (folder / "batch_t.jsonl").write_text(lines, encoding="utf-8")
    return folder
