"""The mail that benchmarks use: messages that the service forwards by itself, all different.

Texts are those of the training set that the shipped model routes to a project (this measures
speed, never accuracy), each with its own author and Message-ID; one in ten carries an attachment.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

from triage.classify import load_classifier
from triage.decide import DecisionContext, decide
from triage.knowledge import known_places
from triage.parse import parse
from triage.rules import MailboxRole, parse_rules
from triage.vocabulary import Action

ROOT = Path(__file__).parent.parent
GENERAL = "pijss.retifamiglia@ats-valpadana.it"


def rules_text() -> str:
    """The demo's rules with the lowest threshold: every benchmark message is forwarded."""
    text = (ROOT / "triage/demo/routing_rules.yaml").read_text(encoding="utf-8")
    text = text.replace("per_domain_per_hour: 60", "per_domain_per_hour: 100000").replace(
        "per_hour_total: 120", "per_hour_total: 100000\n  per_mailbox_per_hour: 100000"
    )
    lines = [line for line in text.splitlines() if "min_confidence" not in line]
    at = next(number for number, line in enumerate(lines) if line.startswith("thresholds:"))
    return "\n".join([*lines[: at + 1], "  min_confidence: 0.5", *lines[at + 1 :]]) + "\n"


LARGE_EVERY = 5000


def messages(count: int, seed: int = 1, *, size: int = 0, largest: int = 0) -> Iterator[bytes]:
    """So many different messages, every one of which is forwarded and acknowledged.

    ``size``: about so many octets each, by what is attached; 0: one in ten has a file of 60 kB. ``largest``: one in
    :data:`LARGE_EVERY`, the first among them, has so many octets.
    """
    chance = random.Random(seed)  # noqa: S311 - a repeatable benchmark
    texts = forwarded_texts(count)
    for number in range(count):
        subject, text = texts[number % len(texts)]
        attached = 60_000 if number % 10 == 9 and not size else 0
        wanted = largest if largest and number % LARGE_EVERY == 0 else size
        if wanted:
            attached = max(0, (wanted - len(_octets(number, subject, text, random.Random(), 0))) * 3 // 4)  # noqa: S311
        yield _octets(number, subject, text, chance, attached)


def forwarded_texts(wanted: int) -> list[tuple[str, str]]:
    """Subject and text of so many training messages (or all) that the shipped model forwards under these rules."""
    rules = parse_rules(rules_text(), "benchmark", known_places())
    classifier = load_classifier(ROOT / "models/model.skops")
    read = [
        json.loads(line)
        for path in sorted((ROOT / "models/training").glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]
    texts = [(one["subject"], one["text"]) for one in read if one["lingua"] == "it" and not one["headers"]]
    chance = random.Random(1)  # noqa: S311
    context = DecisionContext("generale", MailboxRole.INBOX, None, False, 1, False)
    kept: list[tuple[str, str]] = []
    for start in range(0, len(texts), TEXTS):
        if len(kept) >= max(wanted, LEAST):
            break
        some = texts[start : start + TEXTS]
        parsed = [parse(_octets(0, subject, text, chance, 0)) for subject, text in some]
        for one, message, classification in zip(some, parsed, classifier.classify(parsed), strict=True):
            if decide(message, classification, rules, context).action is Action.FORWARD:
                kept.append(one)
    if len(kept) < LEAST:
        raise SystemExit(f"The model forwards only {len(kept)} of {len(texts)} messages: no benchmark is possible.")
    return kept


TEXTS = 50
"""Texts that are tried together."""
LEAST = 20


def _octets(number: int, subject: str, text: str, chance: random.Random, attached: int) -> bytes:
    author = f"persona{number}@example.org"
    # Mail of today: older mail than the mailbox's first look would be held, and nothing of it leaves.
    now = format_datetime(datetime.now(UTC))
    body = text.replace("\r\n", "\n").replace("\n", "\r\n").encode()
    head = [
        f"Return-Path: <{author}>",
        f"Received: from mx.example.org by mail.example.net; {now}",
        f"From: Persona {number} <{author}>",
        f"To: {GENERAL}",
        f"Subject: =?utf-8?B?{base64.b64encode(subject.encode()[:60]).decode()}?=",
        f"Date: {now}",
        f"Message-ID: <bench-{number}-{chance.randrange(1 << 40)}@example.org>",
        "MIME-Version: 1.0",
    ]
    part = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + body + b"\r\n"
    if attached:
        data = base64.encodebytes(chance.randbytes(attached)).replace(b"\n", b"\r\n")
        file = (
            b'Content-Type: application/pdf; name="modulo.pdf"\r\nContent-Transfer-Encoding: base64\r\n'
            b'Content-Disposition: attachment; filename="modulo.pdf"\r\n\r\n' + data
        )
        head.append('Content-Type: multipart/mixed; boundary="bench"')
        return "\r\n".join(head).encode() + b"\r\n\r\n--bench\r\n" + part + b"--bench\r\n" + file + b"--bench--\r\n"
    return "\r\n".join(head).encode() + b"\r\n" + part
