"""``triage run`` and ``triage worker``: do the work, for good or once."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import TextIO
from zoneinfo import ZoneInfo

import click

from triage.bootstrap import Options, Service, build_service, settings_from
from triage.commands.opening import FAILED, clear_errors
from triage.dispatch.selftest import verify_composition
from triage.knowledge import known_places
from triage.logs import configure_logs
from triage.once import run_once
from triage.record.ledger import compute_ledger
from triage.rules import RulesError, load_rules
from triage.settings import paths_of
from triage.worker import Worker


def _since(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time(), ZoneInfo("Europe/Rome")).astimezone(UTC)
    except (ValueError, OverflowError):
        raise click.BadParameter("a date such as 2026-11-20", param_hint="--backlog") from None


take_over_option = click.option(
    "--take-over", is_flag=True, help="Read a mailbox that another instance of the service has marked as its own."
)
adopt_option = click.option(
    "--adopt-files",
    is_flag=True,
    help="Put the rules and model of this machine's files in force, even if newer ones have replaced them.",
)
backlog_option = click.option(
    "--backlog",
    metavar="SINCE",
    help="Let mail in that arrived since this day (YYYY-MM-DD) and was there before the first start.",
)


@click.command()
@take_over_option
@backlog_option
@adopt_option
def run(take_over: bool, backlog: str | None, adopt_files: bool) -> None:
    """Run the service: read, sort, forward, acknowledge, file, until it is stopped.

    The staff page is served too, unless TRIAGE_WEB_PORT is off.
    """
    _start(Options(_since(backlog), take_over, adopt_files), once=False, page=True)


@click.command()
@click.option("--once", is_flag=True, help="Work off what is there now, then end.")
@take_over_option
@backlog_option
@adopt_option
def worker(once: bool, take_over: bool, backlog: str | None, adopt_files: bool) -> None:
    """Run a worker; several may share one PostgreSQL."""
    _start(Options(_since(backlog), take_over, adopt_files), once=once)


def _start(options: Options, *, once: bool, page: bool = False) -> None:
    configure_logs()
    with clear_errors():
        click.echo(verify_composition(), err=True)
        settings = settings_from(os.environ, _mailboxes())
        close_page, open_page = _page() if page else (_nothing, _nothing_with)
        try:
            service = build_service(settings, options)
            for name in service.knowledge.in_force().rules.mailboxes:
                settings.imap(name)  # where the record's rules differ from the file's
            if once:
                sys.exit(_once(service))
            open_page(service)
            Worker(service, beside=close_page).run()
        finally:
            close_page()


def _nothing() -> None:
    """No page."""


def _nothing_with(_service: Service) -> None:
    """No page."""


def _page() -> tuple[Callable[[], None], Callable[[Service], None]]:
    """What closes the page and what opens it; its port is taken at once, so that a busy one is told first."""
    # Only here: a worker without a page shall not load a web server.
    from triage.commands.page import desk_of, start_page, take_port
    from triage.listening import read_listening

    listening = read_listening(os.environ)
    server = take_port(listening) if listening is not None else None
    if listening is None or server is None:
        return _nothing, _nothing_with
    return server.stop, lambda service: start_page(server, desk_of(service, listening))


def _mailboxes() -> tuple[str, ...]:
    """The mailboxes of the rules file, whose accounts are checked before the record is touched."""
    try:
        return tuple(load_rules(paths_of(os.environ)[0], known_places()).mailboxes)
    except RulesError:
        return ()  # the record may hold an earlier version that can be used


def progress_on(terminal: TextIO) -> Callable[[str, int], None] | None:
    """Counts what was done, in one line that is written over; nothing where nobody looks."""
    if not terminal.isatty():
        return None
    done: dict[str, int] = {}

    def tell(what: str, count: int) -> None:
        done[what] = done.get(what, 0) + count
        terminal.write("\r" + ", ".join(f"{number} {name}" for name, number in done.items()) + " ")
        terminal.flush()

    return tell


def _once(service: Service) -> int:
    progress = progress_on(sys.stderr)
    troubles = run_once(service, progress)
    if progress is not None:
        click.echo(err=True)
    with service.store.read("ledger", long=True) as tx:
        ledger = compute_ledger(tx)
    for difference in ledger.differences:
        click.echo(f"The ledger does not close: {difference}", err=True)
    service.store.close()
    return FAILED if troubles or not ledger.closes else 0
