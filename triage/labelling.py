"""Where mail lies that people have sorted by hand, and what that says of it: ``INBOX/Crema=crema/eventi``.

Enters an administrator's words, leaves the place and the label. After the last ``=`` stands a project's code, a
comune's official name, a topic of the guide, or one of the first two and a topic with ``/`` between; nothing: no label.
Refused, with :class:`LabelError`: a word that is none of these.
"""

from __future__ import annotations

from dataclasses import dataclass

from triage.rules.areas import near, near_comune
from triage.rules.types import Rules
from triage.vocabulary import TOPICS


class LabelError(ValueError):
    """A label that means nothing; the text offers what is near."""


@dataclass(frozen=True, slots=True)
class Label:
    """What a folder says of every message in it; what it does not say is empty."""

    text: str = ""
    project: str = ""
    comune: str = ""
    topic: str = ""

    def project_under(self, rules: Rules) -> str:
        """The project that it names, or that its comune belongs to; empty: it names none."""
        return self.project or rules.project_of.get(self.comune, "")


@dataclass(frozen=True, slots=True)
class Source:
    """One place with mail. ``is_folder``: of the mailbox server; else a path."""

    where: str
    is_folder: bool
    label: Label


def source_of(text: str, rules: Rules, *, is_folder: bool) -> Source:
    """A place with its label, if one is given behind the last ``=``. Raises :class:`LabelError`."""
    where, equals, label = text.rpartition("=")
    return Source(where, is_folder, label_of(label, rules)) if equals else Source(text, is_folder, Label())


def label_of(text: str, rules: Rules) -> Label:
    """What a label means under these rules. Raises :class:`LabelError`."""
    place, slash, topic = text.strip().partition("/")
    if not slash and place in TOPICS:
        place, topic = "", place
    if topic and topic not in TOPICS:
        raise LabelError(f'"{topic}" is no topic: {near(topic, TOPICS)}.')
    if not place:
        return Label(text, topic=topic)
    if place in rules.projects:
        return Label(text, project=place, topic=topic)
    if place in rules.places:
        return Label(text, comune=place, topic=topic)
    remedy = near(place, (*rules.projects, *TOPICS), near_comune(place, rules.places))
    raise LabelError(f'"{place}" is no project, comune or topic: {remedy}.')
