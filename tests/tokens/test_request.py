"""One request for a token: what is sent, what is believed of the answer, and every refusal with its remedy."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import product
from pathlib import Path

import pytest

from tests.servers.authority import Authority
from tests.servers.token_endpoint import CLIENT, CLIENT_SECRET, SCOPE, TokenEndpoint
from tests.tokens.builders import by_consent, numbered, oauth_of
from triage.oauth import OAuth
from triage.tokens.request import ask
from triage.tokens.trouble import TokenTroubleError


def refused(oauth: OAuth, refresh_token: str = "") -> TokenTroubleError:
    """The trouble of a request that must fail; its text must hold no secret and fit into an incident."""
    with pytest.raises(TokenTroubleError) as caught:
        ask(oauth, refresh_token)
    error = caught.value
    for secret in filter(None, (oauth.client_secret, oauth.refresh_token)):
        assert secret not in str(error)
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None, "a traceback would show the library's own words"
    assert len(f"{error.kind}: {error}".replace("127.0.0.1", "login.microsoftonline.com")) <= 255
    return error


# --------------------------------------------------------------------------- what is sent


def test_the_application_asks_for_itself_with_one_request(endpoint: TokenEndpoint) -> None:
    granted = ask(oauth_of(endpoint), "")

    assert (granted.access_token, granted.lifetime, granted.refresh_token) == ("accesso-1", 3600, "")
    assert endpoint.requests == [
        {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": CLIENT_SECRET, "scope": SCOPE}
    ]


def test_a_refresh_token_is_exchanged_with_one_request(endpoint: TokenEndpoint) -> None:
    oauth = by_consent(endpoint)

    assert ask(oauth, oauth.refresh_token).access_token == "accesso-1"
    assert endpoint.requests == [
        {
            "grant_type": "refresh_token",
            "client_id": CLIENT,
            "refresh_token": oauth.refresh_token,
            "client_secret": CLIENT_SECRET,
        }
    ]


def test_secrets_are_not_in_what_is_printed(endpoint: TokenEndpoint) -> None:
    oauth = by_consent(endpoint)
    printed = f"{oauth!r} {ask(oauth, oauth.refresh_token)!r}"
    for secret in (CLIENT_SECRET, oauth.refresh_token, "accesso-1"):
        assert secret not in printed


# --------------------------------------------------------------------------- TLS


def test_a_token_is_asked_for_over_tls(
    start_token_endpoint: Callable[..., TokenEndpoint], authority: Authority
) -> None:
    secured = start_token_endpoint(numbered(), tls=authority.issue().server_context())

    assert secured.url.startswith("https://")
    assert ask(oauth_of(secured, ca_file=str(authority.ca_path)), "").access_token == "accesso-1"


@pytest.mark.parametrize("what", ["unknown authority", "another host", "expired"])
def test_a_server_whose_certificate_does_not_hold_is_told_no_secret(
    start_token_endpoint: Callable[..., TokenEndpoint], authority: Authority, tmp_path: Path, what: str
) -> None:
    names = ["login.example.org"] if what == "another host" else ["127.0.0.1"]
    context = authority.issue(names, expired=what == "expired").server_context()
    secured = start_token_endpoint(numbered(), tls=context)
    ca_file = Authority(tmp_path).ca_path if what == "unknown authority" else authority.ca_path

    error = refused(oauth_of(secured, ca_file=str(ca_file)))

    assert error.kind == "token_tls"
    assert "TRIAGE_IMAP_OAUTH_CA_FILE" in str(error)
    assert secured.requests == []


def test_a_file_of_authorities_that_cannot_be_used_is_named(
    start_token_endpoint: Callable[..., TokenEndpoint], authority: Authority, tmp_path: Path
) -> None:
    secured = start_token_endpoint(numbered(), tls=authority.issue().server_context())
    empty = tmp_path / "empty.pem"
    empty.touch()
    for path in (empty, tmp_path / "missing.pem"):
        assert "TRIAGE_IMAP_OAUTH_CA_FILE" in str(refused(oauth_of(secured, ca_file=str(path))))


def test_a_redirect_is_not_followed(
    endpoint: TokenEndpoint, start_token_endpoint: Callable[..., TokenEndpoint]
) -> None:
    """Whoever can send a redirect must not be sent the client secret."""
    thief = start_token_endpoint(numbered())
    for status, where in product((301, 302, 303, 307, 308), (thief.url, "https://[nowhere")):
        endpoint.say(status, b"", headers={"Location": where}, times=1)
        error = refused(oauth_of(endpoint))
        assert error.kind == "token_refused"
        assert f"({status})" in str(error)
    assert thief.requests == []


# --------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("code", "description", "kind", "said", "remedy"),
    [
        (
            "invalid_grant",
            "AADSTS700082: The refresh token has expired due to inactivity.",
            "token_refused",
            "the refresh token no longer holds (400, invalid_grant, AADSTS700082)",
            "TRIAGE_IMAP_OAUTH_REFRESH_TOKEN",
        ),
        (
            "invalid_client",
            "AADSTS7000222: The provided client secret keys are expired.",
            "token_refused",
            "(400, invalid_client, AADSTS7000222)",
            "TRIAGE_IMAP_OAUTH_CLIENT_SECRET",
        ),
        ("unauthorized_client", "", "token_refused", "unauthorized_client", "TRIAGE_IMAP_OAUTH_CLIENT_ID"),
        ("invalid_scope", "", "token_refused", "the scope is refused", "TRIAGE_IMAP_OAUTH_SCOPE"),
        ("unsupported_grant_type", "", "token_refused", "the request is refused", "TRIAGE_IMAP_OAUTH_TOKEN_URL"),
        ("temporarily_unavailable", "", "token_unreachable", "has trouble of its own", "it is tried again"),
        ("<script>\r\nA1 LOGOUT", "x: gatto", "token_refused", "(400)", "TRIAGE_IMAP_OAUTH_TOKEN_URL"),
    ],
)
def test_each_refusal_is_one_sentence_with_its_remedy(
    endpoint: TokenEndpoint, code: str, description: str, kind: str, said: str, remedy: str
) -> None:
    endpoint.refuse(code, description=description)
    oauth = by_consent(endpoint)

    error = refused(oauth, oauth.refresh_token)

    assert error.kind == kind
    assert said in str(error)
    assert remedy in str(error)
    assert "Nothing is lost" in str(error)
    assert description.partition(": ")[2] not in str(error) or not description, "the server's own words"


def test_a_server_in_trouble_and_one_that_throttles_pass_by_themselves(endpoint: TokenEndpoint) -> None:
    endpoint.say(503, b"<html>down</html>", headers={"Retry-After": "120"}, times=1)
    endpoint.say(429, b"", headers={"Retry-After": "77"}, times=1)
    endpoint.say(429, b"", headers={"Retry-After": "99999999"}, times=1)
    endpoint.say(503, b"", headers={"Retry-After": "Fri, 31 Dec 2027 23:59:59 GMT"}, times=1)

    found = [refused(oauth_of(endpoint)) for _ in range(4)]

    assert [(error.kind, error.rest) for error in found] == [
        ("token_unreachable", 120),
        ("token_throttled", 77),
        ("token_throttled", 3600),
        ("token_unreachable", 3600),
    ]
    assert all(error.passes for error in found)


def test_a_server_that_is_not_there_or_never_answers_is_given_up(endpoint: TokenEndpoint) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/token"
        error = refused(oauth_of(endpoint, token_url=url, timeout=0.2))
        assert (error.kind, error.passes) == ("token_unreachable", True)
    error = refused(oauth_of(endpoint, token_url=url))
    assert error.kind == "token_unreachable"
    assert "TRIAGE_IMAP_OAUTH_TOKEN_URL" in str(error)


@contextmanager
def speaking(octets: bytes, pause: float = 0.0) -> Iterator[str]:
    """The address of a server that says this and hangs up; with a ``pause`` after each octet."""

    def serve() -> None:
        with suppress(OSError), server.accept()[0] as connection:
            while b"\r\n\r\n" not in connection.recv(65_536, socket.MSG_PEEK):
                pass
            connection.recv(65_536)
            for piece in (bytes([octet]) for octet in octets) if pause else [octets]:
                connection.sendall(piece)
                time.sleep(pause)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/token"
        thread.join(10)


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nX: " + b"a" * 60, b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 60])
def test_a_server_that_gives_an_octet_now_and_then_is_given_up_in_time(endpoint: TokenEndpoint, head: bytes) -> None:
    """Each octet meets the time-out of a read; all mailboxes of the application would wait for the last."""
    with speaking(head, 0.05) as url:
        began = time.monotonic()
        error = refused(oauth_of(endpoint, token_url=url, timeout=0.5))
        took = time.monotonic() - began
    assert (error.kind, error.passes) == ("token_unreachable", True)
    assert "TimeoutError" in str(error)
    assert took < 2


def test_an_answer_that_was_cut_off_passes_by_itself(endpoint: TokenEndpoint) -> None:
    with speaking(b'HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{"access_token": "a') as url:
        error = refused(oauth_of(endpoint, token_url=url))
    assert (error.kind, error.passes) == ("token_unreachable", True)


@pytest.mark.parametrize(
    ("asked", "rest"),
    [
        (b"Retry-After: Mon, 01 Mar 2027 09:20:00 GMT\r\nDate: Mon, 01 Mar 2027 09:00:00 GMT", 1200),
        (b"Retry-After: Mon, 01 Mar 2027 08:00:00 GMT\r\nDate: Mon, 01 Mar 2027 09:00:00 GMT", 0),
        (b"Retry-After: Mon, 01 Mar 2027 09:20:00 GMT", 0),
        (b"Retry-After:  90 ", 90),
        (b"Retry-After: soon", 0),
        (b"Retry-After: \xd9\xa1", 0),
    ],
)
def test_f80_a_day_to_wait_for_is_read_by_the_servers_own_clock(
    endpoint: TokenEndpoint, asked: bytes, rest: float
) -> None:
    with speaking(b"HTTP/1.1 429 X\r\nContent-Length: 0\r\n" + asked + b"\r\n\r\n") as url:
        error = refused(oauth_of(endpoint, token_url=url))
    assert (error.kind, error.rest) == ("token_throttled", rest)


@pytest.mark.parametrize("host", ["login..example.org", ".example.org", f"{'a' * 64}.example.org"])
def test_a_host_that_cannot_be_one_is_told_with_its_remedy(endpoint: TokenEndpoint, host: str) -> None:
    error = refused(oauth_of(endpoint, token_url=f"https://{host}/token"))
    assert error.kind == "token_unreachable"
    assert "TRIAGE_IMAP_OAUTH_TOKEN_URL" in str(error)


# --------------------------------------------------------------------------- answers


def test_what_a_server_writes_as_null_it_does_not_say(endpoint: TokenEndpoint) -> None:
    endpoint.say(200, {"access_token": "a", "token_type": None, "refresh_token": None, "expires_in": None})

    granted = ask(oauth_of(endpoint), "")

    assert (granted.access_token, granted.refresh_token, granted.lifetime) == ("a", "", 600)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Accedi alla rete</html>",
        b"[]",
        b"[" * 100_000,
        b"\xff\xfe",
        {},
        {"access_token": ""},
        {"access_token": 7},
        {"access_token": "a\x01auth=x"},
        {"access_token": "a\r\nA1 LOGOUT"},
        {"access_token": "perché"},
        {"access_token": "a", "token_type": "mac"},
        {"access_token": "a", "token_type": "Bearer", "refresh_token": ["b"]},
        {"access_token": "a", "token_type": "Bearer", "refresh_token": "a\nb"},
    ],
)
def test_an_answer_without_a_usable_token_is_refused(endpoint: TokenEndpoint, body: object) -> None:
    endpoint.say(200, body)

    error = refused(oauth_of(endpoint))

    assert error.kind == "token_answer"
    assert not error.passes
    assert "TRIAGE_IMAP_OAUTH_TOKEN_URL" in str(error)


@pytest.mark.parametrize(
    ("told", "believed"),
    [(3599, 3599), ("3599", 3599), (None, 600), (0, 600), (-5, 600), ("soon", 600), (True, 600), (1e300, 86_400)],
)
def test_the_end_of_a_token_is_what_the_server_says_if_it_makes_sense(
    endpoint: TokenEndpoint, told: object, believed: float
) -> None:
    endpoint.say(200, {"access_token": "a", "token_type": "bearer", "expires_in": told})

    assert ask(oauth_of(endpoint), "").lifetime == believed
