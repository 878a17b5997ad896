"""``triage check --connect``, the message to ourselves: does the server write Return-Path, does a plus tag arrive?

Only a delivered message tells (RFC 5321 section 4.4). What is proved is kept in the record, a mailbox
at a time: by it families are answered. The message is removed again as soon as it is found.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import sys
import time
from datetime import UTC, datetime

import click

from triage.basis import open_store
from triage.commands.findings import Findings, to_the_goodbye
from triage.decide.authentication import results_of
from triage.dispatch.probe import FORGED_METHOD, ProbingConnection, compose_probe
from triage.dispatch.trouble import AccountTroubleError
from triage.ids import new_message_id
from triage.intake.connection import MailboxTroubleError, connect, disconnect
from triage.intake.mailbox import ImapMailbox
from triage.intake.probe import ProbeFound, find_and_remove
from triage.parse import parse
from triage.record.mailboxes import note_probe
from triage.rules import Rules
from triage.rules.addresses import same_mailbox
from triage.rules.types import Envelope, Mailbox, WithoutReturnPath
from triage.settings import Settings
from triage.tokens import Secrets
from triage.vocabulary import AttemptOutcome, SubmissionResult

_RETURN_PATH = re.compile(rb"^Return-Path[ \t]*:", re.IGNORECASE | re.MULTILINE)


def check_delivery(
    settings: Settings, rules: Rules, box: Mailbox, tokens: Secrets, found: Findings, wait: float
) -> None:
    """Send a message to the mailbox itself, look for it, and keep what it shows."""
    seen = _deliver(settings, rules, box, tokens, box.address, found, wait)
    if seen is None:
        return
    writes = bool(_RETURN_PATH.search(seen.header_section))
    plus = _check_plus(settings, rules, box, tokens, found, wait)
    folder = "INBOX" if box.folder.upper() == "INBOX" else box.folder
    store = open_store(settings)
    try:
        with store.write("probed", "cli:check") as tx:
            note_probe(tx, box.name, settings.imap(box.name).identity, folder, return_path=writes, plus=plus)
    finally:
        store.close()
    _tell_return_path(rules, box, found, writes=writes)
    _tell_results(rules, box, found, seen.header_section)


def wants_plus(rules: Rules) -> bool:
    """Whether anything that families get is to leave with a plus tag."""
    return rules.acknowledgements.envelope is Envelope.PLUS or any(
        box.envelope is Envelope.PLUS for box in rules.mailboxes.values()
    )


def _check_plus(
    settings: Settings, rules: Rules, box: Mailbox, tokens: Secrets, found: Findings, wait: float
) -> bool | None:
    """Whether mail to our address with a tag arrives; ``None`` where nobody wants to know."""
    if not wants_plus(rules) or not same_mailbox(box.address, rules.service.address):
        return None
    local, _, domain = rules.service.address.rpartition("@")
    tagged = f"{local}+prova-{secrets.token_hex(4)}@{domain}"
    silent = Findings()
    arrived = _deliver(settings, rules, box, tokens, tagged, silent, wait) is not None
    if arrived:
        found.notes.append(f"mailbox {box.name}: mail to {local}+...@{domain} arrives: the envelope plus can be used")
    else:
        found.errors.append(
            f"mailbox {box.name}: mail to {local}+...@{domain} did not arrive: this account knows no plus tags, or "
            "they are switched off. Until it does, the null path is used. Remedy: have them switched on, or write "
            "'envelope: none' or 'dedicated' under acknowledgements."
        )
    return arrived


def _deliver(
    settings: Settings, rules: Rules, box: Mailbox, tokens: Secrets, to: str, found: Findings, wait: float
) -> ProbeFound | None:
    message_id = new_message_id(rules.service.address.rpartition("@")[2])
    where = f"mailbox {box.name}"
    if sys.stderr.isatty():
        click.echo(f"{where}: a message to {to} was sent; waiting up to {wait:g} s for it ...", err=True)
    started = time.monotonic()
    answer = asyncio.run(to_the_goodbye(_send_probe(settings, tokens, rules, to, message_id)))
    if answer.outcome is not AttemptOutcome.ACCEPTED:
        found.failures.append(
            f"{where}: the server did not take a message to {to} ({answer.code or answer.text or 'no answer'})"
        )
        return None
    try:
        client = connect(settings.imap(box.name), tokens)
        try:
            imap = ImapMailbox(client, box.folder)
            imap.select()
            probe = find_and_remove(imap, message_id, wait)
        finally:
            disconnect(client)
    except (MailboxTroubleError, OSError) as error:
        found.failures.append(f"{where}: the message to ourselves could not be looked for ({type(error).__name__})")
        return None
    if probe is None:
        found.failures.append(
            f"{where}: a message to {to} did not arrive in folder {box.folder} within {wait:g} s. Check "
            "'address' and 'folder' of the mailbox; if it comes later, delete it (subject 'Prova di triage check')."
        )
        return None
    took = time.monotonic() - started
    found.notes.append(f"{where}: a message to ourselves came after {took:.0f} s and was removed")
    if probe.renamed:
        found.warnings.append(
            f"{where}: the server puts a Message-ID of its own in place of ours. Answers and delivery reports are "
            "still joined to their case by its code, and by that Message-ID where the server tells it."
        )
    if not probe.removed:
        found.warnings.append(f"{where}: the message to ourselves is marked as deleted, but the server kept it")
    return probe


async def _send_probe(settings: Settings, tokens: Secrets, rules: Rules, to: str, message_id: str) -> SubmissionResult:
    own, authserv_id = rules.service.address, rules.service.authserv_id
    connection = ProbingConnection(settings.submission, tokens)
    try:
        await connection.open()
        return await connection.submit(compose_probe(own, to, message_id, datetime.now(UTC), authserv_id))
    except AccountTroubleError as error:
        return SubmissionResult(AttemptOutcome.TRANSIENT, "connect", text=error.kind)
    finally:
        await connection.close()


def _tell_return_path(rules: Rules, box: Mailbox, found: Findings, *, writes: bool) -> None:
    where = f"mailbox {box.name}"
    if writes:
        found.notes.append(f"{where}: the server writes Return-Path; kept in the record: acknowledgements go there")
        return
    if rules.acknowledgements.return_path is WithoutReturnPath.FROM_IF_DMARC_PASS:
        instead = "Only authors who pass DMARC are answered (return_path: from_if_dmarc_pass)."
    else:
        instead = "Acknowledgements go only there, so no family will get one."
    found.warnings.append(
        f"{where}: the server writes no Return-Path. {instead} "
        "Ask the mail administrator to have it written on delivery."
    )


def _tell_results(rules: Rules, box: Mailbox, found: Findings, header_section: bytes) -> None:
    """Where the server's Authentication-Results stand, and whether results that came along would be believed."""
    service, where = rules.service, f"mailbox {box.name}"
    message = parse(header_section.rstrip(b"\r\n") + b"\r\n\r\n")
    believed = {one.method for one in results_of(message, service.authserv_id, service.authserv_below)}
    if FORGED_METHOD in believed:
        found.errors.append(
            f"{where}: results that a message brings along in the name of {service.authserv_id} arrive where they are "
            "believed: anybody could pass for anybody. Remedy: write 'authserv_position: above' under service."
        )
    elif believed:
        found.notes.append(f"{where}: the results of {service.authserv_id} stand where they are looked for")
    elif {one.method for one in results_of(message, service.authserv_id, below=True)} - {FORGED_METHOD}:
        found.warnings.append(
            f"{where}: {service.authserv_id} writes its results below its own Received field, where no pass is "
            "believed. Remedy: write 'authserv_position: below' under service, then check again."
        )
