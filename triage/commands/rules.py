"""``triage rules``: the file in force, another tried on the last days' mail, what settlements taught, and its end."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import click
from rich.progress import Progress

from triage.acts.teaching import forget
from triage.acts.words import word_taught
from triage.commands.destinations import rules_in_force
from triage.commands.opening import FAILED, fail, json_option, opened, print_json
from triage.commands.settle import typing
from triage.decide import check_examples
from triage.explaining import word_hold
from triage.knowledge import Knowledge, confirmed_in_record, known_places
from triage.reading import ParsedMessages, pec_anchors
from triage.record.exceptions import live_exceptions
from triage.record.identity import RULES, current_version, version_content
from triage.replay import Replay, place_of
from triage.replay import replay as run_again
from triage.rules import doubts_about, load_rules

SHOWN = 50


@click.group()
def rules() -> None:
    """The routing rules: print the file in force, try a changed one.

    Beside that: list and end what settlements taught.
    """


@rules.command("show")
def show_in_force() -> None:
    """Print the rules file in force, octet for octet as it was imported, from the record.

    For whoever has lost the file: "triage rules show > routing_rules.yaml".
    """
    with opened(migrate=False) as service, service.store.read("rules in force") as tx:
        content = version_content(tx, RULES, current_version(tx, RULES))
    if content is None:
        fail("The record holds no rules: the first 'triage run' or 'triage worker --once' imports the file.", FAILED)
    sys.stdout.buffer.write(content)


@rules.command("replay")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--days", type=click.IntRange(1, 3650), default=90, show_default=True, help="How far back to look.")
@json_option
def replay_file(path: Path, days: int, as_json: bool) -> None:
    """Say which of the last days' messages would go elsewhere under the rules of FILE.

    Each message is decided again under the rules in force and under those of FILE, by the code that decides real
    mail. Nothing is written and nothing leaves. Modes and confirmations are set aside, but for the two numbers of
    what would leave by itself.
    """
    with opened() as service:
        knowledge = Knowledge(service.store, service.settings.rules_path, service.settings.model_path)
        in_force = knowledge.in_force()
        chosen = load_rules(path, known_places())
        with service.store.read("confirmed addresses") as tx:
            chosen = confirmed_in_record(tx, chosen)
            since = tx.now - timedelta(days=days)
        with Progress(disable=not sys.stderr.isatty(), transient=True) as progress:
            task = progress.add_task("replaying", total=None)

            def tell(done: int) -> bool:
                progress.update(task, completed=done, description=f"replaying: {done} messages")
                return True

            anchors = pec_anchors(service.settings)
            parsed = ParsedMessages(anchors)
            found = run_again(service.store, in_force.rules, chosen, in_force.classifier, parsed, since, tell)
    if as_json:
        told = asdict(found)
        told["moves"] = [
            {"from": one, "to": other, "messages": count} for (one, other), count in found.moves.most_common()
        ]
        print_json({"in_force": in_force.rules.version, "file": chosen.version, "days": days, **told})
        return
    for problem in (*check_examples(chosen), *doubts_about(chosen)):
        click.echo(f"warning: {problem}", err=True)
    click.echo(f"In force: {in_force.rules.version}. {path}: {chosen.version}.")
    _print(found, days)


@rules.command()
@json_option
def taught(as_json: bool) -> None:
    """List the rules that settlements taught for later messages, as long as they hold."""
    with opened() as service:
        in_force = rules_in_force(service)
        with service.store.read("taught rules") as tx:
            found = live_exceptions(tx)
    if as_json:
        print_json([{name: getattr(one, name) for name in _TOLD} for one in found])
        return
    for one in found:
        what = word_taught(one, in_force, f"chi ha scritto il messaggio {one.message_id}")
        click.echo(f"{one.id}: {what} Di {one.created_by}, fino al {one.expires_at:%Y-%m-%d}, usata: {one.uses}.")
    if not found:
        click.echo("Non vale nessuna regola imparata.")


@rules.command("forget")
@click.argument("numbers", metavar="NUMBER...", type=int, nargs=-1, required=True)
def forget_taught(numbers: tuple[int, ...]) -> None:
    """End rules that settlements taught, by their numbers in "triage rules taught".

    Messages like these are decided as all others from now on; what has left stays where it is.
    """
    with opened() as service:
        in_force, person, refused = rules_in_force(service), typing(), []
        for number in numbers:
            with service.store.write("forget", person.name) as tx:
                outcome = forget(tx, in_force, person, number)
            if outcome.ok:
                click.echo(f"{number}: {outcome.message_it}")
            else:
                refused.append(f"{number}: {outcome.message_it} «triage rules taught» elenca quelle che valgono.")
        if refused:
            fail("\n".join(refused), FAILED)


_TOLD = (
    *("id", "kind", "phrase", "comune", "territory", "project", "address_key"),
    *("message_id", "created_at", "created_by", "expires_at", "uses", "last_used_at"),
)


def _print(found: Replay, days: int) -> None:
    click.echo(f"{found.messages} messages of the last {days} days; {found.differing} of them would go elsewhere.")
    if found.without_content:
        click.echo(f"{found.without_content} more could not be looked at: their content is no longer kept.")
    click.echo(f"Without a person would leave: {found.by_itself_now} today, {found.by_itself_then} with this file.")
    for (one, other), count in Counter(found.moves).most_common():
        click.echo(f"  {count:6}  {_plain(one)} -> {_plain(other)}")
    for message in found.differences[:SHOWN]:
        now, then = message.now, message.then
        by = f'rule "{then.rule}"' if then.rule else "no rule"
        click.echo(f"  message {message.message_id}: {_plain(place_of(now))} -> {_plain(place_of(then))} ({by})")
    if found.differing > SHOWN:
        click.echo(f"  ... and {found.differing - SHOWN} more; --json names up to {len(found.differences)}.")


def _plain(place: str) -> str:
    kind, _, code = place.partition(":")
    return f"waits ({word_hold(code)})" if kind == "hold" else place.removesuffix(".default")
