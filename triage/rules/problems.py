"""What is wrong with a rules file, said so that the administrator can mend it.

Messages name lines, keys and the administrator's own values; they never hold anything from mail.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a rules file: where (line counts from 1), what, and what to do about it."""

    file: str
    line: int
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}. Remedy: {self.remedy}."


class RulesError(ValueError):
    """A rules file that cannot be used; carries every problem found, in order of lines.

    A configuration failure: do not start, or go on with the last good version (exit code 2).
    """

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))
