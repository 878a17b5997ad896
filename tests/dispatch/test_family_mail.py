"""What families get: fields and envelope (RFC 3834), nothing of the writer's, two forms that say the same."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from tests.decide.builders import classification, context
from tests.dispatch.builders import ANNA, OURS, RULES, START, a_mail
from tests.servers.mail import AttachedFile
from triage.decide import decide
from triage.decide.trust import UNSURE_LANGUAGE
from triage.dispatch.acknowledging import SUBJECTS, compose_for_family, reverse_path
from triage.dispatch.compose import Outgoing, Stamp
from triage.dispatch.text_files import NUMBERS, Texts, shipped_texts
from triage.parse import parse
from triage.rules import Rules
from triage.rules.types import Envelope
from triage.vocabulary import TO_FAMILIES, Decision, DispatchKind, InboundMessage, Reason

CODE = "2A-23456789"
STAMP = Stamp("<f00d@agency.example>", CODE, "5ea1", START)
ACK, QUESTION, REROUTE = DispatchKind.ACKNOWLEDGEMENT, DispatchKind.QUESTION, DispatchKind.REROUTE
PLACE = Reason("luogo_residenza", {"comune": "Altavilla", "where": "text", "start": 3, "end": 12})
CLOSED = datetime(2026, 11, 23, 7, 59, tzinfo=UTC)
OPEN = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
"""A Monday, nine o'clock in Italy."""


def signed(*codes: str) -> Texts:
    """The shipped texts, some languages signed by an invented translator."""
    languages = dict(shipped_texts().languages)
    for code in codes:
        languages[code] = replace(languages[code], signed_by="Ada Invernizzi", signed_on=date(2026, 11, 1))
    return Texts(languages)


def decision_for(message: InboundMessage, rules: Rules = RULES, **changes: Any) -> Decision:
    return decide(message, classification(reasons=(PLACE,), **changes), rules, context())


def answer(
    octets: bytes | None = None,
    kind: DispatchKind = ACK,
    rules: Rules = RULES,
    texts: Texts | None = None,
    now: datetime = START,
    envelope: str = "",
    neutral: bool = False,
    asks: bool = False,
    **changes: Any,
) -> Outgoing:
    message = parse(octets or a_mail())
    return compose_for_family(
        kind,
        message,
        decision_for(message, rules, **changes),
        ANNA,
        rules,
        replace(STAMP, now=now),
        texts or shipped_texts(),
        reverse_path=envelope,
        neutral=neutral,
        asks=asks,
    )


def read(outgoing: Outgoing) -> EmailMessage:
    message = message_from_bytes(outgoing.octets, policy=default)
    assert not message.defects
    return message


def plain(outgoing: Outgoing) -> str:
    return _part(outgoing, "plain")


def page(outgoing: Outgoing) -> LexborHTMLParser:
    return LexborHTMLParser(_part(outgoing, "html"))


def _part(outgoing: Outgoing, form: str) -> str:
    body = read(outgoing).get_body((form,))
    assert body is not None
    return cast(str, body.get_content()).replace("\r\n", "\n")


# ------------------------------------------------------------------ fields and envelope


@pytest.mark.parametrize("kind", sorted(TO_FAMILIES))
def test_everything_for_families_has_the_fields_of_rfc_3834_and_no_other(kind: DispatchKind) -> None:
    octets = a_mail(message_id="<uno@family.example>", headers=[("References", "<zero@family.example>")])
    sent = answer(octets, kind)
    message = read(sent)
    assert message.keys() == [
        "From",
        "To",
        "Date",
        "Message-ID",
        "Subject",
        "In-Reply-To",
        "References",
        "Auto-Submitted",
        "X-Auto-Response-Suppress",
        "X-Reti-Smistamento",
        "MIME-Version",
        "Content-Type",
    ]
    assert (sent.reverse_path, sent.forward_path, sent.notify_never) == ("", ANNA, True)
    assert message["From"] == f"{RULES.service.sender_name} <{OURS}>"
    assert message["Subject"] == SUBJECTS[kind].format(code=CODE)
    assert message["Subject"].startswith("Auto: ")
    assert message["In-Reply-To"] == "<uno@family.example>"
    assert message["References"].split()[-1] == "<uno@family.example>"
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


def test_lines_are_within_the_limit_and_ascii() -> None:
    """RFC 5321 section 4.5.3.1.6, whatever the language."""
    for code in shipped_texts().languages:
        octets = answer(language=code, texts=signed(*shipped_texts().languages)).octets
        assert octets.isascii()
        assert max(len(line) for line in octets.split(b"\r\n")) <= 78 + 20
        assert octets.count(b"\n") == octets.count(b"\r\n") == octets.count(b"\r")


def test_the_envelope_is_the_one_that_the_rules_name() -> None:
    def path(envelope: Envelope, *, works: bool = True, own: Envelope | None = None) -> str:
        limits = replace(RULES.acknowledgements, envelope=envelope, dedicated_address="risposte@agency.example")
        rules = replace(RULES, acknowledgements=limits)
        return reverse_path(rules, replace(rules.mailboxes["generale"], envelope=own), "2a-tag", plus_works=works)

    assert path(Envelope.NONE) == ""
    assert path(Envelope.DEDICATED) == "risposte@agency.example"
    assert path(Envelope.PLUS) == "famiglie+2a-tag@agency.example"
    assert RULES.is_own(path(Envelope.PLUS)), "what comes back to it is known as ours"
    assert path(Envelope.PLUS, works=False) == "", "a tag that nobody has proved would lose what comes back"
    assert path(Envelope.PLUS, own=Envelope.NONE) == ""
    assert path(Envelope.NONE, own=Envelope.DEDICATED) == "risposte@agency.example"


def test_a_failure_is_told_only_where_it_finds_its_message() -> None:
    """NOTIFY=NEVER for the null path and for an address that nobody reads; not where a tag waits for the report."""
    limits = replace(RULES.acknowledgements, dedicated_address="risposte@agency.example")
    rules = replace(RULES, acknowledgements=limits)
    assert answer(rules=rules).notify_never
    assert answer(rules=rules, envelope="risposte@agency.example").notify_never
    assert not answer(rules=rules, envelope="famiglie+2a-tag@agency.example").notify_never


# ------------------------------------------------------------------ nothing of the writer's


@settings(deadline=None)
@given(
    st.text(st.sampled_from("QXZJKW"), min_size=7, max_size=12),
    st.sampled_from(["orientamento", "ascolto", "genitorialita", "eventi"]),
    st.sampled_from(sorted(TO_FAMILIES)),
    st.booleans(),
    st.sampled_from(["it", "en", "ro"]),
)
def test_it_holds_nothing_of_the_writers(
    canary: str, topic: str, kind: DispatchKind, neutral: bool, language: str
) -> None:
    """Somebody else may read that mailbox: no word, name or subject of theirs, and no topic."""
    octets = a_mail(
        f"{canary} mio marito mi picchia\n",
        subject=f"aiuto {canary}",
        author=f"{canary} Rossi <{ANNA}>",
        headers=[("X-Note", canary), ("Organization", canary)],
        attachments=[AttachedFile(f"{canary}.pdf", canary.encode())],
        html=f"<p>{canary}</p>",
    )
    sent = answer(octets, kind, neutral=neutral, topic=topic, language=language)
    seen = (plain(sent) + str(page(sent).html) + str(read(sent).items())).casefold()
    for word in (canary, "marito", "picchia", "rossi tramite", "altavilla", topic, "ascolto e colloqui"):
        if word != "ascolto":  # stands in the fixed list of numbers
            assert word.casefold() not in seen


@settings(deadline=None)
@given(st.text(min_size=1, max_size=40), st.text(max_size=80))
def test_it_differs_by_nothing_that_was_written(subject: str, body: str) -> None:
    octets = a_mail(message_id="<uno@family.example>")
    message = replace(parse(octets), subject=subject, new_text=body)
    other = compose_for_family(ACK, message, decision_for(message), ANNA, RULES, STAMP, shipped_texts())
    assert other == answer(octets)


def test_danger_and_illness_leave_no_trace() -> None:
    """The same text for everybody, urgent or not."""
    octets = a_mail(message_id="<uno@family.example>")
    message = parse(octets)
    usual = decision_for(message)
    urgent = replace(usual, urgent=True, topic="ascolto", reasons=(Reason("urgente", {"avvisa": True}),))
    sent = [
        compose_for_family(ACK, message, decision, ANNA, RULES, STAMP, shipped_texts(), neutral=True)
        for decision in (usual, urgent)
    ]
    assert sent[0] == sent[1]


# ------------------------------------------------------------------ what it says


def test_it_names_the_centre_and_a_neutral_one_names_none() -> None:
    assert "Lo abbiamo inviato a: Centro Nord." in plain(answer())
    assert "nord@nord.example" in plain(answer())
    sent = answer(neutral=True)
    for text in (plain(sent), str(page(sent).html)):
        for project in RULES.projects.values():
            for word in (project.centre, project.name, project.contact):
                assert word not in text
        assert f"Una persona di {RULES.service.name} lo leggerà" in text


def test_the_family_corrects_us_by_a_mail_with_the_case_code() -> None:
    """It changes nothing by being followed, and always goes to a person."""
    (link,) = page(answer()).css("a")
    target = urlsplit(str(link.attributes["href"]))
    assert (target.scheme, target.path) == ("mailto", OURS)
    fields = parse_qs(target.query)
    assert fields["subject"] == [f"Non è la mia zona [{CODE}]"]
    assert CODE in fields["body"][0]
    assert "Non è la mia zona" in link.text()
    assert unquote(plain(answer())).count(f"[{CODE}]") == 1
    assert page(answer(neutral=True)).css("a") == [], "nobody was named who could be wrong"


@pytest.mark.parametrize(
    ("now", "closed"),
    [
        (OPEN, False),
        (CLOSED, True),
        (datetime(2026, 11, 23, 12, 0, tzinfo=UTC), True),  # 13.00: lunch
        (datetime(2026, 11, 22, 9, 0, tzinfo=UTC), True),  # Sunday
        (datetime(2026, 4, 6, 9, 0, tzinfo=UTC), True),  # Easter Monday
        (datetime(2026, 7, 6, 7, 30, tzinfo=UTC), False),  # summer time: 9.30
    ],
)
def test_outside_opening_hours_it_says_that_nobody_is_reading(now: datetime, closed: bool) -> None:
    text = plain(answer(now=now, language="en"))
    assert ("In questo momento gli uffici sono chiusi e nessuno sta leggendo la posta." in text) is closed
    assert ("Our offices are closed now. Nobody is reading the mail." in text) is closed


def test_unknown_opening_hours_are_not_called_closed() -> None:
    rules = replace(RULES, service=replace(RULES.service, opening_hours=()))
    text = plain(answer(rules=rules))
    assert "chiusi" not in text
    assert "La posta viene letta solo quando gli uffici sono aperti." in text


@pytest.mark.parametrize("kind", sorted(TO_FAMILIES))
@pytest.mark.parametrize("neutral", [True, False])
@pytest.mark.parametrize("language", sorted(shipped_texts().languages))
def test_the_list_that_is_the_same_for_everybody_stands_in_everything(
    kind: DispatchKind, neutral: bool, language: str
) -> None:
    sent = answer(kind=kind, neutral=neutral, language=language, texts=signed(*shipped_texts().languages))
    assert "Questo elenco è uguale per tutti:" in plain(sent)
    for text in (plain(sent), page(sent).text()):
        for number in NUMBERS:
            assert re.search(rf"\b{number}: \w", text)
        assert CODE in text


@pytest.mark.parametrize("kind", sorted(TO_FAMILIES))
@pytest.mark.parametrize("word", ["triage", "urgente", "al più presto", "quanto prima", "entro", "risponderemo"])
def test_it_promises_nothing_and_never_says_triage(kind: DispatchKind, word: str) -> None:
    text = plain(answer(kind=kind, asks=True)) + plain(answer(kind=kind, neutral=True, now=CLOSED))
    assert not re.search(rf"\b{word}\b", text.casefold())


def test_it_asks_for_the_comune_only_where_it_is_to() -> None:
    assert "Ci dica in quale comune abita" in plain(answer(neutral=True, asks=True))
    assert "comune" not in plain(answer(neutral=True))
    assert "il comune in cui abita" in plain(answer(kind=QUESTION))


def test_a_rule_may_have_a_text_of_its_own_that_only_a_forward_brings() -> None:
    italian = shipped_texts().languages["it"]
    other = replace(italian, others={"corso": italian.texts["domanda"]})
    texts = Texts({**shipped_texts().languages, "it": other})
    rules = replace(RULES, rules=tuple(replace(rule, acknowledgement="corso") for rule in RULES.rules))
    assert "grazie per il suo messaggio" in plain(answer(rules=rules, texts=texts))
    assert "grazie per il suo messaggio" not in plain(answer(rules=rules, texts=texts, neutral=True))
    assert "Lo abbiamo inviato" in plain(answer(rules=rules)), "a text that is gone: the usual one"


# ------------------------------------------------------------------ languages (failure F114)


def languages_in(sent: Outgoing) -> list[str | None]:
    """The languages of the page's sections, in order."""
    return [section.attributes["lang"] for section in page(sent).css("section")]


def test_f114_each_family_gets_their_language_above_the_italian() -> None:
    """freescout#495: acknowledgements in the wrong language."""
    assert languages_in(answer()) == ["it"]
    assert languages_in(answer(language="en")) == ["en", "it"]
    assert languages_in(answer(language="ro", texts=signed("ro"))) == ["ro", "it"]
    text = plain(answer(language="ro", texts=signed("ro")))
    assert text.index("Bună ziua") < text.index("Buongiorno")


def test_f114_a_language_that_nobody_has_signed_is_not_sent() -> None:
    for language in shipped_texts().languages:
        if language not in ("it", "en"):
            assert languages_in(answer(language=language)) == ["it", "en"]


@pytest.mark.parametrize("language", ["it", "en", "ro", "am"])
def test_f114_where_the_language_is_not_sure_it_is_italian_and_easy_english(language: str) -> None:
    sent = answer(language=language, language_confidence=0.3, texts=signed("ro"))
    assert languages_in(sent) == ["it", "en"]
    assert "Hello," in plain(sent)


def test_a_guessed_language_is_said_with_the_decision_and_a_sure_one_is_not() -> None:
    message = parse(a_mail())
    for confidence, unsure in ((0.0, True), (0.6, True), (0.7, False), (1.0, False)):
        reasons = decision_for(message, language_confidence=confidence).reasons
        assert any(reason.code == UNSURE_LANGUAGE for reason in reasons) is unsure


@pytest.mark.parametrize("language", ["ar", "ur"])
def test_right_to_left_is_right(language: str) -> None:
    sent = answer(language=language, texts=signed(language))
    first, second = page(sent).css("section")
    assert first.attributes["dir"] == "rtl"
    assert "text-align:right" in str(first.attributes["style"])
    assert second.attributes["dir"] == "ltr"
    assert "style" not in second.attributes
    # Codes and addresses keep their order inside, and the link's target is untouched.
    assert f"\u2066{CODE}\u2069" in first.text()
    assert "\u2066nord@nord.example\u2069" in first.text()
    assert str(page(sent).css("a")[0].attributes["href"]).startswith(f"mailto:{OURS}?")


# ------------------------------------------------------------------ accessible HTML


@pytest.mark.parametrize("language", sorted(shipped_texts().languages))
def test_the_page_can_be_read_aloud_and_fetches_nothing(language: str) -> None:
    sent = answer(language=language, texts=signed(*shipped_texts().languages))
    tree = page(sent)
    root = tree.css_first("html")
    assert root is not None
    assert root.attributes["lang"] == languages_in(sent)[0]
    title = tree.css_first("title")
    assert title is not None
    assert title.text()
    for section in tree.css("section"):
        assert len(section.css("h1")) == 1
        assert section.css("h2")
        assert section.css("ul > li")
    assert tree.css("img, script, link, style, iframe, form, font, table, [color], [src], [background]") == []
    assert "color" not in str(tree.html)
    assert all(str(link.attributes["href"]).startswith("mailto:") for link in tree.css("a"))


@pytest.mark.parametrize("kind", sorted(TO_FAMILIES))
@pytest.mark.parametrize("language", sorted(shipped_texts().languages))
def test_both_forms_say_the_same(kind: DispatchKind, language: str) -> None:
    sent = answer(kind=kind, language=language, asks=kind is ACK, texts=signed(*shipped_texts().languages))
    shown = " ".join(page(sent).text(separator=" ").split())
    for line in plain(sent).split("\n"):
        line = line.strip().removeprefix("- ")
        if line and not line.startswith("mailto:") and set(line) != {"-", " "}:
            assert " ".join(line.split()) in shown


def test_what_the_rules_say_cannot_become_markup() -> None:
    project = replace(RULES.projects["nord"], centre="<b>Centro</b> & Co", contact='"><script>x</script>')
    rules = replace(RULES, projects={**RULES.projects, "nord": project})
    sent = answer(rules=rules)
    assert page(sent).css("b, script") == []
    assert "<b>Centro</b> & Co" in page(sent).text()
