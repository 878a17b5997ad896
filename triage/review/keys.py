"""Single keys that stand for acts: what they are, and how a person turns them off or changes them (WCAG 2.1.4).

A page marks the element with ``data-act="inoltra"``; ``page.js`` presses it when its key is pressed outside a field.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ACTS: Mapping[str, tuple[str, str]] = {
    "successivo": ("j", "messaggio successivo"),
    "precedente": ("k", "messaggio precedente"),
    "prendi": ("p", "prendi in carico"),
    "proposta_1": ("1", "scegli la prima proposta"),
    "proposta_2": ("2", "scegli la seconda proposta"),
    "proposta_3": ("3", "scegli la terza proposta"),
    "inoltra": ("i", "conferma e invia quello che è mostrato"),
    "rispondi": ("r", "rispondiamo noi"),
    "ufficio": ("u", "indica un altro ufficio"),
    "comune": ("c", "chiedi il comune"),
    "telefono": ("t", "presa in carico per telefono"),
    "unisci": ("m", "unisci a un caso"),
    "separa": ("s", "separa dal caso"),
    "ricevuta": ("v", "rimanda o ferma la conferma di ricevuta"),
    "chiudi": ("h", "chiudi"),
    "non_per_noi": ("n", "non è per noi"),
    "annulla": ("z", "vai ad «Annulla»; con Invio si annulla"),
    "correggi": ("x", "correggi"),
    "anche": ("a", "inoltra anche a un altro centro"),
    "cerca": ("/", "cerca"),
    "tasti": ("?", "mostra i tasti"),
}
"""Each act's first key and its name."""


def keys_on(settings: Mapping[str, Any]) -> bool:
    """Whether single keys do anything for this person."""
    return bool(settings.get("keys_on", True))


def keys_of(settings: Mapping[str, Any]) -> dict[str, str]:
    """The key of each act: the person's own where they have changed it."""
    own = settings.get("keys", {})
    return {act: str(own.get(act, first)) for act, (first, _) in ACTS.items()}


def problem_with(keys: Mapping[str, str]) -> str:
    """What is wrong with a choice of keys, in Italian; empty when nothing is."""
    for act, key in keys.items():
        if len(key) != 1 or key.isspace() or not key.isprintable():
            return f"Per «{ACTS[act][1]}» serve un solo carattere."
    seen: dict[str, str] = {}
    for act, key in keys.items():
        other = seen.setdefault(key.lower(), act)
        if other != act:
            return f"Il tasto «{key}» è usato due volte: per «{ACTS[other][1]}» e per «{ACTS[act][1]}»."
    return ""
