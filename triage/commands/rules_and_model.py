"""Rules and model from their files, for commands that need no record."""

from __future__ import annotations

from triage.classify import ArtefactError, Classifier, load_classifier
from triage.commands.opening import MISCONFIGURED, fail
from triage.knowledge import known_places
from triage.rules import Rules, load_rules
from triage.settings import Settings


def load_both(settings: Settings) -> tuple[Rules, Classifier]:
    """Both, or one sentence and exit code 2; rules that cannot be used raise ``RulesError``."""
    rules = load_rules(settings.rules_path, known_places())
    try:
        return rules, load_classifier(settings.model_path)
    except OSError as error:
        fail(
            f"The model {settings.model_path} cannot be read ({type(error).__name__}). "
            "Set TRIAGE_MODEL, or make one with 'triage train'.",
            MISCONFIGURED,
        )
    except ArtefactError as error:
        fail(f"{settings.model_path}: {error}. Set TRIAGE_MODEL, or make a model with 'triage train'.", MISCONFIGURED)
