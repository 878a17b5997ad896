"""Real servers on loopback for the tests: Dovecot, PostgreSQL, an SMTP sink, an IMAP proxy.

Each is started by the test that needs it, on ports of its own, in a directory of its own, as root or
as an ordinary user, and leaves neither process nor file behind, even when the tests are killed.
"""
