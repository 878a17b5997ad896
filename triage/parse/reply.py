"""Text -> what the author wrote now, what was quoted, and the signature.

Own code on lines rather than ``mail-parser-reply``: that one cuts forwarded messages, which are the
content here, and bottom-posted answers, and its patterns run over the whole text (0.33 s for 41 kB
of ">"). Each line is looked at a bounded number of times. When in doubt words stay in the new text:
a reply-stripper that judges a mail empty loses it (osTicket 6487, GitLab 335983).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from triage.parse.quotation_marks import (
    Clues,
    attribution_length,
    find_clues,
    header_block_length,
    is_forward_separator,
    is_forward_subject,
    is_original_separator,
    is_reply_subject,
    says_answered_below,
    says_forward,
)
from triage.parse.signature import split_signature

# ">From " is how mbox files escape a line of text.
_QUOTED_LINE = re.compile(r"\s{0,3}>(?!From )")
_QUOTE_PREFIX = re.compile(r"\s{0,3}> ?")
_RULE = re.compile(r"[_\-=*]{10,}$")
_BLANK_LINES = re.compile(r"\n{3,}")


@dataclass(frozen=True, slots=True)
class SplitText:
    """The three parts of a text, each without blank lines around it."""

    new: str
    quoted: str
    signature: str
    is_forward: bool


@dataclass(frozen=True, slots=True)
class _Boundary:
    """Where somebody else's message begins: lines ``at`` to ``after`` announce it."""

    at: int
    after: int
    forward: bool


def split_reply(text: str, subject: str, threaded: bool = False) -> SplitText:
    """Splits cleaned text; ``new`` is never empty when ``text`` is not blank.

    ``threaded`` says that header fields name an earlier message. In a message that answers nothing,
    lines with ">" are the author's own arrows, not quotation.
    """
    lines = [line.rstrip() for line in text.split("\n")]
    clues = find_clues(text)
    boundary = _find_boundary(lines, clues)
    is_forward = boundary is not None and _is_forward(lines, boundary, subject)
    is_forward = is_forward or is_forward_subject(subject)
    if is_forward:
        new, quoted, signature = _split_forward(lines, boundary)
    else:
        answers = threaded or is_reply_subject(subject) or (clues.attribution and _quotes_an_announcement(lines))
        new, quoted, signature = _split_answer(lines, boundary, answers)
    if not any(line.strip() for line in new):
        return SplitText(_joined(_unquoted(lines)), "", "", is_forward)
    return SplitText(_joined(new), _joined(quoted), _joined(signature), is_forward)


def _find_boundary(lines: list[str], clues: Clues) -> _Boundary | None:
    """The first announcement that is not itself quoted."""
    if not (clues.attribution or clues.separator or clues.header_block):
        return None
    for at, line in enumerate(lines):
        stripped = line.strip()
        if not stripped or stripped.startswith(">"):
            continue
        if clues.separator and is_forward_separator(stripped):
            return _Boundary(at, at + 1, forward=True)
        if clues.separator and is_original_separator(stripped):
            return _Boundary(at, at + 1 + _block_below(lines, at + 1), forward=False)
        length = header_block_length(lines, at) if clues.header_block else 0
        if not length and clues.attribution:
            length = attribution_length(lines, at)
        if length:
            start = at - 1 if at and _RULE.match(lines[at - 1].strip()) else at
            return _Boundary(start, at + length, forward=False)
    return None


def _quotes_an_announcement(lines: list[str]) -> bool:
    """Apple Mail marks its announcement as quoted too; one with an address is nobody's own arrows."""
    quoted = _unquoted([line for line in lines if _QUOTED_LINE.match(line)])
    lengths = ((at, attribution_length(quoted, at)) for at in range(len(quoted)))
    return any(length and "@" in " ".join(quoted[at : at + length]) for at, length in lengths)


def _block_below(lines: list[str], at: int) -> int:
    for skipped in range(2):
        if at + skipped < len(lines) and lines[at + skipped].strip():
            length = header_block_length(lines, at + skipped, after_separator=True)
            length = length or attribution_length(lines, at + skipped)
            return skipped + length if length else 0
    return 0


def _is_forward(lines: list[str], boundary: _Boundary, subject: str) -> bool:
    return boundary.forward or is_forward_subject(subject) or says_forward("\n".join(lines[: boundary.at]))


def _split_forward(lines: list[str], boundary: _Boundary | None) -> tuple[list[str], list[str], list[str]]:
    """The forwarded message is content; only the forwarder's own signature is cut."""
    if boundary is None:
        return _unquoted(lines), [], []
    own, signature = split_signature(lines[: boundary.at])
    return [*own, "", *_unquoted(lines[boundary.at :])], [], signature


def _split_answer(
    lines: list[str], boundary: _Boundary | None, answers_mail: bool
) -> tuple[list[str], list[str], list[str]]:
    if boundary is None and not answers_mail:
        own, signature = split_signature(lines)
        return own, [], signature
    if boundary is None:
        new = [line for line in lines if not _QUOTED_LINE.match(line)]
        quoted = [line for line in lines if _QUOTED_LINE.match(line)]
        own, signature = split_signature(new)
        return own, quoted, signature
    above = lines[: boundary.at]
    below = lines[boundary.after :]
    announced = lines[boundary.at : boundary.after]
    if says_answered_below("\n".join(above)):
        return lines, [], []
    own_above = [line for line in above if not _QUOTED_LINE.match(line)]
    quoted = [line for line in above if _QUOTED_LINE.match(line)] + announced
    if any(_QUOTED_LINE.match(line) for line in below[:3]):
        # Marked quotation: unmarked lines between and under it are the author's answers.
        answers = [line for line in below if not _QUOTED_LINE.match(line)]
        quoted += [line for line in below if _QUOTED_LINE.match(line)]
    else:
        answers = []
        quoted += below
    own, signature = split_signature(own_above)
    if any(line.strip() for line in answers):
        answers, more = split_signature(answers)
        return [*own, "", *answers], quoted, [*signature, *more]
    return own, quoted, signature


def _unquoted(lines: list[str]) -> list[str]:
    """Lines without one level of quotation marks, as Apple Mail forwards."""
    return [_QUOTE_PREFIX.sub("", line, count=1) if _QUOTED_LINE.match(line) else line for line in lines]


def _joined(lines: list[str]) -> str:
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n")
