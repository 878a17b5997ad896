"""The labels of the guide, and reasons: what staff read, as codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

TOPICS: tuple[str, ...] = (
    "orientamento",
    "genitorialita",
    "ascolto",
    "laboratori",
    "eventi",
    "rete",
    "sperimentazione",
    "reclamo",
    "altro_servizio",
    "non_pertinente",
)
"""The ten values of ``argomento``."""

NOT_FOR_US = "non_pertinente"
"""The topic of what nobody here is to answer."""

PROJECT_TOPICS: frozenset[str] = frozenset(TOPICS[:6])
"""Topics that a project answers; the others are for staff or for nobody."""

UNCOVERED = "scoperto"
OUTSIDE = "fuori_ats"
SEVERAL = "multiplo"
UNSTATED = "non_indicato"
SPECIAL_TERRITORIES: tuple[str, ...] = (UNCOVERED, OUTSIDE, SEVERAL, UNSTATED)
"""Values of ``territorio`` that are no project; all other values are project codes (data)."""

STAFF = "operatore"
NOBODY = "nessuna"
"""Values of ``destinazione`` beside the project codes."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something was decided: a stable code with parameters, worded in Italian only when shown.

    ``params`` hold codes, official place names, numbers and offsets ("start", "end", "where"),
    never words copied from a message, so that reasons may be kept after the octets are gone.
    """

    code: str
    params: Mapping[str, str | int | float | bool] = field(default_factory=dict)
