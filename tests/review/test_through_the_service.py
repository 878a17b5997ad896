"""From the inbox to the centre's mailbox: a person settles on the page, and the real service sends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar, cast

import pytest
from playwright.sync_api import Browser, expect

from tests.acts.builders import sent
from tests.flow.builders import Office as Whole
from tests.review.browser import Visit
from tests.review.office import Office, Somebody
from tests.servers.dovecot import Dovecot, MailboxUser
from tests.servers.mail import make_mail
from tests.servers.smtp_sink import SmtpSink
from triage.acts.people import Role
from triage.bootstrap import Service
from triage.commands.page import desk_of
from triage.listening import Listening
from triage.once import run_once
from triage.record.people import add_person
from triage.record.sessions import begin_session
from triage.review.app import create_app
from triage.review.serving import PageServer

Result = TypeVar("Result")
GENERAL = "pijss.retifamiglia@ats-valpadana.it"


def apart(work: Callable[[], Result]) -> Result:
    """In a thread of its own: the browser's driver has an event loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work).result()


def work_off(whole: Whole, later: bool = False) -> None:
    """A worker of its own comes, does what there is to do, and goes. ``later``: three minutes from now."""

    def work() -> tuple[str, ...]:
        service = whole.build()
        if later:
            service.store.clock = LaterClock()
        try:
            return tuple(run_once(service))
        finally:
            service.store.close()

    assert apart(work) == ()


class LaterClock:
    """The time in three minutes: what could be undone cannot be undone any more."""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(minutes=3)


@dataclass
class Page:
    """The service's page on a free port, with one operator."""

    service: Service
    url: str

    def hire(self) -> Somebody:
        with self.service.store.write("hired") as tx:
            number = add_person(tx, "anna.rossi", "Anna Rossi", Role.OPERATOR, "x", given=False)
        assert number is not None
        return Somebody(number, "anna.rossi", "Anna Rossi", Role.OPERATOR, "")

    def session(self, person: Somebody) -> str:
        with self.service.store.write("session") as tx:
            return begin_session(tx, person.id)


@pytest.fixture
def whole(dovecot: Dovecot, mailbox_user: MailboxUser, smtp_sink: SmtpSink, tmp_path: Path) -> Whole:
    """A mailbox that the service has seen empty, and an SMTP server."""
    made = Whole(dovecot, mailbox_user, smtp_sink, tmp_path)
    apart(made.adopt)
    return made


@pytest.fixture
def serve(whole: Whole) -> Iterator[Callable[[], Page]]:
    """Build the service and open its page."""
    opened: list[tuple[PageServer, Service]] = []

    def start() -> Page:
        service = whole.build()
        listening = Listening("127.0.0.1", 0, "")
        server = PageServer(listening)
        server.start(create_app(desk_of(service, listening, totp_required=False)))
        opened.append((server, service))
        return Page(service, server.address)

    yield start
    for server, service in opened:
        server.stop()
        apart(service.dispatcher.close)
        service.store.close()


def test_what_is_settled_on_the_page_arrives_where_it_should_after_two_minutes(
    browser: Browser, whole: Whole, serve: Callable[[], Page]
) -> None:
    for number, text in enumerate(("vorrei sapere che cosa fate", "avete posto il lunedì?")):
        address = f"famiglia{number}@family.example"
        octets = make_mail(
            f"Buongiorno, {text}\n", subject=f"Domanda {number}", author=address, to=GENERAL, return_path=address
        )
        whole.dovecot.deliver(whole.user.name, octets)
    work_off(whole)
    page = serve()
    whole.sink.forget()
    one = Visit(browser, cast(Office, page))
    one.sign_in(page.hire())
    one.page.goto("/da-decidere")
    one.page.get_by_role("link", name="Domanda 0").click()
    expect(one.page.get_by_role("heading", level=1)).to_have_text("Domanda 0")
    if not one.page.get_by_label("Comune della famiglia").is_visible():
        one.page.get_by_text("Scegli tu comune").click()
    one.page.get_by_label("Comune della famiglia").fill("Crema")
    one.page.get_by_role("button", name="Vedi che cosa parte").click()
    expect(one.page.get_by_text("orientagiovani@comune.crema.cr.it").first).to_be_visible()
    promised = one.page.locator(".mail-pronte .testo").all_text_contents()
    one.page.get_by_role("button", name="Conferma e inoltra").click()
    expect(one.page.get_by_role("heading", level=1)).to_have_text("Domanda 1")
    one.page.keyboard.press("r")
    one.page.get_by_label("Risposta").fill("Gentile famiglia,\nil lunedì c'è posto.")
    one.page.get_by_role("button", name="Vedi come parte").click()
    expect(one.page.locator(".mail-pronte")).to_contain_text("il lunedì c'è posto.")
    promised += one.page.locator(".mail-pronte .testo").all_text_contents()
    one.page.get_by_role("button", name="Conferma e invia").click()
    expect(one.page.get_by_role("heading", level=1)).to_have_text("Da decidere")

    work_off(whole)
    assert sent(whole.sink) == [], "nothing leaves while it can be undone"
    work_off(whole, later=True)
    mails = {mail.to: mail for mail in sent(whole.sink)}
    assert set(mails) >= {"orientagiovani@comune.crema.cr.it", "famiglia1@family.example"}
    assert "il lunedì c'è posto." in mails["famiglia1@family.example"].text
    assert mails["famiglia1@family.example"].text == promised[-1], "what was shown is what left"
    one.page.goto("/da-decidere")
    expect(one.page.get_by_text("Niente da decidere: è tutto fatto.")).to_be_visible()
    one.close()
    assert whole.ledger().differences == ()
