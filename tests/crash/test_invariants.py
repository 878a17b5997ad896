"""The crash tests' own judge: a sound run has no finding, and each kind of damage has one."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.conftest import require_installed
from tests.crash.harness import Case, CopyingDovecot, Setting, is_at_rest, prepare
from tests.crash.inbox import CANARIES, NEW, OLD
from tests.crash.invariants import Findings, check_invariants
from tests.crash.notices import ADMIN
from tests.crash.nursery import Nursery
from tests.servers.authority import Authority
from triage.record.staff_notices import Channel, NoticeKind
from triage.record.tables import attempts, audit, dispatches, incidents, messages, octet_chunks, staff_notices
from triage.vocabulary import TO_FAMILIES, AttemptOutcome, DispatchKind, DispatchState, MessageState

ACK = DispatchKind.ACKNOWLEDGEMENT
OF_MAIL = staff_notices.c.channel == Channel.MAIL
OF_TROUBLES = staff_notices.c.kind == NoticeKind.INCIDENTS


@pytest.fixture(scope="module")
def setting(authority: Authority, nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    with require_installed(lambda: CopyingDovecot(authority=authority)) as dovecot:
        yield prepare("known", dovecot, nursery, tmp_path_factory.mktemp("judge") / "setting")


@pytest.fixture
def case(setting: Setting, nursery: Nursery, tmp_path: Path) -> Iterator[Case]:
    """A mailbox worked off without any crash."""
    made = Case(setting, f"{tmp_path.name.lower()}@example.org", tmp_path, moves_after=None)
    assert made.run(nursery) == 0, made.said.read_text("utf-8", "replace")
    yield made
    made.close()


def judge(case: Case) -> Findings:
    """What the invariants say of this case."""
    store = case.open_store()
    letters = dict(enumerate((OLD, *NEW), start=1))
    found = check_invariants(
        store, case.dovecot, case.spool, user=case.user, letters=letters, said=case.said, posted=case.webhook.bodies
    )
    store.close()
    return found


def change(case: Case, *statements: sa.Executable) -> None:
    """Damage the record."""
    store = case.open_store()
    with store.write("damage") as tx:
        for statement in statements:
            tx.execute(statement)
    store.close()


def sent(case: Case, kind: DispatchKind) -> list[Path]:
    """Files of the spool that hold dispatches of a kind."""
    store = case.open_store()
    with store.read("kinds") as tx:
        numbers = list(tx.execute(sa.select(dispatches.c.rfc_message_id).where(dispatches.c.kind == kind)).scalars())
    store.close()
    files = sorted(case.spool.glob("*.message"))
    return [path for path in files if any(number.encode("ascii") in path.read_bytes() for number in numbers)]


def reports(case: Case) -> list[Path]:
    """Files of the spool that tell the administrator of the service's troubles."""
    return [path for path in sorted(case.spool.glob("*.message")) if ADMIN.encode() in path.read_bytes()]


def test_a_sound_run_has_no_finding(case: Case) -> None:
    store = case.open_store()
    assert is_at_rest(store)
    store.close()
    assert judge(case) == Findings()
    assert [len(sent(case, kind)) for kind in (DispatchKind.NOTICE, DispatchKind.FORWARD, ACK)] == [1, 4, 4]
    assert [sent(case, kind) for kind in TO_FAMILIES - {ACK}] == [[], []]
    assert len(reports(case)) == 2
    assert [body["event"] for body in case.webhook.bodies] == ["incidents", "incidents_over"]


def _repeat(kind: DispatchKind) -> Callable[[Case], None]:
    def damage(case: Case) -> None:
        path = sent(case, kind)[0]
        shutil.copyfile(path, path.with_name(f"9{path.name}"))

    return damage


def _drop(kind: DispatchKind) -> Callable[[Case], None]:
    return lambda case: sent(case, kind)[0].unlink()


def _repeat_report(case: Case) -> None:
    path = reports(case)[0]
    shutil.copyfile(path, path.with_name(f"9{path.name}"))


def _drop_report(case: Case) -> None:
    reports(case)[0].unlink()


def _name_the_author(case: Case) -> None:
    path = reports(case)[0]
    path.write_bytes(path.read_bytes().replace(b"\r\nSubject: ", f"\r\nSubject: {CANARIES[2]} ".encode()))


def _post_again(case: Case) -> None:
    body = case.webhook.bodies[0]
    case.webhook.keep(body)


def _acknowledge_first(case: Case) -> None:
    path = sent(case, DispatchKind.ACKNOWLEDGEMENT)[0]
    path.rename(path.with_name(f"0000{path.name}"))


def _spoil_original(case: Case) -> None:
    path = sent(case, DispatchKind.FORWARD)[0]
    path.write_bytes(path.read_bytes().replace(b"Return-Path: <", b"Return-path: <"))


def _take_away(case: Case) -> None:
    with case.dovecot.client(case.user) as client:
        client.select_folder("INBOX")
        uids = client.search()
        client.delete_messages(uids[-1:])
        client.uid_expunge(uids[-1:])


def _move_held(case: Case) -> None:
    with case.dovecot.client(case.user) as client:
        client.select_folder("INBOX")
        client.move(client.search(), "Smistati.Famiglie In&Out")


def _say(word: str) -> Callable[[Case], None]:
    def damage(case: Case) -> None:
        with case.said.open("a") as stream:
            stream.write(word)

    return damage


@pytest.mark.parametrize(
    ("damage", "blame"),
    [
        (_repeat(DispatchKind.FORWARD), "left 2 times"),
        (_repeat(DispatchKind.ACKNOWLEDGEMENT), "left 2 times"),
        (_repeat(DispatchKind.NOTICE), "left 2 times"),
        (_drop(DispatchKind.FORWARD), "never arrived"),
        (_drop(DispatchKind.NOTICE), "must hear of it"),
        (_acknowledge_first, "left before its forward"),
        (_spoil_original, "other octets"),
        (_take_away, "no longer on the server"),
        (_move_held, "moved before its forward's 250"),
        (_repeat_report, "left 2 times and was tried 1 times"),
        (_drop_report, "1 count as accepted, 0 arrived"),
        (_name_the_author, "something of a person's"),
        (_post_again, "left 2 times and was tried 1 times"),
        (_say(CANARIES[0]), "stands in a log"),
        (_say("Traceback (most recent call last):"), "traceback"),
    ],
)
def test_damage_outside_the_record_is_found(case: Case, damage: Callable[[Case], None], blame: str) -> None:
    damage(case)
    assert any(blame in text for text in judge(case).violations)


@pytest.mark.parametrize(
    ("statement", "blame"),
    [
        (sa.update(messages).where(messages.c.uid == 5).values(uid=50), "UID 5 has no row"),
        (sa.update(messages).where(messages.c.uid == 2).values(state=MessageState.HELD), "UIDs [2, 8] ended as"),
        (sa.update(octet_chunks).values(data=b"x"), "octets of UID"),
        (sa.update(attempts).values(outcome=AttemptOutcome.UNKNOWN), "counts 0 unknown outcomes"),
        (sa.update(attempts).values(outcome=None), "without an outcome"),
        (sa.update(staff_notices).values(state=DispatchState.SUBMITTING), "stays submitting"),
        (sa.delete(staff_notices).where(OF_MAIL), "something left that no dispatch accounts for"),
        (sa.update(staff_notices).values(state=DispatchState.FAILED, reason=""), "nobody can see why"),
        (sa.update(staff_notices).where(OF_MAIL).values(recipient="altri@example.org"), "went to somebody else"),
        (sa.delete(audit).where(audit.c.subject == "notice"), "its end is written 0 times"),
        (sa.update(staff_notices).values(subject=sa.text("'2-2.' || id")).where(OF_TROUBLES), "was told 2 times"),
        (
            sa.update(staff_notices).where(OF_TROUBLES).values(subject=sa.text("'8-9.' || id")),
            "no report of it was sent",
        ),
        (sa.update(incidents).values(told_at=None), "nobody was told"),
        (sa.update(incidents).values(over_report=None), "was not told"),
        (sa.delete(staff_notices).where(staff_notices.c.kind == NoticeKind.OVER), "in 0 reports"),
        (sa.delete(audit).where(audit.c.event == "forwarded"), "the ledger does not close"),
        (sa.update(dispatches).values(rfc_message_id=sa.func.hex(dispatches.c.id)), "no dispatch accounts for"),
    ],
)
def test_damage_in_the_record_is_found(case: Case, statement: sa.Executable, blame: str) -> None:
    change(case, statement)
    assert any(blame in text for text in judge(case).violations)
