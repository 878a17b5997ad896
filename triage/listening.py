"""Where the staff page listens, and under which address people open it: the environment's ``TRIAGE_WEB_...``.

Refuses with :class:`SettingsError` what would send passwords over a network in clear.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from triage.settings import SettingsError

PORT = 8080
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, slots=True)
class Listening:
    """Host and port to bind, and the public address (no slash at its end)."""

    host: str
    port: int
    url: str
    """Empty: the page is only opened on this machine, by any name of loopback."""
    chosen: bool = True
    """Whether somebody asked for this port; the default one may be busy with something else."""

    @property
    def secure(self) -> bool:
        """Whether browsers reach the page over https, by a reverse proxy."""
        return self.url.startswith("https://")

    @property
    def names(self) -> frozenset[str]:
        """Names by which the page may be asked for, without ports."""
        own = urlsplit(self.url).hostname if self.url else None
        return frozenset({*LOOPBACK, own} - {None}) if own else frozenset(LOOPBACK)


def read_listening(
    environment: Mapping[str, str], host: str | None = None, port: int | None = None
) -> Listening | None:
    """What the environment says, a command line's words before it; ``None``: no page."""
    problems: list[str] = []
    raw = environment.get("TRIAGE_WEB_PORT", "").strip().lower()
    if port is None and raw == "off":
        return None
    number = port if port is not None else _port(raw, problems)
    where = host or environment.get("TRIAGE_WEB_HOST", "").strip() or "127.0.0.1"
    url = environment.get("TRIAGE_WEB_URL", "").strip().rstrip("/")
    problems += _wrong_with(url, where)
    if problems:
        raise SettingsError(tuple(problems))
    return Listening(where, number, url, chosen=port is not None or bool(raw))


def _port(raw: str, problems: list[str]) -> int:
    if not raw:
        return PORT
    if raw.isascii() and raw.isdigit() and int(raw) < 65536:
        return int(raw)
    problems.append("TRIAGE_WEB_PORT must be a number from 0 (any free port) to 65535, or off.")
    return PORT


def _wrong_with(url: str, host: str) -> list[str]:
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query):
        return ["TRIAGE_WEB_URL must be an address without a path, such as https://smistamento.example.org."]
    if url.startswith("http://") and f"{parts.hostname}" not in ("127.0.0.1", "localhost", "::1"):
        return [
            "TRIAGE_WEB_URL begins with http://: passwords would cross the network in clear. Put a reverse proxy "
            "with a certificate in front of the page and write its https:// address."
        ]
    if not url and host not in ("127.0.0.1", "localhost", "::1"):
        return [
            "TRIAGE_WEB_HOST lets other machines ask, but TRIAGE_WEB_URL is not set. Write the https:// address by "
            "which people open the page, or leave TRIAGE_WEB_HOST out."
        ]
    return []
