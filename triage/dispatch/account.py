"""The submission account in trouble: how long it rests, and the incidents that staff see.

Troubles and answers enter; whether anything may be submitted now leaves. Each incident has one
subject for its role, whatever the server is called, so that mended settings close it, too.
"""

from __future__ import annotations

import logging
import time

from triage.dispatch.trouble import AccountTroubleError
from triage.record import Store, StoreError
from triage.record.incidents import close_incident, open_incident, open_incidents

log = logging.getLogger("triage.dispatch")

PAUSES = (5.0, 15.0, 60.0, 120.0, 300.0)
"""Seconds before an account in trouble is tried again."""
KIND = "submission"
CONNECTION, SENDER, LIMIT = "account", "sender", "daily number"
"""What is in trouble: reaching it and logging in; being let send; the number for a day."""
NOT_LET_SEND = frozenset({"refused", "send_as", "slowed"})
"""Kinds of trouble that only a message's answer shows; a login that succeeds does not end them."""
OFTEN_PASSES = frozenset({"throttled", "slowed", "send_as"})
"""Kinds that servers cause at random or by routine: an incident only when the next try fails, too (failures F79)."""


class AccountWatch:
    """Remembers trouble over runs; used by the dispatch thread only."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.paused_until = 0.0
        self._failures = 0
        self._not_let_send = False
        self._open_subjects: set[str] | None = None
        self.trouble = ""
        """Why the account could not be used when it was last tried, with the remedy; empty: it could."""
        self.careful = False
        """After trouble one message goes first, alone."""
        self.is_limited = False
        """Whether the account's number for a day is used up."""

    @property
    def rests(self) -> bool:
        """Whether nothing may be begun now."""
        return time.monotonic() < self.paused_until

    def failed(self, trouble: AccountTroubleError) -> None:
        """The account cannot be used; it rests, longer each time. Trouble while it rests is the same trouble."""
        if self.rests:
            return
        self._failures += 1
        self._not_let_send = trouble.kind in NOT_LET_SEND
        self.trouble, self.careful = str(trouble), True
        pause = max(PAUSES[min(self._failures, len(PAUSES)) - 1], trouble.rest)
        self.paused_until = time.monotonic() + pause
        log.warning(self.trouble, extra={"action": "account_trouble", "kind": trouble.kind, "pause": pause})
        if trouble.kind in OFTEN_PASSES and self._failures == 1:
            return  # alarms about nothing teach people to look away (failures F33)
        self._open(SENDER if self._not_let_send else CONNECTION, f"{trouble.kind}: {trouble}")

    def connected(self) -> None:
        """Connecting and logging in succeeded."""
        self._close(self._known() - {SENDER, LIMIT})
        if SENDER not in self._known() and not self._not_let_send:
            self._well()

    def let_send(self) -> None:
        """The server took MAIL from us."""
        self._close(self._known() - {LIMIT})
        self._well()

    def limited(self, per_day: int) -> None:
        """The account's number for a day is used up; 0: it is not."""
        if per_day and not self.is_limited:
            self.trouble = (
                f"{per_day} messages were sent in 24 hours (TRIAGE_SMTP_PER_DAY). Nothing is lost: mail waits."
            )
            log.warning(self.trouble, extra={"action": "account_limit"})
            self._open(LIMIT, self.trouble)
        elif not per_day:
            self._close(self._known() & {LIMIT})
            self.trouble = "" if self.is_limited else self.trouble
        self.is_limited = bool(per_day)

    def _well(self) -> None:
        self._failures, self.careful, self._not_let_send = 0, False, False
        self.trouble = self.trouble if self.is_limited else ""

    def _known(self) -> set[str]:
        """Subjects of open incidents; an earlier process may have left some."""
        if self._open_subjects is None:
            with self._store.read("open incidents") as tx:
                self._open_subjects = {row["subject"] for row in open_incidents(tx) if row["kind"] == KIND}
        return self._open_subjects

    def _open(self, subject: str, detail: str) -> None:
        try:
            with self._store.write("account trouble") as tx:
                open_incident(tx, KIND, subject, detail)
            self._open_subjects = None
        except StoreError as error:
            log.error("record trouble", extra={"action": "record_trouble", "kind": error.kind})

    def _close(self, subjects: set[str]) -> None:
        if not subjects:
            return
        with self._store.write("account recovered") as tx:
            for subject in sorted(subjects):
                close_incident(tx, KIND, subject)
        self._open_subjects = self._known() - subjects
