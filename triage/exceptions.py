"""What a person taught with a settlement, applied to a message that is like the one that taught. Pure.

In: a decision as the rules and the model have it, the message, what was taught. Out: the decision that holds, and the
exception that made it. Never over urgency or a possible danger, never over where a message comes from or what shape it
is in, and never over the gate: a project in *proposta* or an unconfirmed address holds as ever (design, decision 10).
"Never again from this sender" files no clear request for a centre: a person reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from triage.decide import territory_of
from triage.decide.territory import RIVAL
from triage.record.exceptions import ExceptionKind, Taught
from triage.rules.types import Rules
from triage.vocabulary import (
    NOBODY,
    OUTSIDE,
    PROJECT_TOPICS,
    SEVERAL,
    SPECIAL_TERRITORIES,
    UNSTATED,
    Action,
    Classification,
    Decision,
    InboundMessage,
    Mode,
    Reason,
)

APPLIED = "eccezione"
NEVER_BUT_A_CENTRE = "mai_piu_con_centro"
"""Holds what a rule against its sender would have filed, though it is a clear request for a centre."""
_ONLY_MODE = frozenset({"modo_ombra", "modo_proposta", "indirizzo_non_confermato"})
_NEVER_OVER = frozenset(
    {"urgente", "forse_pericolo", "pericolo_non_escluso", "da_noi", "dal_progetto", "troppi_passaggi"}
    | {"difetti_gravi", "posta_indesiderata"}
)

_PLACES = ("luogo_", "fuori_provincia", "cap_", "prefisso_", "solo_area_ampia", "nome_ambiguo")
"""How the codes begin of a message that names some place, known to us or not."""


def excepted(
    decision: Decision,
    message: InboundMessage,
    classification: Classification,
    sender_key: str,
    taught: Sequence[Taught],
    rules: Rules,
) -> tuple[Decision, Taught | None]:
    """The decision under the first exception that fits; ``taught`` in order, those of other senders are passed over."""
    if classification.urgent or classification.alert or decision.urgent or decision.action is Action.FILE:
        return decision, None
    if must_be_read(decision) or any(reason.code in _NEVER_OVER for reason in classification.reasons):
        return decision, None
    words = plain(f"{message.subject}\n{message.new_text}")
    for one in taught:
        if one.kind != ExceptionKind.PHRASE and one.sender_key != sender_key:
            continue
        if one.kind == ExceptionKind.NEVER:
            if is_sure_of_a_centre(decision):
                return _read_first(decision, one), None
            if rules.service.mode is not Mode.SHADOW:
                return _filed(decision, one), one
            continue
        known = one.project in rules.projects and one.address_key in rules.projects[one.project].addresses
        fits = one.kind == ExceptionKind.SENDER or (bool(one.phrase) and plain(one.phrase) in words)
        # A complaint, say, goes on to a person, unless it was a complaint that taught.
        alike = decision.topic in PROJECT_TOPICS or decision.topic == one.read_topic
        same = known and fits and alike and not classification.automatic
        if same and is_same_place(one, decision, classification, rules):
            return _forwarded(decision, one, rules), one
    return decision, None


def is_sure_of_a_centre(decision: Decision) -> bool:
    """Whether nothing but a project's mode or address keeps the message from a centre: no advertisement looks so."""
    if not decision.project:
        return False
    if decision.action is Action.FORWARD:
        return True
    return bool(decision.holds) and all(reason.code in _ONLY_MODE for reason in decision.holds)


def must_be_read(decision: Decision) -> bool:
    """Whether a person has to read the message, whatever was taught."""
    return decision.urgent or any(reason.code in _NEVER_OVER for reason in decision.reasons)


def is_one_of_two_places(decision: Decision) -> bool:
    """Whether it was not sure which of two places the message speaks of; not whether it speaks of any."""
    return any(
        reason.code == "luoghi_in_gara" and reason.params.get("second", UNSTATED) != UNSTATED
        for reason in decision.reasons
    )


def is_same_place(one: Taught, decision: Decision, classification: Classification, rules: Rules) -> bool:
    """Whether the message speaks of a place that the rule holds for; a place that is not known is never the same.

    Nor is one of two that it may speak of: which of them, a person decides.
    A sender's next message may also say nothing of place: then it is about the place that is known of that sender.
    """
    sender = one.kind == ExceptionKind.SENDER
    if decision.territory == UNSTATED:
        return sender and knows_place(one) and not _names_a_place(classification)
    if territory_of(classification, rules).has_rival_place():
        return False
    comune, territory = most_likely_comune(decision, classification), decision.territory
    comuni = {settled_comune(one)} | ({known_read(one)} if sender else set())
    areas = {one.territory} | ({one.read_territory} if sender and not known_read(one) else set())
    return (bool(comune) and comune in comuni) or territory in areas - set(SPECIAL_TERRITORIES)


def settled_comune(one: Taught) -> str:
    """The comune of the settlement that taught: as the person gave it, or as it was read and left as it was."""
    return one.comune or (known_read(one) if one.territory == one.read_territory else "")


def known_read(one: Taught) -> str:
    """The comune that was read in what taught; empty where that was not the place, or one of several."""
    return "" if one.read_territory in (UNSTATED, OUTSIDE, SEVERAL) else one.read_comune


def knows_place(one: Taught) -> bool:
    """Whether the rule holds for any place at all; a phrase, which strangers write too, needs a comune."""
    if one.kind == ExceptionKind.PHRASE:
        return bool(settled_comune(one))
    return bool(one.comune or known_read(one)) or one.territory not in SPECIAL_TERRITORIES


def most_likely_comune(decision: Decision, classification: Classification) -> str:
    """The comune that a message speaks of; empty where it names none of ours, several, or one of two."""
    scores = classification.comune_scores
    likely = sorted(scores, key=lambda name: (-scores[name], name))
    if decision.territory in (UNSTATED, OUTSIDE, SEVERAL) or not likely:
        return ""
    return "" if len(likely) > 1 and scores[likely[1]] >= RIVAL else likely[0]


def _names_a_place(classification: Classification) -> bool:
    return any(reason.code.startswith(_PLACES) for reason in classification.reasons)


def plain(text: str) -> str:
    """Words for comparing: small letters, one blank between them."""
    return " ".join(text.casefold().split())


def _forwarded(decision: Decision, one: Taught, rules: Rules) -> Decision:
    address = rules.projects[one.project].addresses[one.address_key]
    return replace(
        decision,
        action=Action.FORWARD,
        destination=one.project,
        topic=decision.topic if decision.topic in PROJECT_TOPICS else one.topic,
        confidence=1.0,
        project=one.project,
        address_key=one.address_key,
        forward_path=address.to,
        reasons=(Reason(APPLIED, {"exception": one.id, "project": one.project}), *decision.reasons),
    )


def _read_first(decision: Decision, one: Taught) -> Decision:
    return replace(
        decision,
        action=Action.HOLD,
        reasons=(Reason(NEVER_BUT_A_CENTRE, {"exception": one.id}), *decision.reasons),
    )


def _filed(decision: Decision, one: Taught) -> Decision:
    return replace(
        decision,
        action=Action.FILE,
        destination=NOBODY,
        acknowledge=False,
        project="",
        address_key="",
        forward_path="",
        reasons=(
            Reason(APPLIED, {"exception": one.id}),
            Reason("archiviata", {"folder": "not_for_us"}),
            *decision.reasons,
        ),
    )
