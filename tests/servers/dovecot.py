"""A private Dovecot: the mailbox server that the service reads, and a colleague who works in it.

Users and messages enter; what stands in the mailbox leaves. The colleague's acts go through IMAP
like everybody's. A Dovecot older than 2.3 is refused with a sentence.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType
from typing import Literal, Self

from imapclient import IMAPClient

from tests.servers.authority import Authority
from tests.servers.bearer_token import check_token, make_token
from tests.servers.dovecot_config import DovecotPlan, write_config
from tests.servers.process import (
    LOOPBACK,
    ServerFailedError,
    ServerProcess,
    accepts,
    find_binary,
    free_ports,
    is_dead,
    make_directory,
)

_PACKAGE = "dovecot-imapd"
_BATCH = 200
TEST_WORD = "parola-di-prova"


@dataclass(frozen=True, slots=True)
class MailboxUser:
    """An account of the mailbox server."""

    name: str
    password: str


class Dovecot:
    """A running server on loopback; close it, or use it in a ``with`` statement.

    ``storage`` is maildir (folders joined by ".") or mdbox ("/"). ``capability_without`` names
    capabilities that the server shall not announce, such as ``("MOVE", "UIDPLUS")``; it still obeys
    the commands. ``extra_config`` is appended to its configuration. ``port`` speaks plainly and
    knows STARTTLS, ``tls_port`` is imaps; clients verify with ``authority``.

    Raises :class:`~tests.servers.process.MissingServerError` when Dovecot is not installed.
    """

    host = LOOPBACK

    def __init__(
        self,
        *,
        storage: Literal["maildir", "mdbox"] = "maildir",
        capability_without: Iterable[str] = (),
        authority: Authority | None = None,
        extra_config: str = "",
    ) -> None:
        self._binary = find_binary("dovecot", ("/usr/sbin", "/usr/local/sbin"), _PACKAGE)
        self._doveadm = find_binary("doveadm", ("/usr/bin", "/usr/local/bin"), _PACKAGE)
        self.version = _version_of(self._binary)
        self._directory = make_directory("dovecot-")
        self.authority = authority or Authority(self._directory)
        self._passwords: dict[str, str] = {}
        self._clients: list[tuple[str, IMAPClient]] = []
        self._process: ServerProcess | None = None
        self._plan = DovecotPlan(
            directory=self._directory,
            port=0,
            tls_port=0,
            certificate=self.authority.issue(),
            token_key=secrets.token_bytes(32),
            storage=storage,
            hidden=frozenset(name.upper() for name in capability_without),
            extra=extra_config,
        )
        try:
            self._start_on_free_ports()
        except BaseException:
            self.close()
            raise

    # ---------------------------------------------------------------- life

    @property
    def port(self) -> int:
        return self._plan.port

    @property
    def tls_port(self) -> int:
        return self._plan.tls_port

    def start(self) -> None:
        """Start again after :meth:`stop`, on the same ports, with the same mail."""
        if self._process is not None:
            return
        pid_file = self._directory / "run/master.pid"
        pid_file.unlink(missing_ok=True)
        process = ServerProcess(
            [self._binary, "-F", "-c", str(self._plan.config_path)], self._directory, output=self._directory / "output"
        )
        self._process = process
        try:
            # The id is written after binding: without it, a stranger on our port would look like us.
            process.wait_until(lambda: pid_file.exists() and accepts(self.port) and accepts(self.tls_port))
        except ServerFailedError as error:
            self.stop()
            raise ServerFailedError(f"{error}; log: {self.log()[-1500:]}") from error

    def stop(self) -> None:
        """End the server and every connection; the mail stays."""
        process, self._process = self._process, None
        if process is not None:
            # In order it takes a second, for the sake of its log; with the log gone first, sessions
            # linger for five. So those who write mail are ended first, and the rest is killed.
            process.end_children("imap")
            process.stop(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def close(self) -> None:
        """End the server, shut our clients and remove its files."""
        self.close_clients()
        self.stop()
        shutil.rmtree(self._directory, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def log(self) -> str:
        """The server's own log so far."""
        return self._plan.log_path.read_text("utf-8", "replace") if self._plan.log_path.exists() else ""

    def _start_on_free_ports(self) -> None:
        for last_try in (False, False, False, True):
            port, tls_port = free_ports(2)
            self._plan = replace(self._plan, port=port, tls_port=tls_port)
            write_config(self._plan, self.version)
            try:
                self.start()
            except ServerFailedError:
                if last_try or "in use" not in self.log():
                    raise
            else:
                return

    # ---------------------------------------------------------------- accounts

    def add_user(self, name: str, password: str = TEST_WORD) -> MailboxUser:
        """Make an account; it may log in at once. ``name``: letters, digits and ``._@-`` only."""
        if not re.fullmatch(r"[A-Za-z0-9_@-][A-Za-z0-9._@-]*", name):
            raise ValueError("user name with characters that a file name cannot have")
        # One file a user: Dovecot reads a changed file again only when the second has passed.
        (self._plan.users_path / name).write_text(f"{name}:{{PLAIN}}{password}::::::\n")
        self._passwords[name] = password
        return MailboxUser(name, password)

    def token(self, user: str, expires_in: float = 3600) -> str:
        """A bearer token for XOAUTH2 and OAUTHBEARER: a JWT (RFC 7519), HS256.

        ``expires_in`` counts seconds from now; a negative one gives a token that has expired.
        """
        return make_token(self._plan.token_key, user, int(time.time()), int(expires_in))

    def takes_token(self, user: str, token: str) -> bool:
        """Whether this server would let the user in with this token now: for another server of the same house."""
        return check_token(self._plan.token_key, user, token, time.time())

    def client(self, user: str) -> IMAPClient:
        """A colleague's logged-in client; shut when the server closes at the latest."""
        client = IMAPClient(self.host, self.port, ssl=False, timeout=20)
        self._clients.append((user, client))
        client.login(user, self._passwords[user])
        return client

    def close_clients(self, user: str | None = None) -> None:
        """Shut the sockets of the clients given out (to ``user``)."""
        chosen = [entry for entry in self._clients if user in (None, entry[0])]
        self._clients = [entry for entry in self._clients if entry not in chosen]
        for _, client in chosen:
            with contextlib.suppress(OSError):  # shut before, by the test itself
                client.shutdown()

    def kill_connections(self, user: str) -> int:
        """Cut every connection of a user from the server's side; returns how many there were."""
        listed = self._administer("-f", "tab", "who", "-1", user).splitlines()[1:]
        pids = [int(found[1]) for line in listed if (found := re.match(r"\S+\timap\t\D*(\d+)", line))]
        if pids:
            self._administer("kick", user)
        deadline = time.monotonic() + 5
        while not all(is_dead(pid) for pid in pids):
            if time.monotonic() > deadline:
                raise ServerFailedError("Dovecot did not end the kicked connections within 5 s")
            time.sleep(0.003)
        return len(pids)

    # ---------------------------------------------------------------- mail

    def deliver(
        self,
        user: str,
        octets: bytes,
        folder: str = "INBOX",
        when: datetime | None = None,
        flags: Sequence[str] = (),
    ) -> int:
        """Append one message; returns its UID. ``when`` (aware) is its INTERNALDATE.

        Dovecot keeps every octet but these: a bare CR or LF comes back as CRLF, NUL as 0x80.
        """
        if when is not None and when.tzinfo is None:
            raise ValueError("an INTERNALDATE needs a time zone")
        with self._colleague(user) as client:
            answer: bytes = client.append(folder, octets, flags, when)
        found = re.search(rb"APPENDUID \d+ (\d+)", answer)
        if found is None:
            raise ServerFailedError("Dovecot answered APPEND without APPENDUID")
        return int(found[1])

    def deliver_fast(self, user: str, messages: Iterable[bytes], folder: str = "INBOX") -> None:
        """Append many messages in their order: some thousands a second (RFC 3502)."""
        with self._colleague(user) as client:
            waiting = list(messages)
            for start in range(0, len(waiting), _BATCH):
                client.multiappend(folder, waiting[start : start + _BATCH])

    def uids(self, user: str, folder: str = "INBOX") -> tuple[int, ...]:
        with self._colleague(user) as client:
            client.select_folder(folder, readonly=True)
            return tuple(sorted(client.search()))

    def fetch(self, user: str, folder: str = "INBOX") -> dict[int, bytes]:
        """Octets of every message by ascending UID; sets no flag."""
        found: dict[int, bytes] = {}
        with self._colleague(user) as client:
            client.select_folder(folder, readonly=True)
            uids = sorted(client.search())
            for start in range(0, len(uids), _BATCH):
                batch = client.fetch(uids[start : start + _BATCH], ["BODY.PEEK[]"])
                found.update({uid: batch[uid][b"BODY[]"] for uid in sorted(batch)})
        return found

    def flags(self, user: str, folder: str = "INBOX") -> dict[int, frozenset[str]]:
        """Flags and keywords of every message by UID, without ``\\Recent``."""
        with self._colleague(user) as client:
            client.select_folder(folder, readonly=True)
            answer = client.get_flags(client.search())
            return {uid: frozenset(flag.decode() for flag in answer[uid] if flag != b"\\Recent") for uid in answer}

    def folders(self, user: str) -> tuple[str, ...]:
        with self._colleague(user) as client:
            return tuple(sorted(name for _, _, name in client.list_folders()))

    def uid_validity(self, user: str, folder: str = "INBOX") -> int:
        with self._colleague(user) as client:
            return int(client.select_folder(folder, readonly=True)[b"UIDVALIDITY"])

    def rename_folder(self, user: str, old: str, new: str) -> None:
        with self._colleague(user) as client:
            client.rename_folder(old, new)

    def rebuild(self, user: str, folder: str = "INBOX") -> int:
        """Give a folder a new, greater UIDVALIDITY, as after a restored backup; returns it.

        The user's connections are cut. With maildir the UIDs start again from 1, in no promised
        order; with mdbox they stay as they were. Both happen in the world.
        """
        before = self.uid_validity(user, folder)
        self.kill_connections(user)
        if self._plan.storage == "maildir":
            root = self._plan.mail_path / user / "Maildir"
            path = root if folder.upper() == "INBOX" else root / f".{folder}"
            for index in (path / "dovecot-uidlist", *path.glob("dovecot.index*")):
                index.unlink(missing_ok=True)
        else:
            self._administer("mailbox", "update", "-u", user, "--uid-validity", str(before + 1), folder)
        after = self.uid_validity(user, folder)
        if after <= before:
            raise ServerFailedError("Dovecot kept its UIDVALIDITY")
        return after

    @contextmanager
    def _colleague(self, user: str) -> Iterator[IMAPClient]:
        client = self.client(user)
        try:
            yield client
            client.logout()
        finally:
            self._clients = [entry for entry in self._clients if entry[1] is not client]
            with contextlib.suppress(OSError):
                client.shutdown()

    def _administer(self, *arguments: str) -> str:
        done = subprocess.run(
            [self._doveadm, "-c", str(self._plan.config_path), *arguments],
            capture_output=True,
            text=True,
            timeout=20,
            env={**os.environ, "LC_ALL": "C"},
        )
        # 68: nobody was connected (doveadm kick), which is no failure.
        if done.returncode not in (0, 68):
            raise ServerFailedError(f"doveadm {arguments[0]} failed: {done.stderr.strip()}")
        return done.stdout


def _version_of(binary: str) -> str:
    version = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout.split()[0]
    if not version.startswith(("2.3.", "2.4.")):
        raise ServerFailedError(f"Dovecot {version} is not known to the tests; they need 2.3 or 2.4")
    return version
