"""Tables of what was received: mailboxes, cases, messages, their octets and what was decided about them."""

from __future__ import annotations

import sqlalchemy as sa

from triage.record.encrypted import EncryptedOctets
from triage.record.tables.naming import Identity, metadata
from triage.record.utc import UtcDateTime

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
    # A person asked for a comparison with the server's list; the mailbox's reader makes it at its next look.
    sa.Column("reconcile_asked_at", UtcDateTime),
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
    # Since this record was made from a backup: what is known of before, or lies below the UID that the mailbox
    # had reached at the first look after it, another machine may have dealt with (``triage.record.restored``).
    sa.Column("restored_at", UtcDateTime),
    sa.Column("restored_uid_validity", sa.BigInteger),
    sa.Column("restored_below", sa.BigInteger),
    sa.Column("lease_owner", sa.String(64)),
    sa.Column("lease_epoch", sa.Integer, nullable=False, default=0),
    sa.Column("lease_until", UtcDateTime),
)

arrival_hours = sa.Table(
    "arrival_hours",
    metadata,
    sa.Column("mailbox_id", sa.ForeignKey("mailboxes.id"), primary_key=True, autoincrement=False),
    sa.Column("hour", UtcDateTime, primary_key=True),
    sa.Column("messages", sa.Integer, nullable=False),
)
"""How much arrived in each hour, by its beginning, in which something did (``triage.record.arrivals``)."""

cases = sa.Table(
    "cases",
    metadata,
    sa.Column("id", Identity, primary_key=True),
    sa.Column("opened_at", UtcDateTime, nullable=False),
    sa.Column("author_key", sa.String(64)),
    sa.Index("ix_cases_author_key", "author_key"),
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
    # What waits, in its order; the reason only sorts out "forse non per noi" without reading the rows.
    sa.Index("ix_messages_waiting", "state", "urgent", "id", "hold_reason"),
    sa.Index("ix_messages_sha256", "sha256"),
    # With the state: by that alone a look for one Message-ID would read all of a large mailbox's baseline.
    sa.Index("ix_messages_message_id_state", "message_id_key", "state", "mailbox_id"),
    sa.Index("ix_messages_content_key", "content_key"),
    sa.Index("ix_messages_case_id", "case_id"),
    sa.Index("ix_messages_author_key", "author_key", "id"),
    sa.Index("ix_messages_listed_at", "listed_at", "id"),
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
    sa.Column("data", EncryptedOctets("octet_chunks.data"), nullable=False),
)

filed_elsewhere = sa.Table(
    "filed_elsewhere",
    metadata,
    sa.Column("mailbox_id", sa.ForeignKey("mailboxes.id"), primary_key=True, autoincrement=False),
    sa.Column("folder", sa.String(255), primary_key=True),
    sa.Column("uid_validity", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("uid", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("message_id_key", sa.String(64)),
    sa.Column("found_at", UtcDateTime, nullable=False),
    sa.Index("ix_filed_elsewhere_sha256", "sha256"),
    sa.Index("ix_filed_elsewhere_message_id_key", "message_id_key"),
)
"""Mail that lay in our folders after a restoration: dealt with after the backup (``triage.record.restored``)."""

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
    # By which it was decided; NULL: none was read.
    sa.Column("comune", sa.String(64)),
    sa.Index("ix_decisions_comune", "comune", "message_id"),
    sa.Index("ix_decisions_project", "project", "message_id"),
    sa.Index("ix_decisions_topic", "topic", "message_id"),
    # Volumes over time are counted from this alone (``triage.record.figures``): the rows themselves are wide.
    sa.Index(
        "ix_decisions_volumes",
        *("generation", "decided_at", "destination", "topic", "language", "action"),
    ),
)
