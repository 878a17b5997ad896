"""Holds the access token of each account: renewed ahead of its end, asked for again after a refusal.

An account enters, the secret to log in with now leaves. Each application's right has its own lock,
pause and trouble: one that is dead or slow keeps no other mailbox waiting (failures F78).
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from triage.clock import Clock
from triage.oauth import OAuth
from triage.settings import Account
from triage.tokens.endings import endings
from triage.tokens.kept import Kept, KeptTokens
from triage.tokens.request import Granted, ask
from triage.tokens.trouble import TokenTroubleError

log = logging.getLogger("triage.tokens")

AHEAD = 300.0
"""Seconds before its end at which a token is renewed; for a short-lived one, a fifth of its life."""
PAUSES = (5.0, 15.0, 60.0, 300.0)
"""Seconds before a token server that failed is asked again."""
FRESH = 60.0
"""A token younger than so many seconds that a mail server refuses is not exchanged: the next would be refused, too."""


class Secrets(Protocol):
    """Where connections get what they log in with."""

    def secret_of(self, account: Account) -> str:
        """The password or access token of this moment; raises :class:`TokenTroubleError`."""
        ...

    def another(self, account: Account, refused: str) -> str | None:
        """A new one after the mail server refused this; ``None``: there is no other."""
        ...

    def good_for(self, account: Account) -> float:
        """Seconds that a connection made now may be used before it is to be made anew."""
        ...


class Fixed:
    """Every account has its secret for good."""

    def secret_of(self, account: Account) -> str:
        return account.secret

    def another(self, account: Account, refused: str) -> str | None:  # noqa: ARG002 - there is none for any
        return None

    def good_for(self, account: Account) -> float:  # noqa: ARG002 - the same for all
        return math.inf


FIXED: Secrets = Fixed()


class Tokens:
    """The tokens of every account of a process; safe from any thread.

    ``state_dir`` keeps refresh tokens that a server has replaced. ``pace`` counts seconds.
    """

    def __init__(self, state_dir: Path, clock: Clock, pace: Callable[[], float] = time.monotonic) -> None:
        self._kept = KeptTokens(state_dir / "tokens")
        self._clock = clock
        self._pace = pace
        self._lock = threading.Lock()
        self._holders: dict[OAuth, _Holder] = {}

    def secret_of(self, account: Account) -> str:
        """The password or access token of this moment; raises :class:`TokenTroubleError`."""
        return self._holder(account.oauth).secret() if account.oauth else account.secret

    def another(self, account: Account, refused: str) -> str | None:
        """A new token after the mail server refused this one; ``None``: it was new, or there is no other."""
        return self._holder(account.oauth).another(refused) if account.oauth else None

    def good_for(self, account: Account) -> float:
        """Seconds until shortly before the token ends: some servers cut the connection then."""
        return self._holder(account.oauth).good_for() if account.oauth else math.inf

    def endings(self, account: Account) -> tuple[str, ...]:
        """What ends within two weeks or has ended, a sentence each, with the remedy; asks no server."""
        if account.oauth is None:
            return ()
        try:
            kept = self._kept.read(account.oauth) if account.oauth.refresh_token else Kept("")
        except TokenTroubleError as trouble:
            return (str(trouble),)
        return endings(account.oauth, kept, self._clock.now())

    def _holder(self, oauth: OAuth) -> _Holder:
        # A secret that was mended in its file is another OAuth: it is tried at once.
        with self._lock:
            if oauth not in self._holders:
                self._holders[oauth] = _Holder(oauth, self._kept, self._clock, self._pace)
            return self._holders[oauth]


class _Holder:
    """One application's right: its token of the moment, or why there is none."""

    def __init__(self, oauth: OAuth, kept: KeptTokens, clock: Clock, pace: Callable[[], float]) -> None:
        self._oauth = oauth
        self._kept = kept
        self._clock = clock
        self._pace = pace
        self._lock = threading.Lock()
        self._token = ""
        self._asked_at = self._renew_at = self._ends_at = 0.0
        self._trouble: TokenTroubleError | None = None
        self._failures = 0
        self._rests_until = 0.0

    def secret(self) -> str:
        with self._lock:
            return self._secret()

    def another(self, refused: str) -> str | None:
        with self._lock:
            if self._token == refused:
                if self._pace() - self._asked_at < FRESH:
                    return None
                # Not thrown away before there is another: it may be good for the application's other mailboxes.
                self._renew_at = 0.0
            token = self._secret()
            if token == refused and self._trouble is not None:
                raise self._told(self._trouble)
            return None if token == refused else token

    def good_for(self) -> float:
        with self._lock:
            left = max(0.0, self._ends_at - self._pace())
            return left - min(60.0, left / 10)

    def _secret(self) -> str:
        if self._token and self._pace() < self._renew_at:
            return self._token
        if self._trouble is None or self._pace() >= self._rests_until:
            try:
                self._renew()
            except TokenTroubleError as trouble:
                self._rest(trouble)
        if self._trouble is None or (self._token and self._pace() < self._ends_at):
            return self._token
        raise self._told(self._trouble)

    @staticmethod
    def _told(trouble: TokenTroubleError) -> TokenTroubleError:
        """The same once more: an exception that is raised twice would gather tracebacks."""
        return TokenTroubleError(trouble.kind, str(trouble), trouble.rest)

    def _rest(self, trouble: TokenTroubleError) -> None:
        """Not asked again for a while; a refused request longest, since a person must mend it."""
        self._failures += 1
        pause = PAUSES[min(self._failures, len(PAUSES)) - 1] if trouble.passes else PAUSES[-1]
        if trouble.kind == "token_file":
            pause = PAUSES[0]  # our own disk is not spared
        self._rests_until = self._pace() + max(trouble.rest, pause)
        self._trouble = trouble
        log.warning(str(trouble), extra={"action": "token_trouble", "kind": trouble.kind, "pause": pause})

    def _renew(self) -> None:
        asked_at = self._pace()
        granted = self._exchange() if self._oauth.refresh_token else ask(self._oauth, "")
        self._token, self._asked_at = granted.access_token, asked_at
        self._ends_at = asked_at + granted.lifetime
        self._renew_at = self._ends_at - min(AHEAD, granted.lifetime / 5)
        self._trouble, self._failures = None, 0
        log.info("token renewed", extra={"action": "token_renewed", "seconds": round(granted.lifetime)})

    def _exchange(self) -> Granted:
        """A token for the newest refresh token; what the server replaces it with is on the disk before it is used."""
        with self._kept.alone(self._oauth):
            present = self._kept.read(self._oauth)
            # A full disk is found before the server ends the old token, not after.
            self._kept.write(self._oauth, present)
            granted = ask(self._oauth, present.refresh_token)
            ends_at = None if granted.refresh_token else present.ends_at
            if granted.refresh_lifetime is not None:
                ends_at = self._clock.now() + timedelta(seconds=min(granted.refresh_lifetime, 1e9))
            fresh = Kept(granted.refresh_token or present.refresh_token, ends_at)
            if fresh != present:
                self._kept.replace(self._oauth, present, fresh)
            return granted
