"""Is somebody in danger, so that a person must read this today?

Enters a message's subject and text, leaves the cues found (phrases with offsets, raised or lowered
by their context) and, with the trained head's probability, the two signals *da leggere oggi* and
*avvisa il reperibile*. Nothing is refused. The phrases live in ``data/urgency_*.yaml``; none of the
lists has been validated by a clinician, and each says so.

Either may raise: a phrase in a few words, or in a sentence of few words, by itself; elsewhere by lowering the head's
bar to an eighth. A phrase deep in a long sentence in which the head, which has seen thousands of letters, finds next to
no danger is not called urgent; it is never forwarded unread either (``classifier``): a message read in vain costs a
minute and a message missed may cost a life (guide, section 3).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from triage.classify.folding import fold
from triage.classify.lists import read_lists
from triage.classify.phrases import PhraseBook, PhraseMatch
from triage.vocabulary import Reason


@dataclass(frozen=True, slots=True)
class Cue:
    """One phrase of danger in the message. ``lowered_by`` is "" or the context that speaks against it."""

    kind: str
    language: str
    strong: bool
    where: str
    start: int
    end: int
    lowered_by: str
    plain: bool
    """Said in a sentence of few words of the text, not in a title and not in quotation marks."""
    sentence: int
    """Where its sentence begins."""


@dataclass(frozen=True, slots=True)
class UrgencyCues:
    """All cues of one message, and how often the words of time and alarm occur."""

    cues: tuple[Cue, ...]
    present: int
    imminent: int
    explicit: bool
    """An unlowered phrase of the list ``allerta`` stands in the message."""
    words: int
    """How many words were looked at."""

    @property
    def raised(self) -> tuple[Cue, ...]:
        """Strong cues that no context lowers."""
        return tuple(cue for cue in self.cues if cue.strong and not cue.lowered_by)

    @property
    def crowded(self) -> bool:
        """Whether three phrases of two kinds, none of them lowered, stand in one sentence, be they weak."""
        met: dict[tuple[str, int], list[str]] = {}
        for cue in self.cues:
            if not cue.lowered_by:
                met.setdefault((cue.where, cue.sentence), []).append(cue.kind)
        return any(len(kinds) >= CROWD and len(set(kinds)) > 1 for kinds in met.values())

    def features(self) -> Mapping[str, float]:
        """What the trained head sees of the cues: damped counts by kind and context."""
        counts: dict[str, int] = {}
        for cue in self.cues:
            if cue.lowered_by:
                keys = ["lowered", f"lowered:{cue.lowered_by}"]
            else:
                keys = [f"{'strong' if cue.strong else 'weak'}:{cue.kind}", "strong" if cue.strong else "weak"]
            for key in keys:
                counts[key] = counts.get(key, 0) + 1
        counts["present"] = self.present
        counts["imminent"] = self.imminent
        counts["explicit"] = int(self.explicit)
        return {f"cue:{key}": math.log1p(count) for key, count in counts.items() if count}


@dataclass(frozen=True, slots=True)
class Urgency:
    """``urgent``: da leggere oggi. ``alert``: avvisa il reperibile; implies ``urgent``."""

    urgent: bool
    alert: bool
    reasons: tuple[Reason, ...]


def find_cues(parts: Sequence[tuple[str, str]]) -> UrgencyCues:
    """Search (where, text) pairs, e.g. ``(("subject", ...), ("text", ...))``. Never raises."""
    found: list[Cue] = []
    present = imminent = 0
    explicit = False
    announced = False
    for where, text in parts:
        folded = fold(text[:_SCANNED])
        matches = _book().find(folded)
        contexts = [match for match in matches if not match.key.startswith("danger/")]
        present += sum(1 for match in contexts if match.key.startswith("presente/"))
        imminent += sum(1 for match in contexts if match.key.startswith("imminente/"))
        for match in matches:
            if match.key.startswith("danger/"):
                found.append(_judge_cue(where, folded, match, contexts, announced=announced))
            elif match.key.startswith("allerta/") and not _lowered(folded, match, contexts, announced=announced):
                explicit = True
        # "Serata di giovedì" in the subject speaks for the whole message.
        announced = announced or any(match.key.startswith("evento/") for match in contexts)
    words = sum(len(text[:_SCANNED].split()) for _, text in parts)
    return UrgencyCues(tuple(found), present, imminent, explicit, words)


def judge_urgency(cues: UrgencyCues, probability: float, threshold: float) -> Urgency:
    """Join phrases and trained head; ``probability`` and ``threshold`` are the head's, 0..1."""
    few = cues.words <= FEW_WORDS or probability >= PHRASE_BAR * threshold
    raised = cues.raised if few else tuple(cue for cue in cues.raised if cue.plain)
    by_head = probability >= threshold
    if not raised and not by_head:
        return Urgency(False, False, ())
    reasons = said_in(raised)
    if by_head:
        reasons.append(Reason("urgente_modello", {"probability": round(probability, 2)}))
    # Rarer by construction: a very sure head, and an explicit phrase or strong words together with "now".
    alert = probability >= ALERT and (cues.explicit or (bool(raised) and cues.imminent > 0))
    if alert:
        reasons.append(Reason("allerta_pericolo_presente"))
    return Urgency(True, alert, tuple(reasons))


def said_in(cues: Sequence[Cue]) -> list[Reason]:
    """Where phrases of danger stand, the first few."""
    return [
        Reason("urgente_frase", {"kind": cue.kind, "where": cue.where, "start": cue.start, "end": cue.end})
        for cue in cues[:_REASONS]
    ]


def phrase_lists() -> tuple[tuple[str, str, str], ...]:
    """(language, status, signed by) of every list, for the model card."""
    return tuple((str(raw["lingua"]), str(raw["stato"]), str(raw["firmata_da"])) for raw in _files())


PHRASE_BAR = 1 / 8
"""Share of the head's threshold from which a strong phrase raises. Below it phrases had raised 36 harmless letters of
1,463 and no danger of 307 on the fifth evaluation set, before that was given to training (``docs/quality.md``)."""
FEW_WORDS = 15
"""In so few words a phrase raises whatever the head says, which knows whole letters."""
PLAIN_WORDS = 10
"""In a sentence of so few words a phrase raises whatever the head says of the letter around it: it had called 3 of 24
cries of a reviewer's in the middle of an enrolment. Of 20,902 harmless training messages 32 more are raised for it."""
CROWD = 3
"""So many phrases in one sentence hold a message: 35 of 11,462 harmless ones in the natural mix have them."""
ALERT = 0.9
"""The head's probability from which somebody on call may be disturbed."""
_SCANNED = 12_000
_REASONS = 6
_CONTEXTS = ("presente", "negato", "evento", "risolto", "programmazione", "allerta", "imminente", "non_smentisce")
_SENTENCE_END = re.compile(r"[.!?;\n]")
_NEGATION_REACH = 22
_TITLE_REACH = 110


def _judge_cue(where: str, folded: str, match: PhraseMatch, contexts: Sequence[PhraseMatch], *, announced: bool) -> Cue:
    _, language, grade, kind = match.key.split("/")
    lowered_by = _lowered(folded, match, contexts, announced=announced)
    start, end = _sentence(folded, match)
    plain = where == "text" and not lowered_by and _is_plain(folded, match, start, end)
    return Cue(kind, language, grade == "strong", where, match.start, match.end, lowered_by, plain, start)


def _is_plain(folded: str, match: PhraseMatch, start: int, end: int) -> bool:
    if '"' in folded[start:end] or folded.count('"', 0, start) % 2:
        return False
    said = folded[match.start : match.end]
    # One word names a subject ("autolesionismo"); scripts without spaces say it all in one.
    return (" " in said or not said.isascii()) and len(folded[start:end].split()) <= PLAIN_WORDS


def _lowered(folded: str, match: PhraseMatch, contexts: Sequence[PhraseMatch], *, announced: bool) -> str:
    """Which context speaks against this phrase, looking no further than its sentence."""
    start, end = _sentence(folded, match)
    language = match.key.split("/")[1]
    near = [other for other in contexts if start <= other.start and other.end <= end]
    near = [other for other in near if other.key.split("/")[1] == language]
    if _negated(match, near):
        return "negato"
    quoted = folded.count('"', start, match.start) % 2 == 1
    for other in near:
        kind = other.key.split("/")[0]
        outside = other.end <= match.start or other.start >= match.end
        if kind == "evento" and outside and (quoted or 0 <= match.start - other.end <= _TITLE_REACH):
            return "evento"
        if kind == "risolto" and outside:
            return "risolto"
        if kind == "programmazione" and outside:
            return "programmazione"
    return "evento" if announced and quoted else ""


def _negated(match: PhraseMatch, near: Sequence[PhraseMatch]) -> bool:
    kept = [other for other in near if other.key.startswith("non_smentisce/")]
    for other in near:
        if not other.key.startswith("negato/") or not 0 <= match.start - other.end <= _NEGATION_REACH:
            continue
        if not any(keep.start <= other.start and other.end <= keep.end for keep in kept):
            return True
    return False


def _sentence(folded: str, match: PhraseMatch) -> tuple[int, int]:
    start = 0
    for boundary in _SENTENCE_END.finditer(folded, max(0, match.start - 400), match.start):
        start = boundary.end()
    after = _SENTENCE_END.search(folded, match.end)
    return start, after.start() if after else len(folded)


@lru_cache(maxsize=1)
def _files() -> tuple[Mapping[str, object], ...]:
    folder = Path(__file__).parent / "data"
    return tuple(read_lists(path) for path in sorted(folder.glob("urgency_*.yaml")))


@lru_cache(maxsize=1)
def _book() -> PhraseBook:
    entries: list[tuple[str, str]] = []
    for raw in _files():
        language = str(raw["lingua"])
        for section, grade in (("forti", "strong"), ("deboli", "weak")):
            kinds = raw.get(section, {})
            assert isinstance(kinds, dict)  # noqa: S101 - our own data file, checked by a test
            entries.extend(
                (f"danger/{language}/{grade}/{kind}", phrase) for kind, phrases in kinds.items() for phrase in phrases
            )
        for section in _CONTEXTS:
            phrases = raw.get(section, [])
            assert isinstance(phrases, list)  # noqa: S101 - our own data file, checked by a test
            entries.extend((f"{section}/{language}", phrase) for phrase in phrases)
    return PhraseBook(entries)
