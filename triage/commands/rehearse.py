"""``triage rehearse``: real mail through the whole service, on a record of its own; nothing leaves, nothing changes."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import click
from rich.progress import Progress

from triage.basis import settings_from
from triage.commands.opening import MISCONFIGURED, clear_errors, fail, json_option, print_json
from triage.commands.rules_and_model import load_both
from triage.commands.sources import folder_option, mail_of, mailbox_option, path_option, sources_of
from triage.dispatch.text_files import load_texts
from triage.explaining import word_hold
from triage.knowledge import InForce
from triage.labelling import Label, Source
from triage.reading import ParsedMessages, pec_anchors
from triage.record import Store
from triage.rehearsal.report import Report, place_of, report_of
from triage.rehearsal.stage import Arrival, Outcome, Rehearsal, RehearsalClock, unbound
from triage.settings import Settings, without_accounts


@click.command()
@click.argument("paths", nargs=-1)
@path_option
@folder_option
@mailbox_option
@click.option(
    "--as-is", is_flag=True, help="Keep modes, confirmations and the switch of acknowledgements as the file has them."
)
@click.option(
    "--list", "lists", is_flag=True, help="Print a line for each message as well: its name and what would become of it."
)
@json_option
def rehearse(
    paths: tuple[str, ...],
    labelled: tuple[str, ...],
    folders: tuple[str, ...],
    mailbox: str | None,
    as_is: bool,
    lists: bool,
    as_json: bool,
) -> None:
    """Rehearse: run real mail through the whole service, with a transport that sends nothing.

    PATHS are .eml files, folders of them, mbox or Maildir. Mail is taken in the order in which it came, decided,
    composed and "sent" on a temporary record, which is deleted at the end. It says what would have been forwarded
    where, acknowledged, and held and why; with labels (=crema) also how far people had said the same.
    """
    with clear_errors():
        settings = settings_from(without_accounts(os.environ))
        rules, classifier = load_both(settings)
        sources = sources_of(paths, labelled, folders, rules)
        if not sources:
            fail("Name a path or a --folder with mail.", MISCONFIGURED)
        chosen = rules if as_is else unbound(rules)
        with tempfile.TemporaryDirectory(prefix="triage-rehearsal-") as folder:
            outcomes, labels, taken = _run(settings, InForce(chosen, classifier), sources, mailbox, Path(folder))
        found = report_of(((one, labels[one.name]) for one in outcomes), rules)
    if as_json:
        messages = [{**asdict(one), "label": labels[one.name].text} for one in outcomes]
        print_json({**found.told(), "would_have_been_sent": taken, "sent": 0, "messages": messages})
        return
    if lists:
        for one in outcomes:
            click.echo(_line(one, labels[one.name]))
    _print(found, taken, as_is=as_is)


def _run(
    settings: Settings, in_force: InForce, sources: list[Source], mailbox: str | None, folder: Path
) -> tuple[list[Outcome], Mapping[str, Label], int]:
    """The outcomes, the labels by name, and how many mails the transport took."""
    arrivals: list[Arrival] = []
    labels: dict[str, Label] = {}
    with_path = 0
    with Progress(disable=not sys.stderr.isatty(), transient=True) as progress:
        task = progress.add_task("reading", total=None)
        for number, found in enumerate(mail_of(sources, settings, in_force.rules, mailbox)):
            octets = folder / f"{number}.octets"
            octets.write_bytes(found.octets)
            arrivals.append(Arrival(found.name, octets, found.at))
            labels[found.name] = found.source.label
            with_path += found.octets[:2000].lower().count(b"return-path:") > 0
            progress.update(task, completed=number)
        if not arrivals:
            fail("There is no message in these places.", MISCONFIGURED)
        progress.update(task, description="rehearsing", total=len(arrivals), completed=0)
        clock = RehearsalClock()
        with closing(Store(f"sqlite:///{folder / 'triage.db'}", clock)) as store:
            store.migrate()
            run = Rehearsal(
                store,
                clock,
                in_force,
                (settings.rules_path, settings.model_path),
                ParsedMessages(pec_anchors(settings)),
                load_texts(settings.texts_path),
                return_path=with_path * 2 > len(arrivals),
            )
            with closing(run):
                run.run(arrivals, lambda count: progress.advance(task, count))
                return list(run.outcomes()), labels, run.pool.taken


def _line(one: Outcome, label: Label) -> str:
    where = place_of(one) if one.action == "inoltra" else one.reason or "-"
    answered = "  acknowledged" if one.acknowledged else ""
    said = f"  (put under {label.text})" if label.text else ""
    return f"{one.name}: {one.action} {where}{answered}{said}"


def _print(found: Report, taken: int, *, as_is: bool) -> None:
    how = "modes and confirmations as in the file" if as_is else "as if every project were in automatico"
    click.echo(f"{found.messages} messages rehearsed, {how}. Nothing was sent; {taken} mails would have been.")
    click.echo(f"Forwarded without a person: {found.forwarded.total()}")
    for place, count in found.forwarded.most_common():
        click.echo(f"  {count:6}  {place}")
    click.echo(f"Held for a person: {found.held.total()} (possible danger in {found.urgent})")
    for reason, count in found.held.most_common():
        click.echo(f"  {count:6}  {reason}: {word_hold(reason)}")
    click.echo(f"Filed without being sent: {found.filed}")
    click.echo(f"Families that would have got an acknowledgement: {found.acknowledged}")
    for label, one in sorted(found.compared.items()):
        total = one.there + one.elsewhere.total() + one.waits + one.filed
        click.echo(
            f"Put by people under {label}: {total}; forwarded there {one.there}, elsewhere {one.elsewhere.total()}, "
            f"held {one.waits}, filed {one.filed}"
        )
        for project, count in one.elsewhere.most_common():
            click.echo(f"  {count:6}  to {project}")
