"""``triage key``: a record in clear becomes a locked one, and another key takes over, as an administrator does it."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from tests.commands.conftest import Invoke, Record
from triage.keyfile import read_keys

NONE: dict[str, str] = {}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "key"


def columns(invoke: Invoke, path: Path) -> dict[str, tuple[int, int, int]]:
    told = json.loads(invoke("key", "status", "--json", settings={"TRIAGE_KEY_FILE": str(path)}).stdout)
    assert told["locked"]
    return {one["column"]: (one["newest"], one["earlier"], one["clear"]) for one in told["columns"]}


def raw(record: Record) -> bytes:
    """The record's files as they lie on the disk."""
    return b"".join(file.read_bytes() for file in sorted(record.path.parent.glob("triage.db*")))


def test_a_record_is_locked_and_a_new_key_takes_over(invoke: Invoke, record: Record, path: Path) -> None:
    assert invoke("key", "status").stdout == "The record lies in clear; 'triage key new FILE' makes a key.\n"
    said = invoke("key", "new", path).stdout
    assert said.startswith("Key ")
    assert "end all workers" in said
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (first,) = read_keys(path.read_text(encoding="utf-8"))
    given = {"TRIAGE_KEY_FILE": str(path)}
    shown = invoke("show", str(record.forwarded)).stdout

    assert "it is locked at the next start" in invoke("key", "status", settings=given).stdout
    assert "Everything is locked." in invoke("key", "lock", settings=given).stdout
    assert invoke("key", "lock", settings=given).stdout == "Everything was locked already.\n"
    before = columns(invoke, path)
    assert before["octet_chunks.data"][0] > 0
    assert all((earlier, clear) == (0, 0) for _, earlier, clear in before.values())
    assert invoke("show", str(record.forwarded), settings=given).stdout == shown
    assert json.loads(invoke("ledger", "--json", settings=given).stdout)["closes"]

    told = invoke("key", "new", path, "--add").stdout
    assert "then say 'triage key follow'" in told
    second, kept = read_keys(path.read_text(encoding="utf-8"))
    assert kept == first
    assert f"opened by key {second.id}" in invoke("key", "follow", settings=given).stdout
    assert columns(invoke, path)["octet_chunks.data"] == (0, before["octet_chunks.data"][0], 0)
    status = invoke("key", "status", settings=given).stdout
    assert f"opened by key {second.id}." in status
    assert "'triage key lock' locks the rest" in status
    assert f"Key {first.id} of the file opens nothing here" in status
    invoke("key", "lock", settings=given)
    assert columns(invoke, path) == before
    assert invoke("show", str(record.forwarded), settings=given).stdout == shown


def test_without_its_key_a_locked_record_is_refused_with_the_remedy(
    invoke: Invoke, record: Record, path: Path, tmp_path: Path
) -> None:
    invoke("key", "new", path)
    invoke("key", "lock", settings={"TRIAGE_KEY_FILE": str(path)})
    invoke("key", "new", tmp_path / "other")
    (wanted,) = read_keys(path.read_text(encoding="utf-8"))
    for settings in (NONE, {"TRIAGE_KEY_FILE": str(tmp_path / "other")}):
        for words in (("ledger",), ("held",), ("key", "status"), ("key", "lock"), ("purge",)):
            refused = invoke(*words, settings=settings)
            assert refused.exit_code == 2
            assert f"key {wanted.id} is not in TRIAGE_KEY_FILE" in refused.stderr


def test_a_key_file_is_never_overwritten(invoke: Invoke, path: Path) -> None:
    invoke("key", "new", path)
    before = path.read_bytes()
    refused = invoke("key", "new", path)
    assert (refused.exit_code, path.read_bytes()) == (2, before)
    assert "--add" in refused.stderr
    path.write_text("nothing", encoding="utf-8")
    assert invoke("key", "new", path, "--add").exit_code == 2
    assert invoke("key", "new", path.parent / "absent", "--add").exit_code == 2
    assert invoke("key", "new", path.parent / "no folder" / "key").exit_code == 1


@pytest.mark.parametrize("word", ["lock", "follow"])
def test_without_a_key_there_is_nothing_to_lock(invoke: Invoke, record: Record, word: str) -> None:
    refused = invoke("key", word)
    assert refused.exit_code == 2
    assert "triage key new FILE" in refused.stderr


def test_check_says_whether_mail_lies_in_clear_and_who_may_read_the_key(invoke: Invoke, path: Path) -> None:
    accounts = {f"TRIAGE_{kind}_{name}": "x.example.org" for kind in ("IMAP", "SMTP") for name in ("HOST", "USER")}
    accounts |= {"TRIAGE_IMAP_PASSWORD": "x", "TRIAGE_SMTP_PASSWORD": "x"}
    assert "lies in the record in clear" in invoke("check", settings=accounts).stdout
    invoke("key", "new", path)
    given = accounts | {"TRIAGE_KEY_FILE": str(path)}
    assert "in clear" not in invoke("check", settings=given).stdout
    path.chmod(0o644)
    assert "others may read the key file" in invoke("check", settings=given).stdout
