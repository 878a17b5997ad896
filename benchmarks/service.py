"""What a benchmark starts the service with: settings and rules for servers on loopback."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from benchmarks.inbox import ROOT, rules_text
from tests.servers.dovecot import TEST_WORD


def environment(folder: Path, users: Sequence[str], imap_port: int, smtp_port: int, url: str = "") -> dict[str, str]:
    """Settings of a worker that reads these users' mailboxes; its rules and, without ``url``, its record are in folder.

    One user's mailbox is called ``generale`` as in the demo's rules, several are ``casella0`` and so on.
    """
    rules, names = _rules(len(users))
    path = folder / "routing_rules.yaml"
    path.write_text(rules, encoding="utf-8")
    given = {name: value for name, value in os.environ.items() if not name.startswith("TRIAGE_")}
    return (
        given
        | {
            "TRIAGE_STATE_DIR": str(folder),
            "TRIAGE_RULES": str(path),
            "TRIAGE_MODEL": str(ROOT / "models/model.skops"),
            "TRIAGE_IMAP_HOST": "127.0.0.1",
            "TRIAGE_IMAP_PORT": str(imap_port),
            "TRIAGE_IMAP_TLS": "plain",
            "TRIAGE_IMAP_PASSWORD": TEST_WORD,
            "TRIAGE_SMTP_HOST": "127.0.0.1",
            "TRIAGE_SMTP_PORT": str(smtp_port),
            "TRIAGE_SMTP_TLS": "plain",
            "TRIAGE_SMTP_LOGIN": "none",
        }
        | {f"TRIAGE_IMAP_USER__{name.upper()}": user for name, user in zip(names, users, strict=True)}
        | ({"TRIAGE_DATABASE_URL": url} if url else {})
    )


def mailbox_names(count: int) -> list[str]:
    """The names under which so many mailboxes stand in the rules."""
    return ["generale"] if count == 1 else [f"casella{number}" for number in range(count)]


def _rules(count: int) -> tuple[str, list[str]]:
    text, names = rules_text(), mailbox_names(count)
    if count == 1:
        return text, names
    start = text.index("  generale:\n")
    end = text.index("\nprojects:", start)
    one = text[start + len("  generale:\n") : end]
    # A minute between two looks: what is found is found because the server said so.
    own = one.replace("poll_seconds: 5", "poll_seconds: 60").replace("address: pijss.retifamiglia@", "address: {}@")
    return text[:start] + "".join(f"  {name}:\n{own.format(name)}" for name in names) + text[end:], names
