"""The modes in force: the rules file's own, with the page's switches laid over them.

In: rules as the file has them, and the record's switches. Out: rules whose projects have the mode in force, so that
whoever asks for a mode asks in the place where it always stood.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from triage.record.modes import ModeSwitch
from triage.rules.types import Rules
from triage.vocabulary import Mode


def with_modes(rules: Rules, switches: Mapping[str, ModeSwitch], *, restored: bool = False) -> Rules:
    """The same rules under the modes in force; the same object where no switch is.

    ``restored``: the record was made from a backup, and until somebody says so nothing leaves by itself.
    """
    if restored:
        projects = {code: replace(project, mode=Mode.SHADOW) for code, project in rules.projects.items()}
        return replace(rules, projects=projects, acknowledgements=replace(rules.acknowledgements, enabled=False))
    changed = {
        code: replace(project, mode=switch.mode)
        for code, project in rules.projects.items()
        if (switch := switches.get(code)) is not None and _holds(switch, project.mode) and switch.mode != project.mode
    }
    return replace(rules, projects={**rules.projects, **changed}) if changed else rules


def unless_restored(file_mode: Mode, switch: ModeSwitch | None) -> Mode:
    """The mode that holds for a project without regard to a restoration."""
    return switch.mode if switch is not None and _holds(switch, file_mode) else file_mode


def _holds(switch: ModeSwitch, file_mode: Mode) -> bool:
    """A file that says something else than it did then is the newer word; *ombra* in the file is always the last."""
    return file_mode is switch.file_mode and file_mode is not Mode.SHADOW
