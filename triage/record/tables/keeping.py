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

person_requests = sa.Table(
    "person_requests",
    metadata,
    sa.Column("id", Identity, primary_key=True),
    sa.Column("kind", sa.String(8), nullable=False),
    # What the office calls the request, as the number of its register; never an address.
    sa.Column("reference", sa.String(80), nullable=False),
    # Whose request it is, while it is under way; blanked at its end.
    sa.Column("person_key", sa.String(64), nullable=False, default=""),
    sa.Column("began_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("by", sa.String(64), nullable=False),
    sa.Column("messages", sa.Integer, nullable=False, default=0),
    sa.Column("octets", sa.BigInteger, nullable=False, default=0),
    sa.Column("sendings", sa.Integer, nullable=False, default=0),
    # Which stay, because something still needs them.
    sa.Column("kept", sa.Integer, nullable=False, default=0),
    # How many of them persons had labelled, and between which days: models may have learnt from these.
    sa.Column("labelled", sa.Integer, nullable=False, default=0),
    sa.Column("labelled_from", sa.Date),
    sa.Column("labelled_to", sa.Date),
)
"""What persons asked for of their own data: a copy of it, or that it goes (``triage.record.person_requests``)."""
