"""Tables of the random sample of forwards, and of the modes that people chose on the page.

They stand apart because no message's way depends on the sample, and because without a switch the rules' own mode holds.
"""

from __future__ import annotations

import sqlalchemy as sa

from triage.record.people_tables import people
from triage.record.tables.naming import Identity, metadata
from triage.record.utc import UtcDateTime

samples = sa.Table(
    "samples",
    metadata,
    sa.Column("id", Identity, primary_key=True),
    sa.Column("message_id", sa.ForeignKey("messages.id"), nullable=False, unique=True),
    sa.Column("generation", sa.Integer, nullable=False),
    # "automatico": left by itself and may be drawn; "proposta": a person settles it in any case.
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("drawn_at", UtcDateTime, nullable=False),
    # The least probability that any forward of this project had at that instant, and this one's own.
    sa.Column("floor", sa.Float, nullable=False),
    sa.Column("probability", sa.Float, nullable=False),
    sa.Column("chosen", sa.Boolean, nullable=False),
    sa.Column("project", sa.String(64), nullable=False),
    sa.Column("confidence", sa.Float, nullable=False),
    sa.Column("model_version", sa.String(64), nullable=False),
    # Whom it was given to, and until when nobody else gets it.
    sa.Column("opened_by", sa.ForeignKey(people.c.id)),
    sa.Column("opened_until", UtcDateTime),
    sa.Column("labelled_at", UtcDateTime),
    sa.Column("person_id", sa.ForeignKey(people.c.id)),
    sa.Column("territory", sa.String(64), nullable=False, default=""),
    sa.Column("comune", sa.String(64), nullable=False, default=""),
    sa.Column("topic", sa.String(32), nullable=False, default=""),
    sa.Column("destination", sa.String(64), nullable=False, default=""),
    sa.Column("right", sa.Boolean),
    # Sums over all forwards of a project up to a row read this alone.
    sa.Index("ix_samples_project", "project", "id", "drawn_at", "floor"),
    # Of the drawn ones alone: what waits for a label, and how many there are.
    sa.Index(
        "ix_samples_chosen",
        *("kind", "project", "labelled_at", "id"),
        sqlite_where=sa.text("chosen = 1"),
        postgresql_where=sa.text("chosen"),
    ),
    sa.Index(
        "ix_samples_wrong",
        *("project", "id"),
        sqlite_where=sa.text('"right" IS 0'),
        postgresql_where=sa.text('"right" IS false'),
    ),
)
"""Every automatic forward and every proposal with its probability to be drawn (``triage.record.samples``)."""

mode_switches = sa.Table(
    "mode_switches",
    metadata,
    sa.Column("project", sa.String(64), primary_key=True),
    sa.Column("mode", sa.String(16), nullable=False),
    # What the rules file said then: when it says something else, the file is the newer word.
    sa.Column("file_mode", sa.String(16), nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.Column("changed_by", sa.String(64), nullable=False),
    sa.Column("reason_code", sa.String(24), nullable=False),
    # When drift was last seen: what was measured before counts no more.
    sa.Column("drift_at", UtcDateTime),
)
"""The mode that a person, or drift, gave a project (``triage.record.modes``)."""
