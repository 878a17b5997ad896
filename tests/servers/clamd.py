"""A private clamd with one signature of our own: the malware scanner that forwards pass through.

Nothing enters; a Unix socket and a port of loopback leave. Its one signature finds :data:`MARKER`,
a harmless text, in whatever carries it. Nothing is downloaded.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers.process import LOOPBACK, ServerProcess, find_binary, free_ports, make_directory

_PACKAGE = "clamav-daemon"
MARKER = b"RETI-FAMIGLIA-PROVA-ANTIVIRUS-INNOCUA"
NAME = "Prova.Innocua"
"""What the scanner calls a file that holds the marker; it appends UNOFFICIAL, as to all but its makers' own."""


class Clamd:
    """A running scanner; close it, or use it in a ``with`` statement.

    ``settings`` are further lines of its configuration. It runs as the user who runs the tests, root
    or not; root may name another ``user``.

    Raises :class:`~tests.servers.process.MissingServerError` when it is not installed.
    """

    host = LOOPBACK

    def __init__(self, *, settings: str = "", user: str = "") -> None:
        self._binary = find_binary("clamd", ("/usr/sbin", "/usr/local/sbin"), _PACKAGE)
        self._directory = make_directory("clamd-")
        self._settings = settings
        self._user = pwd.getpwnam(user) if user and os.geteuid() == 0 else None
        self._process: ServerProcess | None = None
        self.path = str(self._directory / "clamd.ctl")
        self.port = free_ports(1)[0]
        try:
            signatures = self._directory / "signatures"
            signatures.mkdir(mode=0o755)
            (signatures / "ours.ndb").write_text(f"{NAME}:0:*:{MARKER.hex()}\n", encoding="ascii")
            self.start()
        except BaseException:
            self.close()
            raise

    def start(self) -> None:
        """Start again after :meth:`stop`, on the same sockets."""
        if self._process is not None:
            return
        config = self._directory / "clamd.conf"
        lines = [
            f"DatabaseDirectory {self._directory / 'signatures'}",
            f"TemporaryDirectory {self._directory}",
            f"LocalSocket {self.path}",
            "FixStaleSocket yes",
            f"TCPAddr {LOOPBACK}",
            f"TCPSocket {self.port}",
            "Foreground yes",
            self._settings,
        ]
        config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        output = self._directory / "clamd.log"
        uid, gid = (self._user.pw_uid, self._user.pw_gid) if self._user else (None, None)
        if uid is not None and gid is not None:
            os.chown(self._directory, uid, gid)
        command = [self._binary, "-c", str(config)]
        self._process = ServerProcess(command, self._directory, user_id=uid, group_id=gid, output=output)
        self._process.wait_until(lambda: self._answers(), timeout=30)

    def stop(self) -> None:
        """End the scanner; its sockets lead nowhere until it is started again."""
        process, self._process = self._process, None
        if process is not None:
            process.stop()

    def close(self) -> None:
        """End it for good."""
        self.stop()
        shutil.rmtree(self._directory, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _answers(self) -> bool:
        if not Path(self.path).exists():
            return False
        with closing(socket.socket(socket.AF_UNIX)) as probe:
            probe.settimeout(1)
            try:
                probe.connect(self.path)
                probe.sendall(b"zPING\0")
                return probe.recv(16) == b"PONG\0"
            except OSError:
                return False
