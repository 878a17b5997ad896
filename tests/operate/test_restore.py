"""A service is lost after its backup, and goes on from it: nothing is sent twice, nothing is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.flow.builders import Office
from tests.operate.records import ANNA
from tests.proof import prove_return_path
from tests.servers.dovecot import Dovecot, MailboxUser
from tests.servers.smtp_sink import SmtpSink
from triage.acts.restoring import end_restoration
from triage.backup import make_backup, restore_backup
from triage.bootstrap import Options, Service, build_service, settings_from
from triage.clock import SystemClock
from triage.demo.load import demo_messages
from triage.once import run_once
from triage.record import Store
from triage.record.ledger import compute_ledger
from triage.record.messages import messages_in
from triage.record.modes import PERSON, set_switch
from triage.record.tables import filed_elsewhere
from triage.vocabulary import MessageState, Mode

FILED, WAITS = "01-crema-biscotti.eml", "08-mantova-fumetto-html.eml"
UNREAD, AFTER = "14-ostiglia-disdetta.eml", "21-oglio_po-nonni.eml"
INBOX, LATE = "25-alto_mantovano-volta.eml", "28-alto_mantovano-goito.eml"
FRESH, LAST = "26-alto_mantovano-robotica.eml", "23-oglio_po-classe.eml"


@dataclass(frozen=True, slots=True)
class World:
    """An office whose record stands at one address before it is lost, and at another after."""

    office: Office
    urls: tuple[str, str]
    letters: Mapping[str, bytes]

    def build(self, which: int, *, take_over: bool = False) -> Service:
        environment = {**self.office.environment, "TRIAGE_DATABASE_URL": self.urls[which]}
        return build_service(settings_from(environment), Options(take_over=take_over))

    def run(self, which: int, *, take_over: bool = False) -> tuple[str, ...]:
        """Work off what is there; the troubles."""
        service = self.build(which, take_over=take_over)
        troubles = run_once(service)
        service.store.close()
        return troubles

    def deliver(self, name: str) -> None:
        self.office.dovecot.deliver(self.office.user.name, self.letters[name], when=datetime.now(UTC))

    def left(self) -> Counter[str]:
        """How often something left to each address."""
        return Counter(path for message in self.office.sink.messages for path in message.forward_paths)

    def waiting(self, store: Store) -> dict[str, tuple[str, str]]:
        """State and reason by letter."""
        names = {octets: name for name, octets in self.stored().items()}
        with store.read("look") as tx:
            rows = messages_in(tx, tuple(MessageState), 1000)
        return {names[row.sha256]: (row.state, row.hold_reason) for row in rows if row.sha256 in names}

    def stored(self) -> dict[str, str]:
        """The digest of each letter, as the server keeps it."""
        from hashlib import sha256

        found = {}
        for box in self.office.folders().values():
            for octets in box.values():
                for name, letter in self.letters.items():
                    if mark(letter) == mark(octets):
                        found[name] = sha256(octets).hexdigest()
        return found


def mark(octets: bytes) -> bytes:
    """By which a letter is known, whatever the server put before it."""
    return next(line for line in octets.splitlines() if line.lower().startswith(b"message-id:"))


@pytest.fixture(params=[("sqlite", "postgresql"), ("postgresql", "sqlite")], ids=lambda pair: "-".join(pair))
def world(
    request: pytest.FixtureRequest, dovecot: Dovecot, mailbox_user: MailboxUser, smtp_sink: SmtpSink, tmp_path: Path
) -> World:
    """The service has seen its mailbox empty."""
    office = Office(dovecot, mailbox_user, smtp_sink, tmp_path)
    files = {which: f"sqlite:///{tmp_path / f'{which}.db'}" for which in (0, 1)}
    urls = [
        files[which] if engine == "sqlite" else request.getfixturevalue("bare_postgres_url")
        for which, engine in enumerate(request.param)
    ]
    used = {FILED, WAITS, UNREAD, AFTER, INBOX, LATE, FRESH, LAST}
    letters = {name: octets for name, octets, _ in demo_messages(datetime.now(UTC)) if name in used}
    made = World(office, (urls[0], urls[1]), letters)
    assert made.run(0) == ()
    prove_return_path({**office.environment, "TRIAGE_DATABASE_URL": urls[0]})
    return made


def open_at(url: str) -> Store:
    return Store(url, SystemClock())


@pytest.mark.slow
def test_what_was_sent_after_the_backup_is_not_sent_again_and_nothing_is_lost(world: World, tmp_path: Path) -> None:
    world.deliver(FILED)
    assert world.run(0) == ()
    world.deliver(WAITS)
    service = world.build(0)
    reader = service.make_reader("generale")
    reader.work()
    while service.decider.work():
        pass
    world.deliver(UNREAD)
    reader.work()
    make_backup(service.store, tmp_path / "b.backup", "cli:test")  # WAITS is decided, UNREAD is received
    reader.close()
    service.dispatcher.close()
    service.store.close()

    world.deliver(AFTER)
    assert world.run(0) == ()
    world.deliver(INBOX)
    hold_in_inbox(world)
    before = world.left()
    assert before.total() >= 7, "five forwards, and families were acknowledged, too"
    world.deliver(LATE)  # after the loss

    with_backup = open_at(world.urls[1])
    restore_backup(with_backup, tmp_path / "b.backup", ANNA)
    (trouble,) = world.run(1)
    assert "--take-over" in trouble
    assert world.left() == before
    assert world.run(1, take_over=True) == ()

    assert world.left() == before, "nothing leaves by itself"
    assert world.waiting(with_backup) == {
        FILED: ("filed", ""),
        WAITS: ("held", "gia_trattato"),
        UNREAD: ("held", "gia_trattato"),
        INBOX: ("held", "forse_gia_trattato"),
        LATE: ("held", "forse_gia_trattato"),
    }
    with with_backup.read("look") as tx:
        assert compute_ledger(tx).differences == ()
        # What came and was filed after the backup is known by its octets.
        assert len(tx.execute(sa.select(filed_elsewhere)).all()) == 1
    # The lost machine was not lost after all.
    (refused,) = world.run(0)
    assert "another instance" in refused
    _goes_on(world, with_backup, before)
    with_backup.close()


def hold_in_inbox(world: World) -> None:
    """The lost machine forwards it, and dies before it is filed."""
    service = world.build(0)
    reader = service.make_reader("generale")
    reader.work()
    while service.decider.work() or service.dispatcher.work():
        pass
    reader.close()
    service.dispatcher.close()
    service.store.close()


def _goes_on(world: World, store: Store, before: Counter[str]) -> None:
    """What comes now is new; what was dragged back is known; modes hold again once a person says so."""
    drag_back(world, AFTER)
    drag_back(world, FILED)
    world.deliver(FRESH)
    assert world.run(1) == ()
    assert world.left() == before
    now = world.waiting(store)
    assert (now[AFTER], now[FRESH]) == (("held", "gia_trattato"), ("held", "modo_ombra"))
    with store.read("look") as tx:
        assert "ricomparso" in {row.hold_reason for row in messages_in(tx, ["held"], 100)}
    service = world.build(1)
    file_modes = service.knowledge.in_force().file_modes
    with store.write("done") as tx:
        after = end_restoration(tx, ANNA, file_modes)
        assert after is not None
        assert set(after.values()) == {Mode.PROPOSAL}
    with store.write("raise") as tx:
        for code in after:
            set_switch(tx, code, Mode.AUTOMATIC, Mode.PROPOSAL, file_modes[code], PERSON)
    service.dispatcher.close()
    service.store.close()
    world.deliver(LAST)
    assert world.run(1) == ()
    assert world.waiting(store)[LAST] == ("filed", "")
    assert (world.left() - before).total() == 2, "a forward and its acknowledgement, both of the last letter"
    with store.read("look") as tx:
        assert compute_ledger(tx).differences == ()


def drag_back(world: World, name: str) -> None:
    """A colleague copies it from our folder to the inbox."""
    for box in world.office.folders().values():
        for octets in box.values():
            if mark(octets) == mark(world.letters[name]):
                world.office.dovecot.deliver(world.office.user.name, octets, when=datetime.now(UTC))
                return
    pytest.fail("it is not there")
