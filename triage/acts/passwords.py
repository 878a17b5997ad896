"""Passwords and codes: how they are hashed, checked and judged. Nothing here keeps or logs one.

Argon2id with the parameters of RFC 9106's second choice (64 MiB, three passes); at most four at once, so that a
crowd of attempts cannot take the machine's memory.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, LONGEST = 12, 200
CODES = 8
"""Recovery codes that are handed out at once."""
STEP = 30
_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"

_hasher = PasswordHasher()
_few_at_once = threading.BoundedSemaphore(4)


def hash_password(password: str) -> str:
    """An argon2id hash with its parameters and salt."""
    with _few_at_once:
        return _hasher.hash(password)


def password_fits(password_hash: str | None, password: str) -> bool:
    """Whether it is the one. Without an account it takes as long as with one, so that nobody learns which exist."""
    with _few_at_once:
        try:
            return _hasher.verify(password_hash or _nobodys(), password) and password_hash is not None
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(password_hash: str) -> bool:
    """Whether it was hashed with less than today's parameters."""
    return _hasher.check_needs_rehash(password_hash)


@lru_cache
def _nobodys() -> str:
    return _hasher.hash(secrets.token_hex(16))


def problem_with(password: str, *about: str) -> str:
    """Why a password will not do, in Italian; empty when it will. ``about``: the person's and the service's words."""
    if len(password) < SHORTEST:
        return f"La password deve avere almeno {SHORTEST} caratteri. Una frase di più parole va benissimo."
    if len(password) > LONGEST:
        return f"La password può avere al massimo {LONGEST} caratteri."
    if _is_common(password, about):
        return "Questa password si indovina facilmente. Scegli una frase di più parole che non c'entrano tra loro."
    return ""


def _is_common(password: str, about: Sequence[str]) -> bool:
    # Loaded when it is needed: its word lists take a quarter of a second.
    from zxcvbn import zxcvbn

    own = [piece for text in about for piece in re.split(r"[\W_]+", text.casefold()) if len(piece) > 2]
    known = sorted({*own, *_OURS}, key=len, reverse=True)
    rest = re.sub("|".join(map(re.escape, known)), "", password.casefold())
    if len(re.sub(r"[\W\d_]+", "", rest)) < _LEAST_OF_OWN and len(rest) < len(password):
        return True
    found: int = zxcvbn(password[:72], user_inputs=known)["score"]
    return found < 3


_OURS = ("smistamento", "posta", "ats", "valpadana", "famiglia", "cremona", "mantova", "crema", "password")
_LEAST_OF_OWN = 6
"""Letters that must be left of a password without the person's and the service's own words."""


def new_password() -> str:
    """A password for somebody who will choose another at once: five groups that are easily read aloud."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(5)).lower()


# --------------------------------------------------------------------------- codes from a telephone


def new_totp_secret() -> str:
    """A secret for RFC 6238, 160 bits, in base32."""
    return pyotp.random_base32()


def totp_address(secret: str, name: str, service: str) -> str:
    """What the QR code holds: the secret and the names under which a telephone shows it."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=service)


def totp_step(secret: str, code: str, now: datetime) -> int | None:
    """The step of 30 seconds whose code this is, the present one or its neighbours; ``None``: of none."""
    digits = "".join(code.split())
    present = int(now.timestamp()) // STEP
    if not (len(digits) == 6 and digits.isascii() and digits.isdigit()):
        return None
    for step in (present, present - 1, present + 1):
        if hmac.compare_digest(pyotp.TOTP(secret).at(step * STEP), digits):
            return step
    return None


def new_recovery_codes() -> tuple[str, ...]:
    """Codes that stand for a lost telephone, each once; 118 bits, so that a plain hash keeps them (ASVS 6.5.2)."""
    return tuple("-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(6)) for _ in range(CODES))


def recovery_hash(code: str) -> str:
    """How a recovery code is kept; blanks, strokes and capitals make no difference."""
    letters = "".join(sign for sign in code.upper() if sign.isalnum())
    return hashlib.sha256(f"recovery\0{letters}".encode("utf-8", "replace")).hexdigest()
