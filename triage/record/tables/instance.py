"""Tables about the service itself: who it is, what is switched, which versions are in force, what accounts used."""

from __future__ import annotations

import sqlalchemy as sa

from triage.record.encrypted import EncryptedText
from triage.record.tables.naming import metadata
from triage.record.utc import UtcDateTime

identity = sa.Table(
    "identity",
    metadata,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("value", EncryptedText("identity.value", 128), nullable=False),
)
"""Instance id and secret of this record, made once."""

data_keys = sa.Table(
    "data_keys",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    # "data": locks what is written, the newest from now on; "addresses": one for ever, since equals must stay equal.
    sa.Column("purpose", sa.String(16), nullable=False),
    sa.Column("locked", sa.LargeBinary, nullable=False),
    # The administrator's key that opens it (``triage.keyfile``).
    sa.Column("locked_by", sa.String(16), nullable=False),
    sa.Column("made_at", UtcDateTime, nullable=False),
)
"""Keys of this record's locked columns, themselves locked by a key that is not in the record."""

switches = sa.Table(
    "switches",
    metadata,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("value", sa.String(128), nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.Column("changed_by", sa.String(64), nullable=False),
)

versions = sa.Table(
    "versions",
    metadata,
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("version", sa.String(64), primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("imported_at", UtcDateTime, nullable=False),
)

current_versions = sa.Table(
    "current_versions",
    metadata,
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("version", sa.String(64), nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
)

heartbeats = sa.Table(
    "heartbeats",
    metadata,
    sa.Column("place", sa.String(64), primary_key=True),
    sa.Column("loop", sa.String(80), primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
)
"""When each loop of each worker was last known to be well (``triage.record.heartbeats``)."""

workers = sa.Table(
    "workers",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("until", UtcDateTime, nullable=False),
)
"""Who shares the record, each for as long as its lease runs (``triage.record.workers``)."""

account_use = sa.Table(
    "account_use",
    metadata,
    sa.Column("account", sa.String(64), primary_key=True),
    sa.Column("span", sa.String(8), primary_key=True),
    sa.Column("slot", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("begun", sa.Integer, nullable=False),
)
"""Messages begun in each span of time (``triage.record.usage``)."""
