"""A model's life in the record: found, promoted, rolled back; each act by a person, with an audit row.

Enters a file or the name of a version, leaves what every worker uses from its next look on. Refused,
with :class:`RefusedError`: a model without its own card, one that this program cannot use, one that has
been altered, and a second promotion within a week unless the person insists.
"""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from triage.cards import CARD_FILE, Card, CardError, card_path, read_card
from triage.classify import ArtefactError, Classifier, load_classifier
from triage.classify.artefact import digest
from triage.record import Transaction
from triage.record.identity import MODEL, current_version, keep_version, version_content
from triage.record.person_requests import RequestRow, erasures_of_labelled
from triage.record.versions import (
    CARD,
    How,
    Step,
    hold_current,
    keep_card,
    line,
    put_in_force,
    steps,
    stored_versions,
)

CURRENT = "current"
"""Names the model in force wherever a version is asked for."""
PAUSE = timedelta(days=7)
"""A model's answers must be seen for a while before the next one comes (design, decision 10)."""
_SHORTEST = 4
_LONGEST_WHY = 500


class RefusedError(Exception):
    """The act was not done; the text says why and what a person can do."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model that this program can use. ``card`` is None where ``trouble`` says what is wrong with it."""

    version: str
    octets: bytes
    classifier: Classifier
    card: Card | None
    trouble: str


@dataclass(frozen=True, slots=True)
class Known:
    """One line of the list of models."""

    version: str
    sha256: str
    intact: bool
    """Whether the octets are still those that the version is named after."""
    imported_at: datetime
    card: Card | None
    in_force_since: datetime | None
    previous: bool
    """Whether a roll-back would bring it back."""
    to_train_anew: bool
    """Whether it may have learnt from the mail of somebody who was erased since."""
    last: Step | None
    """How it last came into force, and by whom."""


def model_of_file(path: Path) -> Model:
    """The model of a file and the card beside it. Raises :class:`RefusedError`."""
    try:
        octets = path.read_bytes()
    except OSError as error:
        raise RefusedError(f"{path} cannot be read ({type(error).__name__}).") from None
    try:
        card = card_path(path).read_bytes()
    except OSError:
        card = None
    return _model(
        octets, card, str(path), f"has no card: {CARD_FILE} must stand beside it, as 'triage train' writes it"
    )


def model_of_record(tx: Transaction, name: str) -> Model:
    """The model of a version, of the beginning of its name, or of ``current``. Raises :class:`RefusedError`."""
    version = _version(tx, name)
    octets = version_content(tx, MODEL, version) or b""
    if digest(octets)[: len(version)] != version:
        raise RefusedError(f"Version {version} is not what was imported: its octets have changed. Check the disk.")
    missing = "has no card in the record: promote its file, with the card beside it"
    return _model(octets, version_content(tx, CARD, version), f"Version {version}", missing)


def keep_model(tx: Transaction, model: Model) -> None:
    """Have a model and its card in the record without putting it in force."""
    keep_version(tx, MODEL, model.octets, model.version)
    if model.card is not None:
        keep_card(tx, model.version, model.card.octets)


def promote(
    tx: Transaction,
    model: Model,
    *,
    why: str = "",
    anyway: bool = False,
    instead_of: str | None = None,
    compared: int | None = None,
) -> str | None:
    """Put a model in force, for all workers; its predecessor's version, or None when it is in force already.

    ``compared``: on how many messages it was compared with ``instead_of``, which must still be in force.
    Raises :class:`RefusedError`.
    """
    if model.card is None:
        raise RefusedError(f"{model.version} {model.trouble}. Nothing was changed.")
    hold_current(tx, MODEL)
    before = current_version(tx, MODEL)
    if instead_of not in (None, before):
        raise RefusedError(f"{before} has come into force while the models were compared. Compare again.")
    if before != model.version and not anyway:
        if knows_erased(model.card, None, erasures_of_labelled(tx)):
            raise RefusedError(
                f"{model.version} may have learnt from somebody whose mail was erased since: train anew, "
                "'triage erase --refit DIR', or insist: --anyway --why TEXT. Nothing was changed."
            )
        _refuse_haste(steps(tx, MODEL), tx.now)
    keep_model(tx, model)
    if before == model.version:
        return None
    put_in_force(tx, MODEL, model.version, How.PROMOTED, why=why[:_LONGEST_WHY], compared=compared)
    return before


def roll_back(tx: Transaction, *, why: str = "") -> tuple[str, str]:
    """One step back on the line of what was in force: the versions left and entered. Raises :class:`RefusedError`."""
    hold_current(tx, MODEL)
    found = line(steps(tx, MODEL))
    if len(found) < 2:
        raise RefusedError("No model was in force before this one: there is nothing to go back to.")
    left, entered = found[-1], found[-2]
    model_of_record(tx, entered)  # refuses what was altered, or what this program cannot use
    put_in_force(tx, MODEL, entered, How.ROLLED_BACK, why=why[:_LONGEST_WHY])
    return left, entered


def known_models(tx: Transaction, sums: MutableMapping[str, str] | None = None) -> tuple[Known, ...]:
    """Every model in the record, the newest first; ``sums``: hashes found before, which are believed and added to."""
    sums = {} if sums is None else sums
    taken = steps(tx, MODEL)
    last = {step.version: step for step in taken}
    before = line(taken)[-2:-1]
    current = current_version(tx, MODEL)
    erased = erasures_of_labelled(tx)
    found = []
    for stored in stored_versions(tx, MODEL):
        if stored.version not in sums:
            sums[stored.version] = digest(version_content(tx, MODEL, stored.version) or b"")
        sha256 = sums[stored.version]
        step = last.get(stored.version)
        card = _card_in_record(tx, stored.version)
        found.append(
            Known(
                version=stored.version,
                sha256=sha256,
                intact=sha256.startswith(stored.version),
                imported_at=stored.imported_at,
                card=card,
                in_force_since=step.at if step is not None and stored.version == current else None,
                previous=stored.version in before,
                to_train_anew=knows_erased(card, stored.imported_at, erased),
                last=step,
            )
        )
    return tuple(found)


def knows_erased(card: Card | None, imported_at: datetime | None, erased: Iterable[RequestRow]) -> bool:
    """Whether a model may have learnt from messages that were erased after it read the record.

    A card tells the days of what was learnt, not the messages: whoever was labelled between these days counts. One of
    an earlier release does not say when the record was read: at the latest when the model was imported, if it was.
    """
    if card is None or not card.from_record or card.earliest is None or card.latest is None:
        return False
    read_at = card.read_at or imported_at
    return any(
        one.labelled_from is not None
        and one.labelled_to is not None
        and one.labelled_from <= card.latest
        and one.labelled_to >= card.earliest
        and (read_at is None or one.ended_at is None or read_at < one.ended_at)
        for one in erased
    )


def _model(octets: bytes, card: bytes | None, what: str, missing: str) -> Model:
    try:
        classifier = load_classifier(octets)
    except ArtefactError as error:
        raise RefusedError(f"{what} cannot be used: {error}.") from None
    found, trouble = None, missing
    if card is not None:
        try:
            found, trouble = read_card(card), ""
        except CardError as error:
            trouble = f"has a card that cannot be read ({error})"
    if found is not None and not found.is_of(octets):
        trouble = (
            f"has the card of another model (SHA-256 {found.sha256[:12]}...; the file's is {digest(octets)[:12]}...)"
        )
        found = None
    return Model(classifier.version, octets, classifier, found, trouble)


def _version(tx: Transaction, name: str) -> str:
    if name == CURRENT:
        current = current_version(tx, MODEL)
        if not current:
            raise RefusedError("No model is in force yet.")
        return current
    known = [stored.version for stored in stored_versions(tx, MODEL)]
    found = [version for version in known if version == name] or [
        version for version in known if len(name) >= _SHORTEST and version.startswith(name.lower())
    ]
    if len(found) != 1:
        what = "several models begin so" if found else "there is no such file, and no such version in the record"
        raise RefusedError(f"{name}: {what}. 'triage models list' shows the versions.")
    return found[0]


def _refuse_haste(taken: Sequence[Step], now: datetime) -> None:
    recent = [step for step in taken if step.how is How.PROMOTED and now - step.at < PAUSE]
    if recent:
        raise RefusedError(
            f"{recent[-1].version} was promoted on {recent[-1].at:%Y-%m-%d}, less than {PAUSE.days} days ago: too "
            "early to know how it does. Wait, go back with 'triage models rollback', or insist: --anyway --why TEXT."
        )


def _card_in_record(tx: Transaction, version: str) -> Card | None:
    octets = version_content(tx, CARD, version)
    try:
        return None if octets is None else read_card(octets)
    except CardError:
        return None
