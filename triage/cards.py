"""The card that stands beside a model file: what the model learnt from, how well it does, and its hash.

Enters the octets of ``card.json``, leaves a :class:`Card`. Refused, with :class:`CardError`: what is no
card. A card belongs to exactly one model file, the one whose SHA-256 it names.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

MODEL_FILE = "model.skops"
CARD_FILE = "card.json"

HEADLINES = (
    "destination",
    "territory",
    "topic",
    "urgent_found",
    "urgent_false_alarms",
    "coverage",
    "forwarded_wrong",
    "filed_persons",
    "acknowledged_machines",
)
"""The measures that are shown where a model has one line; a card may lack some."""


class CardError(ValueError):
    """The octets are no card."""


@dataclass(frozen=True, slots=True)
class Headline:
    """One measure of a card: ``right`` of ``n``; ``share`` is None where n is 0."""

    right: int
    n: int
    share: float | None


@dataclass(frozen=True, slots=True)
class Card:
    """The parts of a card that decide about its model; ``octets`` is the whole of it."""

    octets: bytes
    sha256: str
    messages: int
    corrections: int
    """How many of the messages carry a person's settlement of real mail."""
    from_record: int
    """How many of these were read from the record itself, where a person may have been erased since."""
    earliest: date | None
    """Day of the first settlement that was learnt."""
    read_at: datetime | None
    """When the record was read for it; None for none, or for a card of an earlier release."""
    latest: date | None
    """Day of the last settlement that was learnt; None when all messages are undated."""
    learnt: frozenset[str]
    """SHA-256 of every file of messages that was learnt from."""
    headlines: Mapping[str, Headline]

    def is_of(self, model: bytes) -> bool:
        """Whether this is the card of these octets."""
        return self.sha256 == hashlib.sha256(model).hexdigest()


def card_path(model: Path) -> Path:
    """Where the card of a model file stands: in the same folder."""
    return model.with_name(CARD_FILE)


def read_card(octets: bytes) -> Card:
    """Raises :class:`CardError`."""
    try:
        plain = json.loads(octets)
        data = plain["data"]
        corrections = data.get("corrections") or {}
        earliest, latest, read_at = (corrections.get(name) for name in ("from", "to", "read_at"))
        files = [*data.get("files", ()), *corrections.get("files", ())]
        return Card(
            octets=octets,
            sha256=str(plain["sha256"]).lower(),
            messages=int(data["messages"]),
            corrections=int(corrections.get("messages", 0)),
            from_record=int(corrections.get("from_record", 0)),
            earliest=None if earliest is None else date.fromisoformat(earliest),
            read_at=None if read_at is None else datetime.fromisoformat(read_at),
            latest=None if latest is None else date.fromisoformat(latest),
            learnt=frozenset(str(file["sha256"]).lower() for file in files),
            headlines=_headlines(plain["measures"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CardError(f"no card of a model ({type(error).__name__})") from None


def _headlines(measures: Mapping[str, Any]) -> Mapping[str, Headline]:
    return {
        name: Headline(int(one["right"]), int(one["n"]), None if one["share"] is None else float(one["share"]))
        for name in HEADLINES
        if (one := measures.get(name)) is not None
    }
