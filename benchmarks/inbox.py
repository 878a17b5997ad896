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


def messages(count: int, seed: int = 1) -> Iterator[bytes]:
    """So many different messages, every one of which is forwarded and acknowledged."""
    chance = random.Random(seed)  # noqa: S311 - a repeatable benchmark
    texts = forwarded_texts()
    for number in range(count):
        subject, text = texts[number % len(texts)]
        yield _octets(number, subject, text, chance)


def forwarded_texts() -> list[tuple[str, str]]:
    """Subject and text of training messages that the shipped model forwards under these rules."""
    rules = parse_rules(rules_text(), "benchmark", known_places())
    classifier = load_classifier(ROOT / "models/model.skops")
    read = [
        json.loads(line)
        for path in sorted((ROOT / "models/training").glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]
    wanted = [(one["subject"], one["text"]) for one in read if one["lingua"] == "it" and not one["headers"]]
    chance = random.Random(1)  # noqa: S311
    parsed = [parse(_octets(0, subject, text, chance)) for subject, text in wanted]
    context = DecisionContext("generale", MailboxRole.INBOX, None, False, 1, False)
    kept = []
    for one, message, classification in zip(wanted, parsed, classifier.classify(parsed), strict=True):
        if decide(message, classification, rules, context).action is Action.FORWARD:
            kept.append(one)
    if len(kept) < 20:
        raise SystemExit(f"The model forwards only {len(kept)} of {len(wanted)} messages: no benchmark is possible.")
    return kept


def _octets(number: int, subject: str, text: str, chance: random.Random) -> bytes:
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
    if number % 10 == 9:
        data = base64.encodebytes(chance.randbytes(60_000)).replace(b"\n", b"\r\n")
        attached = (
            b'Content-Type: application/pdf; name="modulo.pdf"\r\nContent-Transfer-Encoding: base64\r\n'
            b'Content-Disposition: attachment; filename="modulo.pdf"\r\n\r\n' + data
        )
        head.append('Content-Type: multipart/mixed; boundary="bench"')
        return "\r\n".join(head).encode() + b"\r\n\r\n--bench\r\n" + part + b"--bench\r\n" + attached + b"--bench--\r\n"
    return "\r\n".join(head).encode() + b"\r\n" + part
