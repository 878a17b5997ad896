"""The documents as a site: it builds without a warning, asks nobody else, and its made pages are up to date."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from deploy.papers.__main__ import made
from deploy.papers.parts import VENDORED, locked, vendored
from deploy.papers.pictures import BEFORE, PICTURES
from triage.commands import main as command
from triage.knowledge import known_places
from triage.rules import parse_rules
from triage.rules.meanings import MEANINGS
from triage.rules.schema import RulesFile

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
RECIPES = re.findall(
    r"^## (.+?)$.*?^```yaml\n(.*?)^```", (DOCS / "admin" / "recipes.md").read_text("utf-8"), re.DOTALL | re.MULTILINE
)


# --------------------------------------------------------------------------- the site


class _Loads(HTMLParser):
    """Every address that a browser asks for by itself when it opens a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "link" and given.get("rel") in ("canonical", "next", "prev"):
            return
        if tag != "a":
            self.found += [value for name, value in attrs if name in ("src", "href") and value]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built so that a warning is a failure."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_is_built_and_asks_no_other_host(site: Path) -> None:
    built = {path.relative_to(site).with_suffix(".md").as_posix() for path in site.rglob("*.html")}
    written = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    assert written <= built
    for path in site.rglob("*.html"):
        reader = _Loads()
        reader.feed(path.read_text(encoding="utf-8"))
        assert [one for one in reader.found if re.match(r"(?:https?:)?//", one)] == [], path.relative_to(site)


# --------------------------------------------------------------------------- pages that are made


@pytest.mark.parametrize("name", made())
def test_what_is_made_is_as_it_would_be_made_now(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == made()[name], "run 'make pages'"


def test_every_key_of_the_rules_has_its_sentence_and_no_sentence_is_left_over() -> None:
    schema = RulesFile.model_json_schema()
    sections = {"RulesFile": schema, **schema["$defs"]}
    keys = {name: set(part["properties"]) for name, part in sections.items() if "properties" in part}
    assert {name: set(told) for name, told in MEANINGS.items()} == keys


def test_the_licences_name_every_package_of_the_lock_and_no_other() -> None:
    rows = re.findall(
        r"^\| ([\w.-]+) \| (\d[\w.+-]*) \| (.+) \|$", (DOCS / "licences.md").read_text("utf-8"), re.MULTILINE
    )
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = set(re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", lock, re.MULTILINE))
    assert {(name, version) for name, version, _ in rows if name not in VENDORED} == pins
    assert all(part.hashes for part in [*locked(), *vendored()])


# --------------------------------------------------------------------------- what the guides say


def test_every_picture_of_the_guide_is_one_that_is_taken_and_none_is_left_over() -> None:
    guide = (DOCS / "guida-personale.md").read_text(encoding="utf-8")
    shown = re.findall(r"!\[([^\]]+)\]\(immagini/([a-z]+)\.png\)", guide)
    taken = {picture.name for picture in (BEFORE, *PICTURES)}
    assert {name for _, name in shown} == taken
    assert {path.stem for path in (DOCS / "immagini").glob("*.png")} == taken
    assert all(len(text.split()) > 3 for text, _ in shown), "a picture is told in words, too"


def _words_of_the_page() -> str:
    review = ROOT / "triage" / "review"
    files = [*(review / "templates").glob("*.html"), *review.glob("*.py"), ROOT / "triage" / "acts" / "words.py"]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def test_the_buttons_that_the_guide_names_are_those_of_the_page() -> None:
    guide = (DOCS / "guida-personale.md").read_text(encoding="utf-8")
    table = guide.partition("## Se non va a un centro")[2].partition("\n## ")[0]
    buttons = [one for row in re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)[2:] for one in row.split(", ")]
    told = _words_of_the_page()
    assert len(buttons) == 10
    named = ["Conferma e inoltra", "Presa in carico", "Annulla", "Anche i prossimi di questo mittente", *buttons]
    assert [one for one in named if one not in told] == []


@pytest.mark.parametrize(("title", "block"), RECIPES, ids=[title for title, _ in RECIPES])
def test_a_recipe_makes_rules_that_can_be_used(title: str, block: str) -> None:
    shipped = yaml.load((ROOT / "routing_rules.yaml").read_text("utf-8"), yaml.BaseLoader)  # noqa: S506  # text alone
    changed = _with(shipped, yaml.load(block, yaml.BaseLoader))  # noqa: S506
    assert changed != shipped or title in ("How long mail is kept",)
    parse_rules(yaml.safe_dump(changed, allow_unicode=True), "recipe.yaml", known_places())


def _with(old: Any, new: Any) -> Any:
    """The file after the change: sections keep what the recipe does not name, a new rule comes first."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        merged = {**old, **{key: _with(old.get(key), value) for key, value in new.items()}}
        if "rules" in new:
            merged["rules"] = [*new["rules"], *old["rules"]]
        return merged
    return new


STEPS = re.findall(r"^```sh\n(.*?)^```", (DOCS / "start.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)


def test_the_ten_minutes_can_be_followed_to_the_letter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("TRIAGE_")]:
        monkeypatch.delenv(name)
    (tmp_path / "message.eml").write_bytes(sorted((ROOT / "triage" / "demo" / "inbox").glob("*.eml"))[0].read_bytes())
    lines = [line.split() for block in STEPS for line in block.splitlines()]
    # The demo has a test of its own, as it comes with the wheel.
    assert lines.pop(0) == ["triage", "demo", "--once"]
    codes = {" ".join(words[1:]): CliRunner().invoke(command, words[1:]).exit_code for words in lines}
    assert codes == {"classify message.eml": 0, "explain message.eml": 0, "check --schema": 0, "check": 2}
    assert [path.name for path in tmp_path.iterdir()] == ["message.eml"]


# --------------------------------------------------------------------------- what the agency fills in


@pytest.mark.parametrize("name", ["smistamento.md", "adempimenti/valutazione-impatto.md"])
def test_the_figures_told_to_families_and_in_the_assessment_are_those_of_the_measurement(name: str) -> None:
    told = re.findall(r"\b(\d+)(?: inoltri)?\s+su\s+(\d{2,})\b", (DOCS / name).read_text(encoding="utf-8"))
    measured = (DOCS / "quality.md").read_text(encoding="utf-8")
    assert told
    assert [f"{right} of {cases}" for right, cases in told if f"{right} of {cases}" not in measured] == []


def papers_of_the_agency() -> Iterator[Path]:
    """Every template of the duties, without its list."""
    yield from sorted(path for path in (DOCS / "adempimenti").glob("*.md") if path.name != "index.md")


@pytest.mark.parametrize("page", [*papers_of_the_agency()], ids=lambda page: page.stem)
def test_a_template_lists_at_its_top_what_the_agency_must_fill_in(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    top, mark, rest = text.partition("<!-- fine dell'elenco -->")
    assert mark, "the list at the top ends with the mark"
    asked = re.findall(r"\[DA COMPILARE: ([^\]]+)\]", rest)
    assert asked
    assert re.findall(r"^- \[ \] (.+)$", top, re.MULTILINE) == list(dict.fromkeys(asked))
