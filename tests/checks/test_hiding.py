"""No small count is shown, and none can be computed from what is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from triage.hiding import SMALLEST, Table, hide_together

COUNTS = st.one_of(st.integers(0, 6), st.integers(0, 40))
TABLES = st.integers(1, 5).flatmap(
    lambda width: st.lists(st.lists(COUNTS, min_size=width, max_size=width), min_size=1, max_size=5)
)


def hide(counts: list[list[int]]) -> Table:
    (table,) = hide_together([counts], [])
    return table


def hide_line(counts: list[int]) -> tuple[tuple[int | None, ...], int | None]:
    """A list with its total, without other tables beside it."""
    (table,) = hide_together([], [counts])
    return tuple(row[0] for row in table.cells), table.total


def _whole(table: Table) -> list[list[int | None]]:
    return [*([*cells, row] for cells, row in zip(table.cells, table.rows, strict=True)), [*table.columns, table.total]]


def test_large_counts_are_all_shown_with_their_totals() -> None:
    table = hide([[5, 10], [7, 20]])
    assert _whole(table) == [[5, 10, 15], [7, 20, 27], [12, 30, 42]]


def test_a_small_count_takes_its_column_and_another_with_it() -> None:
    table = hide([[3, 10, 20], [30, 40, 50]])
    assert table.cells == ((None, None, 20), (None, None, 50))
    assert (table.rows, table.columns, table.total) == ((33, 120), (33, 50, 70), 153)


def test_a_list_hides_the_next_smallest_too() -> None:
    assert hide_line([50, 2, 9, 30]) == ((50, None, None, 30), 91)


def test_an_empty_row_is_no_secret() -> None:
    assert _whole(hide([[0, 0], [9, 12]])) == [[0, 0, 0], [9, 12, 21], [9, 12, 21]]


def test_where_there_is_hardly_anything_nothing_is_shown() -> None:
    assert hide_line([2, 1]) == ((None, None), None)
    assert hide_line([]) == ((), 0)
    assert hide([[0, 0], [0, 0]]).total == 0


def test_what_one_table_hides_no_other_shows() -> None:
    first, second, third = hide_together([[[2, 0], [30, 40]], [[1, 1], [60, 10]]], [[40, 32]])
    assert first.rows == second.rows
    assert first.rows[0] is None
    assert first.total == second.total == third.total == 72
    assert hide_together([[[1, 0], [1, 1]]], [[3, 0]])[1].total is None


@given(TABLES)
@settings(max_examples=200, deadline=None)
def test_no_small_count_is_shown_or_can_be_computed(counts: list[list[int]]) -> None:
    shown = _whole(hide(counts))
    true = np.asarray(
        [*([*row, sum(row)] for row in counts), [*map(sum, zip(*counts, strict=True)), sum(map(sum, counts))]]
    )
    for row, values in enumerate(shown):
        for column, value in enumerate(values):
            if 0 < true[row][column] < SMALLEST:
                assert value is None
                low, high = _possible(shown, row, column)
                assert high - low >= 2, f"{counts}: {true[row][column]} lies between {low} and {high}"


def _possible(shown: list[list[int | None]], row: int, column: int) -> tuple[float, float]:
    """What a stranger can say of one hidden number, however little it may be."""
    height, width = len(shown), len(shown[0])
    number = {(r, c): r * width + c for r in range(height) for c in range(width)}
    equations = []
    for r in range(height):
        equations.append({number[r, c]: -1.0 if c == width - 1 else 1.0 for c in range(width)})
    for c in range(width):
        equations.append({number[r, c]: -1.0 if r == height - 1 else 1.0 for r in range(height)})
    matrix = np.zeros((len(equations), height * width))
    for at, equation in enumerate(equations):
        for place, value in equation.items():
            matrix[at, place] = value
    bounds = [(0, None) if value is None else (value, value) for values in shown for value in values]
    ends = []
    for sign in (1.0, -1.0):
        wanted = np.zeros(height * width)
        wanted[number[row, column]] = sign
        found = linprog(wanted, A_eq=matrix, b_eq=np.zeros(len(equations)), bounds=bounds)
        ends.append(sign * found.fun if found.status == 0 else sign * np.inf)
    return ends[0], abs(ends[1])


@pytest.mark.parametrize("counts", [[[1, 1], [1, 1]], [[4, 4], [4, 4]], [[1, 5], [5, 1]], [[1, 9, 30], [9, 1, 30]]])
def test_small_blocks_keep_their_secret(counts: list[list[int]]) -> None:
    shown = _whole(hide(counts))
    low, high = _possible(shown, 0, 0)
    assert shown[0][0] is None
    assert high - low >= 2
