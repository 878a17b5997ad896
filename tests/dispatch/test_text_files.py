"""The files of what families are told: whole, honest about who answers for them, and refused with line and remedy."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest

from triage.dispatch.text_files import ALWAYS_ON, NUMBERS, SHIPPED, load_texts, shipped_texts
from triage.dispatch.text_page import texts_page
from triage.rules.problems import RulesError

ROOT = Path(__file__).parents[2]
WRITTEN = {"it", "en", "ro", "pa", "hi", "ur", "ar", "fr", "sq", "uk", "zh", "es", "bn"}
ITALIAN = (SHIPPED / "it.yaml").read_text(encoding="utf-8")


def problems(folder: Path) -> list[str]:
    with pytest.raises(RulesError) as caught:
        load_texts(folder)
    return str(caught.value).splitlines()


def test_all_languages_are_there_and_only_italian_and_english_are_on() -> None:
    languages = shipped_texts().languages
    assert set(languages) == WRITTEN
    assert {code for code, language in languages.items() if language.is_on} == set(ALWAYS_ON)
    assert {code for code, language in languages.items() if language.right_to_left} == {"ar", "ur"}


def test_the_page_of_texts_is_that_of_the_files() -> None:
    """When it is not: write ``texts_page(shipped_texts())`` to docs/testi.md again."""
    assert (ROOT / "docs" / "testi.md").read_text(encoding="utf-8") == texts_page(shipped_texts())


@pytest.mark.parametrize("code", sorted(WRITTEN))
def test_a_language_is_written_in_its_own_letters(code: str) -> None:
    """No Latin letter that only looks like a Cyrillic one, and no language pasted under another's name."""
    scripts = {"uk": "CYRILLIC", "ar": "ARABIC", "ur": "ARABIC", "pa": "GURMUKHI", "hi": "DEVANAGARI", "bn": "BENGALI"}
    wanted = scripts.get(code, "CJK" if code == "zh" else "LATIN")
    text = shipped_texts().languages[code]
    for part in text.texts.values():
        written = re.sub(r"\{[{%].*?[%}]\}", " ", f"{part.title} {part.source}", flags=re.DOTALL)
        words = re.findall(r"[^\W\d_]+", written)
        mixed = [w for w in words if len({unicodedata.name(sign).split()[0] for sign in w if sign.isalpha()}) > 1]
        assert mixed == []
        own = sum(unicodedata.name(word[0]).startswith(wanted) for word in words)
        assert own > 0.85 * len(words)


def test_a_signature_puts_a_language_in_use(tmp_path: Path) -> None:
    text = (SHIPPED / "ro.yaml").read_text(encoding="utf-8")
    text = text.replace('firmato_da: ""', "firmato_da: Ada Invernizzi").replace(
        'firmato_il: ""', "firmato_il: 2026-11-01"
    )
    (tmp_path / "ro.yaml").write_text(text, encoding="utf-8")
    texts = load_texts(tmp_path)
    assert texts.languages["ro"].is_on
    assert texts.languages["ro"].signed_by == "Ada Invernizzi"
    assert not texts.languages["fr"].is_on
    assert "In uso. Firmato da Ada Invernizzi il 2026-11-01." in texts_page(texts)


def test_the_agencys_own_file_goes_before_ours(tmp_path: Path) -> None:
    (tmp_path / "it.yaml").write_text(ITALIAN.replace("Buongiorno,", "Gentile famiglia,"), encoding="utf-8")
    texts = load_texts(tmp_path)
    assert "Gentile famiglia," in texts.languages["it"].texts["ricevuta"].source
    assert set(texts.languages) == WRITTEN


def test_further_acknowledgements_have_names(tmp_path: Path) -> None:
    more = "\naltre_ricevute:\n  corso:\n    titolo: Corso\n    testo: |\n      {{ codice }} {{ centro }}\n"
    (tmp_path / "it.yaml").write_text(ITALIAN + more, encoding="utf-8")
    assert load_texts(tmp_path).names() == {"corso"}
    assert shipped_texts().names() == set()


CASES = [
    ("lingua: it", "lingua: ro", 'the language "ro" is not that of the file', "write it"),
    ("direzione: ltr", "direzione: left", '"left" is no direction', "ltr, or rtl"),
    ('firmato_da: ""', "firmato_da: Ada", "a name and a date", "firmato_il"),
    ("nome: italiano", "nom: italiano", 'unknown key "nom"', "lingua"),
    ("    1522: violenza e stalking contro le donne\n", "", "the numbers differ", "1522"),
    ("    112: emergenze", "    118: emergenze", "the numbers differ", "112"),
    (
        "  avviso: Questa casella non è un servizio di emergenza",
        '  avviso: ""',
        '"emergenze.avviso" is missing',
        "write",
    ),
    ("Il riferimento è {{ codice }}.", "Il riferimento è {{ codce }}.", '"codce" is no variable', "codice"),
    ("Il riferimento è {{ codice }}.", "Il riferimento è {{ codice }.", "not understood", "braces"),
    ("Il riferimento è {{ codice }}.", "{{ codice.__class__ }}", "Getattr is not allowed", "{% if"),
    ("Il riferimento è {{ codice }}.", "{{ codice }}{{ range(9) }}", "Call is not allowed", "{% if"),
    ("Il riferimento è {{ codice }}.", "{{ codice|upper }}", "Filter is not allowed", "{% if"),
    ("Il riferimento è {{ codice }}.", "{% for x in codice %}{% endfor %}", "For is not allowed", "{% if"),
    ("Il riferimento è {{ codice }}.", "{% include 'x' %}", "Include is not allowed", "{% if"),
    ("=> {{ correzione }} Non", "=> https://evil.example Non", "a link that is not ours", "correzione"),
    ("Il riferimento è {{ codice }}.", "", "the text does not use codice", "{{ codice }}"),
]


@pytest.mark.parametrize(("good", "bad", "what", "remedy"), CASES)
def test_a_mistake_is_named_with_file_line_and_remedy(
    tmp_path: Path, good: str, bad: str, what: str, remedy: str
) -> None:
    """No file can leave the numbers out, run code, or lead a family to somebody else's page."""
    assert good in ITALIAN
    (tmp_path / "it.yaml").write_text(ITALIAN.replace(good, bad, 1), encoding="utf-8")
    found = [text for text in problems(tmp_path) if what in text]
    assert found, problems(tmp_path)
    assert remedy in found[0].partition("Remedy: ")[2]
    line = int(re.match(rf"{re.escape(str(tmp_path))}/it\.yaml:(\d+): ", found[0])[1])  # type: ignore[index]
    if "does not use" not in what and "differ" not in what:
        assert line == ITALIAN[: ITALIAN.index(good)].count("\n") + 1


def test_a_folder_without_texts_is_a_mistake(tmp_path: Path) -> None:
    (said,) = problems(tmp_path / "none")
    assert "TRIAGE_TEXTS" in said


def test_a_file_that_is_no_text_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "it.yaml").write_bytes(b"\xff\xfe\x00")
    (said,) = problems(tmp_path)
    assert "UTF-8" in said


def test_every_language_has_the_same_numbers() -> None:
    for language in shipped_texts().languages.values():
        assert tuple(language.numbers) == NUMBERS
