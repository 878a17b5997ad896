"""One POST to the address that the administrator gave; the second channel that is no mail. HTTPS, but on this machine.

A JSON object enters, a result as of SMTP leaves. The address may hold a secret: it is never logged. No proxy is
used, no redirection followed, nothing of the answer is kept but its code.
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

from triage.deadline import Deadline, TimedConnection, TimedSecureConnection
from triage.settings import Webhook
from triage.vocabulary import AttemptOutcome, SubmissionResult

DEADLINE = 30.0
"""Seconds that all of it may take, and so any single step: a server may give one octet a second for ever."""


def post(webhook: Webhook, body: Mapping[str, object]) -> SubmissionResult:
    """Send it; accepted when the server answers with a code of 200 to 299."""
    octets = json.dumps(body, ensure_ascii=False, sort_keys=True).encode()
    try:
        code = _post(webhook, octets)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return SubmissionResult(AttemptOutcome.TRANSIENT, "connect", text=type(error).__name__)
    if 200 <= code < 300:
        return SubmissionResult(AttemptOutcome.ACCEPTED, "data", code)
    # An address that is gone or forbidden does not mend itself; everything else may.
    wrong = 400 <= code < 500 and code not in (408, 409, 425, 429)
    return SubmissionResult(AttemptOutcome.PERMANENT if wrong else AttemptOutcome.TRANSIENT, "data", code)


def _post(webhook: Webhook, octets: bytes) -> int:
    parts = urlsplit(webhook.url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    with Deadline(DEADLINE) as deadline:
        connection = _connection(deadline, parts.scheme, parts.hostname or "", parts.port, webhook.ca_file)
        try:
            connection.request("POST", path, octets, {"Content-Type": "application/json", "User-Agent": "triage"})
            code = connection.getresponse().status
        finally:
            connection.close()
            # However the library took it that the connection was cut, and whatever it read of half an answer.
            deadline.check()
    return code


def _connection(deadline: Deadline, scheme: str, host: str, port: int | None, ca_file: str) -> TimedConnection:
    if scheme == "http":  # the settings allow it on this machine only
        return TimedConnection.within(deadline, host, port or 80, timeout=DEADLINE)
    context = ssl.create_default_context(cafile=ca_file or None)
    return TimedSecureConnection.within(deadline, host, port or 443, timeout=DEADLINE, context=context)
