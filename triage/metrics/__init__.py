"""Numbers for Prometheus: what this process did, how the record stands, and the small server that tells both.

Names of stages, mailboxes and projects as the rules call them are labels; no address, subject or word of mail is.
"""
