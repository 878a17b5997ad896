"""Placeholders of what was taken out of a message before it is learnt from (``triage.pseudonyms``), as models see them.

A name or a number that a model meets in mail is a word like others, and mostly one that it does not know. What stands
for it in an example must not become a word that tells anything: names leave nothing, numbers one figure.
"""

from __future__ import annotations

import re

PERSON = "persona"
NUMBERS = ("telefono", "codice_fiscale", "iban", "indirizzo", "tessera", "data_nascita", "targa")
OTHERS = ("email", "url")
_PLACEHOLDER = re.compile(rf"\[({'|'.join((PERSON, *NUMBERS, *OTHERS))}) \d{{1,4}}\]")


def without_placeholders(text: str) -> str:
    """The text as a model reads it; the same where nothing was taken out."""
    if "[" not in text:
        return text
    return _PLACEHOLDER.sub(lambda match: "0" if match[1] in NUMBERS else "", text)
