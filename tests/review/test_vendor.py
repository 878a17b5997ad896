"""What was taken from others: unchanged since it was built from pinned packages, with its licences, and enough."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from triage.review.rendering import HERE, STATIC

ROOT = Path(__file__).parent.parent.parent
FOLDERS = (STATIC / "vendor", Path(__file__).parent / "vendor")
PINNED = ROOT / "deploy" / "web"


@pytest.mark.parametrize("folder", FOLDERS, ids=["page", "tests"])
def test_each_file_is_the_one_that_was_built(folder: Path) -> None:
    lines = (folder / "manifest.sha256").read_text(encoding="ascii").splitlines()
    listed = {name: mark for mark, name in (line.split("  ") for line in lines)}
    found = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "manifest.sha256"
    }
    assert found == listed


def test_versions_and_hashes_are_pinned_and_no_registry_is_named() -> None:
    wanted = json.loads((PINNED / "package.json").read_text(encoding="utf-8"))
    versions = {**wanted["dependencies"], **wanted["devDependencies"]}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions.values())
    text = (PINNED / "package-lock.json").read_text(encoding="utf-8")
    packages = {name: one for name, one in json.loads(text)["packages"].items() if name}
    assert all(one["integrity"].startswith("sha512-") for one in packages.values())
    assert "resolved" not in text
    for name, version in versions.items():
        assert packages[f"node_modules/{name}"]["version"] == version


def test_each_has_its_licence() -> None:
    licences = {path.stem: path.read_text(encoding="utf-8") for path in (STATIC / "vendor" / "licences").iterdir()}
    assert set(licences) == {"bootstrap-italia", "htmx", "titillium-web"}
    assert "Redistribution and use in source and binary forms" in " ".join(licences["bootstrap-italia"].split())
    assert "Zero-Clause BSD" in licences["htmx"]
    assert "SIL OPEN FONT LICENSE" in licences["titillium-web"]


def test_no_sheet_script_or_template_names_another_host() -> None:
    ours = [*STATIC.glob("*.*"), *(HERE / "templates").iterdir(), STATIC / "vendor" / "bootstrap-italia.min.css"]
    for path in ours:
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/", "")
        named = re.findall(r"(?:url\(|src=|href=|@import|fetch\()\s*[\"']?(?:https?:)?//[^\"' )]+", text)
        assert named == [], path.name


def test_every_font_and_icon_that_is_named_is_there() -> None:
    sheet = (STATIC / "page.css").read_text(encoding="utf-8")
    for name in re.findall(r'url\("([^"]+)"\)', sheet):
        assert (STATIC / name).is_file(), name
    sprites = (STATIC / "vendor" / "sprites.svg").read_text(encoding="utf-8")
    for path in (HERE / "templates").iterdir():
        for name in re.findall(r"icon\('([a-z-]+)'", path.read_text(encoding="utf-8")):
            assert f'id="it-{name}"' in sprites, name
