"""Runs the migrations on the connection that :meth:`triage.record.store.Store.migrate` hands in."""

from __future__ import annotations

from alembic import context

from triage.record.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
