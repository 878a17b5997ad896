"""From labelled messages to a model, its card and its report: ``train``, ``evaluate``.

Knows the pure stages that it teaches and measures; nothing that runs in service imports it.
"""

from triage.cards import CARD_FILE, MODEL_FILE
from triage.learning.training import ModelCard, train

__all__ = ["CARD_FILE", "MODEL_FILE", "ModelCard", "train"]
