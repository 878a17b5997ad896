"""daticert.xml -> ``PecData``: what a provider certifies of a message.

The octets are a stranger's. A document type is refused whole, so neither entities nor files nor
addresses are ever followed (OWASP ASVS 1.5.1). XML that no parser takes (providers have written an
unescaped "&" into the subject) is still searched for the few fields that we need. Total.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from triage.parse.cleaning import clean_line
from triage.vocabulary import PecData

_LONGEST = 500
_ROOT = re.compile(r"<\s*postacert\b([^<>]{0,500})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"(\w{1,20})\s*=\s*[\"']([^\"'<>]{0,100})[\"']")
_TEXTS = ("msgid", "identificativo", "gestore-emittente", "consegna", "errore-esteso", "giorno", "ora")


def read_daticert(octets: bytes) -> PecData | None:
    """The certified data; ``None`` when there is nothing like it. Raises nothing."""
    try:
        root = ElementTree.fromstring(octets, forbid_dtd=True)
    except DefusedXmlException:
        return PecData(damaged=True)  # whoever declares a document type here means no good
    except (ElementTree.ParseError, ValueError, LookupError):
        return _from_broken(octets)
    if root.tag != "postacert":
        return None
    found: dict[str, str] = {}
    zone = ""
    for element in root.iter():
        if element.tag in _TEXTS:
            found.setdefault(element.tag, element.text or "")
        elif element.tag == "data":
            zone = zone or element.get("zona", "")
    return _data(root.get("tipo", ""), root.get("errore", ""), found, zone, damaged=False)


def _from_broken(octets: bytes) -> PecData | None:
    text = octets.decode("utf-8", "replace")
    if "<!DOCTYPE" in text.upper():
        return PecData(damaged=True)
    opened = _ROOT.search(text)
    if opened is None:
        return None
    attributes = dict(_ATTRIBUTE.findall(opened[1]))
    found: dict[str, str] = {}
    for name in _TEXTS:
        element = re.search(rf"<{name}(?:\s[^<>]{{0,200}})?>([^<>]{{0,{_LONGEST}}})</{name}\s*>", text)
        if element is not None:
            found[name] = html.unescape(element[1])
    zone = re.search(r"<data\s+zona\s*=\s*[\"']([+-]\d{4})[\"']", text)
    return _data(attributes.get("tipo", ""), attributes.get("errore", ""), found, zone[1] if zone else "", damaged=True)


def _data(kind: str, error: str, found: Mapping[str, str], zone: str, *, damaged: bool) -> PecData:
    def text(name: str) -> str:
        return clean_line(found.get(name, ""))[:_LONGEST].strip()

    return PecData(
        kind=kind.strip().lower()[:40],
        error=error.strip().lower()[:40],
        error_detail=text("errore-esteso"),
        message_id=text("msgid"),
        identifier=text("identificativo"),
        provider=text("gestore-emittente"),
        delivered_to=text("consegna"),
        time=_moment(text("giorno"), text("ora"), zone),
        damaged=damaged,
    )


def _moment(day: str, hour: str, zone: str) -> datetime | None:
    """The certified time in UTC: ``18/09/2026``, ``10:22:00``, zone ``+0200``. Without a zone it is no moment."""
    offset = re.fullmatch(r"([+-])(\d\d):?(\d\d)", zone.strip())
    if offset is None:
        return None
    away = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
    try:
        local = datetime.strptime(f"{day} {hour}", "%d/%m/%Y %H:%M:%S").replace(
            tzinfo=timezone(away if offset[1] == "+" else -away)
        )
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
