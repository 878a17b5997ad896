"""The tables of the record: what is known of every message, from its listing to its filing.

Rows are never deleted by the flow (only by retention). Octets stand in chunks in a table of their own, so that listing
and claiming never read them. Addresses to be *found* are kept as keyed hashes (``*_key``), never searched in clear.
"""

from __future__ import annotations

import sqlalchemy as sa

from triage.record.utc import UtcDateTime

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite only counts up an INTEGER primary key; PostgreSQL should not run out at two thousand millions.
Identity = sa.BigInteger().with_variant(sa.Integer, "sqlite")

ONE_A_CASE = "kind IN ('acknowledgement', 'question', 'reroute')"
"""The kinds of ``vocabulary.TO_FAMILIES``, as the condition of their unique index."""

identity = sa.Table(
    "identity",
    metadata,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("value", sa.String(128), nullable=False),
)
"""Instance id and secret of this record, made once."""

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

mailboxes = sa.Table(
    "mailboxes",
    metadata,
    sa.Column("id", Identity, primary_key=True),
    sa.Column("name", sa.String(64), nullable=False, unique=True),
    sa.Column("uid_validity", sa.BigInteger),
    sa.Column("last_uid", sa.BigInteger, nullable=False, default=0),
    sa.Column("baseline_uid_next", sa.BigInteger),
    sa.Column("baselined_at", UtcDateTime),
    sa.Column("resync_below", sa.BigInteger, nullable=False, default=0),
    sa.Column("resynced_at", UtcDateTime),
    sa.Column("marker", sa.String(64), nullable=False, default=""),
    sa.Column("marker_next", sa.String(64), nullable=False, default=""),
    sa.Column("last_read_at", UtcDateTime),
    sa.Column("reconciled_at", UtcDateTime),
    # Whose it is and what is watched: the name in the rules may change, the mailbox is the same.
    sa.Column("account", sa.String(320)),
    sa.Column("folder", sa.String(255)),
    # Since when another instance's marker is there: nothing is read, and nothing of it is sent.
    sa.Column("refused_at", UtcDateTime),
    # What `triage check --connect` saw of a message to ourselves, and in which account and folder.
    sa.Column("probed_at", UtcDateTime),
    sa.Column("probed_account", sa.String(320)),
    sa.Column("probed_folder", sa.String(255)),
    sa.Column("return_path_written", sa.Boolean),
    sa.Column("plus_delivered", sa.Boolean),
    sa.Column("lease_owner", sa.String(64)),
    sa.Column("lease_epoch", sa.Integer, nullable=False, default=0),
    sa.Column("lease_until", UtcDateTime),
)

cases = sa.Table(
    "cases",
    metadata,
    sa.Column("id", Identity, primary_key=True),
    sa.Column("opened_at", UtcDateTime, nullable=False),
    sa.Column("author_key", sa.String(64)),
)

messages = sa.Table(
    "messages",
    metadata,
    sa.Column("id", Identity, primary_key=True),
    sa.Column("mailbox_id", sa.ForeignKey("mailboxes.id"), nullable=False),
    sa.Column("uid_validity", sa.BigInteger, nullable=False),
    sa.Column("uid", sa.BigInteger, nullable=False),
    # Where it lies now: differs from its key only after the server has renumbered the mailbox.
    sa.Column("location_uid_validity", sa.BigInteger, nullable=False),
    sa.Column("location_uid", sa.BigInteger, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("internal_date", UtcDateTime),
    sa.Column("resync", sa.Boolean, nullable=False, default=False),
    sa.Column("listed_at", UtcDateTime, nullable=False),
    sa.Column("received_at", UtcDateTime),
    sa.Column("sha256", sa.String(64)),
    sa.Column("tries", sa.Integer, nullable=False, default=0),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False, default=0),
    sa.Column("hold_reason", sa.String(40), nullable=False, default=""),
    sa.Column("urgent", sa.Boolean, nullable=False, default=False),
    sa.Column("case_id", sa.ForeignKey("cases.id")),
    sa.Column("same_as", sa.BigInteger),
    sa.Column("author_key", sa.String(64)),
    sa.Column("message_id_key", sa.String(64)),
    sa.Column("content_key", sa.String(64)),
    sa.Column("present_at", UtcDateTime),
    sa.Column("gone_at", UtcDateTime),
    sa.Column("filed_folder", sa.String(255)),
    sa.Column("file_step", sa.String(16), nullable=False, default=""),
    # "backlog" or "person": somebody said that it shall go its way all the same.
    sa.Column("let_in_by", sa.String(16)),
    # The comune that the family named when asked, or staff learnt: an official name.
    sa.Column("comune_given", sa.String(64)),
    sa.Column("lease_owner", sa.String(64)),
    sa.Column("lease_epoch", sa.Integer, nullable=False, default=0),
    sa.Column("lease_until", UtcDateTime),
    sa.UniqueConstraint("mailbox_id", "uid_validity", "uid"),
    sa.Index("ix_messages_state_due", "state", "due_at", "id"),
    sa.Index("ix_messages_mailbox_state", "mailbox_id", "state", "due_at"),
    sa.Index("ix_messages_sha256", "sha256"),
    # With the state: by that alone a look for one Message-ID would read all of a large mailbox's baseline.
    sa.Index("ix_messages_message_id_state", "message_id_key", "state", "mailbox_id"),
    sa.Index("ix_messages_content_key", "content_key"),
    sa.Index("ix_messages_case_id", "case_id"),
)

octets = sa.Table(
    "octets",
    metadata,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("stored_at", UtcDateTime, nullable=False),
)

octet_chunks = sa.Table(
    "octet_chunks",
    metadata,
    sa.Column("sha256", sa.ForeignKey("octets.sha256", ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=False),
)

decisions = sa.Table(
    "decisions",
    metadata,
    sa.Column("message_id", sa.ForeignKey("messages.id"), primary_key=True),
    sa.Column("generation", sa.Integer, primary_key=True),
    sa.Column("action", sa.String(16), nullable=False),
    sa.Column("destination", sa.String(64), nullable=False),
    sa.Column("territory", sa.String(64), nullable=False),
    sa.Column("topic", sa.String(32), nullable=False),
    sa.Column("urgent", sa.Boolean, nullable=False),
    sa.Column("language", sa.String(8), nullable=False),
    sa.Column("automatic", sa.Boolean, nullable=False),
    sa.Column("acknowledge", sa.Boolean, nullable=False),
    sa.Column("confidence", sa.Float, nullable=False),
    sa.Column("project", sa.String(64), nullable=False),
    sa.Column("address_key", sa.String(64), nullable=False),
    sa.Column("forward_path", sa.String(320), nullable=False),
    sa.Column("rules_tried", sa.JSON, nullable=False),
    sa.Column("reasons", sa.JSON, nullable=False),
    sa.Column("rules_version", sa.String(64), nullable=False),
    sa.Column("model_version", sa.String(64), nullable=False),
    sa.Column("decided_at", UtcDateTime, nullable=False),
    sa.Column("decided_by", sa.String(64), nullable=False),
)

dispatches = sa.Table(
    "dispatches",
    metadata,
    sa.Column("id", Identity, primary_key=True),
    sa.Column("message_id", sa.ForeignKey("messages.id"), nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("case_id", sa.ForeignKey("cases.id"), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("project", sa.String(64), nullable=False),
    sa.Column("address_key", sa.String(64), nullable=False),
    sa.Column("forward_path", sa.String(320), nullable=False),
    sa.Column("recipient_key", sa.String(64), nullable=False),
    sa.Column("domain_key", sa.String(64), nullable=False, default=""),
    sa.Column("rfc_message_id", sa.String(255), nullable=False, unique=True),
    sa.Column("given_message_id", sa.String(255)),  # what the server put in its place, if its answer tells
    # How much of a message a forward holds no more, because servers refuse its size (``dispatch.policy``).
    sa.Column("left_out", sa.Integer),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("neutral", sa.Boolean, nullable=False, default=False),
    # An acknowledgement that asks for the comune; NULL is no.
    sa.Column("asks", sa.Boolean),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("unknowns", sa.Integer, nullable=False, default=0),
    sa.Column("lease_owner", sa.String(64)),
    sa.Column("lease_epoch", sa.Integer, nullable=False, default=0),
    sa.Column("lease_until", UtcDateTime),
    sa.UniqueConstraint("message_id", "generation", "kind", "forward_path"),
    sa.Index("ix_dispatches_state_due", "state", "priority", "due_at", "id"),
    sa.Index("ix_dispatches_recipient", "recipient_key", "kind", "ended_at"),
    sa.Index("ix_dispatches_kind_ended", "kind", "ended_at"),
    sa.Index("ix_dispatches_message", "message_id"),
    sa.Index("ix_dispatches_given_message_id", "given_message_id"),
    # At most one acknowledgement, one question and one notice of a new centre a case, whatever the code
    # does (invariant 5 of the fault matrix).
    sa.Index(
        "uq_dispatches_one_a_case",
        "case_id",
        "kind",
        unique=True,
        sqlite_where=sa.text(ONE_A_CASE),
        postgresql_where=sa.text(ONE_A_CASE),
    ),
)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("dispatch_id", sa.ForeignKey("dispatches.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("worker", sa.String(64), nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("outcome", sa.String(16)),
    sa.Column("stage", sa.String(16), nullable=False, default=""),
    sa.Column("code", sa.Integer, nullable=False, default=0),
    sa.Column("enhanced_status", sa.String(16), nullable=False, default=""),
    sa.Column("reply", sa.Text, nullable=False, default=""),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", Identity, primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("actor", sa.String(64), nullable=False),
    sa.Column("subject", sa.String(16), nullable=False),
    sa.Column("subject_id", sa.BigInteger, nullable=False),
    sa.Column("event", sa.String(40), nullable=False),
    sa.Column("from_state", sa.String(16), nullable=False, default=""),
    sa.Column("to_state", sa.String(16), nullable=False, default=""),
    sa.Column("params", sa.JSON, nullable=False),
    sa.Index("ix_audit_subject", "subject", "subject_id", "id"),
)

incidents = sa.Table(
    "incidents",
    metadata,
    sa.Column("id", Identity, primary_key=True),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("subject", sa.String(64), nullable=False),
    sa.Column("opened_at", UtcDateTime, nullable=False),
    sa.Column("last_seen_at", UtcDateTime, nullable=False),
    sa.Column("times", sa.Integer, nullable=False, default=1),
    sa.Column("closed_at", UtcDateTime),
    sa.Column("detail", sa.String(255), nullable=False, default=""),
    sa.Index(
        "uq_incidents_open",
        "kind",
        "subject",
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    ),
)

returns = sa.Table(
    "returns",
    metadata,
    sa.Column("id", Identity, primary_key=True),
    sa.Column("message_id", sa.ForeignKey("messages.id"), nullable=False),
    sa.Column("dispatch_id", sa.ForeignKey("dispatches.id"), nullable=False),
    sa.Column("about_message_id", sa.ForeignKey("messages.id"), nullable=False),
    sa.Column("case_id", sa.ForeignKey("cases.id"), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("status", sa.String(16), nullable=False, default=""),
    sa.Column("recorded_at", UtcDateTime, nullable=False),
    sa.Index("ix_returns_about_message_id", "about_message_id"),
    sa.Index("ix_returns_dispatch_id", "dispatch_id"),
)
"""What came back about what was sent (``triage.record.returned``)."""

account_use = sa.Table(
    "account_use",
    metadata,
    sa.Column("account", sa.String(64), primary_key=True),
    sa.Column("span", sa.String(8), primary_key=True),
    sa.Column("slot", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("begun", sa.Integer, nullable=False),
)
"""Messages begun in each span of time (``triage.record.usage``)."""
