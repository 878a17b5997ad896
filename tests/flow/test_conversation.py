"""One conversation of families, service, two projects and staff over a real mailbox server and real SMTP, to its end.

Everybody but the service is played by the test: projects and families answer what they got, with the links that
stand in it; staff type their commands. The post carries what was submitted, and puts what comes in into the mailbox
with its envelope's Return-Path, as a mail server does. In the end the books must close, and nobody but those
concerned was written to.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from tests.flow.builders import Office
from tests.flow.test_robots import GENERAL, LETTER, Post, work
from tests.servers.mail import make_mail
from tests.servers.smtp_sink import SmtpSink
from triage.commands import main
from triage.record.incidents import open_incidents
from triage.record.messages import MessageRow
from triage.record.tables import dispatches, incidents, messages
from triage.vocabulary import DispatchKind, DispatchState, MessageState

ANNA, BRUNO, CARLA = "anna.neri@posta.example", "bruno.verdi@posta.example", "carla.blu@posta.example"
MALLORY = "mallory@elsewhere.example"
CREMA, MANTOVA = "orientagiovani@comune.crema.cr.it", "info@centrofamiglieinsieme.it"
ON_CALL, ALARMS = "reperibile@example.org", "sistemi@example.org"
CODE = re.compile(r"\[([0-9A-Z]{2,13}-[0-9A-Z]{8})\]")


@dataclass
class Play:
    """The office, the post, and everything that has left so far."""

    office: Office
    post: Post
    sent: list[tuple[str, EmailMessage]] = field(default_factory=list)
    """(forward path, message) in the order of submission."""

    def write(self, author: str, subject: str, body: str, **fields: str) -> str:
        """Somebody sends a mail to the general address; its Message-ID. The service works it off."""
        headers = [(name.replace("_", "-"), value) for name, value in fields.items()]
        octets = make_mail(body, subject=subject, author=author, headers=headers)
        self.deliver(author, octets)
        return str(message_from_bytes(octets)["Message-ID"])

    def deliver(self, reverse_path: str, octets: bytes) -> None:
        """By SMTP to the agency's entrance and into its mailbox; then the service works until nothing is due."""
        self.post.send(reverse_path, GENERAL, octets)
        assert self.post.deliver() == 1
        self.work()

    def work(self) -> None:
        work(self.office)
        for path, octets in self.post.collect(self.office.sink, "service"):
            message = message_from_bytes(octets, policy=default)
            assert isinstance(message, EmailMessage)
            self.sent.append((path, message))

    def staff(self, *words: str | int) -> str:
        """Staff type a command; what it says. The service works off what follows."""
        clean: dict[str, str | None] = {name: None for name in os.environ if name.startswith("TRIAGE_")}
        result = CliRunner().invoke(
            main, [str(word) for word in words], env=clean | dict(self.office.environment), catch_exceptions=False
        )
        assert (result.exit_code, result.stderr) == (0, "")
        self.work()
        return result.stdout

    def later(self, by: timedelta) -> None:
        """Let what waits for time fall due, without waiting: what is on record happened so much earlier."""
        store = self.office.open_record()
        with store.write("time passes") as tx:
            tx.execute(sa.update(messages).where(messages.c.state == MessageState.RECEIVED).values(due_at=tx.now))
            for key, opened in tx.execute(sa.select(incidents.c.id, incidents.c.opened_at)).all():
                tx.execute(sa.update(incidents).where(incidents.c.id == key).values(opened_at=opened - by))
        store.close()
        self.work()

    # ---------------------------------------------------------------- looking

    def to(self, path: str) -> list[tuple[str, str]]:
        """Subject and readable text of all that an address got, in order."""
        found = []
        for got, message in self.sent:
            body = message.get_body(("plain",)) if got == path else None
            if body is not None:
                found.append((str(message["Subject"]), str(body.get_content())))
        return found

    def last(self) -> MessageRow:
        """The message that came in last."""
        return self.office.messages()[-1]

    def row(self, message_id: int) -> MessageRow:
        return next(row for row in self.office.messages() if row.id == message_id)

    def forward_of(self, message_id: int) -> str:
        """The Message-ID of the newest forward of a message."""
        store = self.office.open_record()
        query = sa.select(dispatches.c.rfc_message_id).where(
            dispatches.c.message_id == message_id, dispatches.c.kind == DispatchKind.FORWARD
        )
        with store.read("look") as tx:
            found = tx.execute(query.order_by(dispatches.c.id.desc())).scalars().first()
        store.close()
        return str(found)

    def told(self, path: str) -> str:
        """The Message-ID of the last mail that an address got."""
        return next(str(message["Message-ID"]) for got, message in reversed(self.sent) if got == path)

    def incidents(self) -> list[str]:
        store = self.office.open_record()
        with store.read("look") as tx:
            found = [row["kind"] for row in open_incidents(tx)]
        store.close()
        return found


@pytest.fixture
def play(office: Office, start_smtp_sink: Callable[..., SmtpSink]) -> Play:
    post = Post(start_smtp_sink())
    post.add(GENERAL, office)
    return Play(office, post)


def link_in(text: str, what: str) -> tuple[str, str]:
    """Subject and body of the mail that a link in a text makes."""
    for target in re.findall(rf"mailto:{re.escape(GENERAL)}\S+", text):
        found = parse_qs(urlsplit(target.rstrip(">)")).query)
        if what in found["subject"][0]:
            return found["subject"][0], found["body"][0]
    raise AssertionError(f"no link {what!r}")


def bounce_of(rfc_message_id: str, recipient: str) -> bytes:
    """A delivery report of RFC 3464 about one of our mails, as a mail server writes it."""
    return (
        "From: Mail Delivery System <MAILER-DAEMON@mx.example.net>\r\n"
        f"To: {GENERAL}\r\nSubject: Undelivered Mail Returned to Sender\r\nAuto-Submitted: auto-replied\r\n"
        "Message-ID: <rapporto.1@mx.example.net>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\n\r\nThis is the mail system at host mx.example.net.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.net\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {rfc_message_id}\r\n--b--\r\n"
    ).encode()


@pytest.mark.slow
def test_a_conversation_of_families_service_projects_and_staff_closes_its_books(play: Play) -> None:
    # A family writes. It goes to Crema's centre, and the family is told so.
    first = play.write(f"Anna Neri <{ANNA}>", "Laboratori per bambini", LETTER)
    anna = play.last().id
    assert [path for path, _ in play.sent] == [CREMA, ANNA]
    [(subject, forwarded)], [(_, receipt)] = play.to(CREMA), play.to(ANNA)
    assert "Famiglie In&Out" in receipt
    found = CODE.search(subject)
    assert found is not None
    code = found[1]

    # That was wrong: Crema's centre hands it back by the link in the forward. Nothing leaves without a person.
    play.write(CREMA, *link_in(forwarded, "Non è per noi"))
    back = play.last()
    assert (play.row(anna).hold_reason, back.hold_reason) == ("restituito", "restituzione")
    assert len(play.sent) == 2

    # Staff send the case to Mantova's centre; Crema's is asked to delete it, and the family is told once.
    said = play.staff("correct", code, "mantova", "--why", "zona")
    assert "«Comune di Mantova»" in said
    assert "La famiglia viene avvisata, una volta sola" in said
    assert [path for path, _ in play.sent[2:]] == [MANTOVA, CREMA, ANNA]
    assert "cancell" in play.to(CREMA)[-1][1], "who had it wrongly is asked to delete it"
    assert "Centro per le Famiglie Insieme" in play.to(ANNA)[-1][1]
    assert play.row(anna).state == MessageState.FILED

    # The family writes again in its own thread, and names no place: it follows its case, unanswered.
    play.write(f"Anna Neri <{ANNA}>", "Re: Laboratori per bambini", "E il sabato ci siete?\n", In_Reply_To=first)
    again = play.last()
    assert (again.case_id, again.state) == (play.row(anna).case_id, MessageState.FILED)
    assert [path for path, _ in play.sent[5:]] == [MANTOVA]

    # That forward comes back: its message is open again, and somebody is alarmed.
    play.deliver("", bounce_of(play.forward_of(again.id), MANTOVA))
    assert play.row(again.id).hold_reason == "inoltro_respinto"
    assert play.last().state == MessageState.FILED
    assert "forward_returned" in play.incidents()
    play.later(timedelta(minutes=5))
    assert [path for path, _ in play.sent[6:]] == [ALARMS]
    assert ANNA not in play.to(ALARMS)[0][1]
    # Staff have called them, and send it once more.
    play.staff("correct", again.id, "mantova", "--why", "altro")
    assert [path for path, _ in play.sent[7:]] == [MANTOVA]
    assert "forward_returned" not in play.incidents()

    # What Crema's centre wrote has been read and done: it is filed with what staff have dealt with.
    play.staff("settle", back.id, "--note", "letto")
    assert play.row(back.id).filed_folder == "Smistati.Gestiti dal personale"

    # Another family is told of a centre and says by the link that it is not theirs: a person reads that.
    play.write(f"Bruno Verdi <{BRUNO}>", "Laboratori", LETTER.replace("Anna Neri", "Bruno Verdi"))
    bruno = play.last()
    assert [path for path, _ in play.sent[8:]] == [CREMA, BRUNO]
    subject, body = link_in(play.to(BRUNO)[0][1], "Non è la mia zona")
    play.write(f"Bruno Verdi <{BRUNO}>", subject, f"{body} Crema\n")
    told = play.last()
    assert (told.state, told.hold_reason, told.case_id) == (
        MessageState.HELD,
        "correzione_della_famiglia",
        bruno.case_id,
    )
    assert len(play.sent) == 10

    # A third names no place. Staff ask; the answer lets both go on, and the family is acknowledged.
    play.write(
        f"Carla Blu <{CARLA}>",
        "Laboratori per bambini",
        "Buongiorno,\nvorrei sapere quando ci sono i laboratori per i bambini di quattro anni e come ci si iscrive."
        "\nGrazie,\nCarla\n",
    )
    carla = play.last()
    assert carla.hold_reason == "territorio_non_indicato"
    assert (
        play.staff("ask", carla.id)
        == f"Messaggio {carla.id}: chiediamo alla famiglia il suo comune. Il messaggio aspetta la risposta.\n"
    )
    assert [path for path, _ in play.sent[10:]] == [CARLA]
    assert "comune" in play.to(CARLA)[0][1]
    play.write(f"Carla Blu <{CARLA}>", "Re: una domanda", "Abitiamo a Mantova, grazie.\n", In_Reply_To=play.told(CARLA))
    answer = play.last().id
    play.later(timedelta(0))
    assert [path for path, _ in play.sent[11:]] == [MANTOVA, CARLA, MANTOVA]
    assert play.row(carla.id).comune_given == "Mantova"
    assert [play.row(key).state for key in (carla.id, answer)] == [MessageState.FILED] * 2

    # The first family writes of danger: the on-call contact is called, without a word of it, and nothing is forwarded.
    play.write(
        f"Anna Neri <{ANNA}>",
        "Re: Laboratori per bambini",
        "Stanotte mio marito mi ha picchiata davanti ai bambini, ho paura che ci ammazzi. Aiutatemi.\n",
        In_Reply_To=first,
    )
    urgent = play.last()
    assert (urgent.state, urgent.hold_reason, urgent.urgent) == (MessageState.HELD, "urgente", True)
    assert [path for path, _ in play.sent[14:]] == [ON_CALL]
    assert not re.search("picchiata|marito|Anna", "".join(play.to(ON_CALL)[0]))

    # A stranger quotes the first family's code: a case of its own, which a person reads.
    play.write(MALLORY, f"Novità? [{code}]", "Sono il cognato, che cosa vi ha scritto?\n")
    stranger = play.last()
    assert (stranger.hold_reason, stranger.case_id == play.row(anna).case_id) == ("codice_di_altri", False)
    assert len(play.sent) == 15

    # The books: who got how many mails, each family no more than was said, and every message is accounted for.
    assert Counter(path for path, _ in play.sent) == {
        ANNA: 2,  # acknowledgement, notice of the new centre
        BRUNO: 1,  # acknowledgement
        CARLA: 2,  # question, acknowledgement
        CREMA: 3,  # two forwards, the request to delete one
        MANTOVA: 5,
        ALARMS: 1,
        ON_CALL: 1,
    }
    families = [str(message["Auto-Submitted"]) for path, message in play.sent if path in (ANNA, BRUNO, CARLA)]
    assert families == ["auto-replied"] * 5
    assert Counter(row.state for row in play.office.messages()) == {MessageState.FILED: 7, MessageState.HELD: 3}
    assert {row.id for row in play.office.messages() if row.state == MessageState.HELD} == {
        told.id,
        urgent.id,
        stranger.id,
    }
    assert len(play.office.folders()["INBOX"]) == 3, "what waits lies where people look for it"
    ledger = play.office.ledger()
    assert ledger.differences == ()
    assert sent_as(play.office) == {
        ("recall", "accepted"): 1,
        ("acknowledgement", "accepted"): 3,
        # Whoever writes is answered in four hours, a stranger too: of a case of their own, and with no centre's name.
        ("acknowledgement", "pending"): 1,
        ("forward", "accepted"): 6,
        ("forward", "returned"): 1,
        ("notice", "accepted"): 1,
        ("question", "accepted"): 1,
        ("reroute", "accepted"): 1,
    }
    play.work()
    assert len(play.sent) == 15, "nothing is left to say"


def sent_as(office: Office) -> Counter[tuple[str, str]]:
    """How many dispatches of each kind are in each state."""
    store = office.open_record()
    with store.read("look") as tx:
        rows = tx.execute(sa.select(dispatches.c.kind, dispatches.c.state)).all()
    store.close()
    return Counter((str(DispatchKind(kind)), str(DispatchState(state))) for kind, state in rows)
