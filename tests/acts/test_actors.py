"""Whoever acted is named as staff know them: nobody has to know what an account on the machine is."""

from __future__ import annotations

import pytest

from triage.acts.actors import by_whom, capital, who
from triage.commands.act import actor

NAMES = {"anna.rossi": "Anna Rossi"}


@pytest.mark.parametrize(
    ("account", "alone", "behind"),
    [
        ("anna.rossi", "Anna Rossi", "da Anna Rossi"),
        ("cli:root", "riga di comando (root)", "dalla riga di comando (root)"),
        ("cli", "riga di comando", "dalla riga di comando"),
        ("triage", "il servizio", "dal servizio"),
        ("bruno.verdi", "bruno.verdi", "da bruno.verdi"),
    ],
)
def test_everybody_who_acts_has_a_name(account: str, alone: str, behind: str) -> None:
    assert (who(account, NAMES), by_whom(account, NAMES)) == (alone, behind)
    assert capital(alone)[0] == alone[0].upper()


def test_what_commands_write_is_known() -> None:
    assert who(actor(), {}).startswith("riga di comando")
