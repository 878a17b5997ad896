"""What the page shows before an act is, letter for letter, what leaves after it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.acts.builders import Office, sent
from tests.acts.test_settling import held
from tests.acts.test_undoing import forwarded
from tests.dispatch.builders import ANNA, NORD, SUD
from tests.rules.builders import OTHERS, build_rules
from tests.rules.test_offices import OFFICES
from tests.servers.smtp_sink import SmtpSink
from triage.acts.answering import Written, refer, reply
from triage.acts.asking import ask_comune
from triage.acts.centres import Choice
from triage.acts.correcting import correct
from triage.acts.preview import Asking, Correcting, Preview, What, preview
from triage.dispatch.shown import shown
from triage.dispatch.text_files import shipped_texts
from triage.vocabulary import MessageState


@pytest.fixture
def office(make_office: Callable[..., Office]) -> Office:
    return make_office(rules=build_rules(others=OTHERS + OFFICES))


def look(office: Office, key: int, what: What) -> Preview:
    desk = office.desk
    return office.look(lambda tx: preview(tx, desk.rules, desk.parsed, key, what))


def letters(office: Office, before: Preview) -> list[tuple[str, str, str, str]]:
    assert before.refused is None
    texts = shipped_texts()
    mails = [shown(one, office.desk.rules, texts) for one in before.leaving]
    return sorted((mail.to, mail.sender, mail.subject, mail.text) for mail in mails)


def left(office: Office, sink: SmtpSink, since: int) -> list[tuple[str, str, str, str]]:
    office.desk.advance(minutes=2)
    office.desk.send()
    return sorted((mail.to, mail.sender, mail.subject, mail.text) for mail in sent(sink)[since:])


def test_a_correction_shows_the_new_centre_the_recall_and_what_the_family_hears(
    office: Office, smtp_sink: SmtpSink
) -> None:
    key = forwarded(office.desk)
    before = look(office, key, Correcting(Choice("sud"), "zona"))
    assert {one.to for one in before.leaving} == {SUD, NORD, ANNA}
    since = len(sent(smtp_sink))
    assert office.act(correct, key, Choice("sud"), "zona").ok
    assert left(office, smtp_sink, since) == letters(office, before)


@pytest.mark.parametrize("written", [Written("Buongiorno,\n\nva bene sabato."), Written("Luca.", "vicino")])
def test_an_answer_is_shown_as_it_leaves(office: Office, smtp_sink: SmtpSink, written: Written) -> None:
    key = held(office)
    before = look(office, key, written)
    if written.office:
        assert office.act(refer, key, written.office, words=written.text).ok
    else:
        assert office.act(reply, key, written.text).ok
    assert left(office, smtp_sink, 0) == letters(office, before)


def test_the_question_is_shown_as_it_leaves(office: Office, smtp_sink: SmtpSink) -> None:
    key = held(office, "nessun luogo")
    before = look(office, key, Asking())
    assert office.act(ask_comune, key).ok
    assert left(office, smtp_sink, 0) == letters(office, before)
    again = look(office, key, Asking()).refused
    assert again is not None
    assert again.code == "gia_chiesto"


def test_staff_are_warned_where_somebody_else_may_read_it(office: Office) -> None:
    key = held(office)
    assert look(office, key, Written("Testo")).notes == ()
    assert "un'altra persona legge" in look(office, key, Written("", "tutti")).notes[0]
    elsewhere = held(office, headers=[("Reply-To", "altro@lavoro.example")])
    assert "non è quello di chi scrive" in look(office, elsewhere, Written("Testo")).notes[0]


def test_looking_changes_nothing(office: Office) -> None:
    key = held(office)
    rows = (office.desk.states(key), office.desk.events(key))
    for what in (Choice("sud"), Correcting(Choice("sud"), "zona"), Written("x"), Written("", "tutti"), Asking()):
        look(office, key, what)
    assert (office.desk.states(key), office.desk.events(key)) == rows
    assert office.desk.message(key).state == MessageState.HELD


def test_a_centre_that_is_not_the_comune_s_is_shown_with_a_warning(office: Office) -> None:
    key = held(office)
    assert look(office, key, Choice("sud", comune="Altavilla")).notes[-1] == (
        "Attenzione: Altavilla è nella zona di «Ente Nord», non di «Ente Sud». Il messaggio va a «Ente Sud»: "
        "se non è voluto, torna indietro."
    )
    assert look(office, key, Choice("nord", comune="Altavilla")).notes == ()
