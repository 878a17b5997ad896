"""Hostile mail: what must hold of any message read and of anything sent, and the tests that hold it."""
