"""What the service thinks of a message, how sure it is and why: sentences for staff, with names in the place of codes.

In: a decision, the message, the rules. Out: whole sentences. How sure stands everywhere in the words of
``words.likely_word``, never as a number: two scales beside one another contradict each other. Danger is never weighed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from triage.explaining import sentence, word_all_holds, word_hold, word_reasons
from triage.review import words
from triage.review.rule_words import language_name
from triage.rules import Rules
from triage.vocabulary import NOBODY, OUTSIDE, SEVERAL, UNCOVERED, UNSTATED, Decision, InboundMessage, Reason

BEHIND = frozenset({"regola_applicata", "archiviata", "lingua", "urgente", "senza_urgenza", "luoghi_in_gara"})
"""What only concerns the rules file, or stands elsewhere on a message's page."""
_PLACES: Mapping[str, str] = {
    UNSTATED: "La zona non è indicata.",
    UNCOVERED: "Il comune non ha un centro.",
    OUTSIDE: "Il luogo è fuori dal territorio di ATS.",
    SEVERAL: "Ci sono più zone insieme.",
}
_NUMBERS = frozenset({"probability", "score", "second_score", "confidence", "threshold"})
_NAMED = {"territory": "score", "topic": "probability"}
"""What the service may be more or less sure of, and the number that says how much."""


def thinks(decision: Decision | None, rules: Rules) -> str:
    """Where the message belongs, in two sentences."""
    if decision is None:
        return "Il servizio non l'ha valutato."
    topic = f"Argomento: {words.topic_name(decision.topic)}."
    if decision.project:
        return f"Centro proposto: {words.project_name(rules, decision.project)}. {topic}"
    if decision.destination == NOBODY:
        return f"Forse non serve rispondere. {topic}"
    if decision.destination in rules.projects:
        return f"Centro della zona: {words.project_name(rules, decision.destination)}. {topic}"
    place = _PLACES.get(decision.territory, f"Zona: {words.territory_name(rules, decision.territory)}.")
    return f"Serve una persona. {place} {topic}"


def sure(decision: Decision | None) -> str:
    """How sure it is of that."""
    if decision is None:
        return ""
    if decision.urgent:
        return "Non conta quanto è sicuro: se c'è un possibile pericolo, lo legge sempre una persona."
    enough = all(reason.code != "fiducia_bassa" for reason in decision.reasons)
    return words.sureness(decision.confidence, enough=enough) + "."


def waits_because(code: str, decision: Decision | None, rules: Rules) -> str:
    """Every reason for which it waits."""
    named = replace(decision, reasons=_named(decision, rules)) if decision is not None else None
    return word_all_holds(code, named) or sentence(word_hold(code))


def why(
    decision: Decision | None, message: InboundMessage | None, rules: Rules, besides: frozenset[str] = BEHIND
) -> tuple[str, ...]:
    """A sentence for each reason; those in ``besides`` are left out."""
    if decision is None or message is None:
        return ()
    named = _named(decision, rules, besides)
    return tuple(dict.fromkeys(word_reasons(replace(decision, reasons=named), message)))


def _named(decision: Decision, rules: Rules, besides: frozenset[str] = frozenset()) -> tuple[Reason, ...]:
    return tuple(_with_names(one, rules) for one in decision.reasons if one.code not in besides)


def _with_names(reason: Reason, rules: Rules) -> Reason:
    params = {name: value for name, value in reason.params.items() if name not in _NUMBERS}
    for name in ("territory", "first", "second"):
        if name in params:
            params[name] = words.territory_name(rules, str(params[name]))
    if "topic" in params:
        params["topic"] = words.topic_name(str(params["topic"]))
    for name in ("project", "destination"):
        if params.get(name):
            params[name] = words.project_name(rules, str(params[name]))
    for name in ("language", "code"):
        if params.get(name):
            params[name] = language_name(str(params[name]))
    for name, number in _NAMED.items():
        if reason.code in ("territorio", "argomento") and name in params and number in reason.params:
            params[name] = f"{params[name]}, {words.likely_word(float(reason.params[number]))}"
    return replace(reason, params=params)
