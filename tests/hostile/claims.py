"""What must hold of any octets that we read, and of whatever we then send.

Shared by the corpus, Hypothesis and the fuzzer. Octets enter, claims are asserted; the message and what
would leave come back, for further ones.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.utils import parseaddr
from functools import cache

from tests.decide.builders import classification, context, history
from tests.hostile.strict_reader import Section, original_of, parts_of, read_by_library, read_strictly
from tests.rules.builders import build_rules
from triage.classify.automatic import judge_automatic
from triage.decide import GateVerdict, decide, may_acknowledge
from triage.decide.authentication import is_doubted, results_of
from triage.dispatch.acknowledging import compose_for_family
from triage.dispatch.compose import Outgoing, Stamp, compose_forward
from triage.dispatch.redirect import compose_redirect
from triage.dispatch.text_files import shipped_texts
from triage.hand_backs import hands_back
from triage.parse import parse
from triage.parse.wire import from_json, to_json
from triage.rules import Rules
from triage.vocabulary import Decision, DispatchKind, InboundMessage

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
CODE = "2A-23456789"
STAMP = Stamp("<f00d@agency.example>", CODE, "5ea1", NOW)
NORD = "nord@nord.example"
AUTHSERV = "mx.agency.example"
_NOT_SENT_ON = frozenset({b"return-path", b"bcc", b"resent-bcc"})

FORWARD_FIELDS = [
    "From",
    "Reply-To",
    "To",
    "Date",
    "Message-ID",
    "Subject",
    "In-Reply-To",
    "References",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "X-Reti-Smistamento",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
]
"""The fields of a forward in their order. Those of ``WHERE_KNOWN`` may be absent, no other may be there."""
WHERE_KNOWN = frozenset({"Reply-To", "In-Reply-To", "References", "Content-Transfer-Encoding"})
ACKNOWLEDGEMENT_FIELDS = [
    "From",
    "To",
    "Date",
    "Message-ID",
    "Subject",
    "In-Reply-To",
    "References",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "X-Reti-Smistamento",
    "MIME-Version",
    "Content-Type",
]
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_CASE_AND_OURS = re.compile(r"\[2A-23456789\] \S")


@cache
def rules() -> Rules:
    """The small country's rules; our address is famiglie@agency.example."""
    return build_rules()


def read(octets: bytes) -> InboundMessage:
    """Reads octets, and holds what must be true of every message ever read."""
    message = parse(octets)
    codes = {defect.code for defect in message.defects}
    assert "parser_failed" not in codes, message.defects
    assert message.size == len(octets)
    shown = [message.subject, message.author.display_name, *(file.file_name for file in message.attachments)]
    assert not any(is_hidden(sign) for text in shown for sign in text), "control or bidi characters are shown"
    assert not any(sign in file.file_name for file in message.attachments for sign in "/\\")
    assert not any(is_hidden(sign) and sign not in "\n\t" for sign in message.new_text)
    for address in (message.author, *message.authors, *message.recipients, *message.reply_to):
        local, _, domain = address.addr_spec.rpartition("@")
        assert not re.search(r"\s", domain)
        assert local.startswith('"') or not re.search(r"\s", local)
    assert message.date is None or message.date.utcoffset() is not None
    assert not any("\n" in value or "\r" in value for _, value in message.header_fields)
    assert from_json(to_json(message)) == message
    return message


def decide_about(message: InboundMessage) -> Decision:
    """The decision with a sure place and topic, and the real judgement of automatic mail."""
    found = judge_automatic(message)
    topic = {"topic": "non_pertinente"} if found.answers_nothing else {}
    content = classification(automatic=found.automatic, automatic_proved=found.proved, **topic)
    return decide(message, content, rules(), context())


def ask_gate(message: InboundMessage, decision: Decision) -> GateVerdict:
    """Whether it may be acknowledged, when nothing but the message itself could speak against it."""
    return may_acknowledge(message, decision, rules(), history(), NOW, context())


def forward(message: InboundMessage, octets: bytes, decision: Decision, *, eight_bit: bool) -> Outgoing:
    """The forward to a project."""
    return compose_forward(message, octets, decision, NORD, rules(), STAMP, NOW, eight_bit)


def check_forward(octets: bytes, message: InboundMessage, *, eight_bit: bool, library: bool = True) -> Section:
    """The forward of a message has the fields we meant, safe lines and the original unchanged.

    ``library``: the standard library's parser must see the same parts.
    """
    outgoing = forward(message, octets, decide_about(message), eight_bit=eight_bit)
    sent = read_strictly(outgoing.octets, eight_bit=eight_bit)
    _check_fields(sent, FORWARD_FIELDS)
    assert sent.value("To") == outgoing.forward_path == NORD
    assert outgoing.reverse_path == rules().service.address
    assert _CASE_AND_OURS.match(_decoded(sent.value("Subject")))
    parts = parts_of(sent)
    assert all(name.startswith("Content-") for part in parts for name in part.names())
    assert parts[0].value("Content-Type") == "text/plain; charset=utf-8"
    text = parts[0].content().decode("utf-8")
    assert not any(is_hidden(sign) and sign not in "\r\n\t" for sign in text)
    original = original_of(parts)
    assert hashlib.sha256(original).digest() == hashlib.sha256(octets).digest()
    if library:
        theirs = read_by_library(outgoing.octets).get_payload()
        assert isinstance(theirs, list)
        assert len(theirs) == len(parts)
    return sent


def check_acknowledgement(message: InboundMessage, verdict: GateVerdict) -> Section:
    """The acknowledgement that the gate has let through holds nothing but what we meant."""
    kind, decision = DispatchKind.ACKNOWLEDGEMENT, decide_about(message)
    outgoing = compose_for_family(kind, message, decision, verdict.forward_path, rules(), STAMP, shipped_texts())
    sent = read_strictly(outgoing.octets, eight_bit=verdict.needs_smtputf8)
    _check_fields(sent, ACKNOWLEDGEMENT_FIELDS)
    assert sent.value("To") == verdict.forward_path
    assert sent.value("Auto-Submitted") == "auto-replied"
    assert outgoing.reverse_path == ""
    read_by_library(outgoing.octets)
    return sent


def check_redirect(octets: bytes, message: InboundMessage, *, eight_bit: bool) -> bool:
    """What is redirected is the received octets, less Return-Path and Bcc, behind our block; whether it may be."""
    sent = compose_redirect(message, octets, decide_about(message), NORD, rules(), STAMP, eight_bit)
    if sent is None:
        return False
    head, end, body = octets.partition(b"\r\n\r\n")
    kept: list[bytes] = []
    dropped = False
    for line in head.split(b"\r\n"):
        dropped = dropped if line[:1] in (b" ", b"\t") else line.partition(b":")[0].strip().lower() in _NOT_SENT_ON
        kept += [] if dropped else [line]
    # A message may be a head alone: then it had no end of its own.
    assert sent.octets.endswith(b"\r\n".join([*kept, b""]) + (end + body)[2:])
    return True


def check_answers(message: InboundMessage) -> None:
    """What gives rights is read without a raise, and nothing below the second Received field counts."""
    hands_back(message.subject, message.new_text)
    places = [at for at, (name, _) in enumerate(message.header_fields) if name.strip().lower() == "received"]
    ours = replace(message, header_fields=message.header_fields[: places[1] if len(places) > 1 else None])
    for below in (False, True):
        results = results_of(message, AUTHSERV, below)
        assert results == results_of(ours, AUTHSERV, below)
        assert isinstance(is_doubted(message, AUTHSERV, below), bool)
    above = replace(message, header_fields=message.header_fields[: places[0] if places else None])
    passed = [one for one in results_of(message, AUTHSERV) if one.result == "pass"]
    assert all(one in results_of(above, AUTHSERV) for one in passed)


def check_all(octets: bytes) -> None:
    """Everything above of one input: what the fuzzer runs."""
    message = read(octets)
    check_answers(message)
    check_redirect(octets, message, eight_bit=bool(len(octets) & 1))
    check_forward(octets, message, eight_bit=bool(len(octets) & 1))
    verdict = ask_gate(message, decide_about(message))
    if verdict.allowed:
        check_acknowledgement(message, verdict)


def is_hidden(sign: str) -> bool:
    """A control, line, surrogate or direction character: it would not be seen, or change what is seen."""
    return sign in _BIDI or unicodedata.category(sign) in {"Cc", "Cs", "Zl", "Zp"}


def _check_fields(sent: Section, wanted: list[str]) -> None:
    names = sent.names()
    assert [name for name in wanted if name in names] == names, names
    assert set(wanted) - set(names) <= WHERE_KNOWN
    for name in ("From", "Reply-To"):
        for value in sent.values(name):
            shown, address = parseaddr(value)
            words = _decoded(shown)
            assert "@" not in words
            assert not any(is_hidden(sign) for sign in words)
            assert address.count("@") == 1
    assert parseaddr(sent.value("From"))[1] == rules().service.address
    assert sent.value("Message-ID") == STAMP.rfc_message_id


def _decoded(value: str) -> str:
    return str(make_header(decode_header(value)))
