"""Certified mail (PEC): whether a claim to be it may be believed, and what then follows. Pure.

``trust`` looks at mailbox and certificate, ``seen`` shows the person's message in the envelope's
place, ``receipts`` says what a receipt is about, ``judging`` what becomes of it, ``sending`` what may
leave by a PEC account, ``words`` how it is told in Italian.
"""
