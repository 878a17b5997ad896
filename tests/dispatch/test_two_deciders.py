"""Two deciders on one record: what they decide at the same moment is decided as if one came after the other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.dispatch.builders import (
    ANNA,
    LEASE,
    NORD,
    RULES,
    Desk,
    a_mail,
    acknowledgements_in,
    classify_by_subject,
    forwards_in,
)
from tests.fakes import ChosenClassifier, ChosenKnowledge, WatchedStore
from tests.servers.smtp_sink import SmtpSink
from triage.acts.centres import Choice
from triage.acts.people import Person, Role
from triage.acts.settling import forward
from triage.clock import Clock
from triage.decider import Decider
from triage.reading import ParsedMessages
from triage.record import Transaction
from triage.record.identity import secret_of
from triage.rules.types import MailboxRole
from triage.vocabulary import Classification, InboundMessage, MessageState, Mode

Make = Callable[..., Desk]
PATIENCE = 1.0
"""Seconds that a decider waits, before it commits, for another that has looked meanwhile."""

CARLA = Person(None, "cli:carla", "cli:carla", Role.ADMINISTRATOR)
INBOX = RULES.mailboxes["generale"]
BOXES = {
    "generale": INBOX,
    "sportello": replace(INBOX, name="sportello"),
    "indesiderata": replace(INBOX, name="indesiderata", role=MailboxRole.JUNK),
}


class MeetingStore(WatchedStore):
    """Commits a decision only once the other decider has looked too, if it can look at all."""

    def __init__(self, url: str, clock: Clock, meeting: threading.Barrier) -> None:
        super().__init__(url, clock)
        self._meeting = meeting

    @contextmanager
    def write(self, step: str, actor: str = "triage") -> Iterator[Transaction]:
        """As the record does."""
        with super().write(step, actor) as tx:
            yield tx
            if step == "decided":
                with suppress(threading.BrokenBarrierError):
                    self._meeting.wait(PATIENCE)


class Deciders:
    """Two deciders, each with connections and a claim of its own, that decide at the same moment."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._classifying, self._deciding = threading.Barrier(2), threading.Barrier(2)
        self._stores = [MeetingStore(desk.url, desk.clock, self._deciding) for _ in range(2)]

    def close(self) -> None:
        """Close both records."""
        for store in self._stores:
            store.close()

    def decide(self, *received: Callable[[], object]) -> None:
        """Each decider claims what one of these puts into the record."""
        threads = []
        for number, (store, receive) in enumerate(zip(self._stores, received, strict=True)):
            receive()
            claimed = threading.Event()
            knowledge = ChosenKnowledge(self._desk.rules, ChosenClassifier(self._classify(claimed)))
            decider = Decider(
                store, knowledge.as_knowledge(), ParsedMessages(), f"decider {number}", LEASE, lambda: None
            )
            threads.append(threading.Thread(target=decider.work))
            threads[-1].start()
            assert claimed.wait(20)
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive()

    def _classify(self, claimed: threading.Event) -> Callable[[InboundMessage], Classification]:
        def classify(message: InboundMessage) -> Classification:
            if not claimed.is_set():
                claimed.set()
                self._classifying.wait(20)
            return classify_by_subject(message)

        return classify


@pytest.fixture
def desk(make_desk: Make, smtp_sink: SmtpSink, store_url: str) -> Desk:
    """A desk with two inboxes and a junk folder, on each engine."""
    made = make_desk(smtp_sink.port, url=store_url, rules=replace(RULES, mailboxes=BOXES))
    with made.store.write("started") as tx:
        secret_of(tx)  # whoever makes it is alone until it is there
    return made


@pytest.fixture
def deciders(desk: Desk) -> Iterator[Deciders]:
    with ExitStack() as opened:
        made = Deciders(desk)
        opened.callback(made.close)
        yield made


def another(mail: bytes) -> bytes:
    """The same letter as another server has delivered it."""
    return b"Received: by other.example; Wed, 25 Nov 2026 09:00:00 +0000\r\n" + mail


@pytest.mark.parametrize("mailbox", ["generale", "sportello"])
def test_copies_of_one_letter_leave_once(desk: Desk, deciders: Deciders, smtp_sink: SmtpSink, mailbox: str) -> None:
    mail = a_mail(message_id="<uno@family.example>")
    keys: list[int] = []
    deciders.decide(
        lambda: keys.extend(desk.receive(mail)),
        lambda: keys.extend(desk.receive(another(mail), mailbox=mailbox)),
    )
    desk.send()
    desk.advance(hours=5)
    desk.send()
    assert (forwards_in(smtp_sink), acknowledgements_in(smtp_sink)) == ([NORD], [ANNA])
    ended = (MessageState.HELD, "ricomparso") if mailbox == "generale" else (MessageState.MATCHED, "")
    assert sorted(desk.outcome(key) for key in keys) == sorted([ended, (MessageState.FORWARDED, "")])
    assert desk.message(keys[0]).case_id == desk.message(keys[1]).case_id
    desk.assert_ledger_closes()


@pytest.mark.parametrize("message_id", ["<uno@family.example>", None])
@pytest.mark.parametrize("inbox_first", [True, False])
def test_letter_that_lies_in_the_junk_folder_too_is_one_case(
    desk: Desk, deciders: Deciders, smtp_sink: SmtpSink, message_id: str | None, inbox_first: bool
) -> None:
    mail, keys = a_mail(message_id=message_id), dict[str, int]()

    def receive(mailbox: str) -> Callable[[], None]:
        return lambda: keys.update({mailbox: desk.receive(mail, mailbox=mailbox)[0]})

    boxes = ("generale", "indesiderata") if inbox_first else ("indesiderata", "generale")
    deciders.decide(*map(receive, boxes))
    desk.send()
    assert desk.message(keys["generale"]).state == MessageState.FORWARDED
    assert desk.message(keys["indesiderata"]).state == MessageState.MATCHED
    assert desk.message(keys["generale"]).case_id == desk.message(keys["indesiderata"]).case_id
    assert (forwards_in(smtp_sink), acknowledgements_in(smtp_sink)) == ([NORD], [ANNA])
    desk.assert_ledger_closes()


def supplement_beside(desk: Desk, subject: str) -> tuple[int, int, str]:
    """A letter that one worker is deciding while another gets its supplement; both, and the state of the latter."""
    [first] = desk.receive(a_mail(message_id="<uno@family.example>"))
    other = Decider(desk.store, desk.knowledge.as_knowledge(), ParsedMessages(), "other", LEASE, lambda: None)
    keys, states = list[int](), list[str]()

    def classify(_message: InboundMessage) -> Classification:
        desk.knowledge.classifier.choose = classify_by_subject
        again = a_mail("Dimenticavo: grazie.\n", subject=subject, headers=[("In-Reply-To", "<uno@family.example>")])
        keys.extend(desk.receive(again))
        other.work()
        states.append(desk.message(keys[0]).state)
        return classify_by_subject(_message)

    desk.knowledge.classifier.choose = classify
    desk.decider.work()
    desk.send()
    desk.advance(seconds=5)
    desk.decide()
    desk.send()
    return first, keys[0], states[0]


def test_supplement_waits_for_the_letter_that_another_worker_is_deciding(desk: Desk, smtp_sink: SmtpSink) -> None:
    """Else the family would have two cases, and two acknowledgements within a minute."""
    first, second, state = supplement_beside(desk, "Orari")
    assert state == MessageState.RECEIVED
    assert desk.message(first).case_id == desk.message(second).case_id
    assert (forwards_in(smtp_sink), acknowledgements_in(smtp_sink)) == ([NORD, NORD], [ANNA])
    assert desk.message(second).tries == 0
    desk.assert_ledger_closes()


def test_supplement_that_may_speak_of_danger_waits_for_nothing(desk: Desk) -> None:
    assert supplement_beside(desk, "pericolo")[2] == MessageState.HELD


def test_many_copies_in_any_order_leave_once_each(desk: Desk, deciders: Deciders, smtp_sink: SmtpSink) -> None:
    """Neither waits for the other for ever."""
    mails = [a_mail(message_id=f"<{number}@family.example>", subject=f"Orari {number}") for number in range(12)]
    deciders.decide(
        lambda: desk.receive(*mails),
        lambda: desk.receive(*map(another, reversed(mails)), mailbox="sportello"),
    )
    desk.decide()
    desk.send()
    assert forwards_in(smtp_sink) == [NORD] * len(mails)
    desk.assert_ledger_closes()


def test_letter_that_a_person_sends_while_its_copy_is_decided_leaves_once(desk: Desk, smtp_sink: SmtpSink) -> None:
    """The copy in the inbox would take the place of the held one, which has just got a forward."""
    mail = a_mail(message_id="<uno@family.example>")
    [held] = desk.take_in(mail, mailbox="indesiderata")
    [copy] = desk.receive(another(mail))
    decider = threading.Thread(target=desk.decider.work)
    with desk.store.write("forward", "cli:carla") as tx:
        done = forward(tx, desk.rules, desk.parsed, CARLA, held, Choice("nord", "default"), undo=timedelta())
        decider.start()
        decider.join(PATIENCE)
    decider.join(30)
    desk.decide()
    desk.send()
    assert done.ok
    assert forwards_in(smtp_sink) == [NORD]
    assert [desk.message(key).state for key in (held, copy)] == [MessageState.FORWARDED, MessageState.MATCHED]
    desk.assert_ledger_closes()


@pytest.mark.parametrize("mode", [Mode.AUTOMATIC, Mode.PROPOSAL])
def test_letters_of_one_family_that_are_not_copies_both_go_on(desk: Desk, deciders: Deciders, mode: Mode) -> None:
    nord = replace(desk.rules.projects["nord"], mode=mode)
    desk.rules = replace(desk.rules, projects={**desk.rules.projects, "nord": nord})
    keys: list[int] = []
    deciders.decide(
        lambda: keys.extend(desk.receive(a_mail(message_id="<uno@family.example>"))),
        lambda: keys.extend(desk.receive(a_mail("Altro.\n", message_id="<due@family.example>"))),
    )
    expected = MessageState.DECIDED if mode is Mode.AUTOMATIC else MessageState.HELD
    assert [desk.message(key).state for key in keys] == [expected] * 2
    assert [desk.message(key).same_as for key in keys] == [None, None]
