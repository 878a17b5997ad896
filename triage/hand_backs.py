"""Does a project's mail hand a case back? What only may be meant so does not: a person reads it beside its case.

In: subject and new text of a mail that a project wrote. Out: whether it surely says that the case is not theirs: by the
link in our forward, or in a few words that say nothing else. Words of their own may mean one thing or the other, and no
list tells them apart; all such mail waits for a person (``forse_restituito``), so nothing is lost by a doubt.
"""

from __future__ import annotations

import re

from triage.classify.folding import fold

BY_LINK = re.compile(r"\bnon\s+\S{1,6}\s+per\s+noi\s*\[", re.IGNORECASE)
"""The subject of the link in our forwards (``triage.dispatch.links``), whatever a gateway writes before it, its
accent spoilt by a program that reads the link's UTF-8 as something else."""
_ANSWER = re.compile(
    r"\s*(?:(?:\[[^\]]{0,40}\]|\{[^}]{0,40}\})\s*)*(?:r|re|rif|i|fw|fwd|inoltra|risposta)\s*:", re.IGNORECASE
)
_CODE = re.compile(r"\s*(?:codice:?)?\s*\[?[0-9a-z]{2,13}-[0-9a-z]{8}\]?\s*", re.IGNORECASE)
_LONGEST = 400
_SURE = re.compile(
    r"(?:(?:buongiorno|buonasera|salve|gentilissimi|gentili|spiacenti|mi (?:di)?spiace|ci dispiace)[\s,.!]+)?"
    r"(?:(?:non|nn) (?:e'?|è) per noi|non per noi|(?:non e'? |non )di (?:nostra|ns\.?) competenza"
    r"|non e'? competenza nostra|non e'? nostr[oa]"
    r"|non ci (?:compete|riguarda)|(?:non e'? |tema |caso )?non nostr[oa]|non e'? (?:il )?nostro territorio"
    r"|non siamo competenti(?: per territorio)?|(?:e'? )?fuori (?:zona|territorio)|zona sbagliata"
    r"|non e'? la nostra zona)"
    r"[\s.,!]*(?:grazie|saluti|cordiali saluti|distinti saluti|un saluto|buona giornata)?[\s.,!]*"
)
"""All that an answer says; in folded text."""
_NAME = re.compile(r"\s*(?:[A-ZÀ-Ý][\w.']*(?:\s+|$)){1,5}")
"""A line of a signature: names only."""


def hands_back(subject: str, text: str) -> bool:
    """Whether a mail surely says that the case is not theirs."""
    own = [line for line in text[: _LONGEST + 1].split("\n") if line.strip() and not _CODE.fullmatch(line)]
    if BY_LINK.search(subject) and (not own or not _ANSWER.match(subject)):
        return True  # our own link, which nobody opens by chance; what is written below it is read by a person
    if len(text) > _LONGEST:
        return False
    while len(own) > 1 and _NAME.fullmatch(own[-1]):
        own.pop()
    return bool(own) and _SURE.fullmatch(fold(" ".join(own).strip())) is not None
