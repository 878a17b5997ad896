"""Takes out of a message who it is about, and leaves what it is about: for examples to learn from. Pure.

``pseudonymised`` gives the same message with readable placeholders instead of persons, addresses, numbers and dates of
birth. Places stay, and so do the words of the topic and of danger. Not anonymous: a story can tell who tells it.
"""

from triage.pseudonyms.message import pseudonymised
from triage.pseudonyms.text import Kind, Masks, Span

__all__ = ["Kind", "Masks", "Span", "pseudonymised"]
