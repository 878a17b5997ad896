"""``triage check --connect``: logs in everywhere and asks what a start relies on.

One line a result. What must be mended in the configuration is told apart from what fails at the
moment. The only message that is sent goes to a mailbox that we watch, and is removed from it again.
"""

from __future__ import annotations

import asyncio

from triage.beginning.answering import Answers
from triage.beginning.questions import Question, Trial
from triage.clock import SystemClock
from triage.commands.database import check_database
from triage.commands.delivery import check_delivery
from triage.commands.domains import Known, Resolve, look_up
from triage.commands.findings import Findings, to_the_goodbye
from triage.commands.tokens import prove_tokens
from triage.dispatch.clamd import ScannerTroubleError, State, scan, version
from triage.dispatch.probe import ProbingConnection
from triage.dispatch.trouble import AccountTroubleError
from triage.intake.connection import MailboxTroubleError, connect, disconnect
from triage.intake.mailbox import ImapMailbox
from triage.rules import MailboxRole, Rules
from triage.rules.addresses import AddressError, check_address
from triage.rules.types import Envelope, Mailbox
from triage.settings import Login, Scanner, Settings, load_settings, without_accounts
from triage.tokens import Secrets, Tokens
from triage.tokens.trouble import PASSING
from triage.tokens.watch import SUBMISSION
from triage.vocabulary import AttemptOutcome, SubmissionResult

_PASSING = frozenset({"unreachable", "throttled"}) | PASSING
_IMAP_EXTENSIONS = ("MOVE", "UIDPLUS", "IDLE", "CONDSTORE")
_SMTP_EXTENSIONS = ("8BITMIME", "SMTPUTF8", "SIZE", "DSN")


def check_connections(
    settings: Settings, rules: Rules, tokens: Tokens, found: Findings, resolve: Resolve, wait: float
) -> None:
    """Everything that only other machines know. ``wait``: seconds for the message to ourselves; 0: send none.

    What that message proves is kept in the record: families are answered by it.
    """
    check_database(settings, found)
    dead = prove_tokens(settings, rules, tokens, found)
    boxes = [box for box in rules.mailboxes.values() if box.name not in dead]
    reached = [box for box in boxes if _check_mailbox(settings, box, tokens, found)]
    certified = [box.name for box in reached if box.pec or rules.service.pec]
    if certified and wait > 0:
        # The provider would wrap it under another Message-ID, so that it could not be removed, and add receipts.
        found.notes.append(f"PEC: no message was sent to try Return-Path (mailboxes {', '.join(certified)})")
        reached = [box for box in reached if box.name not in certified]
    may_send = SUBMISSION not in dead and asyncio.run(to_the_goodbye(_check_submission(settings, rules, tokens, found)))
    if may_send and wait > 0:
        for box in reached:
            if box.role is MailboxRole.INBOX:
                check_delivery(settings, rules, box, tokens, found, wait)
    if settings.scanner is not None:
        _check_scanner(settings.scanner, found)
    _check_domains(rules, found, resolve)


def try_answers(question: Question, answers: Answers, resolve: Resolve, found: Findings) -> None:
    """What an answer makes possible to try, tried, for ``triage init``; sends nothing."""
    if question.trial is Trial.DOMAIN:
        _check_named_domain(answers.given[question.key], resolve, found)
        return
    more_is_asked = question.key.endswith("_login") and answers.given[question.key] != Login.NONE
    if question.trial is Trial.NOTHING or more_is_asked:
        return
    settings = load_settings(without_accounts(answers.environment()), "init")
    rules, tokens = answers.rules(), Tokens(settings.state_dir, SystemClock())
    match question.trial:
        case Trial.IMAP:
            for box in rules.mailboxes.values():
                _check_mailbox(settings, box, tokens, found)
        case Trial.SMTP:
            asyncio.run(to_the_goodbye(_check_submission(settings, rules, tokens, found)))
        case Trial.DATABASE:
            check_database(settings, found)
        case Trial.SCANNER if settings.scanner is not None:
            _check_scanner(settings.scanner, found)


def _check_named_domain(address: str, resolve: Resolve, found: Findings) -> None:
    domain = _domain(address)
    if domain and look_up(domain, resolve) is Known.ABSENT:
        found.warnings.append(f"domain {domain} does not exist as far as this machine can tell.")


def _check_mailbox(settings: Settings, box: Mailbox, secrets: Secrets, found: Findings) -> bool:
    try:
        client = connect(settings.imap(box.name), secrets)
        try:
            imap = ImapMailbox(client, box.folder)
            selected = imap.select()
            offered = [name for name in _IMAP_EXTENSIONS if client.has_capability(name)]
        finally:
            disconnect(client)
    except MailboxTroubleError as error:
        (found.failures if error.kind in _PASSING else found.errors).append(f"mailbox {box.name}: {error}")
        return False
    rights = "read-only: nothing could be filed" if selected.read_only else "may be written"
    found.notes.append(f"mailbox {box.name}: {selected.exists} messages, {rights}, offers {_list(offered)}")
    if "UIDPLUS" not in offered and "MOVE" not in offered:
        found.warnings.append(
            f"mailbox {box.name}: without MOVE and UIDPLUS what was filed stays in the inbox, marked as deleted"
        )
    return True


async def _check_submission(settings: Settings, rules: Rules, secrets: Secrets, found: Findings) -> bool:
    """Whether our own address may send to itself, so that a message to ourselves makes sense."""
    connection = ProbingConnection(settings.submission, secrets)
    own = rules.service.address
    try:
        await connection.open()
        offered = [name for name in _SMTP_EXTENSIONS if connection.offers(name)]
        found.notes.append(f"submission: logged in, offers {_list(offered)}")
        limits = rules.acknowledgements
        dedicated = limits.dedicated_address if limits.envelope is Envelope.DEDICATED else ""
        paths = [own] if not limits.enabled else [own, dedicated]
        answers = []
        for path in dict.fromkeys(paths):
            answers.append(await connection.would_take(path, own))
            _tell_rights(path, own, answers[-1], found)
    except AccountTroubleError as error:
        (found.failures if error.kind in _PASSING else found.errors).append(str(error))
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
