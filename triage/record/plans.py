"""A word to the planner of statements, where the index that it would take is the wrong one."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa


def unindexed(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """The column's own value (text or a number, never null) in a form that no index stands for.

    For a state in which most rows of years end, or a mailbox in which they all lie, beside a time: SQLite must take the
    index over the time.
    """
    if isinstance(column.type, sa.Integer):
        return column + sa.literal_column("0")
    return column.concat(sa.literal_column("''"))
