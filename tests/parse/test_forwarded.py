"""Whose message a manual forward holds: told by its text or the attached message, or nothing where it is not clear."""

from __future__ import annotations

import pytest

from tests.corpus.cases.making import mail, multi, part
from triage.parse import parse
from triage.parse.forwarded import forwarded_author
from triage.vocabulary import Address

BLOCK = "Da: {}\nInviato: lunedì 4 maggio 2026 10:22\nA: Sportello\nOggetto: {}\n\nAbitiamo a Suzzara.\n"


@pytest.mark.parametrize(
    ("written", "person"),
    [
        ("Bruno Verdi <bruno@family.example>", Address("Bruno Verdi", "bruno@family.example")),
        ("Bruno Verdi [mailto:bruno@family.example]", Address("Bruno Verdi", "bruno@family.example")),
        ("*bruno@family.example*", Address("", "bruno@family.example")),
        ("Bruno Verdi", None),
        ("Bruno <bruno@nowhere>", None),
    ],
)
def test_the_author_above_a_forwarded_text(written: str, person: Address | None) -> None:
    assert forwarded_author(f"Per competenza.\n\n{BLOCK.format(written, 'Informazioni')}") == person


def test_of_a_forwards_forward_the_one_who_began_it() -> None:
    office = BLOCK.format("Ufficio <ufficio@comune.example>", "I: Informazioni")
    assert forwarded_author(f"{office}\n{BLOCK.format('bruno@family.example', 'Informazioni')}") == Address(
        "", "bruno@family.example"
    )


@pytest.mark.parametrize(
    "text",
    [
        "Da: Bruno\nmi hanno detto di scrivere a bruno@family.example",
        "Da: bruno@family.example\nquando abbiamo traslocato, nulla è più come prima.",
        "Oggetto: orari\nVorrei gli orari.",
        "",
    ],
)
def test_words_that_only_look_like_a_field_name_nobody(text: str) -> None:
    assert forwarded_author(text) is None


def test_a_reply_passes_nothing_on() -> None:
    octets = mail(f"Sì, vengo.\r\n\r\n{BLOCK.format('bruno@family.example', 'Informazioni')}", head={"Subject": "R: x"})
    assert parse(octets).forwarded_author is None


def test_of_two_attached_messages_of_two_people_nobody_is_named() -> None:
    def attached(*authors: str) -> bytes:
        inner = [part(mail(head={"From": f"<{author}>"}), "message/rfc822") for author in authors]
        return multi(part("Vi giro queste."), *inner, Subject="I: richieste")

    assert parse(attached("bruno@family.example", "carla@family.example")).forwarded_author is None
    assert parse(attached("bruno@family.example", "bruno@family.example")).forwarded_author == Address(
        "", "bruno@family.example"
    )
