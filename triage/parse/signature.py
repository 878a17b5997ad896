"""Text -> (text, signature): what stands under the message and is the same in each of them.

Careful rather than complete: a place in a signature weighs less, so words of the message must not
land there. The closing ("Cordiali saluti") stays in the text; the name block under it is cut.
"""

from __future__ import annotations

import re

_DELIMITER = re.compile(r"--\s?$")
_DEVICE = re.compile(
    r"(?:inviat[oa] (?:da|dal|con|tramite|mobile)\b(?!:)|sent (?:from|via|with)\b|scarica outlook|ottieni outlook|"
    r"get (?:outlook|bluemail)|scarica bluemail|"
    r"outlook per (?:ios|android)|yahoo mail: |libero mobile|trimis de pe|enviado desde|envoyé de mon|"
    r"надіслано з).{0,80}$",
    re.IGNORECASE,
)
_CLOSINGS = (
    "distinti saluti",
    "cordiali saluti",
    "saluti cordiali",
    "cordiale saluto",
    "migliori saluti",
    "saluti",
    "un saluto",
    "cordialmente",
    "cordialità",
    "in fede",
    "con osservanza",
    "regards",
    "sincerely",
    "cu stimă",
    "mit freundlichen grüßen",
    "cordialement",
    "atentamente",
)
_CONTACT = re.compile(
    r"@|www\.|https?:|\b(?:tel|fax|cell|mob|telefono|cellulare|phone|pec|p\.?\s?iva|c\.?\s?f\.?)\b|\d{5}\b|"
    r"\b0\d{1,3}[\s./-]?\d{4,}|"
    r"\b(?:via|viale|piazza|corso|vicolo|strada|str\.|c/o)\b|\b(?:comune|ufficio|servizio|scuola|istituto|asst|"
    r"ats|dirigente|segretari\w+)\b",
    re.IGNORECASE,
)
_REACHED_AT = re.compile(
    r"@|www\.|\d{5}\b|\d{2,4}[\s./-]{0,3}\d{2,}|\b(?:via|viale|piazza|corso)\b.{1,60}\d", re.IGNORECASE
)
_DISCLAIMER_START = re.compile(
    r"\W{0,6}(?:le informazioni contenute|quest[oa] (?:messaggio|e-?mail|mail|comunicazione|documento)|"
    r"il (?:presente messaggio|contenuto di quest)|"
    r"la presente (?:e-?mail|comunicazione)|avviso di riservatezza|avvertenza|nota di riservatezza|privacy|"
    r"informativa|ai sensi d|in ottemperanza|"
    r"this (?:e-?mail|message|communication)|the information (?:contained|in this)|confidentiality|disclaimer|"
    r"prima di stampare|"
    r"please consider|rispetta l'ambiente|chiunque riceva|qualora)",
    re.IGNORECASE,
)
_DISCLAIMER_WORDS = re.compile(
    r"riservat|destinatari|per errore|erroneamente|distrugger|confidential|intended|in error|addressee|stampare|"
    r"printing|environment|ambiente",
    re.IGNORECASE,
)

_MAX_BLOCK_LINES = 14
_MAX_CLOSING_LINE = 160
_MAX_BLOCK_LINE = 90
_MAX_CONTACT_LINES = 6
_PARTICLES = frozenset({"di", "de", "del", "della", "dei", "e", "d'", "-", "per", "la", "il"})
_TITLES = ("dott", "dr", "prof", "ing", "avv", "geom", "arch", "rag", "sig", "ins", "don")
_LOOK_BACK = 60
_LINE = 400


def split_signature(lines: list[str]) -> tuple[list[str], list[str]]:
    """(text lines, signature lines). Never leaves the text empty."""
    for split in (_at_delimiter, _at_disclaimer, _at_closing, _at_contact_block):
        at = split(lines)
        if at is not None and any(line.strip() for line in lines[:at]):
            body, device = _without_device_line(lines[:at])
            return body, [*device, *lines[at:]]
    return _without_device_line(lines)


def _at_delimiter(lines: list[str]) -> int | None:
    """The last "-- " line (RFC 3676 section 4.3), also without its blank."""
    for at in range(len(lines) - 1, max(-1, len(lines) - _LOOK_BACK), -1):
        if _DELIMITER.match(lines[at]):
            return at
    return None


def _at_disclaimer(lines: list[str]) -> int | None:
    """A legal notice and all below it, with the name block above it when there is one.

    "Ai sensi del GDPR chiedo i miei dati" is a request: the notice must also speak of addressees,
    errors or printing in the same paragraph.
    """
    for at in range(max(0, len(lines) - _LOOK_BACK), len(lines)):
        if _DISCLAIMER_START.match(lines[at][:_LINE]) and any(line.strip() for line in lines[:at]):
            paragraph = _paragraph(lines, at)
            if len(paragraph) > 60 and _DISCLAIMER_WORDS.search(paragraph):
                closing = _at_closing(lines[:at])
                return at if closing is None else closing
    return None


def _paragraph(lines: list[str], at: int) -> str:
    taken: list[str] = []
    for line in lines[at : at + 12]:
        if not line.strip():
            break
        taken.append(line[:1_000])
    return " ".join(taken)


def _at_closing(lines: list[str]) -> int | None:
    """After the last closing line, when only a name block follows: few, short lines, no question."""
    for at in range(len(lines) - 1, max(-1, len(lines) - _LOOK_BACK), -1):
        line = lines[at].strip()
        if not _is_closing(line):
            continue
        block = [below.strip() for below in lines[at + 1 :] if below.strip()]
        return at + 1 if _is_name_block(block) else None
    return None


def _at_contact_block(lines: list[str]) -> int | None:
    """A last paragraph that is a person's or an office's name and how to reach it, without a closing.

    Asks for two lines, a first line of capitalised words and a contact below it, and no sentence:
    "Abito a Viadana / tel. 0375" is a message.
    """
    last = len(lines)
    while last and not lines[last - 1].strip():
        last -= 1
    at = last
    while at and lines[at - 1].strip() and last - at <= _MAX_CONTACT_LINES:
        at -= 1
    block = [line.strip() for line in lines[at:last]]
    if not 2 <= len(block) <= _MAX_CONTACT_LINES or not _is_name_block(block):
        return None
    words = [word for word in block[0].split() if word not in _PARTICLES]
    named = len(words) >= 2 and all(word[0].isupper() or word.lower().startswith(_TITLES) for word in words)
    reachable = any(_REACHED_AT.search(line) for line in block[1:])
    told = any(line.endswith((".", "!", ":", ",")) or len(line.split()) > 10 for line in block)
    return at if named and reachable and not told else None


def _is_closing(line: str) -> bool:
    """ "Distinti saluti", alone or at the end of a short sentence."""
    bare = line.lower().rstrip(" ,.!;")
    if not bare.endswith(_CLOSINGS) or len(bare) > _MAX_CLOSING_LINE:
        return False
    return any(bare.endswith(closing) and not bare[: -len(closing)][-1:].isalnum() for closing in _CLOSINGS)


def _is_name_block(block: list[str]) -> bool:
    if not block or len(block) > _MAX_BLOCK_LINES:
        return False
    if any(
        len(line) > _MAX_BLOCK_LINE or "?" in line or line.lower().startswith(("p.s", "ps ", "ps:", "n.b"))
        for line in block
    ):
        return False
    sentences = [line for line in block if len(line.split()) > 7 and not _CONTACT.search(line)]
    return not sentences and len(block[0].split()) <= 7


def _without_device_line(lines: list[str]) -> tuple[list[str], list[str]]:
    """Moves "Inviato da iPhone" out of the last lines."""
    for at in range(len(lines) - 1, max(-1, len(lines) - 12), -1):
        if _DEVICE.match(lines[at].strip()[:_LINE]):
            rest = [*lines[:at], *lines[at + 1 :]]
            if any(line.strip() for line in rest):
                return rest, [lines[at]]
    return lines, []
