"""A person who knows nothing yet finds out what each command does."""

from __future__ import annotations

import re
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from triage.commands import COMMANDS as TABLE
from triage.commands import main
from triage.commands.models import models

COMMANDS = [
    "also",
    "ask",
    "backup",
    "check",
    "classify",
    "confirm",
    "correct",
    "cure",
    "demo",
    "destinations",
    "erase",
    "evaluate",
    "explain",
    "export",
    "held",
    "init",
    "key",
    "learn",
    "ledger",
    "models",
    "protocol",
    "purge",
    "ready",
    "rehearse",
    "restore",
    "retry",
    "rules",
    "run",
    "settle",
    "show",
    "start",
    "status",
    "stop",
    "take",
    "train",
    "user",
    "web",
    "worker",
]
WITH_JSON = (
    *("backup", "check", "confirm", "destinations", "erase", "evaluate", "export", "held", "learn", "ledger", "purge"),
    *("ready", "rehearse", "restore", "show", "status", "train"),
)


def test_the_commands_are_those_that_operators_rely_on() -> None:
    assert sorted(main.commands) == COMMANDS


def test_help_lists_every_command_with_a_sentence() -> None:
    shown = CliRunner().invoke(main, ["-h"])
    assert shown.exit_code == 0
    for name in COMMANDS:
        (line,) = re.findall(rf"^  {name} +(\S.*)$", shown.output, re.MULTILINE)
        assert len(line.split()) >= 3


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_says_what_it_does_and_explains_each_option(name: str) -> None:
    command = main.commands[name]
    shown = CliRunner().invoke(main, [name, "--help"])
    assert shown.exit_code == 0
    assert "Usage: main " + name in shown.output or "Usage: triage " + name in shown.output
    assert all(len(line) <= 100 for line in shown.output.splitlines())
    assert command.help
    assert command.help.strip().splitlines()[0].endswith((".", ":", ",", "person")) or len(command.help) > 40
    unexplained = [p.name for p in command.params if isinstance(p, click.Option) and not p.help]
    assert unexplained == []


@pytest.mark.parametrize("name", COMMANDS)
def test_json_is_offered_where_a_program_may_read(name: str) -> None:
    options = {text for parameter in main.commands[name].params for text in parameter.opts}
    assert ("--json" in options) is (name in WITH_JSON)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_of_a_command_what_its_own_help_says(name: str) -> None:
    own = " ".join((main.commands[name].help or "").split())
    assert own.startswith(TABLE[name][1].rstrip(".")[:26])


HEAVY = {"sklearn", "scipy", "skops", "numpy"}


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], ["ledger", "--help"], ["retry", "--help"], ["stop", "--help"]]
)
def test_what_decides_nothing_does_not_wait_for_what_decides(words: list[str]) -> None:
    script = (
        "import sys\nfrom triage.commands import main\n"
        f"main({words!r}, standalone_mode=False)\n"
        "print('loaded:', *{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert set(done.stdout.rpartition("loaded:")[2].split()) & HEAVY == set()


@pytest.mark.parametrize("name", sorted(models.commands))
def test_each_command_of_the_models_explains_itself_and_offers_json(name: str) -> None:
    shown = CliRunner().invoke(main, ["models", name, "--help"])
    assert shown.exit_code == 0
    assert all(len(line) <= 100 for line in shown.output.splitlines())
    assert "--json" in shown.output
    assert [p.name for p in models.commands[name].params if isinstance(p, click.Option) and not p.help] == []


def test_the_version_is_told() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", CliRunner().invoke(main, ["--version"]).output)


@pytest.mark.parametrize("wrong", [["nothing"], ["show"], ["show", "x"], ["classify"], ["held", "--limit", "0"]])
def test_a_wrong_command_line_ends_with_2_and_points_to_the_help(wrong: list[str]) -> None:
    refused = CliRunner().invoke(main, wrong)
    assert refused.exit_code == 2
    assert "--help" in refused.stderr
