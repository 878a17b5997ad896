"""Secrets and facts of the machine: the environment becomes one frozen :class:`Settings`.

What staff decide stands in ``routing_rules.yaml``, not here. Every variable is named ``TRIAGE_...``.
A variable of one mailbox carries its name behind two underscores (``TRIAGE_IMAP_USER__CREMA``) and
goes before the general one. ``..._FILE`` names a file that holds the value (for secrets).
All problems are told together, as :class:`SettingsError`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from triage.accounts import LOGINS as LOGINS
from triage.accounts import Account as Account
from triage.accounts import Login as Login
from triage.accounts import Scanner as Scanner
from triage.accounts import SecondChannel as SecondChannel
from triage.accounts import Security as Security
from triage.accounts import Submission as Submission
from triage.accounts import Webhook as Webhook
from triage.database import Database as Database
from triage.database import read_database
from triage.keyfile import MasterKey, keys_given
from triage.oauth import read_oauth
from triage.shipped import rules_or_example, shipped

_ADDRESS = re.compile(r"[!-?A-~]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_POSTED_TO = re.compile(r"(https://[A-Za-z0-9.-]+|http://(127\.0\.0\.1|localhost|\[::1\]))(:[0-9]{1,5})?(/[!-~]*)?")
_SUBMISSION = ("SMTP_HOST", "SMTP_USER", "SMTP_PASSWORD")


class SettingsError(Exception):
    """The environment is not usable: one line a problem, each with its remedy."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the machine says."""

    database: Database
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
    second_channel: SecondChannel
    keys: tuple[MasterKey, ...] = ()
    """What opens the record, and locks it from the first start with it on; none: the record lies in clear."""
    metrics_port: int = 0
    """On 127.0.0.1, for monitors; 0: none."""

    @property
    def database_url(self) -> str:
        """Where the record is."""
        return self.database.url

    @property
    def page_url(self) -> str:
        """Where people open the staff page, for links in mail to staff; empty while nobody has said it."""
        return self.environment.get("TRIAGE_WEB_URL", "").strip().rstrip("/")

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
        database=reader.database(f"sqlite:///{state_dir / 'triage.db'}"),
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
        second_channel=reader.second_channel(ports),
        keys=reader.keys(),
        metrics_port=int(reader.number("METRICS_PORT", 0, 0, 65_535)),
    )
    for mailbox in mailboxes:
        reader.include(_Reader(environment, mailbox))
    reader.finish()
    return settings


def paths_of(environment: Mapping[str, str]) -> tuple[Path, Path]:
    """Where the rules and the model are, whatever is wrong with the other settings."""
    reader = _Reader(environment, "")
    return reader.rules_path(), reader.model_path()


def with_example(settings: Settings) -> Settings:
    """For commands that neither read nor send mail: where no rules file is named or there, the example that came."""
    named = any(name in settings.environment for name in ("TRIAGE_RULES", "TRIAGE_RULES_FILE"))
    return replace(settings, rules_path=rules_or_example(settings.rules_path, named))


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
            raise SettingsError(tuple(dict.fromkeys(self._problems)))

    def include(self, other: _Reader) -> None:
        """What is wrong with the account of the other's mailbox, once when several share it."""
        other.imap()
        self._problems += [problem for problem in other._problems if problem not in self._problems]

    def given(self, name: str) -> str:
        key, value = self._find(name)
        return key if value else ""

    def imap(self) -> Account:
        return self.account("IMAP", {Security.TLS: 993, Security.STARTTLS: 143, Security.PLAIN: 143}, 60.0)

    def rules_path(self) -> Path:
        return Path(self.text("RULES", "routing_rules.yaml"))

    def model_path(self) -> Path:
        """Without a name and without a file here: the one that came with the service."""
        here = Path(self.text("MODEL", "models/model.skops"))
        return shipped("model.skops") if not self.given("MODEL") and not here.exists() else here

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

    def keys(self) -> tuple[MasterKey, ...]:
        return keys_given(*self._find("KEY"), self._problems)

    def database(self, default: str) -> Database:
        return read_database(self, default, self._problems)

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
        oauth = read_oauth(self, kind, self._problems, by_token=login in (Login.XOAUTH2, Login.OAUTHBEARER))
        return Account(
            host=host,
            port=int(self.number(f"{kind}_PORT", ports[chosen], 1, 65535)),
            user="" if anonymous else self.text(f"{kind}_USER"),
            secret="" if anonymous or oauth else self.text(f"{kind}_PASSWORD"),
            security=chosen,
            login=login,
            ca_file=self.readable(f"{kind}_CA_FILE"),
            timeout=self.number(f"{kind}_TIMEOUT", timeout, 1, 3600),
            oauth=oauth,
        )

    def second_channel(self, ports: Mapping[Security, int]) -> SecondChannel:
        """Another mail account, an address for HTTPS POSTs, both, or none."""
        submission, sender, webhook = None, "", None
        if self.text("ALARM_SMTP_HOST", ""):
            account = self.account("ALARM_SMTP", ports, 60.0, Security.STARTTLS)
            submission = Submission(account, 1, 0, 100, 0, min(account.timeout, 60.0))
            sender = self.text("ALARM_SMTP_FROM", account.user)
            if not _ADDRESS.fullmatch(sender):
                self._problems.append("TRIAGE_ALARM_SMTP_FROM must be that account's own address, like a@example.org.")
        if url := self.text("ALARM_WEBHOOK", ""):
            webhook = Webhook(url, self.readable("ALARM_WEBHOOK_CA_FILE"))
            if not _POSTED_TO.fullmatch(url):
                self._problems.append(
                    "TRIAGE_ALARM_WEBHOOK must be an address that begins with https:// (on this machine: http://)."
                )
        return SecondChannel(submission, sender, webhook)
