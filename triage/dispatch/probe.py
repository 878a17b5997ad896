"""Asks the submission server what it would take, without and with a message to ourselves.

Addresses of ours enter, the server's answers leave. Nobody else is ever written to.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime

from aiosmtplib.errors import SMTPException, SMTPResponseException

from triage.dispatch.compose import Outgoing
from triage.dispatch.fields import address_field, date_field, recipient_field, text_field, token_field
from triage.dispatch.mime import text_part
from triage.dispatch.submit import Connection
from triage.ids import probe_subject
from triage.vocabulary import AttemptOutcome, SubmissionResult

FORGED_METHOD = "x-triage-probe"
"""Stands in no server's own results."""
_TEXT = (
    "Messaggio di prova di 'triage check --connect', che lo cancella appena lo trova.\n"
    "Se lo leggete, la prova non lo ha trovato: si può cancellare.\n"
)


class ProbingConnection(Connection):
    """A connection that can also ask and take back, and that is over when it is closed."""

    async def close(self) -> None:
        """As ever, but TLS's own goodbye is not waited for: the loop ends with the last question."""
        transport = self._client.transport if self._client is not None else None
        await super().close()
        if isinstance(transport, asyncio.WriteTransport):
            transport.abort()
            await asyncio.sleep(0)

    async def would_take(self, reverse_path: str, forward_path: str) -> SubmissionResult:
        """MAIL and RCPT, then RSET (RFC 5321 section 4.1.1.5): no message is handed over."""
        client = self._client
        if client is None:
            return SubmissionResult(AttemptOutcome.TRANSIENT, "connect")
        stage = "mail"
        try:
            await client.mail(reverse_path)
            stage = "rcpt"
            answer = await client.rcpt(forward_path)
        except SMTPResponseException as error:
            outcome = AttemptOutcome.PERMANENT if 500 <= error.code < 600 else AttemptOutcome.TRANSIENT
            return SubmissionResult(outcome, stage, error.code)
        except (SMTPException, OSError, ValueError) as error:
            return SubmissionResult(AttemptOutcome.TRANSIENT, stage, text=type(error).__name__)
        finally:
            with suppress(SMTPException, OSError):
                await client.rset()
        return SubmissionResult(AttemptOutcome.ACCEPTED, stage, answer.code)


def compose_probe(
    own_address: str, forward_path: str, rfc_message_id: str, now: datetime, authserv_id: str = ""
) -> Outgoing:
    """A message from us to a mailbox that we watch; marked as a machine's, so that nothing answers it.

    With the server's name it brings along results that this server did not write, as a forger's mail would: they
    must not arrive where they would be believed.
    """
    forged = token_field("Authentication-Results", f"{authserv_id}; {FORGED_METHOD}=pass") if authserv_id else b""
    octets = b"".join(
        (
            forged,
            address_field("From", "", own_address),
            recipient_field(forward_path),
            date_field(now),
            token_field("Message-ID", rfc_message_id),
            text_field("Subject", probe_subject(rfc_message_id)),
            token_field("Auto-Submitted", "auto-generated"),
            token_field("X-Auto-Response-Suppress", "All"),
            b"MIME-Version: 1.0\r\n",
            text_part(_TEXT),
        )
    )
    return Outgoing(own_address, forward_path, octets, notify_never=True)
