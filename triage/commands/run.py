"""``triage run`` and ``triage worker``: do the work, for good or once."""

from __future__ import annotations

import os
import sys
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import click

from triage.bootstrap import Options, Service, build_service, settings_from
from triage.commands.opening import FAILED, clear_errors
from triage.dispatch.selftest import verify_composition
from triage.logs import configure_logs
from triage.record.ledger import compute_ledger
from triage.worker import Worker, run_once


def _since(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time(), ZoneInfo("Europe/Rome")).astimezone(UTC)
    except ValueError:
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
    """Run the service: read, sort, forward, acknowledge, file, until it is stopped."""
    _start(Options(_since(backlog), take_over, adopt_files), once=False)


@click.command()
@click.option("--once", is_flag=True, help="Work off what is there now, then end.")
@take_over_option
@backlog_option
@adopt_option
def worker(once: bool, take_over: bool, backlog: str | None, adopt_files: bool) -> None:
    """Run a worker; several may share one PostgreSQL."""
    _start(Options(_since(backlog), take_over, adopt_files), once=once)


def _start(options: Options, *, once: bool) -> None:
    configure_logs()
    with clear_errors():
        click.echo(verify_composition(), err=True)
        settings = settings_from(os.environ)
        service = build_service(settings, options)
        for name in service.knowledge.in_force().rules.mailboxes:
            settings.imap(name)
        if once:
            sys.exit(_once(service))
        Worker(service).run()


def _once(service: Service) -> int:
    troubles = run_once(service)
    with service.store.read("ledger") as tx:
        ledger = compute_ledger(tx)
    for difference in ledger.differences:
        click.echo(f"The ledger does not close: {difference}", err=True)
    service.store.close()
    return FAILED if troubles or not ledger.closes else 0
