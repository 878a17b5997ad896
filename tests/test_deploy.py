"""What is delivered to run the service holds nothing that the program does not know, and keeps what it promises."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from deploy.papers.inventory import bill_of_materials
from deploy.papers.parts import SERVICE, locked, vendored
from triage.commands import main

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
CONTAINERFILE = (DEPLOY / "container" / "Containerfile").read_text(encoding="utf-8")
OURS = {name: one for name, one in COMPOSE["services"].items() if one["image"].startswith("triage")}


def told_variables() -> set[str]:
    """Every setting that the README tells, which another test holds to the program."""
    return set(re.findall(r"^\| `(TRIAGE_[A-Z_]+)` \|", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE))


def setting(name: str) -> str:
    """A variable without what says that its value lies in a file."""
    return name if name in told_variables() else name.removesuffix("_FILE")


def parses(words: list[str]) -> None:
    """Fail unless these are a command of ours with its options."""
    command: click.Command = main.commands[words[0]]
    command.make_context(words[0], words[1:], resilient_parsing=False)


# --------------------------------------------------------------------------- systemd


def unit(path: Path) -> dict[str, list[str]]:
    """The keys of a unit's section ``Service``, each with all its values."""
    section = path.read_text(encoding="utf-8").partition("[Service]")[2].partition("\n[")[0]
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"^([A-Za-z]+)=(.*)$", section, re.MULTILINE):
        found.setdefault(key, []).append(value)
    return found


HARDENING = ("Capability", "Lock", "NoNew", "Private", "Proc", "Protect", "Remove", "Restrict", "SystemCall", "UMask")


def test_the_units_are_four_and_equally_closed() -> None:
    names = ["triage-backup.service", "triage-web.service", "triage-worker@.service", "triage.service"]
    assert [path.name for path in UNITS] == names
    closed = [{key: value for key, value in unit(path).items() if key.startswith(HARDENING)} for path in UNITS]
    assert closed[0] == closed[1] == closed[2] == closed[3]
    assert {"NoNewPrivileges", "ProtectSystem", "SystemCallFilter", "CapabilityBoundingSet"} <= closed[0].keys()
    assert all(unit(path)["DynamicUser"] == ["yes"] for path in UNITS)


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_runs_a_command_that_exists_with_settings_that_exist_and_no_secret(path: Path) -> None:
    keys = unit(path)
    (start,) = keys["ExecStart"]
    program, *words = start.split()
    assert program == "/opt/triage/.venv/bin/triage"
    parses(words)
    given = dict(one.split("=", 1) for one in keys["Environment"])
    assert {setting(name) for name in given} <= told_variables()
    handed = {one.partition(":")[0] for one in keys["LoadCredential"]} if "LoadCredential" in keys else set()
    files = {value.removeprefix("%d/") for name, value in given.items() if name != setting(name)}
    assert files == handed
    assert not [name for name in given if re.search(r"PASSWORD$|SECRET$|TOKEN$|DATABASE_URL$", name)]
    assert configparser.ConfigParser(strict=False, interpolation=None).read(path, encoding="utf-8")


def test_what_a_unit_says_itself_is_not_among_the_settings_that_the_page_copies() -> None:
    """What an ``EnvironmentFile`` says goes before ``Environment`` (systemd.exec): no secret could be read."""
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    (left_out,) = re.findall(r"^grep -vE '([^']+)' service/triage.env > /etc/triage/triage.env$", page, re.MULTILINE)
    said = {one.partition("=")[0] for path in UNITS for one in unit(path)["Environment"]}
    said -= {"TRIAGE_WORKER"}  # which init never writes
    assert not [name for name in said | {"TRIAGE_RULES", "TRIAGE_MODEL"} if not re.match(left_out, f"{name}=x")]
    assert not re.match(left_out, "TRIAGE_IMAP_CA_FILE=/etc/ssl/agency.pem")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed here")
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_the_exposure_that_the_page_names_is_that_of_the_unit(path: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert found is not None, done.stderr
    told = re.search(r"exposure of \*\*([\d.]+) ", (ROOT / "docs" / "deploy.md").read_text("utf-8"))
    assert told is not None
    assert float(found[1]) <= float(told[1])


# --------------------------------------------------------------------------- containers


def test_every_service_runs_without_privileges_on_a_disk_that_it_cannot_write() -> None:
    for name, one in COMPOSE["services"].items():
        assert one["read_only"] is True, name
        assert one["cap_drop"] == ["ALL"], name
        assert one["security_opt"] == ["no-new-privileges:true"], name
        assert int(one["user"].partition(":")[0]) > 0, name
        assert not {"privileged", "cap_add", "devices", "pid", "ipc", "network_mode"} & one.keys(), name
        assert one["tmpfs"], name
        assert one["healthcheck"], name
        assert all(port.startswith("127.0.0.1:") for port in one.get("ports", [])), name


def test_secrets_are_files_and_each_service_has_those_that_it_names() -> None:
    for name, one in COMPOSE["services"].items():
        paths = {
            value.removeprefix("/run/secrets/") for key, value in one["environment"].items() if key.endswith("_FILE")
        }
        assert paths == set(one["secrets"]), name
        secret = r"(?:PASSWORD|SECRET|TOKEN|DATABASE_URL)$"
        assert not [key for key in one["environment"] if re.search(secret, key)], name
    assert {value["file"].rpartition("/")[2] for value in COMPOSE["secrets"].values()} == set(COMPOSE["secrets"])
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert COMPOSE["services"]["database"]["networks"] == ["inside"]


def test_our_services_run_commands_and_settings_that_exist() -> None:
    assert set(OURS) == {"worker", "web"}
    for one in OURS.values():
        parses(one["command"])
        assert {setting(name) for name in one["environment"]} <= told_variables()
    assert OURS["worker"]["healthcheck"]["test"] == ["CMD", "triage", "check", "--health"]
    parses(OURS["worker"]["healthcheck"]["test"][2:])


def test_what_the_page_does_by_hand_in_a_container_is_a_command() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    lines = re.findall(r"^docker compose -f deploy/compose\.yaml run --rm worker (.+)$", page, re.MULTILINE)
    assert len(lines) == 2
    for line in lines:
        name, *words = line.split()
        group = main.commands[name]
        if isinstance(group, click.Group):
            group.commands[words[0]].make_context(words[0], words[1:], resilient_parsing=False)
        else:
            parses([name, *words])


def test_the_image_runs_as_nobody_in_particular_from_the_lock_alone() -> None:
    lines = CONTAINERFILE.replace("\\\n", " ").splitlines()
    assert [line for line in lines if line.startswith("USER ")] == ["USER 10001:10001"]
    assert any(line.startswith("RUN groupadd --gid 10001 triage") for line in lines), "the group that USER names"
    assert [one["user"] for one in OURS.values()] == ["10001:10001"] * 2
    bases = {line.split()[1] for line in lines if line.startswith("FROM ")}
    assert len(bases) == 1
    assert re.fullmatch(r"docker\.io/library/python:3\.\d+-slim-\w+", bases.pop())
    for words in re.findall(r"pip install ([^&]+)", " ".join(lines)):
        assert "--require-hashes" in words or "--no-deps --no-index" in words
    (health,) = (line for line in lines if line.startswith("HEALTHCHECK"))
    parses(json.loads(health.partition("CMD ")[2])[1:])
    for name in ("ENTRYPOINT", "CMD"):
        (words,) = (json.loads(line.removeprefix(f"{name} ")) for line in lines if line.startswith(f"{name} "))
        assert words == {"ENTRYPOINT": ["triage"], "CMD": ["run"]}[name]
    named = set(re.findall(r"(TRIAGE_[A-Z_]+)=", CONTAINERFILE))
    assert named
    assert named <= told_variables()


def test_what_the_image_copies_exists_and_is_let_in() -> None:
    copied = [line.split()[1:-1] for line in CONTAINERFILE.splitlines() if re.match(r"COPY (?!--from)", line)]
    let_in = set(
        re.findall(r"^!(.+)$", (DEPLOY / "container" / "Containerfile.dockerignore").read_text("utf-8"), re.MULTILINE)
    )
    assert {name for names in copied for name in names} == let_in
    assert [name for name in let_in if not (ROOT / name).exists()] == []


# --------------------------------------------------------------------------- what it is made of


def test_the_bill_of_materials_names_every_part_of_the_service_with_its_hashes() -> None:
    bill = json.loads(bill_of_materials())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    parts = [part for part in [*locked(), *vendored()] if part.use == SERVICE]
    assert [(one["name"], one["version"]) for one in bill["components"]] == [
        (part.name, part.version) for part in parts
    ]
    assert {"fastapi", "numpy", "psycopg-binary", "sqlalchemy", "htmx.org"} <= {part.name for part in parts}
    assert not {"pytest", "mypy", "mkdocs", "aiosmtpd"} & {part.name for part in parts}
    hashes = [one for part in bill["components"] for one in part["externalReferences"][0]["hashes"]]
    assert {(one["alg"], len(one["content"])) for one in hashes} == {("SHA-256", 64), ("SHA-512", 128)}
    references = [one["bom-ref"] for one in bill["components"]]
    assert len(set(references)) == len(references)
    assert bill["dependencies"] == [{"ref": "triage", "dependsOn": references}]
