"""Where a family may be answered: the Return-Path by proof, else only what the agency's own server vouches for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.decide.builders import AUTHOR, NOW, RULES, classification, context, history, message
from triage.decide import GateVerdict, decide, may_acknowledge, may_ask, may_tell_of_reroute
from triage.decide.gate import only_place_is_missing
from triage.rules import Rules
from triage.rules.types import WebForm, WithoutReturnPath
from triage.vocabulary import Action, Address, Classification, InboundMessage, Reason

OURS = "mx.agency.example"
FIELD = "Authentication-Results"
PASSED = (FIELD, f"{OURS}; dmarc=pass header.from=family.example")
FORM = "modulo@site.example"
SIGNED = (FIELD, f"{OURS}; dkim=pass header.d=site.example")


def with_server(rules: Rules = RULES, **changes: Any) -> Rules:
    """Rules of an agency whose server is named; ``changes`` are of its acknowledgements."""
    service = replace(rules.service, authserv_id=OURS)
    return replace(rules, service=service, acknowledgements=replace(rules.acknowledgements, **changes))


BY_DMARC = with_server(return_path=WithoutReturnPath.FROM_IF_DMARC_PASS)
FORMS = with_server(web_forms=(WebForm(FORM, 1, "dkim"),))


def answered(
    received: InboundMessage, rules: Rules, content: Classification | None = None, *, proved: bool = True
) -> GateVerdict:
    about = context(return_path_proved=proved)
    decision = decide(received, content or classification(), rules, about)
    return may_acknowledge(received, decision, rules, history(), NOW, about)


def codes(verdict: GateVerdict) -> list[str]:
    return [reason.code for reason in verdict.reasons]


# ------------------------------------------------------------------ the Return-Path


def test_a_return_path_that_nobody_has_proved_is_not_answered() -> None:
    """The sender himself may have written it, and named a victim (failure F19)."""
    assert codes(answered(message(), RULES, proved=False)) == ["percorso_non_provato"]
    assert answered(message(), RULES).allowed


def test_f19_a_sender_who_is_not_authenticated_is_not_answered_where_our_server_tells() -> None:
    """alaveteli#217: answers to forged senders are backscatter."""
    assert codes(answered(message(), with_server())) == ["mittente_non_autenticato"]
    failed = message((FIELD, f"{OURS}; dmarc=fail header.from=family.example"))
    assert codes(answered(failed, with_server())) == ["mittente_non_autenticato"]
    assert answered(message(PASSED), with_server()) == GateVerdict(True, AUTHOR, False, ())


def test_f19_a_proved_author_cannot_name_a_victim_as_return_path() -> None:
    received = message(PASSED, reverse_path="victim@other.example")
    assert codes(answered(received, with_server())) == ["percorso_non_autenticato"]
    vouched = (FIELD, f"{OURS}; dmarc=pass header.from=family.example; spf=pass smtp.mailfrom=x@other.example")
    assert answered(message(vouched, reverse_path="x@other.example"), with_server()).allowed


# ------------------------------------------------------------------ the author, where the Return-Path is not written


def test_the_author_is_answered_where_dmarc_passes() -> None:
    received = message(PASSED, reverse_path=None)
    assert answered(received, BY_DMARC, proved=False) == GateVerdict(True, AUTHOR, False, ())


@pytest.mark.parametrize(
    "field",
    [
        (FIELD, f"{OURS}; dkim=pass header.d=family.example"),
        (FIELD, "mx.evil.example; dmarc=pass header.from=family.example"),
        (FIELD, f"{OURS}; dmarc=pass header.from=evil.example"),
        ("X-Nothing", "x"),
    ],
    ids=["dkim only", "another server", "another domain", "nothing"],
)
def test_an_author_without_dmarc_is_not_answered_instead(field: tuple[str, str]) -> None:
    assert codes(answered(message(field, reverse_path=None), BY_DMARC, proved=False)) == ["mittente_non_autenticato"]


def test_a_null_return_path_is_never_answered_whatever_else_passes() -> None:
    """F1, F8: a bounce never triggers anything (RFC 3834 section 2)."""
    assert codes(answered(message(PASSED, reverse_path=""), BY_DMARC, proved=False)) == ["percorso_nullo"]
    form = message(SIGNED, author=FORM, reverse_path="", reply_to=(Address("", AUTHOR),))
    assert codes(answered(form, FORMS)) == ["percorso_nullo"]


# ------------------------------------------------------------------ web forms


def a_form(*fields: tuple[str, str], **changes: Any) -> InboundMessage:
    values: dict[str, Any] = {"reply_to": (Address("Anna", AUTHOR),), "reverse_path": "www-data@site.example"}
    return message(*(fields or (SIGNED,)), author=FORM, **(values | changes))


def test_a_listed_form_is_answered_at_its_reply_to() -> None:
    assert answered(a_form(), FORMS, proved=False) == GateVerdict(True, AUTHOR, False, ())


def test_a_forms_own_marks_of_a_machine_do_not_silence_the_person() -> None:
    fields = (SIGNED, ("Auto-Submitted", "auto-generated"), ("Precedence", "bulk"))
    content = classification(automatic=True)
    assert answered(a_form(*fields), FORMS, content).allowed
    noreply = with_server(web_forms=(WebForm("noreply@site.example", 1, "dkim"),))
    received = replace(a_form(), author=Address("", "noreply@site.example"), authors=())
    assert answered(received, noreply).allowed


def test_an_advertisement_through_a_form_is_not_answered() -> None:
    content = classification(topic="non_pertinente", automatic=True)
    assert "non_pertinente" in codes(answered(a_form(), FORMS, content))


@pytest.mark.parametrize(
    ("form", "code"),
    [
        (a_form((FIELD, f"{OURS}; dkim=pass header.d=evil.example")), "modulo_non_autenticato"),
        (a_form(("X", "y")), "modulo_non_autenticato"),
        (a_form(reply_to=()), "modulo_senza_risposta"),
        (a_form(reply_to=(Address("", AUTHOR), Address("", "b@family.example"))), "modulo_senza_risposta"),
        (a_form(reply_to=(Address("", "nonsense"),)), "indirizzo_non_valido"),
        (a_form(reply_to=(Address("", "famiglie+x@agency.example"),)), "indirizzo_nostro"),
        (a_form(reply_to=(Address("", "nord@nord.example"),)), "percorso_di_progetto"),
        (a_form(reply_to=(Address("", "noreply@family.example"),)), "percorso_di_sistema"),
        (a_form(reply_to=(Address("", FORM),)), "percorso_di_sistema"),
        (a_form(SIGNED, ("List-Id", "<x.example>")), "lista"),
    ],
)
def test_a_form_that_proves_nothing_or_names_nobody_is_not_answered(form: InboundMessage, code: str) -> None:
    assert codes(answered(form, FORMS)) == [code]


def test_a_form_that_must_pass_dmarc_needs_more_than_a_signature() -> None:
    rules = with_server(web_forms=(WebForm(FORM, 1, "dmarc"),))
    assert codes(answered(a_form(), rules)) == ["modulo_non_autenticato"]
    assert answered(a_form((FIELD, f"{OURS}; dmarc=pass header.from=site.example")), rules).allowed


def test_reply_to_of_anybody_else_counts_for_nothing() -> None:
    other = message(SIGNED, author="other@site.example", reverse_path=None, reply_to=(Address("", AUTHOR),))
    assert codes(answered(other, FORMS)) == ["percorso_assente"]


# ------------------------------------------------------------------ undo, question, new centre


def test_it_waits_for_the_time_to_undo_and_no_longer() -> None:
    rules = replace(RULES, acknowledgements=replace(RULES.acknowledgements, undo_minutes=10))
    received, about = message(), context()
    decision = decide(received, classification(), rules, about)

    def asked(minutes: int) -> GateVerdict:
        since = history(forwarded_at=NOW - timedelta(minutes=minutes))
        return may_acknowledge(received, decision, rules, since, NOW, about)

    assert (asked(9).allowed, asked(9).later, codes(asked(9))) == (False, True, ["attesa_annullamento"])
    assert asked(10).allowed


WITHOUT_A_PLACE = classification(comune_scores={}, outside=0.0, unstated=1.0)


def place_missing(rules: Rules = RULES, **changes: Any) -> tuple[InboundMessage, Any]:
    received = message()
    decision = decide(received, replace(WITHOUT_A_PLACE, **changes), rules, context())
    return received, replace(
        decision, action=Action.HOLD, reasons=(Reason("territorio_non_indicato"), *decision.reasons)
    )


def test_only_a_message_that_lacks_nothing_but_the_place_is_asked_about() -> None:
    received, decision = place_missing()
    assert may_ask(received, decision, RULES, history(), context(), by_person=True).allowed
    for other in (
        replace(decision, urgent=True),
        replace(decision, topic="reclamo"),
        replace(decision, action=Action.FORWARD),
        replace(decision, reasons=(Reason("fiducia_bassa"), *decision.reasons)),
        replace(decision, reasons=(*decision.reasons, Reason("dal_progetto"))),
    ):
        assert not only_place_is_missing(other)
        assert "domanda_non_serve" in codes(may_ask(received, other, RULES, history(), context(), by_person=True))


def test_staff_may_ask_where_acknowledgements_are_off_and_the_service_itself_may_not() -> None:
    rules = replace(RULES, acknowledgements=replace(RULES.acknowledgements, enabled=False))
    received, decision = place_missing(rules)
    assert may_ask(received, decision, rules, history(), context(is_old=True), by_person=True).allowed
    refused = may_ask(received, decision, rules, history(), context(), by_person=False)
    assert codes(refused) == ["ricevute_disattivate"]


def test_the_question_goes_to_nobody_who_must_not_be_answered() -> None:
    """One gate for every outbound path (failure F17)."""
    _, decision = place_missing()
    for received, code in (
        (message(reverse_path=""), "percorso_nullo"),
        (message(("Auto-Submitted", "auto-replied")), "auto_submitted"),
        (message(author="noreply@family.example"), "mittente_di_sistema"),
        (message(author="famiglie@agency.example", reverse_path="famiglie@agency.example"), "indirizzo_nostro"),
    ):
        assert code in codes(may_ask(received, decision, RULES, history(), context(), by_person=True))
        assert code in codes(may_tell_of_reroute(received, decision, RULES, history(), context()))


def test_limits_put_a_question_and_a_notice_off_and_do_not_lose_them() -> None:
    received, decision = place_missing()
    decision = replace(decision, project="nord")
    for full in ({"to_address_last_day": 3}, {"to_domain_last_hour": 60}, {"total_last_hour": 120}):
        for verdict in (
            may_ask(received, decision, RULES, history(**full), context(), by_person=True),
            may_tell_of_reroute(received, decision, RULES, history(**full), context()),
        ):
            assert (verdict.allowed, verdict.later) == (False, True)


def test_a_family_hears_of_a_new_centre_only_after_its_250() -> None:
    received = message()
    decision = decide(received, classification(), RULES, context())
    waits = may_tell_of_reroute(received, decision, RULES, history(forward_accepted=False), context())
    assert (waits.allowed, waits.later) == (False, True)
    assert may_tell_of_reroute(received, decision, RULES, history(), context()).allowed
    gone = may_tell_of_reroute(received, replace(decision, project="west"), RULES, history(), context())
    assert codes(gone) == ["indirizzo_non_attuale"], "a centre that is no more has no name to tell"


def test_a_rule_may_keep_its_mail_from_being_acknowledged() -> None:
    rules = replace(RULES, rules=tuple(replace(rule, acknowledgement="none") for rule in RULES.rules))
    assert codes(answered(message(), rules)) == ["ricevuta_esclusa"]
