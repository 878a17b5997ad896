"""/controlli: the blind check of forwards, the promise against the audit, and which centres may forward by themselves.

Whoever checks says first where a message belongs; what the service decided is shown only after that.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from triage.acts import modes, sampling
from triage.acts.accounts import Changed
from triage.acts.people import Act, Person
from triage.cards import CardError, read_card
from triage.record.decisions import decision_of
from triage.record.identity import MODEL, current_version, version_content
from triage.record.mailboxes import known_mailboxes
from triage.record.messages import MessageRow, get_message
from triage.record.octets import read_octets
from triage.record.samples import AUTOMATIC, Label, SampleRow, count_to_label, sample_row
from triage.record.store import Transaction
from triage.record.versions import CARD
from triage.review import check_words
from triage.review.desk import Desk
from triage.review.guards import RefusedError, desk_of, may
from triage.review.rendering import go, render, tell
from triage.review.words import DESTINATION_NAMES, TERRITORY_NAMES, topic_name
from triage.rules.types import Rules
from triage.settings import SettingsError
from triage.vocabulary import TOPICS, UNCOVERED, Decision, InboundMessage

router = APIRouter()
Looking = Annotated[Person, Depends(may(Act.LOOK))]
Checking = Annotated[Person, Depends(may(Act.SAMPLE))]
Responsible = Annotated[Person, Depends(may(Act.MODES))]
NOTHING = Label("")
Short = Annotated[str, Form(max_length=64)]


@router.get("/controlli")
def show(request: Request, _person: Looking) -> Response:
    """What waits to be checked, what the checks say, and each centre's mode."""
    desk = desk_of(request)
    in_force = desk.knowledge.in_force()
    rules = in_force.rules
    with desk.store.read("checks") as tx:
        to_check = count_to_label(tx)
        pooled, standings = modes.standings(tx, rules, in_force.file_modes)
        estimate = _by_card(tx)
    promised = rules.thresholds.max_wrong
    return render(
        request,
        "checks.html",
        to_check=to_check,
        pooled=pooled,
        standings=standings,
        measured=check_words.measured(pooled.seen, pooled.most, pooled.until, invented=is_invented(desk, rules)),
        estimate=estimate,
        promise=check_words.promise(pooled, promised),
        words=check_words,
    )


@router.post("/controlli/prossimo")
def take(request: Request, person: Checking) -> Response:
    """The next drawn message, for this person alone for a while."""
    with desk_of(request).store.write("next sample", person.name) as tx:
        found = sampling.take_next(tx, person)
        with_others = count_to_label(tx) if found is None else 0
    if found is None:
        opened = "Quello che resta da controllare è aperto davanti a un'altra persona: riprova più tardi."
        tell(request, opened if with_others else "Non c'è niente da controllare in questo momento.", "info")
        return go("/controlli")
    return go(f"/controlli/{found}")


@router.get("/controlli/{sample_id}")
def show_one(request: Request, sample_id: int, person: Looking) -> Response:
    """One drawn message: with the form while it has no answer, else with the answer and the decision."""
    return _one(request, person, sample_id)


@router.post("/controlli/{sample_id}")
def answer(
    request: Request,
    sample_id: int,
    person: Checking,
    comune: Short = "",
    territory: Short = "",
    topic: Short = "",
    destination: Short = "",
) -> Response:
    """Where the message belongs, in this person's eyes."""
    in_force = desk_of(request).knowledge.in_force()
    rules = in_force.rules
    comune = _official(rules, comune)
    zone = territory or (rules.project_of.get(comune, UNCOVERED) if comune in rules.places else "")
    label = Label(destination, zone, comune, topic)
    if wrong := sampling.problem_with(rules, label):
        return _one(request, person, sample_id, label, wrong)
    with desk_of(request).store.write("sample answer", person.name) as tx:
        done = sampling.answer(tx, rules, in_force.file_modes, person, sample_id, label)
    return _after(request, sample_id, done)


@router.post("/controlli/{sample_id}/non-giudicabile")
def give_up(request: Request, sample_id: int, person: Checking) -> Response:
    """Its text is gone: nobody can say."""
    in_force = desk_of(request).knowledge.in_force()
    with desk_of(request).store.read("sample") as tx:
        row = _drawn(tx, sample_id)
        text = _message(desk_of(request), tx, in_force.rules, row)[1]
    if text is not None:
        raise RefusedError(409, "can_be_judged", "Il testo del messaggio c'è ancora: si può giudicare.")
    with desk_of(request).store.write("sample given up", person.name) as tx:
        done = sampling.cannot_be_judged(tx, in_force.rules, in_force.file_modes, person, sample_id)
    return _after(request, sample_id, done)


def _after(request: Request, sample_id: int, done: sampling.Labelled) -> Response:
    if done.code == "unknown":
        raise RefusedError(404, done.code)
    if not done.ok:
        tell(request, done.message_it, "warning")
    if done.lowered:
        desk_of(request).knowledge.look_again()
        tell(
            request,
            "Gli errori trovati sono più di quanti promessi: da adesso questo centro è di nuovo in proposta.",
            "danger",
        )
    return go(f"/controlli/{sample_id}")


@router.post("/controlli/modi/{project}/automatico")
def raise_mode(request: Request, project: str, person: Responsible) -> Response:
    """A centre forwards by itself from now on, if everything that must be true is."""
    return _switch(request, person, project, up=True)


@router.post("/controlli/modi/{project}/proposta")
def lower_mode(request: Request, project: str, person: Responsible) -> Response:
    """A centre's messages wait for a person from now on."""
    return _switch(request, person, project, up=False)


def _switch(request: Request, person: Person, project: str, *, up: bool) -> Response:
    desk = desk_of(request)
    desk.knowledge.look_again()
    in_force = desk.knowledge.in_force()
    act = modes.raise_mode if up else modes.lower_mode
    with desk.store.write("mode", person.name) as tx:
        done: Changed = act(tx, in_force.rules, in_force.file_modes, person, project)
    if done.code == "unknown":
        raise RefusedError(404, "no_such_project")
    desk.knowledge.look_again()
    tell(request, done.message_it, "success" if done.ok else "warning")
    return go("/controlli#modi")


# --------------------------------------------------------------------------- one message


@dataclass(frozen=True, slots=True)
class _Shown:
    """What the page of one message needs beside the words."""

    sample: SampleRow
    row: MessageRow
    text: InboundMessage | None
    decision: Decision | None


def _one(request: Request, person: Person, sample_id: int, given: Label = NOTHING, wrong: str = "") -> Response:
    desk = desk_of(request)
    rules = desk.knowledge.in_force().rules
    with desk.store.read("sample") as tx:
        sample = _drawn(tx, sample_id)
        row, text = _message(desk, tx, rules, sample)
        decision = decision_of(tx, sample.message_id, sample.generation)
    centres = {code: one.name for code, one in rules.projects.items()}
    taken = sample.opened_until is not None and sample.opened_until > desk.store.clock.now()
    return render(
        request,
        "check.html",
        422 if wrong else 200,
        shown=_Shown(sample, row, text, decision),
        others=taken and sample.opened_by != person.id,
        given=given,
        wrong=wrong,
        territories={"": "Scegli…", **centres, **TERRITORY_NAMES},
        topics={"": "Scegli…"} | {code: topic_name(code) for code in TOPICS},
        destinations={"": "Scegli…", **centres, **DESTINATION_NAMES},
        places=sorted(rules.places),
        words=check_words,
    )


def _drawn(tx: Transaction, sample_id: int) -> SampleRow:
    """A drawn forward; others are nobody's business here."""
    found = sample_row(tx, sample_id)
    if found is None or not found.chosen or found.kind != AUTOMATIC:
        raise RefusedError(404, "not_drawn")
    return found


def _message(desk: Desk, tx: Transaction, rules: Rules, sample: SampleRow) -> tuple[MessageRow, InboundMessage | None]:
    """The row, and what its author wrote, if its octets are still kept."""
    row = get_message(tx, sample.message_id)
    if row is None:
        raise RefusedError(404, "no_such_message")
    octets = read_octets(tx, [row.sha256]).get(row.sha256) if row.sha256 else None
    if octets is None or row.stopped_the_parser:
        return row, None
    boxes = {box.id: box.name for box in known_mailboxes(tx)}
    return row, desk.parsed.seen(
        desk.parsed.parse(row.sha256 or "", octets), rules.mailboxes.get(boxes.get(row.mailbox_id, ""))
    )


def _official(rules: Rules, comune: str) -> str:
    """A comune's official name, however its letters are cased; what is none stays as it was written."""
    wanted = " ".join(comune.split())
    return next((name for name in rules.places if name.casefold() == wanted.casefold()), wanted)


# --------------------------------------------------------------------------- what was measured on


def is_invented(desk: Desk, rules: Rules) -> bool:
    """Whether the mail can only be invented: every mailbox lies on this machine, as in the demo."""
    try:
        hosts = {desk.settings.imap(name).host for name in rules.mailboxes}
    except SettingsError:
        return False
    return bool(hosts) and all(_is_loopback(host) for host in hosts)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _by_card(tx: Transaction) -> str:
    """What the card of the model in force says of invented messages; empty: it has none."""
    content = version_content(tx, CARD, current_version(tx, MODEL))
    try:
        figure = read_card(content).headlines.get("forwarded_wrong") if content is not None else None
    except CardError:
        return ""
    return check_words.measured_by_card(figure.right, figure.n) if figure is not None and figure.n else ""
