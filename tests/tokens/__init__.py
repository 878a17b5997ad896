"""Tests of triage.tokens: real token servers on loopback, files on a real disk."""
