"""Secrets and facts of the machine: the environment becomes one frozen :class:`Settings`.

What staff decide stands in ``routing_rules.yaml``, not here. Every variable is named ``TRIAGE_...``.
A variable of one mailbox carries its name behind two underscores (``TRIAGE_IMAP_USER__CREMA``) and
goes before the general one. ``..._FILE`` names a file that holds the value (for secrets).
All problems are told together, as :class:`SettingsError`.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

_SUBMISSION = ("SMTP_HOST", "SMTP_USER", "SMTP_PASSWORD")


class SettingsError(Exception):
    """The environment is not usable: one line a problem, each with its remedy."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


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
}


@dataclass(frozen=True, slots=True)
class Account:
    """One server account. ``secret`` is the password or the access token; ``repr`` hides it."""

    host: str
    port: int
    user: str
    secret: str
    security: Security
    login: Login
    ca_file: str
    timeout: float
    """Seconds that any single read or write may take."""

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
class Settings:
    """Everything the machine says."""

    database_url: str
    state_dir: Path
    rules_path: Path
    model_path: Path
    pec_ca_file: str  # certificates of PEC providers or their authorities (PEM); empty: none is recognised
    texts_path: Path | None  # folder of the agency's own texts for families; None: those that came with the service
    environment: Mapping[str, str]
    submission: Submission
    scanner: Scanner | None
    worker_name: str
    lease_seconds: float
    idle_seconds: float
    """How long one IDLE may last before it is renewed; at most 25 minutes (RFC 2177 says 29)."""

    def imap(self, mailbox: str) -> Account:
        """The account of one configured mailbox; raises :class:`SettingsError`."""
        reader = _Reader(self.environment, mailbox)
        account = reader.imap()
        reader.finish()
        return account


def load_settings(environment: Mapping[str, str], worker_name: str, mailboxes: Iterable[str] = ()) -> Settings:
    """Read the environment; raises :class:`SettingsError` with every problem found.

    The accounts of the named mailboxes are read as well, so that what is wrong with them is told
    together with the rest.
    """
    reader = _Reader(environment, "")
    state_dir = Path(reader.text("STATE_DIR", "var"))
    ports = {Security.TLS: 465, Security.STARTTLS: 587, Security.PLAIN: 25}
    submission = Submission(
        account=reader.account("SMTP", ports, 300.0, Security.STARTTLS),
        connections=int(reader.number("SMTP_CONNECTIONS", 4, 1, 16)),
        per_minute=int(reader.number("SMTP_PER_MINUTE", 0, 0, 100_000)),
        per_connection=int(reader.number("SMTP_PER_CONNECTION", 100, 1, 100_000)),
        per_day=int(reader.number("SMTP_PER_DAY", 0, 0, 10_000_000)),
        data_timeout=reader.number("SMTP_DATA_TIMEOUT", 600, 1, 3600),
    )
    settings = Settings(
        database_url=reader.database_url(f"sqlite:///{state_dir / 'triage.db'}"),
        state_dir=state_dir,
        rules_path=reader.rules_path(),
        model_path=reader.model_path(),
        pec_ca_file=reader.readable("PEC_CA_FILE"),
        texts_path=reader.texts_path(),
        environment=dict(environment),
        submission=submission,
        scanner=reader.scanner(),
        worker_name=reader.text("WORKER", worker_name),
        lease_seconds=reader.number("LEASE_SECONDS", 60, 1, 3600),
        idle_seconds=reader.number("IMAP_IDLE_SECONDS", 540, 1, 1500),
    )
    for mailbox in mailboxes:
        reader.include(_Reader(environment, mailbox))
    reader.finish()
    return settings


def paths_of(environment: Mapping[str, str]) -> tuple[Path, Path]:
    """Where the rules and the model are, whatever is wrong with the other settings."""
    reader = _Reader(environment, "")
    return reader.rules_path(), reader.model_path()


def texts_path_of(environment: Mapping[str, str]) -> Path | None:
    """The folder of the agency's own texts, whatever is wrong with the other settings."""
    return _Reader(environment, "").texts_path()


def without_accounts(environment: Mapping[str, str]) -> Mapping[str, str]:
    """The environment of a command that needs no mail server: a missing account is no problem of its."""
    given = dict(environment)
    for name in _SUBMISSION:
        if f"TRIAGE_{name}_FILE" not in given:
            given.setdefault(f"TRIAGE_{name}", "-")
    return given


class _Reader:
    """Looks variables up, most specific first, and collects what is wrong with them."""

    def __init__(self, environment: Mapping[str, str], mailbox: str) -> None:
        self._environment = environment
        self._mailbox = mailbox
        self._suffix = f"__{mailbox.upper()}" if mailbox else ""
        self._problems: list[str] = []

    def finish(self) -> None:
        if self._problems:
            raise SettingsError(tuple(self._problems))

    def include(self, other: _Reader) -> None:
        """What is wrong with the account of the other's mailbox, once when several share it."""
        other.imap()
        self._problems += [problem for problem in other._problems if problem not in self._problems]

    def imap(self) -> Account:
        return self.account("IMAP", {Security.TLS: 993, Security.STARTTLS: 143, Security.PLAIN: 143}, 60.0)

    def rules_path(self) -> Path:
        return Path(self.text("RULES", "routing_rules.yaml"))

    def model_path(self) -> Path:
        return Path(self.text("MODEL", "models/model.skops"))

    def texts_path(self) -> Path | None:
        named = self.text("TEXTS", "")
        return Path(named) if named else None

    def text(self, name: str, default: str | None = None) -> str:
        key, value = self._find(name)
        if value is None and default is not None:
            return default
        if value is None:
            own = f" (for mailbox {self._mailbox} alone: {key}{self._suffix})" if self._suffix else ""
            self._problems.append(f"{key} is not set. Set it in the environment of the service{own}.")
        elif not value and default is None and not any(problem.startswith(f"{key} ") for problem in self._problems):
            self._problems.append(f"{key} is empty. Give it a value.")
        return value or ""

    def _find(self, name: str) -> tuple[str, str | None]:
        """The variable that is given for a setting, the mailbox's own before the general one, and its value."""
        general = f"TRIAGE_{name}"
        for key in dict.fromkeys((f"{general}{self._suffix}", general)):
            if key in self._environment:
                return key, self._environment[key]
            if f"{key}_FILE" in self._environment:
                return f"{key}_FILE", self._from_file(f"{key}_FILE")
        return general, None

    def _from_file(self, key: str) -> str:
        try:
            return Path(self._environment[key]).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            self._problems.append(f"{key} names a file that cannot be read ({type(error).__name__}). Check its path.")
            return ""

    def readable(self, name: str) -> str:
        path = self.text(name, "")
        if path and not os.access(path, os.R_OK):
            self._problems.append(f"{self._find(name)[0]} names a file that cannot be read. Check its path and rights.")
        return path

    def database_url(self, default: str) -> str:
        url = self.text("DATABASE_URL", default)
        if not url.startswith(("sqlite:///", "postgresql+psycopg://", "postgresql://")):
            wanted = "sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/NAME"
            self._problems.append(f"TRIAGE_DATABASE_URL must be {wanted}.")
        elif url.startswith("sqlite:///") and _in_memory(url.removeprefix("sqlite:///")):
            what = "TRIAGE_DATABASE_URL names no file: the record would be gone with the process. Write sqlite:///FILE."
            self._problems.append(what)
        return url.replace("postgresql://", "postgresql+psycopg://", 1)

    def number(self, name: str, default: float, least: float, most: float) -> float:
        raw = self.text(name, str(default))
        try:
            value = float(raw)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            self._problems.append(f"{self._find(name)[0]} must be a number from {least:g} to {most:g}.")
            return default
        return value

    def choice(self, name: str, allowed: Collection[str], default: str) -> str:
        raw = self.text(name, default).lower()
        if raw not in allowed:
            self._problems.append(f"{self._find(name)[0]} must be one of: {', '.join(allowed)}.")
            return default
        return raw

    def scanner(self) -> Scanner | None:
        raw, timeout = self.text("CLAMD", ""), self.number("CLAMD_TIMEOUT", 120, 1, 3600)
        host, _, port = raw.rpartition(":")
        if raw.startswith("/"):
            return Scanner(raw, "", 0, timeout)
        if host and port.isascii() and port.isdigit() and 0 < int(port) < 65536:
            return Scanner("", host.strip("[]"), int(port), timeout)
        self._problems += ["TRIAGE_CLAMD must be a socket's path (/run/clamav/clamd.ctl) or HOST:PORT."] if raw else []
        return None

    def host(self, name: str) -> str:
        raw = self.text(name)
        try:
            raw.encode("idna")
        except UnicodeError:
            self._problems.append(f"TRIAGE_{name} is no name of a host. Write it as imap.example.org.")
        return raw

    def account(
        self, kind: str, ports: Mapping[Security, int], timeout: float, security: Security = Security.TLS
    ) -> Account:
        chosen = Security(self.choice(f"{kind}_TLS", list(Security), security))
        login = Login(self.choice(f"{kind}_LOGIN", LOGINS[kind], Login.PASSWORD))
        host = self.host(f"{kind}_HOST")
        anonymous = login is Login.NONE
        return Account(
            host=host,
            port=int(self.number(f"{kind}_PORT", ports[chosen], 1, 65535)),
            user="" if anonymous else self.text(f"{kind}_USER"),
            secret="" if anonymous else self.text(f"{kind}_PASSWORD"),
            security=chosen,
            login=login,
            ca_file=self.readable(f"{kind}_CA_FILE"),
            timeout=self.number(f"{kind}_TIMEOUT", timeout, 1, 3600),
        )


def _in_memory(name: str) -> bool:
    """Whether SQLite would keep a database of this name in memory, or in a file that it deletes."""
    path, _, options = name.partition("?")
    return path in ("", "file:") or ":memory:" in path or "mode=memory" in options
