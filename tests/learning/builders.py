"""Answers made by hand, and a small set of labelled messages that teaches something."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.decide.builders import classification, message
from triage.classify import Classifier
from triage.classify.classifier import Judged
from triage.classify.examples import Example, read_examples
from triage.classify.fitting import Labelled, fit, group_kindred
from triage.classify.fitting_places import PlaceExample, fit_places, place_example
from triage.classify.prepare import Prepared, prepare
from triage.classify.territory import load_gazetteer
from triage.knowledge import known_places
from triage.learning.answers import Answer
from triage.rules import Rules, load_rules
from triage.vocabulary import NOBODY, STAFF, Action, Decision, Reason

RULES_PATH = Path(__file__).parents[2] / "routing_rules.yaml"
SHIPPED: Rules = load_rules(RULES_PATH, known_places())


def ignore(done: int, total: int, what: str) -> None:
    """Progress that nobody watches."""


# --------------------------------------------------------------------------- answers by hand

_TRUTH: Mapping[str, Any] = {
    "identity": "t-1",
    "writer": "w1",
    "situation": "s1",
    "batch": "t",
    "topic": "ascolto",
    "urgent": False,
    "language": "it",
    "automatic": False,
    "territory": "crema",
    "comune": "Crema",
    "destination": "crema",
    "winning": (),
}
_GIVEN: Mapping[str, Any] = {
    "action": Action.FORWARD,
    "destination": "crema",
    "territory": "crema",
    "topic": "ascolto",
    "urgent": False,
    "language": "it",
    "automatic": False,
    "acknowledge": True,
    "confidence": 0.97,
    "project": "crema",
    "address_key": "default",
    "forward_path": "crema@project.example",
    "rules_tried": (),
    "reasons": (Reason("territorio", {"territory": "crema"}),),
    "rules_version": "r",
    "model_version": "m",
}


def made(*, alert: bool = False, signs: Mapping[str, float] | None = None, **changes: Any) -> Answer:
    """A right forward to Crema; ``true_topic=...`` changes the label, ``topic=...`` the answer."""
    truth = {name.removeprefix("true_"): value for name, value in changes.items() if name.startswith("true_")}
    truth |= {name: changes[name] for name in ("identity", "writer", "situation", "batch") if name in changes}
    given = {name: value for name, value in changes.items() if name in _GIVEN}
    assert truth.keys() | given.keys() >= {name.removeprefix("true_") for name in changes}
    judged = Judged(classification(alert=alert), signs or {"b": 1.0}, 0.01, 0.01)
    return Answer(Example(message=message(), **{**_TRUTH, **truth}), judged, Decision(**{**_GIVEN, **given}))


# --------------------------------------------------------------------------- messages that teach

_ASKED: tuple[tuple[str, str, bool, bool], ...] = (
    ("orientamento", "che orari fate e dove siete di preciso, serve un appuntamento?", False, False),
    ("genitorialita", "mio figlio di due anni non dorme e fa i capricci, cerco un corso per genitori", False, False),
    ("ascolto", "ci stiamo separando e vorrei un colloquio con una psicologa per me", False, False),
    ("laboratori", "vorrei iscrivere mia figlia al laboratorio di ceramica, ci sono ancora posti?", False, False),
    ("eventi", "mi segnate alla serata sul cyberbullismo, ci saranno le slide del relatore?", False, False),
    ("ascolto", "mio marito mi picchia, ieri sera di nuovo davanti ai bambini", True, False),
    ("altro_servizio", "a che punto è la mia domanda di bonus nido, serve l'isee nuovo?", False, False),
    ("non_pertinente", "sconto su tutto il catalogo, clicca qui e annulla l'iscrizione", False, True),
)
_HOMES = (
    ("Crema", "crema"),
    ("Mantova", "mantova"),
    ("Ostiglia", "ostiglia"),
    ("Viadana", "oglio_po"),
    ("Castiglione delle Stiviere", "alto_mantovano"),
    ("Casalmaggiore", "oglio_po"),
    ("Pandino", "crema"),
    ("Roncoferraro", "mantova"),
)
_GREETINGS = ("buongiorno", "salve", "gentili signori", "ciao", "spettabile ufficio", "buonasera", "egregi", "scusate")


def labelled_messages(writers: int = 14) -> list[dict[str, Any]]:
    """Eight messages of each of so many writers, each from one town, as lines of a training file."""
    return [_line(writer, number, asked) for writer in range(writers) for number, asked in enumerate(_ASKED)]


def _line(writer: int, number: int, asked: tuple[str, str, bool, bool]) -> dict[str, Any]:
    topic, text, urgent, automatic = asked
    comune, project = _HOMES[(writer + number) % len(_HOMES)]
    place = "" if automatic else f" Abitiamo a {comune}."
    staff = urgent or topic == "altro_servizio"
    return {
        "id": f"t-{writer:02}-{number}",
        "writer": f"w{writer:02}",
        "situation": f"w{writer:02}-{number}",
        "batch": "t",
        "from_name": "",
        "subject": "",
        "text": f"{_GREETINGS[writer % len(_GREETINGS)]}, {text}.{place}",
        "quoted": "",
        "signature": "",
        "headers": {"Auto-Submitted": "auto-generated"} if automatic else {},
        "argomento": topic,
        "urgente": urgent,
        "lingua": "it",
        "automatico": automatic,
        "territorio": "non_indicato" if automatic else project,
        "comune": "" if automatic else comune,
        "destinazione": NOBODY if automatic else STAFF if staff else project,
        "mentions": [] if automatic else [{"where": "text", "text": comune, "role": "residence", "wins": True}],
    }


def write_lines(folder: Path, lines: Sequence[Mapping[str, Any]]) -> Path:
    """Write them as one file of JSON lines and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (folder / "batch_t.jsonl").write_text(text, encoding="utf-8")
    return folder


class Lesson:
    """Examples made ready as training makes them."""

    def __init__(self, folder: Path, lines: Sequence[Mapping[str, Any]]) -> None:
        gazetteer = load_gazetteer()
        self.examples: tuple[Example, ...] = read_examples(write_lines(folder, lines))[0]
        self.prepared: list[Prepared] = [prepare(one.message, gazetteer) for one in self.examples]
        self.groups = group_kindred([one.writer for one in self.examples], [one.situation for one in self.examples])
        self.labelled = [
            Labelled(made.topic_text, one.topic, one.urgent, one.automatic, one.writer, group)
            for made, one, group in zip(self.prepared, self.examples, self.groups, strict=True)
        ]
        self.places: list[PlaceExample] = [
            place_example(one, made.places, gazetteer) for one, made in zip(self.examples, self.prepared, strict=True)
        ]


def whole(lesson: Lesson) -> Classifier:
    """A model of all messages, as one is shipped."""
    gazetteer = load_gazetteer()
    return Classifier(replace(fit(lesson.labelled), places=fit_places(lesson.places, gazetteer)), gazetteer, "whole")
