"""``triage check``: are settings and rules usable, and do the rules' examples hold? Sends nothing."""

from __future__ import annotations

import asyncio
import os
import sys

import click

from triage.bootstrap import settings_from
from triage.classify import ArtefactError, load_classifier
from triage.commands.opening import MISCONFIGURED, clear_errors, json_option, print_json
from triage.decide import check_examples
from triage.dispatch.selftest import UnsafeRuntimeError, verify_composition
from triage.dispatch.submit import AccountTroubleError, Connection
from triage.intake.connection import MailboxTroubleError, connect, disconnect
from triage.intake.mailbox import ImapMailbox
from triage.knowledge import known_places
from triage.rules import RulesError, doubts_about, load_rules
from triage.rules.schema import published_schema
from triage.settings import Settings, SettingsError


@click.command()
@click.option("--connect", "connects", is_flag=True, help="Log in to every server as well; sends and moves nothing.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of routing_rules.yaml for editors, and end.")
@json_option
def check(connects: bool, schema: bool, as_json: bool) -> None:
    """Check settings, rules and the rules' own examples (exit 2 if something must be mended)."""
    if schema:
        click.echo(published_schema(), nl=False)
        return
    errors: list[str] = []
    warnings: list[str] = []
    notes: list[str] = []
    with clear_errors():
        settings = _settings(connects)
        _check_rules(settings, errors, warnings, notes)
        _check_model(settings, errors, notes)
        try:
            notes.append(verify_composition())
        except UnsafeRuntimeError as error:
            errors.append(str(error))
        if connects and not errors:
            _check_connections(settings, errors, notes)
    if as_json:
        print_json({"ok": not errors, "errors": errors, "warnings": warnings, "notes": notes})
    else:
        for title, items in (("ERROR", errors), ("warning", warnings), ("ok", notes)):
            for item in items:
                click.echo(f"{title}: {item}")
        click.echo("Everything can be used." if not errors else "Mend what is marked ERROR, then check again.")
    sys.exit(MISCONFIGURED if errors else 0)


def _settings(connects: bool) -> Settings:
    environment = dict(os.environ)
    if not connects:
        for name in ("SMTP_HOST", "SMTP_USER", "SMTP_PASSWORD"):
            environment.setdefault(f"TRIAGE_{name}", "-")
    return settings_from(environment)


def _check_rules(settings: Settings, errors: list[str], warnings: list[str], notes: list[str]) -> None:
    try:
        rules = load_rules(settings.rules_path, known_places())
    except RulesError as error:
        errors.extend(str(error).splitlines())
        return
    examples = sum(len(rule.examples) for rule in rules.rules)
    failed = check_examples(rules)
    errors.extend(str(problem) for problem in failed)
    warnings.extend(str(problem) for problem in doubts_about(rules))
    notes.append(
        f"{settings.rules_path}: {len(rules.rules)} rules, {examples - len(failed)} of {examples} examples hold"
    )


def _check_model(settings: Settings, errors: list[str], notes: list[str]) -> None:
    try:
        load_classifier(settings.model_path)
    except OSError as error:
        errors.append(
            f"{settings.model_path} cannot be read ({type(error).__name__}). Set TRIAGE_MODEL or run 'triage train'."
        )
    except ArtefactError as error:
        errors.append(f"{settings.model_path}: {error}. Run 'triage train', or put the shipped model back.")
    else:
        notes.append(f"{settings.model_path} can be used")


def _check_connections(settings: Settings, errors: list[str], notes: list[str]) -> None:
    rules = load_rules(settings.rules_path, known_places())
    for name, box in rules.mailboxes.items():
        try:
            client = connect(settings.imap(name))
            try:
                imap = ImapMailbox(client, box.folder)
                selected = imap.select()
            finally:
                disconnect(client)
        except (MailboxTroubleError, SettingsError) as error:
            errors.append(f"mailbox {name}: {error}")
            continue
        extras = [
            word
            for word, has in (("MOVE", imap.has_move), ("UIDPLUS", imap.has_uidplus), ("IDLE", imap.has_idle))
            if has
        ]
        rights = "read-only: nothing could be filed" if selected.read_only else "may be written"
        notes.append(f"mailbox {name}: {selected.exists} messages, {rights}, offers {', '.join(extras) or 'no extras'}")
    try:
        notes.append(asyncio.run(_try_submission(settings)))
    except AccountTroubleError as error:
        errors.append(str(error))


async def _try_submission(settings: Settings) -> str:
    connection = Connection(settings.submission)
    await connection.open()
    offered = [name for name in ("8BITMIME", "SMTPUTF8", "SIZE", "DSN") if connection.offers(name)]
    await connection.close()
    return f"submission: logged in, offers {', '.join(offered) or 'no extras'}"
