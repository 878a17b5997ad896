"""One text without whom it is about: spans found, placeholders put in, the same ones all through a message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from triage.classify.folding import fold
from triage.pseudonyms.kinds import Kind, Span, placeholder
from triage.pseudonyms.persons import names_in
from triage.pseudonyms.shapes import shapes
from triage.pseudonyms.tokens import tokens_of

__all__ = ["Kind", "Masks", "Span"]


@dataclass(slots=True)
class Masks:
    """The placeholders of one message, and the names that were found in it so far."""

    numbers: dict[tuple[Kind, str], int] = field(default_factory=dict)
    counts: dict[Kind, int] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)

    def spans(self, text: str, places: Sequence[tuple[int, int]] = ()) -> list[Span]:
        """All that is to be masked in a text, in order; ``places`` are spans of place names, which stay."""
        found = shapes(text)
        # What is masked already is no word: neither a name nor what stands before one.
        bare = _blanked(text, found)
        tokens = tokens_of(bare, places)
        names = names_in(bare, tokens, self.known)
        self.known |= {
            tokens[number].word for number in names if len(tokens[number].word) > 2 and not tokens[number].place
        }
        runs: list[Span] = []
        for number in sorted(names):
            token = tokens[number]
            end = token.end
            while end < len(text) and text[end].isdigit():
                end += 1  # "peppe80"
            if runs and text[runs[-1].end : token.start] in (" ", "'", "’", "-", ". ") and number - 1 in names:
                runs[-1] = Span(runs[-1].start, end, Kind.PERSON)
            else:
                runs.append(Span(token.start, end, Kind.PERSON))
        return sorted([*found, *runs], key=lambda span: span.start)

    def mask(self, text: str, places: Sequence[tuple[int, int]] = ()) -> str:
        """The text with a placeholder for each span."""
        parts: list[str] = []
        done = 0
        for span in self.spans(text, places):
            parts += [text[done : span.start], self.put(span.kind, text[span.start : span.end])]
            done = span.end
        return "".join(parts) + text[done:]

    def put(self, kind: Kind, raw: str) -> str:
        """The placeholder for something; a person is the same by the first name as by the whole."""
        words = fold(raw).split()
        keys = [(kind, word) for word in words] if kind is Kind.PERSON else [(kind, "".join(words))]
        number = next((self.numbers[key] for key in keys if key in self.numbers), 0)
        if not number:
            number = self.counts[kind] = self.counts.get(kind, 0) + 1
        self.numbers.update({key: number for key in keys if key not in self.numbers})
        return placeholder(kind, number)


def _blanked(text: str, spans: Sequence[Span]) -> str:
    signs = list(text)
    for span in spans:
        signs[span.start : span.end] = "0" * (span.end - span.start)
    return "".join(signs)
