"""Crash safety: the worker as a process, killed at every durable step, beside real servers that live on."""
