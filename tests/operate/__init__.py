"""Backups and what is made of them, the screen of the state, metrics, the canary."""
