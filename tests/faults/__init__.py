"""The fault matrix: each fault is made on purpose, many times, and the invariants are checked after every run."""
