"""Each failure of other systems (sections A to G of our list) has a test here that would show it.

Most tests are named after their failure (``test_f18_...``). Those that were there before the list are named by it here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
NUMBERS = [*(f"F{number}" for number in range(1, 94)), "F70b"]

SHOWN_BY: Mapping[str, str] = {
    # intake stops silently
    "F21": "intake/test_waiting.py::test_black_hole_in_idle_is_noticed",
    "F22": "intake/test_waiting.py::test_black_hole_ends_with_the_time_out_and_a_fresh_connection",
    "F23": "intake/test_connection.py::test_server_that_never_greets_ends_with_the_time_out",
    "F24": "intake/test_waiting.py::test_bye_in_idle_leads_to_a_fresh_connection",
    "F25": "intake/test_waiting.py::test_server_that_is_down_is_not_hammered",
    "F26": "intake/test_waiting.py::test_bye_at_any_command_costs_a_pass_and_no_mail",
    "F29": "dispatch/test_deciding.py::test_message_that_the_classifier_fails_on_is_quarantined_alone",
    "F30": "dispatch/test_wire.py::test_what_a_dead_worker_left_on_the_wire_is_unknown_and_sent_again",
    "F31": "flow/test_watchdog.py::test_worker_ends_itself_whatever_the_record_does",
    "F34": "intake/test_connection.py::test_refused_login_is_one_incident_without_secrets",
    # lost mail
    "F35": "intake/test_colleagues.py::test_flags_of_colleagues_change_nothing",
    "F36": "intake/test_fetching.py::test_reading_never_marks_a_message_as_read",
    "F37": "intake/test_fetching.py::test_5000_messages_after_an_outage_in_bounded_memory_and_few_steps",
    "F38": "intake/test_listing.py::test_mail_that_comes_between_select_and_search_is_new",
    "F39": "intake/test_filing.py::test_nothing_is_moved_before_the_forward_was_accepted",
    "F40": "intake/test_listing.py::test_full_disk_while_octets_are_recorded_loses_nothing",
    "F41": "crash/test_crash.py::test_a_crash_at_any_step_loses_nothing_and_answers_nobody_twice",
    "F42": "dispatch/test_deciding.py::test_message_id_used_again_with_another_body_is_another_message",
    "F43": "intake/test_old_mail.py::test_form_that_gives_all_letters_one_message_id_is_read",
    "F44": "dispatch/test_deciding.py::test_messages_without_message_id_are_not_taken_for_one",
    "F45": "record/test_intake.py::test_the_same_uid_under_another_uidvalidity_is_another_message",
    "F46": "intake/test_renumbering.py::test_known_messages_are_matched_and_go_on_under_their_new_numbers",
    "F47": "intake/test_fetching.py::test_message_of_60_megabytes_stays_with_its_header_section_kept",
    "F48": "dispatch/test_deciding.py::test_twin_in_another_mailbox_is_matched_one_forward_one_answer",
    "F49": "intake/test_mailboxes.py::test_one_mailbox_has_one_reader",
    "F50": "dispatch/test_deciding.py::test_third_crash_quarantines_that_message_and_keeps_its_octets",
    "F51": "dispatch/test_deciding.py::test_letter_that_a_colleague_drags_to_another_inbox_goes_on_there",
    "F53": "intake/test_filing.py::test_without_move_only_our_own_are_expunged",
    # duplicates and half-sends
    "F54": "intake/test_filing.py::test_crash_between_copy_and_removal_copies_once",
    "F55": "record/test_claims.py::test_workers_that_claim_at_once_never_get_the_same_message",
    "F56": "dispatch/test_wire.py::test_two_workers_send_everything_once",
    "F57": "dispatch/test_wire.py::test_answer_that_could_not_be_recorded_is_recorded_by_the_next_run",
    "F58": "dispatch/test_answers.py::test_failing_quit_is_harmless",
    "F59": "intake/test_appearances.py::test_message_that_was_filed_and_put_back_is_held",
    "F60": "intake/test_listing.py::test_what_is_there_before_the_first_look_stays_where_it_is",
    "F61": "dispatch/test_wire.py::test_kept_connection_that_the_server_has_ended_costs_no_attempt",
    # reading
    "F66": "parse/test_totality.py::test_any_octets",
    # accounts and SMTP
    "F82": "intake/test_waiting.py::test_server_without_idle_is_polled",
    "F83": "dispatch/test_compose.py::test_forward_is_a_new_message_from_us_that_is_answered_to_the_author",
    "F85": "dispatch/test_wire.py::test_connections_are_used_again_and_limited_in_number",
    # identity and threading
    "F87": "dispatch/test_coming_back.py::test_a_false_code_is_no_code",
    "F89": "dispatch/test_coming_back.py::test_a_further_message_that_names_another_zone_waits",
    "F92": "dispatch/test_policy.py::test_what_follows_from_an_answer",
    "F93": "intake/test_connection.py::test_server_without_starttls_is_told_no_password",
}
"""The test that would show a failure, where its name does not say so."""


@lru_cache
def functions_of(name: str) -> frozenset[str]:
    """Names of the test functions of one file."""
    tree = ast.parse((TESTS / name).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@lru_cache
def named() -> frozenset[str]:
    """Failures after which some test is named."""
    files = [path.relative_to(TESTS).as_posix() for path in TESTS.rglob("test_*.py")]
    names = [name for file in files for name in functions_of(file) if name.startswith("test_f")]
    return frozenset(f"F{number}" for name in names for number in re.findall(r"(?<=_f)\d+b?(?=_)", name))


@pytest.mark.parametrize("number", NUMBERS)
def test_a_failure_of_another_system_has_its_test(number: str) -> None:
    if number not in SHOWN_BY:
        assert number in named()
        return
    assert number not in named(), "its name says so: take it off the list"
    file, _, test = SHOWN_BY[number].partition("::")
    assert test in functions_of(file)
