"""A rendered text for a family, as plain text and as HTML: both from the same blocks, so they say the same.

In: text in which a blank line parts the blocks, "## " begins a heading, "- " an item of a list, and
"=> mailto:... words" is a link; all else is a paragraph. Out: lines, or accessible HTML: headings,
lists, one language and direction per section, no image, no colour, nothing fetched. Refused: a link
that is no mailto. Pure.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum


class BlockKind(StrEnum):
    """What a block is."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST = "list"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Block:
    """``lines`` are those of a paragraph, the items of a list, or the words of a heading or link."""

    kind: BlockKind
    lines: tuple[str, ...]
    target: str = ""
    """Of a link: its mailto."""


@dataclass(frozen=True, slots=True)
class Section:
    """What is said in one language."""

    language: str
    right_to_left: bool
    title: str
    """Shown in HTML only: a mail program shows the subject above plain text."""
    blocks: tuple[Block, ...]


def blocks_of(text: str) -> tuple[Block, ...]:
    """The blocks of a rendered text; raises ``ValueError`` for a link that is no mailto."""
    return tuple(_merged(_lines(text)))


def as_plain(sections: Sequence[Section]) -> str:
    """All sections, one below the other."""
    return "\n\n- - - - - - - - - -\n\n".join(
        "\n\n".join("\n".join(_plain(block)) for block in section.blocks) for section in sections
    )


def as_html(sections: Sequence[Section]) -> str:
    """A whole page; its own language is that of its first section."""
    first = sections[0]
    body = "\n<hr>\n".join(_section(section) for section in sections)
    return (
        f'<!DOCTYPE html>\n<html lang="{first.language}" dir="{_direction(first)}">\n'
        f'<head>\n<meta charset="utf-8">\n<title>{html.escape(first.title)}</title>\n</head>\n'
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def _lines(text: str) -> Iterator[Block | None]:
    """A block for each line, ``None`` for a blank one."""
    for raw in text.split("\n"):
        line = raw.strip()
        if not line:
            yield None
        elif line.startswith("## "):
            yield Block(BlockKind.HEADING, (line[3:].strip(),))
        elif line.startswith("- "):
            yield Block(BlockKind.LIST, (line[2:].strip(),))
        elif line.startswith("=>"):
            target, _, words = line[2:].strip().partition(" ")
            if not target.startswith("mailto:") or not words.strip():
                raise ValueError("a link must be a mailto with words")
            yield Block(BlockKind.LINK, (words.strip(),), target)
        else:
            yield Block(BlockKind.PARAGRAPH, (line,))


def _merged(found: Iterable[Block | None]) -> Iterator[Block]:
    """Lines of one paragraph, or items of one list, that follow one another are one block."""
    open_block: Block | None = None
    for block in found:
        grows = block is not None and block.kind in (BlockKind.PARAGRAPH, BlockKind.LIST)
        if open_block is not None and block is not None and grows and block.kind is open_block.kind:
            open_block = Block(block.kind, (*open_block.lines, *block.lines))
            continue
        if open_block is not None:
            yield open_block
        open_block = block if grows else None
        if block is not None and not grows:
            yield block
    if open_block is not None:
        yield open_block


def _plain(block: Block) -> tuple[str, ...]:
    match block.kind:
        case BlockKind.LIST:
            return tuple(f"  - {line}" for line in block.lines)
        case BlockKind.LINK:
            return (*block.lines, block.target)
        case _:
            return block.lines


def _section(section: Section) -> str:
    side = ' style="text-align:right"' if section.right_to_left else ""
    head = (
        f'<section lang="{section.language}" dir="{_direction(section)}"{side}>\n<h1>{html.escape(section.title)}</h1>'
    )
    return "\n".join((head, *(_html(block) for block in section.blocks), "</section>"))


def _direction(section: Section) -> str:
    return "rtl" if section.right_to_left else "ltr"


def _html(block: Block) -> str:
    words = [html.escape(line) for line in block.lines]
    match block.kind:
        case BlockKind.HEADING:
            return f"<h2>{words[0]}</h2>"
        case BlockKind.LIST:
            return "\n".join(("<ul>", *(f"<li>{line}</li>" for line in words), "</ul>"))
        case BlockKind.LINK:
            return f'<p><a href="{html.escape(block.target)}">{words[0]}</a></p>'
        case BlockKind.PARAGRAPH:
            return f"<p>{'<br>'.join(words)}</p>"
