"""/regole/prova: what would happen to a message that is pasted or uploaded, and why; nothing of it is kept or sent.

An uploaded message is read in a process of its own with limits, since it may be the one that brought a worker down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.message import EmailMessage
from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from fastapi.responses import Response

from triage.acts.people import Person
from triage.decide import DecisionContext, decide
from triage.defects import GRAVE_DEFECTS
from triage.explaining import Piece, pieces_of
from triage.knowledge import InForce
from triage.parse.isolated import ParserCrash, parse_isolated
from triage.pec.judging import judge_receipt
from triage.review.desk import Desk
from triage.review.guards import desk_of, may
from triage.review.rendering import render
from triage.review.rule_words import MODES, language_name
from triage.review.thinking import sure, why
from triage.review.words import project_name, territory_name, topic_name
from triage.rules.addresses import AddressError, check_address
from triage.seals import OWN_FIELD
from triage.vocabulary import Action, Decision, InboundMessage

router = APIRouter()
LONGEST = 40_000
"""Characters of the text that are shown with their marks."""
NOTHING = "Scrivi o incolla un messaggio, oppure scegli un file .eml."
NO_ADDRESS = "L'indirizzo di chi scrive non è valido: scrivilo come nome@esempio.it, o lascialo vuoto."
UNREADABLE = "Il programma non riesce a leggere questo file. Un messaggio così verrebbe messo da parte per una persona."


@dataclass(frozen=True, slots=True)
class Judgement:
    """What would happen, in words."""

    outcome: str
    today: str
    """What modes and confirmations add to it; empty where nothing."""
    zone: str
    topic: str
    language: str
    urgent: bool
    automatic: bool
    sureness: str
    reasons: tuple[str, ...]
    rules: tuple[tuple[str, int, bool], ...]
    subject: tuple[Piece, ...]
    text: tuple[Piece, ...]
    cut: bool


@router.get("/regole/prova")
def ask(request: Request, _person: Annotated[Person, Depends(may("look"))]) -> Response:
    """The form."""
    return _page(request, {})


@router.post("/regole/prova")
def judge(
    request: Request,
    _person: Annotated[Person, Depends(may("look"))],
    author: Annotated[str, Form(max_length=320)] = "",
    subject: Annotated[str, Form(max_length=1_000)] = "",
    text: Annotated[str, Form(max_length=200_000)] = "",
    file: Annotated[UploadFile | None, File()] = None,
) -> Response:
    """What would happen to it."""
    given = {"author": author, "subject": subject, "text": text}
    octets = file.file.read() if file is not None and file.filename else b""
    if not octets:
        if not (subject.strip() or text.strip()):
            return _page(request, given, 422, wrong=NOTHING, at="text")
        if author.strip() and not _is_address(author.strip()):
            return _page(request, given, 422, wrong=NO_ADDRESS, at="author")
        octets = _as_mail(author.strip() or "famiglia@example.org", subject, text)
    try:
        message = parse_isolated(octets)
    except ParserCrash:
        return _page(request, given, 422, wrong=UNREADABLE, at="file")
    return _page(request, given, found=judgement_of(desk_of(request), message))


def _page(
    request: Request,
    given: Mapping[str, str],
    status: int = 200,
    *,
    wrong: str = "",
    at: str = "",
    found: Judgement | None = None,
) -> Response:
    """The form; ``at``: the field that ``wrong`` is about."""
    return render(request, "trying.html", status, wrong=wrong, at=at, found=found, **{**_EMPTY, **given})


_EMPTY = {"author": "", "subject": "", "text": ""}


def judgement_of(desk: Desk, parsed: InboundMessage) -> Judgement:
    """By the code that decides real mail, as if it had come into the first mailbox just now."""
    in_force = desk.knowledge.in_force()
    rules = in_force.rules
    mailbox = next(iter(rules.mailboxes.values()))
    message = desk.parsed.seen(parsed, mailbox)
    classification = in_force.classifier.classify([message])[0]
    context = DecisionContext(
        mailbox=mailbox.name,
        role=mailbox.role,
        internal_date=desk.store.clock.now(),
        is_old=False,
        received_count=len(message.header("Received")),
        is_own_loop=bool(message.header(OWN_FIELD)),
        defects=tuple(defect for defect in message.defects if defect.code in GRAVE_DEFECTS),
    )
    meant, today = (
        _with_receipt(message, decide(message, classification, rules, context, ignore_modes=ignoring), context)
        for ignoring in (True, False)
    )
    return Judgement(
        outcome=_outcome(meant, in_force),
        today=_today(meant, today, in_force),
        zone=territory_name(rules, meant.territory),
        topic=topic_name(meant.topic),
        language=language_name(meant.language),
        urgent=meant.urgent,
        automatic=meant.automatic,
        sureness="" if meant.urgent or not meant.project else sure(meant),
        reasons=why(meant, message, rules, _SAID_ABOVE),
        rules=tuple((tried.name, tried.line, tried.matched) for tried in meant.rules_tried),
        subject=pieces_of(message, "subject", meant, classification.places),
        text=_cut(pieces_of(message, "text", meant, classification.places)),
        cut=len(message.new_text) > LONGEST,
    )


def _with_receipt(message: InboundMessage, decision: Decision, context: DecisionContext) -> Decision:
    """A PEC receipt is never a request; about which message of ours it is, is not looked up here."""
    return judge_receipt(message, decision, None, doubtful=bool(context.defects), shadow=False) or decision


def _outcome(decision: Decision, in_force: InForce) -> str:
    rules = in_force.rules
    if decision.urgent:
        proposal = f", con la proposta «{project_name(rules, decision.project)}»" if decision.project else ""
        return f"Aspetterebbe una persona, tra i primi da leggere: può esserci un pericolo{proposal}."
    if decision.action is Action.FORWARD:
        return f"Andrebbe al centro «{project_name(rules, decision.project)}», all'indirizzo {decision.forward_path}."
    if decision.action is Action.FILE:
        return "Verrebbe archiviato senza che nessuno lo legga: è dimostrato che l'ha spedito un programma."
    if decision.project:
        return f"Aspetterebbe una persona, con la proposta «{project_name(rules, decision.project)}»."
    return "Aspetterebbe una persona."


def _today(meant: Decision, today: Decision, in_force: InForce) -> str:
    """Why it would not leave today although the rules send it somewhere."""
    if meant.action is not Action.FORWARD or today.action is Action.FORWARD:
        return ""
    project = in_force.rules.projects[meant.project]
    if today.reasons and today.reasons[0].code == "indirizzo_non_confermato":
        return "Oggi però aspetterebbe una persona: l'indirizzo non è ancora confermato."
    mode, tells = MODES[project.mode]
    return f"Oggi però aspetterebbe una persona: il centro è in modo «{mode}», {tells}."


_SAID_ABOVE = frozenset({"lingua", "territorio", "argomento"})


def _cut(pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
    kept, left = [], LONGEST
    for piece in pieces:
        if left > 0:
            kept.append(replace(piece, text=piece.text[:left]))
        left -= len(piece.text)
    return tuple(kept)


def _is_address(text: str) -> bool:
    try:
        check_address(text)
    except AddressError:
        return False
    return True


def _as_mail(author: str, subject: str, text: str) -> bytes:
    """What was pasted, as a letter of today."""
    mail = EmailMessage()
    mail["From"] = author
    mail["Subject"] = " ".join(subject.split())
    mail.set_content(text.replace("\r\n", "\n") or "\n")
    return bytes(mail)
