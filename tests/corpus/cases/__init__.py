"""The corpus's messages with their facts, group by group. ``python -m tests.corpus`` writes them out."""
