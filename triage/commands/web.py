"""``triage web``: the staff page alone, as on a machine that is not the worker's."""

from __future__ import annotations

import os
import signal
import threading
from functools import partial

import click

from triage.basis import open_store, settings_from
from triage.bootstrap import open_knowledge
from triage.calling import Call, Caller
from triage.commands.opening import clear_errors
from triage.commands.page import scan_with, start_page, take_port
from triage.dispatch.text_files import Texts, load_texts
from triage.knowledge import Knowledge
from triage.listening import Listening, read_listening
from triage.logs import configure_logs
from triage.reading import ParsedMessages, pec_anchors
from triage.record import Store
from triage.record.identity import RULES, current_version
from triage.review.desk import Desk
from triage.settings import Settings, SettingsError, with_example, without_accounts


@click.command()
@click.option("--host", help="Address to listen on; TRIAGE_WEB_HOST, or 127.0.0.1.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on, 0 for any; TRIAGE_WEB_PORT, or 8080.")
def web(host: str | None, port: int | None) -> None:
    """Serve the staff page alone, beside workers that share its record.

    "triage run" serves it too. Other machines reach it by a reverse proxy with a certificate, whose https://
    address stands in TRIAGE_WEB_URL.
    """
    configure_logs()
    with clear_errors():
        settings = settings_from(without_accounts(os.environ))
        listening = read_listening(os.environ, host, port)
        if listening is None:
            raise SettingsError(("TRIAGE_WEB_PORT is off. Give --port, or a number in TRIAGE_WEB_PORT.",))
        texts, parsed = load_texts(settings.texts_path), ParsedMessages(pec_anchors(settings))
        page = take_port(listening)
        if page is None:
            raise SystemExit(1)
        with page:
            store = open_store(settings)
            try:
                knowledge = open_knowledge(_with_rules(settings, store), store)
                start_page(page, _desk(store, knowledge, settings, texts, parsed, listening))
                page.wait(_until_told().wait)
                page.stop()
            finally:
                store.close()


def _with_rules(settings: Settings, store: Store) -> Settings:
    """A page over a record without rules, where no file is there: it shows the example's until a worker brings some."""
    with store.read("rules in force") as tx:
        return settings if current_version(tx, RULES) else with_example(settings)


def _desk(
    store: Store,
    knowledge: Knowledge,
    settings: Settings,
    texts: Texts,
    parsed: ParsedMessages,
    listening: Listening,
) -> Desk:
    """The desk of a page that calls the workers, which are other processes, when people have done something."""
    caller = Caller(store, settings.worker_name, calls=bool(settings.database.listen_url))
    return Desk(
        store,
        knowledge,
        settings,
        texts,
        parsed,
        listening,
        decide_wake=partial(caller, Call.DECIDE),
        dispatch_wake=partial(caller, Call.DISPATCH),
        file_wake=partial(caller, Call.FILE),
        scan=scan_with(settings.scanner),
    )


def _until_told() -> threading.Event:
    """Set at SIGTERM or SIGINT."""
    told = threading.Event()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: told.set())
    return told
