"""What a message is about: ``load_classifier(artefact)`` once, then ``Classifier.classify(batch)``."""

from triage.classify.artefact import ArtefactError
from triage.classify.classifier import Classifier, load_classifier

__all__ = ["ArtefactError", "Classifier", "load_classifier"]
