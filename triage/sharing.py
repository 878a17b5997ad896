"""Who of several workers reads which mailbox: the names that one of them is to begin with, and to give up.

Pure. Each worker counts for itself, by what the record says of all: the shares add up to all mailboxes, so that whoever
has too many gives some up and whoever has too few takes what is free, and nothing moves once all have theirs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Share:
    """What one worker does about its mailboxes now."""

    take: tuple[str, ...]
    give: tuple[str, ...]


def share_of(me: str, workers: Collection[str], mailboxes: int) -> int:
    """How many mailboxes are this worker's part; those that do not divide go to the first by name."""
    order = sorted({me, *workers})
    least, left = divmod(mailboxes, len(order))
    return least + (order.index(me) < left)


def divide(
    me: str, workers: Collection[str], mailboxes: Collection[str], readers: Mapping[str, str], mine: Collection[str]
) -> Share:
    """What to begin reading and what to give up.

    ``readers``: the worker that reads each mailbox; ``mine``: those that this worker reads or is about to. What no
    longer exists, and what another worker has taken meanwhile, is given up as well.
    """
    most = share_of(me, workers, len(mailboxes))
    kept = sorted(name for name in mine if name in mailboxes and readers.get(name, me) == me)
    free = sorted(name for name in mailboxes if name not in mine and readers.get(name, me) == me)
    stay = kept[:most]
    # Two that look at the same moment begin at different ends, and seldom want the same one.
    take = _rotated(free, sorted({me, *workers}).index(me))[: most - len(stay)]
    return Share(tuple(take), tuple(sorted(set(mine) - set(stay))))


def _rotated(names: Sequence[str], by: int) -> list[str]:
    at = by % len(names) if names else 0
    return [*names[at:], *names[:at]]
