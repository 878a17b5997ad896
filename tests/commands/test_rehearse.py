"""``triage rehearse``: what the service would do with real mail, with nothing done."""

from __future__ import annotations

import json
import mailbox
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.commands.conftest import Invoke
from tests.servers.dovecot import Dovecot, MailboxUser
from tests.servers.mail import make_mail
from tests.servers.smtp_sink import SmtpSink
from triage.demo.load import demo_messages

CREMA = "Buongiorno,\nabito a Crema con mia figlia di tre anni. Quando ci sono i laboratori per bambini?\nGrazie\n"
VIADANA = "Buongiorno,\nabito a Viadana e vorrei informazioni sui laboratori per i bambini.\nGrazie\n"


@pytest.fixture
def sure(environment: dict[str, str]) -> None:
    """Every guess is sure enough, whatever model is shipped, and every project is in ombra."""
    path = Path(environment["TRIAGE_RULES"])
    text = path.read_text(encoding="utf-8")
    for here, wanted in {
        "confidence: 0.90": "confidence: 0.50",
        "max_wrong: 0.20": "max_wrong: 0.50",
        "  mode: automatico": "  mode: ombra",
    }.items():
        assert here in text
        text = text.replace(here, wanted)
    path.write_text(text, encoding="utf-8")


def _letter(body: str, subject: str, author: str = "Anna Esempio <anna.esempio@example.org>") -> bytes:
    return b"Return-Path: <anna.esempio@example.org>\r\n" + make_mail(
        body, subject=subject, author=author, date=datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    )


@pytest.fixture
def sorted_mail(tmp_path: Path) -> Path:
    """Two folders as people have sorted them; the second message of crema lies in the wrong one."""
    for folder, letters in {
        "crema": [_letter(CREMA, "Laboratori"), _letter(VIADANA, "Informazioni", "Bruno Prova <bruno@example.net>")],
        "oglio": [_letter(VIADANA, "Laboratori a Viadana", "Carla Prova <carla@example.com>")],
    }.items():
        (tmp_path / folder).mkdir()
        for number, octets in enumerate(letters):
            (tmp_path / folder / f"{number}.eml").write_bytes(octets)
    return tmp_path


@pytest.mark.usefixtures("sure")
def test_it_says_where_mail_would_go_and_where_people_had_put_it(
    invoke: Invoke, sorted_mail: Path, environment: dict[str, str]
) -> None:
    result = invoke(
        "rehearse", "--path", f"{sorted_mail / 'crema'}=crema", "--path", f"{sorted_mail / 'oglio'}=oglio_po"
    )
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "3 messages rehearsed, as if every project were in automatico. Nothing was sent; 6 mails would have been.",
        "Forwarded without a person: 3",
        "       2  oglio_po",
        "       1  crema",
        "Held for a person: 0 (possible danger in 0)",
        "Filed without being sent: 0",
        "Families that would have got an acknowledgement: 3",
        "Put by people under crema: 2; forwarded there 1, elsewhere 1, held 0, filed 0",
        "       1  to oglio_po",
        "Put by people under oglio_po: 1; forwarded there 1, elsewhere 0, held 0, filed 0",
    ]
    assert not Path(environment["TRIAGE_STATE_DIR"]).exists(), "the service's own record is not touched"


@pytest.mark.usefixtures("sure")
def test_as_it_is_every_message_waits_in_ombra(invoke: Invoke, sorted_mail: Path) -> None:
    told = json.loads(invoke("rehearse", "--as-is", "--json", sorted_mail / "crema").stdout)
    assert (told["forwarded"], told["held"], told["would_have_been_sent"], told["sent"]) == (
        {},
        {"modo_ombra": 2},
        0,
        0,
    )


@pytest.mark.usefixtures("sure")
def test_an_mbox_is_rehearsed_in_the_order_in_which_it_came_and_copies_are_known_again(
    invoke: Invoke, tmp_path: Path
) -> None:
    box = mailbox.mbox(str(tmp_path / "posta"))
    letter = _letter(CREMA, "Laboratori")
    for octets in (letter, letter):
        box.add(octets)
    box.close()
    told = json.loads(invoke("rehearse", "--json", tmp_path / "posta").stdout)
    assert [(one["name"].rpartition("#")[2], one["action"], one["reason"]) for one in told["messages"]] == [
        ("0", "inoltra", ""),
        ("1", "trattieni", "ricomparso"),
    ]


def test_a_whole_inbox_leaves_a_reason_for_everything_that_waits(invoke: Invoke, tmp_path: Path) -> None:
    for name, octets, _ in demo_messages(datetime.now(UTC)):
        (tmp_path / name).write_bytes(octets)
    shown = invoke("rehearse", "--json", tmp_path)
    told = json.loads(shown.stdout)
    outcomes = told["messages"]
    assert len(outcomes) == told["count"] > 20
    assert all(bool(one["reason"]) == (one["action"] == "trattieni") for one in outcomes)
    assert all(bool(one["to"]) == (one["action"] == "inoltra") for one in outcomes)
    assert {"urgente", "reclamo"} <= set(told["held"])


@pytest.mark.usefixtures("sure")
def test_a_real_mailbox_is_left_exactly_as_it_is_and_nothing_is_sent(
    invoke: Invoke,
    environment: dict[str, str],
    dovecot: Dovecot,
    mailbox_user: MailboxUser,
    smtp_sink: SmtpSink,
) -> None:
    colleague = dovecot.client(mailbox_user.name)
    colleague.create_folder("Smistati a mano")
    colleague.append("INBOX", _letter(CREMA, "Laboratori"))
    colleague.append("INBOX", _letter(VIADANA, "Laboratori"), flags=[rb"\Flagged"])
    colleague.append("Smistati a mano", _letter(VIADANA, "Altra", "Bruno Prova <bruno@example.net>"))
    before = _everything(dovecot, mailbox_user)
    told = json.loads(
        invoke(
            *("rehearse", "--json", "--folder", "INBOX", "--folder", "Smistati a mano=oglio_po"),
            settings={
                "TRIAGE_IMAP_HOST": dovecot.host,
                "TRIAGE_IMAP_PORT": str(dovecot.port),
                "TRIAGE_IMAP_TLS": "plain",
                "TRIAGE_IMAP_USER": mailbox_user.name,
                "TRIAGE_IMAP_PASSWORD": mailbox_user.password,
                "TRIAGE_SMTP_HOST": smtp_sink.host,
                "TRIAGE_SMTP_PORT": str(smtp_sink.port),
                "TRIAGE_SMTP_TLS": "plain",
                "TRIAGE_SMTP_LOGIN": "none",
            },
        ).stdout
    )
    assert told["forwarded"] == {"crema": 1, "oglio_po": 2}
    assert told["compared"] == {"oglio_po": {"there": 1, "elsewhere": {}, "waits": 0, "filed": 0}}
    assert sorted(one["name"] for one in told["messages"]) == ["INBOX#1", "INBOX#2", "Smistati a mano#1"]
    assert _everything(dovecot, mailbox_user) == before
    assert smtp_sink.messages == ()
    assert not Path(environment["TRIAGE_STATE_DIR"]).exists()


def _everything(dovecot: Dovecot, user: MailboxUser) -> dict[str, object]:
    """Folders, UIDVALIDITY, UIDs, flags and octets, looked at without setting any flag."""
    client = dovecot.client(user.name)
    found: dict[str, object] = {}
    for _, _, name in client.list_folders():
        status = client.folder_status(name, ["MESSAGES", "RECENT", "UIDNEXT", "UIDVALIDITY", "UNSEEN"])
        client.select_folder(name, readonly=True)
        content = client.fetch(client.search(["ALL"]), ["FLAGS", "BODY.PEEK[]"]) if status[b"MESSAGES"] else {}
        found[name] = (status, {uid: (item[b"FLAGS"], item[b"BODY[]"]) for uid, item in content.items()})
    return found


def test_a_place_or_a_label_that_means_nothing_ends_with_2(invoke: Invoke, sorted_mail: Path) -> None:
    unknown = invoke("rehearse", "--path", f"{sorted_mail / 'crema'}=cremaa")
    assert (unknown.exit_code, 'did you mean "crema"' in unknown.stderr) == (2, True)
    assert invoke("rehearse", sorted_mail / "none").exit_code == 2
    assert invoke("rehearse").exit_code == 2
