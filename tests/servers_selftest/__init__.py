"""Proof that the test servers do what the other tests rely on."""
