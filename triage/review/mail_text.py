"""A mail's text as a person reads it before it leaves: what stays as it is, and what a mail program makes a link of."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit


def readable(text: str) -> str:
    """The same text; in place of each line that holds only a ``mailto:`` link a phrase that says what the link does.

    Programs that read mail make a link of such a line. Here its percent signs would only frighten.
    """
    return "\n".join(_line(line) for line in text.split("\n"))


def _line(line: str) -> str:
    link = line.strip()
    if not link.startswith("mailto:") or " " in link:
        return line
    parts = urlsplit(link)
    subject = parse_qs(parts.query).get("subject", [""])[0]
    about = f", con l'oggetto «{subject}»" if subject else ""
    return f"[qui c'è un collegamento: apre una mail già pronta per {unquote(parts.path)}{about}]"
