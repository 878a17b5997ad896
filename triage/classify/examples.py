"""Labelled messages for training: JSON lines in, ``Example`` out.

Refused, with :class:`ExamplesError` naming file and line: a line that is no example, a label that
the guide does not know. Texts are never repeated in an error.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from email.message import Message
from pathlib import Path
from typing import Any

from triage.vocabulary import TOPICS, Address, InboundMessage


class ExamplesError(ValueError):
    """The training data cannot be used; the text names file, line and field."""


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled message. ``writer`` and ``situation`` keep kindred messages in one fold."""

    identity: str
    writer: str
    situation: str
    batch: str
    message: InboundMessage
    topic: str
    urgent: bool
    language: str
    automatic: bool
    territory: str
    """The guide's ``territorio``, used to measure and to know "none" and "several"; no model sees project codes."""
    comune: str
    """Official name of the comune that decides (or of the town outside); "" when none does."""
    destination: str
    """The guide's ``destinazione``, under the rules that were in force when it was labelled."""
    winning: tuple[tuple[str, str], ...]
    """(where, text) of the mentions that decide."""
    natural: bool = False
    """From a file ``natural_*.jsonl``: topics, places and dangers as frequent as in a real mailbox."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A real message as a person settled it. What they did not say is empty, and nothing is learnt of that."""

    message: InboundMessage
    writer: str
    """The same for all messages of one author, and no name."""
    topic: str
    territory: str
    comune: str
    on: date
    """The day of the settlement."""

    @property
    def winning(self) -> tuple[tuple[str, str], ...]:
        """Nobody marks a mention while settling: the comune tells which one it was."""
        return ()


@dataclass(frozen=True, slots=True)
class ExampleFile:
    """A file of examples as it was read: name, SHA-256 and number of lines used."""

    name: str
    sha256: str
    count: int


def read_examples(folder: Path) -> tuple[tuple[Example, ...], tuple[ExampleFile, ...]]:
    """All ``*.jsonl`` of a folder in order of name. Raises :class:`ExamplesError`."""
    examples: list[Example] = []
    files: list[ExampleFile] = []
    for path in sorted(folder.glob("*.jsonl")):
        octets = path.read_bytes()
        found = list(_examples_of(path.name, octets))
        examples.extend(found)
        files.append(ExampleFile(path.name, hashlib.sha256(octets).hexdigest(), len(found)))
    if not examples:
        raise ExamplesError(f"no examples in {folder.name}: expected files that end in .jsonl")
    seen: set[str] = set()
    for example in examples:
        if example.identity in seen:
            raise ExamplesError(f"two examples have the id {example.identity!r}")
        seen.add(example.identity)
    return tuple(examples), tuple(files)


def build_message(fields: Mapping[str, Any]) -> InboundMessage:
    """An ``InboundMessage`` straight from an example's fields, as ``parse`` would have left it."""
    headers = {str(name): str(value) for name, value in dict(fields.get("headers") or {}).items()}
    content_type, parameters = _content_type(headers)
    reverse_path = next((value for name, value in headers.items() if name.lower() == "return-path"), None)
    author = Address(str(fields.get("from_name") or ""), "")
    text = str(fields.get("text") or "")
    return InboundMessage(
        message_id="",
        in_reply_to=(),
        references=(),
        date=None,
        author=author,
        authors=(author,),
        sender=None,
        reply_to=(),
        recipients=(),
        reverse_path=None if reverse_path is None else reverse_path.strip().strip("<>").strip(),
        subject=str(fields.get("subject") or ""),
        new_text=text,
        quoted_text=str(fields.get("quoted") or ""),
        signature=str(fields.get("signature") or ""),
        is_forward=bool(_FORWARD_SUBJECT.match(str(fields.get("subject") or "")) and _FORWARD_MARK.search(text)),
        attachments=(),
        header_fields=tuple(headers.items()),
        content_type=content_type,
        content_type_params=parameters,
        size=len(text),
    )


_FORWARD_SUBJECT = re.compile(r"\s*(?:i|fw|fwd|inoltro|wg)\s*:", re.IGNORECASE)
_FORWARD_MARK = re.compile(
    r"(?im)^\s*[->*_ ]*(?:messaggio (?:inoltrato|originale)|forwarded message|da\s*:|from\s*:|inizio messaggio)"
)


def _examples_of(name: str, octets: bytes) -> Iterator[Example]:
    for number, line in enumerate(octets.decode("utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
        except json.JSONDecodeError as error:
            raise ExamplesError(f"{name}:{number}: not a JSON object ({error.msg})") from None
        if not isinstance(fields, dict):
            raise ExamplesError(f"{name}:{number}: not a JSON object")
        yield _example(f"{name}:{number}", fields)


def _example(where: str, fields: Mapping[str, Any]) -> Example:
    for name, kind in (
        ("id", str),
        ("writer", str),
        ("situation", str),
        ("text", str),
        ("argomento", str),
        ("lingua", str),
        ("urgente", bool),
        ("automatico", bool),
    ):
        if not isinstance(fields.get(name), kind):
            raise ExamplesError(f"{where}: field {name!r} is missing or no {kind.__name__}")
    if fields["argomento"] not in TOPICS:
        raise ExamplesError(f"{where}: field 'argomento' is none of the guide's topics")
    return Example(
        natural=where.startswith("natural_"),
        identity=fields["id"],
        writer=fields["writer"],
        situation=fields["situation"],
        batch=str(fields.get("batch") or ""),
        message=build_message(fields),
        topic=fields["argomento"],
        urgent=fields["urgente"],
        language=fields["lingua"],
        automatic=fields["automatico"],
        territory=str(fields.get("territorio") or ""),
        comune=str(fields.get("comune") or ""),
        destination=str(fields.get("destinazione") or ""),
        winning=tuple(
            (str(mention.get("where")), str(mention.get("text")))
            for mention in fields.get("mentions") or ()
            if isinstance(mention, dict) and mention.get("wins")
        ),
    )


def _content_type(headers: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    value = next((value for name, value in headers.items() if name.lower() == "content-type"), "text/plain")
    # The old interface of the standard library: its parameter parsing never raises.
    parsed = Message()
    parsed["Content-Type"] = value
    parameters = parsed.get_params(failobj=[])
    return parsed.get_content_type(), {
        str(name).lower(): str(content) for name, content in (parameters or [])[1:] if isinstance(content, str)
    }
