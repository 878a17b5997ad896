"""Mail that lies in files: one message, a folder of ``.eml`` files, an mbox, a Maildir. Read, never changed.

Enters a path, leaves each message's name and octets. Raises ``OSError``.
"""

from __future__ import annotations

import mailbox
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path


def stored_mail(path: Path) -> Iterator[tuple[str, bytes]]:
    """Every message below ``path``, in order of name or of the file."""
    if path.is_dir():
        yield from ((str(file), file.read_bytes()) for file in _files(path) if file.is_file())
    elif _is_mbox(path):
        with closing(mailbox.mbox(path, create=False)) as box:
            yield from ((f"{path}#{key}", box.get_bytes(key)) for key in box.iterkeys())
    else:
        yield str(path), path.read_bytes()


def holds_none(path: Path) -> bool:
    """Whether a folder is neither a Maildir nor holds any ``.eml`` file."""
    return path.is_dir() and not _is_maildir(path) and not any(map(_is_eml, path.rglob("*")))


def _files(path: Path) -> list[Path]:
    if _is_maildir(path):
        return sorted([*(path / "cur").iterdir(), *(path / "new").iterdir()])
    return sorted(filter(_is_eml, path.rglob("*")))


def _is_eml(path: Path) -> bool:
    """Some mail programs write the ending in capitals."""
    return path.suffix.lower() == ".eml"


def _is_maildir(path: Path) -> bool:
    return (path / "cur").is_dir() and (path / "new").is_dir()


def _is_mbox(path: Path) -> bool:
    with path.open("rb") as file:
        return not _is_eml(path) and file.read(5) == b"From "
