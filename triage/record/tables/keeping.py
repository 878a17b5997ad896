"""Tables of what is kept no longer, and of what must be kept although its time is over."""

from __future__ import annotations

import sqlalchemy as sa

from triage.record.encrypted import EncryptedText
from triage.record.tables.naming import Identity, metadata
from triage.record.utc import UtcDateTime

purges = sa.Table(
    "purges",
    metadata,
    sa.Column("id", Identity, primary_key=True),
    # The night that it was for, as a date; empty: a person asked for it.
    sa.Column("night", sa.String(10), unique=True),
    sa.Column("began_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("by", sa.String(64), nullable=False),
    sa.Column("messages", sa.Integer, nullable=False, default=0),
    sa.Column("octets", sa.BigInteger, nullable=False, default=0),
    sa.Column("replies", sa.Integer, nullable=False, default=0),
    # Whose time is over and which stay all the same: a legal hold, or something about them is still open.
    sa.Column("kept_back", sa.Integer, nullable=False, default=0),
    # Up to which end of a dispatch the words of servers are blanked.
    sa.Column("replies_until", UtcDateTime),
)
"""Each time that what is kept no longer was erased (``triage.record.retention``)."""

legal_holds = sa.Table(
    "legal_holds",
    metadata,
    sa.Column("case_id", sa.ForeignKey("cases.id"), primary_key=True, autoincrement=False),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("by", sa.String(64), nullable=False),
    sa.Column("reason", EncryptedText("legal_holds.reason", 200), nullable=False),
)
"""Cases of which nothing is erased until somebody lets them go."""
