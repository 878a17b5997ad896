"""Messages in, classifications out: places, topic, danger, language, machine or person.

Enters a batch of ``InboundMessage``, leaves one ``Classification`` each, in order. Pure: no clock,
no I/O after loading, the same batch gives the same answers, and a message's answer does not depend
on its neighbours. Nothing is refused: a message that a part cannot judge gets that part's "I do not
know" and a reason that says so, because deciding must go on and hold it for a person.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from triage.classify.acceptance import acceptance_of, signs
from triage.classify.artefact import ArtefactError, digest, load_weights
from triage.classify.automatic import Automatic
from triage.classify.concepts import find_concepts
from triage.classify.folding import fold
from triage.classify.language import DEFAULT, detect_language
from triage.classify.locating import locate
from triage.classify.not_read import not_read
from triage.classify.phrases import cut
from triage.classify.prepare import Prepared, prepare, without_machine
from triage.classify.second import find_second, second_requests
from triage.classify.territory import HOME, Gazetteer, PlaceRanker, load_gazetteer, score_places, unlisted_names
from triage.classify.territory.heard import heard_names
from triage.classify.topics import TopicModel, Weights, favour_not_for_us, find_signs
from triage.classify.under_headers import of_a_person, reads_as_bulk
from triage.classify.unread import READ_LETTERS, unread, unread_part, without
from triage.classify.urgency import UrgencyCues, find_cues, judge_urgency, said_in
from triage.vocabulary import NOT_FOR_US, Classification, InboundMessage, Reason

PERHAPS_DANGER = 0.10
"""Of the probability that makes a message urgent so much is enough for it not to be forwarded unread: dangers
told in a whisper are the surest wrong forwards. Of an earlier model, out of fold, 0.05 of its 0.35 let half as many
pass as twice the value would, and held one forward in twenty more."""
PERHAPS_AUTOMATIC = 0.05
"""Probability of a machine from which nobody is answered automatically."""

VERSION_LENGTH = 12
"""How many hexadecimal digits of the artefact's SHA-256 make the model version."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A classification with what its trust was judged by; training reads both."""

    classification: Classification
    signs: Mapping[str, float]
    urgent: float
    """The head's probability of danger."""
    automatic: float


class Classifier:
    """Immutable once built; may be shared between threads."""

    def __init__(self, weights: Weights, gazetteer: Gazetteer, version: str) -> None:
        self.version = version
        self._model = TopicModel(weights)
        self._gazetteer = gazetteer
        self._ranker = PlaceRanker(weights.places, gazetteer)

    def classify(self, messages: Sequence[InboundMessage]) -> list[Classification]:
        """One classification for each message, in order; the vectorisers run once for the batch."""
        prepared = [prepare(message, self._gazetteer) for message in messages]
        return [judged.classification for judged in self.judge(messages, prepared)]

    def judge(self, messages: Sequence[InboundMessage], prepared: Sequence[Prepared]) -> list[Judged]:
        """The same for messages that are prepared already, with the signs of each."""
        if not messages:
            return []
        rows = self._model.rows([one.topic_text for one in prepared])
        machines = [number for number, one in enumerate(prepared) if one.automatic.answers_nothing]
        topics = favour_not_for_us(self._model.topic_probabilities(rows), machines, self._model.weights.topics)
        urgent = self._model.urgent_probabilities(rows)
        # Header fields of a machine weigh against danger, but people's words may stand under them.
        under = [number for number, one in enumerate(prepared) if one.automatic.automatic and not one.automatic.reports]
        bulk = set()
        if under:
            said = self._model.rows([without_machine(prepared[number].topic_text) for number in under])
            urgent[under] = np.maximum(urgent[under], self._model.urgent_probabilities(said))
            bulk = self._bulk(under, said)
        automatic = self._model.automatic_probabilities(rows)
        return [
            self._compose(
                message,
                prepared[position],
                rows[position],
                [float(value) for value in topics[position]],
                float(urgent[position]),
                float(automatic[position]),
                like_bulk=position in bulk,
            )
            for position, message in enumerate(messages)
        ]

    def _compose(
        self,
        message: InboundMessage,
        prepared: Prepared,
        row: sp.csr_matrix,
        topic_probabilities: Sequence[float],
        urgent_probability: float,
        automatic_probability: float,
        *,
        like_bulk: bool,
    ) -> Judged:
        weights = self._model.weights
        by_rules = score_places(prepared.places, self._gazetteer)
        territory = self._ranker.rank(message, prepared.places, by_rules)
        best = max(range(len(weights.topics)), key=lambda number: topic_probabilities[number])
        reasons = [*territory.reasons, *prepared.automatic.reasons]
        # A carrier that is known to bring people's words (a form, a PEC envelope) silences the head.
        carried = any(reason.code.startswith("persona_") for reason in prepared.automatic.reasons)
        by_head = (
            not prepared.automatic.automatic and not carried and (automatic_probability >= weights.automatic_threshold)
        )
        if by_head:
            reasons.append(Reason("automatico_model", {"probability": round(automatic_probability, 2)}))
        elif not prepared.automatic.automatic and automatic_probability >= PERHAPS_AUTOMATIC:
            reasons.append(Reason("forse_automatico", {"probability": round(automatic_probability, 2)}))
        urgency = judge_urgency(prepared.cues, urgent_probability, weights.urgent_threshold)
        # What header fields prove to be a machine's calls nobody: but group mailboxes and answering programs put such
        # fields on people's words too, so open danger in it waits for a person, neither forwarded nor filed unseen.
        of_person = of_a_person(message, prepared.automatic, like_bulk=like_bulk)
        urgent = urgency.urgent and (not prepared.automatic.proved or bool(of_person))
        if urgent:
            reasons.extend(urgency.reasons)
        elif self._may_hide_danger(prepared.automatic, prepared.cues, urgent_probability) or self._cries_below(
            message, prepared.automatic
        ):
            reasons.append(Reason("pericolo_non_escluso", {"probability": round(urgent_probability, 2)}))
            reasons.extend(said_in(prepared.cues.raised))
        known = self._model.known_share(prepared.topic_text)
        if unread(prepared, known) and not prepared.automatic.proved:
            # Words that nobody here can read are no proof of advertising, nor that nobody is in danger.
            reasons.append(Reason("lingua_non_letta", {"code": prepared.language.code}))
            topic_probabilities = without(topic_probabilities, weights.topics.index(NOT_FOR_US))
            best = max(range(len(weights.topics)), key=lambda number: topic_probabilities[number])
        elif not prepared.automatic.reports and unread_part(message, prepared, self._model.knows):
            reasons.append(Reason("parte_non_letta"))
        reasons.extend(not_read(message, proved=prepared.automatic.proved))
        reasons.extend(of_person)
        reasons.extend(self._unlisted(message, prepared))
        reasons.extend(self._topic_reasons(message, prepared, row, best, topic_probabilities[best]))
        topic_scores = dict(zip(weights.topics, topic_probabilities, strict=True))
        if not prepared.automatic.automatic:
            reasons.extend(second_requests(message, weights.topics[best], topic_scores))
        language = prepared.language
        reasons.append(Reason("lingua", {"code": language.code, "confidence": round(language.confidence, 2)}))
        found = signs(
            message,
            prepared.places,
            territory,
            topic_scores,
            urgent_probability,
            automatic_probability,
            (language.code, language.confidence),
            known,
            prepared.topic_text.extras,
        )
        classification = Classification(
            comune_scores=territory.comune_scores,
            outside=territory.outside,
            unstated=territory.unstated,
            several=territory.several,
            places=prepared.places,
            topic=weights.topics[best],
            topic_scores=topic_scores,
            urgent=urgent,
            alert=urgent and urgency.alert,
            language=language.code,
            language_confidence=language.confidence,
            automatic=prepared.automatic.automatic or by_head,
            automatic_proved=prepared.automatic.proved,
            reasons=tuple(reasons),
            model_version=self.version,
            acceptance=acceptance_of(weights.acceptance, found),
        )
        return Judged(classification, found, urgent_probability, automatic_probability)

    def _bulk(self, under: Sequence[int], said: sp.csr_matrix) -> set[int]:
        """Which of these messages read, without their header fields, like a letter to many."""
        topics = self._model.topic_probabilities(said)[:, self._model.weights.topics.index(NOT_FOR_US)]
        machines = self._model.automatic_probabilities(said)
        return {
            number
            for number, machine, topic in zip(under, machines, topics, strict=True)
            if reads_as_bulk(float(machine), float(topic))
        }

    def _may_hide_danger(self, automatic: Automatic, cues: UrgencyCues, probability: float) -> bool:
        if automatic.reports:
            return False
        return (
            bool(cues.raised)
            or cues.explicit
            or cues.crowded
            or probability >= PERHAPS_DANGER * self._model.weights.urgent_threshold
        )

    def _cries_below(self, message: InboundMessage, automatic: Automatic) -> bool:
        """Danger told below the name, which the parser takes for a signature."""
        below = (("signature", message.signature[:READ_LETTERS]),)
        return bool(message.signature) and not automatic.reports and bool(find_cues(below).raised)

    def _unlisted(self, message: InboundMessage, prepared: Prepared) -> list[Reason]:
        """Names that may be the family's place, where no home and no desk is known: only a school's, say."""
        if not prepared.places or any(place.weight > HOME for place in prepared.places):
            return []
        return [
            Reason("nome_sconosciuto", {"where": where, "start": start, "end": end})
            for where, text in (("subject", message.subject), ("text", message.new_text))
            for start, end in unlisted_names(text, self._gazetteer)
            if not self._model.knows(fold(text[start:end]))
        ]

    def _topic_reasons(
        self, message: InboundMessage, prepared: Prepared, row: sp.csr_matrix, topic: int, probability: float
    ) -> list[Reason]:
        name = self._model.weights.topics[topic]
        reasons = [Reason("argomento", {"topic": name, "probability": round(probability, 2)})]
        texts = {"subject": fold(message.subject), "text": fold(message.new_text)}
        for field, word, weight in self._model.weighty_words(prepared.topic_text, row, topic, _WEIGHTY):
            span = locate(field, word, texts)
            if span is not None:
                where, start, end = span
                reasons.append(
                    Reason(
                        "argomento_parole",
                        {"topic": name, "where": where, "start": start, "end": end, "weight": round(weight, 3)},
                    )
                )
        return reasons


def load_classifier(artefact: bytes | Path, *, expected_sha256: str | None = None) -> Classifier:
    """A classifier from an artefact written by training.

    Raises :class:`~triage.classify.artefact.ArtefactError` when the octets are no such model, name
    a type that could run code, or have another SHA-256 than expected; ``OSError`` for an unreadable
    path. Everything that is loaded lazily elsewhere is loaded here, so the first message is not slow.
    """
    octets = artefact if isinstance(artefact, bytes) else artefact.read_bytes()
    found = digest(octets)
    if expected_sha256 is not None and found != expected_sha256.lower():
        raise ArtefactError("the model file is not the one that was registered: its SHA-256 differs")
    with _no_garbage_collection():
        weights = load_weights(octets)
        sentence = "una frase qualunque per caricare gli elenchi e i dati della lingua"
        find_signs(sentence)
        find_concepts(cut(sentence), DEFAULT)
        find_cues((("text", sentence),))
        find_second(sentence)
        detect_language(sentence)
        gazetteer = load_gazetteer()
        heard_names(gazetteer)
        return Classifier(weights, gazetteer, found[:VERSION_LENGTH])


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Very many objects are made that all stay: looking for garbage meanwhile took a fifth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


_WEIGHTY = 6
