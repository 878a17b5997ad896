"""Tables of what people do about messages: settlements, exceptions, the register of misroutes.

Nothing of a message's own way depends on them but exceptions (``triage.exceptions``) and held-back acknowledgements:
without a row here every message goes as the rules say.
"""

from __future__ import annotations

import sqlalchemy as sa

from triage.record.encrypted import EncryptedText
from triage.record.people_tables import people
from triage.record.tables.naming import Identity, metadata
from triage.record.utc import UtcDateTime

settlements = sa.Table(
    "settlements",
    metadata,
    sa.Column("id", Identity, primary_key=True),
    sa.Column("message_id", sa.ForeignKey("messages.id"), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    # Empty: whoever typed a command.
    sa.Column("person_id", sa.ForeignKey(people.c.id)),
    sa.Column("actor", sa.String(64), nullable=False),
    sa.Column("exit", sa.String(16), nullable=False),
    # The generation that this act made, or (a question, a case) left as it was.
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("territory", sa.String(64), nullable=False, default=""),
    sa.Column("comune", sa.String(64), nullable=False, default=""),
    sa.Column("topic", sa.String(32), nullable=False, default=""),
    sa.Column("project", sa.String(64), nullable=False, default=""),
    sa.Column("address_key", sa.String(64), nullable=False, default=""),
    sa.Column("note", EncryptedText("settlements.note"), nullable=False, default=""),
    # "solo", "simili", "mai": what the person wants to be learnt from it.
    sa.Column("teaches", sa.String(16), nullable=False, default=""),
    sa.Column("undo_until", UtcDateTime),
    sa.Column("undone_at", UtcDateTime),
    # How the message stood before, in codes and numbers: what an undo gives back.
    sa.Column("before", sa.JSON, nullable=False),
    sa.Index("ix_settlements_message_id", "message_id", "id"),
    sa.Index("ix_settlements_at", "at"),
)
"""How a person settled a message, and until when that could be taken back."""

staff_texts = sa.Table(
    "staff_texts",
    metadata,
    sa.Column("message_id", sa.ForeignKey("messages.id"), primary_key=True, autoincrement=False),
    sa.Column("generation", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("text", EncryptedText("staff_texts.text"), nullable=False),
    # The office of the address book that is named; empty: an answer of our own.
    sa.Column("office", sa.String(64), nullable=False, default=""),
)
"""What staff wrote to a family with one settlement."""

openings = sa.Table(
    "openings",
    metadata,
    sa.Column("message_id", sa.ForeignKey("messages.id"), primary_key=True, autoincrement=False),
    sa.Column("person_id", sa.ForeignKey(people.c.id), nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("until", UtcDateTime, nullable=False),
)
"""Who has a message before them at this moment."""

exceptions = sa.Table(
    "exceptions",
    metadata,
    sa.Column("id", Identity, primary_key=True),
    # "mittente", "frase", "mai".
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("sender_key", sa.String(64), nullable=False, default=""),
    sa.Column("phrase", EncryptedText("exceptions.phrase", 200), nullable=False, default=""),
    # The place that the person gave, and the one that was read in the message that taught.
    sa.Column("comune", sa.String(64), nullable=False, default=""),
    sa.Column("territory", sa.String(64), nullable=False, default=""),
    sa.Column("read_comune", sa.String(64), nullable=False, default=""),
    sa.Column("read_territory", sa.String(64), nullable=False, default=""),
    sa.Column("read_topic", sa.String(32), nullable=False, default=""),
    sa.Column("topic", sa.String(32), nullable=False, default=""),
    sa.Column("project", sa.String(64), nullable=False, default=""),
    sa.Column("address_key", sa.String(64), nullable=False, default=""),
    sa.Column("message_id", sa.ForeignKey("messages.id"), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("created_by", sa.String(64), nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("uses", sa.Integer, nullable=False, default=0),
    sa.Column("last_used_at", UtcDateTime),
    sa.Index("ix_exceptions_sender_key", "sender_key"),
    sa.Index("ix_exceptions_expires_at", "expires_at"),
)
"""What a settlement taught for messages to come."""

misroutes = sa.Table(
    "misroutes",
    metadata,
    sa.Column("id", Identity, primary_key=True),
    sa.Column("case_id", sa.ForeignKey("cases.id"), nullable=False),
    sa.Column("message_id", sa.ForeignKey("messages.id"), nullable=False),
    sa.Column("settlement_id", sa.ForeignKey("settlements.id"), nullable=False),
    sa.Column("found_at", UtcDateTime, nullable=False),
    sa.Column("found_by", sa.String(64), nullable=False),
    sa.Column("wrong_project", sa.String(64), nullable=False),
    sa.Column("wrong_dispatch_id", sa.ForeignKey("dispatches.id"), nullable=False),
    sa.Column("right_project", sa.String(64), nullable=False),
    # Codes of categories of data: never words of the message.
    sa.Column("categories", sa.JSON, nullable=False),
    sa.Column("recall_dispatch_id", sa.ForeignKey("dispatches.id")),
    sa.Column("recall_answer", sa.String(16), nullable=False, default=""),
    sa.Column("recall_answered_at", UtcDateTime),
    sa.Column("family_told", sa.String(24), nullable=False, default=""),
    sa.Column("note_code", sa.String(16), nullable=False, default=""),
    sa.Column("closed_at", UtcDateTime),
    # Its correction was undone in time: nothing had left, and it is shown as such.
    sa.Column("withdrawn_at", UtcDateTime),
    sa.Index("ix_misroutes_found_at", "found_at", "id"),
    sa.Index("ix_misroutes_case_id", "case_id"),
)
"""The register of misroutes."""

address_tests = sa.Table(
    "address_tests",
    metadata,
    sa.Column("id", Identity, primary_key=True),
    sa.Column("address", sa.String(320), nullable=False),
    sa.Column("project", sa.String(64), nullable=False),
    sa.Column("address_key", sa.String(64), nullable=False),
    sa.Column("asked_at", UtcDateTime, nullable=False),
    sa.Column("asked_by", sa.String(64), nullable=False),
    sa.Column("sent_at", UtcDateTime),
    sa.Column("rfc_message_id", sa.String(255), nullable=False, unique=True),
    # What the answer has to quote: made by chance for this one mail.
    sa.Column("code", sa.String(32), nullable=False, unique=True),
    sa.Column("answered_at", UtcDateTime),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Index("ix_address_tests_project", "project", "address_key", "id"),
)
"""Test mails that confirm a project's address."""

rescored = sa.Table(
    "rescored",
    metadata,
    sa.Column("message_id", sa.ForeignKey("messages.id"), primary_key=True, autoincrement=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("destination", sa.String(64), nullable=False),
    sa.Column("project", sa.String(64), nullable=False),
    sa.Column("territory", sa.String(64), nullable=False),
    sa.Column("topic", sa.String(32), nullable=False),
    # What has changed since it was decided: "regole", "modello", "eccezione".
    sa.Column("why", sa.String(24), nullable=False),
)
"""Waiting messages whose answer would be another today; nothing follows by itself."""

acknowledgement_holds = sa.Table(
    "acknowledgement_holds",
    metadata,
    sa.Column("case_id", sa.ForeignKey("cases.id"), primary_key=True, autoincrement=False),
    # Empty: for good.
    sa.Column("until", UtcDateTime),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("by", sa.String(64), nullable=False),
)
"""Cases whose acknowledgement staff have put off, or do not want to leave."""

confirmed_comuni = sa.Table(
    "confirmed_comuni",
    metadata,
    sa.Column("project", sa.String(64), primary_key=True),
    sa.Column("comune", sa.String(64), primary_key=True),
    sa.Column("confirmed_at", UtcDateTime, nullable=False),
    sa.Column("confirmed_by", sa.String(64), nullable=False),
)
"""Comuni that ATS has ticked as belonging to a project, beside those that the rules file names."""
