"""Builds every adapter from the settings; nothing else does."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from triage.acts.rescoring import Rescorer
from triage.basis import NothingInForceError, open_store
from triage.basis import settings_from as settings_from
from triage.calling import Call, Caller
from triage.clock import Clock
from triage.decide import filing_folder
from triage.decider import Decider
from triage.dispatch.notice_stage import NoticeStage
from triage.dispatch.prepare import Preparer
from triage.dispatch.scanning import NoScanning, Scanning
from triage.dispatch.stage import DispatchStage
from triage.dispatch.text_files import Texts, load_texts
from triage.intake.plan import MailboxPlan
from triage.intake.reader import MailboxReader
from triage.knowledge import Knowledge
from triage.reading import ParsedMessages, pec_anchors
from triage.record import Store
from triage.rules.types import Rules
from triage.settings import Settings
from triage.signals import Heartbeats, Wakeup
from triage.tokens import Tokens
from triage.vocabulary import Decision

log = logging.getLogger("triage.bootstrap")

DECIDE_LOOP = "decide"
DISPATCH_LOOP = "dispatch"
NOTICE_LOOP = "notices"
"""The loops that show signs of life while they are at work: through slow mail, or waiting for slow servers."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line adds to settings and rules."""

    backlog_since: datetime | None = None
    take_over: bool = False
    adopt_files: bool = False


@dataclass(frozen=True, slots=True)
class Service:
    """Everything that a worker runs, built and not yet started."""

    settings: Settings
    store: Store
    knowledge: Knowledge
    heartbeats: Heartbeats
    caller: Caller
    decide_wake: Wakeup
    dispatch_wake: Wakeup
    file_wake: Wakeup
    decider: Decider
    dispatcher: DispatchStage
    make_reader: Callable[[str], MailboxReader]
    notices: NoticeStage
    notice_wake: Wakeup
    tokens: Tokens
    texts: Texts
    parsed: ParsedMessages
    rescorer: Rescorer


def open_knowledge(settings: Settings, store: Store, *, adopt: bool = False) -> Knowledge:
    """Rules and model, imported from their files; raises ``NothingInForceError`` with what is wrong with them.

    While an earlier version is in the record, a file that cannot be used is only told in the log.
    """
    knowledge = Knowledge(store, settings.rules_path, settings.model_path, adopt=adopt)
    troubles = knowledge.import_files()
    try:
        knowledge.in_force()
    except NothingInForceError as error:
        raise NothingInForceError("\n".join((*troubles, str(error)))) from None
    for trouble in troubles:
        log.error(trouble, extra={"action": "file_not_usable"})
    return knowledge


def build_service(settings: Settings, options: Options = Options(), clock: Clock | None = None) -> Service:
    """Open the record and build every stage; raises what makes a start impossible.

    ``clock`` takes the place of the machine's.
    """
    anchors = pec_anchors(settings)
    texts = load_texts(settings.texts_path)
    store = open_store(settings, clock)
    try:
        knowledge = open_knowledge(settings, store, adopt=options.adopt_files)
    except BaseException:
        store.close()
        raise
    lease = timedelta(seconds=settings.lease_seconds)
    heartbeats = Heartbeats()
    decide_wake, dispatch_wake, file_wake = Wakeup(), Wakeup(), Wakeup()
    wakes = {Call.DECIDE: decide_wake, Call.DISPATCH: dispatch_wake, Call.FILE: file_wake, Call.MAILBOXES: Wakeup()}
    caller = Caller(store, settings.worker_name, wakes, calls=bool(settings.database.listen_url))
    parsed = ParsedMessages(anchors)
    tokens = Tokens(settings.state_dir, store.clock)
    decider = Decider(
        store,
        knowledge,
        parsed,
        settings.worker_name,
        lease,
        partial(caller, Call.DISPATCH, Call.FILE),
        beat=lambda: heartbeats.beat(DECIDE_LOOP),
    )
    dispatcher = DispatchStage(
        store,
        Preparer(store, knowledge, parsed, read_since=store.clock.now(), texts=texts),
        settings.submission,
        settings.worker_name,
        lease,
        on_forwarded=partial(caller, Call.FILE),
        # Something must be decided anew, or looked for in its mailbox.
        on_requeued=partial(caller, Call.DECIDE, Call.FILE),
        beat=lambda: heartbeats.beat(DISPATCH_LOOP),
        scanning=Scanning(store, knowledge, parsed, settings.scanner) if settings.scanner else NoScanning(),
        secrets=tokens,
    )

    begun: set[str] = set()

    def make_reader(name: str) -> MailboxReader:
        # Taking over is for the start alone: else two instances would take from each other for ever.
        asked = replace(options, take_over=options.take_over and name not in begun)
        begun.add(name)
        return MailboxReader(
            store,
            name,
            lambda: plan_of(knowledge.in_force().rules, name, asked),
            lambda: settings.imap(name),
            settings.worker_name,
            lease,
            lambda decision: folder_of(knowledge.in_force().rules, decision),
            settings.idle_seconds,
            heartbeats,
            partial(caller, Call.DECIDE),
            tokens,
        )

    return Service(
        settings,
        store,
        knowledge,
        heartbeats,
        caller,
        decide_wake,
        dispatch_wake,
        file_wake,
        decider,
        dispatcher,
        make_reader,
        NoticeStage(
            store,
            knowledge,
            settings.submission,
            settings.second_channel,
            settings.worker_name,
            heartbeats,
            tokens,
            settings.page_url,
        ),
        Wakeup(),
        tokens,
        texts,
        parsed,
        Rescorer(store, knowledge, parsed),
    )


def plan_of(rules: Rules, name: str, options: Options) -> MailboxPlan:
    """One mailbox as intake needs it; raises ``KeyError`` when the rules no longer name it."""
    mailbox = rules.mailboxes[name]
    return MailboxPlan(
        name=name,
        folder=mailbox.folder,
        root=rules.service.folders.root,
        max_octets=mailbox.max_message_mb << 20,
        poll_seconds=float(mailbox.poll_seconds),
        backlog_since=options.backlog_since,
        take_over=options.take_over,
        configured=frozenset(rules.mailboxes),
    )


def folder_of(rules: Rules, decision: Decision) -> str:
    """The folder below the root for a done message; a project's forwards have a folder each."""
    found = filing_folder(decision, rules)
    if found is None:
        return rules.service.folders.settled
    project = rules.projects.get(decision.project)
    return project.centre if project is not None and found[1] == rules.service.folders.forwarded else found[1]
