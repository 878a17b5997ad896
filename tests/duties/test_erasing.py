"""A person is erased: what was theirs goes, nothing of others, and nothing that something still needs."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.duties.builders import (
    ANNA,
    BRUNO,
    CLERK,
    ERASED,
    FILED,
    dossier,
    erased,
    key_of,
    label,
    letter,
    planned_for,
    states,
    wait,
    write,
)
from tests.record.builders import MovedClock, a_mailbox, claim, dispatches, message, receive
from triage.duties import erasing
from triage.duties.erasing import erase
from triage.duties.finding import Part
from triage.record import Store
from triage.record.exceptions import add_exception, live_exceptions
from triage.record.ledger import compute_ledger
from triage.record.messages import change_state, same_octets
from triage.record.octets import read_octets
from triage.record.of_person import Against
from triage.record.people_tables import staff_acts
from triage.record.person_requests import erasures_of_labelled
from triage.record.protocol import note_exported, note_to_register
from triage.record.purges import hold, let_go
from triage.record.staff_acts import verify_acts
from triage.record.tables import (
    attempts,
    cases,
    messages,
    misroutes,
    person_requests,
    samples,
    settlements,
    staff_texts,
)
from triage.vocabulary import MessageState


def differences(store: Store) -> tuple[str, ...]:
    with store.read("ledger") as tx:
        return compute_ledger(tx).differences


def octets_left(store: Store, number: int) -> bool:
    sha256 = message(store, number).sha256 or ""
    with store.read("look") as tx:
        return bool(read_octets(tx, [sha256]))


def case_of(store: Store, number: int) -> int:
    return message(store, number).case_id or 0


def test_all_of_a_person_goes_and_nothing_of_another(store: Store) -> None:
    first, second, other = write(store, ANNA), write(store, ANNA), write(store, BRUNO)
    label(store, first, note="ha chiamato la nonna", text="Gentile Anna")
    plan, done = erased(store, "Anna.Rossi+liste@EXAMPLE.org")
    assert (done.messages, done.sendings, done.labelled, done.kept) == (2, 2, 1, 0)
    assert states(store, first, second, other) == [ERASED, ERASED, FILED]
    assert [octets_left(store, number) for number in (first, second, other)] == [False, False, True]
    assert [message(store, number).author_key is None for number in (first, second, other)] == [True, True, False]
    key = key_of(store, ANNA)
    with store.read("look") as tx:
        assert tx.execute(sa.select(staff_texts)).all() == []
        assert tx.execute(sa.select(settlements.c.note)).scalars().all() == [""]
        for column in (messages.c.author_key, cases.c.author_key, person_requests.c.person_key):
            assert tx.execute(sa.select(sa.func.count()).where(column == key)).scalar_one() == 0
        left = {one.forward_path for number in (first, second) for one in dispatches(store, number)}
        assert ANNA not in left
        assert ANNA not in str(tx.execute(sa.select(attempts.c.reply)).scalars().all())
    assert plan.projects == {"oglio_po": 2}
    assert plan.places == {("ufficio", "Smistati"): 2}
    assert differences(store) == ()


def test_said_again_there_is_nothing_and_the_same_mail_is_known_when_it_comes_again(store: Store) -> None:
    octets = letter(ANNA)
    number = write(store, ANNA, octets=octets)
    erased(store, ANNA)
    assert planned_for(store, ANNA)[1].empty
    with store.read("look") as tx:
        assert [row.id for row in same_octets(tx, [message(store, number).sha256 or ""])] == [number]


def test_the_act_names_the_request_and_counts_and_never_the_address(store: Store) -> None:
    write(store, ANNA)
    erased(store, ANNA)
    with store.read("look") as tx:
        acts = tx.execute(sa.select(staff_acts.c.act, staff_acts.c.params).order_by(staff_acts.c.id)).all()
        assert verify_acts(tx) == ()
    assert [row.act for row in acts] == ["erase_person_begun", "erase_person"]
    assert acts[-1].params == {
        "reference": "RPD-7", "messages": 1, "sendings": 1, "labelled": 0, "taught": 0, "kept": 0,
    }  # fmt: skip
    assert "anna" not in str(acts).lower()


@pytest.mark.parametrize(
    "why",
    list(Against),
)
def test_a_case_that_something_needs_stays_whole_and_the_others_go(
    store: Store, clock: MovedClock, why: Against
) -> None:
    free = write(store, ANNA)
    kept = write(store, ANNA, later=why is Against.SENDING)
    case = case_of(store, kept)
    _against(store, kept, case, why)
    plan, done = erased(store, ANNA)
    assert [one.why for one in plan.refused if one.case.id == case] == [(why,)]
    assert (done.messages, done.kept) == (1, plan.kept)
    assert octets_left(store, kept)
    assert not octets_left(store, free)
    assert message(store, kept).author_key == key_of(store, ANNA), "whoever asks again finds it"
    assert differences(store) == ()
    if why is Against.LEGAL_HOLD:
        with store.write("release") as tx:
            assert let_go(tx, case)
    elif why is Against.UNDOABLE:
        clock.forward(timedelta(minutes=5))
    elif why is Against.UNREGISTERED:
        with store.write("export") as tx:
            assert note_exported(tx, [kept], "anna") == [kept]
    else:
        return
    assert erased(store, ANNA)[1].messages == 1
    assert not octets_left(store, kept)


def _against(store: Store, number: int, case: int, why: Against) -> None:
    if why is Against.WAITING:
        wait(store, ANNA, case)
        return
    if why is Against.SENDING:
        return  # its acknowledgement has not left
    if why is Against.UNDOABLE:
        label(store, number, undo=timedelta(minutes=2))
        return
    if why is Against.REGISTER_OPEN:
        label(store, number)
    with store.write("against") as tx:
        if why is Against.LEGAL_HOLD:
            hold(tx, case, "causa in corso")
        elif why is Against.REGISTER_OPEN:
            sent = next(one.id for one in dispatches(store, number))
            row = {"case_id": case, "message_id": number, "found_at": tx.now, "found_by": "anna", "wrong_project": "a"}
            made = tx.execute(sa.select(settlements.c.id)).scalar_one()
            more = {"settlement_id": made, "wrong_dispatch_id": sent, "right_project": "b", "categories": []}
            tx.execute(misroutes.insert().values(**row, **more))
        elif why is Against.UNREGISTERED:
            assert note_to_register(tx, {number: "pec"}) == 1
        else:
            numbers = {"floor": 1.0, "probability": 1.0, "confidence": 0.9, "generation": 1}
            texts = dict.fromkeys(("territory", "comune", "topic", "destination"), "")
            row = {
                "message_id": number,
                "kind": "automatico",
                "drawn_at": tx.now,
                "chosen": True,
                "project": "oglio_po",
            }
            tx.execute(samples.insert().values(**row, **numbers, **texts, model_version="m"))


def test_what_another_person_wrote_in_the_case_stays(store: Store) -> None:
    mine = write(store, ANNA)
    case = case_of(store, mine)
    theirs = write(store, BRUNO, case_id=case)
    found = dossier(store, ANNA)
    assert {item.row.id: item.part for item in found.items()} == {mine: Part.WROTE, theirs: Part.OTHER}
    plan, _ = erased(store, ANNA)
    assert (plan.messages, plan.of_others) == (1, 1)
    assert states(store, mine, theirs) == [ERASED, FILED]
    assert octets_left(store, theirs)
    assert planned_for(store, BRUNO)[1].messages == 1


def test_the_same_octets_in_two_mailboxes_go_from_both(store: Store) -> None:
    octets = letter(ANNA)
    first = write(store, ANNA, octets=octets)
    box = a_mailbox(store, "seconda")
    (second,) = receive(store, box, [octets])
    assert [one.why for one in planned_for(store, ANNA)[1].refused] == [(Against.WAITING,)]
    claim(store)
    row = message(store, second)
    with store.write("twin") as tx:
        change_state(tx, row, MessageState.MATCHED, "decided", same_as=first)
    erased(store, ANNA)
    assert states(store, first, second) == [ERASED, ERASED]
    assert not octets_left(store, first)
    assert differences(store) == ()


def test_mail_that_nobody_has_decided_is_found_by_its_octets(store: Store) -> None:
    (number,) = receive(store, a_mailbox(store), [letter(f"Anna <{ANNA.upper()}>")])
    _, plan = planned_for(store, ANNA)
    assert [(one.why, [item.row.id for item in one.case.items]) for one in plan.refused] == [
        ((Against.WAITING,), [number])
    ]
    assert planned_for(store, BRUNO)[1].empty


def test_a_form_and_mail_passed_on_are_found_only_by_opening_every_original(store: Store) -> None:
    form = write(store, "modulo@example.net", octets=letter("modulo@example.net", headers=[("Reply-To", ANNA)]))  # type: ignore[arg-type]
    assert planned_for(store, ANNA)[1].empty
    found, plan = planned_for(store, ANNA, inside=True)
    assert {item.row.id: item.part for item in found.items()} == {form: Part.FORM}
    assert plan.messages == 1
    erased(store, ANNA, inside=True)
    assert not octets_left(store, form)


def test_what_was_taught_about_the_sender_ends_and_names_nobody(store: Store, clock: MovedClock) -> None:
    number, other = write(store, ANNA), write(store, BRUNO)
    until = clock.now() + timedelta(days=90)
    annas, brunos = key_of(store, ANNA), key_of(store, BRUNO)
    with store.write("teach") as tx:
        add_exception(tx, until, kind="mittente", sender_key=annas, message_id=number)
        add_exception(tx, until, kind="frase", phrase="sportello di via Garibaldi", message_id=number)
        kept = add_exception(tx, until, kind="mittente", sender_key=brunos, message_id=other)
    plan, _ = erased(store, ANNA)
    assert plan.taught == 2
    with store.read("look") as tx:
        assert [one.id for one in live_exceptions(tx)] == [kept]


def test_cut_off_after_any_step_it_goes_on_and_counts_on(store: Store) -> None:
    numbers = [write(store, ANNA) for _ in range(4)]
    found, plan = planned_for(store, ANNA)
    calls = iter([False, False, False, True])
    erase(store, found, plan, CLERK, "RPD-7", stopped=lambda: next(calls, True))
    assert sorted(states(store, *numbers)).count(ERASED) in (1, 2, 3)
    assert differences(store) == ()
    _, done = erased(store, ANNA)
    assert (done.messages, done.sendings) == (4, 4)
    assert states(store, *numbers) == [ERASED] * 4


def test_cut_off_at_its_very_end_it_is_ended_the_next_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    write(store, ANNA)
    found, plan = planned_for(store, ANNA)
    with monkeypatch.context() as patch:
        patch.setattr(erasing, "_end", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            erase(store, found, plan, CLERK, "RPD-7")
    again = planned_for(store, ANNA)[1]
    assert (again.free, again.begun, again.empty) == ([], True, False)
    assert erased(store, ANNA)[1].messages == 1
    with store.read("look") as tx:
        assert tx.execute(sa.select(person_requests.c.person_key)).scalars().all() == [""]
    assert planned_for(store, ANNA)[1].empty


def _interrupted(*_arguments: object) -> None:
    raise KeyboardInterrupt


def test_labels_of_what_was_erased_are_told_by_their_days(store: Store) -> None:
    number = write(store, ANNA)
    label(store, number)
    erased(store, ANNA)
    with store.read("look") as tx:
        (one,) = erasures_of_labelled(tx)
        assert (one.labelled, one.labelled_from, one.labelled_to) == (1, tx.now.date(), tx.now.date())
