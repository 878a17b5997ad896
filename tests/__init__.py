"""Tests of the service; a package, so that tests can import the real servers of ``tests.servers``."""
