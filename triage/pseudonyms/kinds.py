"""What is masked, and how a placeholder is written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Kinds of what tells who somebody is; the words of the placeholders."""

    PERSON = "persona"
    EMAIL = "email"
    PHONE = "telefono"
    TAX_CODE = "codice_fiscale"
    IBAN = "iban"
    STREET = "indirizzo"
    HEALTH_CARD = "tessera"
    BIRTH_DATE = "data_nascita"
    PLATE = "targa"
    URL = "url"


@dataclass(frozen=True, slots=True)
class Span:
    """One place in a text, by characters, and what stands there."""

    start: int
    end: int
    kind: Kind


def placeholder(kind: Kind, number: int) -> str:
    """``[persona 1]``: the same number for the same thing all through a message."""
    return f"[{kind} {number}]"
