"""Mail that commands are pointed at, in files or in folders of the mailbox server: read, never changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from triage.ages import arrived_at
from triage.clock import SystemClock
from triage.commands.opening import FAILED, MISCONFIGURED, fail
from triage.intake.connection import MailboxTroubleError
from triage.intake.looking import look_at_folder
from triage.labelling import LabelError, Source, source_of
from triage.rules import Rules
from triage.settings import Settings
from triage.stored import holds_none, stored_mail
from triage.tokens import Tokens

Command = TypeVar("Command", bound=Callable[..., Any])

folder_option = click.option(
    "--folder",
    "folders",
    multiple=True,
    metavar="FOLDER[=LABEL]",
    help="A folder on the mailbox server, read without changing anything, such as INBOX/Crema=crema. Repeatable.",
)
path_option = click.option(
    "--path",
    "labelled",
    multiple=True,
    metavar="PATH[=LABEL]",
    help="A file or folder (.eml, mbox, Maildir) with a label, such as sorted/crema=crema/eventi. Repeatable.",
)
mailbox_option = click.option(
    "--mailbox", help="Whose account opens the folders, by its name in the rules; else the first."
)


@dataclass(frozen=True, slots=True)
class Found:
    """One message as it was found. ``name``: path, or folder and UID."""

    name: str
    octets: bytes
    at: datetime
    source: Source


def sources_of(
    paths: tuple[str, ...], labelled: tuple[str, ...], folders: tuple[str, ...], rules: Rules
) -> list[Source]:
    """The places that a command line names; leaves with 2 where a label means nothing."""
    try:
        return [
            *(source_of(f"{text}=", rules, is_folder=False) for text in paths),
            *(source_of(text, rules, is_folder=False) for text in labelled),
            *(source_of(text, rules, is_folder=True) for text in folders),
        ]
    except LabelError as error:
        fail(str(error), MISCONFIGURED)


def mail_of(sources: list[Source], settings: Settings, rules: Rules, mailbox: str | None) -> Iterator[Found]:
    """Every message of these places; leaves with a clear message where one cannot be read."""
    now = datetime.now(UTC)
    if mailbox is not None and mailbox not in rules.mailboxes:
        fail(f"No mailbox is called {mailbox}: there is {', '.join(rules.mailboxes)}.", MISCONFIGURED)
    for source in sources:
        if source.is_folder:
            name = mailbox or next(iter(rules.mailboxes))
            tokens = Tokens(settings.state_dir, SystemClock())
            try:
                for key, octets, arrived in look_at_folder(settings.imap(name), source.where, tokens):
                    yield Found(key, octets, arrived or arrived_at(octets, now), source)
            except MailboxTroubleError as error:
                fail(f"{source.where}: {error}", FAILED)
            continue
        path = Path(source.where)
        try:
            if holds_none(path):
                click.echo(f"{path}: no .eml file in this folder, and it is no Maildir.", err=True)
            for key, octets in stored_mail(path):
                yield Found(key, octets, arrived_at(octets, now), source)
        except OSError as error:
            what = "there is no such file or folder" if isinstance(error, FileNotFoundError) else "it cannot be read"
            fail(f"{error.filename or path}: {what} ({type(error).__name__}).", MISCONFIGURED)
