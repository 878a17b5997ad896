"""HTML -> text with lines, paragraphs and quotation marks ("> ") where a reader sees them.

Scripts, styles, comments and what is hidden are left out: they are not what the author wrote for a
person. Markup whose tree would cost too much goes through a plain tag remover instead; the text is
read all the same.
"""

from __future__ import annotations

import html
import re

from selectolax.lexbor import LexborHTMLParser

from triage.parse.html_cost import costs_too_much
from triage.parse.limits import Budget, DefectLog

# Noncharacters: they cannot stand in text by right, and cleaning removes them. _CELL ends a line where a block begins
# or ends (cells of a table are parted by a blank), _BREAK also one without text.
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

_OPENER = re.compile(r"<!--|<(?:script|style|head|title|select)(?=[\s>/])", re.IGNORECASE)
_LINE_TAG = re.compile(r"</?(?:p|div|br|tr|td|th|li|h[1-6]|table|blockquote|ul|ol|pre|hr)\b[^<>]*>", re.IGNORECASE)
_ANY_TAG = re.compile(r"</?[A-Za-z!?][^<>]*>")


def html_to_text(source: str, budget: Budget, defects: DefectLog) -> str:
    """The visible text; quoted containers get "> " in front of each line. Never raises on markup."""
    source = budget.take_markup(source).replace("\x00", "")
    trouble = costs_too_much(source, budget.nodes_left(), budget.limits)
    if trouble:
        defects.add(trouble)
        return strip_tags(source)
    budget.spend_nodes(source.count("<"))
    tree = LexborHTMLParser(source)
    if tree.body is None or _MARKS.search(tree.body.text()):
        return strip_tags(source)
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


def strip_tags(source: str) -> str:
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
