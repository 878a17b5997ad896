"""What each role may do, as the issue says it."""

from __future__ import annotations

from itertools import pairwise

from triage.acts.people import LADDER, SECOND_FACTOR, Act, Role, may


def allowed(role: Role) -> set[Act]:
    return {act for act in Act if may(role, act)}


def test_each_role_may_what_the_one_before_may_and_more() -> None:
    ladder = [allowed(role) for role in LADDER]
    assert all(lower < higher for lower, higher in pairwise(ladder))


def test_who_only_reads_changes_nothing_and_does_not_see_the_register() -> None:
    assert allowed(Role.READER) == {Act.LOOK}


def test_an_operatore_settles_but_teaches_for_one_message_only() -> None:
    assert allowed(Role.OPERATOR) == {Act.LOOK, Act.TAKE, Act.SETTLE, Act.CORRECT, Act.TEACH_ONCE, Act.SAMPLE}


def test_a_responsabile_does_all_but_people_what_they_did_and_addresses() -> None:
    assert set(Act) - allowed(Role.RESPONSIBLE) == {Act.PEOPLE, Act.ACTS, Act.ADDRESSES}


def test_who_answers_for_data_protection_sees_the_registers_and_does_nothing() -> None:
    assert set(Role) - set(LADDER) == {Role.DATA_PROTECTION}
    assert allowed(Role.DATA_PROTECTION) == {Act.REGISTER, Act.ACTS}


def test_those_who_can_do_harm_or_see_the_register_need_codes() -> None:
    assert {role for role in Role if may(role, Act.STOP) or may(role, Act.REGISTER)} == SECOND_FACTOR
