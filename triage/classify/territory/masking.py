"""A text without its place names, for the topic model, which must not learn places.

Enters: a text and the mentions found in it. Leaves: the text with a token for each name.
"""

from __future__ import annotations

from collections.abc import Iterable

from triage.vocabulary import PlaceMention, Role

PLACE_TOKEN = "luogomascherato"  # noqa: S105 - a word that nobody writes, not a secret


def mask_places(text: str, mentions: Iterable[PlaceMention]) -> str:
    """``text`` with every place replaced by :data:`PLACE_TOKEN`.

    ``mentions`` are those of this very text (one value of ``where``); common words stay, mentions
    that overlap an earlier one or lie outside the text are passed over.
    """
    parts: list[str] = []
    done = 0
    for mention in sorted(mentions, key=lambda one: (one.start, -one.end)):
        if mention.role is Role.COMMON_WORD or not done <= mention.start < mention.end <= len(text):
            continue
        parts += [text[done : mention.start], PLACE_TOKEN]
        done = mention.end
    return "".join(parts) + text[done:]
