"""Links that projects answer with: each opens a mail that is ready to be sent, and changes nothing by being opened."""

from __future__ import annotations

from urllib.parse import quote


def hand_back_link(address: str, code: str) -> str:
    """The message is not for them."""
    return _mailto(address, f"Non è per noi [{code}]", code)


def charge_link(address: str, code: str) -> str:
    """They have the case in hand."""
    return _mailto(address, f"Preso in carico [{code}]", code)


def deleted_link(address: str, code: str) -> str:
    """They have deleted what was sent to them by mistake."""
    return _mailto(address, f"Cancellato [{code}]", code)


def confirmation_link(address: str, code: str) -> str:
    """The address that a test mail asked about is theirs."""
    return _mailto(address, f"Confermo [{code}]", code)


def _mailto(address: str, subject: str, code: str) -> str:
    return f"mailto:{address}?subject={quote(subject)}&body={quote(f'Codice: {code}')}"
