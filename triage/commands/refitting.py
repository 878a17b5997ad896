"""Training anew without persons who were erased, and taking the models away that knew them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from triage.cards import MODEL_FILE, CardError, card_path, read_card
from triage.commands.opening import Opened
from triage.knowledge import known_places
from triage.labels import Passed, settled_examples
from triage.learning import train as fit_model
from triage.promotion import Known, RefusedError, keep_model, known_models, knows_erased, model_of_file
from triage.reading import ParsedMessages, pec_anchors
from triage.record.model_papers import COMPARISON, REPORT
from triage.record.person_requests import erasures_of_labelled
from triage.record.versions import remove_models
from triage.rules import load_rules

SEED = 20261125


@dataclass(frozen=True, slots=True)
class Refitted:
    """What was done. ``in_force``: a model that must go and decides still; ``trained``: what may take its place."""

    trained: str = ""
    removed: tuple[str, ...] = ()
    in_force: str = ""


def models_that_know(service: Opened) -> list[Known]:
    """Models in the record that may have learnt from somebody who was erased since."""
    with service.store.read("models") as tx:
        return [one for one in known_models(tx) if one.to_train_anew]


def file_that_knows(service: Opened) -> Path | None:
    """The service's model file, where it is such a model."""
    path = service.settings.model_path
    try:
        card = read_card(card_path(path).read_bytes())
    except (OSError, CardError):
        return None
    with service.store.read("erasures") as tx:
        return path if knows_erased(card, None, erasures_of_labelled(tx)) else None


def refit(service: Opened, examples: Path, out: Path, by: str) -> Refitted:
    """Train without them if the model in force knew them, and remove the others that did.

    The new one waits in the record until somebody promotes it; said again after that, the old one goes as well.
    Raises what :func:`triage.learning.train` raises, and ``RefusedError`` while an erasure is under way.
    """
    with service.store.read("erasures") as tx:
        if any(one.ended_at is None for one in erasures_of_labelled(tx)):
            raise RefusedError("An erasure was cut off: say it again first, then --refit. No model was touched.")
    found = models_that_know(service)
    current = next((one.version for one in found if one.in_force_since is not None), "")
    trained = (_waiting(service) or _train(service, examples, out, by)) if current else ""
    gone = tuple(one.version for one in found if one.version != current)
    with service.store.write("remove models", by) as tx:
        remove_models(tx, gone, (REPORT, COMPARISON))
    return Refitted(trained, gone, current)


def _waiting(service: Opened) -> str:
    """A model that read the record after the last erasure and was not promoted yet."""
    with service.store.read("models") as tx:
        ends = [one.ended_at for one in erasures_of_labelled(tx) if one.ended_at is not None]
        found = [
            one.version
            for one in known_models(tx)
            if not one.to_train_anew and one.card is not None and one.card.read_at is not None
            if one.card.read_at >= max(ends)
        ]
    return found[0] if found else ""


def _train(service: Opened, examples: Path, out: Path, by: str) -> str:
    rules = load_rules(service.settings.rules_path, known_places())
    read_at = service.store.clock.now()
    told = settled_examples(service.store, rules, ParsedMessages(pec_anchors(service.settings)), Passed())
    fit_model(
        examples, out, rules=rules, seed=SEED, progress=lambda _done, _total, _what: None, settled=told, read_at=read_at
    )
    model = model_of_file(out / MODEL_FILE)
    with service.store.write("keep model", by) as tx:
        keep_model(tx, model)
    return model.version
