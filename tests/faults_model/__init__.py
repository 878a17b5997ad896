"""The state machine: mailbox, service, SMTP, staff and clock, moved at random against the real record."""
