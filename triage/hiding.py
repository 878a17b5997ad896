"""Counts that may be shown: small ones hidden, and so many others that none can be computed from what is left.

In: a table of counts. Out: the same with its totals, ``None`` for what is not shown. Pure. A count below
:data:`SMALLEST`, nothing included, could tell of one family; where a total and the other counts of its line are known,
so is it (complementary suppression; Hundepool et al., *Statistical Disclosure Control*, 2012). Which cells of a freely
chosen pattern can be computed is hard to say; so columns are hidden whole: of a block of whole columns with known
totals a stranger can say exactly that a cell lies between ``row + column - all`` and the smaller of row and column
(Frechet's bounds), and that must leave doubt enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SMALLEST = 5
"""From this number on a count is shown."""
TOGETHER = 10
"""What is hidden in a list adds up to this at least."""
DOUBT = 4
"""So far apart must the least and the most that a hidden small count could be lie at least."""

Shown = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """``cells`` by row, the totals of rows and of columns, and the total of all."""

    cells: tuple[Shown, ...]
    rows: Shown
    columns: Shown
    total: int | None


def hide_together(tables: Sequence[Sequence[Sequence[int]]], lists: Sequence[Sequence[int]]) -> list[Table]:
    """Several tables with the same rows, then lists, all of the same messages: what one hides no other shows.

    Rows of a table are of equal length; empty rows and columns are shown as such. A list comes back as a table of one
    column.
    """
    every = [*tables, *([[count] for count in one] for one in lists)]
    if any(sum(map(sum, counts)) < TOGETHER for counts in every):
        return [_nothing_of(counts) for counts in every]
    inside = [_hidden_columns(counts) for counts in tables]
    # Where not even all columns together leave doubt, the totals of the rows are hidden as well: in every table.
    bare = any(hidden is None for hidden in inside)
    found = [_shown(counts, hidden, bare) for counts, hidden in zip(tables, inside, strict=True)]
    for one in lists:
        shown = _list(one)
        found.append(Table(tuple((count,) for count in shown), shown, (sum(one),), sum(one)))
    return found


def _shown(counts: Sequence[Sequence[int]], hidden: frozenset[int] | None, bare: bool) -> Table:
    sums = [sum(row) for row in counts]
    width = len(counts[0])
    used = frozenset(column for column in range(width) if sum(row[column] for row in counts))
    unseen = used if hidden is None or bare else hidden
    cells = tuple(
        tuple(None if column in unseen and whole else count for column, count in enumerate(row))
        for row, whole in zip(counts, sums, strict=True)
    )
    rows = tuple(None if whole else 0 for whole in sums) if bare else _list(sums)
    return Table(cells, rows, _list([sum(row[column] for row in counts) for column in range(width)]), sum(sums))


def _nothing_of(counts: Sequence[Sequence[int]]) -> Table:
    """Hardly anything there: nothing but what is empty is shown."""
    sums = [sum(row) for row in counts]
    blank = tuple(tuple(None if whole else 0 for _ in row) for row, whole in zip(counts, sums, strict=True))
    width = len(counts[0]) if counts else 0
    total = None if sum(sums) else 0
    return Table(blank, tuple(None if whole else 0 for whole in sums), (total,) * width, total)


def _list(counts: Sequence[int]) -> Shown:
    """Small counts hidden, and the next smallest until no single one can be told from the total."""
    hidden = {at for at, count in enumerate(counts) if 0 < count < SMALLEST}
    rest = sorted((count, at) for at, count in enumerate(counts) if count >= SMALLEST)
    while hidden and rest and (len(hidden) < 2 or sum(counts[at] for at in hidden) < TOGETHER):
        hidden.add(rest.pop(0)[1])
    return tuple(None if at in hidden else count for at, count in enumerate(counts))


def _hidden_columns(counts: Sequence[Sequence[int]]) -> frozenset[int] | None:
    """The columns whose cells are hidden; ``None``: all, and still too much could be computed."""
    rows = [row for row in counts if sum(row)]
    width = len(counts[0])
    totals = [sum(row[column] for row in rows) for column in range(width)]
    used = {column for column in range(width) if totals[column]}
    unseen = {column for column, shown in enumerate(_list(totals)) if shown is None}
    hidden = {column for column in used if column in unseen or min(row[column] for row in rows) < SMALLEST}
    rest = sorted(used - hidden, key=lambda column: totals[column])
    # Of columns whose own totals are hidden only the sum is known.
    together = sum(totals[column] for column in unseen)
    known = [together if column in unseen else totals[column] for column in range(width)]
    while hidden and not _leaves_doubt(rows, known, hidden, unseen):
        if not rest:
            return None
        hidden.add(rest.pop(0))
    return frozenset(hidden)


def _leaves_doubt(rows: Sequence[Sequence[int]], totals: Sequence[int], hidden: set[int], unseen: set[int]) -> bool:
    """Whether no small count can be told from the totals of the hidden columns and what is hidden of each row."""
    left = [sum(row[column] for column in hidden) for row in rows]
    everything = sum(left)
    return all(
        min(inside, totals[column]) - (0 if column in unseen else max(0, inside + totals[column] - everything)) >= DOUBT
        for row, inside in zip(rows, left, strict=True)
        for column in hidden
        if row[column] < SMALLEST
    )
