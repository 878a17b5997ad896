"""``triage classify`` and ``triage explain``: what would be decided; sends nothing, writes nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.progress import Progress

from triage.basis import settings_from
from triage.classify import Classifier
from triage.commands.opening import MISCONFIGURED, clear_errors, fail, print_json
from triage.commands.rules_and_model import load_both
from triage.decide import DecisionContext, decide
from triage.defects import GRAVE_DEFECTS
from triage.explaining import mark_text, pieces_of, word_confidence, word_reasons
from triage.parse import parse
from triage.pec.judging import judge_receipt
from triage.pec.seen import as_seen
from triage.pec.trust import Anchors
from triage.pec.words import certified_lines, label_of
from triage.reading import pec_anchors
from triage.rules import MailboxRole, Rules
from triage.seals import OWN_FIELD
from triage.settings import with_example, without_accounts
from triage.stored import holds_none, stored_mail
from triage.vocabulary import Classification, Decision, InboundMessage

BATCH = 100


@dataclass(frozen=True, slots=True)
class _Judged:
    path: str
    message: InboundMessage
    classification: Classification
    decision: Decision


@click.command()
@click.argument("paths", nargs=-1, required=True)
def classify(paths: tuple[str, ...]) -> None:
    """Classify messages: .eml files, folders, mbox, Maildir, or "-" for one on standard input.

    Prints one JSON object a line with the guide's seven answers. Modes and confirmations are
    ignored: it says what the message is, not what may leave today.
    """
    with clear_errors():
        rules, classifier, anchors = _load()
        with Progress(disable=not sys.stderr.isatty(), transient=True) as progress:
            task = progress.add_task("classifying", total=None)
            for batch in _in_batches(_messages(paths)):
                for judged in _judge(batch, rules, classifier, anchors):
                    print_json(_answers(judged))
                progress.advance(task, len(batch))


@click.command()
@click.argument("path", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
def explain(path: str) -> None:
    """Explain in Italian what would be decided for one message, and why."""
    with clear_errors():
        rules, classifier, anchors = _load()
        for judged in _judge(list(_messages((path,))), rules, classifier, anchors):
            decision = judged.decision
            click.echo(f"Esito:        {decision.action}")
            click.echo(f"Destinazione: {decision.destination}")
            click.echo(f"Territorio:   {decision.territory}")
            click.echo(f"Argomento:    {decision.topic}")
            click.echo(f"Lingua:       {decision.language}")
            click.echo(f"Urgente:      {'sì, da leggere oggi' if decision.urgent else 'no'}")
            click.echo(f"Automatico:   {'sì' if decision.automatic else 'no'}")
            click.echo(f"Fiducia:      {word_confidence(decision)}")
            if judged.message.certified is not None:
                for label, text in certified_lines(judged.message.certified, rules.service.timezone):
                    click.echo(f"{label + ':':<13} {text}")
            click.echo("Perché:")
            for sentence in word_reasons(decision, judged.message):
                click.echo(f"  - {sentence}")
            click.echo("Regole provate:")
            for rule in decision.rules_tried:
                click.echo(f"  - {'sì' if rule.matched else 'no'}  {rule.name} (riga {rule.line})")
            click.echo("Testo (luoghi [tra parentesi quadre], *parole che pesano*, !!parole di possibile pericolo!!):")
            for where, label in _PARTS.items():
                pieces = pieces_of(judged.message, where, decision, judged.classification.places)
                if not label or any(piece.mark for piece in pieces):
                    click.echo(label + mark_text(judged.message, where, decision, judged.classification.places))


_PARTS = {"subject": "", "text": "", "signature": "Firma: ", "quoted": "Testo citato: "}
"""What is shown of a message; of what has a label, only where a mark stands in it."""


def _load() -> tuple[Rules, Classifier, Anchors]:
    settings = with_example(settings_from(without_accounts(os.environ)))
    rules, classifier = load_both(settings)
    return rules, classifier, pec_anchors(settings)


def _judge(batch: list[tuple[str, bytes]], rules: Rules, classifier: Classifier, anchors: Anchors) -> Iterator[_Judged]:
    name = next(iter(rules.mailboxes))
    declared = rules.mailboxes[name].pec
    messages = [as_seen(parse(octets), declared=declared, anchors=anchors) for _, octets in batch]
    for (path, _), message, classification in zip(batch, messages, classifier.classify(messages), strict=True):
        context = DecisionContext(
            mailbox=name,
            role=MailboxRole.INBOX,
            internal_date=datetime.now(UTC),
            is_old=False,
            received_count=len(message.header("Received")),
            is_own_loop=bool(message.header(OWN_FIELD)),
            defects=tuple(defect for defect in message.defects if defect.code in GRAVE_DEFECTS),
        )
        decision = decide(message, classification, rules, context, ignore_modes=True)
        # No record is opened, so what a receipt is about is not known here.
        decision = judge_receipt(message, decision, None, doubtful=bool(context.defects), shadow=False) or decision
        if message.certified is not None:
            decision = replace(decision, reasons=(*decision.reasons, label_of(message.certified)))
        yield _Judged(path, message, classification, decision)


def _answers(judged: _Judged) -> dict[str, object]:
    decision = judged.decision
    return {
        "path": judged.path,
        "territorio": decision.territory,
        "argomento": decision.topic,
        "urgente": decision.urgent,
        "lingua": decision.language,
        "automatico": decision.automatic,
        "destinazione": decision.destination,
        "ricevuta": decision.acknowledge,
        "esito": str(decision.action),
        "confidenza": round(decision.confidence, 4),
        "motivi": word_reasons(decision, judged.message),
    }


def _in_batches(messages: Iterable[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    batch: list[tuple[str, bytes]] = []
    for item in messages:
        batch.append(item)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _messages(paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    for text in paths:
        try:
            if text == "-":
                yield "-", sys.stdin.buffer.read()
                continue
            path = Path(text)
            if holds_none(path):
                click.echo(f"{path}: no .eml file in this folder, and it is no Maildir.", err=True)
            yield from stored_mail(path)
        except OSError as error:
            what = "there is no such file or folder" if isinstance(error, FileNotFoundError) else "it cannot be read"
            fail(f"{error.filename or text}: {what} ({type(error).__name__}).", MISCONFIGURED)
