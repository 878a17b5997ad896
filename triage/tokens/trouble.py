"""Why an account has no token, and whether that ends by itself."""

from __future__ import annotations

PASSING = frozenset({"token_unreachable", "token_throttled"})
"""Kinds of trouble that end by themselves."""


class TokenTroubleError(Exception):
    """There is no token now. ``kind`` is a stable code; the text names the remedy.

    ``rest``: seconds that the server asked us to wait; 0: it did not.
    """

    def __init__(self, kind: str, text: str, rest: float = 0.0) -> None:
        super().__init__(text)
        self.kind = kind
        self.rest = rest

    @property
    def passes(self) -> bool:
        """Whether it may end by itself: nothing needs to be mended."""
        return self.kind in PASSING
