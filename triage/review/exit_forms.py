"""The forms of the exits: what each is called, what it says, and what the page must know to draw it.

In: a look at the record, the letter, the person. Out: values for the template ``letter.html``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from triage.acts.answering import Written
from triage.acts.cases import acknowledgement_left
from triage.acts.people import Person
from triage.acts.preview import Asking, Preview, preview
from triage.acts.settling import may_be_danger
from triage.acts.starters import STARTERS, beginning
from triage.acts.words import word_against, word_taught
from triage.dispatch.shown import Shown, shown
from triage.leaving import Leaving
from triage.record import Transaction
from triage.record.decisions import decision_of
from triage.record.holding_back import FOR_GOOD, FOR_NOW, held_back
from triage.record.recase import is_alone
from triage.record.settlements import Exit, StaffText, settlements_of, texts_of
from triage.review.confirming import digest_of
from triage.review.desk import Desk
from triage.review.letters import Letter
from triage.rules import Rules
from triage.vocabulary import Decision


@dataclass(frozen=True, slots=True)
class ExitForm:
    """One exit: its button, its heading, what follows from it. ``act``: whose key it has (``review.keys``).

    ``unread``: also for a message that the program cannot read. ``writes``: what leaves is shown before. ``of_case``:
    only for a message that belongs to a case; a reappearance that was held at once belongs to none.
    """

    name: str
    heading: str
    tells: str
    button: str
    act: str = ""
    needs_note: bool = False
    unread: bool = False
    writes: bool = False
    of_case: bool = False


FORMS: Mapping[str, ExitForm] = {
    "rispondi": ExitForm(
        "Rispondiamo noi",
        "Rispondere alla famiglia",
        "La risposta parte dall'indirizzo generale, firmata da te. Il messaggio è chiuso.",
        "Vedi come parte",
        "rispondi",
        writes=True,
    ),
    "ufficio": ExitForm(
        "Indica un altro ufficio",
        "Indicare un altro ufficio alla famiglia",
        "La famiglia riceve il nome dell'ufficio e come raggiungerlo. All'ufficio non parte niente.",
        "Vedi come parte",
        "ufficio",
        writes=True,
    ),
    "comune": ExitForm(
        "Chiedi il comune",
        "Chiedere il comune alla famiglia",
        "Parte una sola mail, che chiede il comune e niente altro. Il messaggio resta qui finché la famiglia risponde.",
        "Conferma e chiedi",
        "comune",
    ),
    "telefono": ExitForm(
        "Presa in carico per telefono",
        "Presa in carico per telefono",
        "Se ne occupa una persona, parlando con la famiglia. Da qui non parte niente.",
        "Chiudi: ce ne occupiamo per telefono",
        "telefono",
        needs_note=True,
        unread=True,
    ),
    "altrove": ExitForm(
        "Ho già risposto dalla mia posta",
        "Ho già risposto dal mio programma di posta",
        "Il messaggio è chiuso. Da qui non parte niente.",
        "Chiudi: ho già risposto",
        needs_note=True,
        unread=True,
    ),
    "unisci": ExitForm(
        "Unisci a un caso",
        "Unire a un altro caso",
        "Il messaggio diventa parte del caso che indichi: il codice sta nell'oggetto delle mail già partite.",
        "Vedi il caso",
        "unisci",
        of_case=True,
    ),
    "separa": ExitForm(
        "Separa dal caso",
        "Separare dal suo caso",
        "Il messaggio non c'entra con gli altri del suo caso: diventa un caso a sé e resta da decidere.",
        "Separa",
        "separa",
        of_case=True,
    ),
    "ricevuta": ExitForm(
        "Rimanda o ferma la conferma di ricevuta",
        "La conferma di ricevuta alla famiglia",
        "Vale per tutto il caso. Utile se la conferma di ricevuta può mettere in difficoltà chi scrive.",
        "Salva",
        "ricevuta",
        of_case=True,
    ),
    "chiudi": ExitForm(
        "Chiudi",
        "Chiudere senza inviare niente",
        "Il messaggio è finito così. Da qui non parte niente.",
        "Chiudi senza inviare",
        "chiudi",
        needs_note=True,
        unread=True,
    ),
    "non_per_noi": ExitForm(
        "Non è per noi",
        "Non è per noi",
        "Pubblicità, avvisi, posta arrivata per sbaglio. Non parte niente, a nessuno.",
        "Conferma: non è per noi",
        "non_per_noi",
        unread=True,
    ),
}
"""Exits in the order of their buttons."""

WAITS: Mapping[str, str] = {
    "solita": "Parte come al solito",
    "4": "Rimandata di 4 ore",
    "24": "Rimandata di un giorno",
    "72": "Rimandata di tre giorni",
    "mai": "Non parte",
}
"""What may be chosen for a case's acknowledgement; numbers are hours."""


AS_IT_IS = "ora"
"""The choice that changes nothing, of an acknowledgement that is put off."""
_HOLDS: Mapping[str, str] = {"": "solita", FOR_NOW: AS_IT_IS, FOR_GOOD: "mai"}


DANGER_ENDS = (
    "Attenzione: in questo messaggio qualcuno può essere in pericolo. Se confermi non parte niente e nessun centro lo "
    "riceve: leggilo tutto e scrivi nella nota perché si può chiudere."
)
"""Before a message is put away in which there may be danger."""
_ENDS_UNTOLD = frozenset({"non_per_noi", "chiudi"})
"""Exits after which nobody looks at the message again."""

_SAME_FORM: Mapping[str, Exit] = {
    "inoltra": Exit.FORWARD,
    "rispondi": Exit.REPLY,
    "ufficio": Exit.REFERRAL,
    "comune": Exit.QUESTION,
    "telefono": Exit.PHONE,
    "altrove": Exit.REPLY,
    "chiudi": Exit.CLOSED,
    "non_per_noi": Exit.NOT_FOR_US,
}


def taken_back(tx: Transaction, person: Person, message_id: int, panel: str) -> tuple[StaffText, str]:
    """Text and note of what this person has just undone by the same form: an undo is mostly for a word to mend."""
    acts = settlements_of(tx, message_id) if panel in _SAME_FORM else []
    last = acts[-1] if acts else None
    if last is None or last.undone_at is None or last.person_id != person.id or last.exit != _SAME_FORM[panel]:
        return StaffText(""), ""
    return texts_of(tx, [message_id]).get((message_id, last.generation), StaffText("")), last.note


def form_values(desk: Desk, tx: Transaction, person: Person, letter: Letter, panel: str) -> dict[str, Any]:
    """What the form of this exit shows."""
    rules = desk.knowledge.in_force().rules
    form = FORMS[panel]
    again, note = taken_back(tx, person, letter.row.id, panel)
    values: dict[str, Any] = {"form": form, "heading": form.heading, "note_again": note}
    if panel in _ENDS_UNTOLD and may_be_danger(tx, letter.row):
        values |= {"form": replace(form, needs_note=True), "notes": (DANGER_ENDS,)}
    if panel == "comune":
        values |= shown_before(
            desk, preview(tx, rules, desk.parsed, letter.row.id, Asking(), seen=letter.row.generation)
        )
    elif panel == "rispondi":
        values |= {"start": again.text or beginning(rules, person.display), "starters": STARTERS}
    elif panel == "ufficio":
        decision = decision_of(tx, letter.row.id, letter.row.generation)
        near = _near(rules, decision)
        values["offices"] = _offices(rules, near)
        values["suggested"] = near[0] if len(near) == 1 else ""
        values |= {"text_again": again.text, "office_again": again.office if again.office in rules.offices else ""}
    elif panel == "separa" and letter.row.case_id and is_alone(tx, letter.row.id, letter.row.case_id):
        values["refused"] = word_against("solo_nel_caso")
    elif panel == "ricevuta" and acknowledgement_left(tx, letter.row.case_id or 0):
        values["refused"] = word_against("ricevuta_partita")
    elif panel == "ricevuta":
        case_id = letter.row.case_id or 0
        holds, waits = _HOLDS[held_back(tx, [case_id]).get(case_id, "")], dict(WAITS)
        if holds == AS_IT_IS:
            waits = {AS_IT_IS: "Resta rimandata com'è adesso"} | waits
        values |= {"waits": waits, "holds": holds}
    return values


def shown_before(desk: Desk, planned: Preview) -> dict[str, Any]:
    """What leaves, as its recipients will see it, and what its confirmation must name; or why nothing can."""
    if planned.refused is not None:
        return {"mails": (), "refused": planned.refused.message_it}
    rules = desk.knowledge.in_force().rules
    mails: list[tuple[Leaving, Shown]] = [(one, shown(one, rules, desk.texts)) for one in planned.leaving]
    rule = word_taught(planned.rule, rules, "questo mittente") if planned.rule is not None else ""
    return {"mails": mails, "notes": planned.notes, "wrong_rule": rule, "digest": digest_of(mails)}


def written_of(panel: str, text: str, office: str) -> Written:
    """What a person filled in, as the act takes it."""
    return Written(text.strip(), office if panel == "ufficio" else "")


def _near(rules: Rules, decision: Decision | None) -> list[str]:
    """Offices for families of a comune that the message names as its own."""
    reasons = decision.reasons if decision is not None else ()
    named = {str(one.params["comune"]) for one in reasons if one.params.get("comune") and one.code != "luogo_citato"}
    return [code for code, one in rules.offices.items() if one.comuni and any(map(one.serves, named))]


def _offices(rules: Rules, near: list[str]) -> dict[str, str]:
    """Those of the message's own places first."""
    order = [*near, *(code for code in rules.offices if code not in near)]
    return {code: f"{rules.offices[code].name} ({rules.offices[code].what_for})" for code in order}
