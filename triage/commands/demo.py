"""``triage demo``: the whole service on a real IMAP and a real SMTP server, all on loopback."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

import triage
from triage.acts.accounts import add
from triage.acts.passwords import hash_password, new_password
from triage.acts.people import Person, Role
from triage.bootstrap import Service, build_service, settings_from
from triage.commands.opening import FAILED, clear_errors, fail
from triage.commands.page import desk_of
from triage.dispatch.selftest import verify_composition
from triage.exceptions import is_one_of_two_places, must_be_read
from triage.explaining import word_all_holds
from triage.listening import PORT, Listening
from triage.logs import configure_logs
from triage.once import run_once
from triage.record.decisions import decisions_of
from triage.record.dispatches import dispatches_of
from triage.record.ledger import compute_ledger
from triage.record.mailboxes import note_probe
from triage.record.messages import MessageRow, messages_in
from triage.record.octets import digest
from triage.review.app import create_app
from triage.review.serving import PageServer
from triage.settings import Settings
from triage.shipped import shipped
from triage.vocabulary import Decision, DispatchKind, DispatchState, MessageState
from triage.worker import Worker

if TYPE_CHECKING:  # the demo's servers are an extra
    from triage.demo.imap_server import EmbeddedImap
    from triage.demo.load import DemoMessage
    from triage.demo.mail_page import MailPage
    from triage.demo.smtp_server import EmbeddedSmtp

USER, PASSWORD = "ufficio@example.org", "demo"
_DEMO = Person(None, "demo", "demo", Role.ADMINISTRATOR)
STATES = {
    MessageState.FILED: "inoltrato e archiviato",
    MessageState.FORWARDED: "inoltrato",
    MessageState.HELD: "trattenuto",
    MessageState.QUARANTINED: "in quarantena",
    MessageState.OVERSIZE: "troppo grande",
    MessageState.MATCHED: "già noto",
}
GOES_ON = f"""
Pagina per il personale: {{staff}}   nome: demo   password: {{password}}
Posta della demo:        {{mail}}   che cosa è arrivato a famiglie e centri; da lì si scrive alla casella
Casella, per un programma di posta: IMAP {{host}}:{{imap}} senza cifratura   nome: {USER}   password: {PASSWORD}

Da provare:
 1. Nella pagina per il personale apri «Da decidere», scegli un messaggio, guarda che cosa parte e conferma.
    Dopo due minuti, quando non si può più annullare, la mail arriva: la vedi in «Posta della demo».
 2. Apri {{suggested}}, inoltralo e prima di confermare scegli «Anche i prossimi di questo mittente».
    Poi in «Posta della demo», «Scrivi alla casella», riempi i campi con lo stesso messaggio: spedito, parte da solo.
 3. Dopo «Chiedi il comune», in «Posta della demo» apri la domanda e rispondi come farebbe la famiglia.
Il servizio continua; Ctrl-C lo ferma.
"""
"""What a newcomer may do, with the addresses and names that it takes."""


@click.command()
@click.option("--once", is_flag=True, help="Work the sample inbox off, print a line a message, and end.")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Port of the staff page, 0 for any; else 8080 if it is free."
)
def demo(once: bool, port: int | None) -> None:
    """Run the service on invented mail, with its own mail servers; nothing leaves this machine.

    Without --once the servers and the service go on until Ctrl-C. Two addresses are printed: the staff
    page with an account, and a page that shows what arrived to whom and writes to the mailbox.
    """
    try:
        from triage.demo.imap_server import EmbeddedImap
        from triage.demo.load import append_all, demo_messages
        from triage.demo.smtp_server import EmbeddedSmtp
    except ImportError as error:
        fail(f"The demo needs {error.name}: install the package with its extra 'demo', or run 'make demo'.", FAILED)
    with (
        clear_errors(),
        tempfile.TemporaryDirectory(prefix="triage-demo-") as folder,
        EmbeddedImap(users={USER: PASSWORD}) as imap,
        EmbeddedSmtp() as smtp,
    ):
        click.echo(verify_composition())
        click.echo(f"IMAP server on {imap.host}:{imap.port}, SMTP server on {smtp.host}:{smtp.port}, both loopback.")
        settings = _settings(Path(folder), imap.host, imap.port, smtp.host, smtp.port)
        service = build_service(settings)
        # A mailbox seen for the first time is baselined: the service must see it before the mail comes.
        reader = service.make_reader("generale")
        reader.work()
        reader.close()
        # The sample letters carry the Return-Path that a real server writes when it delivers them.
        with service.store.write("demo") as tx:
            note_probe(tx, "generale", settings.imap("generale").identity, "INBOX", return_path=True, plus=None)
        sample = demo_messages(datetime.now(UTC))
        append_all(imap.host, imap.port, USER, PASSWORD, sample)
        click.echo(f"{len(sample)} invented messages put into the inbox.\n")
        names: dict[str, list[str]] = {}
        for name, octets, _ in sample:
            names.setdefault(digest(octets), []).append(name)
        code = _work_off(service, names)
        service.store.close()
        click.echo(f"{len(smtp.messages)} messages were taken by the demo's SMTP server; none left this machine.")
        if not once:
            _go_on(build_service(settings), port, imap, smtp, sample)
    sys.exit(code)


def _settings(folder: Path, imap_host: str, imap_port: int, smtp_host: str, smtp_port: int) -> Settings:
    package = Path(triage.__file__).parent
    return settings_from(
        {
            "TRIAGE_DATABASE_URL": f"sqlite:///{folder}/triage.db",
            "TRIAGE_STATE_DIR": str(folder),
            "TRIAGE_RULES": str(package / "demo" / "routing_rules.yaml"),
            "TRIAGE_MODEL": str(shipped("model.skops")),
            "TRIAGE_IMAP_HOST": imap_host,
            "TRIAGE_IMAP_PORT": str(imap_port),
            "TRIAGE_IMAP_TLS": "plain",
            "TRIAGE_IMAP_USER": USER,
            "TRIAGE_IMAP_PASSWORD": PASSWORD,
            "TRIAGE_SMTP_HOST": smtp_host,
            "TRIAGE_SMTP_PORT": str(smtp_port),
            "TRIAGE_SMTP_TLS": "plain",
            "TRIAGE_SMTP_LOGIN": "none",
        }
    )


def _work_off(service: Service, names: dict[str, list[str]]) -> int:
    troubles = run_once(service)
    with service.store.read("demo") as tx:
        rows = sorted(messages_in(tx, tuple(MessageState)), key=lambda row: row.id)
        decisions = decisions_of(tx, [(row.id, row.generation) for row in rows])
        acknowledged = {
            sent.message_id
            for row in rows
            for sent in dispatches_of(tx, row.id)
            if sent.kind == DispatchKind.ACKNOWLEDGEMENT and sent.state == DispatchState.ACCEPTED
        }
        ledger = compute_ledger(tx)
    for row in rows:
        click.echo(_line(row, decisions.get(row.id), row.id in acknowledged, _next_name(names, row)))
    counts = ledger.counts
    click.echo(
        f"\nRegistro: {counts['listed']} in elenco = {counts['received']} ricevuti; "
        f"{counts['filed']} archiviati, {counts['held']} trattenuti, {counts['quarantined']} in quarantena, "
        f"{counts['in_progress']} in corso."
    )
    sent = {kind: counts.get(f"{kind}_{DispatchState.ACCEPTED}", 0) for kind in DispatchKind}
    click.echo(
        f"Partiti: {sent[DispatchKind.FORWARD]} inoltri, {sent[DispatchKind.ACKNOWLEDGEMENT]} conferme di ricevuta, "
        f"{sent[DispatchKind.NOTICE]} avvisi al reperibile."
    )
    for text in (*troubles, *ledger.differences):
        click.echo(text, err=True)
    click.echo("Il registro quadra." if ledger.closes else "Il registro NON quadra.")
    return FAILED if troubles or not ledger.closes else 0


def _next_name(names: dict[str, list[str]], row: MessageRow) -> str:
    waiting = names.get(row.sha256 or "", [])
    return waiting.pop(0) if waiting else ""


def _line(row: MessageRow, decision: Decision | None, acknowledged: bool, name: str) -> str:
    state = STATES.get(MessageState(row.state), row.state)
    if row.state == MessageState.FILED and decision is not None and not decision.project:
        state = "archiviato"
    where = decision.destination if decision is not None else "-"
    topic = decision.topic if decision is not None else "-"
    why = word_all_holds(row.hold_reason, decision)
    receipt = "conferma inviata" if acknowledged else "-"
    return f"{row.id:>3}  {state:<23} {where:<15} {topic:<16} {receipt:<16} {name}  {why}".rstrip()


def _go_on(
    service: Service, port: int | None, imap: EmbeddedImap, smtp: EmbeddedSmtp, sample: Sequence[DemoMessage]
) -> None:
    staff, password = _open_page(service, port)
    mail = _open_mail_page(service, staff.address, imap, smtp, sample)
    suggested = _suggested(service, sample)
    addresses = {"staff": staff.address, "mail": mail.address, "host": imap.host, "imap": imap.port}
    click.echo(GOES_ON.format(password=password, suggested=suggested, **addresses))
    configure_logs()
    try:
        Worker(service, beside=staff.stop).run()
    finally:
        mail.stop()


def _suggested(service: Service, sample: Sequence[DemoMessage]) -> str:
    """A message by its subject that waits only because the service is not sure enough: what it teaches works."""
    from triage.demo.letters import as_draft

    drafts = {digest(octets): as_draft(octets) for _, octets, _ in sample}
    with service.store.read("demo") as tx:
        held = [row for row in messages_in(tx, (MessageState.HELD,)) if row.hold_reason == "fiducia_bassa"]
        decided = decisions_of(tx, [(row.id, row.generation) for row in held])
    for row in held:
        draft = drafts.get(row.sha256 or "")
        decision = decided[row.id]
        teaches = bool(decision.project) and not must_be_read(decision) and not is_one_of_two_places(decision)
        if draft is not None and draft.subject and teaches:
            return f"«{draft.subject}»"
    return "un messaggio che ha un centro proposto"


def _open_mail_page(
    service: Service, staff: str, imap: EmbeddedImap, smtp: EmbeddedSmtp, sample: Sequence[DemoMessage]
) -> MailPage:
    """Where a visitor sees what arrived, and writes as a family or a centre would."""
    from triage.demo.letters import as_draft
    from triage.demo.load import append_all
    from triage.demo.mail_page import MailPage, Post

    rules = service.knowledge.in_force().rules
    names = {address.to.lower(): one.name for one in rules.projects.values() for address in one.addresses.values()}
    names |= {address.lower(): "Reperibile" for address in rules.urgent.on_call}
    page = MailPage(
        Post(
            rules.service.address,
            names,
            [(name, draft) for name, octets, _ in sample if (draft := as_draft(octets)) is not None],
            lambda: smtp.messages,
            lambda octets: append_all(imap.host, imap.port, USER, PASSWORD, [("", octets, datetime.now(UTC))]),
            staff,
        )
    )
    page.start()
    return page


def _open_page(service: Service, port: int | None) -> tuple[PageServer, str]:
    """The staff page with an invented account, which needs no telephone; its password, new each time, comes with it."""
    try:
        page = PageServer(Listening("127.0.0.1", PORT if port is None else port, ""))
    except OSError:
        if port is not None:
            fail(f"Port {port} is not free: choose another with --port.", FAILED)
        page = PageServer(Listening("127.0.0.1", 0, ""))
    password = new_password()
    with service.store.write("demo") as tx:
        add(tx, _DEMO, "demo", "Persona di prova", Role.ADMINISTRATOR, hash_password(password), given=False)
    page.start(create_app(desk_of(service, page.listening, totp_required=False)))
    return page, password
