"""The service as "pip install" brings it: what it needs is inside the wheel, and an empty folder is enough to begin."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from triage import __version__

ROOT = Path(__file__).parent.parent
LETTER = """\
From: Anna Rossi <anna.rossi@example.org>
To: famiglie@example.org
Subject: Laboratori
Date: Thu, 26 Nov 2026 09:30:00 +0100
Message-ID: <1@example.org>
Content-Type: text/plain; charset=utf-8

Buongiorno, abitiamo a Crema: quando cominciano i laboratori per bambini di quattro anni?
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the installed wheel and nothing of the checkout."""
    made = tmp_path_factory.mktemp("installed")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(made)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = made.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(made / "site")]
    subprocess.run([*pip, str(wheel)], check=True, capture_output=True, timeout=120)
    return made / "site"


def environment(site: Path) -> dict[str, str]:
    """The machine's, without our settings; the installed package goes before the checkout."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRIAGE_")}
    return {**kept, "PYTHONPATH": str(site), "PYTHONUNBUFFERED": "1"}


def run(site: Path, folder: Path, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """A command of the installed package in an empty folder."""
    command = [sys.executable, str(site / "bin" / "triage"), *words]
    return subprocess.run(
        command,
        cwd=folder,
        env=environment(site),
        input=given,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_package_is_the_installed_one(site: Path, tmp_path: Path) -> None:
    script = "import triage; print(triage.__file__)"
    told = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment(site), capture_output=True, text=True, check=True
    )
    assert Path(told.stdout.strip()) == site / "triage" / "__init__.py"
    assert run(site, tmp_path, "--version").stdout == f"{__version__}\n"


def test_a_letter_is_classified_with_the_model_and_the_example_that_came(site: Path, tmp_path: Path) -> None:
    done = run(site, tmp_path, "classify", "-", given=LETTER)
    assert (done.returncode, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    assert (answer["territorio"], answer["destinazione"]) == ("crema", "crema")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_demo_works_its_inbox_off(site: Path, tmp_path: Path) -> None:
    done = run(site, tmp_path, "demo", "--once")
    assert (done.returncode, done.stdout.splitlines()[-2]) == (0, "Il registro quadra."), done.stdout + done.stderr


def test_the_page_is_served_with_its_style_and_script(site: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(site / "bin" / "triage"), "web", "--port", "0"]
    page = subprocess.Popen(command, cwd=tmp_path, env=environment(site), stderr=subprocess.PIPE, text=True)
    assert page.stderr is not None
    address = ""
    for line in page.stderr:
        if found := re.match(r"Staff page: (http://\S+)", line):
            address = found[1]
            break
    try:
        with httpx.Client(base_url=address, trust_env=False, timeout=60) as client:
            shown = client.get("/accedi")
            assert (shown.status_code, "<h1>Accedi</h1>" in shown.text) == (200, True)
            assets = re.findall(r'(?:href|src)="(/static/[^"]+\.(?:css|js|svg)\?v=\w+)"', shown.text)
            assert {re.split(r"[.?]", asset)[-2] for asset in assets} == {"css", "js", "svg"}
            assert {client.get(asset).status_code for asset in assets} == {200}
    finally:
        page.send_signal(signal.SIGTERM)
        page.stderr.read()
        page.stderr.close()
        assert page.wait(60) == 0


def test_a_worker_does_not_take_the_example_for_the_rules_of_the_agency(site: Path, tmp_path: Path) -> None:
    accounts = {f"TRIAGE_{kind}_{what}": "x" for kind in ("IMAP", "SMTP") for what in ("HOST", "USER", "PASSWORD")}
    done = subprocess.run(
        [sys.executable, str(site / "bin" / "triage"), "worker", "--once"],
        cwd=tmp_path,
        env=environment(site) | accounts,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, "routing_rules.yaml:1: the file cannot be read" in done.stderr) == (2, True)


def test_a_check_says_where_the_example_lies(site: Path, tmp_path: Path) -> None:
    done = run(site, tmp_path, "check", "--json")
    assert done.returncode == 2
    (warning,) = (text for text in json.loads(done.stdout)["warnings"] if "example" in text)
    assert str(site / "triage" / "data" / "routing_rules.yaml") in warning


def test_the_first_settings_begin_from_what_came(site: Path, tmp_path: Path) -> None:
    done = run(site, tmp_path, "init", "--questions")
    assert (done.returncode, done.stderr) == (0, "")
    assert "imap_host" in done.stdout
