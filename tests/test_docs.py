"""What the README and the pages under docs/ say is true: commands, options, settings, codes, figures, links."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from triage.classify.wording import known_codes
from triage.commands import main
from triage.explaining import HOLDS
from triage.listening import PORT, read_listening
from triage.rules.types import HOLD_CODES
from triage.settings import Login, load_settings

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = [README, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]

FIGURES = {
    "destination": "Destination: a project's code, staff or nobody",
    "gate": "A project's, staff's or nobody's",
    "territory": "Territory",
    "topic": "Topic, of ten",
    "forwarded_wrong": "Forwards that were wrong",
    "urgent_found": "To be read today: found",
    "urgent_false_alarms": "To be read today: false alarms",
    "alert_false": "On-call alert: false alarms",
    "acknowledged_machines": "Machines acknowledged",
    "automatic_found": "Automatic mail: found",
    "automatic_false": "A person's mail taken for automatic",
    "filed_persons": "Of what is filed unseen, a person's",
    "language": "Language",
}
"""Measures of ``models/card.json`` that the README shows, in its order and words."""


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


# --------------------------------------------------------------------------- commands


def spoken_commands() -> Iterator[tuple[str, str]]:
    """Every command line in a block or between backquotes: the page and the words after ``triage``."""
    for page in PAGES:
        text = read(page)
        for block in re.findall(r"^ *```sh\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE):
            for line in block.splitlines():
                if found := re.match(r" *(?:\.venv/bin/)?triage(?: (.*))?$", line.partition("#")[0].rstrip()):
                    yield page.name, found[1] or ""
        plain = re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)
        yield from ((page.name, words) for words in re.findall(r"`triage ([a-z][^`]*)`", plain))


COMMANDS = sorted(set(spoken_commands()))


@pytest.mark.parametrize(("page", "words"), COMMANDS)
def test_a_command_that_is_named_exists_with_those_options_and_arguments(page: str, words: str) -> None:
    name, *arguments = shlex.split(words)
    assert name in main.commands, f"{page}: triage {words}"
    command = main.commands[name]
    if isinstance(command, click.Group):
        assert arguments, f"{page}: triage {words} does nothing by itself"
        name, *arguments = arguments
        assert name in command.commands, f"{page}: triage {words}"
        command = command.commands[name]
    # Parses the line as the shell would hand it over; runs nothing. In prose, all arguments may be left out.
    if not [word for word in arguments if not word.startswith("--")]:
        arguments += [word for parameter in command.params if parameter.required for word in _filled_in(parameter)]
    arguments = [_existing(word) for word in arguments]
    command.make_context(name, arguments, resilient_parsing=False)


def _filled_in(parameter: click.Parameter) -> list[str]:
    """What a person would type for a parameter that a page leaves out."""
    if isinstance(parameter, click.Option):
        return [parameter.opts[0], str(next(iter(getattr(parameter.type, "choices", ["1"]))))]
    return [__file__ if isinstance(parameter.type, click.Path) else "1"]


def _existing(word: str) -> str:
    """A file or folder that is there, for one that a page only names."""
    if word == "message.eml":
        return __file__
    return str(ROOT / "tests") if word == "FOLDER" or word.startswith("/srv/") else word


def test_the_readme_names_every_command() -> None:
    named = {words for page, words in COMMANDS if page == "README.md"}
    assert {words.split()[0] for words in named} >= set(main.commands)
    for name, group in main.commands.items():
        if isinstance(group, click.Group):
            assert {words.split()[1] for words in named if words.startswith(f"{name} ")} == set(group.commands)


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {name for page in PAGES for name in re.findall(r"\bmake ([a-z]+)\b", " ".join(_code(read(page))))}
    assert named
    assert named <= targets
    assert {"demo", "test", "lint", "format", "bench"} <= named


def _code(text: str) -> list[str]:
    return [*re.findall(r"`([^`\n]+)`", text), *re.findall(r"```sh\n(.*?)```", text, re.DOTALL)]


# --------------------------------------------------------------------------- settings


class _Asked(dict[str, str]):
    """An environment that remembers what it was asked for."""

    def __init__(self, values: dict[str, str]) -> None:
        super().__init__(values)
        self.names: set[str] = set()

    def __contains__(self, name: object) -> bool:
        self.names.add(str(name))
        return super().__contains__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)


def test_the_table_of_variables_is_complete_and_holds_no_other() -> None:
    required = {f"TRIAGE_{kind}_{what}": "x" for kind in ("IMAP", "SMTP") for what in ("HOST", "USER", "PASSWORD")}
    required |= {f"TRIAGE_ALARM_SMTP_{what}": "a@example.org" for what in ("HOST", "USER", "PASSWORD")}
    required["TRIAGE_ALARM_WEBHOOK"] = "https://example.org/"
    asked = _Asked(required)
    settings = load_settings(asked, "worker")
    general = {name for name in asked.names if not name.endswith("_FILE") or name.endswith("_CA_FILE")}
    mailbox = _Asked(required)
    object.__setattr__(settings, "environment", mailbox)
    settings.imap("crema")
    general |= {name for name in mailbox.names if "__" not in name and not re.search(r"(?<!_CA)_FILE$", name)}
    assert "TRIAGE_IMAP_USER__CREMA" in mailbox.names
    page = _Asked({})
    read_listening(page)
    general |= page.names
    told = set(re.findall(r"^\| `(TRIAGE_[A-Z_]+)` \|", read(README), re.MULTILINE))
    assert {name for name in told if "_OAUTH_" not in name} == {name for name in general if "_OAUTH_" not in name}


def test_the_table_of_oauth_is_complete_and_holds_no_other() -> None:
    asked = _Asked({f"TRIAGE_SMTP_{what}": "x" for what in ("HOST", "USER", "PASSWORD")})
    asked |= {"TRIAGE_IMAP_HOST": "h", "TRIAGE_IMAP_USER": "u", "TRIAGE_IMAP_LOGIN": "xoauth2"}
    asked |= {f"TRIAGE_IMAP_OAUTH_{what}": "x" for what in ("CLIENT_ID", "CLIENT_SECRET", "SCOPE")}
    asked["TRIAGE_IMAP_OAUTH_TOKEN_URL"] = "https://login.example.org/token"
    oauth = load_settings(asked, "worker", ["crema"]).imap("crema").oauth
    asked_for = {name for name in asked.names if "IMAP_OAUTH_" in name and "__" not in name}
    wanted = {name for name in asked_for if not re.search(r"(?<!_CA)_FILE$", name)}
    rows = dict(re.findall(r"^\| `(TRIAGE_[A-Z_]*OAUTH_[A-Z_]+)` \| `?([^|`]*?)`? \|", read(README), re.MULTILINE))
    assert set(rows) == wanted
    assert oauth is not None
    assert (rows["TRIAGE_IMAP_OAUTH_TIMEOUT"], rows["TRIAGE_IMAP_OAUTH_TLS"]) == (f"{oauth.timeout:g}", "tls")


def test_the_defaults_in_the_table_are_those_of_the_program() -> None:
    rows = dict(re.findall(r"^\| `(TRIAGE_[A-Z_]+)` \| `?([^|;,`]*?)`?[ ;,][^|]*\|", read(README), re.MULTILINE))
    given = {f"TRIAGE_{kind}_{what}": "x" for kind in ("IMAP", "SMTP") for what in ("HOST", "USER", "PASSWORD")}
    settings = load_settings(given, "worker")
    imap, submission = settings.imap("any"), settings.submission
    expected = {
        "TRIAGE_WEB_PORT": str(PORT),
        "TRIAGE_WEB_HOST": "127.0.0.1",
        "TRIAGE_RULES": str(settings.rules_path),
        "TRIAGE_MODEL": str(settings.model_path),
        "TRIAGE_STATE_DIR": str(settings.state_dir),
        "TRIAGE_DATABASE_URL": settings.database_url,
        "TRIAGE_LEASE_SECONDS": f"{settings.lease_seconds:g}",
        "TRIAGE_IMAP_PORT": str(imap.port),
        "TRIAGE_IMAP_TLS": str(imap.security),
        "TRIAGE_IMAP_LOGIN": str(imap.login),
        "TRIAGE_IMAP_TIMEOUT": f"{imap.timeout:g}",
        "TRIAGE_IMAP_IDLE_SECONDS": f"{settings.idle_seconds:g}",
        "TRIAGE_SMTP_PORT": str(submission.account.port),
        "TRIAGE_SMTP_TLS": str(submission.account.security),
        "TRIAGE_SMTP_LOGIN": str(submission.account.login),
        "TRIAGE_SMTP_TIMEOUT": f"{submission.account.timeout:g}",
        "TRIAGE_SMTP_DATA_TIMEOUT": f"{submission.data_timeout:g}",
        "TRIAGE_SMTP_CONNECTIONS": str(submission.connections),
        "TRIAGE_SMTP_PER_CONNECTION": str(submission.per_connection),
        "TRIAGE_SMTP_PER_MINUTE": str(submission.per_minute),
        "TRIAGE_SMTP_PER_DAY": str(submission.per_day),
    }
    assert {name: rows.get(name) for name in expected} == expected


@pytest.mark.parametrize(("kind", "refused"), [("IMAP", {"none"}), ("SMTP", set()), ("ALARM_SMTP", set())])
def test_the_ways_to_log_in_are_those_of_the_program(kind: str, refused: set[str]) -> None:
    (row,) = re.findall(rf"^\| `TRIAGE_{kind}_LOGIN` \|(.*)\|$", read(README), re.MULTILINE)
    assert {*re.findall(r"`(\w+)`", row.partition("|")[2])} == {str(login) for login in Login} - refused


def test_the_sections_of_the_rules_are_all_named() -> None:
    shipped = yaml.safe_load((ROOT / "routing_rules.yaml").read_text(encoding="utf-8"))
    named = set(re.findall(r"`([a-z]+)`", read(README).partition("### The rules")[2].partition("**Modes**")[0]))
    assert {*shipped, "alarms"} <= named


# --------------------------------------------------------------------------- what staff see


def test_every_reason_for_waiting_is_explained() -> None:
    table = read(README).partition("### Why a message waits")[2].partition("## Limits")[0]
    named = set(re.findall(r"`([a-z]+[a-z0-9_]*)`", "\n".join(line.split("|")[1] for line in _rows(table))))
    decided = set(re.findall(r'Reason\("([a-z_]+)"', read(ROOT / "triage" / "decide" / "decision.py")))
    explains = {"sigillo_falso", "archiviata", "regola_applicata", "territorio", "luoghi_in_gara", "senza_urgenza"}
    assert named >= {*HOLDS, *HOLD_CODES, *(decided - explains)}
    assert named <= {*HOLDS, *known_codes()}


def _rows(table: str) -> list[str]:
    return [line for line in table.splitlines() if line.startswith("| `")]


# --------------------------------------------------------------------------- figures and links


def figures() -> str:
    """The rows that the README must show, from the card of the shipped model."""
    measures = json.loads((ROOT / "models" / "card.json").read_text(encoding="utf-8"))["measures"]
    rows = []
    for name, label in FIGURES.items():
        m = measures[name]
        share, low, high = (f"{100 * m[key]:.1f} %" for key in ("share", "low", "high"))
        rows.append(f"| {label} | {m['right']} of {m['n']} | {share} | {low} to {high} |")
    return "\n".join(rows)


def test_the_readme_shows_the_figures_of_the_card() -> None:
    shown = read(README).partition("<!-- figures")[2].partition("<!-- end")[0]
    assert shown.strip().endswith(figures()), f"after a training, put these rows into the README:\n{figures()}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_is_named_exists(page: Path) -> None:
    text = read(page)
    links = [target for target in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in target]
    assert [target for target in links if not (page.parent / target).exists()] == []
    named = re.findall(r"`((?:docs|triage|models|tests|deploy)/[\w./-]+)`", text)
    made_later = {"models/model.skops", "models/card.json"}
    assert [name for name in named if name not in made_later and not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "decisions").glob("*.md")), ids=lambda page: page.name)
def test_a_decision_record_is_one_page_with_its_four_parts(page: Path) -> None:
    text = read(page)
    assert re.match(r"# \d{4} [A-Z]", text)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == [
        "Context",
        "Decision",
        "Consequences",
        "Alternatives tried",
    ]
    assert len(text.splitlines()) <= 70


# --------------------------------------------------------------------------- what protects the page


def test_every_test_that_is_named_for_a_point_of_asvs_exists() -> None:
    named = re.findall(r"`([a-z_/]+\.py)::(\w+)`", read(ROOT / "docs" / "asvs.md"))
    assert len(named) > 40
    for path, name in named:
        assert f"def {name}(" in read(ROOT / "tests" / path), f"{path}::{name}"
