"""Failures of other systems with hostile mail (numbers of our list), each with a message of the corpus."""

from __future__ import annotations

import pytest

from tests.corpus import writing
from tests.hostile.claims import ask_gate, check_forward, decide_about, forward, read
from tests.hostile.strict_reader import original_of, parts_of, read_strictly
from triage.classify.automatic import judge_automatic
from triage.vocabulary import Action

CORPUS = {f"{group.name}/{case.name}": group.path(case) for group in writing.groups() for case in group.cases}


@pytest.mark.parametrize(
    "name", ["files/smime-signed", "files/smime-triple", "files/pgp-signed", "files/dkim-broken", "files/arc-sets"]
)
def test_f70b_a_signed_message_arrives_as_it_was_signed(name: str) -> None:
    """Parsed and written again, it would not verify: it travels as message/rfc822, octet by octet."""
    octets = CORPUS[name].read_bytes()
    parts = parts_of(check_forward(octets, read(octets), eight_bit=False))
    assert parts[-1].value("Content-Type") == "message/rfc822"
    assert original_of(parts) == octets


@pytest.mark.parametrize("name", ["structure/html-svg-onload", "structure/html-remote-things", "files/name-markup"])
def test_f90_markup_of_strangers_is_never_sent_on_as_markup(name: str) -> None:
    octets = CORPUS[name].read_bytes()
    parts = parts_of(check_forward(octets, read(octets), eight_bit=True))
    kinds = [part.value("Content-Type").partition(";")[0] for part in parts]
    assert "text/html" not in kinds


@pytest.mark.parametrize("name", ["people/person-instructions-to-machines", "people/person-template-signs"])
def test_f91_words_meant_for_machines_are_words(name: str) -> None:
    octets = CORPUS[name].read_bytes()
    message = read(octets)
    outgoing = forward(message, octets, decide_about(message), eight_bit=True)
    sent = read_strictly(outgoing.octets, eight_bit=True)
    assert outgoing.forward_path == sent.value("To") == "nord@nord.example"


@pytest.mark.parametrize("name", [name for name in CORPUS if name.startswith(("reports/dsn-", "reports/bounce-"))])
def test_f1_f4_f5_f8_f11_a_report_of_any_server_is_never_answered(name: str) -> None:
    message = read(CORPUS[name].read_bytes())
    assert not ask_gate(message, decide_about(message)).allowed


@pytest.mark.parametrize(
    "name", [name for name in CORPUS if name.startswith(("robots/absence-", "robots/ticket-", "robots/bulk-parcel"))]
)
def test_f7_f12_f13_f20_robots_are_never_answered(name: str) -> None:
    message = read(CORPUS[name].read_bytes())
    assert not ask_gate(message, decide_about(message)).allowed


def test_f15_f16_fields_that_only_look_like_a_robots_do_not_make_one() -> None:
    for name in ("people/person-oof-suppressed", "people/person-auto-submitted-no"):
        message = read(CORPUS[name].read_bytes())
        assert not judge_automatic(message).automatic
        assert decide_about(message).action is Action.FORWARD
