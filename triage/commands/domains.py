"""Does a domain exist, as far as this machine's own resolver can tell?

No mail is sent and no mail server asked. The resolver tells apart a name that does not exist and
one without an address of its own, as a domain that only has MX records has none.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from enum import StrEnum

Resolve = Callable[[str], object]
"""Looks a name up as ``socket.getaddrinfo`` does and fails as it does."""


class Known(StrEnum):
    """What the resolver said of a domain."""

    EXISTS = "exists"
    ABSENT = "absent"
    UNKNOWN = "unknown"
    """The resolver itself did not answer."""


_WITHOUT_ADDRESS = getattr(socket, "EAI_NODATA", None)


def by_system(name: str) -> object:
    """The machine's resolver, with its files and servers."""
    return socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)


def look_up(domain: str, resolve: Resolve) -> Known:
    """Whether the domain exists."""
    try:
        resolve(domain)
    except socket.gaierror as error:
        if error.errno == _WITHOUT_ADDRESS:
            return Known.EXISTS
        return Known.ABSENT if error.errno == socket.EAI_NONAME else Known.UNKNOWN
    except (OSError, UnicodeError):
        return Known.UNKNOWN
    return Known.EXISTS
