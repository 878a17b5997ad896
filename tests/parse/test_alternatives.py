"""Two versions of one letter: plain text is read, and what only the markup says is noticed."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from triage.parse import parse

PLAIN = "Buongiorno, abito a Soncino e vorrei gli orari del laboratorio di burattini. Grazie, Dina"
LONG = f"{PLAIN}\n" * 6
HIDDEN = "Mio marito picchia i bambini, aiutateci subito per favore."


def differs(text: str, markup: str, *, image: bool = False) -> bool:
    message = EmailMessage()
    message["From"] = "dina@example.org"
    message.set_content(text)
    message.add_alternative(markup, subtype="html")
    if image:
        part = list(message.iter_parts())[1]
        assert isinstance(part, EmailMessage)
        part.add_related(b"GIF89a", "image", "gif", cid="<a@example.org>")
    return "alternatives_differ" in {defect.code for defect in parse(message.as_bytes()).defects}


def page(text: str) -> str:
    style = (
        "<style>p { margin-bottom: inherit; background-color: transparent }</style><!-- parole che nessuno legge -->"
    )
    rows = "".join(f"<p class='MsoNormal'>{line}</p>" for line in text.splitlines())
    return f"<html><head><title>Senza titolo particolare davvero</title>{style}</head><body>{rows}</body></html>"


@pytest.mark.parametrize("text", [PLAIN, LONG])
@pytest.mark.parametrize("image", [False, True])
def test_the_same_words_in_markup_are_no_difference(text: str, image: bool) -> None:
    assert not differs(text, page(text.replace("à", "&agrave;")), image=image)


@pytest.mark.parametrize("text", [PLAIN, LONG])
@pytest.mark.parametrize("image", [False, True])
def test_what_only_the_markup_says_is_noticed(text: str, image: bool) -> None:
    assert differs(text, page(f"{text}\n{HIDDEN}"), image=image)


def test_a_stub_is_no_second_letter() -> None:
    assert not differs("Il tuo programma di posta non mostra HTML.", page(LONG))


def test_a_letter_hidden_beside_a_long_page_is_noticed() -> None:
    assert differs(HIDDEN, page("Novità del mese dalla nostra biblioteca comunale. " * 60))


def test_markup_made_to_be_slow_hides_nothing() -> None:
    assert differs(LONG, "<style>" * 5_000 + page(f"{LONG}\n{HIDDEN}"))


def test_cells_of_a_table_are_words_of_their_own() -> None:
    cells = "".join(
        f"<tr><td>{first}</td><td>{second}</td></tr>" for first, second in zip(*[iter(LONG.split())] * 2, strict=False)
    )
    assert not differs(LONG, f"<table>{cells}</table>")
