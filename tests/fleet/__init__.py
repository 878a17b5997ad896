"""Several workers on one PostgreSQL: they call one another, share the mailboxes, and keep to their connections."""
