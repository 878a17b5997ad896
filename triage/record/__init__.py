"""The record: one row a message, its octets, decisions, dispatches, attempts and audit.

Stages of the flow know only this package (and the store is their queue).
"""

from triage.record.store import LostLeaseError, Store, StoreError, Transaction

__all__ = ["LostLeaseError", "Store", "StoreError", "Transaction"]
