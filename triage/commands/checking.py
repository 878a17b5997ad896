"""What ``triage check`` looks at: are settings and rules usable, and do the rules' examples hold?"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from triage.basis import settings_from
from triage.classify import ArtefactError, load_classifier
from triage.clock import SystemClock
from triage.commands.connecting import check_connections
from triage.commands.delivery import wants_plus
from triage.commands.domains import Resolve, by_system
from triage.commands.findings import Findings
from triage.commands.opening import FAILED, MISCONFIGURED, clear_errors, print_json
from triage.commands.tokens import prove_tokens
from triage.decide import check_examples
from triage.dispatch.selftest import UnsafeRuntimeError, verify_composition
from triage.dispatch.text_files import load_texts
from triage.knowledge import known_places
from triage.pec.sending import MOST_FORWARDED_MB
from triage.reading import pec_anchors
from triage.rules import Rules, RulesError, doubts_about, load_rules
from triage.rules.types import NO_TEXT, Rule
from triage.settings import Settings, SettingsError, paths_of, texts_path_of
from triage.shipped import shipped
from triage.tokens import Tokens

NO_PLUS_TAGS = (".office365.com", ".outlook.com", ".outlook.de")
"""Microsoft 365 submits only as the account itself: a reverse path with a tag is refused or replaced."""


def check_all(*, connects: bool, resolve: Resolve | None, wait: float, as_json: bool) -> None:
    """Say what was found, and leave with 2 if something must be mended, with 1 if only a server fails at the moment."""
    found = Findings()
    with clear_errors():
        rules_path, model_path = paths_of(os.environ)
        rules = _check_rules(rules_path, found)
        settings = _check_settings(tuple(rules.mailboxes) if rules is not None else (), found)
        if settings is not None and rules is not None:
            _check_certified(settings, rules, found)
        _check_model(model_path, found)
        _check_texts(rules.rules if rules is not None else (), found)
        if rules is not None and settings is not None:
            _check_envelope(rules, settings, found)
            _check_page(rules, settings, found)
        try:
            found.notes.append(verify_composition())
        except UnsafeRuntimeError as error:
            found.errors.append(str(error))
        if settings is not None and rules is not None:
            tokens = Tokens(settings.state_dir, SystemClock())
            if connects and not found.errors:
                check_connections(settings, rules, tokens, found, resolve or by_system, wait)
            else:
                prove_tokens(settings, rules, tokens, found)
    errors = [*found.errors, *found.failures]
    if as_json:
        print_json({"ok": not errors, "errors": errors, "warnings": found.warnings, "notes": found.notes})
    else:
        for title, items in (("ERROR", errors), ("warning", found.warnings), ("ok", found.notes)):
            for item in items:
                click.echo(f"{title}: {item}")
        mend = "Mend what is marked ERROR, then check again. Settings and rules: see the README, 'Configuration'."
        click.echo(mend if errors else "Everything can be used.")
    sys.exit(MISCONFIGURED if found.errors else FAILED if found.failures else 0)


def _check_settings(mailboxes: tuple[str, ...], found: Findings) -> Settings | None:
    """What a start would need: the account of every mailbox and of submission, all problems together."""
    try:
        settings = settings_from(os.environ, mailboxes)
    except SettingsError as error:
        found.errors.extend(error.problems)
        return None
    found.notes.append(f"settings: the accounts of {len(mailboxes)} mailbox(es) and of submission are complete")
    if settings.scanner is None:
        found.warnings.append(
            "TRIAGE_CLAMD is not set: mail is forwarded without a look for malware, and no attachment is repeated "
            "beside the original. Name clamd's socket, such as /run/clamav/clamd.ctl."
        )
    elif settings.scanner.host and not _is_this_machine(settings.scanner.host):
        found.warnings.append(
            "TRIAGE_CLAMD names another machine: whole messages go there unencrypted. Use a socket of this machine, "
            "or a tunnel."
        )
    found.warnings.extend(_about_keys(settings))
    return settings


def _about_keys(settings: Settings) -> list[str]:
    if not settings.keys:
        return ["TRIAGE_KEY_FILE is not set: mail lies in the record in clear. 'triage key new FILE' makes a key."]
    path = Path(os.environ.get("TRIAGE_KEY_FILE", ""))
    if path.is_file() and path.stat().st_mode & 0o077:
        return [f"{path}: others may read the key file. Let only the service's user read it (chmod 600)."]
    return []


def _check_certified(settings: Settings, rules: Rules, found: Findings) -> None:
    """What certified mail (PEC) asks of accounts, and how far its providers will be recognised."""
    try:
        anchors = pec_anchors(settings)
    except SettingsError as error:
        found.errors.extend(error.problems)
        return
    boxes = [box.name for box in rules.mailboxes.values() if box.pec]
    if boxes or anchors:
        known = f"{len(anchors)} certificate(s) to recognise providers by" if anchors else "no provider is recognised"
        found.notes.append(f"PEC: mailboxes declared: {', '.join(boxes) or 'none'}; {known}")
    if rules.service.pec:
        found.notes.append(
            f"PEC: everything leaves as {rules.service.address}, to one recipient, without Bcc, at most 30 MB"
        )
        large = [box.name for box in rules.mailboxes.values() if box.max_message_mb > MOST_FORWARDED_MB]
        if large:
            found.warnings.append(
                f"PEC: a message over {MOST_FORWARDED_MB} MB may be too large to be forwarded by PEC, and is held. "
                f"Lower max_message_mb of {', '.join(large)} to have such mail held before it is read."
            )


def _is_this_machine(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


def _check_rules(path: Path, found: Findings) -> Rules | None:
    try:
        rules = load_rules(path, known_places())
    except RulesError as error:
        found.errors.extend(str(error).splitlines())
        if not path.exists():
            example = shipped("routing_rules.yaml")
            found.warnings.append(f"An example of the rules came with the service: copy {example} and edit the copy.")
        return None
    examples = sum(len(rule.examples) for rule in rules.rules)
    failed = check_examples(rules)
    found.errors.extend(str(problem) for problem in failed)
    found.warnings.extend(str(problem) for problem in doubts_about(rules))
    found.notes.append(f"{path}: {len(rules.rules)} rules, {examples - len(failed)} of {examples} examples hold")
    return rules


def _check_texts(rules: tuple[Rule, ...], found: Findings) -> None:
    """What families are told: our texts, or the agency's, and whether every text that a rule names is there."""
    folder = texts_path_of(os.environ)
    try:
        texts = load_texts(folder)
    except RulesError as error:
        found.errors.extend(str(error).splitlines())
        return
    for rule in rules:
        if rule.acknowledgement not in ("", NO_TEXT, *texts.names()):
            known = ", ".join(sorted(texts.names())) or "no other"
            found.errors.append(
                f'the rule "{rule.name}" (line {rule.line}) names the text "{rule.acknowledgement}", which it.yaml '
                f"does not hold under altre_ricevute (there is {known}). Remedy: write it there, or delete the key."
            )
    signed = [language.name for language in texts.languages.values() if language.is_on]
    waiting = sorted(language.code for language in texts.languages.values() if not language.is_on)
    unsigned = f"; not used until a translator signs: {', '.join(waiting)}" if waiting else ""
    found.notes.append(f"texts for families from {folder or 'the package'}: {', '.join(signed)}{unsigned}")


def _check_envelope(rules: Rules, settings: Settings, found: Findings) -> None:
    host = settings.submission.account.host.lower().rstrip(".")
    if wants_plus(rules) and host.endswith(NO_PLUS_TAGS):
        found.errors.append(
            f"acknowledgements: the envelope plus cannot be used with {host}, which writes another reverse path. "
            "Remedy: write 'envelope: none' or 'dedicated' under acknowledgements."
        )


def _check_page(rules: Rules, settings: Settings, found: Findings) -> None:
    """A mail that says what waits, without a way to it, sends people looking for the address."""
    if rules.daily_digest.to and not settings.page_url:
        found.warnings.append(
            "TRIAGE_WEB_URL is not set: the mail of daily_digest says how much waits, but has no link to the page. "
            "Set it to the address under which staff open the page."
        )


def _check_model(path: Path, found: Findings) -> None:
    try:
        load_classifier(path)
    except OSError as error:
        found.errors.append(f"{path} cannot be read ({type(error).__name__}). Set TRIAGE_MODEL or run 'triage train'.")
    except ArtefactError as error:
        found.errors.append(f"{path}: {error}. Run 'triage train', or put the shipped model back.")
    else:
        found.notes.append(f"{path} can be used")
