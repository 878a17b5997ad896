"""Whose message a manual forward holds: told by its text or the attached message, or nothing where it is not clear."""

from __future__ import annotations

import pytest

from tests.corpus.cases.making import mail, multi, part
from triage.parse import parse
from triage.parse.forwarded import read_forwarded
from triage.vocabulary import Address


def forwarded_authors(text: str) -> tuple[Address, ...]:
    return tuple(one.author for one in read_forwarded(text))


BLOCK = "Da: {}\nInviato: lunedì 4 maggio 2026 10:22\nA: Sportello\nOggetto: {}\n\nAbitiamo a Suzzara.\n"


@pytest.mark.parametrize(
    ("written", "person"),
    [
        ("Bruno Verdi <bruno@family.example>", Address("Bruno Verdi", "bruno@family.example")),
        ("Bruno Verdi [mailto:bruno@family.example]", Address("Bruno Verdi", "bruno@family.example")),
        ("*bruno@family.example*", Address("", "bruno@family.example")),
        ("Bruno Verdi", Address("Bruno Verdi", "")),
        ("Bruno <bruno@nowhere>", Address("Bruno <bruno@nowhere>", "")),
    ],
)
def test_the_author_above_a_forwarded_text(written: str, person: Address) -> None:
    assert forwarded_authors(f"Per competenza.\n\n{BLOCK.format(written, 'Informazioni')}") == (person,)


@pytest.mark.parametrize(
    ("subject", "found"),
    [
        ("I: Informazioni", ["ufficio@comune.example", "bruno@family.example"]),
        ("R: Informazioni", ["ufficio@comune.example", "bruno@family.example"]),
        ("Nuovo messaggio dal sito", ["ufficio@comune.example"]),
    ],
)
def test_of_a_forwards_forward_all_authors_as_far_as_the_subjects_hand_on(subject: str, found: list[str]) -> None:
    office = BLOCK.format("Ufficio <ufficio@comune.example>", subject)
    text = f"{office}\n{BLOCK.format('bruno@family.example', 'Informazioni')}"
    assert [one.addr_spec for one in forwarded_authors(text)] == found


@pytest.mark.parametrize(
    ("announced", "found"),
    [
        ("Il giorno 24/11/2026 Bruno Verdi <bruno@family.example> ha scritto:", "bruno@family.example"),
        ("On Tue, Nov 24, 2026 at 10:00 AM Bruno Verdi <bruno@family.example> wrote:", "bruno@family.example"),
        (
            "Il giorno mar 24 nov 2026 alle ore 10:00 Bruno Verdi <\nbruno@family.example> ha scritto:",
            "bruno@family.example",
        ),
        ("Il giorno mar 24 nov 2026 alle ore 10:00, Bruno Verdi ha scritto:", ""),
        ("Da: Bruno Verdi <bruno@family.example>\nOggetto: I: minacce", "bruno@family.example"),
    ],
)
def test_what_a_quoted_letter_holds_is_not_taken_for_its_author(announced: str, found: str) -> None:
    threat = BLOCK.format("Marito <marito@altrove.example>", "minacce")
    authors = forwarded_authors(f"Vi giro.\n\n{announced}\n\necco cosa mi scrive:\n\n{threat}")
    assert authors[0].addr_spec == found


def test_a_colleagues_note_announces_nobody() -> None:
    text = f"Vi giro quanto scrive la signora:\n\n{BLOCK.format('bruno@family.example', 'Orari')}"
    assert forwarded_authors(text) == (Address("", "bruno@family.example"),)


@pytest.mark.parametrize(
    "block",
    [
        "Da: {}\nInviato: oggi\nA: Sportello\nCc: Altri\nPriorità: Alta\nAllegati: a.pdf\nOggetto: Orari\n",
        "Da: {}\nInviato: oggi\nA: uno;\n due;\n tre;\n quattro;\n cinque\nOggetto: Orari\n",
        "Da: {}\n\nInviato: oggi\n\nA: Sportello\n\nCc: Altri\n\nOggetto: Orari\n",
        "Oggetto: \tOrari\nData: \toggi\nMittente: \t{}\nA: \tSportello\n",
        "De la: {}\nTrimis: azi\nCătre: Sportello\nSubiect: Orari\n",
        "Від: {}\nНадіслано: сьогодні\nКому: Sportello\nТема: Orari\n",
        "Nga: {}\nDërguar: sot\nPër: Sportello\nSubjekti: Orari\n",
    ],
)
def test_blocks_as_programs_write_them(block: str) -> None:
    text = block.format("Bruno <bruno@family.example>") + "\nBuongiorno\n"
    assert forwarded_authors(text) == (Address("Bruno", "bruno@family.example"),)


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
    assert forwarded_authors(text) == ()


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


@pytest.mark.parametrize(
    ("to", "found"),
    [
        ("Sportello", ()),
        (
            "Sportello <Qui@Agency.example>; anna@family.example",
            ("qui@agency.example", "anna@family.example"),
        ),
        ("anna@family.example [mailto:anna@family.example]", ("anna@family.example",)),
    ],
)
def test_to_whom_it_was_written_stands_beside_its_author(to: str, found: tuple[str, ...]) -> None:
    text = BLOCK.replace("A: Sportello", f"A: {to}").format("Bruno <bruno@family.example>", "Orari")
    assert [one.to for one in read_forwarded(f"Vi giro.\n\n{text}")] == [found]
