"""A folder of a real mailbox looked at and left as it is: EXAMINE, BODY.PEEK[], nothing else.

For rehearsals and for mail that staff have sorted by hand. No flag, no folder, no message changes; there is no
instance marker, and the record is not asked. Raises :class:`MailboxTroubleError`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

from triage.intake.connection import MailboxTroubleError, connect, disconnect
from triage.intake.mailbox import ImapMailbox, Selected, batches
from triage.settings import Account
from triage.tokens import FIXED, Secrets

_BATCH = 25
_MOST = 50 << 20
"""Octets that are asked of one message: larger ones are passed over, as the service would leave them."""


def look_at_folder(
    account: Account, folder: str, secrets: Secrets = FIXED
) -> Iterator[tuple[str, bytes, datetime | None]]:
    """Every message of a folder: ``folder#UID``, its octets, and when it reached the mailbox."""
    client = connect(account, secrets)
    try:
        box, selected = _opened(client, folder)
        for window in box.uids_from(1, selected.uid_next):
            sizes = {uid: listed.size for uid, listed in box.sizes(window).items()}
            fitting = [uid for uid in window if sizes.get(uid, _MOST) < _MOST]
            for uids in batches(fitting, _BATCH):
                for uid, message in sorted(box.octets(uids, _MOST).items()):
                    yield f"{folder}#{uid}", message.octets, message.internal_date
    except (IMAPClientError, OSError) as error:
        text = f"The folder could not be read to its end ({type(error).__name__}). Nothing was changed; try again."
        raise MailboxTroubleError("unreachable", text) from None
    finally:
        disconnect(client)


def _opened(client: IMAPClient, folder: str) -> tuple[ImapMailbox, Selected]:
    """The folder as it is written, or with each ``/`` as the server divides its own folders, such as by a point."""
    box = ImapMailbox(client, folder)
    for name in dict.fromkeys((folder, box.path(folder.split("/")))):
        box.folder = name
        try:
            return box, box.select(read_only=True)
        except MailboxTroubleError as error:
            if error.kind != "folder":
                raise
    text = "There is no such folder on the mail server, or this account may not open it. Write its parts divided by /."
    raise MailboxTroubleError("folder", text)
