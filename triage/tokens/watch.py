"""Tells in time that a secret ends: one incident for each mailbox, for submission and for alarms."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from triage.record import Store
from triage.record.incidents import close_incidents, open_incident, open_incidents
from triage.settings import Account, Settings, SettingsError
from triage.tokens.holder import Tokens

KIND = "secret_ends"
SUBMISSION, ALARM = "submission account", "alarm account"
"""Subjects of what concerns no mailbox; a mailbox's is its name, which holds no space."""


def accounts_of(settings: Settings, mailboxes: Iterable[str]) -> dict[str, Callable[[], Account]]:
    """Each account by the subject of its incident; reading one may raise ``SettingsError``."""
    found: dict[str, Callable[[], Account]] = {name: lambda name=name: settings.imap(name) for name in mailboxes}  # type: ignore[misc]
    found[SUBMISSION] = lambda: settings.submission.account
    if (second := settings.second_channel.submission) is not None:
        found[ALARM] = lambda: second.account
    return found


def note_endings(store: Store, tokens: Tokens, settings: Settings, mailboxes: Iterable[str]) -> None:
    """Open an incident for what ends within two weeks; close those whose secret was made anew."""
    ending: dict[str, str] = {}
    unknown: set[str] = set()
    for subject, account_of in accounts_of(settings, mailboxes).items():
        try:
            sentences = tokens.endings(account_of())
        except SettingsError:
            unknown.add(subject)  # the reader tells of it; what was known before stays
            continue
        if sentences:
            where = subject if subject in (SUBMISSION, ALARM) else f"mailbox {subject}"
            ending[subject] = f"{where}: {' '.join(sentences)}"
    with store.read("endings") as tx:
        known = {row["subject"]: row["detail"] for row in open_incidents(tx) if row["kind"] == KIND}
    if {subject: text[:255] for subject, text in ending.items()} == known:
        return
    with store.write("endings") as tx:
        close_incidents(tx, KIND, but=ending.keys() | unknown)
        for subject, text in ending.items():
            if known.get(subject) != text[:255]:
                open_incident(tx, KIND, subject, text)
