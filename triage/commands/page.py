"""The staff page beside a command: its port, its desk, and what its operator is told."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from functools import partial

import click

from triage.bootstrap import Service
from triage.calling import Call
from triage.commands.opening import MISCONFIGURED, fail
from triage.dispatch import clamd
from triage.listening import Listening
from triage.record.people import all_people
from triage.review.app import create_app
from triage.review.desk import Desk
from triage.review.serving import PageServer
from triage.settings import Scanner


def take_port(listening: Listening) -> PageServer | None:
    """The page's port; ``None`` when nobody chose it and another program has it: mail goes on without the page."""
    try:
        return PageServer(listening)
    except OSError as error:
        code = errno.errorcode.get(error.errno or 0, type(error).__name__)
        what = f"The staff page cannot listen on {listening.host}, port {listening.port} ({code})."
        if listening.chosen:
            fail(
                f"{what} Choose another with TRIAGE_WEB_PORT or --port, or end the program that has it.", MISCONFIGURED
            )
        click.echo(f"{what} The service runs without its page. Choose a port with TRIAGE_WEB_PORT, or 'off'.", err=True)
        return None


def desk_of(service: Service, listening: Listening, *, totp_required: bool = True) -> Desk:
    """The desk of a page in the worker's own process: what people do is worked off at once."""
    return Desk(
        service.store,
        service.knowledge,
        service.settings,
        service.texts,
        service.parsed,
        listening,
        decide_wake=partial(service.caller, Call.DECIDE),
        dispatch_wake=partial(service.caller, Call.DISPATCH),
        file_wake=partial(service.caller, Call.FILE),
        scan=scan_with(service.settings.scanner),
        totp_required=totp_required,
    )


def scan_with(scanner: Scanner | None) -> Callable[[bytes], str] | None:
    """The scanner as the page asks it, in the request's own thread; ``None``: none is configured."""
    if scanner is None:
        return None

    def scan(octets: bytes) -> str:
        try:
            return str(asyncio.run(clamd.scan(scanner, octets)).state)
        except clamd.ScannerTroubleError:
            return "trouble"

    return scan


def start_page(page: PageServer, desk: Desk) -> None:
    """Serve, and say where; and what is missing before anybody can sign in."""
    page.start(create_app(desk))
    click.echo(f"Staff page: {page.address}", err=True)
    with desk.store.read("people") as tx:
        nobody = not any(row.disabled_at is None for row in all_people(tx))
    if nobody:
        click.echo(
            "Nobody can sign in yet: add the first account with 'triage user add NAME --role amministratore'.", err=True
        )
