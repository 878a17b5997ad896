"""What ``triage demo`` runs on: a real IMAP and a real SMTP server on loopback, and an invented inbox.

Nothing here is needed in production, and nothing here reaches beyond 127.0.0.1.
"""
