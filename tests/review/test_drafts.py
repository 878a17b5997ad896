"""What somebody was typing is there again after an expired session or a conflict, and for nobody else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from tests.review.browser import Visit, axe
from tests.review.mail import HELD, a_mail, arrive
from tests.review.office import Office
from triage.acts.people import Role
from triage.record.people_tables import sessions
from triage.record.tables import messages

NOTE = "Sentita al telefono: richiama lunedì."
LEFT = "Object.keys(sessionStorage).filter(key => key.startsWith('bozza:')).length"


@pytest.fixture
def held(office: Office) -> list[int]:
    """Two families whose place is not known."""
    return arrive(office, [HELD, a_mail("Vorrei parlare con qualcuno di mio figlio.", "Figlio", "b@example.com")])


def typed(page: Page, message_id: int) -> None:
    """Begin to settle by phone."""
    page.goto(f"/messaggi/{message_id}/uscita/telefono")
    page.get_by_label("Nota").press_sequentially(NOTE)


def press(page: Page) -> None:
    page.get_by_role("button", name="Chiudi: ce ne occupiamo per telefono").click()


def end_sessions(office: Office) -> None:
    with office.store.write("sessions end") as tx:
        tx.execute(sa.delete(sessions))


def test_a_note_survives_an_expired_session_for_its_writer_and_goes_once_it_is_used(
    visit: Callable[..., Visit], office: Office, held: list[int]
) -> None:
    anna = office.somebody(Role.OPERATOR)
    one = visit(anna)
    page = one.page
    typed(page, held[0])
    end_sessions(office)
    press(page)
    expect(page.get_by_label("Password")).to_be_visible()
    expect(page.get_by_text("Il tuo accesso è finito")).to_be_visible()
    expect(page.get_by_text("Quello che stavi scrivendo non è perso")).to_be_visible()
    axe(page)
    one.sign_in(anna)
    page.goto(f"/messaggi/{held[0]}/uscita/telefono")
    expect(page.get_by_label("Nota")).to_have_value(NOTE)
    press(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Figlio")
    assert page.evaluate(LEFT) == 0


def test_a_note_survives_a_conflict(visit: Callable[..., Visit], office: Office, held: list[int]) -> None:
    page = visit(Role.OPERATOR).page
    typed(page, held[0])
    with office.store.write("somebody else") as tx:
        later = messages.c.generation + 1
        tx.execute(sa.update(messages).where(messages.c.id == held[0]).values(generation=later))
    press(page)
    expect(page.locator("#avvisi")).to_contain_text("Nel frattempo è cambiato")
    page.goto(f"/messaggi/{held[0]}/uscita/telefono")
    expect(page.get_by_label("Nota")).to_have_value(NOTE)


def test_nobody_else_finds_it_and_the_sign_out_forgets_it(
    visit: Callable[..., Visit], office: Office, held: list[int]
) -> None:
    one = visit(Role.OPERATOR)
    page = one.page
    typed(page, held[0])
    one.sign_in(office.somebody(Role.OPERATOR))
    page.goto(f"/messaggi/{held[0]}/uscita/telefono")
    expect(page.get_by_label("Nota")).to_have_value("")
    assert page.evaluate(LEFT) == 0
    page.get_by_label("Nota").press_sequentially(NOTE)
    assert page.evaluate(LEFT) == 1
    page.get_by_role("button", name="Esci").click()
    expect(page.get_by_label("Password")).to_be_visible()
    assert page.evaluate(LEFT) == 0
