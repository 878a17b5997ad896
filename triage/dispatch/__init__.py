"""Dispatch: decided messages are composed, submitted by SMTP, and what the server said is recorded."""
