"""Intake: a mailbox becomes rows and octets in the record; done messages are filed away.

One thread and one IMAP connection a mailbox (``reader``). Knows only the store.
"""
