"""Who acted, in words for staff: in, an account's name as rows keep it; out, a colleague's name or what it was."""

from __future__ import annotations

from collections.abc import Mapping

SERVICE = "triage"
"""What rows name that the service wrote by itself (``record.Store.write``)."""
COMMAND = "cli"
"""What rows name that somebody typed; behind a colon the machine's account (``commands.act.actor``)."""


def who(actor: str, names: Mapping[str, str]) -> str:
    """Alone or at a sentence's beginning: ``Anna Rossi``, ``riga di comando (root)``, ``il servizio``."""
    if actor in names:
        return names[actor]
    kind, _, account = actor.partition(":")
    if kind == COMMAND:
        return f"riga di comando ({account})" if account else "riga di comando"
    return "il servizio" if actor == SERVICE else actor


def by_whom(actor: str, names: Mapping[str, str]) -> str:
    """Behind a participle: ``da Anna Rossi``, ``dalla riga di comando (root)``, ``dal servizio``."""
    if actor not in names:
        if actor.partition(":")[0] == COMMAND:
            return f"dalla {who(actor, names)}"
        if actor == SERVICE:
            return "dal servizio"
    return f"da {who(actor, names)}"


def capital(words: str) -> str:
    """The same at a sentence's beginning."""
    return words[:1].upper() + words[1:]
