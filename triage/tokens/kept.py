"""Refresh tokens that a server has replaced, in files that only we can read.

A server may replace a refresh token with each answer (RFC 6749 section 6) and refuse the old one
from then on, at once or after 90 days. So the new one is on the disk before its access token is
used (failures F75). The file is named by the token of the environment that it descends from: a new
one in the environment begins anew, and two accounts with one token share what became of it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from triage.oauth import OAuth
from triage.tokens.trouble import TokenTroubleError

_LOOK = 0.05
"""Seconds between two tries for a lock that another process holds."""


@dataclass(frozen=True, slots=True, repr=False)
class Kept:
    """A refresh token as it stands now, and when it ends (aware), where the server said so."""

    refresh_token: str
    ends_at: datetime | None = None


class KeptTokens:
    """The folder of kept refresh tokens; used by any thread and process of this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._unwritten: dict[Path, tuple[str, Kept]] = {}
        """What could not be written, behind the refresh token that it replaces; for all accounts of this process."""

    def path(self, oauth: OAuth) -> Path:
        """The file for what became of this refresh token."""
        origin = "\0".join((oauth.token_url, oauth.client_id, oauth.refresh_token))
        return self._folder / f"{hashlib.sha256(origin.encode()).hexdigest()[:24]}.json"

    def read(self, oauth: OAuth) -> Kept:
        """The newest refresh token: the kept one, or that of the environment while none is kept.

        Raises :class:`TokenTroubleError` when a file is there but cannot be used: the token of the
        environment may be refused by now, and trying it could end the newer one.
        """
        path = self.path(oauth)
        present = self._on_disk(path, oauth)
        replaced, fresh = self._unwritten.get(path, ("", present))
        # Where the disk holds another by now, another process was given a newer one.
        return fresh if present.refresh_token == replaced else present

    def replace(self, oauth: OAuth, present: Kept, fresh: Kept) -> None:
        """Write what takes the place of ``present``; held until it could be written: the server may know no other."""
        self._unwritten[self.path(oauth)] = (present.refresh_token, fresh)
        self.write(oauth, fresh)

    def _on_disk(self, path: Path, oauth: OAuth) -> Kept:
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            ends = found["ends_at"]
            return Kept(str(found["refresh_token"]), datetime.fromisoformat(ends).astimezone(UTC) if ends else None)
        except FileNotFoundError:
            return Kept(oauth.refresh_token)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise _not_usable(path, oauth, error) from None

    def write(self, oauth: OAuth, kept: Kept) -> None:
        """Put it on the disk, whole or not at all; raises :class:`TokenTroubleError`."""
        path = self.path(oauth)
        fresh = path.with_suffix(f".{os.getpid()}.new")
        ends = kept.ends_at.isoformat() if kept.ends_at else None
        text = json.dumps({"refresh_token": kept.refresh_token, "ends_at": ends})
        try:
            self._make_folder()
            with contextlib.suppress(FileNotFoundError):
                fresh.unlink()
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
            self._sync_folder()
            self._unwritten.pop(path, None)
        except OSError as error:
            raise _not_usable(path, oauth, error) from None

    @contextmanager
    def alone(self, oauth: OAuth) -> Iterator[None]:
        """Nobody else on this machine renews this refresh token meanwhile; raises :class:`TokenTroubleError`."""
        path = self.path(oauth).with_suffix(".lock")
        try:
            self._make_folder()
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise _not_usable(path, oauth, error) from None
        try:
            until = time.monotonic() + 2 * oauth.timeout
            while not _locked(descriptor, path, oauth):
                if time.monotonic() > until:
                    text = f"Another process holds {path} for too long. It is tried again."
                    raise TokenTroubleError("token_unreachable", text)
                time.sleep(_LOOK)
            yield
        finally:
            os.close(descriptor)

    def _make_folder(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _sync_folder(self) -> None:
        # The new name is durable only with its folder.
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _locked(descriptor: int, path: Path, oauth: OAuth) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:  # a network folder may know no locks
        raise _not_usable(path, oauth, error) from None
    return True


def _not_usable(path: Path, oauth: OAuth, error: Exception) -> TokenTroubleError:
    return TokenTroubleError(
        "token_file",
        f"The kept refresh token {path} cannot be read or written ({type(error).__name__}). Check the disk and the "
        f"rights of TRIAGE_STATE_DIR; if the file is damaged, put a new token in {oauth.prefix}_REFRESH_TOKEN.",
    )
