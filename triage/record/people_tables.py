"""Tables of the people who use the staff page, their sessions, and what they did.

They stand apart from ``tables`` because no message's way depends on them.
"""

from __future__ import annotations

import sqlalchemy as sa

from triage.record.encrypted import EncryptedJson, EncryptedText
from triage.record.tables.naming import Identity, metadata
from triage.record.utc import UtcDateTime

people = sa.Table(
    "people",
    metadata,
    sa.Column("id", Identity, primary_key=True),
    sa.Column("name", sa.String(64), nullable=False, unique=True),
    sa.Column("display", sa.String(120), nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("password_hash", sa.String(255), nullable=False),
    # Set by somebody else: the person chooses another before anything else.
    sa.Column("password_given", sa.Boolean, nullable=False, default=False),
    sa.Column("totp_secret", EncryptedText("people.totp_secret", 64), nullable=False, default=""),
    # The last step of 30 seconds whose code was used: a code that was looked over a shoulder opens nothing.
    sa.Column("totp_used_step", sa.BigInteger, nullable=False, default=0),
    sa.Column("recovery", sa.JSON, nullable=False),
    sa.Column("settings", sa.JSON, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.Column("disabled_at", UtcDateTime),
)
"""Accounts of the staff page (``triage.record.people``); rows stay when an account is closed: acts name them."""

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    sa.Column("person_id", sa.ForeignKey("people.id"), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("seen_at", UtcDateTime, nullable=False),
    sa.Column("ends_at", UtcDateTime, nullable=False),
    # What is still missing before the session opens anything: "" nothing.
    sa.Column("step", sa.String(16), nullable=False, default=""),
    sa.Column("csrf", sa.String(64), nullable=False),
    sa.Column("data", EncryptedJson("sessions.data"), nullable=False),
    sa.Index("ix_sessions_person_id", "person_id"),
    sa.Index("ix_sessions_ends_at", "ends_at"),
)
"""Who is signed in (``triage.record.sessions``); the token itself is only in the browser."""

sign_in_failures = sa.Table(
    "sign_in_failures",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("last_at", UtcDateTime, nullable=False),
    sa.Column("locked_until", UtcDateTime),
    sa.Index("ix_sign_in_failures_last_at", "last_at"),
)
"""Failed attempts by keyed hash of a name or of a network address, whether or not such a person exists."""

staff_acts = sa.Table(
    "staff_acts",
    metadata,
    sa.Column("id", Identity, primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("person_id", sa.ForeignKey("people.id")),
    sa.Column("actor", sa.String(64), nullable=False),
    sa.Column("act", sa.String(40), nullable=False),
    sa.Column("subject", sa.String(24), nullable=False),
    sa.Column("subject_id", sa.BigInteger, nullable=False),
    sa.Column("params", sa.JSON, nullable=False),
    sa.Column("seal", sa.String(64), nullable=False),
    sa.Index("ix_staff_acts_subject", "subject", "subject_id", "id"),
    sa.Index("ix_staff_acts_person_id", "person_id", "id"),
)
"""What people did, never changed or deleted, each row sealed over the one before (``triage.record.staff_acts``)."""
