"""``triage check``: are settings and rules usable, and do the rules' examples hold? Sends nothing."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

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
from triage.rules import Rules, RulesError, doubts_about, load_rules
from triage.rules.schema import published_schema
from triage.settings import Settings, SettingsError, paths_of


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
        rules_path, model_path = paths_of(os.environ)
        rules = _check_rules(rules_path, errors, warnings, notes)
        settings = _check_settings(tuple(rules.mailboxes) if rules is not None else (), errors, notes)
        _check_model(model_path, errors, notes)
        try:
            notes.append(verify_composition())
        except UnsafeRuntimeError as error:
            errors.append(str(error))
        if connects and settings is not None and rules is not None and not errors:
            _check_connections(settings, rules, errors, notes)
    if as_json:
        print_json({"ok": not errors, "errors": errors, "warnings": warnings, "notes": notes})
    else:
        for title, items in (("ERROR", errors), ("warning", warnings), ("ok", notes)):
            for item in items:
                click.echo(f"{title}: {item}")
        mend = "Mend what is marked ERROR, then check again. Settings and rules: see the README, 'Configuration'."
        click.echo(mend if errors else "Everything can be used.")
    sys.exit(MISCONFIGURED if errors else 0)


def _check_settings(mailboxes: tuple[str, ...], errors: list[str], notes: list[str]) -> Settings | None:
    """What a start would need: the account of every mailbox and of submission, all problems together."""
    try:
        settings = settings_from(os.environ, mailboxes)
    except SettingsError as error:
        errors.extend(error.problems)
        return None
    notes.append(f"settings: the accounts of {len(mailboxes)} mailbox(es) and of submission are complete")
    return settings


def _check_rules(path: Path, errors: list[str], warnings: list[str], notes: list[str]) -> Rules | None:
    try:
        rules = load_rules(path, known_places())
    except RulesError as error:
        errors.extend(str(error).splitlines())
        return None
    examples = sum(len(rule.examples) for rule in rules.rules)
    failed = check_examples(rules)
    errors.extend(str(problem) for problem in failed)
    warnings.extend(str(problem) for problem in doubts_about(rules))
    notes.append(f"{path}: {len(rules.rules)} rules, {examples - len(failed)} of {examples} examples hold")
    return rules


def _check_model(path: Path, errors: list[str], notes: list[str]) -> None:
    try:
        load_classifier(path)
    except OSError as error:
        errors.append(f"{path} cannot be read ({type(error).__name__}). Set TRIAGE_MODEL or run 'triage train'.")
    except ArtefactError as error:
        errors.append(f"{path}: {error}. Run 'triage train', or put the shipped model back.")
    else:
        notes.append(f"{path} can be used")


def _check_connections(settings: Settings, rules: Rules, errors: list[str], notes: list[str]) -> None:
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
