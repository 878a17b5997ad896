"""Speaks SMTP: one transaction a message, with MAIL, RCPT and DATA as separate commands.

An :class:`Outgoing` enters, a :class:`SubmissionResult` leaves; an answer is never an exception.
A failure without a reply code inside DATA is an *unknown* outcome: the server may have taken the
message. Connections are kept and used again; one that failed is closed. The words of the server are
kept for staff and never logged.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
import time
from contextlib import suppress

import aiosmtplib
from aiosmtplib.errors import (
    SMTPAuthenticationError,
    SMTPException,
    SMTPHeloError,
    SMTPResponseException,
)

from triage.crashpoints import reach
from triage.dispatch.compose import Outgoing
from triage.dispatch.policy import NOT_LOGGED_IN
from triage.dispatch.trouble import AccountTroubleError, status_of, trouble_of_connection
from triage.settings import Account, Login, Security, Submission
from triage.tokens import FIXED, Secrets, TokenTroubleError
from triage.vocabulary import AttemptOutcome, SubmissionResult


class Connection:
    """One logged-in SMTP connection, used for one message after another."""

    def __init__(self, submission: Submission, secrets: Secrets = FIXED) -> None:
        self._submission = submission
        self._secrets = secrets
        self._client: aiosmtplib.SMTP | None = None
        self._sent = 0
        self.last_used = 0.0

    @property
    def is_open(self) -> bool:
        """Whether it may take another message without connecting again."""
        alive = self._client is not None and self._client.is_connected
        return alive and self._sent < self._submission.per_connection

    async def open(self) -> None:
        """Connect and log in if needed; raises :class:`AccountTroubleError`.

        A server may refuse a token before its end: then another is tried once.
        """
        if self.is_open:
            return
        await self.close()
        account = self._submission.account
        try:
            secret = self._secrets.secret_of(account) if account.oauth is None else await self._token()
            try:
                await self._connect(account, secret)
            except AccountTroubleError as refused:
                if refused.kind != "credentials":
                    raise
                other = await asyncio.to_thread(self._secrets.another, account, secret)
                if other is None:
                    raise
                await self._connect(account, other)
        except TokenTroubleError as trouble:
            text = f"{trouble}" if "Nothing is lost" in str(trouble) else f"{trouble} Nothing is lost: mail waits."
            raise AccountTroubleError(trouble.kind, text, trouble.rest) from None

    async def _token(self) -> str:
        # In a thread: a slow token server must not hold up what is on the wire.
        return await asyncio.to_thread(self._secrets.secret_of, self._submission.account)

    async def _connect(self, account: Account, secret: str) -> None:
        reach("smtp connect")
        client = aiosmtplib.SMTP(
            hostname=account.host,
            port=account.port,
            use_tls=account.security is Security.TLS,
            # Never "if offered": a server without STARTTLS is refused when STARTTLS was asked for.
            start_tls=account.security is Security.STARTTLS,
            tls_context=_tls(account.ca_file) if account.security is not Security.PLAIN else None,
            timeout=min(account.timeout, 300.0),
        )
        missing = "TRIAGE_SMTP_TLS: it does not offer STARTTLS" if account.security is Security.STARTTLS else ""
        try:
            await client.connect()
            missing = "TRIAGE_SMTP_LOGIN: it offers no such login here (perhaps only with TRIAGE_SMTP_TLS)"
            if account.login is Login.PASSWORD:
                await client.login(account.user, secret)
            elif account.login is Login.XOAUTH2:
                await client.auth_xoauth2(account.user, secret)
            elif account.login is Login.OAUTHBEARER:
                await _login_with_bearer(client, account, secret)
            await _greet(client)
        except (SMTPException, OSError, ValueError) as error:
            client.close()
            raise trouble_of_connection(account, error, missing) from None
        self._client, self._sent = client, 0
        self.last_used = time.monotonic()

    def offers(self, extension: str) -> bool:
        """Whether the server announced an extension."""
        return self._client is not None and self._client.supports_extension(extension)

    @property
    def largest(self) -> int:
        """Most octets of a message that the server announced (RFC 1870 section 4); 0: it named no limit."""
        said = self._client.esmtp_extensions.get("size", "") if self._client is not None else ""
        return int(said) if said.isascii() and said.isdigit() and len(said) < 20 else 0

    async def submit(self, outgoing: Outgoing) -> SubmissionResult:
        """One transaction on an open connection; closes it after any failure inside it."""
        client = self._client
        if client is None:
            return SubmissionResult(AttemptOutcome.TRANSIENT, "connect")
        if not self._may_take(outgoing):
            return SubmissionResult(AttemptOutcome.TRANSIENT, "connect", text="offer")
        stage = "mail"
        self._sent += 1
        self.last_used = time.monotonic()
        try:
            reach("smtp mail")
            encoding = "utf-8" if outgoing.smtputf8 else "ascii"
            await client.mail(outgoing.reverse_path, options=self._mail_options(outgoing))
            stage = "rcpt"
            reach("smtp rcpt")
            await client.rcpt(outgoing.forward_path, options=self._rcpt_options(outgoing), encoding=encoding)
            stage = "data"
            reach("smtp data")
            response = await client.data(outgoing.octets, timeout=self._submission.data_timeout)
            reach("smtp accepted")
            return _result(AttemptOutcome.ACCEPTED, stage, response.code, response.message)
        except SMTPResponseException as error:
            if not 400 <= error.code < 600:
                # No refusal: nonsense, or an answer to another question. Inside DATA the message
                # may have been taken; the connection is out of step either way.
                await self.close()
                return SubmissionResult(_without_reply(stage), stage, text="unintelligible")
            await self._after_refusal(error.code)
            outcome = AttemptOutcome.PERMANENT if error.code >= 500 else AttemptOutcome.TRANSIENT
            return _result(outcome, stage, error.code, str(error.message))
        except (SMTPException, OSError) as error:
            await self.close()
            return SubmissionResult(_without_reply(stage), stage, text=type(error).__name__)
        except (ValueError, UnicodeError) as error:
            # An address that cannot be written on the wire: no server will ever take it.
            await self.close()
            return SubmissionResult(AttemptOutcome.PERMANENT, stage, text=type(error).__name__)

    async def close(self) -> None:
        """Say QUIT without waiting long; how that ends never matters (failures F58)."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(SMTPException, OSError, ValueError):
                if client.is_connected:
                    await client.quit(timeout=2)
            client.close()

    async def _after_refusal(self, code: int) -> None:
        # A server that no longer knows who we are (a token that ended) knows it again after a new login only.
        if code == 421 or code in NOT_LOGGED_IN or self._client is None or not self._client.is_connected:
            await self.close()
            return
        try:
            await self._client.rset()
        except (SMTPException, OSError):
            await self.close()

    def _may_take(self, outgoing: Outgoing) -> bool:
        """Whether it offers what the message needs: behind one name there may be servers of several kinds, and it was
        composed for what another one offers (RFC 6152, RFC 6531). The next time it is composed for this one.
        """
        if outgoing.smtputf8:
            return self.offers("SMTPUTF8")
        return outgoing.octets.isascii() or self.offers("8BITMIME")

    def _mail_options(self, outgoing: Outgoing) -> list[str]:
        options = []
        if self.offers("SIZE"):
            options.append(f"SIZE={len(outgoing.octets)}")
        if self.offers("8BITMIME") and not outgoing.octets.isascii():
            options.append("BODY=8BITMIME")
        if outgoing.smtputf8:
            options.append("SMTPUTF8")
        return options

    def _rcpt_options(self, outgoing: Outgoing) -> list[str]:
        return ["NOTIFY=NEVER"] if outgoing.notify_never and self.offers("DSN") else []


async def _greet(client: aiosmtplib.SMTP) -> None:
    """Know what the server offers before the first MAIL: without a login nothing has asked yet."""
    if client.is_ehlo_or_helo_needed:
        try:
            await client.ehlo()
        except SMTPHeloError:
            await client.helo()


def _without_reply(stage: str) -> AttemptOutcome:
    """Without a refusal inside DATA nobody knows; before DATA nothing was handed over."""
    return AttemptOutcome.UNKNOWN if stage == "data" else AttemptOutcome.TRANSIENT


def _result(outcome: AttemptOutcome, stage: str, code: int, text: str) -> SubmissionResult:
    return SubmissionResult(outcome, stage, code, status_of(text, code), text)


async def _login_with_bearer(client: aiosmtplib.SMTP, account: Account, token: str) -> None:
    """AUTH OAUTHBEARER (RFC 7628 section 3.1), which the library does not offer."""
    await _greet(client)
    user = account.user.replace("=", "=3D").replace(",", "=2C")  # saslname, RFC 5801 section 4
    words = f"n,a={user},\x01host={account.host}\x01port={account.port}\x01auth=Bearer {token}\x01\x01"
    answer = await client.execute_command(b"AUTH", b"OAUTHBEARER", base64.b64encode(words.encode()))
    if answer.code == 334:
        # The server explains its refusal and waits for an empty answer (section 3.2.3).
        answer = await client.execute_command(b"AQ==")
    if answer.code != 235:
        raise SMTPAuthenticationError(answer.code, "")


def _tls(ca_file: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_file or None)
