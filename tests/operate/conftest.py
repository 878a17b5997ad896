"""The record's fixtures serve here, too."""

from tests.record.conftest import clock, open_store, store

__all__ = ["clock", "open_store", "store"]
