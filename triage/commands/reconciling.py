"""``triage ledger --server``: what each mailbox's server lists, beside what the record says of it.

Logs in beside the worker and changes nothing there. What differs is an incident, and the mailbox's reader is asked
to look for itself and to mend it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from triage.intake.comparing import Comparison, compare_with_server
from triage.intake.connection import MailboxTroubleError
from triage.record import Store
from triage.record.incidents import open_incident
from triage.record.mailboxes import ask_for_comparison
from triage.rules.types import Mailbox, Rules
from triage.settings import Settings
from triage.tokens import Secrets


@dataclass(frozen=True, slots=True)
class Compared:
    """One mailbox: what was found, or the sentence that says why nothing could be compared."""

    mailbox: str
    found: Comparison | None
    trouble: str = ""

    @property
    def fails(self) -> bool:
        """Whether mail lies there unknown, or nobody knows whether it does."""
        return self.found is None or not self.found.agrees

    @property
    def line(self) -> str:
        """The same for people."""
        found = self.found
        if found is None:
            return f"mailbox {self.mailbox}: {self.trouble}"
        if not found.comparable:
            return f"mailbox {self.mailbox}: {found.listed} on the server; not compared before the worker has read it"
        parts = [f"mailbox {self.mailbox}: {found.listed} on the server"]
        if found.unknown:
            parts.append(f"{len(found.unknown)} of them NOT on record, the worker is asked to take them in")
        if found.arriving:
            parts.append(f"{found.arriving} arriving")
        if found.gone:
            parts.append(f"{found.gone} taken out by somebody")
        return "; ".join(parts if len(parts) > 1 else [*parts, "the record agrees"])

    @property
    def as_mapping(self) -> dict[str, object]:
        """The same for programs."""
        facts = asdict(self.found) | {"agrees": self.found.agrees} if self.found is not None else {}
        return {"mailbox": self.mailbox, "trouble": self.trouble, **facts}


def compare_mailboxes(store: Store, settings: Settings, rules: Rules, secrets: Secrets) -> list[Compared]:
    """Every mailbox of the rules; one that cannot be reached stops no other. Raises ``SettingsError``."""
    return [_compare(store, settings, box, secrets) for box in rules.mailboxes.values()]


def _compare(store: Store, settings: Settings, box: Mailbox, secrets: Secrets) -> Compared:
    account = settings.imap(box.name)
    try:
        found = compare_with_server(store, account, box.folder, box.name, secrets)
    except MailboxTroubleError as error:
        return Compared(box.name, None, str(error))
    if found.unknown or found.gone:
        with store.write("comparison asked for") as tx:
            ask_for_comparison(tx, box.name)
            if found.unknown:
                text = f"mailbox {box.name}: {len(found.unknown)} messages had no row"
                open_incident(tx, "unlisted", box.name, text)
    return Compared(box.name, found)
