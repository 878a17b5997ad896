"""Bearer tokens for XOAUTH2 and OAUTHBEARER, as a test server accepts them without a network."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets


def make_token(key: bytes, user: str, now: int, expires_in: int) -> str:
    """A JSON Web Token for ``user`` (RFC 7519), signed with HS256.

    ``now`` is seconds since 1970; ``expires_in`` counts from there and may be negative.
    """
    claims = {"sub": user, "iat": min(now, now + expires_in) - 60, "exp": now + expires_in, "jti": secrets.token_hex(8)}
    signed = b".".join(_base64url(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    return (signed + b"." + _base64url(hmac.new(key, signed, hashlib.sha256).digest())).decode()


def check_token(key: bytes, user: str, token: str, now: float) -> bool:
    """Whether the token was made with this key for this user and has not ended at ``now``."""
    signed, _, signature = token.rpartition(".")
    expected = _base64url(hmac.new(key, signed.encode(), hashlib.sha256).digest()).decode()
    if not hmac.compare_digest(signature, expected):
        return False
    payload = signed.partition(".")[2]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return bool(claims["sub"] == user and claims["exp"] > now)


def _base64url(octets: bytes) -> bytes:
    return base64.urlsafe_b64encode(octets).rstrip(b"=")
