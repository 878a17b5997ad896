"""The rules and the model in force: versioned in the record, imported from their files.

Every worker uses the record's current versions, so the last good ones survive a restart and a
broken file. A file that cannot be used opens an incident and changes nothing. Nor do rules of a
version that others have replaced, as on a machine whose files were not brought up to date: they come
into force again only by a change seen while running, or when a person says so (``adopt``). A model file
comes into force by itself only where the record has no model that can be used; else a person promotes it
(design, decision 10).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from triage.basis import NothingInForceError as NothingInForceError
from triage.cards import CardError, card_path, read_card
from triage.classify import ArtefactError, Classifier, load_classifier
from triage.classify.artefact import digest
from triage.classify.territory import comuni
from triage.classify.territory.tables import rows
from triage.modes import with_modes
from triage.record import Store, Transaction
from triage.record.address_tests import confirmed_addresses
from triage.record.areas import ticked_comuni
from triage.record.identity import (
    MODEL,
    RULES,
    current_version,
    import_version,
    is_superseded,
    keep_version,
    version_content,
)
from triage.record.incidents import close_incident, close_incidents, open_incident
from triage.record.modes import ModeSwitch, end_outdated, switches
from triage.record.restored import is_restored
from triage.record.versions import keep_card
from triage.rules import Rules, RulesError, load_rules, parse_rules
from triage.rules.types import Project
from triage.vocabulary import Mode

log = logging.getLogger("triage.knowledge")

FILE = "file"
"""The subject of incidents: whatever the file is called."""
LOOK = 1.0
"""Seconds for which the versions in force are taken as unchanged."""


@dataclass(frozen=True, slots=True)
class InForce:
    """The rules and the classifier that decide now."""

    rules: Rules
    """Under the modes in force (``triage.modes``)."""
    classifier: Classifier
    file_modes: Mapping[str, Mode] = field(default_factory=dict)
    """By project the mode that the rules file says."""


def known_places() -> Mapping[str, str]:
    """Every comune's official name with its ambito, as the rules file may use them."""
    return {name: comune.ambito for name, comune in comuni().items()}


def with_confirmed(rules: Rules, confirmed: Collection[tuple[str, str, str]]) -> Rules:
    """The rules with these addresses (project, key, address) confirmed, whatever the file says of them."""
    projects = {
        code: replace(
            project,
            addresses={
                key: replace(one, confirmed=one.confirmed or (code, key, one.to) in confirmed)
                for key, one in project.addresses.items()
            },
        )
        for code, project in rules.projects.items()
    }
    return replace(rules, projects=projects)


def confirmed_in_record(tx: Transaction, rules: Rules) -> Rules:
    """The rules with what the record confirms: addresses whose test mail somebody answered, comuni that are ticked."""
    return with_ticked(with_confirmed(rules, confirmed_addresses(tx)), ticked_comuni(tx))


@cache
def unsure_places() -> frozenset[str]:
    """Comuni whose ambito is likely and not certain: what ATS has to confirm of its projects' areas."""
    return frozenset(row["comune"] for row in rows("comuni.csv") if row["confidence"] != "sure")


def with_ticked(rules: Rules, ticked: Collection[tuple[str, str]]) -> Rules:
    """The rules with these comuni (project, comune) confirmed as their projects'; the same object where none is."""
    projects = {
        code: replace(project, comuni_confirmed=project.comuni_confirmed | {name for of, name in ticked if of == code})
        for code, project in rules.projects.items()
    }
    return replace(rules, projects=projects) if ticked else rules


def likely_places(rules: Rules, project: Project) -> frozenset[str]:
    """Comuni of a project's area that by the sources are only likely to belong to it."""
    own = frozenset(comune for comune, code in rules.project_of.items() if code == project.code)
    return unsure_places() & own


def unconfirmed_places(rules: Rules, project: Project) -> frozenset[str]:
    """Comuni of a project's area that are only likely to belong to it, and that ATS has not confirmed."""
    if project.area_confirmed:
        return frozenset()
    return likely_places(rules, project) - project.comuni_confirmed


class Knowledge:
    """Keeps rules and classifier loaded and follows their changes; safe from any thread."""

    def __init__(self, store: Store, rules_path: Path, model_path: Path, *, adopt: bool = False) -> None:
        """``adopt``: the files as they are now come into force, even if others have replaced them."""
        self._adopt = adopt
        self._store = store
        self._rules_path = rules_path
        self._model_path = model_path
        self._lock = threading.Lock()
        self._rules: Rules | None = None
        self._confirmed: frozenset[tuple[str, str, str]] = frozenset()
        self._ticked: frozenset[tuple[str, str]] = frozenset()
        self._chosen: Mapping[str, ModeSwitch] = {}
        self._restored = False
        self._classifier: tuple[str, Classifier] | None = None
        self._current: InForce | None = None
        self._look_at = 0.0
        self._read: dict[Path, tuple[int, int]] = {}
        self._versions: dict[str, str] = {}

    def import_files(self) -> tuple[str, ...]:
        """Import what has changed on disk; one sentence for each file that cannot be used."""
        troubles = []
        for kind, path in ((RULES, self._rules_path), (MODEL, self._model_path)):
            trouble = self._import(kind, path) if self._has_changed(path) else None
            if trouble is not None:
                troubles.append(trouble)
        self._adopt = False  # said of this start, not of what may come
        return tuple(troubles)

    def in_force(self) -> InForce:
        """What decides now, loaded at most once a version; raises :class:`NothingInForceError`.

        The record is asked at most once in :data:`LOOK` seconds.
        """
        now = self._current
        if now is None:
            self._lock.acquire()
        elif time.monotonic() < self._look_at or not self._lock.acquire(blocking=False):
            # Nobody waits for who looks: it may wait for a connection that somebody has who would wait here.
            return now
        try:
            return self._look()
        finally:
            self._lock.release()

    def _look(self) -> InForce:
        """Load what has changed; with the lock."""
        if self._current is not None and time.monotonic() < self._look_at:
            return self._current
        with self._store.read("versions in force") as tx:
            versions = {kind: current_version(tx, kind) for kind in (RULES, MODEL)}
            confirmed, ticked = confirmed_addresses(tx), ticked_comuni(tx)
            chosen, restored = switches(tx), is_restored(tx)
            rules = self._rules
            if rules is None or rules.version != versions[RULES]:
                content = version_content(tx, RULES, versions[RULES])
                rules = self._parse(content) if content is not None else None
            known = self._classifier
            if known is None or known[0] != versions[MODEL]:
                content = version_content(tx, MODEL, versions[MODEL])
                known = (versions[MODEL], load_classifier(content)) if content is not None else None
        if rules is None or known is None:
            missing = "routing rules" if rules is None else "model"
            raise NothingInForceError(f"No usable {missing}: neither in the file nor in the record.")
        before = (self._rules, self._classifier, self._confirmed, self._ticked, self._chosen, self._restored)
        if self._current is None or (rules, known, confirmed, ticked, chosen, restored) != before:
            # The same objects as long as nothing changes: callers keep what they have built for them.
            modes = {code: project.mode for code, project in rules.projects.items()}
            in_force = with_modes(with_ticked(with_confirmed(rules, confirmed), ticked), chosen, restored=restored)
            self._current = InForce(in_force, known[1], modes)
        self._rules, self._classifier, self._confirmed, self._chosen = rules, known, confirmed, chosen
        self._ticked, self._restored = ticked, restored
        self._look_at = time.monotonic() + LOOK
        return self._current

    def look_again(self) -> None:
        """What is in force was just changed in this process: the next to ask sees it."""
        with self._lock:
            self._look_at = 0.0

    def _import_model(self, path: Path, content: bytes, version: str) -> None:
        usable = self._usable_model(version)
        with self._store.write("import") as tx:
            close_incidents(tx, MODEL)
            self._look_at = 0.0
            keep_version(tx, MODEL, content, version)
            card = _card_of(path, content)
            if card is not None:
                keep_card(tx, version, card)
            imported = (not usable or self._adopt) and import_version(tx, MODEL, content, version)
        if imported:
            log.info("version in force", extra={"action": "imported", "kind": MODEL, "version": version})
        elif usable not in ("", version):
            log.warning(
                f"{path} is version {version}, which waits for a person: {usable} stays in force until "
                f"'triage models promote {version}'.",
                extra={"action": "model_waits", "version": version},
            )

    def _usable_model(self, known: str) -> str:
        """The version in force, if this program can use it (a file of an older format it cannot); else "".

        ``known`` is a version that has been tried already.
        """
        with self._store.read("model in force") as tx:
            current = current_version(tx, MODEL)
            content = version_content(tx, MODEL, current) if current != known else None
        if content is None:
            return current
        try:
            load_classifier(content)
        except ArtefactError:
            return ""
        return current

    def _parse(self, content: bytes) -> Rules:
        return parse_rules(content.decode("utf-8"), str(self._rules_path), known_places())

    def _has_changed(self, path: Path) -> bool:
        try:
            status = path.stat()
            stamp = (status.st_mtime_ns, status.st_size)
        except OSError:
            stamp = (0, 0)
        changed = self._read.get(path) != stamp
        self._read[path] = stamp
        return changed

    def _import(self, kind: str, path: Path) -> str | None:
        try:
            if kind == RULES:
                rules = load_rules(path, known_places())
                content, version = rules.text.encode("utf-8"), rules.version
            else:
                content = path.read_bytes()
                load_classifier(content)
                version = digest(content)[:12]
        except (RulesError, ArtefactError, OSError) as error:
            text = str(error) if not isinstance(error, OSError) else f"{path} cannot be read ({type(error).__name__})"
            with self._store.write("import refused") as tx:
                open_incident(tx, kind, FILE, text)
            return text
        if kind == MODEL:
            self._import_model(path, content, version)
            return None
        # A file that was only touched, or is read for the first time, is no wish to go back.
        changed = self._versions.get(kind) not in (None, version)
        self._versions[kind] = version
        with self._store.write("import") as tx:
            close_incidents(tx, kind)
            self._look_at = 0.0
            if is_superseded(tx, kind, version) and not (changed or self._adopt):
                text = _superseded(path, version, current_version(tx, kind))
                open_incident(tx, f"{kind}_superseded", path.name, text)
                return text
            close_incident(tx, f"{kind}_superseded", path.name)
            if import_version(tx, kind, content, version):
                end_outdated(tx, {code: project.mode for code, project in rules.projects.items()})
                log.info("version in force", extra={"action": "imported", "kind": kind, "version": version})
        return None


def _card_of(path: Path, model: bytes) -> bytes | None:
    """The card beside a model file, if there is one and it is this model's."""
    try:
        card = read_card(card_path(path).read_bytes())
    except (OSError, CardError):
        return None
    return card.octets if card.is_of(model) else None


def _superseded(path: Path, version: str, current: str) -> str:
    return (
        f"{path} is version {version}, which version {current} has replaced: {current} stays in force. Bring the file "
        f"up to date; if the older one is wanted, start once with --adopt-files."
    )
