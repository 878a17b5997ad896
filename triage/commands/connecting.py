"""``triage check --connect``: logs in everywhere and asks what a start relies on.

One line a result. What must be mended in the configuration is told apart from what fails at the
moment. The only message that is sent goes to a mailbox that we watch, and is removed from it again.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

import click

from triage.commands.domains import Known, Resolve, look_up
from triage.dispatch.clamd import ScannerTroubleError, State, scan, version
from triage.dispatch.probe import ProbingConnection, compose_probe
from triage.dispatch.submit import AccountTroubleError
from triage.ids import new_message_id
from triage.intake.connection import MailboxTroubleError, connect, disconnect
from triage.intake.mailbox import ImapMailbox
from triage.intake.probe import ProbeFound, find_and_remove
from triage.rules import MailboxRole, Rules
from triage.rules.addresses import AddressError, check_address
from triage.rules.types import Mailbox
from triage.settings import Scanner, Settings
from triage.vocabulary import AttemptOutcome, SubmissionResult

Answer = TypeVar("Answer")

_GOODBYE = 0.25
_PASSING = "unreachable"
_IMAP_EXTENSIONS = ("MOVE", "UIDPLUS", "IDLE", "CONDSTORE")
_SMTP_EXTENSIONS = ("8BITMIME", "SMTPUTF8", "SIZE", "DSN")
_RETURN_PATH = re.compile(rb"^Return-Path[ \t]*:", re.IGNORECASE | re.MULTILINE)


@dataclass(slots=True)
class Findings:
    """What was found, a sentence each."""

    errors: list[str] = field(default_factory=list)
    """To be mended in settings or rules."""
    failures: list[str] = field(default_factory=list)
    """Does not work now; the configuration may be right."""
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def check_connections(settings: Settings, rules: Rules, found: Findings, resolve: Resolve, wait: float) -> None:
    """Everything that only other machines know. ``wait``: seconds for the message to ourselves; 0: send none."""
    reached = [box for box in rules.mailboxes.values() if _check_mailbox(settings, box, found)]
    certified = [box.name for box in reached if box.pec or rules.service.pec]
    if certified and wait > 0:
        # The provider would wrap it under another Message-ID, so that it could not be removed, and add receipts.
        found.notes.append(f"PEC: no message was sent to try Return-Path (mailboxes {', '.join(certified)})")
        reached = [box for box in reached if box.name not in certified]
    if asyncio.run(_to_the_goodbye(_check_submission(settings, rules, found))) and wait > 0:
        for box in reached:
            if box.role is MailboxRole.INBOX:
                _check_return_path(settings, rules, box, found, wait)
    if settings.scanner is not None:
        _check_scanner(settings.scanner, found)
    _check_domains(rules, found, resolve)


async def _to_the_goodbye(work: Awaitable[Answer]) -> Answer:
    """A refused login is closed by TLS in further turns of the loop, which must not end before."""
    try:
        return await work
    finally:
        await asyncio.sleep(_GOODBYE)


def _check_mailbox(settings: Settings, box: Mailbox, found: Findings) -> bool:
    try:
        client = connect(settings.imap(box.name))
        try:
            imap = ImapMailbox(client, box.folder)
            selected = imap.select()
            offered = [name for name in _IMAP_EXTENSIONS if client.has_capability(name)]
        finally:
            disconnect(client)
    except MailboxTroubleError as error:
        (found.failures if error.kind == _PASSING else found.errors).append(f"mailbox {box.name}: {error}")
        return False
    rights = "read-only: nothing could be filed" if selected.read_only else "may be written"
    found.notes.append(f"mailbox {box.name}: {selected.exists} messages, {rights}, offers {_list(offered)}")
    if "UIDPLUS" not in offered and "MOVE" not in offered:
        found.warnings.append(
            f"mailbox {box.name}: without MOVE and UIDPLUS what was filed stays in the inbox, marked as deleted"
        )
    return True


async def _check_submission(settings: Settings, rules: Rules, found: Findings) -> bool:
    """Whether our own address may send to itself, so that a message to ourselves makes sense."""
    connection = ProbingConnection(settings.submission)
    own = rules.service.address
    try:
        await connection.open()
        offered = [name for name in _SMTP_EXTENSIONS if connection.offers(name)]
        found.notes.append(f"submission: logged in, offers {_list(offered)}")
        paths = [own] if not rules.acknowledgements.enabled else [own, rules.acknowledgements.reverse_path]
        answers = []
        for path in dict.fromkeys(paths):
            answers.append(await connection.would_take(path, own))
            _tell_rights(path, own, answers[-1], found)
    except AccountTroubleError as error:
        (found.failures if error.kind == _PASSING else found.errors).append(str(error))
        return False
    finally:
        await connection.close()
    return answers[0].outcome is AttemptOutcome.ACCEPTED


def _check_scanner(scanner: Scanner, found: Findings) -> None:
    """clamd's own words hold the day of its signatures."""
    try:
        words = asyncio.run(version(scanner))
        clean = asyncio.run(scan(scanner, b"triage check"))
    except ScannerTroubleError as error:
        found.failures.append(
            f"scanner: clamd does not answer ({error.kind}). Check that it runs, and TRIAGE_CLAMD. Forwards would wait."
        )
        return
    if clean.state is State.CLEAN:
        found.notes.append(f"scanner: {words}")
    else:
        found.errors.append("scanner: clamd finds malware in an innocent text. Check its signatures.")


def _tell_rights(path: str, own: str, answer: SubmissionResult, found: Findings) -> None:
    used = "forwards" if path == own else "acknowledgements"
    sender = path or "<>"
    if answer.outcome is AttemptOutcome.ACCEPTED:
        found.notes.append(f"submission: takes mail from {sender} ({used}) to {own}; nothing was sent for this")
        return
    said = str(answer.code or answer.text or "no answer")
    asked, remedy = (
        (f"the sender {sender} ({used})", "the account's right to send as this address")
        if answer.stage == "mail"
        else (f"the recipient {own} from {sender}", "'service.address' in routing_rules.yaml")
    )
    text = f"submission: the server refused {asked} ({said}). Check {remedy}."
    (found.errors if answer.outcome is AttemptOutcome.PERMANENT else found.failures).append(text)


def _check_return_path(settings: Settings, rules: Rules, box: Mailbox, found: Findings, wait: float) -> None:
    """Does the delivering server write Return-Path (RFC 5321 section 4.4)? Only a delivered message tells."""
    message_id = new_message_id(rules.service.address.rpartition("@")[2])
    where = f"mailbox {box.name}"
    if sys.stderr.isatty():
        click.echo(f"{where}: a message to {box.address} was sent; waiting up to {wait:g} s for it ...", err=True)
    started = time.monotonic()
    answer = asyncio.run(_to_the_goodbye(_send_probe(settings, rules.service.address, box.address, message_id)))
    if answer.outcome is not AttemptOutcome.ACCEPTED:
        found.failures.append(
            f"{where}: the server did not take a message to {box.address} ({answer.code or answer.text or 'no answer'})"
        )
        return
    try:
        client = connect(settings.imap(box.name))
        try:
            imap = ImapMailbox(client, box.folder)
            imap.select()
            probe = find_and_remove(imap, message_id, wait)
        finally:
            disconnect(client)
    except (MailboxTroubleError, OSError) as error:
        found.failures.append(f"{where}: the message to ourselves could not be looked for ({type(error).__name__})")
        return
    _tell_return_path(where, box, probe, time.monotonic() - started, wait, found)


async def _send_probe(settings: Settings, own: str, to: str, message_id: str) -> SubmissionResult:
    connection = ProbingConnection(settings.submission)
    try:
        await connection.open()
        return await connection.submit(compose_probe(own, to, message_id, datetime.now(UTC)))
    except AccountTroubleError as error:
        return SubmissionResult(AttemptOutcome.TRANSIENT, "connect", text=error.kind)
    finally:
        await connection.close()


def _tell_return_path(
    where: str, box: Mailbox, probe: ProbeFound | None, took: float, wait: float, found: Findings
) -> None:
    if probe is None:
        found.failures.append(
            f"{where}: a message to {box.address} did not arrive in folder {box.folder} within {wait:g} s. Check "
            "'address' and 'folder' of the mailbox; if it comes later, delete it (subject 'Prova di triage check')."
        )
        return
    if not probe.removed:
        found.warnings.append(f"{where}: the message to ourselves is marked as deleted, but the server kept it")
    if _RETURN_PATH.search(probe.header_section):
        found.notes.append(
            f"{where}: the server writes Return-Path (a message to ourselves came after {took:.0f} s and was removed)"
        )
    else:
        found.warnings.append(
            f"{where}: the server writes no Return-Path. Acknowledgements go only there, so no family will get one. "
            "Ask the mail administrator to have it written on delivery."
        )


def _check_domains(rules: Rules, found: Findings, resolve: Resolve) -> None:
    """A warning at most: the submission server may see another name service than this machine."""
    users: dict[str, list[str]] = {}
    for project in rules.projects.values():
        for address in project.addresses.values():
            users.setdefault(_domain(address.to), []).append(f"{project.code}.{address.key} (line {address.line})")
    for text in (*rules.urgent.on_call, *rules.alarms):
        users.setdefault(_domain(text), []).append("urgent, alarms")
    known = {domain: look_up(domain, resolve) for domain in users if domain}
    for domain, answer in known.items():
        by = ", ".join(dict.fromkeys(users[domain]))
        if answer is Known.ABSENT:
            found.warnings.append(f"domain {domain} does not exist as far as this machine can tell. Check {by}.")
        elif answer is Known.UNKNOWN:
            found.warnings.append(f"domain {domain} could not be looked up: this machine's resolver does not answer.")
    exist = [domain for domain, answer in known.items() if answer is Known.EXISTS]
    if exist:
        found.notes.append(f"domains of destinations that exist: {', '.join(sorted(exist))}")


def _domain(address: str) -> str:
    try:
        return check_address(address).domain
    except AddressError:
        return ""


def _list(offered: list[str]) -> str:
    return ", ".join(offered) or "no extras"
