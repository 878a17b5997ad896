"""Finds new mail that a SEARCH has left out, by the places of what it named.

What the server says of listed messages enters; UIDs that it did not name leave. A message's place is its sequence
number (RFC 3501 section 2.3.1.2): places go up with UIDs and without a gap, so whatever lies between two listed
messages, or below the lowest and over the mark, was left out. Costs one round trip for a look that finds new mail,
whatever the mailbox's size. A server that tells no places is believed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from triage.intake.mailbox import BATCH, ImapMailbox
from triage.vocabulary import ListedMessage


@dataclass(frozen=True, slots=True)
class Omitted:
    """UIDs that were left out. ``whole``: no place is left of which the server tells nothing."""

    uids: tuple[int, ...] = ()
    whole: bool = True


def left_out(imap: ImapMailbox, mark: int, listed: Mapping[int, ListedMessage], below: int = 0) -> Omitted:
    """What lies over the mark and was not listed; all is accounted for up to the place ``below`` (0: unknown)."""
    places = sorted(item.place for item in listed.values())
    if not places or not places[0]:
        return Omitted()
    found: set[int] = set()
    whole = True
    for first, last in _gaps(places):
        uids = imap.uids_at(first, last)
        whole = whole and len(uids) > last - first
        found |= uids
    last = places[0] - 1
    first = last
    while last > below:
        # As a rule the next one below is known, and no more need be asked.
        uids = imap.uids_at(first, last)
        whole = whole and len(uids) > last - first
        found |= uids
        if not uids or min(uids) <= mark:
            break
        first, last = max(1, first - BATCH), first - 1
    return Omitted(tuple(sorted(uid for uid in found if uid > mark and uid not in listed)), whole)


def _gaps(places: list[int]) -> Iterator[tuple[int, int]]:
    for before, after in pairwise(places):
        for first in range(before + 1, after, BATCH):
            yield first, min(first + BATCH, after) - 1
