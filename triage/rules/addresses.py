"""Which addresses may be used on the wire, and when two addresses are the same mailbox.

In: text from the rules file or from a header. Out: a checked address, or a comparison. Refused for
use: anything but one plain addr-spec (RFC 5321 section 4.1.2) with a full domain name: control
characters, lists, angle brackets, quoted local parts that need their quotes, domain literals, and
internationalised domains whose two IDNA versions name different hosts. Comparing is the other way
round: generous, because "is this one of ours?" must not be missed for a capital or a plus tag.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

LONGEST_ADDRESS = 320
"""Characters; RFC 5321 section 4.5.3.1 allows 254 for a whole path. Longer text is no address."""

_LOCAL = re.compile(r"[^\x00-\x20\x7f-\xa0()<>\[\]:;@\\,.\"]+(\.[^\x00-\x20\x7f-\xa0()<>\[\]:;@\\,.\"]+)*")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_IGNORE_DOTS = {
    "gmail.com": "gmail.com",
    "googlemail.com": "gmail.com",
    "proton.me": "proton.me",
    "protonmail.com": "proton.me",
    "pm.me": "proton.me",
}
"""Providers for whose mailboxes dots in the name mean nothing, each with the one name for its domains.

Only for their own domains: under an organisation's domain they tell dots apart."""
_COMMENT = re.compile(r"\([^()]*\)")
_BATV = re.compile(r"(?:prvs|btv1)=+[0-9a-z]+=+(.+)|(.+)=+prvs=+[0-9a-z]+")
_SRS0 = re.compile(r"srs0[=+-][^=]*=[^=]*=([^=]+)=(.+)")
_SRS1 = re.compile(r"srs1[=+-][^=]*=[^=]+==(?:[^=]*=)?[^=]*=([^=]+)=(.+)")


class AddressError(ValueError):
    """The text is no address that may be written to; the message says why, without the text."""


@dataclass(frozen=True, slots=True)
class CheckedAddress:
    """An address fit for MAIL and RCPT: ``addr_spec`` has its domain in ASCII.

    ``needs_smtputf8``: its local part is not ASCII, so only a server that offers SMTPUTF8 may be
    given it (RFC 6531); such an address is never altered to fit.
    """

    addr_spec: str
    local_part: str
    domain: str
    needs_smtputf8: bool


def check_address(text: str) -> CheckedAddress:
    """The address, if it may be used on the wire.

    Raises:
        AddressError: see the module's text for what is refused.
    """
    if len(text) > LONGEST_ADDRESS:
        raise AddressError("it is too long")
    if any(unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs") for sign in text):
        raise AddressError("it holds a blank, control or invisible character")
    local, at, domain = text.rpartition("@")
    if not at:
        raise AddressError("it has no @")
    if len(local) > 2 and local[0] == local[-1] == '"':
        local = local[1:-1]
    if not _LOCAL.fullmatch(local):
        raise AddressError("the part before the @ is no single plain address")
    host = _ascii_domain(domain)
    if len(local.encode()) > 64 or len(local.encode()) + 1 + len(host) > 254:
        raise AddressError("it is too long")
    return CheckedAddress(f"{local}@{host}", local, host, not local.isascii())


def check_domain(text: str) -> str:
    """The domain in lower-case ASCII.

    Raises:
        AddressError: it is no full domain name.
    """
    return _ascii_domain(text)


@lru_cache(maxsize=8192)
def same_mailbox(first: str, second: str) -> bool:
    """Whether two addresses may reach one mailbox: case, plus tags, ignored dots, IDN, BATV, SRS, subdomains.

    The order matters only for subdomains: ``first`` may lie at a subdomain of ``second``'s domain.
    """
    wanted_local, wanted_domain = bare_form(second)
    return bool(wanted_local) and any(
        local == wanted_local and _within(domain, wanted_domain)
        for local, domain in (bare_form(first), _before_rewriting(first))
    )


def matches_pattern(address: str, pattern: str) -> bool:
    """Whether an address is the pattern's mailbox, or in its domain when it is written ``@domain``."""
    if not pattern.startswith("@"):
        return same_mailbox(address, pattern)
    wanted = bare_form(f"x{pattern}")[1]  # by the one name of its provider, as the address is compared
    return any(_within(domain, wanted) for _, domain in (bare_form(address), _before_rewriting(address)))


@lru_cache(maxsize=8192)
def bare_form(address: str) -> tuple[str, str]:
    """Local part and domain for comparison: lower case, no comments, quotes, plus or BATV tag, domain in ASCII.

    Where the provider ignores dots there are none, and its domains have one name.
    """
    local, domain = _bare_parts(address)
    if batv := _BATV.fullmatch(local):
        local = batv[1] or batv[2]
    local = local.split("+", 1)[0] or local
    domain = _comparable_domain(domain)
    if domain in _IGNORE_DOTS:
        return local.replace(".", "") or local, _IGNORE_DOTS[domain]
    return local, domain


@lru_cache(maxsize=8192)
def _before_rewriting(address: str) -> tuple[str, str]:
    """What an address was made from by SRS, or routes to by "%" or "!" (RFC 5321 appendix C); else empty."""
    local, domain = _bare_parts(address)
    if found := _SRS0.fullmatch(local) or _SRS1.fullmatch(local):
        return bare_form(f"{found[2]}@{found[1]}")
    if "%" in local:
        return bare_form("@".join(local.rsplit("%", 1)))
    path = (local or domain).split("!")
    return bare_form(f"{path[-1]}@{path[-2]}") if len(path) > 1 else ("", "")


def _bare_parts(address: str) -> tuple[str, str]:
    """The two sides of the last @, as they are meant: no brackets, comments, blanks, quotes or quoted pairs."""
    text = _COMMENT.sub("", address[-LONGEST_ADDRESS:]).strip().strip("<>")
    local, _, domain = text.rpartition("@")
    local = unicodedata.normalize("NFKC", local).casefold()
    local = "".join(sign for sign in local if sign not in '"\\' and not sign.isspace())
    return local.strip("."), "".join(domain.split())


def _within(domain: str, wanted: str) -> bool:
    return bool(wanted) and (domain == wanted or domain.endswith("." + wanted))


def _comparable_domain(domain: str) -> str:
    domain = unicodedata.normalize("NFKC", domain).casefold().rstrip(".")
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return domain


def _ascii_domain(domain: str) -> str:
    lowered = unicodedata.normalize("NFC", domain).lower().rstrip(".")
    try:
        host = lowered.encode("idna").decode("ascii")
        back = host.encode("ascii").decode("idna")
    except UnicodeError:
        raise AddressError("the part after the @ is no domain name") from None
    # Python's codec is IDNA 2003, which writes "straße" as "strasse": under IDNA 2008 that is
    # somebody else's domain. What does not survive the way back is refused instead of guessed.
    if back != lowered and host != lowered:
        raise AddressError("its domain is written differently by different mail systems")
    labels = host.split(".")
    if len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels) or labels[-1].isdigit():
        raise AddressError("the part after the @ is no full domain name")
    return host
