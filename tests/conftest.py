"""Fixtures: real servers for the tests that ask for them.

What is dear to start lives for the whole session (one Dovecot, one PostgreSQL cluster; each xdist
worker has its own) and gives every test a fresh account or database. A server that is not
installed fails the test with one sentence; no test is skipped for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.laid import lay_postgres, lay_sqlite
from tests.servers.authority import Authority
from tests.servers.clamd import Clamd
from tests.servers.dovecot import Dovecot, MailboxUser
from tests.servers.postgres import Postgres
from tests.servers.process import MissingServerError
from tests.servers.proxy import ImapProxy
from tests.servers.smtp_sink import SmtpSink
from tests.servers.token_endpoint import TokenEndpoint

Server = TypeVar("Server")

FIGURES = "figures"
"""The name under which a test records a line that the closing report is to show."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests have measured, whichever process measured it."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == FIGURES and report.when == "call":
                    terminalreporter.write_line(str(value))


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The certificate authority that every test server's certificate comes from."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def dovecot(authority: Authority) -> Iterator[Dovecot]:
    """The session's mailbox server. Do not stop it: a test that must, takes ``start_dovecot``."""
    with require_installed(lambda: Dovecot(authority=authority)) as server:
        yield server


@pytest.fixture(scope="session")
def _account_numbers() -> Iterator[int]:
    return iter(range(1, 1_000_000))


@pytest.fixture
def mailbox_user(dovecot: Dovecot, _account_numbers: Iterator[int]) -> Iterator[MailboxUser]:
    """A fresh, empty account of ``dovecot``; clients given out for it are shut after the test."""
    user = dovecot.add_user(f"ufficio{next(_account_numbers)}@example.org")
    yield user
    dovecot.close_clients(user.name)


@pytest.fixture
def start_dovecot(authority: Authority) -> Iterator[Callable[..., Dovecot]]:
    """Start a mailbox server of this test's own: same keywords as :class:`Dovecot`."""
    with ExitStack() as running:

        def start(**options: Any) -> Dovecot:
            return running.enter_context(require_installed(lambda: Dovecot(**{"authority": authority, **options})))

        yield start


@pytest.fixture
def start_imap_proxy() -> Iterator[Callable[[int], ImapProxy]]:
    """Start a proxy in front of a port of loopback."""
    with ExitStack() as running:
        yield lambda port: running.enter_context(ImapProxy(port))


@pytest.fixture
def imap_proxy(dovecot: Dovecot, start_imap_proxy: Callable[[int], ImapProxy]) -> ImapProxy:
    """A well-behaved proxy in front of ``dovecot``'s plain port, to be told its faults."""
    return start_imap_proxy(dovecot.port)


@pytest.fixture
def start_smtp_sink() -> Iterator[Callable[..., SmtpSink]]:
    """Start an SMTP sink: same keywords as :class:`SmtpSink`."""
    with ExitStack() as running:
        yield lambda **options: running.enter_context(SmtpSink(**options))


@pytest.fixture
def smtp_sink(start_smtp_sink: Callable[..., SmtpSink]) -> SmtpSink:
    """A well-behaved SMTP sink without TLS or authentication, to be told its faults."""
    return start_smtp_sink()


@pytest.fixture
def start_token_endpoint() -> Iterator[Callable[..., TokenEndpoint]]:
    """Start a token server: same keywords as :class:`TokenEndpoint`."""
    with ExitStack() as running:
        yield lambda make, **options: running.enter_context(TokenEndpoint(make, **options))


@pytest.fixture
def token_endpoint(
    dovecot: Dovecot, mailbox_user: MailboxUser, start_token_endpoint: Callable[..., TokenEndpoint]
) -> TokenEndpoint:
    """A token server whose tokens open the mailbox of ``mailbox_user``; it speaks plainly."""
    return start_token_endpoint(lambda lifetime: dovecot.token(mailbox_user.name, lifetime))


@pytest.fixture(scope="session")
def clamd() -> Iterator[Clamd]:
    """The session's malware scanner. Do not stop it: a test that must, takes ``start_clamd``."""
    with require_installed(Clamd) as server:
        yield server


@pytest.fixture
def start_clamd() -> Iterator[Callable[..., Clamd]]:
    """Start a scanner of this test's own: same keywords as :class:`Clamd`."""
    with ExitStack() as running:
        yield lambda **options: running.enter_context(require_installed(lambda: Clamd(**options)))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The session's cluster. Do not stop it: a test that must, takes ``start_postgres``."""
    with require_installed(Postgres) as cluster:
        yield cluster


@pytest.fixture
def start_postgres() -> Iterator[Callable[..., Postgres]]:
    """Start a cluster of this test's own (0.6 s): same keywords as :class:`Postgres`."""
    with ExitStack() as running:
        yield lambda **options: running.enter_context(require_installed(lambda: Postgres(**options)))


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """SQLAlchemy's URL of a PostgreSQL database with an empty record in it, dropped after the test."""
    name = lay_postgres(postgres)
    yield postgres.url(name)
    postgres.drop_database(name)


@pytest.fixture
def bare_postgres_url(postgres: Postgres) -> Iterator[str]:
    """The same without any table."""
    name = postgres.create_database()
    yield postgres.url(name)
    postgres.drop_database(name)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """SQLAlchemy's URL of a SQLite file with an empty record in it."""
    return lay_sqlite(tmp_path / "store.sqlite3")


@pytest.fixture
def bare_sqlite_url(tmp_path: Path) -> str:
    """The same of a file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'store.sqlite3'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """Each test runs twice: with an empty record in SQLite and with one in PostgreSQL."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def bare_store_url(request: pytest.FixtureRequest) -> str:
    """Each test runs twice: with a SQLite file that does not exist yet, and with a database without tables."""
    url: str = request.getfixturevalue("bare_sqlite_url" if request.param == "sqlite" else "bare_postgres_url")
    return url


def require_installed(start: Callable[[], Server]) -> Server:
    """What ``start`` makes; fails the test with the one sentence when the server is not installed."""
    try:
        return start()
    except MissingServerError as error:
        pytest.fail(str(error), pytrace=False)
