"""``triage ready`` as an administrator types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.commands.conftest import Invoke
from tests.laid import lay_sqlite
from triage.clock import SystemClock
from triage.knowledge import Knowledge
from triage.record import Store


@pytest.fixture
def in_proposta(environment: dict[str, str]) -> None:
    """A record in which the rules are in force: every project in proposta, one comune of crema ticked."""
    rules = Path(environment["TRIAGE_RULES"])
    text = rules.read_text(encoding="utf-8").replace("  mode: automatico", "  mode: proposta")
    before = "      confirmed: true\n      ambiti: [Cremasco]"
    assert before in text
    rules.write_text(text.replace(before, "      ambiti: [Cremasco]\n      confirmed: [Agnadello]"), encoding="utf-8")
    path = Path(environment["TRIAGE_STATE_DIR"]) / "triage.db"
    path.parent.mkdir()
    store = Store(lay_sqlite(path), SystemClock())
    assert Knowledge(store, rules, Path(environment["TRIAGE_MODEL"])).import_files() == ()
    store.close()


@pytest.mark.usefixtures("in_proposta")
def test_each_condition_is_told_with_its_remedy(invoke: Invoke) -> None:
    shown = invoke("ready")
    assert shown.exit_code == 0
    lines = shown.stdout.splitlines()
    assert lines[0] == "crema: proposta, next automatico"
    assert "    yes     every address is confirmed by an answer" in lines
    assert any(line.startswith("    NO      ATS has confirmed every comune: 45 are only likely") for line in lines)
    assert any(line.startswith("    advice  somebody may decide what waits: triage user add") for line in lines)
    told = {one["project"]: one for one in json.loads(invoke("ready", "--json").stdout)}
    assert (told["crema"]["ready"], told["crema"]["next_step"], len(told)) == (False, "automatico", 5)
    assert {point["code"] for point in told["mantova"]["points"] if point["binds"]} == {
        *("non_ombra", "servizio", "indirizzi", "salute", "promessa", "centro", "area")
    }


@pytest.mark.usefixtures("in_proposta")
def test_one_project_ends_with_1_while_its_step_would_be_refused(invoke: Invoke) -> None:
    one = invoke("ready", "crema")
    assert (one.exit_code, "mantova" in one.stdout) == (1, False)
    unknown = invoke("ready", "cremona")
    assert (unknown.exit_code, "alto_mantovano" in unknown.stderr) == (2, True)
