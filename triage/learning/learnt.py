"""The file of what folders sorted by hand have taught: JSON lines that only their owner may read.

Enters messages with what is to be learnt of them, leaves :class:`Settled` for training. Messages pass through
``triage.pseudonyms`` before they are written; authors are numbers that mean nothing outside this file. It is no
evaluation set: no line has what an example needs to be measured by, so that ``read_examples`` refuses the file.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from triage.classify.examples import ExamplesError, Settled, build_message
from triage.classify.territory import load_gazetteer
from triage.pseudonyms import pseudonymised
from triage.rules.addresses import bare_form
from triage.vocabulary import TOPICS, InboundMessage

LEARNT = "learnt"
"""The folder under ``TRIAGE_STATE_DIR``."""
FILE = "learnt.jsonl"
_SALT = "salt"


@dataclass(frozen=True, slots=True)
class Taught:
    """One message with what is to be learnt of it; ``topic`` or ``comune`` may be empty, not both."""

    identity: str
    message: InboundMessage
    topic: str
    comune: str
    label: str


def write_learnt(folder: Path, taught: Iterable[Taught], on: date) -> tuple[int, int]:
    """Add to the folder's file, or replace what is known under the same identity; how many were added and replaced.

    Raises ``OSError`` and :class:`ExamplesError` (a file that is not ours is left alone).
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    salt = _salt(folder / _SALT)
    path = folder / FILE
    lines = {line["id"]: line for line in _lines(path)} if path.exists() else {}
    before = dict(lines)
    for one in taught:
        fresh = _line(one, salt, on)
        if {**lines.get(fresh["id"], {}), "on": ""} != {**fresh, "on": ""}:
            lines[fresh["id"]] = fresh
    added = len(lines.keys() - before.keys())
    replaced = sum(lines[key] != line for key, line in before.items())
    _replace(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines.values()))
    return added, replaced


def forget_writer(folder: Path, address: str) -> int:
    """Take out what somebody wrote (GDPR article 17), by an address in any form; how many lines that were."""
    path = folder / FILE
    if not path.exists():
        return 0
    writer = _writer(address, _salt(folder / _SALT))
    lines = list(_lines(path))
    kept = [line for line in lines if line["writer"] != writer]
    if len(kept) < len(lines):
        _replace(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in kept))
    return len(lines) - len(kept)


def read_learnt(path: Path) -> Iterator[Settled]:
    """What ``triage learn --write`` has kept; raises :class:`ExamplesError` naming the line, and ``OSError``."""
    for line in _lines(path):
        yield Settled(
            message=build_message(line),
            writer=line["writer"],
            topic=line["topic"],
            territory="",
            comune=line["comune"],
            on=date.fromisoformat(line["on"]),
        )


def _line(one: Taught, salt: bytes, on: date) -> dict[str, Any]:
    plain = pseudonymised(one.message, load_gazetteer())
    return {
        "id": hashlib.blake2b(one.identity.encode(), key=salt, digest_size=16).hexdigest(),
        "writer": _writer(one.message.author.addr_spec, salt),
        "on": on.isoformat(),
        "label": one.label,
        "topic": one.topic,
        "comune": one.comune,
        "subject": plain.subject,
        "text": plain.new_text,
        "quoted": plain.quoted_text,
        "signature": plain.signature,
    }


def _writer(address: str, salt: bytes) -> str:
    """The same for every form of an address: capitals, plus tags, dots where they do not count."""
    bare = "@".join(bare_form(address)) if address else ""
    return hashlib.blake2b(bare.encode("utf-8", "surrogatepass"), key=salt, digest_size=16).hexdigest() if bare else ""


_FIELDS = ("id", "writer", "on", "label", "topic", "comune", "subject", "text", "quoted", "signature")


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        texts = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise ExamplesError(f"{path.name}: not a file that 'triage learn --write' has written") from None
    for number, text in enumerate(texts, start=1):
        try:
            line = json.loads(text)
            date.fromisoformat(line["on"])
            ours = all(isinstance(line[name], str) for name in _FIELDS) and line["topic"] in ("", *TOPICS)
        except (ValueError, KeyError, TypeError):
            ours = False
        if not ours:
            raise ExamplesError(f"{path.name}:{number}: not a line that 'triage learn --write' has written")
        yield line


def _salt(path: Path) -> bytes:
    """A secret of the folder's own: without it an identity or a writer says nothing."""
    if not path.exists():
        _replace(path, secrets.token_hex(32))
    return bytes.fromhex(path.read_text(encoding="ascii").strip())


def _replace(path: Path, text: str) -> None:
    """The whole file or none of it, readable by its owner alone from the first moment."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(path)
