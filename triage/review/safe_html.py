"""Formatted mail made harmless: what is left loads nothing, runs nothing, hides nothing and leads nowhere.

The source of a message's markup enters, a whole page for a sandboxed frame leaves. nh3 (the ammonia library) reads it
as a browser would and keeps a short list of elements without attributes; of links the text stays, and beside it the
real target in plain letters; of pictures what their writer says that they show. After nh3 only our own marks change.
"""

from __future__ import annotations

import base64
import hashlib
import re
from urllib.parse import SplitResult, urlsplit

import nh3
from selectolax.lexbor import LexborHTMLParser

_BLOCKS = "p br hr div span blockquote pre h1 h2 h3 h4 h5 h6 ul ol li dl dt dd center"
_TABLES = "table thead tbody tfoot tr td th caption"
_LETTERS = "b strong i em u s small sub sup code"
_KEPT = frozenset(f"{_BLOCKS} {_TABLES} {_LETTERS}".split())
_ACTIVE = "script style title head template noscript object embed applet iframe frame svg math select textarea"
_WITH_CONTENT = frozenset(_ACTIVE.split())
"""Removed with everything in them: none of it is what somebody wrote for a person."""
_CELLS: dict[str, set[str]] = {"*": set(), "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}, "ol": {"start"}}
_HIDDEN = (
    '[style*="display:none" i],[style*="display: none" i],[style*="visibility:hidden" i],'
    '[style*="visibility: hidden" i],[style*="mso-hide:all" i],[hidden]'
)
_LONGEST_TARGET = 300
_OPEN, _CLOSE = "\ufdd0", "\ufdd1"
_MARKS = re.compile("[\ufdd0\ufdd1]")

STYLE = (
    "body{font:1rem/1.5 sans-serif;color:#17324d;background:#fff;margin:1rem;overflow-wrap:anywhere}"
    "table{border-collapse:collapse;max-width:100%}td,th{padding:.15rem .4rem;vertical-align:top}"
    "blockquote{border-left:3px solid #5b6f82;margin:0 0 0 .5rem;padding-left:.75rem}"
    ".meta-dato{background:#eef2f6;border:1px solid #5b6f82;border-radius:3px;padding:0 .25rem;font-size:.9em}"
)
_DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; "
    "sandbox"
)
"""The frame's own Content-Security-Policy: nothing but our one style, no script, no form, no other window."""


def safe_page(source: str) -> str:
    """A page that shows the markup. Total: whatever the source, a page comes back."""
    return (
        '<!doctype html><html lang="it"><head><meta charset="utf-8"><title>Messaggio con la sua grafica</title>'
        f"<style>{STYLE}</style></head><body>{sanitised(source)}</body></html>"
    )


def sanitised(source: str) -> str:
    """The markup's harmless remainder."""
    kept = nh3.clean(
        _with_targets(source),
        tags=set(_KEPT),
        clean_content_tags=set(_WITH_CONTENT),
        attributes=_CELLS,
        link_rel=None,
    )
    return kept.replace(_OPEN, '<span class="meta-dato">[').replace(_CLOSE, "]</span>")


def _with_targets(source: str) -> str:
    """The body with links, pictures and forms told in words, and without what its writer's program would not show.

    Our words stand between noncharacters, which the writer cannot put there: no class or bracket of theirs looks so.
    """
    tree = LexborHTMLParser(source)
    if tree.body is None:
        return ""
    if _MARKS.search(tree.body.html or ""):
        tree = LexborHTMLParser(_MARKS.sub("", tree.body.html or ""))
    body = tree.body
    if body is None:
        return ""
    for node in tree.css(_HIDDEN):
        node.decompose()
    for link in tree.css("a[href],area[href]"):
        link.insert_after(_said(f"porta a: {shown_target(link.attributes.get('href') or '')}"))
    for picture in tree.css("img"):
        picture.insert_after(_said(f"immagine non mostrata: {_line(picture.attributes.get('alt') or '')}"))
    for form in tree.css("form[action]"):
        target = shown_target(form.attributes.get("action") or "")
        form.insert_before(_said(f"modulo disattivato, avrebbe inviato i dati a: {target}"))
    return body.html or ""


def _said(text: str) -> str:
    return f" {_OPEN}{_MARKS.sub('', text)}{_CLOSE} "


def _line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST_TARGET] or "senza descrizione"


def shown_target(target: str) -> str:
    """Where a link leads, as it may be read: the host in the letters of the wire, nothing longer than a line or two."""
    text = "".join(sign for sign in target if sign.isprintable()).strip()
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        if host and not host.isascii():
            text = _in_wire_letters(parts, host)
    except ValueError:
        pass
    return text if len(text) <= _LONGEST_TARGET else text[:_LONGEST_TARGET] + "…"


def _in_wire_letters(parts: SplitResult, host: str) -> str:
    try:
        wire = host.encode("idna").decode("ascii")
    except UnicodeError:
        wire = host.encode("ascii", "backslashreplace").decode("ascii")
    user = f"{parts.username}@" if parts.username else ""
    port = f":{parts.port}" if parts.port else ""
    return parts._replace(netloc=f"{user}{wire}{port}").geturl()
