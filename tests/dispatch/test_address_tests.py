"""The test mail that confirms a project's address: who is written to, whose answer counts, and what it changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from tests.dispatch.builders import NORD, OURS, RULES, Desk, a_mail, change_project, readdress
from tests.dispatch.notices import Caller
from tests.servers.mail import make_mail
from tests.servers.smtp_sink import SmtpSink
from triage.acts import addresses
from triage.acts.accounts import Changed
from triage.acts.people import Person, Role
from triage.knowledge import confirmed_in_record
from triage.record.address_tests import AddressTest, TestState, codes_in, confirmed_addresses, new_code
from triage.record.address_tests import tests_of as history_of
from triage.record.people import add_person
from triage.record.staff_acts import acts_about
from triage.rules import Rules
from triage.vocabulary import Mode

CARLA = Person(1, "carla.neri", "Carla Neri", Role.ADMINISTRATOR)
SHARED = "centro.nord@gmail.com"


def unconfirmed(rules: Rules = RULES, **changes: object) -> Rules:
    return readdress(rules, "nord", confirmed=False, **changes)


@pytest.fixture
def caller(desk: Desk, smtp_sink: SmtpSink) -> Caller:
    desk.rules = unconfirmed()
    with desk.store.write("somebody") as tx:
        assert add_person(tx, CARLA.name, CARLA.display, CARLA.role, "no hash") == CARLA.id
    return Caller(desk, smtp_sink.port)


def ask(desk: Desk) -> Changed:
    with desk.store.write("test", CARLA.name) as tx:
        return addresses.send_test(tx, desk.rules, CARLA, "nord", "default")


def asked(desk: Desk) -> list[AddressTest]:
    with desk.store.read("look") as tx:
        return history_of(tx, "nord", "default")


def is_confirmed(desk: Desk) -> bool:
    with desk.store.read("look") as tx:
        return confirmed_in_record(tx, desk.rules).projects["nord"].addresses["default"].confirmed


def sent(sink: SmtpSink) -> Sequence[EmailMessage]:
    return [message_from_bytes(one.octets, policy=policy.default) for one in sink.messages]


def send(caller: Caller) -> AddressTest:
    """Ask, wait until it has left; the test on record."""
    assert ask(caller.desk).ok
    caller.pass_minutes(3)
    return asked(caller.desk)[0]


def answer(test: AddressTest, body: str = "ok\n", author: str = f"Lia <{NORD}>", **options: object) -> bytes:
    values = {"subject": f"Re: verifica [{test.code}]", "author": author, "to": OURS, "return_path": None} | options
    return make_mail(body, **values)  # type: ignore[arg-type]  # the same keywords


def test_a_plain_letter_leaves_after_two_minutes_and_asks_for_an_answer(caller: Caller, smtp_sink: SmtpSink) -> None:
    assert ask(caller.desk) == Changed(
        True, "sent", f"La mail di prova a {NORD} parte tra due minuti. Fino ad allora puoi annullarla."
    )
    caller.pass_minutes(1)
    assert not smtp_sink.messages
    caller.pass_minutes(2)
    [letter] = sent(smtp_sink)
    [test] = asked(caller.desk)
    assert test.state == TestState.ASKED
    assert test.sent_at is not None
    assert (letter["To"], letter["From"]) == (NORD, f"Reti Famiglia ATS <{OURS}>")
    assert letter["Subject"] == f"Per favore rispondete: verifica del vostro indirizzo [{test.code}]"
    assert "Auto-Submitted" not in letter, "a person sends it, and a person is to answer"
    text = letter.get_content()
    assert test.code in text
    assert "Per Centro Nord useremo questo indirizzo." in text
    assert f"subject=Confermo%20%5B{test.code}%5D" in text
    assert "Se invece non è l'indirizzo giusto, rispondete «no»" in text
    assert smtp_sink.messages[0].reverse_path == OURS, "its failure is to come back"
    with caller.desk.store.read("look") as tx:
        assert [row["act"] for row in acts_about(tx, "address_test", test.id)] == ["address_tested"]


def test_who_answers_from_the_address_confirms_it_and_the_answer_waits_for_a_person(caller: Caller) -> None:
    test = send(caller)
    assert not is_confirmed(caller.desk)
    [key] = caller.desk.take_in(answer(test))
    assert caller.desk.outcome(key) == ("held", "indirizzo_confermato")
    assert is_confirmed(caller.desk)
    assert asked(caller.desk)[0].state == TestState.CONFIRMED
    caller.desk.assert_ledger_closes()


def test_what_is_automatic_leaves_for_an_address_once_it_is_confirmed(caller: Caller) -> None:
    desk = caller.desk
    [before] = desk.take_in(a_mail())
    assert desk.outcome(before) == ("held", "indirizzo_non_confermato")
    desk.take_in(answer(send(caller)))
    with desk.store.read("look") as tx:
        desk.rules = confirmed_in_record(tx, desk.rules)
    [after] = desk.take_in(a_mail("Buongiorno,\nun'altra domanda.\n", author="Bo <bo@family.example>"))
    desk.send()
    assert desk.outcome(after)[0] == "forwarded"


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({"author": "Bo <bo@nord.example>"}, True),
        ({"author": "Bo <bo@uffici.nord.example>"}, True),
        ({"author": "Lia <lia@nord.example.org>"}, False),
        ({"author": "Lia <lia@family.example>"}, False),
        ({"subject": "Re: verifica", "body": "va bene\n"}, False),
        ({"body": "Non è di nostra competenza, l'indirizzo è cambiato.\n"}, False),
        ({"subject": "undelivered: fuori sede"}, False),
    ],
    ids=["a colleague", "a subdomain", "a lookalike", "a stranger", "no code", "says it is wrong", "a machine"],
)
def test_only_somebody_of_the_address_s_own_domain_counts(
    caller: Caller, changes: dict[str, str], counts: bool
) -> None:
    test = send(caller)
    values = dict(changes)
    if values.get("subject", "").startswith("undelivered"):
        values["subject"] += f" [{test.code}]"
    caller.desk.take_in(answer(test, **values))
    assert is_confirmed(caller.desk) is counts


@pytest.mark.parametrize(
    ("body", "counts"),
    [
        ("Ok\n", True),
        ("Buongiorno,\nsì, confermo. Grazie\n\nLia Bo\nCentro Nord\n", True),
        ("Ricevuto, va bene.\n", True),
        ("Va bene grazie\n", True),
        ("Confermiamo che l'indirizzo è corretto.\n", True),
        ("No, non è il nostro indirizzo!\n", False),
        ("Ok, ma questo indirizzo è vecchio.\n", False),
        ("Sì? Chi siete?\n", False),
        ("Avete sbagliato, qui è la ferramenta Nord.\n", False),
        ("Si comunica che lo sportello è aperto dal lunedì.\n", False),
        ("La Sua segnalazione è stata registrata con il numero 4711.\n", False),
        ("Il messaggio è stato correttamente ricevuto dal nostro sistema.\n", False),
        ("Grazie per averci scritto. Lo sportello è aperto dalle 9 alle 12.\n", False),
        ("Vielen Dank für Ihre Nachricht.\n", False),
        ("Per favore non scriveteci più qui\n", False),
        ("Ok. " + "Vi raccontiamo del centro. " * 20, False),
        ("", False),
    ],
)
def test_only_a_plain_yes_confirms(caller: Caller, body: str, counts: bool) -> None:
    """Else mail would leave for the address of whoever says no, or has a robot that quotes the code."""
    test = send(caller)
    [key] = caller.desk.take_in(answer(test, f"{body}\n> {test.code}\n"))
    assert is_confirmed(caller.desk) is counts
    assert caller.desk.outcome(key) == ("held", "indirizzo_confermato" if counts else "prova_indirizzo")


@pytest.mark.parametrize(
    ("subject", "body", "counts"),
    [("Confermo [{}]", "", True), ("[EXT] Confermo [{}]", "", True), ("Confermo [{}]", "\nAnzi no.\n", False)],
)
def test_the_mail_of_the_letter_s_link_confirms(caller: Caller, subject: str, body: str, counts: bool) -> None:
    test = send(caller)
    caller.desk.take_in(answer(test, f"Codice: {test.code}\n{body}", subject=subject.format(test.code)))
    assert is_confirmed(caller.desk) is counts


def test_an_answer_without_the_code_waits_and_confirms_nothing(caller: Caller) -> None:
    """The Message-ID alone may have been seen by others, and From can be written by anybody."""
    test = send(caller)
    [key] = caller.desk.take_in(answer(test, subject="Re: verifica", headers=[("In-Reply-To", test.rfc_message_id)]))
    assert caller.desk.outcome(key) == ("held", "prova_indirizzo")
    assert not is_confirmed(caller.desk)


@pytest.mark.parametrize(
    ("results", "counts"),
    [
        ("mx.agency.example; dmarc=pass header.from=nord.example", True),
        ("mx.agency.example; dmarc=fail header.from=nord.example", False),
        ("mx.agency.example; dkim=pass header.d=elsewhere.example; spf=none", False),
        ("mx.elsewhere.example; dmarc=fail header.from=nord.example", True),
        ("", True),
    ],
    ids=["pass", "fail", "another's signature", "another server's word", "says nothing"],
)
def test_whom_our_own_server_doubts_confirms_nothing(caller: Caller, results: str, counts: bool) -> None:
    test = send(caller)
    rules = caller.desk.rules
    caller.desk.rules = replace(rules, service=replace(rules.service, authserv_id="mx.agency.example"))
    fields = [("Authentication-Results", results)] if results else []
    [key] = caller.desk.take_in(answer(test, headers=fields))
    assert is_confirmed(caller.desk) is counts
    assert caller.desk.outcome(key) == ("held", "indirizzo_confermato" if counts else "prova_indirizzo")


def test_of_several_authors_nobody_confirms(caller: Caller) -> None:
    test = send(caller)
    caller.desk.take_in(answer(test, author=f"Lia <{NORD}>, Bo <bo@elsewhere.example>"))
    assert not is_confirmed(caller.desk)


@pytest.mark.parametrize(
    ("subject", "body", "fields"),
    [
        ("Re: verifica", "ok\n", [("Auto-Submitted", "auto-replied")]),
        ("Re: verifica", "ok\n", [("Auto-Submitted", "auto-generated (vacation)")]),
        ("Risposta automatica: verifica", "Torno lunedì.\n", []),
        ("Automatic reply: verifica", "I am out of the office until Monday.\n", []),
        ("Re: verifica", "Sarò assente dall'ufficio fino al 12 gennaio.\n", []),
        ("Re: verifica", "Abbiamo ricevuto la sua mail e risponderemo al più presto.\n", []),
        ("Fuori sede: verifica", "Per urgenze scrivete alla segreteria.\n", []),
    ],
)
def test_a_robot_that_quotes_the_code_confirms_nothing(
    caller: Caller, subject: str, body: str, fields: list[tuple[str, str]]
) -> None:
    test = send(caller)
    [key] = caller.desk.take_in(answer(test, body, subject=f"{subject} [{test.code}]", headers=fields))
    assert not is_confirmed(caller.desk)
    assert caller.desk.outcome(key) == ("held", "prova_indirizzo")


def test_at_a_provider_that_others_share_only_the_address_itself_counts(caller: Caller) -> None:
    caller.desk.rules = unconfirmed(to=SHARED)
    test = send(caller)
    caller.desk.take_in(answer(test, author="Lia <qualcuno@gmail.com>"))
    assert not is_confirmed(caller.desk)
    caller.desk.take_in(answer(test, author="Lia <centronord@googlemail.com>"))
    assert is_confirmed(caller.desk)


def test_a_code_of_another_address_confirms_nothing(caller: Caller) -> None:
    test = send(caller)
    forged = replace(test, code=new_code())
    [key] = caller.desk.take_in(answer(forged))
    assert caller.desk.outcome(key) == ("held", "dal_progetto")
    assert not is_confirmed(caller.desk)


def test_a_mail_that_comes_back_is_noted(caller: Caller) -> None:
    test = send(caller)
    report = (
        b"Return-Path: <>\r\nFrom: MAILER-DAEMON@mail.example\r\nTo: " + OURS.encode() + b"\r\n"
        b"Subject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\nAuto-Submitted: auto-replied\r\n"
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: text/plain\r\n\r\nNon consegnato.\r\n"
        b"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mail.example\r\n\r\n"
        b"Final-Recipient: rfc822; " + NORD.encode() + b"\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        b"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: "
        + test.rfc_message_id.encode()
        + b"\r\n\r\n--b--\r\n"
    )
    [key] = caller.desk.take_in(report)
    assert caller.desk.outcome(key) == ("held", "avviso_su_nostro_invio")
    assert asked(caller.desk)[0].state == TestState.RETURNED


def test_it_can_be_taken_back_until_it_leaves(caller: Caller, smtp_sink: SmtpSink) -> None:
    desk = caller.desk
    ask(desk)
    with desk.store.write("cancel", CARLA.name) as tx:
        assert addresses.cancel(tx, CARLA, "nord", "default").ok
    caller.pass_minutes(5)
    assert not smtp_sink.messages
    assert asked(desk)[0].state == TestState.CANCELLED
    send(caller)
    with desk.store.write("cancel", CARLA.name) as tx:
        assert addresses.cancel(tx, CARLA, "nord", "default").code == "late"


def test_nothing_leaves_in_ombra_nor_while_everything_is_stopped(caller: Caller, smtp_sink: SmtpSink) -> None:
    desk = caller.desk
    desk.rules = change_project(unconfirmed(), "nord", mode=Mode.SHADOW)
    refused = ask(desk)
    assert (refused.ok, refused.code) == (False, "modo_ombra")
    assert "Mettilo prima in «proposta»" in refused.message_it
    desk.rules = unconfirmed()
    assert ask(desk).ok
    desk.stop()
    caller.pass_minutes(5)
    assert not smtp_sink.messages
    desk.rules = change_project(unconfirmed(), "nord", mode=Mode.SHADOW)
    desk.stop(stopped=False)
    caller.pass_minutes(2)
    assert not smtp_sink.messages
    assert asked(desk)[0].state == TestState.NOT_SENT, "the gate is asked again before it leaves"


def test_an_office_is_not_asked_twice_within_an_hour(caller: Caller) -> None:
    send(caller)
    assert ask(caller.desk).code == "again"
    caller.pass_minutes(60, step=30)
    assert ask(caller.desk).ok


def test_a_confirmation_can_be_taken_away_and_does_not_hold_for_another_address(caller: Caller) -> None:
    desk = caller.desk
    desk.take_in(answer(send(caller)))
    with desk.store.read("look") as tx:
        assert confirmed_addresses(tx) == {("nord", "default", NORD)}
        moved = readdress(desk.rules, "nord", to="nuovo@nord.example")
        assert not confirmed_in_record(tx, moved).projects["nord"].addresses["default"].confirmed
    with desk.store.write("withdraw", CARLA.name) as tx:
        assert addresses.unconfirm(tx, CARLA, desk.rules, "nord", "default").ok
    assert not is_confirmed(desk)
    assert asked(desk)[0].state == TestState.WITHDRAWN
    with desk.store.write("withdraw", CARLA.name) as tx:
        assert addresses.unconfirm(tx, CARLA, desk.rules, "nord", "default").code == "not_confirmed"


def test_codes_are_found_however_they_are_written_and_no_case_s_code_is_one() -> None:
    code = new_code()
    assert codes_in(f"> re: {code.lower()}.") == (code,)
    assert codes_in("22-ABCDEFGH PROVA-ABCD-EFGHJ PROVA-ABCDE-FGHJKL") == ()
