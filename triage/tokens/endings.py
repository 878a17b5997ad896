"""Which secrets of an account end soon. Pure: settings, the kept refresh token and the time enter."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from triage.oauth import OAuth
from triage.tokens.kept import Kept

NOTICE = timedelta(days=14)
"""How long before the end it is told: time for a mail administrator to make a new one."""


def endings(oauth: OAuth, kept: Kept, now: datetime) -> tuple[str, ...]:
    """A sentence for each secret that ends within :data:`NOTICE` or has ended, with the remedy."""
    of_secret, of_refresh = None, kept.ends_at
    if oauth.ends_on is not None:
        given = datetime.combine(oauth.ends_on, time(), UTC)
        if oauth.client_secret:
            of_secret = given
        elif kept.refresh_token == oauth.refresh_token and of_refresh is None:
            of_refresh = given  # what a server has given since has another end
    found = (
        _sentence(
            "client secret", of_secret, f"{oauth.prefix}_CLIENT_SECRET", f" and its day in {oauth.prefix}_ENDS", now
        ),
        _sentence("refresh token", of_refresh, f"{oauth.prefix}_REFRESH_TOKEN", "", now),
    )
    return tuple(text for text in found if text)


def _sentence(what: str, ends_at: datetime | None, variable: str, also: str, now: datetime) -> str:
    if ends_at is None or ends_at - now > NOTICE:
        return ""
    verb = "ends" if ends_at > now else "ended"
    return f"the {what} {verb} on {ends_at.date().isoformat()}. Make a new one and put it in {variable}{also}."
