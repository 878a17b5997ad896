"""What makes this record this record: its secret, the stop switch, and the current rules and model."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping

import sqlalchemy as sa

from triage.record.audit import Change, Param, write_changes
from triage.record.store import Transaction
from triage.record.tables import current_versions, identity, switches, versions

RULES = "rules"
MODEL = "model"
STOP = "stop"


def secret_of(tx: Transaction) -> bytes:
    """The record's 32-octet secret; made at the first call, the same for every worker after."""
    known = secret_if_known(tx)
    if known:
        return known
    tx.execute(tx.insert(identity).values(name="secret", value=secrets.token_hex(32)).on_conflict_do_nothing())
    return known_secret(tx)


def known_secret(tx: Transaction) -> bytes:
    """The record's secret as it stands; raises ``LookupError`` before it was made."""
    value = tx.execute(sa.select(identity.c.value).where(identity.c.name == "secret")).scalar()
    if value is None:
        raise LookupError("the record has no secret yet")
    return bytes.fromhex(value)


def secret_if_known(tx: Transaction) -> bytes:
    """The record's secret, or nothing before it was made: for whoever only looks."""
    value = tx.execute(sa.select(identity.c.value).where(identity.c.name == "secret")).scalar()
    return bytes.fromhex(value) if value is not None else b""


def keyed_hash(secret: bytes, kind: str, value: str) -> str:
    """HMAC-SHA-256 of a value to be found again without keeping it in clear; case-folded."""
    return hmac.new(secret, f"{kind}\0{value.strip().casefold()}".encode(), hashlib.sha256).hexdigest()[:40]


def import_version(tx: Transaction, kind: str, content: bytes, version: str) -> bool:
    """Keep a version of the rules or the model and make it current; whether anything changed."""
    secret_of(tx)  # whoever only looks, later, finds it made
    keep_version(tx, kind, content, version)
    if current_version(tx, kind) == version:
        return False
    make_current(tx, kind, version, {"version": version})
    return True


def keep_version(tx: Transaction, kind: str, content: bytes, version: str) -> None:
    """Keep a version without putting it in force; one that is there already stays as it is."""
    tx.execute(
        tx.insert(versions)
        .values(kind=kind, version=version, content=content, imported_at=tx.now)
        .on_conflict_do_nothing()
    )


def make_current(tx: Transaction, kind: str, version: str, params: Mapping[str, Param]) -> None:
    """Every worker uses this version from its next look on; ``params`` go into the audit row."""
    statement = tx.insert(current_versions).values(kind=kind, version=version, changed_at=tx.now)
    tx.execute(
        statement.on_conflict_do_update(index_elements=["kind"], set_={"version": version, "changed_at": tx.now})
    )
    write_changes(tx, [Change("version", 0, f"{kind}_current", params=params)])


def is_superseded(tx: Transaction, kind: str, version: str) -> bool:
    """Whether this version was in force once and another has taken its place."""
    query = sa.select(versions.c.version).where(versions.c.kind == kind, versions.c.version == version)
    return current_version(tx, kind) != version and tx.execute(query).first() is not None


def current_version(tx: Transaction, kind: str) -> str:
    """The current version's name, or "" when none was ever imported."""
    query = sa.select(current_versions.c.version).where(current_versions.c.kind == kind)
    return tx.execute(query).scalar() or ""


def version_content(tx: Transaction, kind: str, version: str) -> bytes | None:
    """The stored octets of one version."""
    query = sa.select(versions.c.content).where(versions.c.kind == kind, versions.c.version == version)
    content = tx.execute(query).scalar()
    return None if content is None else bytes(content)


def is_stopped(tx: Transaction) -> bool:
    """Whether somebody has stopped everything that leaves."""
    return tx.execute(sa.select(switches.c.value).where(switches.c.name == STOP)).scalar() == "on"


def set_stopped(tx: Transaction, stopped: bool) -> bool:
    """Turn the stop switch; whether it changed."""
    if is_stopped(tx) == stopped:
        return False
    value = "on" if stopped else "off"
    statement = tx.insert(switches).values(name=STOP, value=value, changed_at=tx.now, changed_by=tx.actor)
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=["name"], set_={"value": value, "changed_at": tx.now, "changed_by": tx.actor}
        )
    )
    write_changes(tx, [Change("switch", 0, "stopped" if stopped else "started")])
    return True
