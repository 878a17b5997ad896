"""What a settlement teaches works on the next message that is like it, and on nothing that a person must read."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.acts.builders import Office, sent
from tests.acts.test_settling import held
from tests.decide.builders import classification
from tests.dispatch.builders import RULES, SUD, a_mail, change_project, classify_by_subject, forwards_in
from tests.dispatch.test_coming_back import code_of, forwarded, from_project, further
from tests.servers.smtp_sink import SmtpSink
from triage import settling
from triage.acts.centres import Choice
from triage.acts.correcting import correct
from triage.acts.outcome import Outcome
from triage.acts.rescoring import BESIDE, NO_ANSWER, Rescorer
from triage.acts.settling import forward, not_for_us
from triage.acts.taught import filed_by
from triage.acts.teaching import Lesson, forget, teach
from triage.acts.undoing import undo
from triage.acts.words import word_taught
from triage.bootstrap import folder_of
from triage.confirmations import CONFIRMED, NOT_CONFIRMED
from triage.explaining import word_hold
from triage.pec.judging import FAILED, UNCONFIRMED
from triage.record.exceptions import ExceptionKind, Taught, all_exceptions
from triage.record.staff_acts import acts_about
from triage.record.tables import rescored
from triage.rules.types import Thresholds
from triage.vocabulary import Classification, InboundMessage, MessageState, Mode, Reason

SENDER, PHRASE, NEVER = ExceptionKind.SENDER, ExceptionKind.PHRASE, ExceptionKind.NEVER
UNSURE = "dubbio"
"""In the subject: the place is named, and the service is not sure enough of it."""


def choose(message: InboundMessage) -> Classification:
    subject = message.subject
    if UNSURE in subject:
        place = "Dossobuono" if "sud" in subject else "Fontanelle" if "ovest" in subject else "Altavilla"
        found = classification(comune_scores={place: 0.6}, unstated=0.4)
        place_named = Reason("luogo_scritto", {"comune": place})
        danger = (Reason("pericolo_non_escluso"),) if "forse pericolo" in subject else ()
        return replace(
            found,
            reasons=(place_named, *danger, *found.reasons),
            urgent="urgente" in subject,
            topic="reclamo" if "reclamo" in subject else found.topic,
        )
    if "lontano" in subject:
        return replace(classification(outside=1.0), reasons=(Reason("fuori_provincia", {}),))
    if "più zone" in subject:
        return classification(comune_scores={"Altavilla": 0.5, "Dossobuono": 0.5}, several=0.9)
    if "in bilico" in subject:
        likelier = "Dossobuono" if "sud" in subject else "Altavilla"
        scores = {"Altavilla": 0.48, "Dossobuono": 0.48} | {likelier: 0.5}
        return replace(classification(comune_scores=scores), reasons=(Reason("luogo_scritto", {"comune": likelier}),))
    if "posto ignoto" in subject:
        return replace(classification(unstated=1.0), reasons=(Reason("luogo_sconosciuto", {}),))
    return classify_by_subject(message)


@pytest.fixture
def office(make_office: Callable[..., Office]) -> Office:
    return make_office(rules=RULES, choose=choose)


def teach_by(
    office: Office, lesson: Lesson, subject: str = UNSURE, choice: Choice | None = None
) -> tuple[int, Outcome]:
    """Anna's message is sent to the south (or where ``choice`` says), and that teaches."""
    key = held(office, subject)
    if lesson.kind is NEVER:
        assert office.act_unread(not_for_us, {key: None})[0].ok
    else:
        assert office.act(forward, key, Choice("sud", comune="Erbezzo")).ok
    return key, office.act(teach, key, lesson)


def exceptions(office: Office) -> list[Taught]:
    return office.look(lambda tx: all_exceptions(tx))


def next_from(office: Office, subject: str = UNSURE, **options: Any) -> int:
    """The next message, once the settlement that taught cannot be undone any more."""
    office.desk.advance(minutes=2)
    [key] = office.desk.take_in(a_mail(subject=f"ancora {subject}", **options))
    return key


def test_the_next_message_of_this_sender_and_place_goes_by_itself(office: Office, smtp_sink: SmtpSink) -> None:
    desk = office.desk
    key, done = teach_by(office, Lesson(SENDER))
    assert (done.ok, done.message_it) == (
        True,
        "I prossimi messaggi di questo mittente, se parlano della zona di «Ente Sud» o parlano di Altavilla o "
        "non dicono il luogo, vanno a «Ente Sud». Vale da qui a due minuti, quando non si può più annullare, "
        "e per 90 giorni; mai se può esserci pericolo.",
    )
    later = next_from(office)
    assert desk.message(later).state == MessageState.DECIDED
    assert desk.decision(later).reasons[0] == Reason("eccezione", {"exception": 1, "project": "sud"})
    desk.advance(minutes=2)
    desk.send()
    assert forwards_in(smtp_sink) == [SUD, SUD]
    [one] = exceptions(office)
    assert (one.uses, one.last_used_at is not None, one.created_by, one.message_id) == (1, True, "carla", key)
    [act] = office.look(lambda tx: acts_about(tx, "exception", one.id))
    assert (act["act"], act["params"]) == ("teach", {"kind": "mittente", "days": 90})
    office.assert_all_closes()


@pytest.mark.parametrize(
    ("subject", "options"),
    [
        (UNSURE, {"author": "altra@family.example", "return_path": "altra@family.example"}),
        (f"{UNSURE} ovest", {}),
        (f"{UNSURE} urgente", {}),
        (f"{UNSURE} forse pericolo", {}),
        (f"{UNSURE} reclamo", {}),
        ("pericolo", {}),
    ],
    ids=["another sender", "another place", "urgent", "perhaps danger", "a complaint", "danger"],
)
def test_what_is_not_like_it_waits_for_a_person(
    office: Office, smtp_sink: SmtpSink, subject: str, options: dict[str, object]
) -> None:
    teach_by(office, Lesson(SENDER))
    later = next_from(office, subject, **options)
    assert office.desk.message(later).state == MessageState.HELD
    assert exceptions(office)[0].uses == 0


def test_the_place_that_the_person_gave_counts_as_well(office: Office) -> None:
    teach_by(office, Lesson(SENDER))
    assert office.desk.decision(next_from(office, f"{UNSURE} sud")).project == "sud"
    assert exceptions(office)[0].uses == 1


def test_a_complaint_teaches_about_complaints(office: Office) -> None:
    teach_by(office, Lesson(SENDER), f"{UNSURE} reclamo")
    assert office.desk.message(next_from(office, f"{UNSURE} reclamo")).state == MessageState.DECIDED


def test_a_phrase_is_enough_whoever_writes_it(office: Office) -> None:
    _, refused = teach_by(office, Lesson(PHRASE, "laboratorio di ceramica"))
    assert refused.code == "frase_non_nel_messaggio"
    key = held(office, f"{UNSURE} Laboratorio  di ceramica")
    office.act(forward, key, Choice("sud"))
    assert office.act(teach, key, Lesson(PHRASE, "di")).code == "frase_corta"
    assert office.act(teach, key, Lesson(PHRASE, "laboratorio DI ceramica")).ok
    other = {"author": "altra@family.example", "return_path": "altra@family.example"}
    with_it = next_from(office, f"{UNSURE} LABORATORIO di ceramica", **other)
    without = next_from(office, UNSURE, **other)
    assert office.desk.decision(with_it).project == "sud"
    assert office.desk.message(without).state == MessageState.HELD
    assert exceptions(office)[0].sender_key == "", "whose phrase it was is not kept"


OTHER = {"author": "altra@family.example", "return_path": "altra@family.example"}


@pytest.mark.parametrize("place", ["nessun luogo", "lontano", "più zone"])
def test_a_phrase_does_not_send_what_strangers_write_of_no_place_of_ours(office: Office, place: str) -> None:
    key = held(office, f"{place} laboratorio di ceramica")
    assert office.act(forward, key, Choice("sud")).ok
    refused = office.act(teach, key, Lesson(PHRASE, "laboratorio di ceramica"))
    assert (refused.code, exceptions(office)) == ("frase_senza_comune", [])
    assert office.act(teach, key, Lesson(SENDER)).code == "mittente_senza_luogo"
    assert office.act_unread(undo, office.settlements(key)[-1].id).ok
    office.act(forward, key, Choice("sud", comune="Erbezzo"))
    assert office.act(teach, key, Lesson(PHRASE, "laboratorio di ceramica")).ok
    later = next_from(office, f"{place} laboratorio di ceramica", **OTHER)
    assert office.desk.message(later).state == MessageState.HELD
    assert exceptions(office)[0].uses == 0
    assert office.desk.decision(next_from(office, f"{UNSURE} sud laboratorio di ceramica", **OTHER)).project == "sud"


@pytest.mark.parametrize(
    ("place", "goes"), [("nessun luogo", True), ("posto ignoto", False), ("lontano", False), ("più zone", False)]
)
def test_of_a_sender_goes_what_says_nothing_of_place_and_nothing_of_another(
    office: Office, place: str, goes: bool
) -> None:
    key = held(office, place)
    office.act(forward, key, Choice("sud", comune="Erbezzo"))
    assert office.act(teach, key, Lesson(SENDER)).ok
    later = next_from(office, place)
    assert (office.desk.message(later).state == MessageState.DECIDED) is goes


@pytest.mark.parametrize("place", ["in bilico", "in bilico sud"])
@pytest.mark.parametrize(
    "lesson", [Lesson(SENDER), Lesson(PHRASE, "laboratorio di ceramica")], ids=["sender", "phrase"]
)
def test_what_may_be_about_either_of_two_places_waits_for_a_person(
    office: Office, smtp_sink: SmtpSink, lesson: Lesson, place: str
) -> None:
    """Altavilla and Dossobuono are as likely: neither is the place of what was taught."""
    subject = f"{UNSURE} laboratorio di ceramica"
    teach_by(office, lesson, subject, Choice("sud", comune="Dossobuono"))
    later = next_from(office, f"{place} laboratorio di ceramica")
    assert (office.desk.message(later).state, exceptions(office)[0].uses) == (MessageState.HELD, 0)
    assert office.desk.decision(next_from(office, f"{UNSURE} sud laboratorio di ceramica")).project == "sud"


def test_what_may_be_about_either_of_two_places_teaches_of_none_of_them(office: Office, smtp_sink: SmtpSink) -> None:
    key = held(office, "in bilico")
    assert office.act(forward, key, Choice("sud")).ok
    assert office.act(teach, key, Lesson(SENDER)).code == "mittente_senza_luogo"
    assert office.act_unread(undo, office.settlements(key)[-1].id).ok
    assert office.act(forward, key, Choice("sud", comune="Erbezzo")).ok
    assert office.act(teach, key, Lesson(SENDER)).ok
    assert office.desk.message(next_from(office)).state == MessageState.HELD, "Altavilla was only one of two"
    assert office.desk.decision(next_from(office, f"{UNSURE} sud")).project == "sud"


def test_the_centre_that_a_person_chose_says_which_of_two_places_it_was(office: Office, smtp_sink: SmtpSink) -> None:
    key = held(office, "in bilico")
    assert office.act(forward, key, Choice("nord")).ok
    assert office.act(teach, key, Lesson(SENDER)).ok
    assert office.desk.decision(next_from(office)).project == "nord"
    assert office.desk.message(next_from(office, f"{UNSURE} sud")).state == MessageState.HELD


def test_what_was_taught_holds_once_it_cannot_be_undone(office: Office, smtp_sink: SmtpSink) -> None:
    desk = office.desk
    key, _ = teach_by(office, Lesson(SENDER))
    desk.advance(seconds=119)
    [early] = desk.take_in(a_mail(subject=f"subito {UNSURE}"))
    assert desk.message(early).state == MessageState.HELD
    undone = office.act_unread(undo, office.settlements(key)[-1].id)
    assert undone.message_it == "Annullato: non è partito niente."
    assert desk.message(next_from(office)).state == MessageState.HELD
    desk.send()
    assert forwards_in(smtp_sink) == []
    office.assert_all_closes()


def test_never_again_from_this_sender(office: Office, smtp_sink: SmtpSink) -> None:
    desk = office.desk
    _, done = teach_by(office, Lesson(NEVER), "forse non per noi, dubbio")
    assert done.ok
    later = next_from(office)
    assert (desk.message(later).state, desk.message(later).file_step) == (MessageState.DECIDED, "ready")
    assert folder_of(desk.rules, desk.decision(later)) == desk.rules.service.folders.not_for_us
    desk.advance(hours=5)
    desk.send()
    assert sent(smtp_sink) == []
    assert desk.message(next_from(office, "pericolo")).state == MessageState.HELD, "danger is always read"
    office.assert_all_closes()


def test_never_again_files_no_clear_request_for_a_centre(office: Office, smtp_sink: SmtpSink) -> None:
    """Whoever sent an advertisement yesterday may write for their child today: a person reads it, and sees why."""
    desk = office.desk
    teach_by(office, Lesson(NEVER), "forse non per noi, dubbio")
    request = next_from(office, "laboratorio del sabato")
    row = desk.message(request)
    assert (row.state, row.hold_reason) == (MessageState.HELD, "mai_piu_con_centro")
    assert desk.decision(request).project, "the proposal stays"
    assert "sembra una richiesta per un centro" in word_hold(row.hold_reason)
    [one] = exceptions(office)
    assert one.uses == 0, "it has filed nothing"
    filed = next_from(office)
    assert [row.id for row in office.look(lambda tx: filed_by(tx, one))] == [filed]
    assert office.act_unread(forget, one.id).ok
    free = next_from(office, "laboratorio del mercoledì")
    assert desk.message(free).state == MessageState.DECIDED
    desk.advance(minutes=2)
    desk.send()
    assert len(forwards_in(smtp_sink)) == 1
    office.assert_all_closes()


def test_the_gate_is_never_overridden(office: Office, smtp_sink: SmtpSink) -> None:
    desk = office.desk
    teach_by(office, Lesson(SENDER))
    desk.rules = change_project(RULES, "sud", mode=Mode.PROPOSAL)
    later = next_from(office)
    assert desk.outcome(later) == (MessageState.HELD, "modo_proposta")
    assert desk.decision(later).project == "sud", "as a proposal"


def test_it_expires_is_ended_and_ends_with_an_undone_settlement(office: Office) -> None:
    desk = office.desk
    teach_by(office, Lesson(SENDER, days=1))
    desk.advance(days=1)
    assert desk.message(next_from(office)).state == MessageState.HELD, "expired"
    key, _ = teach_by(office, Lesson(SENDER), f"altro {UNSURE}")
    number = exceptions(office)[0].id
    assert office.act_unread(forget, number, person=office.bruno).code == "non_permesso"
    assert office.act_unread(forget, number).ok
    assert office.act_unread(forget, number).code == "eccezione_finita"
    assert desk.message(next_from(office, f"b {UNSURE}")).state == MessageState.HELD, "ended"
    key, _ = teach_by(office, Lesson(SENDER), f"terzo {UNSURE}")
    assert office.act_unread(undo, office.settlements(key)[-1].id).ok
    assert desk.message(next_from(office, f"c {UNSURE}")).state == MessageState.HELD, "undone"
    office.assert_all_closes()


def test_who_may_not_and_what_cannot_teach_is_said(office: Office) -> None:
    key = held(office, UNSURE)
    assert office.act(teach, key, Lesson(SENDER)).code == "non_smistato"
    office.act(forward, key, Choice("sud"))
    assert office.act(teach, key, Lesson(SENDER), person=office.bruno).code == "non_permesso"
    assert office.act(teach, key, Lesson(NEVER)).code == "non_smistato"
    assert office.act(teach, key, Lesson(SENDER, days=0)).code == "durata_non_valida"
    assert office.act(teach, key, Lesson(SENDER, days=366)).code == "durata_non_valida"
    urgent = held(office, "oggi")
    office.act(forward, urgent, Choice("sud"))
    assert office.act(teach, urgent, Lesson(SENDER)).code == "pericolo_non_insegna"
    assert exceptions(office) == []


# --------------------------------------------------------------------------- looking again at what waits


def look_again(office: Office) -> None:
    desk = office.desk
    rescorer = Rescorer(desk.store, desk.knowledge.as_knowledge(), desk.parsed)
    for _ in range(50):
        if not rescorer.work():
            return
    raise AssertionError("it finds no end")


def marks(office: Office, *keys: int) -> dict[int, tuple[str, str]]:
    generations = {key: office.desk.message(key).generation for key in keys}
    rows = office.look(lambda tx: tx.execute(sa.select(rescored).where(rescored.c.message_id.in_(keys))).all())
    now = [row for row in rows if row.generation == generations[row.message_id]]
    return {row.message_id: (row.project, row.why) for row in now}


def test_what_waits_is_marked_when_something_was_taught_and_never_sent(office: Office, smtp_sink: SmtpSink) -> None:
    desk = office.desk
    look_again(office)
    waiting, danger = held(office, f"prima {UNSURE}"), held(office, "pericolo")
    teach_by(office, Lesson(SENDER))
    look_again(office)
    [meanwhile] = desk.take_in(a_mail(subject=f"intanto {UNSURE}"))
    look_again(office)
    assert marks(office, waiting, danger, meanwhile) == {}, "the rule does not work yet: it may be taken back"
    desk.advance(minutes=2)
    look_again(office)
    assert marks(office, waiting, danger, meanwhile) == dict.fromkeys([waiting, meanwhile], ("sud", "eccezione"))
    assert desk.outcome(waiting) == (MessageState.HELD, "fiducia_bassa")
    desk.advance(hours=1)
    desk.decide()
    desk.send()
    assert forwards_in(smtp_sink) == [SUD], "the settled one alone"
    office.act_unread(forget, exceptions(office)[0].id)
    look_again(office)
    assert marks(office, waiting) == {}
    office.assert_all_closes()


def test_what_waits_is_marked_under_new_rules(office: Office) -> None:
    look_again(office)
    waiting = [held(office, f"{number} {UNSURE}") for number in range(45)]
    generous = Thresholds(0.5, 0.5, ("it", "en"))
    office.desk.rules = replace(RULES, version="new", thresholds=generous)
    look_again(office)
    assert marks(office, *waiting) == dict.fromkeys(waiting, ("nord", "regole"))
    office.act(forward, waiting[0], Choice("nord"))
    office.act_unread(undo, office.settlements(waiting[0])[-1].id)
    assert waiting[0] not in marks(office, *waiting), "somebody has looked at it since"


def another_version(office: Office) -> None:
    office.desk.rules = replace(office.desk.rules, version=f"{office.desk.rules.version}+")
    look_again(office)


def test_what_waits_for_another_reason_than_the_rules_is_not_marked_by_new_rules_that_say_the_same(
    office: Office, smtp_sink: SmtpSink
) -> None:
    """A family that says that we were wrong, and a message of a case that is about another zone."""
    desk = office.desk
    look_again(office)
    key = forwarded(desk, message_id="<prima@family.example>")
    [elsewhere] = desk.take_in(further(desk, key, subject="Re: sud"))
    [wrong] = desk.take_in(further(desk, key, subject="Non è la mia zona", code=True))
    assert [desk.outcome(one)[1] for one in (elsewhere, wrong)] == ["cambia_zona", "correzione_della_famiglia"]
    another_version(office)
    assert marks(office, elsewhere, wrong) == {}
    code = code_of(desk, key)
    desk.take_in(from_project(f"Non è per noi [{code}]", f"Codice: {code}\n"))
    assert desk.outcome(key) == (MessageState.HELD, "restituito")
    another_version(office)
    assert marks(office, key, wrong, elsewhere) == {elsewhere: ("sud", "regole")}, "its case is nobody's any more"


def test_every_reason_for_which_a_message_is_held_beside_the_rules_is_known_here() -> None:
    source = Path(settling.__file__).read_text(encoding="utf-8")
    written = set(re.findall(r'_held\(decision, "(\w+)"\)', source))
    assert len(written) >= 4
    assert written <= BESIDE
    assert {CONFIRMED, NOT_CONFIRMED} <= BESIDE
    assert {FAILED, UNCONFIRMED} <= NO_ANSWER


def test_a_taught_rule_is_worded_as_it_is_applied(office: Office) -> None:
    teach_by(office, Lesson(SENDER))
    other = {"author": "altra@family.example", "return_path": "altra@family.example"}
    key = held(office, f"{UNSURE} Laboratorio di ceramica", **other)
    office.act(forward, key, Choice("sud"))
    office.act(teach, key, Lesson(PHRASE, "laboratorio di ceramica"))
    told = exceptions(office)
    never, phrase, sender = (
        word_taught(one, office.desk.rules, "«Anna»") for one in (replace(told[1], kind=NEVER), *told)
    )
    assert sender == (
        "I messaggi di «Anna», se parlano della zona di «Ente Sud» o parlano di Altavilla o non dicono il luogo, "
        "vanno a «Ente Sud»."
    )
    assert phrase == (
        "I messaggi con la frase «laboratorio di ceramica», se parlano della zona di «Ente Nord», vanno a «Ente Sud»."
    )
    assert never == "I messaggi di «Anna» si archiviano come non per noi, tranne le richieste chiare per un centro."


# --------------------------------------------------------------------------- a rule that sends wrong


def gone_wrong(office: Office) -> int:
    """The next message of a sender whose rule sends to the south, and that the south has got."""
    teach_by(office, Lesson(SENDER))
    key = next_from(office)
    office.desk.advance(minutes=2)
    office.desk.send()
    assert office.desk.message(key).state == MessageState.FORWARDED
    return key


def test_correcting_ends_the_rule_that_sent_it_wrong_whoever_corrects(office: Office, smtp_sink: SmtpSink) -> None:
    key = gone_wrong(office)
    done = office.act(correct, key, Choice("nord"), "zona", person=office.bruno)
    assert done.ok
    assert "La regola imparata che lo aveva mandato lì non vale più." in done.message_it
    assert exceptions(office)[0].ended_at is not None
    assert office.desk.message(next_from(office)).state == MessageState.HELD, "the next one does not go wrong"
    acts = office.look(lambda tx: acts_about(tx, "exception", 1))
    assert [(act["act"], act["actor"], act["params"]) for act in acts][1:] == [("forget", "bruno", {"message": key})]
    office.assert_all_closes()


def test_an_undone_correction_gives_the_rule_back(office: Office, smtp_sink: SmtpSink) -> None:
    key = gone_wrong(office)
    done = office.act(correct, key, Choice("nord"), "zona")
    assert office.act_unread(undo, done.settlement_id).ok
    assert exceptions(office)[0].ended_at is None
    assert office.desk.message(next_from(office)).state == MessageState.DECIDED
    office.assert_all_closes()


@pytest.mark.parametrize(("why", "forget"), [("zona", False), ("pieno", True)], ids=["kept", "no mistake"])
def test_a_rule_is_kept_when_asked_or_when_it_was_right(
    office: Office, smtp_sink: SmtpSink, why: str, forget: bool
) -> None:
    key = gone_wrong(office)
    done = office.act(correct, key, Choice("nord"), why, forget=forget)
    assert done.ok
    assert "non vale più" not in done.message_it
    assert exceptions(office)[0].ended_at is None


def test_what_a_rule_filed_ends_the_rule_when_it_is_sent_on_after_all(office: Office, smtp_sink: SmtpSink) -> None:
    teach_by(office, Lesson(NEVER), "forse non per noi, dubbio")
    key = next_from(office)
    assert office.act(correct, key, Choice("sud"), "altro").ok
    assert exceptions(office)[0].ended_at is not None
