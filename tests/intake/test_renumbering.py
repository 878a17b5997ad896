"""A new UIDVALIDITY voids every number: mail is matched by its octets, and nothing is sent again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import pytest
import sqlalchemy as sa
from imapclient.exceptions import IMAPClientError

from tests.intake.builders import FOLDER, Intake
from tests.servers.dovecot import Dovecot, MailboxUser
from tests.servers.mail import make_mail
from tests.servers.proxy import ImapProxy
from triage.record import Transaction
from triage.record.identity import keyed_hash, secret_of
from triage.record.messages import MessageRow
from triage.record.tables import messages

LONG_AGO = timedelta(hours=5)


class Renumbered:
    """A mailbox that is read, rebuilt by its server, and read again."""

    def __init__(self, intake: Intake, server: Dovecot) -> None:
        self.intake = intake
        self.server = server
        self.user = intake.user

    def deliver(self, octets: bytes, age: timedelta = LONG_AGO) -> int:
        """Deliver with a time of arrival that long ago."""
        return self.server.deliver(self.user.name, octets, when=self.intake.clock.now() - age)

    def read(self) -> None:
        """One pass of a reader of its own."""
        reader = self.intake.reader()
        reader.work()
        reader.close()

    def rebuild(self) -> None:
        """What a restored backup does to the numbers."""
        self.server.rebuild(self.user.name)


@pytest.fixture
def world(intake: Intake, dovecot: Dovecot) -> Renumbered:
    """Seen once, empty, two days ago."""
    made = Renumbered(intake, dovecot)
    made.intake.clock.forward(timedelta(days=-2))
    made.read()
    made.intake.clock.forward(timedelta(days=2))
    return made


@pytest.fixture
def mdbox_world(intake: Intake, start_dovecot: Callable[..., Dovecot]) -> Iterator[Renumbered]:
    """The same on a server that keeps its UIDs under the new UIDVALIDITY."""
    server = start_dovecot(storage="mdbox")
    intake.user, intake.port = server.add_user("mdbox@example.org"), server.port
    made = Renumbered(intake, server)
    made.intake.clock.forward(timedelta(days=-2))
    made.read()
    made.intake.clock.forward(timedelta(days=2))
    yield made
    intake.close()


def test_known_messages_are_matched_and_go_on_under_their_new_numbers(world: Renumbered) -> None:
    letters = [make_mail(subject=f"Lettera {n}") for n in range(3)]
    world.deliver(make_mail())
    for octets in letters:
        world.deliver(octets)
    remove_first(world.server, world.user)  # so that the new numbers differ
    world.read()
    intake = world.intake
    intake.decide_to_forward()
    before = intake.rows()
    world.rebuild()
    world.read()

    originals, found = intake.rows()[: len(before)], intake.rows()[len(before) :]
    assert [row.state for row in originals] == ["decided"] * 3
    assert [(row.state, row.same_as) for row in found] == [("matched", row.id) for row in sorted_by_location(originals)]
    assert {row.location_uid_validity for row in originals} == {world.server.uid_validity(world.user.name)}
    at = world.server.fetch(world.user.name)
    assert [at[row.location_uid] for row in originals] == letters

    intake.forward_all()
    world.read()
    assert [row.state for row in intake.rows()[:3]] == ["filed"] * 3
    assert [row.filed_folder for row in intake.rows()[:3]] == [f"Smistati.{FOLDER}"] * 3
    assert world.server.uids(world.user.name) == ()
    assert sorted(world.server.fetch(world.user.name, f"Smistati.{FOLDER}").values()) == sorted(letters)


def sorted_by_location(rows: Sequence[MessageRow]) -> list[MessageRow]:
    return sorted(rows, key=lambda row: row.location_uid)


def test_server_that_keeps_its_uids_under_the_new_uidvalidity(mdbox_world: Renumbered) -> None:
    world, intake = mdbox_world, mdbox_world.intake
    for n in range(3):
        world.deliver(make_mail(subject=str(n)))
    world.read()
    intake.decide_as_held()
    world.rebuild()
    world.read()

    assert intake.states() == ["held"] * 3 + ["matched"] * 3
    assert intake.incidents() == []


@pytest.mark.parametrize("age", [timedelta(0), LONG_AGO])
def test_additional_copy_is_shown_and_only_the_copy(world: Renumbered, age: timedelta) -> None:
    octets = make_mail()
    world.deliver(octets)
    world.read()
    world.intake.decide_as_held()
    world.rebuild()
    world.deliver(octets, age)
    world.read()

    assert world.intake.states() == ["held", "matched", "held"]
    assert world.intake.rows()[2].hold_reason == "ricomparso"


def test_copies_are_counted_through_several_renumberings(world: Renumbered) -> None:
    """One message, renumbered twice, stands for one copy, not for as many as there are rows."""
    octets = make_mail()
    world.deliver(octets)
    world.read()
    world.intake.decide_as_held()
    for _ in range(2):
        world.rebuild()
        world.read()
    world.rebuild()
    world.deliver(octets)
    world.read()

    assert world.intake.states() == ["held", "matched", "matched", "matched", "held"]
    assert world.intake.rows()[-1].hold_reason == "ricomparso"


def test_old_mail_that_matches_nothing_is_held(world: Renumbered) -> None:
    """Restored from somewhere: perhaps answered long ago under another form."""
    world.read()
    world.rebuild()
    world.deliver(make_mail(), LONG_AGO)
    world.read()

    assert [(row.state, row.hold_reason) for row in world.intake.rows()] == [("held", "vecchio_non_riconosciuto")]


def test_mail_that_came_since_the_last_look_is_received(world: Renumbered) -> None:
    world.read()
    world.intake.clock.forward(timedelta(hours=1))
    world.rebuild()
    world.deliver(make_mail(), timedelta(minutes=30))
    world.read()

    assert world.intake.states() == ["received"]


def test_baseline_mail_stays_baseline(intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser) -> None:
    world = Renumbered(intake, dovecot)
    for n in range(2):
        world.deliver(make_mail(subject=str(n)), timedelta(days=400))
    world.read()
    world.rebuild()
    world.read()

    assert intake.states() == ["baseline"] * 4
    assert len({(row.uid_validity, row.uid) for row in intake.rows()}) == 4


def test_old_mail_that_entered_by_backlog_is_matched_too(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser
) -> None:
    """Its date says baseline, but it was read, and may be on its way."""
    world = Renumbered(intake, dovecot)
    world.deliver(make_mail(), timedelta(days=400))
    world.deliver(make_mail(), timedelta(days=2))
    intake.reader(backlog_since=intake.clock.now() - timedelta(days=7)).work()
    intake.close()
    intake.decide_to_forward()
    world.rebuild()
    world.read()

    assert sorted(intake.states()) == ["baseline", "baseline", "decided", "matched"]
    assert [row.gone_at for row in intake.rows() if row.state == "decided"] == [None]


def test_same_message_id_with_other_octets_is_held(world: Renumbered) -> None:
    """A server that rewrites stored mail (a virus scanner's note) must not cause a second forward."""
    identity = "<originale@example.org>"
    world.deliver(make_mail("Prima\n", message_id=identity))
    world.read()
    world.intake.decide_to_forward()
    with world.intake.store.write("as the decider does") as tx:
        remember_message_id(tx, identity)
    empty(world.server, world.user)
    world.rebuild()
    world.deliver(make_mail("Prima\n-- esaminato --\n", message_id=identity), timedelta(0))
    world.read()

    assert [(row.state, row.hold_reason) for row in world.intake.rows()] == [
        ("decided", ""),
        ("held", "stesso_messaggio_altri_ottetti"),
    ]


def test_numbers_of_before_never_name_messages_of_now(world: Renumbered) -> None:
    """A forwarded message vanished in the restore; another message bears its number now."""
    world.deliver(make_mail(subject="inoltrata"))
    world.read()
    intake = world.intake
    intake.decide_to_forward()
    intake.forward_all()
    empty(world.server, world.user)
    world.rebuild()
    other = make_mail(subject="altra")
    world.deliver(other, timedelta(0))
    assert world.server.uids(world.user.name) == (1,) == (intake.rows()[0].location_uid,)
    world.read()
    world.read()

    first, second = intake.rows()
    assert (second.state, list(world.server.fetch(world.user.name).values())) == ("received", [other])
    assert (first.state, first.filed_folder) == ("filed", None)
    assert intake.events(first)[-1] == "found_moved"


def test_forwarded_message_waits_to_be_filed_until_it_is_found_again(world: Renumbered, imap_proxy: ImapProxy) -> None:
    """As long as renumbered mail waits to be fetched, nobody knows that it has gone."""
    world.deliver(make_mail())
    world.read()
    intake = world.intake
    intake.decide_to_forward()
    intake.forward_all()
    world.rebuild()
    imap_proxy.answer(rb"UID FETCH \S+ \(BODY", b"NO [SERVERBUG] not now")
    reader = intake.reader(port=imap_proxy.port)
    reader.work()
    assert intake.states() == ["forwarded", "listed"]

    intake.clock.forward(timedelta(minutes=1))
    reader.work()
    assert intake.states() == ["filed", "matched"]
    assert intake.rows()[0].filed_folder == f"Smistati.{FOLDER}"
    assert world.server.uids(world.user.name) == ()


def test_row_that_waits_for_its_octets_is_not_given_another_messages(world: Renumbered, imap_proxy: ImapProxy) -> None:
    """Its number is borne by new mail now."""
    world.deliver(make_mail())
    world.deliver(make_mail())
    world.read()
    world.intake.decide_as_held()
    remove_first(world.server, world.user)
    waiting, new = make_mail(subject="in attesa"), make_mail(subject="nuova")
    world.deliver(waiting, timedelta(0))
    imap_proxy.cut(rb"UID FETCH \S+ \(BODY")
    reader = world.intake.reader(port=imap_proxy.port)
    with pytest.raises(IMAPClientError) as caught:
        reader.work()
    reader.fail(caught.value)
    world.rebuild()
    assert world.deliver(new, timedelta(0)) == world.intake.rows()[2].uid == 3
    world.read()

    rows = {row.uid: row for row in world.intake.rows() if row.uid_validity == world.intake.mailbox().uid_validity}
    assert world.intake.rows()[2].state == "vanished"
    assert (rows[3].state, world.intake.octets(rows[3])) == ("received", new)
    assert {world.intake.octets(row) for row in world.intake.rows() if row.state == "received"} == {waiting, new}


def test_message_listed_but_not_fetched_before_is_read_under_its_new_number(
    world: Renumbered, imap_proxy: ImapProxy
) -> None:
    first, second = make_mail(subject="uno"), make_mail(subject="due")
    world.deliver(first)
    world.read()
    world.intake.decide_as_held()
    empty(world.server, world.user)
    world.deliver(second, timedelta(0))
    imap_proxy.cut(rb"UID FETCH \S+ \(BODY")
    reader = world.intake.reader(port=imap_proxy.port)
    with pytest.raises(IMAPClientError) as caught:
        reader.work()
    reader.fail(caught.value)
    assert world.intake.states() == ["held", "listed"]
    world.rebuild()
    world.read()
    world.read()

    assert world.intake.states() == ["held", "vanished", "received"]
    assert world.intake.octets(world.intake.rows()[2]) == second


def test_renumbering_interrupted_half_way_goes_on(world: Renumbered, imap_proxy: ImapProxy) -> None:
    letters = [make_mail(subject=str(n)) for n in range(120)]
    for octets in letters:
        world.deliver(octets)
    world.read()
    while world.intake.decide_to_forward():
        pass
    world.rebuild()
    imap_proxy.cut(rb"UID FETCH \S+ \(BODY", skip=1)
    reader = world.intake.reader(port=imap_proxy.port)
    with pytest.raises(IMAPClientError) as caught:
        reader.work()
    reader.fail(caught.value)
    assert world.intake.states().count("matched") == 100
    world.read()

    assert world.intake.states() == ["decided"] * 120 + ["matched"] * 120
    assert all(row.gone_at is None for row in world.intake.rows())


# --------------------------------------------------------------------------- helpers


def empty(server: Dovecot, user: MailboxUser) -> None:
    """A colleague takes everything out of the inbox."""
    expunge(server, user, server.uids(user.name))


def remove_first(server: Dovecot, user: MailboxUser) -> None:
    """A colleague takes the oldest message out of the inbox."""
    expunge(server, user, server.uids(user.name)[:1])


def expunge(server: Dovecot, user: MailboxUser, uids: Sequence[int]) -> None:
    client = server.client(user.name)
    client.select_folder("INBOX")
    client.delete_messages(uids)
    client.uid_expunge(uids)


def remember_message_id(tx: Transaction, message_id: str) -> None:
    """What the decide stage keeps of a message, beside its decision."""
    tx.execute(sa.update(messages).values(message_id_key=keyed_hash(secret_of(tx), "message-id", message_id)))
