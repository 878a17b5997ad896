"""Where a word or sign that weighed stands in the message, for people to see. Pure."""

from __future__ import annotations

from triage.classify.topics import find_signs


def locate(field: str, word: str, texts: dict[str, str]) -> tuple[str, int, int] | None:
    """Where a word or sign stands in the message's own text; folding kept one character for one."""
    if field in texts:
        start = _find_word(texts[field], word)
        return None if start < 0 else (field, start, start + len(word))
    sign = word.partition(":")[2]
    for where, folded in texts.items():
        for name, start, end in find_signs(folded):
            if name.endswith(f"/{sign}"):
                return where, start, end
    return None


def _find_word(text: str, word: str) -> int:
    """Where a word first stands as a whole word, or -1."""
    start = text.find(word)
    while start >= 0:
        end = start + len(word)
        if not _is_letter(text[start - 1 : start]) and not _is_letter(text[end : end + 1]):
            return start
        start = text.find(word, start + 1)
    return -1


def _is_letter(character: str) -> bool:
    return character == "_" or character.isalnum()
