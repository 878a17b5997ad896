"""The SMTP sink takes mail as a real server does, and fails exactly where the script says."""

from __future__ import annotations

import base64
import smtplib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers.authority import Authority
from tests.servers.mail import make_mail
from tests.servers.smtp_script import STEPS, Step
from tests.servers.smtp_sink import SmtpSink
from tests.servers.smtp_spool import read_spool

_PROJECT = Path(__file__).parents[2]
_A, _B = "nord@example.org", "sud@example.org"
StartSink = Callable[..., SmtpSink]


@contextmanager
def _client(sink: SmtpSink, timeout: float = 5) -> Iterator[smtplib.SMTP]:
    client = smtplib.SMTP("127.0.0.1", sink.port, local_hostname="prova.example.org", timeout=timeout)
    try:
        yield client
    finally:
        client.close()


def _send(sink: SmtpSink, octets: bytes = b"Subject: x\r\n\r\nciao\r\n", to: str = _A, timeout: float = 5) -> None:
    with _client(sink, timeout) as client:
        client.sendmail("noi@example.org", [to], octets)
        client.quit()


def test_message_is_recorded_octet_for_octet(smtp_sink: SmtpSink) -> None:
    octets = b"Subject: x\r\n\r\n.\r\n..\r\n.punto\r\nlinea\xe8\r\n" + b"x" * 2_500_000 + b"\r\nfine\r\n"
    with _client(smtp_sink) as client:
        client.sendmail("noi@example.org", [_A, _B], octets, mail_options=["BODY=8BITMIME"])

    (message,) = smtp_sink.wait_for(1)
    assert message.octets == octets
    assert (message.reverse_path, message.forward_paths) == ("noi@example.org", (_A, _B))
    assert message.connection == 1
    assert "BODY=8BITMIME" in message.parameters[0]
    assert abs(message.time.timestamp() - time.time()) < 60


def test_bare_line_ends_do_not_end_a_body(smtp_sink: SmtpSink) -> None:
    """Else one message could be smuggled inside another."""
    with socket.create_connection(("127.0.0.1", smtp_sink.port), timeout=5) as connection:
        words = b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nDATA\r\n"
        connection.sendall(words + b"one\n.\ntwo\r.\rthree\r\n.\r\nQUIT\r\n")
        while connection.recv(4096):
            pass

    assert [message.octets for message in smtp_sink.messages] == [b"one\n.\ntwo\r.\rthree\r\n"]
    assert smtp_sink.messages[0].reverse_path == ""


def test_extensions_are_announced_as_asked(start_smtp_sink: StartSink) -> None:
    sink = start_smtp_sink(extensions=("SIZE 1000", "DSN"))
    with _client(sink) as client:
        client.ehlo()
        assert client.esmtp_features == {"size": "1000", "dsn": ""}


def test_pipelined_commands_are_answered_in_order(smtp_sink: SmtpSink) -> None:
    with socket.create_connection(("127.0.0.1", smtp_sink.port), timeout=5) as connection:
        connection.sendall(
            b"EHLO x\r\nRCPT TO:<a@example.org>\r\nMAIL FROM:<b@example.org>\r\nMAIL FROM:<>\r\nQUIT\r\n"
        )
        answer = b""
        while piece := connection.recv(4096):
            answer += piece

    codes = [line[:3] for line in answer.split(b"\r\n") if line[3:4] == b" "]
    assert codes == [b"220", b"250", b"503", b"250", b"503", b"221"]


def test_starttls_and_login_are_demanded(start_smtp_sink: StartSink, authority: Authority) -> None:
    sink = start_smtp_sink(tls=authority.issue().server_context(), passwords={"ufficio": "parola"})
    with _client(sink) as client:
        client.ehlo()
        assert not client.has_extn("auth")
        client.starttls(context=authority.client_context())
        with pytest.raises(smtplib.SMTPSenderRefused) as refusal:
            client.sendmail("noi@example.org", [_A], b"x: y\r\n\r\n")
        assert refusal.value.smtp_code == 530
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login("ufficio", "sbagliata")
        client.login("ufficio", "parola")
        client.sendmail("noi@example.org", [_A], b"x: y\r\n\r\n")

    (message,) = sink.messages
    assert (message.tls, message.user) == (True, "ufficio")


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_password_mechanisms(start_smtp_sink: StartSink, mechanism: str) -> None:
    sink = start_smtp_sink(passwords={"ufficio": "parola"})
    for password, code in (("parola", 235), ("sbagliata", 535)):
        with _client(sink) as client:
            client.ehlo()
            client.user, client.password = "ufficio", password
            method = {"PLAIN": client.auth_plain, "LOGIN": client.auth_login}[mechanism]
            if code == 235:
                assert client.auth(mechanism, method)[0] == code
            else:
                with pytest.raises(smtplib.SMTPAuthenticationError) as refusal:
                    client.auth(mechanism, method)
                assert refusal.value.smtp_code == code


def test_xoauth2_takes_the_right_token_only(start_smtp_sink: StartSink) -> None:
    sink = start_smtp_sink(tokens={"ufficio": "abc"})
    for token, code in (("abc", 235), ("scaduto", 535)):
        with _client(sink) as client:
            client.ehlo()
            assert client.esmtp_features["auth"].strip() == "XOAUTH2 OAUTHBEARER"
            words = f"user=ufficio\x01auth=Bearer {token}\x01\x01"
            assert _xoauth2(client, words) == code


def test_implicit_tls(start_smtp_sink: StartSink, authority: Authority) -> None:
    sink = start_smtp_sink(tls=authority.issue().server_context(), implicit_tls=True)
    with smtplib.SMTP_SSL("127.0.0.1", sink.port, context=authority.client_context(), timeout=5) as client:
        client.sendmail("noi@example.org", [_A], b"x: y\r\n\r\n")

    assert sink.messages[0].tls


def test_one_recipient_is_refused_once(smtp_sink: SmtpSink) -> None:
    smtp_sink.answer("rcpt", 550, "5.1.1 no such user", times=1, when=lambda address: address == _B)
    with _client(smtp_sink) as client:
        refused = client.sendmail("noi@example.org", [_A, _B], b"x: y\r\n\r\n")
        assert refused == {_B: (550, b"5.1.1 no such user")}
        assert client.sendmail("noi@example.org", [_A, _B], b"x: y\r\n\r\n") == {}

    assert [message.forward_paths for message in smtp_sink.messages] == [(_A,), (_A, _B)]


def test_faults_wait_for_their_turn(smtp_sink: SmtpSink) -> None:
    smtp_sink.answer("mail", 451, "4.3.0 later\n4.3.0 really", skip=1, times=2)
    codes = []
    for _ in range(4):
        try:
            _send(smtp_sink)
            codes.append(250)
        except smtplib.SMTPSenderRefused as refusal:
            codes.append(refusal.smtp_code)

    assert codes == [250, 451, 451, 250]


_ANSWERED: tuple[Step, ...] = ("banner", "ehlo", "mail", "rcpt", "data_command", "data_dot", "after_data_dot")


@pytest.mark.parametrize("step", _ANSWERED)
def test_refusal_at_each_step_reaches_the_client(smtp_sink: SmtpSink, step: Step) -> None:
    smtp_sink.answer(step, 554, "5.7.1 refused", times=1)
    with pytest.raises(smtplib.SMTPException) as refusal:
        _send_with_ehlo_only(smtp_sink)

    assert "554" in str(refusal.value)
    assert len(smtp_sink.messages) == (1 if step == "after_data_dot" else 0)
    _send(smtp_sink)


@pytest.mark.parametrize("step", _ANSWERED)
def test_421_at_each_step_ends_the_connection(smtp_sink: SmtpSink, step: Step) -> None:
    smtp_sink.answer(step, 421, "4.3.2 closing", times=1)
    with pytest.raises((smtplib.SMTPException, OSError)):
        _send_with_ehlo_only(smtp_sink)

    assert [spoken.line for spoken in smtp_sink.transcript if spoken.who == "S"][-2:] == [
        "421 4.3.2 closing",
        "(hang up)",
    ]


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("step", [step for step in STEPS if step not in ("starttls", "auth", "rset", "noop", "quit")])
def test_drop_at_each_step_cuts_the_connection(smtp_sink: SmtpSink, step: Step, reset: bool) -> None:
    smtp_sink.drop(step, times=1, reset=reset)
    with pytest.raises((smtplib.SMTPServerDisconnected, OSError)):
        _send_with_ehlo_only(smtp_sink)

    recorded = [message.octets for message in smtp_sink.messages]
    assert recorded == ([b"Subject: x\r\n\r\nciao\r\n"] if step == "after_data_dot" else [])
    _send(smtp_sink)


@pytest.mark.parametrize("step", ["starttls", "auth", "rset", "noop", "quit"])
def test_drop_at_the_other_commands(start_smtp_sink: StartSink, authority: Authority, step: Step) -> None:
    tls = authority.issue().server_context() if step == "starttls" else None
    sink = start_smtp_sink(tls=tls, passwords={"ufficio": "parola"})
    sink.drop(step)
    words = {"auth": "AUTH PLAIN AHUAcA=="}.get(step, step.upper())
    with _client(sink) as client:
        client.ehlo()
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.docmd(words)

    assert sink.commands[-1] == words


def test_body_is_cut_where_asked(smtp_sink: SmtpSink) -> None:
    smtp_sink.drop("mid_data", after_octets=500, times=1)
    _send(smtp_sink, b"x: y\r\n\r\nshort\r\n")
    smtp_sink.drop("mid_data", after_octets=500, times=1)
    with pytest.raises((smtplib.SMTPServerDisconnected, OSError)):
        _send(smtp_sink, b"x: y\r\n\r\n" + b"long\r\n" * 100_000)

    assert [message.octets for message in smtp_sink.messages] == [b"x: y\r\n\r\nshort\r\n"]


@pytest.mark.parametrize("step", ["data_dot", "after_data_dot"])
def test_stalled_answer_outlasts_the_client_and_the_message_is_taken(smtp_sink: SmtpSink, step: Step) -> None:
    smtp_sink.stall(step, 0.4, times=1)
    with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
        _send(smtp_sink, timeout=0.15)

    assert len(smtp_sink.messages) == (1 if step == "after_data_dot" else 0)
    assert len(smtp_sink.wait_for(1)) == 1


def test_every_answer_can_be_delayed(smtp_sink: SmtpSink) -> None:
    smtp_sink.delay = 0.02
    began = time.monotonic()
    _send(smtp_sink)

    assert time.monotonic() - began >= 7 * 0.02


def test_garbage_can_be_sent(smtp_sink: SmtpSink) -> None:
    smtp_sink.raw("mail", b"\xff\xfe nonsense\r\n", times=1)
    with pytest.raises(smtplib.SMTPException):
        _send(smtp_sink)


def test_cleared_script_is_over(smtp_sink: SmtpSink) -> None:
    smtp_sink.answer("mail", 451)
    smtp_sink.clear_script()
    _send(smtp_sink)


def test_unknown_step_is_refused(smtp_sink: SmtpSink) -> None:
    with pytest.raises(ValueError, match="unknown step 'data'"):
        smtp_sink.drop("data")  # type: ignore[arg-type]


def test_connections_are_counted(smtp_sink: SmtpSink) -> None:
    with _client(smtp_sink), _client(smtp_sink), _client(smtp_sink):
        pass
    _send(smtp_sink)

    assert (smtp_sink.connections_seen, smtp_sink.max_connections_seen) == (4, 3)
    assert smtp_sink.messages[0].connection == 4


def test_many_threads_may_send(smtp_sink: SmtpSink) -> None:
    threads = [threading.Thread(target=_send, args=(smtp_sink, b"x: %d\r\n\r\n" % number)) for number in range(16)]
    for thread in threads:
        thread.start()
    messages = smtp_sink.wait_for(16)
    for thread in threads:
        thread.join()

    assert {message.octets for message in messages} == {b"x: %d\r\n\r\n" % number for number in range(16)}


def test_waiting_in_vain_says_so(smtp_sink: SmtpSink) -> None:
    with pytest.raises(TimeoutError, match="0 of 1 messages"):
        smtp_sink.wait_for(1, timeout=0.01)


def test_stopped_sink_refuses_and_starts_again_on_its_port(smtp_sink: SmtpSink) -> None:
    _send(smtp_sink)
    with _client(smtp_sink) as client:
        client.ehlo()
        smtp_sink.stop()
        with pytest.raises((smtplib.SMTPServerDisconnected, OSError)):
            client.noop()
    with pytest.raises(ConnectionRefusedError):
        _send(smtp_sink)
    smtp_sink.start()
    _send(smtp_sink)

    assert len(smtp_sink.messages) == 2


def test_sink_of_its_own_process_keeps_what_it_accepted_when_killed(tmp_path: Path) -> None:
    octets = make_mail("perché\r\n", transfer_encoding="8bit")
    command = [sys.executable, "-m", "tests.servers.smtp_sink", "--spool", str(tmp_path), "--drop", "after_data_dot"]
    with subprocess.Popen(command, cwd=_PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().removeprefix("listening on "))
        with smtplib.SMTP("127.0.0.1", port, timeout=5) as client, pytest.raises(smtplib.SMTPServerDisconnected):
            client.sendmail("noi@example.org", [_A], octets)
        process.kill()

    (message,) = read_spool(tmp_path)
    assert (message.reverse_path, message.forward_paths, message.octets) == ("noi@example.org", (_A,), octets)


def test_spool_and_memory_hold_the_same(start_smtp_sink: StartSink, tmp_path: Path) -> None:
    sink = start_smtp_sink(spool=tmp_path)
    for number in range(3):
        _send(sink, b"x: %d\r\n\r\n" % number)

    assert read_spool(tmp_path) == sink.messages


def _send_with_ehlo_only(sink: SmtpSink) -> None:
    """smtplib falls back from EHLO to HELO, and from a refused banner to nothing: ask step by step."""
    with _client(sink) as client:
        code, text = client.ehlo()
        if code != 250:
            raise smtplib.SMTPHeloError(code, text.decode())
        client.sendmail("noi@example.org", [_A], b"Subject: x\r\n\r\nciao\r\n")


def _xoauth2(client: smtplib.SMTP, words: str) -> int:
    code, _ = client.docmd("AUTH", "XOAUTH2 " + base64.b64encode(words.encode()).decode())
    # A refusal comes as a challenge, which an empty line answers.
    return client.docmd("")[0] if code == 334 else code
