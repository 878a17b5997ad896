"""What a press on one of a message's buttons does; after each the next message opens, or this one says why not.

Every act names the generation that the person saw: of two people who press at once the second is told who was first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from triage.acts.answering import answered_elsewhere, refer, reply
from triage.acts.asking import ask_comune
from triage.acts.cases import acknowledgement, join, split
from triage.acts.claims import release
from triage.acts.outcome import Outcome
from triage.acts.people import Act, Person
from triage.acts.preview import Asking, What, preview
from triage.acts.settling import by_phone, close, not_for_us, take
from triage.acts.starters import started
from triage.record import LostLeaseError, Transaction
from triage.record.messages import get_message
from triage.record.waiting_list import Group, group_of, next_after_act
from triage.review.confirming import OTHER_MAILS, if_as_shown
from triage.review.desk import Desk
from triage.review.exit_forms import AS_IT_IS, FORMS, WAITS, shown_before, written_of
from triage.review.guards import RefusedError, desk_of, may
from triage.review.joining import case_to_join
from triage.review.lessons import NotTaughtError, and_teach, lesson_of
from triage.review.letter import letter_page
from triage.review.rendering import go, tell
from triage.rules import Rules

router = APIRouter()
Settling = Annotated[Person, Depends(may(Act.SETTLE))]
Seen = Annotated[int, Form(ge=0, le=1 << 31)]
Note = Annotated[str, Form(max_length=2000)]
Text = Annotated[str, Form(max_length=20_000)]
Code = Annotated[str, Form(max_length=130)]
ActOn = Callable[[Transaction], Outcome]
CHANGED = "cambiato"
STAYS = frozenset({"unisci", "separa", "ricevuta"})
"""Exits after which the message itself is shown again: it goes on waiting, after the first two in another case."""


@router.post("/messaggi/{message_id}/uscita/{exit}/anteprima")
def show_written(
    request: Request, message_id: int, exit: str, person: Settling, seen: Seen, testo: Text = "", ufficio: Code = ""
) -> Response:
    """A text by staff as the family will see it; nothing is written."""
    given = {"testo": testo, "ufficio": ufficio}
    if exit not in FORMS or not FORMS[exit].writes:
        raise RefusedError(404, "no_such_exit")
    if exit == "ufficio" and not ufficio:
        return letter_page(request, message_id, person, panel=exit, status=422, wrong="Scegli l'ufficio.", given=given)
    return _shown(request, message_id, exit, person, seen, given)


def _shown(
    request: Request,
    message_id: int,
    exit: str,
    person: Person,
    seen: int,
    given: Mapping[str, str],
    *,
    wrong: str = "",
) -> Response:
    """The preview of a text by staff, or its form with what is missing. ``wrong``: why the last press did nothing."""
    desk = desk_of(request)
    rules = desk.knowledge.in_force().rules
    with desk.store.read("preview") as tx:
        what = written_of(exit, given["testo"], given["ufficio"])
        values = shown_before(desk, preview(tx, rules, desk.parsed, message_id, what, seen=seen))
    refused = values.pop("refused", "")
    if refused:
        return letter_page(request, message_id, person, panel=exit, status=422, wrong=refused, given=given)
    status = 422 if wrong else 200
    return letter_page(
        request, message_id, person, panel=exit, status=status, wrong=wrong, given=given, ready=True, **values
    )


@router.post("/messaggi/{message_id}/uscita/{exit}/modifica")
def change_written(
    request: Request,
    message_id: int,
    exit: str,
    person: Settling,
    testo: Text = "",
    ufficio: Code = "",
    inizio: Code = "",
) -> Response:
    """Back from the preview to the text, with what was written; ``inizio``: with the beginning that was chosen."""
    if exit not in FORMS or not FORMS[exit].writes:
        raise RefusedError(404, "no_such_exit")
    if inizio:
        testo = started(desk_of(request).knowledge.in_force().rules, person.display, testo, inizio)
    return letter_page(request, message_id, person, panel=exit, given={"testo": testo, "ufficio": ufficio})


@router.post("/messaggi/{message_id}/uscita/{exit}")
def leave(
    request: Request,
    message_id: int,
    exit: str,
    person: Settling,
    seen: Seen,
    nota: Note = "",
    testo: Text = "",
    ufficio: Code = "",
    caso: Code = "",
    finito: Code = "",
    attesa: Code = "",
    insegna: Code = "solo",
    mostrato: Code = "",
) -> Response:
    """One of the exits without a centre; ``mostrato``: what was shown to leave by it."""
    given = {"nota": nota, "testo": testo, "ufficio": ufficio, "caso": caso, "insegna": insegna, "finito": finito}
    desk = desk_of(request)
    rules = desk.knowledge.in_force().rules
    act = _act(desk, rules, person, message_id, exit, seen, given, finito=bool(finito), wait=attesa)
    if act is None:
        raise RefusedError(404, "no_such_exit")
    if exit == "comune" or FORMS[exit].writes:
        what: What = Asking() if exit == "comune" else written_of(exit, testo, ufficio)
        act = if_as_shown(desk, rules, message_id, what, seen, mostrato, act)
    if exit == "non_per_noi":
        act = and_teach(desk, person, message_id, act, lesson_of(insegna if insegna == "mai" else "solo", ""))
    joins: Mapping[str, Any] = _case_shown(desk, message_id, caso) if exit == "unisci" else {}
    if joins and joins["joins"].shown != mostrato:
        return letter_page(request, message_id, person, panel=exit, given=given, **joins)
    if FORMS[exit].needs_note and not nota.strip():
        wrong = "Scrivi una nota: che cosa è stato fatto, o perché si chiude."
        return letter_page(request, message_id, person, panel=exit, status=422, wrong=wrong, given=given)

    def again(wrong: str) -> Response:
        if wrong == OTHER_MAILS and FORMS[exit].writes:
            return _shown(request, message_id, exit, person, seen, given, wrong=wrong)
        return letter_page(request, message_id, person, panel=exit, status=422, wrong=wrong, given=given, **joins)

    return settle(request, person, message_id, act, again=again, stays=exit in STAYS and not finito)


def _case_shown(desk: Desk, message_id: int, code: str) -> Mapping[str, Any]:
    """Values for the step that shows whose case it is; none where the act itself says what is wrong with the code."""
    with desk.store.read("case to join") as tx:
        found = case_to_join(desk, tx, message_id, code)
    return {"joins": found, "heading": "A quale caso si unisce"} if found is not None else {}


def _act(
    desk: Desk,
    rules: Rules,
    person: Person,
    message_id: int,
    exit: str,
    seen: int,
    given: Mapping[str, str],
    *,
    finito: bool,
    wait: str,
) -> ActOn | None:
    parsed = desk.parsed
    note, text, office = given["nota"], given["testo"], given["ufficio"]
    acts: dict[str, ActOn] = {
        "rispondi": lambda tx: reply(tx, rules, parsed, person, message_id, text, seen=seen, note=note),
        "ufficio": lambda tx: refer(tx, rules, parsed, person, message_id, office, words=text, seen=seen, note=note),
        "comune": lambda tx: ask_comune(tx, rules, parsed, person, message_id, seen=seen, note=note),
        "telefono": lambda tx: by_phone(tx, rules, person, message_id, note, seen=seen),
        "altrove": lambda tx: answered_elsewhere(tx, rules, person, message_id, note, seen=seen),
        "unisci": lambda tx: join(tx, rules, person, message_id, given["caso"], ends=finito, seen=seen, note=note),
        "separa": lambda tx: split(tx, rules, person, message_id, seen=seen, note=note),
        "chiudi": lambda tx: close(tx, rules, person, message_id, note, seen=seen),
        "non_per_noi": lambda tx: not_for_us(tx, rules, person, {message_id: seen}, note=note)[0],
    }
    if exit == "ricevuta" and wait == AS_IT_IS:
        return lambda _tx: Outcome(
            True, "ricevuta_rimandata", "La conferma di ricevuta di questo caso resta rimandata."
        )
    if exit == "ricevuta" and wait in WAITS:
        hours = timedelta(hours=int(wait)) if wait.isdigit() else None
        return lambda tx: acknowledgement(tx, rules, person, message_id, wait=hours, never=wait == "mai")
    return acts.get(exit)


@router.post("/messaggi/{message_id}/prendi")
def take_in_hand(request: Request, message_id: int, person: Annotated[Person, Depends(may(Act.TAKE))]) -> Response:
    """Presa in carico: nobody is called about it any more."""
    desk = desk_of(request)
    rules = desk.knowledge.in_force().rules
    with desk.store.write("take", person.name) as tx:
        if get_message(tx, message_id) is None:
            raise RefusedError(404, "no_such_message")
        outcome = take(tx, rules, person, message_id)
    tell(request, outcome.message_it, "success" if outcome.ok else "warning")
    return go(f"/messaggi/{message_id}")


def settle(
    request: Request,
    person: Person,
    message_id: int,
    act: ActOn,
    *,
    again: Callable[[str], Response],
    stays: bool = False,
) -> Response:
    """Carry out one act in its transaction, tell what came of it, and open what comes next.

    ``again`` draws the page once more with the sentence that says why nothing was done.
    """
    desk = desk_of(request)
    with desk.store.read("place in the list") as tx:
        row = get_message(tx, message_id)
        group = group_of(row) if row is not None else Group.DECIDE
    if row is None:
        raise RefusedError(404, "no_such_message")
    try:
        with desk.store.write("settle", person.name) as tx:
            outcome = act(tx)
            if outcome.ok and not stays:
                release(tx, person, message_id)
    except NotTaughtError as refusal:
        outcome = refusal.outcome
    except LostLeaseError:
        outcome = Outcome(False, CHANGED, "Nel frattempo è cambiato qualcosa: guardalo di nuovo prima di decidere.")
    if not outcome.ok:
        if outcome.code == CHANGED or outcome.code.startswith("stato_"):
            tell(request, outcome.message_it, "warning")
            return go(f"/messaggi/{message_id}")
        return again(outcome.message_it)
    desk.dispatch_wake()
    desk.decide_wake()
    desk.file_wake()
    tell(request, outcome.message_it)
    if stays:
        return go(f"/messaggi/{message_id}")
    with desk.store.read("next") as tx:
        after = next_after_act(tx, message_id, group, person.id or 0)
    return go(f"/messaggi/{after}" if after is not None else "/da-decidere")
