"""A person's words under the header fields of an answering program or a list.

Enters a message that header fields prove to be a machine's. Leaves whether its words may be a person's all the same:
then it is filed only when somebody has read it. Nothing is refused, and nothing here says what a machine is.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from triage.classify.automatic import Automatic
from triage.classify.automatic_text import count_text_evidence
from triage.classify.folding import fold
from triage.classify.lists import read_lists
from triage.classify.phrases import PhraseBook
from triage.vocabulary import InboundMessage, Reason

_FAREWELL, _ABSENCE = "addio", "assenza"
_FEW_WORDS = 12
_A_NOTE = 120
"""Words that an answering program's note has at most; lists write more, and of families, too."""
_READ = 12_000


def of_a_person(message: InboundMessage, automatic: Automatic) -> tuple[Reason, ...]:
    """Why a machine's mail may hold a person's words; none for reports and receipts, whose every word is a program's.

    ``poche_parole``: a few words, none of which shows a machine. ``parole_di_persona``: a farewell, family, fear in
    whatever else the note says; an answer unlike any absence note; or words that nothing but Precedence calls a
    machine's. Lists' letters to many speak of families too, so of them only what an answering program proves is read
    so, and a farewell in a note whose one proof is Precedence.
    """
    words = len(message.new_text.split())
    if not automatic.proved or automatic.reports or words == 0:
        return ()
    evidence = count_text_evidence(message)
    if words <= _FEW_WORDS and not evidence:
        return (Reason("poche_parole"),)
    if _is_bulk_alone(automatic) and not evidence:
        # Mail merges and some webmail set it on what one person wrote to one address.
        return (Reason("parole_di_persona"),)
    found = {match.key for match in _book().find(fold(f"{message.subject}\n{message.new_text}"[:_READ]))}
    if _is_bulk_alone(automatic) and words <= _A_NOTE and _FAREWELL in found:
        return (Reason("parole_di_persona"),)
    if not automatic.answers_nothing or automatic.lists:
        return ()
    # A program writes the subject; what stands under it may be anything.
    usual = any(match.key == _ABSENCE for match in _book().find(fold(message.new_text[:_READ])))
    like_a_note = words <= _FEW_WORDS or usual or any(one.params.get("where") != "subject" for one in evidence)
    return (Reason("parole_di_persona"),) if _FAREWELL in found or not like_a_note else ()


def _is_bulk_alone(automatic: Automatic) -> bool:
    """Only Precedence (RFC 2076 section 3.9) speaks of many readers: answering programs write it, too."""
    codes = {reason.code for reason in automatic.reasons}
    return "automatico_precedence" in codes and "automatico_list" not in codes


@lru_cache(maxsize=1)
def _book() -> PhraseBook:
    raw = read_lists(Path(__file__).parent / "data" / "under_headers.yaml")
    return PhraseBook((kind, phrase) for kind, phrases in raw.items() for phrase in phrases)
