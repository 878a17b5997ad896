"""Accounts, settings and time for the tests of tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from tests.fakes import FakeClock
from tests.servers.token_endpoint import CLIENT, CLIENT_SECRET, SCOPE, TokenEndpoint
from triage.oauth import OAuth
from triage.settings import Account, Login, Security
from triage.tokens import Tokens

USER = "ufficio@example.org"


def oauth_of(endpoint: TokenEndpoint, **changes: object) -> OAuth:
    """Client credentials at this endpoint, unless changed."""
    made = OAuth("TRIAGE_IMAP_OAUTH", endpoint.url, CLIENT, CLIENT_SECRET, SCOPE, "", None, "", 5.0)
    return replace(made, **changes)  # type: ignore[arg-type]


def by_consent(endpoint: TokenEndpoint, **changes: object) -> OAuth:
    """A refresh token of this endpoint, unless changed."""
    return oauth_of(endpoint, **{"refresh_token": endpoint.consent(), "scope": "", **changes})


def account_with(oauth: OAuth | None, **changes: object) -> Account:
    """An account that nobody connects to."""
    made = Account("imap.example.org", 993, USER, "", Security.TLS, Login.XOAUTH2, "", 5.0, oauth)
    return replace(made, **changes)  # type: ignore[arg-type]


@dataclass(slots=True)
class Timed:
    """Tokens of a process whose time the test moves; :meth:`restart` is a new process on the same disk."""

    folder: Path
    clock: FakeClock = field(default_factory=FakeClock)
    seconds: float = 1000.0
    tokens: Tokens = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.tokens = Tokens(self.folder, self.clock, lambda: self.seconds)

    def later(self, seconds: float) -> None:
        """Let time pass, on both clocks."""
        self.seconds += seconds
        self.clock.forward(timedelta(seconds=seconds))


def numbered() -> Callable[[float], str]:
    """Makes tokens "accesso-1", "accesso-2", ..."""
    count = iter(range(1, 1000))
    return lambda _lifetime: f"accesso-{next(count)}"
