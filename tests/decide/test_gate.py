"""The gate, one case for each clause: what must not be answered, and what may leave to whom."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.decide.builders import (
    AUTHOR,
    NOW,
    OUR_ADDRESS,
    RULES,
    classification,
    context,
    history,
    message,
)
from tests.rules.builders import OTHERS, PROJECTS, SERVICE, build_rules
from triage.decide import (
    AckHistory,
    DecisionContext,
    GateVerdict,
    decide,
    may_acknowledge,
    may_forward,
    may_notify,
    may_tell_project,
)
from triage.decide.gate_staff import CHOSEN_BY_PERSON
from triage.rules import Rules
from triage.vocabulary import Action, Address, Attachment, Classification, Decision, InboundMessage, Mode, Reason


def acknowledged(
    received: InboundMessage | None = None,
    *,
    content: Classification | None = None,
    before: AckHistory | None = None,
    about: DecisionContext | None = None,
    rules: Rules = RULES,
) -> GateVerdict:
    received, about = received or message(), about or context()
    decision = decide(received, content or classification(), rules, about)
    return may_acknowledge(received, decision, rules, before or history(), NOW, about)


def codes(verdict: GateVerdict) -> list[str]:
    return [reason.code for reason in verdict.reasons]


def test_a_familys_message_is_acknowledged_to_its_return_path() -> None:
    """RFC 3834 section 4: not to From, Reply-To or Sender."""
    received = message(
        reverse_path="anna@other.example",
        reply_to=(Address("", "reply@family.example"),),
    )
    assert acknowledged(received) == GateVerdict(True, "anna@other.example", False, ())


# ------------------------------------------------------------------ RFC 3834 and Pigeonhole's list


@pytest.mark.parametrize(
    "value",
    [
        "auto-replied",
        "auto-generated",
        "AUTO-Notified; owner-email=x@y.example",
        "auto-replied (vacation)",
        "(no) auto-replied",
        '"auto-generated"',
        "noo",
        "x-unknown",
        "",
        ";",
    ],
)
def test_auto_submitted_other_than_no_is_not_answered(value: str) -> None:
    """RFC 3834 sections 2 and 5; parameters and comments must still be understood."""
    assert codes(acknowledged(message(("auto-SUBMITTED", value)))) == ["auto_submitted"]


@pytest.mark.parametrize("value", ["no", "NO", " no ", "no (a person; really)", "no; x=y", "(so \\) (nested)) no"])
def test_auto_submitted_no_is_a_persons(value: str) -> None:
    """F16: ``Auto-Submitted: no`` taken for a machine's."""
    assert acknowledged(message(("Auto-Submitted", value))).allowed


def test_one_of_two_auto_submitted_fields_is_enough() -> None:
    received = message(("Auto-Submitted", "no"), ("Auto-Submitted", "auto-replied"))
    assert codes(acknowledged(received)) == ["auto_submitted"]


@pytest.mark.parametrize(
    ("path", "code"),
    [(None, "percorso_assente"), ("", "percorso_nullo"), ("  ", "percorso_nullo"), ("anna", "indirizzo_non_valido")],
)
def test_without_a_usable_return_path_nothing_is_guessed(path: str | None, code: str) -> None:
    """RFC 3834 section 4, RFC 5321 section 4.5.5."""
    assert acknowledged(message(reverse_path=path)) == GateVerdict(False, "", False, (Reason(code),))


def test_two_different_return_paths_are_none() -> None:
    assert codes(acknowledged(message(("Return-Path", "<other@family.example>")))) == ["percorso_multiplo"]


@pytest.mark.parametrize("value", ["list", "bulk", "Junk", "bulk (newsletter)", "auto_reply"])
def test_precedence_of_bulk_mail_is_not_answered(value: str) -> None:
    assert codes(acknowledged(message(("Precedence", value)))) == ["precedenza"]


@pytest.mark.parametrize("value", ["first-class", "normal", ""])
def test_other_precedences_are_a_persons(value: str) -> None:
    assert acknowledged(message(("Precedence", value))).allowed


@pytest.mark.parametrize(
    "name",
    [
        "List-Id",
        "LIST-HELP",
        "List-Unsubscribe",
        "list-subscribe",
        "List-Post",
        "List-Owner",
        "List-Archive",
        "List-Unsubscribe-Post",
        "Mailing-List",
        "X-Mailing-List",
    ],
)
def test_list_mail_is_not_answered(name: str) -> None:
    """RFC 2369, 2919, 8058."""
    assert codes(acknowledged(message((name, "<x>")))) == ["lista"]


@pytest.mark.parametrize("value", ["OOF", "AutoReply", "all", "DR, OOF", "RN,NRN,AutoReply", "DR OOF"])
def test_x_auto_response_suppress_stops_our_reply_only(value: str) -> None:
    """F15: it does not show that a machine wrote the message, so the forward goes."""
    received = message(("X-Auto-Response-Suppress", value))
    assert codes(acknowledged(received)) == ["risposte_soppresse"]
    assert decide(received, classification(), RULES, context()).action is Action.FORWARD


@pytest.mark.parametrize("value", ["DR", "RN, NRN", "None"])
def test_suppressed_receipts_do_not_stop_our_reply(value: str) -> None:
    assert acknowledged(message(("X-Auto-Response-Suppress", value))).allowed


def test_an_autoresponders_own_field_is_not_answered() -> None:
    assert codes(acknowledged(message(("X-Autoreply", "yes")))) == ["risponditore"]


SYSTEM = [
    "owner-genitori",
    "genitori-request",
    "genitori-owner",
    "genitori-bounces",
    "MAILER-DAEMON",
    "Mailer_Daemon",
    "postmaster",
    "LISTSERV",
    "majordomo",
    "mailman",
    "bounce",
    "bounces-77",
    "noreply",
    "no-reply",
    "No.Reply",
    "donotreply",
    "do-not-reply",
    "non-rispondere",
    "nonrispondere",
    "noreply-scuola",
    "scuola-noreply",
    "scuola.no_reply",
    "noreply+abc",
    "posta-certificata",
    "nobody",
]


@pytest.mark.parametrize("local_part", SYSTEM)
def test_addresses_that_nobody_reads_are_not_answered(local_part: str) -> None:
    address = f"{local_part}@family.example"
    found = acknowledged(message(reverse_path=address))
    assert "percorso_di_sistema" in codes(found)
    assert codes(acknowledged(message(author=address, reverse_path=AUTHOR))) == ["mittente_di_sistema"]


@pytest.mark.parametrize(
    "local_part", ["nora.reply1", "annoreply", "norepl", "nonna.rispoli", "ownerina", "root.anna", "bouncer"]
)
def test_people_with_similar_names_are_answered(local_part: str) -> None:
    address = f"{local_part}@family.example"
    assert acknowledged(message(author=address, reverse_path=address)).allowed


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/report",
        "message/delivery-status",
        "message/disposition-notification",
        "message/feedback-report",
    ],
)
def test_reports_are_not_answered(content_type: str) -> None:
    """DSN, MDN and ARF (RFC 3464, 8098, 5965), as the message or as a part of it."""
    assert codes(acknowledged(message(content_type=content_type))) == ["rapporto"]
    part = Attachment("x", content_type.upper(), 10)
    assert codes(acknowledged(message(attachments=(part,)))) == ["rapporto"]


@pytest.mark.parametrize(
    "received",
    [
        message(subject="Report Domain: agency.example Submitter: mail.example Report-ID: <1>"),
        message(("TLS-Report-Domain", "agency.example")),
        message(attachments=(Attachment("x.json.gz", "application/tlsrpt+gzip", 10),)),
        message(("X-Failed-Recipients", "x@y.example")),
    ],
)
def test_domain_reports_are_not_answered(received: InboundMessage) -> None:
    """RFC 7489 section 7.2.1.1, RFC 8460 section 5.3."""
    assert codes(acknowledged(received)) == ["rapporto"]


@pytest.mark.parametrize(
    "received",
    [
        message(content_type="text/calendar"),
        message(attachments=(Attachment("invito.ics", "text/calendar", 10),)),
        message(("Content-Class", "urn:content-classes:calendarmessage")),
    ],
)
def test_calendar_notices_are_not_answered(received: InboundMessage) -> None:
    assert codes(acknowledged(received)) == ["calendario"]


@pytest.mark.parametrize(
    "field",
    [
        ("X-Ricevuta", "avvenuta-consegna"),
        ("x-ricevuta", ""),
        ("X-Trasporto", "errore"),
        ("X-Trasporto", "posta-certificata"),
    ],
)
def test_certified_mail_is_not_answered(field: tuple[str, str]) -> None:
    """RFC 6109: receipts have neither Auto-Submitted nor a null Return-Path, yet answering loops."""
    assert codes(acknowledged(message(field))) == ["pec"]


def test_our_address_must_be_among_the_recipients() -> None:
    """RFC 3834 section 2, RFC 5230 section 4.5: not when we were only in Bcc or on a list."""
    assert codes(acknowledged(message(recipients=(Address("", "x@list.example"),)))) == ["non_indirizzata_a_noi"]
    assert codes(acknowledged(message(recipients=()))) == ["non_indirizzata_a_noi"]
    aliases = ("Famiglie+orari@AGENCY.example", "centri@agency.example", "x@old-agency.example")
    assert all(acknowledged(message(recipients=(Address("", alias),))).allowed for alias in aliases)


@pytest.mark.parametrize(
    "address",
    [
        OUR_ADDRESS,
        "FAMIGLIE@Agency.Example",
        "famiglie+x@agency.example",
        "centri@mail.agency.example",
        "chiunque@old-agency.example",
        "SRS0=Ab=C7=agency.example=famiglie@forwarder.example",
    ],
)
def test_our_own_addresses_are_never_written_to(address: str) -> None:
    """F3: a system that writes to itself."""
    as_path = acknowledged(message(reverse_path=address))
    assert not as_path.allowed
    assert "indirizzo_nostro" in codes(as_path)
    assert "da_noi" in codes(acknowledged(message(author=address)))


@pytest.mark.parametrize("address", ["nord@nord.example", "PIANO+x@nord-plan.example", "chi@posta.nord.example"])
def test_projects_are_never_acknowledged(address: str) -> None:
    assert "percorso_di_progetto" in codes(acknowledged(message(reverse_path=address)))
    assert "dal_progetto" in codes(acknowledged(message(author=address)))
    assert "dal_progetto" in codes(acknowledged(message(sender=Address("", address))))


@pytest.mark.parametrize(
    "path",
    [
        "list-anna.rossi=family.example@lists.example",
        "SRS0=Hh=T5=family.example=anna.rossi@forwarder.example",
        "SRS1=Hh=f.example==Hh=T5=family.example=anna.rossi@forwarder.example",
        "msg-0123456789abcdef0123@esp.example",
        "news-20261125-7@esp.example",
    ],
)
def test_a_return_path_made_for_bounces_is_not_written_to(path: str) -> None:
    """An answer there is counted as a bounce (VERP, SRS)."""
    assert "percorso_riscritto" in codes(acknowledged(message(reverse_path=path)))


def test_a_batv_path_is_the_authors_own() -> None:
    path = f"prvs=0123abcd={AUTHOR}"
    assert acknowledged(message(reverse_path=path)) == GateVerdict(True, path, False, ())


def test_a_message_without_from_is_not_answered() -> None:
    assert codes(acknowledged(message(author=""))) == ["mittente_assente"]


def test_an_address_that_is_not_ascii_asks_for_smtputf8() -> None:
    """RFC 6531: never altered to fit a server that does not offer it."""
    path = "perché@family.example"
    assert acknowledged(message(reverse_path=path)) == GateVerdict(True, path, True, ())


@pytest.mark.parametrize(
    "path", ["a@x.example,b@y.example", "a@x.example\r\nBcc: b@y.example", "<a@x.example>, b", "a b@x.example"]
)
def test_a_path_that_would_reach_others_is_refused(path: str) -> None:
    found = acknowledged(message(reverse_path=path))
    assert (found.allowed, found.forward_path) == (False, "")
    assert "indirizzo_non_valido" in codes(found)


# ------------------------------------------------------------------------- content, modes, limits


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (classification(automatic=True), ["automatica"]),
        (classification(topic="non_pertinente"), ["non_pertinente"]),
        (
            classification(topic="non_pertinente", automatic=True, automatic_proved=True),
            ["automatica", "non_pertinente", "chiuso_senza_centro"],
        ),
        (classification(topic="rete", automatic=True, automatic_proved=True), ["automatica"]),
    ],
)
def test_what_no_person_wrote_is_not_answered(content: Classification, expected: list[str]) -> None:
    """Guide, sections 5 and 7; a list's convocation is forwarded all the same."""
    assert codes(acknowledged(content=content)) == expected


@pytest.mark.parametrize("topic", ["reclamo", "altro_servizio", "ascolto"])
def test_held_mail_is_acknowledged_too(topic: str) -> None:
    assert acknowledged(content=classification(topic=topic)).allowed


def test_old_mail_and_our_own_loop_are_never_answered() -> None:
    assert codes(acknowledged(about=context(is_old=True))) == ["posta_vecchia"]
    assert codes(acknowledged(about=context(is_own_loop=True))) == ["da_noi"]


def test_acknowledgements_are_switched_on_apart() -> None:
    disabled = build_rules(others=OTHERS.replace("enabled: true", "enabled: false"))
    assert codes(acknowledged(rules=disabled)) == ["ricevute_disattivate"]
    proposal = build_rules(service=SERVICE.replace("mode: automatico", "mode: proposta"))
    assert acknowledged(rules=proposal).allowed


def test_in_ombra_nothing_is_acknowledged() -> None:
    shadow = build_rules(service=SERVICE.replace("mode: automatico", "mode: ombra"))
    assert codes(acknowledged(rules=shadow)) == ["modo_ombra"]
    assert codes(acknowledged(rules=shadow, content=classification(topic="reclamo"))) == ["modo_ombra"]


@pytest.mark.parametrize(
    ("before", "code", "later"),
    [
        (history(case_acknowledged=True), "caso_gia_avvisato", False),
        (history(last_in_thread=NOW - timedelta(days=7) + timedelta(seconds=1)), "conversazione_gia_avvisata", False),
        (history(to_address_last_day=3), "limite_indirizzo", False),
        (history(to_domain_last_hour=60), "limite_dominio", True),
        (history(total_last_hour=120), "limite_orario", True),
        (history(forward_accepted=False), "inoltro_non_accettato", True),
    ],
)
def test_limits_stop_acknowledgements(before: AckHistory, code: str, later: bool) -> None:
    assert acknowledged(before=before) == GateVerdict(False, "", False, (Reason(code),), later=later)


def test_just_below_the_limits_it_leaves() -> None:
    before = history(
        last_in_thread=NOW - timedelta(days=7), to_address_last_day=2, to_domain_last_hour=59, total_last_hour=119
    )
    assert acknowledged(before=before).allowed


def test_limits_never_stop_forwards() -> None:
    decision = decide(message(), classification(), RULES, context())
    assert may_forward(decision, "nord@nord.example", RULES).allowed


def test_without_a_forward_a_neutral_text_leaves_after_four_hours() -> None:
    """Design, decision 3."""
    waiting = history(forward_accepted=False)
    early = context(internal_date=NOW - timedelta(hours=4) + timedelta(seconds=1))
    late = context(internal_date=NOW - timedelta(hours=4))
    assert acknowledged(before=waiting, about=early).later
    assert acknowledged(before=waiting, about=late) == GateVerdict(True, AUTHOR, False, (), neutral=True)
    assert acknowledged(about=late) == GateVerdict(True, AUTHOR, False, (), neutral=False)
    assert not acknowledged(before=waiting, about=context(internal_date=None)).allowed


def test_all_reasons_are_given_and_one_that_lasts_means_not_later() -> None:
    found = acknowledged(message(("List-Id", "<x>"), ("Precedence", "bulk")), before=history(total_last_hour=120))
    assert (codes(found), found.later) == (["limite_orario", "precedenza", "lista"], False)


# ------------------------------------------------------------------------------ forwards, notices


def forward(**changes: Any) -> Decision:
    return replace(decide(message(), classification(), RULES, context()), **changes)


def test_a_forward_leaves_to_its_projects_current_confirmed_address() -> None:
    assert may_forward(forward(), "nord@nord.example", RULES) == GateVerdict(True, "nord@nord.example", False, ())


@pytest.mark.parametrize(
    ("decision", "path", "expected"),
    [
        (forward(), "altri@nord.example", ["indirizzo_non_attuale"]),
        (forward(), "piano@nord-plan.example", ["indirizzo_non_attuale"]),
        (forward(), OUR_ADDRESS, ["indirizzo_non_attuale", "indirizzo_nostro"]),
        (forward(), "Centri+x@agency.example", ["indirizzo_non_attuale", "indirizzo_nostro"]),
        (forward(), "nord@nord.example, x@y.example", ["indirizzo_non_attuale", "indirizzo_non_valido"]),
        (forward(project="ovest"), "nord@nord.example", ["indirizzo_non_attuale"]),
        (
            forward(address_key="tolto"),
            "nord@nord.example",
            [
                "indirizzo_non_attuale",
            ],
        ),
        (forward(project="", address_key=""), "nord@nord.example", ["indirizzo_non_attuale"]),
        (forward(action=Action.HOLD), "nord@nord.example", ["nessun_inoltro"]),
        (forward(action=Action.FILE), "nord@nord.example", ["nessun_inoltro"]),
    ],
)
def test_a_forward_to_anything_else_is_refused(decision: Decision, path: str, expected: list[str]) -> None:
    found = may_forward(decision, path, RULES)
    assert (found.allowed, found.forward_path, codes(found)) == (False, "", expected)


def test_an_address_that_has_changed_since_the_decision_is_refused() -> None:
    changed = build_rules(projects=PROJECTS.replace("to: nord@nord.example", "to: nuovo@nord.example"))
    assert codes(may_forward(forward(), "nord@nord.example", changed)) == ["indirizzo_non_attuale"]


@pytest.mark.parametrize(
    ("mode", "confirmed", "alone", "settled"),
    [
        ("automatico", "true", [], []),
        ("automatico", "false", ["indirizzo_non_confermato"], []),
        ("proposta", "true", ["modo_proposta"], []),
        ("proposta", "false", ["modo_proposta", "indirizzo_non_confermato"], []),
        ("ombra", "true", ["modo_ombra"], ["modo_ombra"]),
    ],
)
def test_modes_bind_the_gate_as_well(mode: str, confirmed: str, alone: list[str], settled: list[str]) -> None:
    """The file may have changed between decision and sending; in *ombra* not even staff can send."""
    rules = build_rules(
        service=SERVICE.replace("mode: automatico", f"mode: {mode}"),
        projects=PROJECTS.replace(
            "to: nord@nord.example, confirmed: true", f"to: nord@nord.example, confirmed: {confirmed}"
        ),
    )
    assert codes(may_forward(forward(), "nord@nord.example", rules)) == alone
    chosen = replace(forward(), reasons=(Reason(CHOSEN_BY_PERSON),))
    assert codes(may_forward(chosen, "nord@nord.example", rules)) == settled


def test_an_urgent_message_is_forwarded_only_for_a_project_that_wants_it_at_once() -> None:
    eager = build_rules(
        projects=PROJECTS.replace("    name: Ente Nord\n", "    name: Ente Nord\n    urgent_forward_now: true\n")
    )
    urgent = classification(urgent=True)
    assert may_forward(decide(message(), urgent, eager, context()), "nord@nord.example", eager).allowed
    assert not may_forward(decide(message(), urgent, RULES, context()), "nord@nord.example", RULES).allowed


def test_notices_go_to_those_on_call_and_to_the_alarm_addresses_only() -> None:
    """F2 and F32: staff notices pass the gate too, and never into the mailbox they are about."""
    for address in ("reperibile@oncall.example", "sistemi@oncall.example"):
        assert may_notify(address, RULES) == GateVerdict(True, address, False, ())
    assert codes(may_notify("altri@oncall.example", RULES)) == ["indirizzo_non_attuale"]
    assert codes(may_notify(OUR_ADDRESS, RULES)) == ["indirizzo_non_attuale", "indirizzo_nostro"]


def test_in_shadow_no_notice_leaves() -> None:
    shadow = replace(RULES, service=replace(RULES.service, mode=Mode.SHADOW))
    assert codes(may_notify("reperibile@oncall.example", shadow)) == ["modo_ombra"]


# --------------------------------------------------------------------------- brakes, loops, destinations


@pytest.mark.parametrize("brake", ["ricevute_sospese", "limite_casella"])
def test_a_brake_stops_acknowledgements_for_a_while(brake: str) -> None:
    verdict = acknowledged(about=context(brakes=(brake,)))
    assert (verdict.allowed, verdict.later, codes(verdict)) == (False, True, [brake])


def test_a_message_in_a_loop_is_never_acknowledged() -> None:
    """RFC 5321 section 6.3."""
    assert acknowledged(about=context(received_count=50)).allowed
    verdict = acknowledged(about=context(received_count=51))
    assert (verdict.allowed, verdict.later) == (False, False)
    assert "troppi_passaggi" in codes(verdict)


def test_a_forged_seal_is_shown_and_stops_nothing() -> None:
    decision = decide(message(), classification(), RULES, context(forged_seal=True))
    assert decision.action is Action.FORWARD
    assert "sigillo_falso" in [reason.code for reason in decision.reasons]
    assert acknowledged(about=context(forged_seal=True)).allowed


def test_nothing_is_forwarded_to_an_address_that_takes_no_mail() -> None:
    decision = decide(message(), classification(), RULES, context())
    assert may_forward(decision, decision.forward_path, RULES).allowed
    verdict = may_forward(decision, decision.forward_path, RULES, sick=frozenset({decision.forward_path}))
    assert codes(verdict) == ["destinazione_malata"]


def test_a_project_is_told_only_at_its_own_address_and_when_it_answers_by_the_link() -> None:
    to = RULES.projects["nord"].addresses["default"].to
    asked = replace(RULES, projects={**RULES.projects, "nord": replace(RULES.projects["nord"], takes_charge=True)})
    assert codes(may_tell_project("nord", to, RULES, frozenset())) == ["indirizzo_non_attuale"]
    assert may_tell_project("nord", to, asked, frozenset()).allowed
    assert codes(may_tell_project("nord", "other@example.org", asked, frozenset())) == ["indirizzo_non_attuale"]
    assert codes(may_tell_project("gone", to, asked, frozenset())) == ["indirizzo_non_attuale"]
    assert codes(may_tell_project("nord", to, asked, frozenset({to}))) == ["destinazione_malata"]
    shadow = replace(asked, service=replace(asked.service, mode=Mode.SHADOW))
    assert codes(may_tell_project("nord", to, shadow, frozenset())) == ["modo_ombra"]
