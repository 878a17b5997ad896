"""Access tokens for accounts that log in by OAuth 2.0 (RFC 6749): asked for, renewed ahead, kept.

An :class:`~triage.settings.Account` enters; the secret that it logs in with now leaves. What the
token server refuses is :class:`TokenTroubleError` with its remedy, of this account alone.
"""

from triage.tokens.holder import FIXED, Fixed, Secrets, Tokens
from triage.tokens.trouble import TokenTroubleError

__all__ = ["FIXED", "Fixed", "Secrets", "TokenTroubleError", "Tokens"]
