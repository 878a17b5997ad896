"""Accounts at servers, as settings give them: how we reach them, who we are there, how much they take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from triage.oauth import OAuth


class Security(StrEnum):
    """How a connection is protected. ``PLAIN`` only when asked for, never as a fallback."""

    TLS = "tls"
    STARTTLS = "starttls"
    PLAIN = "plain"


class Login(StrEnum):
    """How we identify ourselves to a server."""

    PASSWORD = "password"  # noqa: S105 - the name of a method, not a secret
    XOAUTH2 = "xoauth2"
    OAUTHBEARER = "oauthbearer"
    NONE = "none"


LOGINS: Mapping[str, tuple[Login, ...]] = {
    # Every mailbox server knows its users; a relay may know us by our network address.
    "IMAP": (Login.PASSWORD, Login.XOAUTH2, Login.OAUTHBEARER),
    "SMTP": (Login.PASSWORD, Login.XOAUTH2, Login.OAUTHBEARER, Login.NONE),
    "ALARM_SMTP": (Login.PASSWORD, Login.XOAUTH2, Login.OAUTHBEARER, Login.NONE),
}


@dataclass(frozen=True, slots=True)
class Account:
    """One server account. ``secret`` is the password or a token given for good; ``repr`` hides it.

    With ``oauth`` there is no such secret: ``triage.tokens`` has the access token of the moment.
    """

    host: str
    port: int
    user: str
    secret: str
    security: Security
    login: Login
    ca_file: str
    timeout: float
    """Seconds that any single read or write may take."""
    oauth: OAuth | None = None

    def __repr__(self) -> str:
        return f"Account({self.host}:{self.port}, {self.security}, {self.login})"

    @property
    def identity(self) -> str:
        """Whose account it is, as the record keeps it."""
        return f"{self.user}@{self.host.lower()}"


@dataclass(frozen=True, slots=True)
class Submission:
    """How mail is submitted: the account, and how much it will take."""

    account: Account
    connections: int
    per_minute: int
    """0: no limit."""
    per_connection: int
    per_day: int
    """In any 24 hours; 0: no limit."""
    data_timeout: float
    """Seconds to wait for the reply to the end of DATA (RFC 5321 section 4.5.3.2.6: ten minutes)."""


@dataclass(frozen=True, slots=True)
class Scanner:
    """Where clamd listens: a Unix socket's ``path``, or ``host`` and ``port``; seconds that a scan may take."""

    path: str
    host: str
    port: int
    timeout: float


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address for HTTPS POSTs; ``repr`` hides it, because it often holds a secret."""

    url: str
    ca_file: str = ""

    def __repr__(self) -> str:
        return "Webhook(...)"


@dataclass(frozen=True, slots=True)
class SecondChannel:
    """How staff are reached when the account of everything else is of no use; either or both may be absent."""

    submission: Submission | None = None
    sender: str = ""
    """The other account's own address."""
    webhook: Webhook | None = None
