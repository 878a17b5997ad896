"""The sentences themselves, whole: a change of wording is a change that somebody must want."""

from __future__ import annotations

import re
from datetime import datetime

import pytest

from triage.dispatch import texts
from triage.vocabulary import TOPICS

MOMENT = datetime(2026, 3, 1, 9, 5)  # noqa: DTZ001 - a local time as it is shown


def acknowledgement(**changes: object) -> str:
    values: dict[str, object] = {
        "code": "2A-23456789",
        "agency": "ATS della Val Padana",
        "centre": "Familiarizzare",
        "contact": "info@centro.example, 0376 000000",
        "phone": "0376 11",
        "is_open": True,
        "english": False,
    }
    return texts.acknowledgement_text(**(values | changes))  # type: ignore[arg-type]


def test_acknowledgement_with_a_centre() -> None:
    assert acknowledgement() == (
        """\
Buongiorno,

abbiamo ricevuto il suo messaggio. Il riferimento è 2A-23456789.

Lo abbiamo inviato a: Familiarizzare.
Può scrivere o telefonare direttamente al centro: info@centro.example, 0376 000000

Lo smistamento della posta è automatico: questa mail è stata scritta da un programma.
Se preferisce che del suo messaggio si occupi una persona di ATS, risponda a questa mail o telefoni al numero 0376 11.

Questa casella non è un servizio di emergenza.
Questo elenco è uguale per tutti:
  112            emergenze (polizia, vigili del fuoco, ambulanza)
  114            bambini e ragazzi in pericolo
  1522           violenza e stalking contro le donne
  19696          Telefono Azzurro, ascolto per bambini e ragazzi
  116000         bambini scomparsi
  116117         cure mediche non urgenti

ATS della Val Padana"""
    )


def test_neutral_acknowledgement_with_english_while_closed() -> None:
    assert acknowledgement(centre="", contact="", phone="", is_open=False, english=True) == (
        """\
Buongiorno,

abbiamo ricevuto il suo messaggio. Il riferimento è 2A-23456789.

Il personale di ATS della Val Padana lo leggerà per capire quale servizio può rispondere.

Lo smistamento della posta è automatico: questa mail è stata scritta da un programma.
Se preferisce che del suo messaggio si occupi una persona di ATS, risponda a questa mail.

In questo momento gli uffici sono chiusi e nessuno sta leggendo la posta.

Questa casella non è un servizio di emergenza.
Questo elenco è uguale per tutti:
  112            emergenze (polizia, vigili del fuoco, ambulanza)
  114            bambini e ragazzi in pericolo
  1522           violenza e stalking contro le donne
  19696          Telefono Azzurro, ascolto per bambini e ragazzi
  116000         bambini scomparsi
  116117         cure mediche non urgenti

ATS della Val Padana

- - - - - - - - - -

Hello,

we have received your message. The reference is 2A-23456789.

People at ATS della Val Padana will read it to find out which service can answer.

Mail is sorted automatically: this mail was written by a computer program.
If you want a person to take care of your message, answer this mail.

The offices are closed now and nobody is reading the mail.

This mailbox is not an emergency service.
This list is the same for everybody:
  112            emergencies (police, fire, ambulance)
  114            children and teenagers in danger
  1522           violence against women and stalking
  19696          Telefono Azzurro, listening for children and teenagers
  116000         missing children
  116117         medical care that is not urgent"""
    )


@pytest.mark.parametrize("centre", ["", "Familiarizzare"])
@pytest.mark.parametrize("is_open", [True, False, None])
@pytest.mark.parametrize("english", [True, False])
def test_emergency_list_stands_in_every_acknowledgement(centre: str, is_open: bool | None, english: bool) -> None:
    text = acknowledgement(centre=centre, is_open=is_open, english=english)
    assert texts.EMERGENCY in text
    assert (texts.EMERGENCY_ENGLISH in text) is english


def test_both_lists_hold_the_same_numbers() -> None:
    def numbers(text: str) -> list[str]:
        return [line.split()[0] for line in text.splitlines() if line.startswith("  ")]

    assert numbers(texts.EMERGENCY) == numbers(texts.EMERGENCY_ENGLISH)


@pytest.mark.parametrize("word", ["triage", "urgente", "al più presto", "quanto prima", "entro", "risponderemo"])
def test_acknowledgement_promises_nothing_and_never_says_triage(word: str) -> None:
    assert not re.search(rf"\b{word}\b", acknowledgement(english=True).casefold())


def test_notice() -> None:
    assert texts.notice_text(4711, "2A-23456789", MOMENT) == (
        """\
C'è un messaggio che una persona deve leggere oggi.

Messaggio numero 4711, codice 2A-23456789, ricevuto il 1 marzo 2026, ore 09.05.

Per riservatezza questa mail non dice di che cosa si tratta.
Il messaggio si trova nella casella condivisa, tra quelli da decidere."""
    )


@pytest.mark.parametrize(
    ("octets", "words"),
    [(0, "0 byte"), (1023, "1023 byte"), (1024, "1 kB"), (300_000, "293 kB"), (5_500_000, "5,2 MB")],
)
def test_sizes_are_written_as_italians_write_them(octets: int, words: str) -> None:
    assert texts.readable_size(octets) == words


def test_every_topic_has_a_name_for_people() -> None:
    assert set(texts.TOPIC_NAMES) == set(TOPICS)


def test_first_of_the_month_is_written_out() -> None:
    assert texts.italian_date(MOMENT) == "1 marzo 2026, ore 09.05"
