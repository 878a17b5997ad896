"""What a settlement teaches: the next messages of this sender, or with this phrase, and of the same place; or never.

In: the transaction of the act, after the settlement that teaches. Out: an :class:`Outcome`. An exception works once its
settlement cannot be undone any more (``triage.exceptions``), expires, and is ended when its settlement is undone. The
waiting messages are looked at again, and those whose answer is another now are marked (``triage.acts.rescoring``);
none is sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from triage.acts.letters import NEVER_DECIDED, Letter, read_letter, row_to_act_on
from triage.acts.outcome import Outcome
from triage.acts.people import Act, Person, may
from triage.acts.taught import end_rule
from triage.acts.words import centre_of, place_taught, refused
from triage.acts.writing import PLACE_CHOSEN
from triage.exceptions import is_one_of_two_places, knows_place, plain
from triage.reading import ParsedMessages
from triage.record import Transaction
from triage.record.decisions import decision_of
from triage.record.exceptions import ExceptionKind, Taught, add_exception, taught_now
from triage.record.rescored import want_rescoring
from triage.record.settlements import SENDS_ON, Exit, SettlementRow, newest_settlements
from triage.record.staff_acts import note_act
from triage.returns import from_staff
from triage.rules.types import Rules
from triage.vocabulary import SEVERAL, UNSTATED, Decision

USUAL_DAYS, MOST_DAYS = 90, 365
SHORTEST_PHRASE = 8


@dataclass(frozen=True, slots=True)
class Lesson:
    """What later messages must have in common with this one; ``phrase`` as it stands in the message."""

    kind: ExceptionKind
    phrase: str = ""
    days: int = USUAL_DAYS


def teach(
    tx: Transaction, rules: Rules, parsed: ParsedMessages, person: Person, message_id: int, lesson: Lesson
) -> Outcome:
    """Keep what the last settlement of this message teaches. Codes: insegnato; against: see the sentences."""
    row = row_to_act_on(tx, message_id, None)
    if isinstance(row, str):
        return refused(tx, rules, row, message_id)
    settled = newest_settlements(tx, [message_id]).get(message_id)
    letter = read_letter(tx, rules, parsed, row)
    if letter is None:
        return refused(tx, rules, NEVER_DECIDED, message_id)
    against = _against(person, letter, settled, lesson, rules)
    if settled is None or against:
        return refused(tx, rules, against or "non_smistato", message_id)
    never = lesson.kind is ExceptionKind.NEVER
    read = decision_of(tx, message_id, int(settled.before["generation"]))
    territory, comune = _place_read(read)
    # One of two places that the person has neither named nor chosen by the centre is not known.
    unsure = territory == SEVERAL and not settled.comune and settled.territory != settled.project
    values: dict[str, str | int] = {
        "kind": str(lesson.kind),
        "sender_key": "" if lesson.kind is ExceptionKind.PHRASE else letter.keys.author,
        "phrase": " ".join(lesson.phrase.split()) if lesson.kind is ExceptionKind.PHRASE else "",
        "comune": "" if never else settled.comune,
        "territory": "" if never else SEVERAL if unsure else settled.territory,
        "read_comune": "" if never else comune,
        "read_territory": "" if never else territory,
        "read_topic": "" if never or read is None else read.topic,
        "topic": "" if never else settled.topic,
        "project": "" if never else settled.project,
        "address_key": "" if never else settled.address_key,
        "message_id": message_id,
    }
    one = taught_now(tx, tx.now + timedelta(days=lesson.days), values)
    if not never and not knows_place(one):
        return refused(tx, rules, _NO_PLACE[lesson.kind], message_id)
    number = add_exception(tx, one.expires_at, **values)
    want_rescoring(tx)
    note_act(tx, person, "teach", "exception", number, {"kind": str(lesson.kind), "days": lesson.days})
    return Outcome(True, "insegnato", _word(lesson, one, rules))


def forget(tx: Transaction, rules: Rules, person: Person, number: int) -> Outcome:
    """End an exception before it expires."""
    if not may(person.role, Act.TEACH):
        return refused(tx, rules, "non_permesso", 0)
    if not end_rule(tx, person, number):
        return refused(tx, rules, "eccezione_finita", 0)
    return Outcome(True, "dimenticato", "Regola tolta: da adesso i messaggi così si valutano come tutti gli altri.")


def _place_read(read: Decision | None) -> tuple[str, str]:
    """Territory and comune as the service read them; one of two that it may be is none of them."""
    if read is None:
        return UNSTATED, ""
    if is_one_of_two_places(read):
        return SEVERAL, ""
    named = (
        str(reason.params["comune"])
        for reason in read.reasons
        if reason.code.startswith("luogo") and reason.code != PLACE_CHOSEN and "comune" in reason.params
    )
    return read.territory, next(named, "")


def _against(person: Person, letter: Letter, settled: SettlementRow | None, lesson: Lesson, rules: Rules) -> str:
    if not may(person.role, Act.TEACH):
        return "non_permesso"
    if letter.decision.urgent:
        return "pericolo_non_insegna"
    if from_staff(letter.message, rules) or not letter.message.author.addr_spec:
        return "mittente_non_insegna"
    wanted = {Exit.NOT_FOR_US} if lesson.kind is ExceptionKind.NEVER else SENDS_ON
    if settled is None or settled.exit not in wanted:
        return "non_smistato"
    if not 1 <= lesson.days <= MOST_DAYS:
        return "durata_non_valida"
    if lesson.kind is not ExceptionKind.PHRASE:
        return ""
    if len(plain(lesson.phrase)) < SHORTEST_PHRASE or " " not in plain(lesson.phrase) or len(lesson.phrase) > 200:
        return "frase_corta"
    said = plain(f"{letter.message.subject}\n{letter.message.new_text}")
    return "" if plain(lesson.phrase) in said else "frase_non_nel_messaggio"


def _word(lesson: Lesson, one: Taught, rules: Rules) -> str:
    days = f"da qui a due minuti, quando non si può più annullare, e per {lesson.days} giorni"
    if lesson.kind is ExceptionKind.NEVER:
        which = "I prossimi di questo mittente si archiviano come non per noi, tranne le richieste chiare per un centro"
    else:
        like = "di questo mittente" if lesson.kind is ExceptionKind.SENDER else "con questa frase"
        centre = centre_of(rules, one.project)
        which = f"I prossimi messaggi {like}, se {place_taught(one, rules)}, vanno a {centre}"
    return f"{which}. Vale {days}; mai se può esserci pericolo."


_NO_PLACE = {ExceptionKind.PHRASE: "frase_senza_comune", ExceptionKind.SENDER: "mittente_senza_luogo"}
