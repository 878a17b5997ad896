"""The register of misroutes says what really became of what a family was to be told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.review.office import Office, token_of
from tests.review.outbox import Outbox
from tests.review.test_case import LUCIA, code_of, misroute, outbox
from tests.servers.smtp_sink import SmtpSink
from triage.acts.centres import Choice
from triage.acts.correcting import correct
from triage.acts.outcome import Outcome
from triage.acts.people import Person, Role
from triage.acts.undoing import undo
from triage.record.family_told import FamilyMail
from triage.review.family_words import FAMILY_TOLD, family_words
from triage.vocabulary import DispatchState

__all__ = ["misroute", "outbox"]
AT = datetime(2026, 11, 8, 0, 5, tzinfo=UTC)


def corrected(office: Office, key: int) -> Outcome:
    rules, parsed = office.knowledge.in_force().rules, office.desk.parsed
    anna = Person(None, "anna", "Anna Rossi", Role.OPERATOR)
    with office.store.write("correction", "anna") as tx:
        done = correct(tx, rules, parsed, anna, key, Choice("oglio_po"), "zona")
    assert (done.ok, done.told) == (True, "avviso")
    return done


def told(client: httpx.Client) -> str:
    """What the register's page and its export say of the family, which is the same."""
    page = client.get("/errori/1").text
    (said,) = (one.split("</dd>")[0] for one in page.split("<dt>La famiglia</dt><dd>")[1:])
    export = client.post("/errori/scarica", data={"csrf": token_of(page)}).text
    said = said.replace("&#39;", "'")
    assert f";{said};" in export
    return said


def test_the_family_was_told_when_the_notice_has_left_and_not_before(
    http: Callable[..., httpx.Client], office: Office, outbox: Outbox, misroute: int
) -> None:
    corrected(office, misroute)
    client = http(Role.RESPONSIBLE)
    assert told(client) == "l'avviso deve ancora partire"
    sent = outbox.send(after=timedelta(minutes=3)) + outbox.send(after=timedelta(minutes=10))
    assert LUCIA in {to for to, _ in sent}
    assert told(http(Role.RESPONSIBLE)) == "l'avviso è partito il 26 novembre 2026 alle 10:43"


def test_a_notice_that_the_server_refuses_told_the_family_nothing(
    http: Callable[..., httpx.Client], office: Office, outbox: Outbox, misroute: int, smtp_sink: SmtpSink
) -> None:
    smtp_sink.answer("rcpt", 550, when=lambda path: path == LUCIA)
    corrected(office, misroute)
    outbox.send(after=timedelta(minutes=3))
    outbox.send(after=timedelta(minutes=10))
    assert told(http(Role.RESPONSIBLE)) == "l'avviso non è stato consegnato il 26 novembre 2026 alle 10:43: da chiamare"


def test_an_undone_correction_told_the_family_nothing(
    http: Callable[..., httpx.Client], office: Office, outbox: Outbox, misroute: int
) -> None:
    done = corrected(office, misroute)
    anna = Person(None, "anna", "Anna Rossi", Role.OPERATOR)
    with office.store.write("undo", "anna") as tx:
        assert undo(tx, office.knowledge.in_force().rules, anna, done.settlement_id or 0).ok
    assert told(http(Role.RESPONSIBLE)) == "niente: la correzione è stata annullata"
    assert code_of(office, misroute)


@pytest.mark.parametrize(
    ("code", "mail", "said"),
    [
        ("avviso", None, "non risulta partito niente: da chiamare"),
        (
            "avviso",
            FamilyMail(DispatchState.CANCELLED, AT, False, "chiuso_senza_centro"),
            "l'avviso non è partito: il messaggio è stato chiuso senza un centro. Da chiamare",
        ),
        (
            "avviso",
            FamilyMail(DispatchState.PENDING, None, False, "chiuso_senza_centro"),
            "l'avviso non partirà: il messaggio è stato chiuso senza un centro. Da chiamare",
        ),
        (
            "ricevuta",
            FamilyMail(DispatchState.ACCEPTED, AT, False, ""),
            "la conferma di ricevuta è partita l'8 novembre 2026 all'1:05",
        ),
        (
            "ricevuta",
            FamilyMail(DispatchState.ACCEPTED, AT, True, ""),
            "la conferma di ricevuta è partita l'8 novembre 2026 all'1:05, senza dire il centro: da chiamare",
        ),
        (
            "ricevuta",
            FamilyMail(DispatchState.PENDING, None, True, "ricevuta_fermata"),
            "la conferma di ricevuta non partirà: una persona ha deciso che non parte. Da chiamare",
        ),
        (
            "gia_avvisata",
            FamilyMail(DispatchState.ACCEPTED, AT, False, ""),
            "per un cambio di prima l'avviso è partito l'8 novembre 2026 all'1:05. Di questo cambio: da chiamare",
        ),
        ("fermata", FamilyMail(DispatchState.PENDING, None, True, "ricevuta_fermata"), FAMILY_TOLD["fermata"]),
        ("niente", None, "non sapeva dell'altro centro"),
    ],
)
def test_the_words_are_those_of_what_happened(code: str, mail: FamilyMail | None, said: str) -> None:
    assert family_words(code, mail) == said


def test_every_state_of_a_notice_has_its_words() -> None:
    for state in DispatchState:
        assert family_words("avviso", FamilyMail(state, AT, False, "")).startswith(("l'avviso", "non si sa"))
