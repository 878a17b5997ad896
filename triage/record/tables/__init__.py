"""The tables of the record: what is known of every message, from its listing to its filing.

Rows are never deleted by the flow (only by retention). Octets stand in chunks in a table of their own, so that listing
and claiming never read them. Addresses to be *found* are kept as keyed hashes (``*_key``), never searched in clear.
"""

from triage.record.tables.checking import mode_switches, samples
from triage.record.tables.instance import (
    account_use,
    current_versions,
    data_keys,
    heartbeats,
    identity,
    switches,
    versions,
    workers,
)
from triage.record.tables.keeping import legal_holds, person_requests, purges
from triage.record.tables.mail import (
    arrival_hours,
    cases,
    decisions,
    filed_elsewhere,
    mailboxes,
    messages,
    octet_chunks,
    octets,
)
from triage.record.tables.naming import Identity, metadata
from triage.record.tables.protocol import protocol_entries
from triage.record.tables.review import (
    acknowledgement_holds,
    address_tests,
    confirmed_comuni,
    exceptions,
    misroutes,
    openings,
    rescored,
    settlements,
    staff_texts,
)
from triage.record.tables.sending import ONE_A_CASE, attempts, dispatches, returns
from triage.record.tables.staff import destinations, in_charge, project_charges, staff_notices
from triage.record.tables.watching import audit, canaries, incidents

__all__ = [
    "ONE_A_CASE",
    "Identity",
    "account_use",
    "acknowledgement_holds",
    "address_tests",
    "arrival_hours",
    "attempts",
    "audit",
    "canaries",
    "cases",
    "confirmed_comuni",
    "current_versions",
    "data_keys",
    "decisions",
    "destinations",
    "dispatches",
    "exceptions",
    "filed_elsewhere",
    "heartbeats",
    "identity",
    "in_charge",
    "incidents",
    "legal_holds",
    "mailboxes",
    "messages",
    "metadata",
    "misroutes",
    "mode_switches",
    "octet_chunks",
    "octets",
    "openings",
    "person_requests",
    "project_charges",
    "protocol_entries",
    "purges",
    "rescored",
    "returns",
    "samples",
    "settlements",
    "staff_notices",
    "staff_texts",
    "switches",
    "versions",
    "workers",
]
