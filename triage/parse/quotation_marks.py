"""How mail programs announce quoted and forwarded text, in Italian and in the languages around us.

Answers questions about single lines (or a few lines from one on); what to do about them is for
``reply``. Each pattern is anchored and looks at a line cut to a fixed length, so time is linear.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LINE_CHARACTERS = 400
_BLOCK_LINES = 14

_VERB_WORDS = (
    "scritto",
    "scrive",
    "wrote",
    "writes",
    "schrieb",
    "écrit",
    "escribió",
    "escreveu",
    "scris",
    "написа",
    "пише",
)
_VERBS = (
    r"(?:ha|hanno) scritto|scrive|wrote|writes|schrieb|a écrit|escribió|escreveu|a scris|написав|написала|"
    r"написал|пише"
)
_SEPARATOR_WORDS = ("messag", "nachricht", "mensaje", "mesaj", "appointment", "appuntamento", "forwarded", "inoltrato")
_SUBJECT_WORDS = ("oggetto", "subject", "betreff", "objet", "asunto", "subiect", "ogg:")
_ATTRIBUTION_END = re.compile(
    rf"(?:{_VERBS})\s*:?\s*$|(?:{_VERBS})[^:]{{0,120}}(?:\b\d{{1,2}}:\d{{2}}[^:]{{0,20}})?:\s*$", re.IGNORECASE
)
# Yahoo and AOL on Android put the quoted text behind the announcement, on the same line and unmarked.
_TEXT_BEHIND = re.compile(rf"[^<>]{{0,200}}<[^<>\s]+@[^<>\s]+>,?\s*(?:{_VERBS})\s?:\s+\S", re.IGNORECASE)
# FairEmail, Tuta and Mail.ru announce without a verb: "23 nov 2026, 09:12 da reti@example.org:".
_WITHOUT_VERB = re.compile(
    r"[^<>]{0,200}\d[:.]\d{2}\b[^<>]{0,150}(?:<[^<>\s]+@[^<>\s]+>|\b(?:da|by|from|von) [^<>\s]+@[^<>\s:]+):$",
    re.IGNORECASE,
)
_ADDRESS_AT_END = re.compile(r"@[^\s@<>:]{1,100}>?:\s")
_ATTRIBUTION_START = re.compile(
    r"(?:il|in data|nel messaggio|on|am|le|el|em|pe|în|dnia|w dniu|da)\b|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|"
    r"<[^<>]+@|[^<>]{1,80}<[^<>\s]+@",
    re.IGNORECASE,
)
_PERSONAL = re.compile(r"\b(?:mi|ci|gli|le|vi|ti|ne|lo|li) (?:ha|hanno) scritto\s*:?\s*$", re.IGNORECASE)
_TIME = re.compile(r"\b\d{1,2}[:.]\d{2}\b")
_DAY = re.compile(r"\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b|\b(?:19|20)\d{2}\b")
_STRONG = re.compile(r"@|\d{1,2}[:.]\d{2}(?:[:.]\d{2})?(?: [A-Z]{2,5}\+?\d{0,4})?,|\d{4},")

_ORIGINAL = re.compile(
    r"[-_]{2,}\s*(?:messaggio originale|original message|original appointment|appuntamento originale|"
    r"ursprüngliche nachricht|message d'origine|mensaje original|mesaj original)\s*[-_]{2,}$|"
    r"(?:messaggio originale|original message)\s*-{2,}$",
    re.IGNORECASE,
)
_FORWARDED = re.compile(
    r"[-_]{2,}\s*(?:forwarded message|forwarded by|messaggio inoltrato|messaggio inoltrato da|inoltrato da|"
    r"weitergeleitete nachricht|message transféré|mensaje reenviado|mesaj redirecționat)\b.{0,80}$|"
    r"(?:inizio(?: del)? messaggio inoltrato|begin forwarded message|messaggio inoltrato)\s*:?\s*$",
    re.IGNORECASE,
)
_FORWARD_SUBJECT = re.compile(r"(?:i|inoltra|inoltro|inoltrato|fwd?|wg|tr|rv|enc|tf)\s*(?:\[\d+\])?\s*:", re.IGNORECASE)
_REPLY_SUBJECT = re.compile(r"(?:r|re|aw|rif|ris|risposta|ref|sv|odp|antw)\s*(?:\[\d+\])?\s*:", re.IGNORECASE)
_FORWARD_WORDS = re.compile(
    r"\b(?:vi|ti|le|gli) (?:giro|inoltro|rigiro|inoltriamo|giriamo) (?:quest|la (?:mail|e-?mail|richiesta|"
    r"segnalazione|comunicazione)|"
    r"il messaggio|quanto|la seguente|di seguito|qui sotto|sotto|per competenza)|\b(?:inoltro|giro|si inoltra|"
    r"inoltriamo|si trasmette) per competenza|"
    r"\b(?:inoltro|giro|si inoltra) (?:quest|la (?:mail|e-?mail|richiesta|segnalazione)|il messaggio|quanto|"
    r"di seguito)|"
    r"\bi(?:'m| am) forwarding|\bplease see the (?:message|e-?mail) below|\bforwarding (?:this|the)",
    re.IGNORECASE,
)
_ANSWER_HINTS = ("rosso", "blu", "calce", "nel testo", "righe", "inline", "below", "in red", "sotto")
_FORWARD_HINTS = ("gir", "inoltr", "trasmette", "forwarding", "below")
_WORDS_BEFORE = 1_500
_ANSWERED_BELOW = re.compile(
    r"\b(?:rispond\w*|rispost\w*|annotat\w*|comment\w*|repl\w+|answer\w*)\b.{0,60}\b(?:sotto|in rosso|in blu|"
    r"in calce|nel testo|tra le righe|inline|below|in red)\b|"
    r"\b(?:sotto|in rosso|in blu|in calce|nel testo|tra le righe)\b.{0,40}\b(?:rispond\w*|rispost\w*)\b",
    re.IGNORECASE,
)

_FIELD_NAMES = {
    "from": "da|from|von|de|od|від",
    "date": "inviato|inviata|inviato il|data|date|sent|gesendet|datum|envoyé|enviado|trimis|data invio",
    "to": "a|to|an|à|para|către|per",
    "subject": "oggetto|subject|betreff|objet|asunto|subiect|ogg",
    "cc": "cc|ccn|bcc|rispondi a|reply-to|priorità|importance|importanza|allegati|attachments",
}
_FIELD = re.compile(
    r"[>*_\s]{0,8}(?:"
    + "|".join(f"(?P<{key}>{words})" for key, words in _FIELD_NAMES.items())
    + r")\s?[*_]{0,2}\s?:[*_]{0,2}(?P<rest>.*)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Clues:
    """Which announcements a text can hold at all; most texts hold none, and asking is cheap."""

    attribution: bool
    separator: bool
    header_block: bool


def find_clues(text: str) -> Clues:
    """Looks for the words without which no announcement is one."""
    lower = text.lower()
    return Clues(
        attribution=any(word in lower for word in _VERB_WORDS) or bool(_ADDRESS_AT_END.search(lower)),
        separator=any(word in lower for word in _SEPARATOR_WORDS),
        header_block=any(word in lower for word in _SUBJECT_WORDS),
    )


def attribution_length(lines: list[str], at: int) -> int:
    """How many lines from ``at`` on are "Il giorno ... ha scritto:", the quoted text on the last of
    them included; 0 when it is none.

    Needs a date or an address. Without a sure sign of a machine (an address, or the comma that
    mail programs put after the time) the quoted lines must follow: "Il 3 maggio la maestra ha
    scritto:" is also how people tell a story.
    """
    joined = ""
    first = lines[at].strip()
    if (
        first.endswith(":")
        and _WITHOUT_VERB.match(first[:LINE_CHARACTERS])
        and _DAY.search(first)
        and _is_quoted_below(lines, at + 1)
    ):
        return 1
    if not _ATTRIBUTION_START.match(first[:LINE_CHARACTERS]):
        return 0
    for count in range(1, 5):
        if at + count > len(lines):
            return 0
        line = lines[at + count - 1].strip()
        if not line or (count > 1 and line.startswith(">")):
            return 0
        joined = f"{joined} {line}".strip()
        if _TEXT_BEHIND.match(joined[:LINE_CHARACTERS]) and _TIME.search(joined) and _DAY.search(joined):
            return count
        if len(joined) > LINE_CHARACTERS:
            return 0
        if _ATTRIBUTION_END.search(joined):
            return count if _is_attribution(joined, lines, at + count) else 0
    return 0


def _is_attribution(joined: str, lines: list[str], after: int) -> bool:
    if _PERSONAL.search(joined):
        return False
    dated = bool(_TIME.search(joined) or _DAY.search(joined))
    if dated and _STRONG.search(joined):
        return True
    return (dated or "@" in joined) and _is_quoted_below(lines, after)


def _is_quoted_below(lines: list[str], after: int) -> bool:
    following = next((line for line in lines[after : after + 3] if line.strip()), "")
    return following.lstrip().startswith(">")


def header_block_length(lines: list[str], at: int, after_separator: bool = False) -> int:
    """How many lines from ``at`` on are Outlook's "Da: / Inviato: / A: / Oggetto:"; 0 when none.

    All four are asked for, since website forms also write "Da:" and "Oggetto:"; two are enough
    under a line that says "Messaggio originale".
    """
    found = _FIELD.match(lines[at][:LINE_CHARACTERS])
    if found is None or found.lastgroup is None or found["from"] is None:
        return 0
    seen: set[str] = set()
    last = at
    for place in range(at, min(len(lines), at + _BLOCK_LINES)):
        line = lines[place][:LINE_CHARACTERS]
        field = _FIELD.match(line)
        if field is not None:
            keys = {key for key in _FIELD_NAMES if field[key] is not None}
            if "from" in keys & seen:
                break
            seen |= keys
            last = place
        elif not line.strip() and seen >= {"from", "date", "to", "subject"}:
            break
    wanted = 2 if after_separator else 4
    return last - at + 1 if len(seen - {"cc"}) >= wanted else 0


def is_original_separator(line: str) -> bool:
    """ "-----Messaggio originale-----" and its like."""
    return bool(_ORIGINAL.match(line.strip()[:LINE_CHARACTERS]))


def is_forward_separator(line: str) -> bool:
    """ "---------- Forwarded message ---------" and its like."""
    return bool(_FORWARDED.match(line.strip().strip("*")[:LINE_CHARACTERS]))


def is_forward_subject(subject: str) -> bool:
    """ "I: ..." or "Fwd: ..." in front; "R: I: ..." is the reply to a forward."""
    return bool(_FORWARD_SUBJECT.match(subject.strip()))


def is_reply_subject(subject: str) -> bool:
    """ "R: ..." or "Re: ..." in front."""
    return bool(_REPLY_SUBJECT.match(subject.strip()))


def says_forward(text: str) -> bool:
    """ "Vi giro questa mail": the writer says that what follows is somebody else's message."""
    lower = text[-_WORDS_BEFORE:].lower()
    return any(word in lower for word in _FORWARD_HINTS) and bool(_FORWARD_WORDS.search(lower))


def says_answered_below(text: str) -> bool:
    """ "Rispondo sotto in rosso": the answers stand between the quoted lines."""
    lower = text[:LINE_CHARACTERS].lower()
    return any(word in lower for word in _ANSWER_HINTS) and bool(_ANSWERED_BELOW.search(lower))
