"""The shape of the project, held by its own tests: who may import whom, and what no module may hold.

Read from the syntax trees; nothing is imported for it. ``docs/architecture.md`` says why.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "triage"
MODULES = {path.relative_to(ROOT).with_suffix("").as_posix().replace("/", "."): path for path in PACKAGE.rglob("*.py")}

_TABLE = {
    # words and small things that know nothing
    "vocabulary": "",
    "clock": "",
    "crashpoints": "",
    "ids": "",
    "logs": "",
    "oauth": "",
    "accounts": "oauth",
    "database": "",
    "keyfile": "",
    "shipped": "",
    "settings": "accounts database keyfile oauth shipped",
    "listening": "settings",
    "throttling": "",
    "deadline": "",
    "spreadsheets": "",
    "signals": "",
    "articles": "",
    "ages": "",
    "cards": "",
    "seals": "ids",
    "defects": "",
    "flow": "vocabulary",
    "bounds": "",
    "hiding": "",
    "pictures": "",
    "drift": "",
    "sharing": "",
    # pure stages
    "parse": "vocabulary",
    "classify": "vocabulary",
    "rules": "vocabulary",
    "decide": "vocabulary rules",
    "pec": "vocabulary",
    "explaining": "vocabulary classify pec",
    # adapters: each knows the record, none another
    "record": "vocabulary flow clock crashpoints ids keyfile",
    "intake": "vocabulary ages crashpoints ids record settings signals throttling tokens",
    "dispatch": "vocabulary articles canaries clock crashpoints deadline ids record settings decide rules parse "
    "knowledge reading conversations leaving settling telling loops seals signals notices pec throttling tokens",
    # what both log in with; it knows neither
    "tokens": "clock deadline oauth record settings",
    # what the commands stand on
    "basis": "clock keyfile record settings",
    # between the record and the pure stages
    "modes": "vocabulary record rules",
    "knowledge": "vocabulary basis cards classify modes record rules",
    "sampling": "vocabulary record rules",
    "audits": "bounds drift record",
    "duties": "vocabulary conversations explaining ids parse reading record rules",
    "promotion": "cards classify record",
    "reading": "vocabulary parse pec rules settings",
    "pseudonyms": "vocabulary classify",
    "labels": "vocabulary classify pseudonyms reading record rules",
    "conversations": "vocabulary decide ids record rules",
    "answers": "vocabulary conversations decide followups record rules",
    "hand_backs": "classify",
    "said_by_projects": "vocabulary classify decide hand_backs record rules",
    "returns": "vocabulary conversations ids record rules said_by_projects seals",
    "receipts": "vocabulary pec record returns rules",
    "followups": "vocabulary decide record rules",
    "twins": "vocabulary record rules",
    "confirmations": "vocabulary classify decide record rules",
    "canaries": "vocabulary decide ids record rules seals",
    "drifting": "record",
    "readiness": "vocabulary acts knowledge record rules",
    "stored": "",
    "labelling": "vocabulary rules",
    "protocol": "vocabulary acts parse pec record rules spreadsheets",
    "rehearsal": "vocabulary ages decider dispatch knowledge labelling reading record rules settings",
    "beginning": "vocabulary keyfile knowledge listening rules settings",
    "replay": "vocabulary classify decide followups reading record rules settling",
    "telling": "vocabulary conversations decide ids record rules",
    "loops": "vocabulary decide record rules seals",
    "notices": "vocabulary decide ids record rules",
    "leaving": "vocabulary",
    "exceptions": "vocabulary decide record rules",
    "settling": "vocabulary ages confirmations conversations decide defects exceptions followups ids loops pec "
    "receipts record returns rules said_by_projects seals telling twins",
    "oversized": "vocabulary conversations decide knowledge loops parse reading record rules settling telling",
    "overtaking": "vocabulary conversations record rules",
    "decider": "vocabulary answers canaries crashpoints ids knowledge oversized overtaking parse reading receipts "
    "record rules sampling settling signals",
    # what people do, and the page on which they do it
    "acts": "vocabulary audits conversations decide exceptions explaining followups ids knowledge leaving loops modes "
    "reading record returns rules said_by_projects settling telling twins",
    "review": "vocabulary acts articles audits basis bounds cards clock conversations decide defects dispatch drifting "
    "explaining hiding ids knowledge leaving listening parse pec pictures promotion reading record replay rules "
    "seals settings spreadsheets telling",
    # the top
    "calling": "record signals",
    "bootstrap": "vocabulary acts basis calling clock decide decider dispatch intake knowledge reading record rules "
    "settings signals tokens",
    "learning": "vocabulary cards classify decide labelling pseudonyms rules seals",
    "supervisor": "",
    "jumps": "",
    "backup": "record",
    "metrics": "record signals",
    "silence": "",
    "quiet": "record rules silence",
    "keeping": "vocabulary record rules",
    "once": "bootstrap keeping quiet record tokens",
    "readers": "bootstrap calling intake once record sharing",
    "worker": "bootstrap calling jumps keeping knowledge metrics once quiet readers record signals supervisor",
    "demo": "",
}
KNOWS: Mapping[str, frozenset[str]] = {part: frozenset(known.split()) for part, known in _TABLE.items()}
"""What each part of the package may import of ours. The commands, at the very top, may import all."""
TOP = frozenset({"commands", "__main__", ""})

PURE_PARTS = frozenset(
    {"ages", "defects", "seals", "vocabulary", "flow", "parse", "classify", "rules", "decide", "pec", "explaining"}
    | {
        "hand_backs",
        "pseudonyms",
        "sharing",
        "silence",
        "throttling",
        "bounds",
        "drift",
        "hiding",
        "pictures",
        "spreadsheets",
    }
)
PURE_DISPATCH = frozenset(
    {
        "acknowledging",
        "address_mail",
        "answering",
        "attachments",
        "compose",
        "fields",
        "forwards",
        "links",
        "mime",
    }
    | {"policy", "redirect", "shown", "staff_letters", "staff_mail", "text_blocks", "text_page", "texts"}
)
STARTS_A_PROCESS = "triage.parse.isolated"
"""Parses one dangerous message in a child: the one pure stage's module that runs anything."""

SPEAKS = frozenset(
    {"aiosmtplib", "asyncio", "http", "imapclient", "imaplib", "multiprocessing", "psycopg", "select", "smtplib"}
    | {"socket", "sqlalchemy", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time"}
)
"""Modules that reach a network, a database, a process, a thread or a clock."""
MAY_SHOW = PURE_DISPATCH | {"text_files"}
"""Modules of ``dispatch`` that the page may know: what composes what leaves, so that it can be shown before."""
CLOCKS = re.compile(r"\b(?:datetime|date)\.(?:now|utcnow|today)\b|\btime\.(?:time|monotonic|perf_counter)\b")

LONGEST = 300


def part_of(module: str) -> str:
    """``triage.intake.reader`` belongs to the part ``intake``."""
    return [*module.split("."), ""][1]


def imports_of(path: Path) -> Iterator[str]:
    """Every module that a file names in an import, wherever the import stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written in full"
            base = node.module or ""
            yield from (f"{base}.{a.name}" if f"{base}.{a.name}" in MODULES else base for a in node.names)


def is_pure(module: str) -> bool:
    """Whether a module may only compute."""
    part, _, rest = module.removeprefix("triage.").partition(".")
    return part in PURE_PARTS or (part == "dispatch" and rest in PURE_DISPATCH)


PURE = sorted(name for name in MODULES if is_pure(name))


# --------------------------------------------------------------------------- who knows whom


@pytest.mark.parametrize(
    "name", sorted(name for name in MODULES if part_of(name) not in TOP and name != "triage.__init__")
)
def test_a_module_imports_only_what_it_may_know(name: str) -> None:
    allowed = KNOWS[part_of(name)] | {part_of(name)}
    ours = {imported for imported in imports_of(MODULES[name]) if imported.startswith("triage.")}
    assert {imported for imported in ours if part_of(imported) not in allowed} == set()


def test_the_page_composes_with_dispatch_and_sends_nothing() -> None:
    known = {i for name in MODULES if part_of(name) == "review" for i in imports_of(MODULES[name])}
    assert {i for i in known if part_of(i) == "dispatch"} <= {f"triage.dispatch.{name}" for name in MAY_SHOW}


def test_every_part_has_its_line_in_the_table_and_none_is_left_over() -> None:
    assert {part_of(name) for name in MODULES if not name.endswith("__init__")} - TOP == set(KNOWS)


def test_nothing_knows_itself_by_a_detour() -> None:
    left = dict(KNOWS)
    while left:
        free = [part for part, known in left.items() if not known & left.keys()]
        assert free, f"these know one another: {sorted(left)}"
        for part in free:
            del left[part]


# --------------------------------------------------------------------------- pure means pure


@pytest.mark.parametrize("name", PURE)
def test_a_pure_module_reaches_nothing_and_reads_no_clock(name: str) -> None:
    reached = {imported.split(".")[0] for imported in imports_of(MODULES[name])} & SPEAKS
    assert reached == ({"subprocess"} if name == STARTS_A_PROCESS else set())
    assert CLOCKS.findall(MODULES[name].read_text(encoding="utf-8")) == []


def test_the_list_of_pure_modules_names_modules_that_exist() -> None:
    assert {f"triage.dispatch.{name}" for name in PURE_DISPATCH} <= set(PURE)
    assert STARTS_A_PROCESS in PURE


def test_only_the_store_makes_engines_and_only_the_record_speaks_sql() -> None:
    makers = {name for name, path in MODULES.items() if "create_engine" in path.read_text(encoding="utf-8")}
    assert makers == {"triage.record.store"}
    speakers = {name for name in MODULES if any(i.split(".")[0] == "sqlalchemy" for i in imports_of(MODULES[name]))}
    assert {name for name in speakers if part_of(name) != "record"} == set()


def test_each_protocol_is_spoken_in_one_place() -> None:
    def users(library: str) -> set[str]:
        return {
            part_of(name)
            for name in MODULES
            if any(i == library or i.startswith(f"{library}.") for i in imports_of(MODULES[name]))
        }

    assert users("aiosmtplib") == {"dispatch"}
    assert {name for name in MODULES if "INSTREAM" in MODULES[name].read_text(encoding="utf-8")} == {
        "triage.dispatch.clamd"
    }
    assert users("imapclient") == {"intake", "demo"}
    assert users("subprocess") == {"parse"}
    assert users("urllib.request") == {"tokens"}


# --------------------------------------------------------------------------- manner


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_module_is_short_says_what_it_is_and_leaves_nothing_open(name: str) -> None:
    text = MODULES[name].read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST, "split it by what changes for one reason"
    assert ast.get_docstring(ast.parse(text)), "a module opens by saying what enters and what leaves"
    assert re.findall(r"\b(?:TODO|FIXME|XXX|HACK)\b|NotImplementedError", text) == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    said = {word for name in MODULES for word in name.split(".")}
    assert said & {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc", "core"} == set()


# --------------------------------------------------------------------------- what is delivered


def test_the_wheel_holds_every_file_of_the_package(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=60,
    )
    (wheel,) = tmp_path.glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("triage/")}
    wanted = {
        path.relative_to(ROOT).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }
    assert wanted - packed == set()
    assert {Path(name).suffix for name in wanted} >= {".py", ".yaml", ".csv", ".eml", ".mako"}


def test_the_lock_file_has_every_declared_dependency_in_a_version_that_is_allowed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = [Requirement(line) for line in project["dependencies"]]
    declared += [Requirement(line) for group in project["optional-dependencies"].values() for line in group]
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", lock, re.MULTILINE)
    locked = {canonicalize_name(name): Version(version) for name, version in pins}
    missing = [d for d in declared if locked.get(canonicalize_name(d.name), Version("0")) not in d.specifier]
    assert missing == []
    assert lock.count("--hash=sha256:") >= len(locked)
    assert "://" not in re.sub(r"^#.*", "", lock, flags=re.MULTILINE), "no package index is named in the lock"
