"""``triage learn``: folders that staff have sorted by hand, as examples for training; the mailbox is only looked at."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.progress import Progress

from triage.basis import settings_from
from triage.classify import Classifier
from triage.classify.examples import ExamplesError
from triage.commands.opening import FAILED, MISCONFIGURED, clear_errors, fail, json_option, print_json
from triage.commands.rules_and_model import load_both
from triage.commands.sources import Found, folder_option, mail_of, mailbox_option, path_option, sources_of
from triage.learning.learnt import FILE, LEARNT, Taught, write_learnt
from triage.learning.sorted_mail import Judge, Judged, Summary, summed
from triage.parse import parse
from triage.pec.seen import as_seen
from triage.pec.trust import Anchors
from triage.reading import pec_anchors
from triage.rules import Rules
from triage.settings import without_accounts
from triage.vocabulary import InboundMessage

_BATCH = 100
_SHOWN = 20


@click.command()
@path_option
@folder_option
@mailbox_option
@click.option("--write", "writes", is_flag=True, help="Keep the examples in TRIAGE_STATE_DIR/learnt, for training.")
@click.option("--doubtful", is_flag=True, help="Keep those too whose label looks wrong: somebody has looked at them.")
@json_option
def learn(
    labelled: tuple[str, ...],
    folders: tuple[str, ...],
    mailbox: str | None,
    writes: bool,
    doubtful: bool,
    as_json: bool,
) -> None:
    """Learn from folders that staff have sorted by hand: says what they would teach, and keeps it with --write.

    A label is a project's code, a comune's name or a topic, or one of the first two and a topic: =crema, =Viadana,
    =eventi, =crema/eventi. Folders on the server are only looked at. Nothing is trained: "triage train --learnt" does.
    """
    with clear_errors():
        settings = settings_from(without_accounts(os.environ))
        rules, classifier = load_both(settings)
        sources = sources_of((), labelled, folders, rules)
        if not sources or any(not source.label.text for source in sources):
            fail("Name folders or paths with a label, such as --path sorted/crema=crema.", MISCONFIGURED)
        found = mail_of(sources, settings, rules, mailbox)
        judged: list[Judged] = []
        kept = Path(settings.state_dir) / LEARNT
        taught = _judged(found, rules, classifier, pec_anchors(settings), judged, doubtful=doubtful)
        try:
            if writes:
                added, replaced = write_learnt(kept, taught, datetime.now(UTC).date())
            else:
                added, replaced = 0, 0
                for _ in taught:
                    pass
        except ExamplesError as error:
            fail(f"{error}. Nothing was written. Move the file away, then try again.", FAILED)
    summaries = summed(judged)
    if as_json:
        labels = {label: asdict(one) for label, one in summaries.items()}
        print_json({"labels": labels, "written": writes, "added": added, "replaced": replaced})
        return
    for label, one in summaries.items():
        _print(label, one)
    kept_out = 0 if doubtful else sum(verdict.aside is None and bool(verdict.instead) for verdict in judged)
    usable = sum(one.usable for one in summaries.values()) - kept_out
    if kept_out:
        click.echo(f"{kept_out} whose label looks wrong are left out: look at them, then add --doubtful to keep them.")
    if writes:
        click.echo(
            f"{added} added, {replaced} replaced in {kept / FILE}. Learn them: triage train --learnt {kept / FILE}"
        )
        click.echo("Names, addresses and numbers in it are masked as far as they are known: guard it like the mailbox.")
    else:
        click.echo(f"{usable} messages would be kept. Nothing was written; --write keeps them.")


def _judged(
    found: Iterator[Found],
    rules: Rules,
    classifier: Classifier,
    anchors: Anchors,
    judged: list[Judged],
    *,
    doubtful: bool,
) -> Iterator[Taught]:
    """What is to be learnt, message by message; ``judged`` is filled meanwhile. ``doubtful``: against the model too."""
    judge = Judge(rules)
    with Progress(disable=not sys.stderr.isatty(), transient=True) as progress:
        task = progress.add_task("reading", total=None)
        for batch in _in_batches(found):
            messages = [_read(one, anchors) for one in batch]
            classified = classifier.classify(messages)
            for one, message, classification in zip(batch, messages, classified, strict=True):
                verdict = judge.judge(one.name, one.source.label, message, classification)
                judged.append(verdict)
                if verdict.aside is None and (doubtful or not verdict.instead):
                    label = one.source.label.text
                    yield Taught(verdict.identity, message, verdict.topic, verdict.comune, label)
            progress.advance(task, len(batch))


def _read(found: Found, anchors: Anchors) -> InboundMessage:
    return as_seen(parse(found.octets), declared=False, anchors=anchors)


def _in_batches(found: Iterator[Found]) -> Iterator[list[Found]]:
    batch: list[Found] = []
    for one in found:
        batch.append(one)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _print(label: str, one: Summary) -> None:
    click.echo(f"{label}: {one.messages} messages, {one.usable} usable")
    for why, count in sorted(one.aside.items()):
        click.echo(f"  {count:6}  set aside: {why}")
    if one.asked:
        click.echo(f"  today's model says the same of {one.agrees} of {one.asked} ({one.agrees / one.asked:.0%})")
    click.echo(f"  would teach the place of {one.teaches_place}, the topic of {one.teaches_topic}")
    for name, instead in one.wrong[:_SHOWN]:
        click.echo(f"  looks wrong: {name} (the model is sure of {instead})")
    if len(one.wrong) > _SHOWN:
        click.echo(f"  ... and {len(one.wrong) - _SHOWN} more; --json names them all.")
