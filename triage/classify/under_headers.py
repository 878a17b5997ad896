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


def of_a_person(message: InboundMessage, automatic: Automatic, *, like_bulk: bool = False) -> tuple[Reason, ...]:
    """Why a machine's mail may hold a person's words; none for reports and receipts, whose every word is a program's.

    ``poche_parole``: a few words, none of which shows a machine. ``parole_di_persona``: a farewell, family, fear in
    whatever else the note says; an answer unlike any absence note; or, under a list's fields, words in which nothing is
    a letter's to many: no phrase of such letters, and not ``like_bulk`` (:func:`reads_as_bulk`). Group mailboxes, mail
    merges and some webmail put a list's fields on what one person wrote to one address.
    """
    words = len(message.new_text.split())
    if not automatic.proved or automatic.reports or words == 0:
        return ()
    evidence = count_text_evidence(message)
    if words <= _FEW_WORDS and not evidence:
        return (Reason("poche_parole"),)
    # Families ask when an office is closed; an absence note asks nothing.
    absent = "?" not in message.new_text and any(
        match.key == _ABSENCE for match in _book().find(fold(message.new_text[:_READ]))
    )
    if automatic.lists and not (evidence or like_bulk or (automatic.answers_nothing and absent)):
        return (Reason("parole_di_persona"),)
    found = {match.key for match in _book().find(fold(f"{message.subject}\n{message.new_text}"[:_READ]))}
    if _is_bulk_alone(automatic) and words <= _A_NOTE and _FAREWELL in found:
        return (Reason("parole_di_persona"),)
    if not automatic.answers_nothing or automatic.lists:
        return ()
    # A program writes the subject; what stands under it may be anything.
    shown = any(one.params.get("where") != "subject" for one in evidence)
    like_a_note = words <= _FEW_WORDS or like_bulk or absent or shown
    return (Reason("parole_di_persona"),) if _FAREWELL in found or not like_a_note else ()


def reads_as_bulk(automatic: float, not_for_us: float) -> bool:
    """Whether the heads see a machine in the words alone, or mail that is not for us; both probabilities, 0..1.

    On a held-out fifth of the training messages 50 of 62 lists' letters without a person read so or hold such a phrase;
    of a reviewer's 18 letters by persons under a list's fields none does.
    """
    return automatic >= _LIKE_BULK or not_for_us >= _LIKE_ADVERTISING


_LIKE_BULK, _LIKE_ADVERTISING = 0.3, 0.8


def _is_bulk_alone(automatic: Automatic) -> bool:
    """Only Precedence (RFC 2076 section 3.9) speaks of many readers: answering programs write it, too."""
    codes = {reason.code for reason in automatic.reasons}
    return "automatico_precedence" in codes and "automatico_list" not in codes


@lru_cache(maxsize=1)
def _book() -> PhraseBook:
    raw = read_lists(Path(__file__).parent / "data" / "under_headers.yaml")
    return PhraseBook((kind, phrase) for kind, phrases in raw.items() for phrase in phrases)
