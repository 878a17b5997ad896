"""``triage protocol``: mail for the agency's register of documents, listed, exported, numbered."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from triage.acts.protocol import give_number, mark
from triage.commands.destinations import rules_in_force
from triage.commands.opening import FAILED, MISCONFIGURED, fail, json_option, opened, print_json
from triage.commands.settle import typing
from triage.protocol.export import OtherContentError
from triage.protocol.export import export as write_files
from triage.reading import pec_anchors
from triage.record.protocol import count_waiting, protocol_page

_SIZE = 500


@click.group()
def protocol() -> None:
    """Mail for the agency's register of documents: list, export, note the number, mark by hand."""


@protocol.command("list")
@click.option("--all", "everything", is_flag=True, help="Also what has been exported; newest first.")
@json_option
def list_entries(everything: bool, as_json: bool) -> None:
    """List the messages that wait to be exported for the register, oldest first."""
    with opened() as service, service.store.read("protocol") as tx:
        entries = protocol_page(tx, waiting=not everything, size=_SIZE)
        waiting = count_waiting(tx)
    if as_json:
        print_json({"waiting": waiting, "messages": [asdict(one) for one in entries]})
        return
    for one in entries:
        state = f"exported on {one.exported_at:%Y-%m-%d} by {one.exported_by}" if one.exported_at else "waits"
        number = f", number {one.number}" if one.number else ""
        click.echo(f"message {one.message_id}: {state} ({one.why}){number}")
    click.echo(f"{waiting} wait to be exported.")


@protocol.command("export")
@click.option("--to", "folder", required=True, type=click.Path(path_type=Path, file_okay=False), help="The folder.")
@click.option("--since", metavar="DATE", help="Only messages that the service first saw since this day (YYYY-MM-DD).")
@json_option
def export(folder: Path, since: str | None, as_json: bool) -> None:
    """Write originals, metadata and a table of what waits, and note that it was exported.

    Of each message the original byte for byte (originale.eml) and its metadata (metadati.json), in a folder of its own.
    What was exported before is not written again. The files hold full mail: take them where the register is, guarded.
    """
    with opened() as service:
        rules, first = rules_in_force(service), _day(since, ZoneInfo("Europe/Rome"))
        anchors = pec_anchors(service.settings)
        try:
            done = write_files(service.store, rules, folder, typing(), since=first, anchors=anchors)
        except OtherContentError as error:
            fail(f"{error}. Nothing of it was replaced. Choose an empty folder, or move the file away.", FAILED)
    if as_json:
        print_json({"exported": done.messages, "tables": done.tables, "missing": done.missing})
    else:
        click.echo(f"{len(done.messages)} messages exported to {folder}.")
        for table in done.tables:
            click.echo(f"table: {table}")
    if done.missing:
        names = ", ".join(map(str, done.missing))
        fail(f"The content of {names} is not in the record: look for them in the mailbox. They go on waiting.", FAILED)


@protocol.command("number")
@click.argument("message_id", type=int)
@click.argument("number")
def note(message_id: int, number: str) -> None:
    """Note the number that the register gave to a message, such as 2026/0012345."""
    with opened() as service, service.store.write("protocol number", typing().name) as tx:
        outcome = give_number(tx, typing(), message_id, number)
    if not outcome.ok:
        fail(f"{message_id}: {outcome.message_it}", FAILED)
    click.echo(f"{message_id}: {outcome.message_it}")


@protocol.command("add")
@click.argument("message_ids", metavar="ID...", type=int, nargs=-1, required=True)
def add(message_ids: tuple[int, ...]) -> None:
    """Mark messages that must be registered although no rule says so."""
    refused = []
    with opened() as service:
        for message_id in message_ids:
            with service.store.write("protocol mark", typing().name) as tx:
                outcome = mark(tx, typing(), message_id)
            if outcome.ok:
                click.echo(f"{message_id}: {outcome.message_it}")
            else:
                refused.append(f"{message_id}: {outcome.message_it}")
    if refused:
        fail("\n".join(refused), FAILED)


def _day(text: str | None, zone: ZoneInfo) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time(), zone).astimezone(UTC)
    except ValueError:
        fail("--since must be a day such as 2026-11-20.", MISCONFIGURED)
