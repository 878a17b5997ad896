"""The demo's own page: who got what, and how a visitor writes to the mailbox."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import httpx
import pytest

from tests.review.browser import WIDTHS, axe, chromium
from triage.demo.letters import Draft, arrived, as_delivered, as_draft
from triage.demo.load import demo_messages
from triage.demo.mail_page import MailPage, Post
from triage.demo.smtp_server import AcceptedMessage

OURS = "ufficio@example.org"
NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
HAND_BACK = f"mailto:{OURS}?subject=Non%20%C3%A8%20per%20noi%20%5B2C-R83HNUKS%5D&body=Codice%3A%202C-R83HNUKS"


def mail(to: str, subject: str, text: str, reply_to: str = "") -> AcceptedMessage:
    message = EmailMessage(policy=policy.SMTP)
    message["From"], message["To"], message["Subject"] = f'"Ufficio" <{OURS}>', to, subject
    message["Message-ID"] = f"<{subject.split()[0]}@example.org>"
    if reply_to:
        message["Reply-To"] = reply_to
    message.set_content(text)
    return AcceptedMessage(OURS, (to,), message.as_bytes())


SENT = (
    mail("Centro@example.net", "Per il centro", f"Rimandatela:\n{HAND_BACK}\n", "anna@example.com"),
    mail("anna@example.com", "Domanda", "In quale comune abitate? <b>è</b>"),
)


@pytest.fixture
def delivered() -> list[bytes]:
    return []


@pytest.fixture
def page(delivered: list[bytes]) -> Iterator[MailPage]:
    examples = [("uno", Draft("Anna Rossi <anna@example.com>", "nido", "Abito a Crema."))]
    served = MailPage(Post(OURS, {"centro@example.net": "Il Centro"}, examples, lambda: SENT, delivered.append))
    served.start()
    yield served
    served.stop()


@pytest.fixture
def client(page: MailPage) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=page.address, trust_env=False) as found:
        yield found


def test_each_mail_is_shown_to_whom_it_came_as_text(client: httpx.Client) -> None:
    shown = client.get("/").text
    assert shown.index("Il Centro") < shown.index("Per il centro") < shown.index("anna@example.com</span>")
    assert "&lt;b&gt;è&lt;/b&gt;" in shown
    assert "default-src 'none'" in client.get("/").headers["Content-Security-Policy"]


def test_an_answer_to_a_family_does_not_pass_through_the_mailbox() -> None:
    centre, family = arrived(SENT, OURS)
    assert (centre.to, centre.answer) == ("centro@example.net", None)
    assert centre.links == (Draft("centro@example.net", "Non è per noi [2C-R83HNUKS]", "Codice: 2C-R83HNUKS"),)
    assert family.answer == Draft(
        "anna@example.com", "Re: Domanda", "\n\n> In quale comune abitate? <b>è</b>\n", "<Domanda@example.org>"
    )


def test_what_is_written_lies_in_the_mailbox_as_a_server_delivers_it(
    client: httpx.Client, delivered: list[bytes]
) -> None:
    form = client.get("/scrivi", params={"risposta": "2", "a": "anna@example.com"}).text
    token = re.findall(r'name="token" value="([^"]+)"', form)[0]
    given = {"token": token, "da": "Anna Rossi <anna@example.com>", "oggetto": "Re: Domanda", "testo": "A Crema, è."}
    assert client.post("/scrivi", data={**given, "risponde_a": "<Domanda@example.org>"}).status_code == 200
    (octets,) = delivered
    assert octets.startswith(b"Return-Path: <anna@example.com>\r\nReceived: ")
    read = message_from_bytes(octets, policy=policy.default)
    assert (read["From"], read["In-Reply-To"]) == (given["da"], "<Domanda@example.org>")
    draft = as_draft(octets)
    assert draft is not None
    assert draft.text.strip() == given["testo"]


def test_an_author_without_an_address_is_told_and_nothing_is_sent(client: httpx.Client, delivered: list[bytes]) -> None:
    token = re.findall(r'name="token" value="([^"]+)"', client.get("/scrivi").text)[0]
    answer = client.post("/scrivi", data={"token": token, "da": "Anna", "testo": "A Crema"})
    assert (answer.status_code, delivered) == (422, [])
    assert "Scrivi l&#39;indirizzo di chi manda la mail" in answer.text
    assert "A Crema" in answer.text


def test_forms_and_names_of_other_sites_are_refused(client: httpx.Client, delivered: list[bytes]) -> None:
    assert client.post("/scrivi", data={"da": "anna@example.com", "testo": "x"}).status_code == 403
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 403
    assert delivered == []


def test_every_sample_message_can_be_begun_from_or_has_no_text_to_write_again() -> None:
    drafts = {name: as_draft(octets) for name, octets, _ in demo_messages(NOW)}
    written = [one for one in drafts.values() if one is not None]
    assert len(written) > 50
    for draft in written:
        assert as_draft(as_delivered(draft, OURS, NOW)) is not None


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_is_accessible(page: MailPage, width: int) -> None:
    with chromium() as browser:
        view = browser.new_page(viewport={"width": width, "height": 800})
        for path in ("/", "/scrivi?esempio=uno"):
            view.goto(page.address + path)
            for fold in view.locator("summary").all():
                fold.click()
            axe(view)
            assert view.evaluate("document.documentElement.scrollWidth") <= width
