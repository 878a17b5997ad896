"""Reads a shared mailbox, sorts each message by place and topic, and forwards it to the right project."""

__version__ = "0.1.0"
