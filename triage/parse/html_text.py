"""HTML -> text with lines, paragraphs and quotation marks ("> ") where a reader sees them.

Scripts, styles, comments and what is hidden are left out: they are not what the author wrote for a
person. The tree parser's cost grows with the square of nesting and with unclosed formatting, so
markup beyond the caps goes through a plain tag remover instead; the text is read all the same.
"""

from __future__ import annotations

import html
import re

from selectolax.lexbor import LexborHTMLParser

from triage.parse.limits import DefectLog, ParseLimits

# Noncharacters: they cannot stand in text by right, and cleaning removes them.
_BREAK, _PARAGRAPH, _QUOTE, _UNQUOTE, _CELL = "\ufdd0", "\ufdd1", "\ufdd2", "\ufdd3", "\ufdd4"
_SPLIT_AT_MARKS = re.compile("([\ufdd0-\ufdd4])")
_MARKS = re.compile("[\ufdd0-\ufdd4]")

_DROPPED = [
    "script",
    "style",
    "head",
    "title",
    "template",
    "noscript",
    "object",
    "svg",
    "math",
    "select",
    "iframe",
    "textarea",
]
_HIDDEN = '[style*="display:none" i],[style*="display: none" i],[style*="mso-hide:all" i],[hidden]'
_LINES = (
    "div,tr,li,h1,h2,h3,h4,h5,h6,ul,ol,dl,dt,dd,table,section,article,header,footer,address,form,center,fieldset,hr"
)
_PARAGRAPHS = "p,pre,blockquote"
_QUOTES = 'blockquote[type="cite" i],blockquote[class*="quote"],blockquote[class*="cite"],div.quoted-html'
_CELLS = "td,th"

_MAX_QUOTE_DEPTH = 50
_MANY_NODES = 1_000
_MAX_NESTING = 1_000
_MAX_COPIES = 200_000
_TAG = re.compile(r"<(/?)([a-z][a-z0-9]{0,15})")
_FORMATTING = frozenset(
    ["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"]
)
_LEFT_OPEN = frozenset(
    [
        "p",
        "li",
        "td",
        "tr",
        "th",
        "dt",
        "dd",
        "option",
        "br",
        "img",
        "hr",
        "meta",
        "link",
        "input",
        "col",
        "wbr",
        "area",
        "base",
        "tbody",
        "thead",
        "tfoot",
    ]
)

_OPENER = re.compile(r"<!--|<(?:script|style|head|title)(?=[\s>/])", re.IGNORECASE)
_LINE_TAG = re.compile(r"</?(?:p|div|br|tr|li|h[1-6]|table|blockquote|ul|ol|pre|hr)\b[^<>]*>", re.IGNORECASE)
_ANY_TAG = re.compile(r"</?[A-Za-z!?][^<>]*>")


def html_to_text(source: str, limits: ParseLimits, defects: DefectLog) -> str:
    """The visible text; quoted containers get "> " in front of each line. Never raises on markup."""
    if len(source) > limits.html_characters:
        defects.add("limit_html_characters")
        source = source[: limits.html_characters]
    source = source.replace("\x00", "")
    if _too_costly(source, limits):
        defects.add("limit_html_nodes")
        return _strip_tags(source)
    tree = LexborHTMLParser(source)
    if tree.body is None or _MARKS.search(tree.body.text()):
        return _strip_tags(source)
    tree.strip_tags(_DROPPED)
    for node in tree.css(_HIDDEN):
        node.decompose()
    for pre in tree.css("pre"):
        for text in list(pre.traverse(include_text=True)):
            if text.tag == "-text":
                text.replace_with((text.text_content or "").replace("\r", "").replace("\n", _BREAK))
    _mark(tree)
    if tree.body is None:
        return ""
    return _lay_out(tree.body.text())


def _mark(tree: LexborHTMLParser) -> None:
    for node in tree.css("br"):
        node.insert_before(_BREAK)
    for node in tree.css(_LINES):
        node.insert_before(_CELL)
        node.insert_after(_CELL)
    for node in tree.css(_PARAGRAPHS):
        node.insert_before(_PARAGRAPH)
        node.insert_after(_PARAGRAPH)
    for node in tree.css(_CELLS):
        node.insert_after(" ")
    for node in tree.css(_QUOTES):
        node.insert_before(_QUOTE)
        node.insert_after(_UNQUOTE)


def _lay_out(marked: str) -> str:
    """Marks -> line ends. White space of the source counts as one space (CSS 2 section 16.6)."""
    lines: list[str] = []
    depth = 0
    pieces = _SPLIT_AT_MARKS.split(marked)
    pieces.append(_CELL)
    for piece, mark in zip(pieces[::2], pieces[1::2], strict=True):
        line = " ".join(piece.split()) if piece else ""
        if line or mark == _BREAK:
            lines.append(_prefixed(line, depth))
        if mark == _PARAGRAPH:
            if lines and lines[-1].strip("> "):
                lines.append(_prefixed("", depth))
        elif mark == _QUOTE:
            depth = min(depth + 1, _MAX_QUOTE_DEPTH)
        elif mark == _UNQUOTE:
            depth = max(depth - 1, 0)
    return "\n".join(lines).strip("\n")


def _prefixed(line: str, depth: int) -> str:
    return f"{'>' * depth} {line}".rstrip() if depth else line


def _too_costly(source: str, limits: ParseLimits) -> bool:
    """True for markup whose tree could grow far beyond its source."""
    tags = source.count("<")
    if tags > limits.html_nodes:
        return True
    if tags <= _MANY_NODES:
        return False
    nesting = deepest = formatting = most = 0
    for closing, name in _TAG.findall(source.lower()):
        step = -1 if closing else 1
        if name in _FORMATTING:
            formatting = formatting + step if formatting + step > 0 else 0
            most = formatting if formatting > most else most
        if name not in _LEFT_OPEN:
            nesting = nesting + step if nesting + step > 0 else 0
            deepest = nesting if nesting > deepest else deepest
    return deepest > _MAX_NESTING or most * tags > _MAX_COPIES


def _strip_tags(source: str) -> str:
    """Text without tags, in time linear to the source."""
    text = _without_rubbish(source)
    text = _ANY_TAG.sub("", _LINE_TAG.sub("\n", text))
    lines = (" ".join(line.split()) for line in html.unescape(text).split("\n"))
    return "\n".join(line for line in lines if line)


def _without_rubbish(source: str) -> str:
    """Drops comments and elements that are not text. A closing tag that is not there is looked for
    once only: looking again at each opening tag would be quadratic."""
    lower = source.lower()
    if len(lower) != len(source):  # a few letters change length
        lower = source
    kept: list[str] = []
    absent: set[str] = set()
    position = 0
    for opener in _OPENER.finditer(lower):
        if opener.start() < position:
            continue
        closer = "-->" if opener[0] == "<!--" else f"</{opener[0][1:]}"
        end = -1 if closer in absent else lower.find(closer, opener.end())
        if end < 0:
            absent.add(closer)
            continue
        kept.append(source[position : opener.start()])
        position = end + len(closer)
        if closer != "-->" and (bracket := source.find(">", position, position + 100)) >= 0:
            position = bracket + 1
    kept.append(source[position:])
    return "".join(kept)
