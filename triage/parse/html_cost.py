"""How dear would the tree of this markup be? Asked before the tree parser sees it.

The parser's cost is linear for what mail programs write, and grows with the square of nesting, of
formatting left open, of the attributes of one element and of the options of one list. Each has its
cap here; the question itself is linear to the source.
"""

from __future__ import annotations

import re
from functools import cache

from triage.parse.limits import ParseLimits

_MANY_NODES = 1_000
_MAX_NESTING = 1_000
_MAX_COPIES = 200_000
_MAX_OPTIONS = 1_000
_MERGED = 10
"""Attributes of every further <html> and <body> join the first one's: so many tags' worth of them."""
_OVERLAP = 4
"""Tags do not overlap; what may be taken for one can, inside another's attribute."""

_TAG = re.compile(r"<(/?)([a-z][^\t\n\f\r />]*+)")
_FORMATTING = frozenset(
    ["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"]
)
_WITHOUT_END = "br img hr meta link input col wbr area base embed source track"
_IMPLIED_END = "p li td tr th dt dd option tbody thead tfoot"
_LEFT_OPEN = frozenset(f"{_WITHOUT_END} {_IMPLIED_END}".split())
_LEFT_OPEN_IN_DRAWINGS = frozenset(["p", "li", "dt", "dd", "br", "img", "hr", "meta"])
"""Inside <svg> and <math> the others nest like any element."""
_LOOK_BACK = 8

# The tokenizer's states for attributes (HTML Standard, sections 13.2.5.32 to 13.2.5.39), without a way back.
_SPACE = r"\t\n\f\r "
_VALUE = rf"""(?:"[^"]*+"?+|'[^']*+'?+|(?!>)[^{_SPACE}>]++)?+"""
_ATTRIBUTE = rf"[{_SPACE}/]*+(?!>)(?:=[^{_SPACE}/>=]*+|[^{_SPACE}/>=]++)(?:[{_SPACE}]*+=[{_SPACE}]*+{_VALUE})?+"
_ONE_ATTRIBUTE = re.compile(_ATTRIBUTE)
_TAG_NAME = re.compile(rf"</?([A-Za-z][^{_SPACE}/>]*+)")


def costs_too_much(source: str, nodes_left: int, limits: ParseLimits) -> str:
    """The cap that the markup's tree would break, as a defect's code; "" when it may be built."""
    tags = source.count("<")
    if tags > nodes_left:
        return "limit_html_nodes"
    if _too_many_attributes(source, limits.html_attributes):
        return "limit_html_attributes"
    return "limit_html_nodes" if tags > _MANY_NODES and _grows(source.lower(), tags) else ""


def _grows(lower: str, tags: int) -> bool:
    """True for markup whose tree could grow far beyond its source.

    An end tag that is not its innermost element's may be ignored by the parser, or move what stands
    between: what it seems to close still counts as open.
    """
    left_open = _LEFT_OPEN_IN_DRAWINGS if "<svg" in lower or "<math" in lower else _LEFT_OPEN
    stack: list[str] = []
    strayed = deepest = formatting = most = options = 0
    for closing, name in _TAG.findall(lower):
        if name == "option" and not closing:
            options += 1
        if name in left_open:
            continue
        if not closing:
            stack.append(name)
            formatting += name in _FORMATTING
            most = formatting if formatting > most else most
            deepest = len(stack) + strayed if len(stack) + strayed > deepest else deepest
        elif stack and stack[-1] == name:
            stack.pop()
            formatting -= name in _FORMATTING
        elif name in stack[-_LOOK_BACK:]:
            while stack:
                strayed += 1
                if stack.pop() == name:
                    break
    return deepest > _MAX_NESTING or most * tags > _MAX_COPIES or options > _MAX_OPTIONS


def _too_many_attributes(source: str, most: int) -> bool:
    """Every place that could be a tag is read as one, wherever it stands: what is a comment or a
    script, and what only looks like it, is for the tree parser to know."""
    attributes = _attributes(most)
    merged, read = 0, _OVERLAP * len(source)
    place = source.find("<")
    while place >= 0:
        name = _TAG_NAME.match(source, place)
        if name is not None:
            found = attributes.match(source, name.end())
            end = found.end() if found is not None else name.end()
            if _ONE_ATTRIBUTE.match(source, end):
                return True
            if name[1].lower() in ("html", "body"):
                merged += sum(1 for _ in _ONE_ATTRIBUTE.finditer(source, name.end(), end))
            read -= end - place
            if merged > _MERGED * most or read < 0:
                return True
        place = source.find("<", place + 1)
    return False


@cache
def _attributes(most: int) -> re.Pattern[str]:
    return re.compile(f"(?:{_ATTRIBUTE}){{0,{most}}}+")
