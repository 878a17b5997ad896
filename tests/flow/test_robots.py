"""Robots that answer everything, over real SMTP and a real mailbox server: they stop at the cap, by count (F9, F13).

The post between them is real too: what the service submits reaches the robot's SMTP server, what the robot sends
reaches the agency's, and is put into its mailbox with the Return-Path that its envelope had.
"""

from __future__ import annotations

import smtplib
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

from tests.flow.builders import Office
from tests.servers.dovecot import Dovecot
from tests.servers.mail import make_mail
from tests.servers.smtp_sink import SmtpSink
from triage.once import run_once

GENERAL = "pijss.retifamiglia@ats-valpadana.it"
OTHER = "sportello@altra-agenzia.example"
ROBOT = "risponde.sempre@robot.example"
CAP = 3
"""``per_address_per_day`` of the rules that the offices use."""
MOST_ROUNDS = 20

Answer = Callable[[Message, str], bytes]


SUBJECT = "Laboratori per bambini"
LETTER = """\
Buongiorno,
abitiamo a Crema, in via Mazzini. Vorrei sapere quando ci sono i laboratori per i bambini
di quattro anni e come ci si iscrive.
Grazie,
Anna Neri
"""
"""A letter that is surely forwarded, and acknowledged."""


def strip_signs(octets: bytes) -> bytes:
    """What a bad gateway leaves: no sign that a machine wrote it, no thread, another Message-ID."""
    message = message_from_bytes(octets)
    for name in ("Auto-Submitted", "X-Auto-Response-Suppress", "X-Reti-Smistamento", "In-Reply-To", "References"):
        del message[name]
    del message["Message-ID"]
    message["Message-ID"] = f"<{hash(octets) & 0xFFFFFFFF:x}.{datetime.now(UTC).timestamp()}@gateway.example>"
    return message.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


class Post:
    """Carries what was submitted to whoever lives there; an office's mail goes into its mailbox."""

    def __init__(self, entrance: SmtpSink) -> None:
        self._entrance = entrance
        """The agencies' SMTP server for mail from outside."""
        self._offices: dict[str, Office] = {}
        self._seen: Counter[int] = Counter()
        self.sent: Counter[tuple[str, str]] = Counter()
        """(reverse path or service, forward path) of what was carried."""

    def add(self, address: str, office: Office) -> None:
        self._offices[address] = office

    def send(self, reverse_path: str, to: str, octets: bytes) -> None:
        """By real SMTP to the entrance, as from outside."""
        with smtplib.SMTP(self._entrance.host, self._entrance.port) as client:
            client.sendmail(reverse_path, [to], octets)

    def deliver(self, through: Callable[[bytes], bytes] = lambda octets: octets) -> int:
        """Put what came in into the mailboxes, as a mail server does at the end of its way."""
        fresh = self._entrance.messages[self._seen[id(self._entrance)] :]
        self._seen[id(self._entrance)] += len(fresh)
        for message in fresh:
            for path in message.forward_paths:
                if path in self._offices:
                    office = self._offices[path]
                    head = f"Return-Path: <{message.reverse_path}>\r\n".encode()
                    office.dovecot.deliver(office.user.name, head + through(message.octets))
        return len(fresh)

    def collect(self, sink: SmtpSink, name: str) -> list[tuple[str, bytes]]:
        """What an office has submitted since the last time: (forward path, octets)."""
        fresh = sink.messages[self._seen[id(sink)] :]
        self._seen[id(sink)] += len(fresh)
        found = [(path, message.octets) for message in fresh for path in message.forward_paths]
        self.sent.update((name, path) for path, _ in found)
        return found


def work(office: Office) -> None:
    service = office.build()
    assert run_once(service) == ()
    service.store.close()


def until_quiet(post: Post, offices: dict[str, Office], react: Callable[[str, str, bytes], None]) -> int:
    """Rounds of work and post until nothing moves any more; how many there were."""
    for count in range(1, MOST_ROUNDS + 1):
        for office in offices.values():
            work(office)
        for name, office in offices.items():
            for path, octets in post.collect(office.sink, name):
                react(name, path, octets)
        if not post.deliver(THROUGH["post"]):
            return count
    raise AssertionError("the robots find no end")


THROUGH: dict[str, Callable[[bytes], bytes]] = {"post": lambda octets: octets}


@pytest.mark.slow
@pytest.mark.parametrize("joins", [True, False], ids=["in the same thread", "each time a new letter"])
def test_f13_a_robot_that_answers_everything_gets_as_many_answers_as_the_cap_says(
    office: Office, start_smtp_sink: Callable[..., SmtpSink], joins: bool
) -> None:
    """It sends no Auto-Submitted, quotes the letter that it got first, and answers each acknowledgement."""
    post = Post(start_smtp_sink())
    post.add(GENERAL, office)
    answers = 0

    def letter(headers: list[tuple[str, str]]) -> bytes:
        return make_mail(LETTER, subject=SUBJECT, author=f"Anna Neri <{ROBOT}>", to=GENERAL, headers=headers)

    def react(_name: str, path: str, octets: bytes) -> None:
        nonlocal answers
        if path == ROBOT:
            answers += 1
            got = message_from_bytes(octets)["Message-ID"]
            post.send(ROBOT, GENERAL, letter([("In-Reply-To", got), ("References", got)] if joins else []))

    post.send(ROBOT, GENERAL, letter([]))
    assert post.deliver() == 1
    rounds = until_quiet(post, {"agency": office}, react)

    acknowledged = post.sent["agency", ROBOT]
    # A case is acknowledged once; as ever new letters it is acknowledged up to the limit of a day.
    assert acknowledged == (1 if joins else CAP)
    assert answers == acknowledged, "the robot has answered each, the last of its answers got none"
    assert len(office.messages()) == 1 + answers
    assert rounds <= CAP + 2
    assert office.ledger().differences == ()
    # Forwards are no matter of caps: nothing that a family might have written is lost.
    states = Counter(row.state for row in office.messages())
    assert states["filed"] + states["held"] == 1 + answers
    if not joins:
        assert states["filed"] == 1 + CAP


@pytest.mark.slow
@pytest.mark.parametrize("signs", [True, False], ids=["as it left", "through a gateway that strips every sign"])
def test_f9_two_of_our_services_that_write_to_each_other_stop(
    office: Office,
    dovecot: Dovecot,
    start_smtp_sink: Callable[..., SmtpSink],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    signs: bool,
) -> None:
    """The letter that begins it names the other service as its author, as a forger would."""
    user = dovecot.add_user(f"altra-{tmp_path.name}@example.org")
    state = tmp_path / "other"
    state.mkdir()
    other = Office(dovecot, user, start_smtp_sink(), state)
    rules = Path(other.environment["TRIAGE_RULES"])
    rules.write_text(rules.read_text(encoding="utf-8").replace(GENERAL, OTHER), encoding="utf-8")
    other.adopt()
    post = Post(start_smtp_sink())
    post.add(GENERAL, office)
    post.add(OTHER, other)
    monkeypatch.setitem(THROUGH, "post", (lambda octets: octets) if signs else strip_signs)
    addresses = {"agency": GENERAL, "other": OTHER}

    def react(name: str, path: str, octets: bytes) -> None:
        if path in addresses.values():
            # The null path of an acknowledgement is lost as well where a gateway forwards it.
            post.send("" if signs else addresses[name], path, octets)

    post.send(OTHER, GENERAL, make_mail(LETTER, subject=SUBJECT, author=f"Anna Neri <{OTHER}>", to=GENERAL))
    assert post.deliver() == 1
    until_quiet(post, {"agency": office, "other": other}, react)

    assert 1 <= post.sent["agency", OTHER] <= (1 if signs else CAP)
    assert post.sent["other", GENERAL] <= (0 if signs else CAP)
    assert sum(count for (_, path), count in post.sent.items() if path in (GENERAL, OTHER)) <= 2 * CAP
    for each in (office, other):
        assert each.ledger().differences == ()
    dovecot.close_clients(user.name)
