"""How an account gets its access tokens (RFC 6749): the variables ``TRIAGE_IMAP_OAUTH_...``, ``TRIAGE_SMTP_OAUTH_...``.

A reader of the environment enters; an :class:`OAuth` leaves, or ``None`` where an account has a
password or a token that somebody else renews. Nothing is asked of any server here.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Protocol
from urllib.parse import urlsplit

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class OAuth:
    """One application's right to ask for tokens; ``repr`` hides the secrets.

    With a refresh token a person has once consented (RFC 6749 section 6); without one the
    application speaks for itself (section 4.4).
    """

    prefix: str
    """How its variables begin ("TRIAGE_IMAP_OAUTH"), for sentences that name a remedy."""
    token_url: str
    client_id: str
    client_secret: str
    """May be empty with a refresh token: a public client has none."""
    scope: str
    """May be empty with a refresh token: then as it was granted."""
    refresh_token: str
    ends_on: date | None
    """The day on which the client secret or the refresh token in the environment ends, if the administrator knows."""
    ca_file: str
    timeout: float
    """Seconds that asking for a token may take."""

    def __repr__(self) -> str:
        return f"OAuth({self.prefix}, {urlsplit(self.token_url).hostname})"


class Variables(Protocol):
    """What is needed of the reader of the environment; ``name`` is without ``TRIAGE_``."""

    def given(self, name: str) -> str:
        """The variable that gives a value for this setting; empty: none does."""
        ...

    def text(self, name: str, default: str | None = None) -> str:
        """Its value; without a default a missing one is a problem."""
        ...

    def choice(self, name: str, allowed: Collection[str], default: str) -> str:
        """One of the allowed values."""
        ...

    def number(self, name: str, default: float, least: float, most: float) -> float:
        """A number within limits."""
        ...

    def readable(self, name: str) -> str:
        """The path of a file that can be read, or empty."""
        ...


def read_oauth(variables: Variables, kind: str, problems: list[str], *, by_token: bool) -> OAuth | None:
    """What the environment says of an account's tokens; ``by_token``: it logs in with one. Adds to ``problems``."""
    name = f"{kind}_OAUTH"
    named = variables.given(f"{name}_TOKEN_URL")
    if not named:
        left = [key for key in ("CLIENT_ID", "CLIENT_SECRET", "REFRESH_TOKEN") if variables.given(f"{name}_{key}")]
        if left and by_token:
            problems.append(f"TRIAGE_{name}_TOKEN_URL is not set, but TRIAGE_{name}_{left[0]} is. Set it.")
        return None
    if not by_token:
        if not variables.given(f"{kind}_LOGIN"):
            problems.append(f"{named} is set, but tokens are not used. Set TRIAGE_{kind}_LOGIN=xoauth2.")
        return None
    refresh_token = variables.text(f"{name}_REFRESH_TOKEN", "")
    needed = "" if refresh_token else None
    return OAuth(
        prefix=f"TRIAGE_{name}",
        token_url=_url(variables, name, named, problems),
        client_id=variables.text(f"{name}_CLIENT_ID"),
        client_secret=variables.text(f"{name}_CLIENT_SECRET", needed),
        scope=variables.text(f"{name}_SCOPE", needed),
        refresh_token=refresh_token,
        ends_on=_day(variables, f"{name}_ENDS", problems),
        ca_file=variables.readable(f"{name}_CA_FILE"),
        timeout=variables.number(f"{name}_TIMEOUT", 30, 1, 300),
    )


def _url(variables: Variables, name: str, named: str, problems: list[str]) -> str:
    """Secrets travel to this address: encrypted, or not beyond this machine."""
    text = variables.text(f"{name}_TOKEN_URL")
    plain = variables.choice(f"{name}_TLS", ("tls", "plain"), "tls") == "plain"
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    usable = host and not parts.username and not parts.fragment and text.isascii() and text.isprintable()
    if plain and usable and parts.scheme == "http" and host in _LOOPBACK:
        return text
    if plain:
        problems.append(f"TRIAGE_{name}_TLS=plain is for an http address of this machine (127.0.0.1) alone. Remove it.")
    elif not usable or parts.scheme != "https" or " " in text:
        problems.append(f"{named} must be an https address, as https://login.example.org/oauth2/token.")
    return text


def _day(variables: Variables, name: str, problems: list[str]) -> date | None:
    text = variables.text(name, "")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        problems.append(f"TRIAGE_{name} must be a day such as 2027-03-31.")
        return None
