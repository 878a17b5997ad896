"""docs/testi.md: every text for families as they get it, for people who must agree to it. Pure.

In: texts, and values of an invented case. Out: a page in Markdown. A test holds the page to the files.
"""

from __future__ import annotations

from collections.abc import Mapping

from triage.dispatch.acknowledging import SEVERAL_SUBJECT, SUBJECTS, closing_of, correction_link, told_in
from triage.dispatch.staff_letters import REFERRAL_SUBJECT, REPLY_SUBJECT
from triage.dispatch.text_blocks import Block, Section, as_plain
from triage.dispatch.text_files import (
    ACKNOWLEDGEMENT,
    QUESTION,
    REFERRAL,
    REPLY,
    REROUTE,
    SEVERAL,
    LanguageTexts,
    Texts,
)
from triage.vocabulary import DispatchKind

CODE = "2A-23456789"
_AGENCY, _ADDRESS = "ATS della Val Padana", "famiglie@example.org"
_CENTRE: Mapping[str, str | bool] = {"centro": "Familiarizzare", "contatto": "info@centro.example, 0376 000000"}
_CENTRES: Mapping[str, str | bool] = {
    "centro": "Familiarizzare; Orientagiovani",
    "contatto": "Familiarizzare: 0376 000000; Orientagiovani: 0373 000000",
}
_BASE: Mapping[str, str | bool] = {
    "codice": CODE,
    "agenzia": _AGENCY,
    "indirizzo": _ADDRESS,
    "telefono": "0376 111111",
    "centro": "",
    "contatto": "",
    "aperto": True,
    "chiuso": False,
    "chiede": False,
    "correzione": correction_link(_ADDRESS, CODE),
    "ufficio": "Centro per le famiglie di Borgonuovo",
    "contatti": "mail: famiglie@borgonuovo.example",
}
_SHOWN: tuple[tuple[str, str, Mapping[str, str | bool]], ...] = (
    ("Conferma di ricevuta: il messaggio è stato inviato a un centro", ACKNOWLEDGEMENT, _CENTRE),
    (
        "Conferma di ricevuta: il messaggio aspetta una persona, gli uffici sono chiusi",
        ACKNOWLEDGEMENT,
        {"aperto": False, "chiuso": True},
    ),
    (
        "Conferma di ricevuta: manca solo il luogo, e le regole dicono di chiederlo",
        ACKNOWLEDGEMENT,
        {"chiede": True, "aperto": False},
    ),
    ("Domanda: il personale chiede il comune", QUESTION, {}),
    ("Nuovo centro: il messaggio è passato a un altro centro", REROUTE, _CENTRE),
    ("Più centri: il messaggio è anche in un altro centro", SEVERAL, _CENTRES),
    ("Risposta: quello che sta sotto le parole di una persona", REPLY, {}),
    ("Altro ufficio: una persona ne indica uno della rubrica", REFERRAL, {}),
)


def texts_page(texts: Texts) -> str:
    """The whole page."""
    lines = [
        "# I testi per le famiglie",
        "",
        "Ogni testo come lo riceve una famiglia, con un caso inventato. La pagina è fatta dai file in",
        "`triage/dispatch/data/testi`; un test la confronta con essi. Per cambiare i testi: `it.yaml` dice come.",
        "",
        "L'italiano e l'inglese semplice sono in uso. Le altre lingue non partono finché un traduttore non firma il",
        "file (`firmato_da`, `firmato_il`); allora il testo sta sopra quello italiano. Se la lingua non è sicura, la",
        "famiglia riceve italiano e inglese.",
        "",
        "L'oggetto è sempre lo stesso, in italiano:",
        "",
        *(f"- {SUBJECTS[kind].format(code=CODE)}" for kind in DispatchKind if kind in SUBJECTS),
        f"- {SEVERAL_SUBJECT.format(code=CODE)}",
        f"- {REPLY_SUBJECT.format(code=CODE)}",
        f"- {REFERRAL_SUBJECT.format(code=CODE)}",
    ]
    order = sorted(texts.languages.values(), key=lambda item: (item.code != "it", item.code != "en", item.code))
    for language in order:
        lines += ["", f"## {language.name} (`{language.code}`)", "", _state(language)]
        for title, name, values in _SHOWN:
            if name not in language.texts:
                continue
            shown = told_in(language, language.texts[name], {**_BASE, **values})
            lines += ["", f"### {language.code}: {title}", *_shown(language, shown)]
        lines += ["", f"### {language.code}: in fondo a ogni testo", *_shown(language, closing_of(language, _AGENCY))]
    return "\n".join(lines) + "\n"


def _state(language: LanguageTexts) -> str:
    if language.signed_on is not None:
        return f"In uso. Firmato da {language.signed_by} il {language.signed_on.isoformat()}."
    return "In uso." if language.is_on else "Non in uso: manca la firma di un traduttore."


def _shown(language: LanguageTexts, blocks: tuple[Block, ...]) -> list[str]:
    section = Section(language.code, language.right_to_left, "", blocks)
    return ["", "```text", *as_plain([section]).split("\n"), "```"]
