"""``docs/licences.md`` and the bill of materials (CycloneDX 1.6, JSON), from the same parts."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from packaging.utils import canonicalize_name

from deploy.papers.parts import DEMO, FONT, SERVICE, WORKSHOP, Part, locked, vendored
from triage import __version__

TITLES = {SERVICE: "The service", DEMO: "The demo, besides", WORKSHOP: "Tests and documents, besides"}
_SPDX = {
    "MIT",
    "Apache-2.0",
    "BSD-3-Clause",
    "BSD-2-Clause",
    "MPL-2.0",
    "0BSD",
    "ISC",
    "PSF-2.0",
    "OFL-1.1",
    "EUPL-1.2",
}


def licences_page() -> str:
    """Who wrote what we use, and on which terms."""
    parts = locked()
    lines = [
        "# Licences",
        "",
        "<!-- Made by `make pages` from requirements.lock, the packages' own metadata and deploy/web; do not edit. -->",
        "",
        "The service is under the EUPL, version 1.2. What it is made of, as each package itself declares.",
        "What is installed is pinned in `requirements.lock` with the SHA-256 of every file;",
        "`make sbom` writes the same as CycloneDX.",
    ]
    for use, title in TITLES.items():
        rows = [f"| {part.name} | {part.version} | {part.licence} |" for part in parts if part.use == use]
        lines += ["", f"## {title}", "", "| Package | Version | Licence |", "| --- | --- | --- |", *rows]
    lines += ["", "## In the repository", "", "| Part | Version | Licence | For |", "| --- | --- | --- | --- |"]
    lines += [f"| {part.name} | {part.version} | {part.licence} | {part.use} |" for part in vendored()]
    lines += [
        f"| {FONT[0]} | as in bootstrap-italia | {FONT[1]} | {SERVICE} |",
        "",
        "The texts of their licences lie in `triage/review/static/vendor/licences` and `tests/review/vendor`.",
        "",
        "Facts about places come from ISTAT (by github.com/mlocati/comuni-italiani, CC BY 4.0), GeoNames (by",
        "github.com/symerio/postal-codes-data, CC BY 4.0) and boundaries of ISTAT (by",
        "github.com/openpolis/geojson-italy, CC BY); `triage/classify/territory/data/README.md` says what was",
        "taken from where. All messages for training, evaluation, tests and the demo were written for this service.",
    ]
    return "\n".join(lines) + "\n"


def bill_of_materials() -> str:
    """CycloneDX 1.6: what runs in service; no moment and no random number, so that it can be compared."""
    parts = [part for part in locked() if part.use == SERVICE]
    components = [_component(part, f"pkg:pypi/{canonicalize_name(part.name)}@{part.version}") for part in parts]
    pages = [part for part in vendored() if part.use == SERVICE]
    components += [_component(part, f"pkg:npm/{part.name}@{part.version}") for part in pages]
    root = {"type": "application", "bom-ref": "triage", "name": "triage", "version": __version__}
    bom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {**root, "licenses": [{"license": {"id": "EUPL-1.2"}}]}},
        "components": components,
        "dependencies": [{"ref": "triage", "dependsOn": [one["bom-ref"] for one in components]}],
    }
    return json.dumps(bom, indent=1, ensure_ascii=False) + "\n"


def _component(part: Part, purl: str) -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": purl,
        "name": part.name,
        "version": part.version,
        "purl": purl,
        "licenses": [_licence(part.licence)],
        # The files that may be installed: a package has one for each system and Python.
        "externalReferences": [{"type": "distribution", "url": purl, "hashes": _hashes(part.hashes)}],
    }


def _licence(told: str) -> dict[str, Any]:
    if told in _SPDX:
        return {"license": {"id": told}}
    return {"expression": told} if " OR " in told or " AND " in told else {"license": {"name": told}}


def _hashes(known: Sequence[str]) -> list[dict[str, str]]:
    """SHA-256 as pip writes it, SHA-512 as npm does (Subresource Integrity)."""
    return [
        {"alg": "SHA-512", "content": base64.b64decode(one.partition("-")[2]).hex()}
        if one.startswith("sha512-")
        else {"alg": "SHA-256", "content": one}
        for one in known
    ]
