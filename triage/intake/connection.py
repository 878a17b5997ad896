"""Connects and logs in to an IMAP server, or says in one sentence why that cannot be done.

TLS is never given up: a server that does not offer what was asked for is refused. Every socket has
a time-out, every exchange an end (``triage.intake.meter``). A connection that failed once is dead; the
reader makes a new one from scratch.
"""

from __future__ import annotations

import imaplib
import logging
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import CapabilityError, IMAPClientError, LoginError

from triage.crashpoints import reach
from triage.intake.meter import MeteredClient
from triage.settings import Account, Login, Security
from triage.throttling import passes_by_itself, throttles_reading
from triage.tokens import FIXED, Secrets, TokenTroubleError

# These would print lines of messages, user and folder names at DEBUG; nobody may turn them on. Disabling
# the parent "imapclient" would not silence them.
for _name in ("imapclient.imapclient", "imapclient.imaplib", "imapclient.util"):
    logging.getLogger(_name).disabled = True

CONNECT_TIMEOUT = 30.0
"""Seconds for the TCP connection alone."""

Connect = Callable[[Account, Secrets], IMAPClient]
"""How a reader gets a logged-in client: :func:`connect`, or another way to a server."""


class MailboxTroubleError(Exception):
    """A mailbox cannot be read now. ``kind`` is a stable code; the text names the remedy.

    ``rest``: seconds that the server asked us to wait; 0: it did not.
    """

    def __init__(self, kind: str, text: str, rest: float = 0.0) -> None:
        super().__init__(text)
        self.kind = kind
        self.rest = rest


def connect(account: Account, secrets: Secrets = FIXED) -> IMAPClient:
    """A logged-in client; raises :class:`MailboxTroubleError`.

    A server may refuse a token before its end (a changed password, a restart): then another is tried once.
    """
    try:
        secret = secrets.secret_of(account)
        try:
            return _connect(account, secret)
        except MailboxTroubleError as refused:
            other = secrets.another(account, secret) if refused.kind == "credentials" else None
            if other is None:
                raise
        return _connect(account, other)
    except TokenTroubleError as trouble:
        raise MailboxTroubleError(trouble.kind, str(trouble), trouble.rest) from None


def _connect(account: Account, secret: str) -> IMAPClient:
    where = f"{account.host}:{account.port}"
    reach("imap connect")
    client = None
    try:
        client = _open(account)
        _quiet(client)
        _login(client, account, secret)
    except LoginError as error:
        _close(client)
        raise _refused_login(account, where, error) from None
    except ssl.SSLError as error:
        _close(client)
        raise MailboxTroubleError(
            "tls",
            f"IMAP server {where}: TLS failed ({error.reason or type(error).__name__}). Check the host name, "
            "TRIAGE_IMAP_TLS (tls, starttls) and, for a private authority, TRIAGE_IMAP_CA_FILE.",
        ) from None
    except CapabilityError:
        _close(client)
        raise MailboxTroubleError(
            "tls", f"IMAP server {where} does not offer STARTTLS; nothing was sent. Set TRIAGE_IMAP_TLS=tls."
        ) from None
    except UnicodeError:
        _close(client)
        raise MailboxTroubleError(
            "unreachable", f"IMAP server {where}: that is no name of a host. Mend TRIAGE_IMAP_HOST."
        ) from None
    except (OSError, imaplib.IMAP4.error, IMAPClientError) as error:
        _close(client)
        raise _unreachable(where, type(error).__name__) from None
    except BaseException:
        _close(client)
        raise
    reach("imap logged in")
    return client


def disconnect(client: IMAPClient | None) -> None:
    """Leave politely if the server still listens, and close in any case."""
    if client is not None:
        with suppress(Exception):
            client.logout()
        _close(client)


def _refused_login(account: Account, where: str, error: LoginError) -> MailboxTroubleError:
    """Why a login failed: a server that cannot let anybody in now says nothing about our password."""
    pause = throttles_reading(str(error))
    if pause is not None:
        return _throttled(where, pause)
    if _is_passing(error):
        return _unreachable(where, "login interrupted")
    check = (
        f"The token itself was given: check TRIAGE_IMAP_USER, {account.oauth.prefix}_SCOPE and the application's right "
        "to this mailbox (README, 'Microsoft 365 and Google')."
        if account.oauth
        else "Check TRIAGE_IMAP_USER and TRIAGE_IMAP_PASSWORD (or the token)."
    )
    return MailboxTroubleError("credentials", f"IMAP server {where} refused the login. {check}")


def _throttled(where: str, pause: float) -> MailboxTroubleError:
    """The server asks us to wait (failures F80)."""
    text = f"IMAP server {where} asks us to wait {pause:.0f} s. Nothing is lost: mail stays there and is read then."
    return MailboxTroubleError("throttled", text, pause)


def _unreachable(where: str, why: str) -> MailboxTroubleError:
    return MailboxTroubleError(
        "unreachable",
        f"IMAP server {where} cannot be reached ({why}). "
        "Check TRIAGE_IMAP_HOST and TRIAGE_IMAP_PORT and that the server is up.",
    )


def _is_passing(error: LoginError) -> bool:
    """Whether the login failed for another reason than what we said (RFC 5530 section 3).

    imapclient wraps a lost connection in the same exception as a refusal.
    """
    return isinstance(error.__context__, imaplib.IMAP4.abort) or passes_by_itself(str(error))


def _open(account: Account) -> IMAPClient:
    timeout = SocketTimeout(min(CONNECT_TIMEOUT, account.timeout), account.timeout)
    context = None if account.security is Security.PLAIN else _context(account)
    client = MeteredClient(
        account.host,
        account.port,
        ssl=account.security is Security.TLS,
        ssl_context=context,
        timeout=timeout,
    )
    if account.security is Security.STARTTLS:
        try:
            client.starttls(context)
        except BaseException:
            _close(client)
            raise
    # The library writes a command and its CRLF apart. Nagle's algorithm would keep the CRLF back until the server has
    # acknowledged the command, and many servers take 40 ms for that: with each command, before each forward.
    client.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.normalise_times = False
    return client


def _context(account: Account) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=account.ca_file or None)
    except OSError as error:  # an SSLError when the file holds no certificate
        raise MailboxTroubleError(
            "tls",
            f"The file of TRIAGE_IMAP_CA_FILE cannot be used ({type(error).__name__}). "
            "It must be a PEM file with the authority's certificate that the service may read.",
        ) from None


def _quiet(client: IMAPClient) -> None:
    # imaplib formats every line for its debug log even when nobody reads it.
    client._imap.debug = 0


def _login(client: IMAPClient, account: Account, secret: str) -> None:
    if account.login is Login.PASSWORD and (account.user + secret).isascii():
        client.login(account.user, secret)
    elif account.login is Login.PASSWORD:
        # LOGIN cannot carry "perché" (RFC 3501 section 9: CHAR is ASCII); PLAIN is UTF-8 (RFC 4616).
        client.plain_login(account.user, secret)
    elif account.login is Login.XOAUTH2:
        client.oauth2_login(account.user, secret)
    elif account.login is Login.OAUTHBEARER:
        client.oauthbearer_login(account.user, secret)


def _close(client: IMAPClient | None) -> None:
    if client is not None:
        with suppress(Exception):
            client.shutdown()
