"""What a message is about: ``load_classifier(artefact)`` once, then ``Classifier.classify(batch)``.

The classifier's libraries take seconds to load; wording a reason needs none of them, so they are
imported when a name of theirs is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from triage.classify.artefact import ArtefactError
    from triage.classify.classifier import Classifier, load_classifier

__all__ = ["ArtefactError", "Classifier", "load_classifier"]

_MODULES = {"ArtefactError": "artefact", "Classifier": "classifier", "load_classifier": "classifier"}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(name)
    return getattr(import_module(f"triage.classify.{_MODULES[name]}"), name)
