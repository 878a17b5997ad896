"""What the agency's own mail server says of a sender: Authentication-Results (RFC 8601), and no other's.

In: a message's header section and the name of our server (``service.authserv_id``). Out: results, and
whether they prove that an author's domain stands behind the message. Refused: fields of any other
server, which a sender may write himself; fields that cannot be read; every pass below the topmost
Received field, which came with the message as far as anybody can tell (RFC 8601 section 5), but
for one field of a server that is known to write there; and everything below the second one. Where fields contradict
each other, the worst counts. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from triage.rules.addresses import bare_form, same_mailbox
from triage.vocabulary import InboundMessage, PecKind

LONGEST_FIELD = 16_384
"""Characters of a field that are read; a real one has some hundreds."""

_FIELD = "authentication-results"
_METHOD = re.compile(r"\s*([a-z0-9][a-z0-9-]*)\s*(?:/\s*[0-9]+\s*)?=\s*([a-z0-9][a-z0-9-]*)", re.IGNORECASE)
_PROPERTY = re.compile(
    r"([a-z0-9-]+)\s*\.\s*([a-z0-9_-]+)\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s;\"]+))|reason\s*=\s*\"(?:[^\"\\]|\\.)*\"",
    re.IGNORECASE,
)
_AUTHSERV = re.compile(r"\s*(?:\"([^\"\\]*)\"|([^\s;\"=]+))(?:\s+[0-9]+)?\s*")


@dataclass(frozen=True, slots=True)
class MethodResult:
    """One method's answer, such as ``dkim`` ``pass`` with ``header.d``; all in lower case."""

    method: str
    result: str
    properties: Mapping[str, str]


def results_of(message: InboundMessage, authserv_id: str, below: bool = False) -> tuple[MethodResult, ...]:
    """Every result of our own server; none when it is not named.

    ``below``: it is known to write its field below its own Received field (``service.authserv_position``). Then the
    first field there counts whole: whatever the message brought along stands under it.
    """
    if not authserv_id:
        return ()
    fields: list[tuple[MethodResult, ...]] = []
    received, taken = 0, False
    for name, value in message.header_fields:
        key = name.strip().lower()
        if key == "received":
            received += 1
            if fields or received > 1:
                break  # below stands what was there when our server took the message
        if key != _FIELD:
            continue
        # Some servers write here, and so may the sender: who says "fail" of himself deceives nobody.
        believed = not received or (below and not taken)
        # Ours is the first, readable or not: were it passed over, the sender's would take its place.
        taken = received > 0
        read = parse_results(value)
        if read is None or read[0] != authserv_id.lower():
            continue
        fields.append(tuple(one for one in read[1] if believed or one.result != "pass"))
    return _worst_of_each(fields)


def _worst_of_each(fields: Sequence[Sequence[MethodResult]]) -> tuple[MethodResult, ...]:
    """Of each method what one field says of it: the field that says the worst, of equals the topmost."""
    methods = dict.fromkeys(one.method for field in fields for one in field)
    told = {method: [[one for one in field if one.method == method] for field in fields] for method in methods}
    return tuple(one for groups in told.values() for one in max(filter(None, groups), key=_badness))


def _badness(results: Sequence[MethodResult]) -> int:
    """One signature that passes is enough, whatever the others do."""
    said = {one.result for one in results}
    return 0 if "pass" in said else 2 if "fail" in said else 1


def parse_results(value: str) -> tuple[str, tuple[MethodResult, ...]] | None:
    """The server's name and its results, or ``None`` for a field that is not formed like one."""
    if len(value) > LONGEST_FIELD:
        return None
    head, *parts = _split(_without_comments(value))
    name = _AUTHSERV.fullmatch(head)
    if name is None:
        return None
    results = []
    for part in parts:
        method = _METHOD.match(part)
        if method is None:
            continue  # "none", or an empty part after the last semicolon
        properties: dict[str, str] = {}
        for found in _PROPERTY.finditer(part, method.end()):
            if found[1] is not None:
                properties.setdefault(f"{found[1]}.{found[2]}".lower(), (found[3] or found[4] or "").lower())
        results.append(MethodResult(method[1].lower(), method[2].lower(), properties))
    return (name[1] or name[2] or "").lower(), tuple(results)


def has_dmarc_pass(message: InboundMessage, authserv_id: str, below: bool = False) -> bool:
    """Whether our server says that the author's domain passed DMARC (RFC 7489 section 11.1)."""
    domain = author_domain(message)
    return bool(domain) and any(
        result.method == "dmarc"
        and result.result == "pass"
        and _domain_of(result.properties.get("header.from")) == domain
        for result in results_of(message, authserv_id, below)
    )


def has_aligned_dkim(message: InboundMessage, authserv_id: str, below: bool = False) -> bool:
    """Whether our server verified a signature of the author's domain."""
    domain = author_domain(message)
    return bool(domain) and any(
        result.method == "dkim" and result.result == "pass" and _stands_for(_signer(result), domain)
        for result in results_of(message, authserv_id, below)
    )


def has_spf_pass(message: InboundMessage, authserv_id: str, domain: str, below: bool = False) -> bool:
    """Whether our server says that mail with a reverse path in this domain may come from where it came."""
    return bool(domain) and any(
        result.method == "spf"
        and result.result == "pass"
        and _stands_for(_domain_of(result.properties.get("smtp.mailfrom")), domain)
        for result in results_of(message, authserv_id, below)
    )


def is_authenticated(message: InboundMessage, authserv_id: str, below: bool = False) -> bool:
    """Whether the author is proved: DMARC, or a signature or SPF of the author's own domain."""
    return (
        has_dmarc_pass(message, authserv_id, below)
        or has_aligned_dkim(message, authserv_id, below)
        or has_spf_pass(message, authserv_id, author_domain(message), below)
    )


def is_doubted(message: InboundMessage, authserv_id: str, below: bool = False) -> bool:
    """Whether our server looked at the author and did not recognise him, or said that DMARC fails.

    A server that says nothing doubts nobody: mail between its own accounts often carries no results.
    """
    if _is_certified_as_another(message):
        return True
    told = [one for one in results_of(message, authserv_id, below) if one.method in ("dmarc", "dkim", "spf")]
    failed = any(one.method == "dmarc" and one.result == "fail" for one in told)
    return failed or (bool(told) and not is_authenticated(message, authserv_id, below))


def _is_certified_as_another(message: InboundMessage) -> bool:
    """Whether certified mail (PEC) bears another author than the account that its provider certifies.

    The provider compares the two before it takes a mail (RFC 6109 section 3.1.1), and puts the account into the
    envelope's Return-Path; only a sender who forges an author makes them differ.
    """
    certified = message.certified
    if certified is None or not certified.trusted or certified.kind is not PecKind.TRANSPORT:
        return False
    path = message.reverse_path or ""
    return bool(path) and not same_mailbox(path, message.author.addr_spec)


def author_domain(message: InboundMessage) -> str:
    """The domain of the one author; empty when there are several, since nobody can say which was proved."""
    if len(message.header("From")) > 1 or len(message.authors) > 1:
        return ""
    return bare_form(message.author.addr_spec)[1]


def _signer(result: MethodResult) -> str:
    return _domain_of(result.properties.get("header.d") or result.properties.get("header.i"))


def _domain_of(value: str | None) -> str:
    return bare_form(f"x@{(value or '').rpartition('@')[2]}")[1]


def _stands_for(proved: str, domain: str) -> bool:
    """The same domain or one above it. One below it may be anybody's (a host of many sites): that is DMARC's."""
    return "." in proved and (proved == domain or domain.endswith("." + proved))


def _without_comments(value: str) -> str:
    """The text outside parentheses, which may be nested; quoted text keeps its own (RFC 5322 section 3.2)."""
    kept: list[str] = []
    depth, quoted, escaped = 0, False, False
    for sign in value:
        if depth == 0:
            opens = sign == "(" and not quoted
            kept.append(" " if opens else sign)
            depth += int(opens)
            quoted ^= sign == '"' and not escaped
        elif not escaped:
            depth += {"(": 1, ")": -1}.get(sign, 0)
        escaped = sign == "\\" and not escaped
    return "".join(kept)


def _split(value: str) -> list[str]:
    """The parts between semicolons that are not quoted."""
    parts, start, quoted, escaped = [], 0, False, False
    for place, sign in enumerate(value):
        quoted ^= sign == '"' and not escaped
        escaped = sign == "\\" and not escaped
        if sign == ";" and not quoted:
            parts.append(value[start:place])
            start = place + 1
    return [*parts, value[start:]]
