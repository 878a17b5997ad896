"""Figures of models, comparisons and changes of the mail in Italian: what is measured, and which way is better."""

from __future__ import annotations

import re
from collections.abc import Mapping

from triage.drifting import REST, Change, Drift
from triage.review.rule_words import language_name
from triage.review.words import territory_name, topic_name
from triage.rules import Rules

FIGURES: Mapping[str, tuple[str, str]] = {
    "destination": ("Destinazione giusta", "su tutti i messaggi, anche quelli che aspettano una persona"),
    "gate": ("A chi spetta: un centro, una persona, nessuno", "su tutti i messaggi"),
    "territory": ("Zona giusta", "su tutti i messaggi"),
    "topic": ("Argomento giusto", "su tutti i messaggi"),
    "language": ("Lingua giusta", "su tutti i messaggi"),
    "automatic_right": ("Persona o programma: giusto", "su tutti i messaggi"),
    "automatic_found": ("Messaggi di programmi: riconosciuti", "sui messaggi di programmi"),
    "automatic_false": ("Persone prese per programmi", "sui messaggi di persone; meno è meglio"),
    "urgent_found": ("Possibile pericolo: trovati", "sui messaggi in cui c'era"),
    "urgent_false_alarms": ("Possibile pericolo: falsi allarmi", "sui messaggi in cui non c'era; meno è meglio"),
    "alert_found": ("Avviso al reperibile: dati", "sui messaggi in cui c'era un pericolo"),
    "alert_false": ("Avviso al reperibile: falsi allarmi", "sui messaggi in cui non c'era; meno è meglio"),
    "coverage": ("Inoltrati senza una persona", "sui messaggi che spettano a un centro"),
    "forwarded_wrong": ("Inoltri sbagliati", "sui messaggi inoltrati senza una persona; meno è meglio"),
    "filed_persons": (
        "Persone archiviate senza che nessuno le legga",
        "sui messaggi archiviati da soli; meno è meglio",
    ),
    "acknowledged_machines": ("Programmi a cui si risponderebbe", "sui messaggi di programmi; meno è meglio"),
}
"""Every measure of a card in the order of the page, and of which messages it is a share."""

VERDICTS: Mapping[str, str] = {
    "unsafe": "Non è da mettere in vigore: peggiora in qualcosa che non deve peggiorare.",
    "better": "È migliore, e in niente risulta peggiore.",
    "worse": "È peggiore, e in niente risulta migliore.",
    "mixed": "È migliore in qualcosa e peggiore in altro: va deciso da una persona.",
    "equal": "Nessuna differenza certa: quelle che si vedono possono essere un caso.",
}
OUTCOMES: Mapping[str, str] = {
    "better": "migliore",
    "worse": "peggiore",
    "no difference shown": "nessuna differenza certa",
}
HOW: Mapping[str, str] = {
    "imported": "Caricato dal file",
    "promoted": "Messo in vigore",
    "rolled_back": "Rimesso in vigore",
}
CHANGES: Mapping[Change, str] = {
    Change.NONE: "non è cambiato niente di importante",
    Change.SOME: "è cambiato qualcosa",
    Change.MUCH: "è cambiato molto",
}
DRIFT_NAMES: Mapping[str, str] = {
    "argomenti": "Argomenti",
    "zone": "Zone",
    "lingue": "Lingue",
    "fiducia": "Quanto il modello è sicuro",
}
_BANDS = ("meno di 50 %", "da 50 a 80 %", "da 80 a 90 %", "da 90 a 95 %", "95 % e più")


def percent(share: float | None) -> str:
    """``87,0 %``; a dash where there is no share."""
    return "–" if share is None else f"{100 * share:.1f} %".replace(".", ",")


def drift_value(drift: Drift, value: str, rules: Rules) -> str:
    """A value of one property in words."""
    if value == REST:
        return "altri, rari"
    if drift.name == "argomenti":
        return topic_name(value)
    if drift.name == "zone":
        return territory_name(rules, value)
    return _BANDS[int(value)] if drift.name == "fiducia" else language_name(value)


_RIVALS = {"champion": "Il modello in vigore", "challenger": "Questo modello"}
_CAUTIONS = (
    (
        re.compile(r"the (\w+) has no card: .*"),
        "{0} non ha la sua scheda: non si sa se ha imparato da questi messaggi.",
    ),
    (
        re.compile(r"the (\w+) learnt from (.*): its answers there are no test"),
        "{0} ha imparato anche da {1}: lì le sue risposte non dimostrano niente.",
    ),
    (
        re.compile(r"(\d+) messages are not later than the last correction the (\w+) learnt \((.*)\)"),
        "{0}: {1} messaggi non sono più recenti dell'ultima correzione da cui ha imparato ({2}).",
    ),
)
"""What a comparison says of its own messages (``learning.comparison``), and the same for staff."""


def caution_words(text: str) -> str:
    """Why a comparison's messages may be no fair test; what is not known stays as it was written."""
    for pattern, words in _CAUTIONS:
        if found := pattern.fullmatch(text):
            rival, *others = sorted(found.groups(), key=lambda one: one not in _RIVALS)
            return words.format(_RIVALS.get(rival, rival), *others)
    return text
