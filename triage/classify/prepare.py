"""Makes one message ready for the trained models: places and the sender's name masked, words folded, shape noted.

Enters an ``InboundMessage`` with what was found in it (places, machine or person, language, danger
cues), leaves a ``TopicText``. Training and classifying both come through here, so they cannot differ.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from triage.classify.automatic import Automatic, judge_automatic
from triage.classify.folding import fold
from triage.classify.language import Language, detect_language
from triage.classify.personal_names import without_sender_name
from triage.classify.placeholders import without_placeholders
from triage.classify.territory import Gazetteer, find_places, mask_places
from triage.classify.topics import TopicText, make_topic_text
from triage.classify.urgency import UrgencyCues, find_cues
from triage.vocabulary import InboundMessage, PlaceMention


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that is known of a message before the models speak."""

    places: tuple[PlaceMention, ...]
    automatic: Automatic
    language: Language
    cues: UrgencyCues
    topic_text: TopicText


def prepare(message: InboundMessage, gazetteer: Gazetteer) -> Prepared:
    """Never raises on any message that ``parse`` can build."""
    places = find_places(message, gazetteer)
    automatic = judge_automatic(message)
    language = detect_language(message.new_text if message.new_text.strip() else message.subject)
    cues = find_cues((("subject", message.subject), ("text", message.new_text)))
    sender = without_sender_name(message.author.display_name[:_SUBJECT], message.signature[:_SIGNATURE])
    texts = {
        "subject": _masked(message.subject[:_SUBJECT], "subject", places),
        "text": _own_words(message, places),
        "signature": without_placeholders(sender),
        "quoted": _masked(message.quoted_text[:_QUOTED], "quoted", places),
    }
    topic_text = make_topic_text(texts, language.code, _shape(message, automatic, language), cues.features())
    return Prepared(places, automatic, language, cues, topic_text)


_SUBJECT = 300
_SIGNATURE = 1_500
_TEXT = 12_000
_QUOTED = 2_000
_FEW_WORDS = 12
_REPLY = re.compile(r"\s*(?:re|r|rif|aw|sv)\s*:", re.IGNORECASE)
_URL = re.compile(r"https?://|www\.", re.IGNORECASE)


def _own_words(message: InboundMessage, places: Sequence[PlaceMention]) -> str:
    text = _masked(message.new_text[:_TEXT], "text", places)
    # "ok grazie, a giovedì" has its thread's topic (guide, section 2), and only the thread tells it.
    if message.quoted_text and len(message.new_text.split()) < _FEW_WORDS:
        text += "\n" + _masked(message.quoted_text[:_SIGNATURE], "quoted", places)
    return text


def _masked(text: str, where: str, places: Sequence[PlaceMention]) -> str:
    mentions = tuple(place for place in places if place.where == where and place.end <= len(text))
    return without_placeholders(fold(mask_places(text, mentions)))


def _shape(message: InboundMessage, automatic: Automatic, language: Language) -> Mapping[str, float]:
    text = message.new_text[:_TEXT]
    words = len(text.split())
    letters = [character for character in text if character.isalpha()]
    names = [f"words{_bucket(words, (0, 5, 20, 60, 150, 300))}", f"links{_bucket(len(_URL.findall(text)), (0, 1, 3))}"]
    if language.code != "it":
        names.append("foreign")
    if automatic.automatic:
        names.append("machine")
    if automatic.proved:
        names.append("machine_proved")
    if automatic.answers_nothing:
        names.append("answers_nothing")
    names.extend(f"why:{reason.code}" for reason in automatic.reasons)
    if message.is_forward:
        names.append("forward")
    if message.quoted_text or _REPLY.match(message.subject):
        names.append("reply")
    if message.attachments:
        names.append("attachments")
    if message.signature.strip():
        names.append("signature")
    if "?" in text:
        names.append("question")
    if "!" in text:
        names.append("exclamation")
    if len(letters) > 30 and sum(map(str.isupper, letters)) > 0.6 * len(letters):
        names.append("capitals")
    return dict.fromkeys(names, 1.0)


def without_machine(text: TopicText) -> TopicText:
    """The same without what the shape says of a machine: as if a person had sent these words."""
    extras = {name: value for name, value in text.extras.items() if not name.startswith(_OF_MACHINES)}
    return TopicText(text.words, extras)


_OF_MACHINES = ("machine", "answers_nothing", "why:")


def _bucket(count: int, limits: Sequence[int]) -> str:
    for limit in limits:
        if count <= limit:
            return f"<={limit}"
    return f">{limits[-1]}"
