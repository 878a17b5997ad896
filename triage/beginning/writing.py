"""The files of a first start: settings, secrets apart from them, rules. What is there is replaced on purpose alone.

Enters the answers and a folder, leaves files: ``triage.env``, which a shell and systemd both read; one file for each
secret, readable by its owner alone; ``routing_rules.yaml``. The old one is kept beside it, but for a secret.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from triage.beginning.answering import Answers
from triage.beginning.questions import Kind
from triage.beginning.rules_text import rules_text
from triage.keyfile import new_key, written

SETTINGS, RULES, SECRETS, KEY = "triage.env", "routing_rules.yaml", "secrets", "record_key"
_BARE = re.compile(r"[A-Za-z0-9_@%+=:,./-]*")
_HEAD = """\
# Settings of the service, written by "triage init". For a shell:  set -a; . {path}; set +a
# For the shipped systemd units some lines of it stay behind: docs/deploy.md says which.
# Secrets stand in files of their own, which only their owner may read.
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One file as it shall be. ``secret``: only its owner may read it, and it is shown to nobody."""

    path: Path
    text: str
    secret: bool

    @property
    def exists(self) -> bool:
        """Whether something is there, whatever it is."""
        return self.path.is_symlink() or self.path.exists()

    @property
    def same(self) -> bool:
        """Whether it is there already with this very content."""
        return self.path.is_file() and self.path.read_bytes() == self.text.encode()

    def difference(self) -> str:
        """What would change, line by line; of a secret only that it would."""
        if self.secret or not self.path.is_file():
            return f"{self.path}: it holds something else.\n"
        old = self.path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
        new = self.text.splitlines(keepends=True)
        return "".join(difflib.unified_diff(old, new, str(self.path), f"{self.path} (as answered)", n=1))


def wanted_files(answers: Answers, folder: Path, model: Path) -> tuple[Wanted, ...]:
    """Everything that is to be written, the settings last: they name the other files."""
    folder = folder.absolute()
    rules = Wanted(folder / RULES, rules_text(answers.shipped, answers.given), False)
    lines = [("TRIAGE_RULES", str(rules.path)), ("TRIAGE_MODEL", str(model.absolute()))]
    secrets = []
    for key, question in answers.asked.items():
        if not question.variable or not answers.given[key]:
            continue
        if question.kind is Kind.SECRET:
            path = folder / SECRETS / question.variable.removeprefix("TRIAGE_").lower()
            secrets.append(Wanted(path, answers.given[key] + "\n", True))
            lines.append((f"{question.variable}_FILE", str(path)))
        else:
            lines.append((question.variable, answers.given[key]))
    if answers.given["lock_record"] == "yes":
        path = folder / SECRETS / KEY
        # A key that is there already may be the only one that opens a record.
        secrets.append(Wanted(path, path.read_text("utf-8") if path.is_file() else written([new_key()]), True))
        lines.append(("TRIAGE_KEY_FILE", str(path)))
    settings = folder / SETTINGS
    text = _HEAD.format(path=settings) + "".join(f"{name}={_quoted(value)}\n" for name, value in lines)
    return (rules, *secrets, Wanted(settings, text, False))


def write(files: Sequence[Wanted]) -> None:
    """Write those that are not there yet as they shall be; raises ``OSError``.

    What a file replaces is kept beside it with ``.before`` at its end; a secret is not kept.
    """
    for file in files:
        if file.same:
            continue
        file.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = file.path.with_name(f".{file.path.name}.new")
        fresh.unlink(missing_ok=True)
        # Made with its rights, so that nobody can open it in between.
        rights = 0o600 if file.secret else 0o640
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, rights), "wb") as out:
            out.write(file.text.encode())
            out.flush()
            os.fsync(out.fileno())
        if file.exists and not file.secret:
            file.path.replace(file.path.with_name(f"{file.path.name}.before"))
        fresh.replace(file.path)


def _quoted(value: str) -> str:
    # Single quotes mean the same to a shell and to systemd; an apostrophe was refused when it was answered.
    return value if _BARE.fullmatch(value) else f"'{value}'"
